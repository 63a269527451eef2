"""The application over raw ASGI: its own pages, readiness by the database, upkeep, and its lifespan."""

import asyncio
import gc
import json
import signal
from contextlib import asynccontextmanager, suppress
from typing import Self
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.edges.serving import chat
from tokenhouse import settings as settings_of
from tokenhouse.edges import listening, server
from tokenhouse.errors import StartRefused
from tokenhouse.flow import clockwork
from tokenhouse.settings import Settings, Upstream


class Wire:
    """What lies between a server and its database; it can be cut, held up, and mended."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        self._user, self._database = parts.username, parts.path
        self._place = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.{parse_qs(parts.query)['port'][0]}"
        self._open = set()
        self._whole, self._flows = True, asyncio.Event()
        self._flows.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.dsn = f"postgresql://{self._user}@127.0.0.1:{port}{self._database}?sslmode=disable"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()

    def cut(self) -> None:
        self._whole = False
        for one in self._open:
            one.transport.abort()

    def mend(self) -> None:
        self._whole = True
        self._flows.set()

    def hold_up(self) -> None:
        self._flows.clear()

    async def _joined(self, said: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if not self._whole:
            back.transport.abort()
            return
        answers, there = await asyncio.open_unix_connection(self._place)
        self._open |= {back, there}
        await asyncio.gather(self._pass_on(said, there), self._pass_on(answers, back))

    async def _pass_on(self, said: asyncio.StreamReader, on: asyncio.StreamWriter) -> None:
        try:
            while data := await said.read(65_536):
                await self._flows.wait()
                on.write(data)
        except ConnectionError:
            pass
        finally:
            on.close()


async def asked(app, path="/", method="GET", body=b"", **headers):
    """Return status, headers and body of one request."""
    said = asyncio.Queue()
    said.put_nowait({"type": "http.request", "body": body, "more_body": False})
    heard = []

    async def send(message):
        heard.append(message)

    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": told, "query_string": b""}
    await app(scope, said.get, send)
    start, *rest = heard
    names = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], names, b"".join(one.get("body", b"") for one in rest)


@pytest.fixture
async def app(database, tmp_path, clock):
    built = server.build(Settings(database_url=database, home=tmp_path), clock=clock)
    async with built.opened():
        yield built


@asynccontextmanager
async def wired(database, tmp_path):
    """Give an open application and the wire to its database."""
    async with Wire(database) as wire:
        built = server.build(Settings(database_url=wire.dsn, home=tmp_path, retry_s=0))
        async with built.opened():
            yield built, wire
            wire.mend()


async def test_the_first_page_says_what_this_is_and_where_things_are(app):
    status, headers, body = await asked(app)
    assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert all(path in body.decode() for _, path, _ in server.PLACES)
    _, _, korean = await asked(app, accept_language="fr, ko-KR;q=0.9")
    assert "토큰 은행" in korean.decode()


async def test_a_browser_is_led_to_the_pages(app):
    for path in ("/", "/app"):
        status, headers, _ = await asked(app, path, accept="text/html,*/*")
        assert (status, headers["location"]) == (303, "/app/")


async def test_every_place_that_the_first_page_names_is_there(app):
    for method, path, _ in server.PLACES:
        status, _, _ = await asked(app, path, method)
        assert status in (200, 401), path


async def test_own_pages_are_guarded(app):
    for path in ("/", "/health", "/ready", "/nothing"):
        _, headers, _ = await asked(app, path)
        assert headers | dict(server.GUARDED) == headers
        assert headers["content-length"].isdecimal()


async def test_health_and_readiness(app):
    status, _, body = await asked(app, "/health")
    assert (status, json.loads(body)["status"]) == (200, "ok")
    status, _, body = await asked(app, "/ready")
    assert (status, json.loads(body)["status"]) == (200, "ready")


@pytest.mark.parametrize("path", ["/", "/app", "/app/", "/app/history", "/health", "/ready", "/metrics"])
async def test_a_page_is_read_and_takes_nothing_else(app, path):
    whole, head = await asked(app, path), await asked(app, path, "HEAD")
    assert (head[0], head[2]) == (whole[0], b"")
    assert head[1].keys() == whole[1].keys()
    status, headers, body = await asked(app, path, "OPTIONS")
    assert (status, headers["allow"], body) == (204, "GET, HEAD, OPTIONS", b"")
    assert "content-length" not in headers
    for method in ("POST", "PUT", "DELETE", "TRACE"):
        status, headers, body = await asked(app, path, method, accept_language="ko")
        said = json.loads(body)
        assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert (said["code"], said["type"]) == (
            "method_not_allowed",
            "urn:tokenhouse:error:method_not_allowed",
        )
        assert said["title"] == "쓸 수 없는 메서드입니다"
        assert method in said["detail"]


@pytest.mark.row("E7")
@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("OPTIONS", "/nothing"), ("GET", "/v1")])
async def test_what_is_not_there_is_a_problem_in_the_readers_language(app, method, path):
    status, headers, body = await asked(app, path, method, accept_language="ko")
    said = json.loads(body)
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    assert (said["status"], said["code"], said["path"]) == (404, "not_found", path)
    assert "없습니다" in said["detail"]


@pytest.mark.row("E6")
async def test_the_gateway_stands_under_v1(app):
    status, _, body = await asked(app, "/v1/chat/completions", "POST", json.dumps(chat()).encode())
    assert status == 401
    assert json.loads(body)["error"]["code"] == "invalid_api_key"
    status, _, body = await asked(app, "/v1/messages", "POST", b"{}")
    assert (status, json.loads(body)["error"]["type"]) == (401, "authentication_error")


async def test_a_fault_of_ours_is_recorded_and_not_told(app, monkeypatch, caplog):
    async def broken() -> str:
        raise ZeroDivisionError("the secret of the house")

    monkeypatch.setattr(app._house, "ready", broken)
    status, _, body = await asked(app, "/ready")
    assert (status, b"secret" in body) == (500, False)
    assert "the secret of the house" in caplog.text


@pytest.mark.row("E2")
async def test_it_is_ready_when_its_database_is(database, tmp_path):
    async with wired(database, tmp_path) as (app, wire):
        assert (await asked(app, "/ready"))[0] == 200
        wire.cut()
        status, _, body = await asked(app, "/ready")
        assert (status, json.loads(body)["code"]) == (503, "database_trouble")
        assert b"127.0.0.1" not in body
        assert (await asked(app, "/health"))[0] == 200
        wire.mend()
        assert (await asked(app, "/ready"))[0] == 200


async def test_a_database_that_hangs_is_not_ready_and_is_asked_once(database, tmp_path, monkeypatch):
    monkeypatch.setattr(server, "READY_WITHIN_S", 0.1)
    async with wired(database, tmp_path) as (app, wire):
        wire.hold_up()
        answers = await asyncio.gather(*(asked(app, "/ready") for _ in range(20)))
        assert {status for status, _, _ in answers} == {503}
        assert [one.get_name() for one in asyncio.all_tasks()].count("tokenhouse ready") == 1
        wire.mend()

        async def ready() -> bool:
            return (await asked(app, "/ready"))[0] == 200

        await comes(ready)


async def comes(what) -> None:
    """Return as soon as something is so."""
    async with asyncio.timeout(10):
        while not await what():  # noqa: ASYNC110 -- the database has no event to wait for
            await asyncio.sleep(0.01)


@pytest.mark.row("E3")
async def test_upkeep_brings_back_what_a_dead_process_held(database, tmp_path, clock, monkeypatch):
    monkeypatch.setattr(clockwork, "TICK_S", 0.01)
    settings = Settings(database_url=database, home=tmp_path, plan="points")
    async with server.kept(settings=settings, clock=clock) as house:
        await house.account("alice")
        await house.reserve("alice", 500)
        clock.move(hours=1)

        async def lapsed() -> bool:
            return any(entry.kind == "lapse" for entry in await house.history("alice"))

        await comes(lapsed)


async def test_a_node_may_leave_jobs_to_others(database, tmp_path, clock):
    settings = Settings(database_url=database, home=tmp_path, schedule=False)
    async with server.kept(settings=settings, clock=clock) as house:
        assert house._scheduling is None
        assert house._settling is not None, "what is owed is settled all the same"


async def lived(app) -> list[dict]:
    """Return what an application answers to ASGI's lifespan."""
    said = asyncio.Queue()
    heard = []

    async def send(message):
        heard.append(message)
        said.put_nowait({"type": "lifespan.shutdown"})

    said.put_nowait({"type": "lifespan.startup"})
    await app({"type": "lifespan"}, said.get, send)
    return heard


async def test_any_server_opens_and_closes_it_by_asgis_lifespan(database, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENHOUSE_DATABASE_URL", database)
    monkeypatch.setenv("TOKENHOUSE_HOME", str(tmp_path))
    app = server.build()
    assert [message["type"] for message in await lived(app)] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_what_it_cannot_open_fails_the_start_in_one_line(tmp_path):
    app = server.build(Settings(database_url="postgresql://u@127.0.0.1:9/none", home=tmp_path))
    [failed] = await lived(app)
    assert failed["type"] == "lifespan.startup.failed"
    assert "\n" not in failed["message"]


async def test_websockets_are_turned_away(app):
    heard = []

    async def send(message):
        heard.append(message["type"])

    await app({"type": "websocket"}, None, send)
    assert heard == ["websocket.close"]


def test_a_worker_gets_the_settings_of_its_parent(tmp_path):
    upstream = Upstream(name="own", url="https://example.org/v1", key="k", rename={"a": "b"})
    settings = Settings(home=tmp_path, workers=2, upstream=(upstream,), purchase_url="https://example.org")
    assert settings_of.checked(json.loads(json.dumps(settings_of.plain(settings)))) == settings


def test_sockets_of_one_port_are_for_us_alone():
    sockets = listening.bind("127.0.0.1", 0, 3)
    try:
        [port] = {one.getsockname()[1] for one in sockets}
        for count in (1, 2):
            with pytest.raises(StartRefused, match=str(port)):
                listening.bind("127.0.0.1", port, count)
    finally:
        for one in sockets:
            one.close()
    listening.bind("127.0.0.1", port, 1)[0].close()


@asynccontextmanager
async def listened(app, settings):
    """Give the address of an application that listens."""
    sockets = listening.bind("127.0.0.1", 0, 1)
    told = asyncio.Event()
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    listener = listening.Listener(app, settings, told.set)
    serving = asyncio.create_task(listener.serve(sockets))
    await told.wait()
    try:
        yield sockets[0].getsockname()
    finally:
        listener.should_exit = True
        await serving
        for number, how in kept.items():
            signal.signal(number, how)
        gc.unfreeze()
        gc.set_threshold(700, 10, 10)


async def test_a_head_without_end_is_cut_off(app, tmp_path):
    async with listened(app, Settings(home=tmp_path, stop_s=0)) as place:
        heard, said = await asyncio.open_connection(*place)
        said.write(b"GET /health HTTP/1.1\r\nhost: here\r\n\r\n")
        assert (await heard.readline()).startswith(b"HTTP/1.1 200")
        said.write(b"GET /health HTTP/1.1\r\n")

        async def go_on() -> None:
            for _ in range(1_000):
                said.write(b"x" * 1_024)
                await said.drain()
                await asyncio.sleep(0)

        with pytest.raises(ConnectionError):
            await go_on()
        said.close()


async def test_a_head_that_does_not_come_is_not_waited_for(app, tmp_path, monkeypatch):
    monkeypatch.setattr(listening, "HEAD_S", 0.05)
    async with listened(app, Settings(home=tmp_path, stop_s=0)) as place:
        heard, said = await asyncio.open_connection(*place)
        said.write(b"GET /hea")
        with suppress(ConnectionError):
            assert await asyncio.wait_for(heard.read(), 10) == b""
        said.close()


@pytest.mark.row("C5")
async def test_an_offer_of_http_2_without_tls_is_passed_over(app, tmp_path):
    """The JDK's client makes it, in Spring's hands as well; the body after it is a body."""
    offer = b"connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    async with listened(app, Settings(home=tmp_path, stop_s=0)) as place:
        heard, said = await asyncio.open_connection(*place)
        for head in (offer, b"", offer):
            for part in (
                b"POST /nothing HTTP/1.1\r\nhost: here\r\ncontent-length: 4\r\n" + head + b"\r\n{}",
                b"  ",
            ):
                said.write(part)
                await said.drain()
            assert (await heard.readline()).startswith(b"HTTP/1.1 404")
            told = await heard.readuntil(b"\r\n\r\n")
            length = next(line for line in told.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await heard.readexactly(int(length.split(b":")[1]))
        said.close()
