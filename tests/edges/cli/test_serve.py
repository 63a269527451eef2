"""`tokenhouse serve`: the lines that it prints work, it stops without losing a charge, it shares its port."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.edges.serving import PROGRAM, chat, serving
from tests.store.processes import keeper, kept, let_go, postmaster, running, until
from tokenhouse import messages
from tokenhouse.edges import listening
from tokenhouse.edges.cli.demo import FILE, REF, curl, demo
from tokenhouse.errors import StartRefused
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

STREAM = chat(stream=True, demo={"behave": "slow", "tokens": 4_000})


@pytest.fixture
def environ(surroundings: dict[str, str]) -> dict[str, str]:
    """Return the environment of a server on this test's database."""
    return surroundings


@pytest.fixture
def embedded(surroundings: dict[str, str], tmp_path: Path):
    """Return the environment of a server on a database of its own home."""
    home = tmp_path / "home"
    yield {name: value for name, value in surroundings.items() if name != "TOKENHOUSE_DATABASE_URL"} | {
        "TOKENHOUSE_HOME": str(home)
    }
    if (home / "postgres").exists() and kept(home / "postgres"):
        let_go(home / "postgres")


def bash(line: str, environ: dict[str, str]) -> str:
    return subprocess.run(
        ["bash", "-c", line], env=environ, capture_output=True, text=True, check=True
    ).stdout


async def books(environ: dict[str, str], ref: str = REF):
    """Return balance, journal and verdict, as another process finds them."""
    home, dsn = environ["TOKENHOUSE_HOME"], environ.get("TOKENHOUSE_DATABASE_URL")
    async with Tokenhouse.open(dsn, settings=Settings(home=Path(home), database_url=dsn)) as house:
        return await house.balance(ref), await house.history(ref), await house.verify()


def charges(history) -> list[int]:
    return [entry.charge for entry in history if entry.kind == "charge"]


class Stream:
    """A streamed call in another thread: everything that came, up to the end or until the line broke."""

    def __init__(self, server, body: dict) -> None:
        place = urlsplit(server.url)
        self.came = b""
        self._connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        headers = {"authorization": f"Bearer {server.secret}", "content-type": "application/json"}
        self._connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            answer = self._connection.getresponse()
            while more := answer.read1():
                self.came += more
        except (http.client.HTTPException, OSError):
            pass
        finally:
            self._connection.close()

    def begun(self, pieces: int = 3) -> "Stream":
        until(lambda: self.came.count(b"data: ") > pieces or not self._thread.is_alive())
        assert self.came.count(b"data: ") > pieces, self.came
        return self

    def ended(self) -> bytes:
        self._thread.join(60)
        return self.came


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl on this machine")
@pytest.mark.row("E6", "E13")
async def test_the_lines_that_it_prints_work_as_they_are_printed(environ):
    with serving(environ) as server:
        whole, streamed = server.lines("curl ")
        answer = json.loads(bash(whole, environ))
        assert answer["usage"]["prompt_tokens"] == 10
        events = bash(streamed, environ)
        assert events.startswith("data: {")
        assert events.endswith("data: [DONE]\n\n")
        assert '"usage":{' not in events, "nobody asked for it"
        [shown] = [line for line in server.said().splitlines() if line.endswith("accounts show demo")]
        assert f"output {answer['usage']['completion_tokens']}" in bash(shown, environ)
        assert server.stop() == 0
        assert "started: http://" in server.err
        assert "stopped: http://" in server.err
        assert server.secret not in server.err
    balance, history, verdict = await books(environ)
    assert charges(history) == [answer["usage"]["total_tokens"]] * 2
    assert (balance.remaining, balance.held, verdict.clean) == (100_000 - 2 * charges(history)[0], 0, True)


def test_a_later_start_shows_the_same_account_with_the_same_key(environ, tmp_path):
    file = tmp_path / FILE
    with serving(environ, "--quiet") as first:
        first.started()
        secret = file.read_text().strip()
        assert (file.stat().st_mode & 0o777, secret[:3]) == (0o600, "th_")
        assert first.stop() == 0
        assert secret not in first.process.stdout.read(), "hints are remarks"
    with serving(environ, "--json") as later:
        told = json.loads(later.said())
        assert told["demo"] == {"account": "demo", "made": False, "key": secret, "remaining": 100_000}
        assert told["models"] == {"demo": ["demo", "demo-*"]}
        assert (told["workers"], told["pid"]) == (1, later.process.pid)
        assert later.asked("/v1/chat/completions", chat())[0] == 200
        assert later.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("plan", ["chat-tokens", "quota", "points", "money"])
async def test_the_demo_account_can_call_under_every_preset(database, tmp_path, plan):
    settings = Settings(plan=plan, home=tmp_path)
    async with Tokenhouse.open(database, settings=settings) as house:
        made = await demo(house, settings)
        assert made.made
        async with house.call(REF, chat(max_tokens=100)) as call:
            call.record(text="well, hello")
        assert (await house.verify()).clean
        again = await demo(house, settings)
        assert (again.made, again.secret) == (False, made.secret)
        [key] = await house.keys(REF)
        await house.revoke_key(key.id)
        assert (await demo(house, settings)).secret != made.secret
        (tmp_path / FILE).unlink()
        assert await house.find_key((await demo(house, settings)).secret)


async def test_production_gets_no_account_that_nobody_opened(database, tmp_path):
    settings = Settings(environment="production", home=tmp_path)
    async with Tokenhouse.open(database, settings=settings) as house:
        assert await demo(house, settings) is None
        assert await house.accounts() == []
    assert not (tmp_path / FILE).exists()


async def test_a_house_of_others_is_left_alone(database, tmp_path):
    settings = Settings(home=tmp_path)
    async with Tokenhouse.open(database, settings=settings) as house:
        await house.account("alice")
        assert await demo(house, settings) is None


def test_in_production_it_says_how_to_begin(environ):
    with serving(environ | {"TOKENHOUSE_ENVIRONMENT": "production"}) as server:
        server.started()
        assert server.stop() == 0
        said = server.process.stdout.read()
    assert [words for words in ("accounts open NAME", "keys create NAME") if words not in said] == []
    assert "th_" not in said


@pytest.mark.row("E2", "E6")
async def test_a_stream_that_is_cut_by_the_stop_is_charged_for_what_it_delivered(environ):
    with serving(environ | {"TOKENHOUSE_STOP_S": "0"}) as server:
        server.said()
        stream = Stream(server, STREAM).begun()
        assert server.stop(wait_s=10) == 0
        came = stream.ended()
    assert b"[DONE]" not in came or b"error" in came
    balance, history, verdict = await books(environ)
    [charge] = charges(history)
    delivered = came.count(b'"content":"') - came.count(b'"content":""')
    assert 10 < charge <= 10 + delivered + 2, "its input, and what was sent, give or take the last piece"
    assert (balance.held, verdict.clean) == (0, True)


@pytest.mark.row("E2")
async def test_a_stream_may_end_when_the_server_stops(environ):
    with serving(environ | {"TOKENHOUSE_STOP_S": "20"}) as server:
        server.said()
        stream = Stream(server, chat(stream=True, demo={"behave": "slow", "tokens": 12})).begun()
        assert server.stop() == 0
        assert stream.ended().endswith(b"data: [DONE]\n\n")
    _, history, verdict = await books(environ)
    assert [history[0].facts.get("ended"), verdict.clean] == [None, True]


@pytest.mark.fault
@pytest.mark.row("E2")
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_second_ctrl_c_waits_for_no_stream_and_charges_it_all_the_same(environ, workers):
    with serving(environ | {"TOKENHOUSE_STOP_S": "60"}, "--workers", workers) as server:
        server.said()
        stream = Stream(server, STREAM).begun()
        server.process.send_signal(signal.SIGINT)
        seen = len(stream.came)
        await asyncio.to_thread(until, lambda: len(stream.came) > seen, 10)
        assert server.stop(signal.SIGINT) == 0
        stream.ended()
    balance, history, verdict = await books(environ)
    assert (len(charges(history)), balance.held, verdict.clean) == (1, 0, True)


def test_a_stop_that_comes_while_it_starts_is_heard(environ):
    with serving(environ, "--log-level", "debug") as server:
        server.heard("opening the house")
        assert server.stop() == 0
    assert "started" not in server.err


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_a_port_in_use_is_said_in_one_line(environ, locale):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        words = [*PROGRAM, "serve", "--port", port, "--locale", locale]
        for more in ([], ["--workers", "2"]):
            ran = subprocess.run([*words, *more], env=environ, capture_output=True, text=True, check=False)
            assert ran.returncode == StartRefused.exit_code
            assert ran.stderr.count("\n") == 1
            assert port in ran.stderr
            assert ran.stdout == ""


@pytest.mark.parametrize(
    ("words", "environs", "code"),
    [
        (["--host", "192.0.2.1"], {}, 8),
        (["--host", "no-such-host.invalid"], {}, 8),
        (["--workers", "0"], {}, 2),
        (["--port", "99999"], {}, 2),
        (["--log-level", "loud"], {}, 2),
        ([], {"TOKENHOUSE_WORKERS": "99"}, 8),
        ([], {"TOKENHOUSE_DATABASE_URL": "postgresql://u@127.0.0.1:9/none"}, 7),
    ],
)
def test_what_it_cannot_start_with_is_one_line(environ, words, environs, code):
    words = [*PROGRAM, "serve", *(words or ["--port", "0"])]
    ran = subprocess.run(words, env=environ | environs, capture_output=True, text=True, check=False)
    lines = ran.stderr.splitlines()
    assert (ran.returncode, len(lines), ran.stdout) == (code, 1, ""), ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_address_that_others_reach_is_warned_of(environ):
    with serving(environ, "--host", "0.0.0.0") as server:  # noqa: S104 -- that is the question
        server.started()
        assert "0.0.0.0" in server.err.splitlines()[0]  # noqa: S104
        assert server.url.startswith("http://127.0.0.1:"), "the printed calls work here"
        assert server.asked("/health")[0] == 200


def test_addresses_are_written_as_clients_take_them():
    assert listening.url("127.0.0.1", 1) == "http://127.0.0.1:1"
    assert listening.url("::", 1) == listening.url("::1", 1) == "http://[::1]:1"
    assert "'" not in curl("http://h", "th_x").partition("-d '")[2].removesuffix("'")


@pytest.mark.slow
@pytest.mark.row("E13")
async def test_two_servers_on_one_home_share_its_database(embedded):
    with serving(embedded) as one, serving(embedded) as two:
        assert one.asked("/v1/chat/completions", chat())[0] == 200
        until(lambda: two.asked("/v1/chat/completions", chat())[0] == 200)
        assert one.stop() == 0
        assert two.asked("/ready")[0] == 200, "the database belongs to whoever uses it"
        assert two.asked("/v1/chat/completions", chat())[0] == 200
        assert two.stop() == 0
    _, history, verdict = await books(embedded)
    assert (len(charges(history)), verdict.clean) == (3, True)


@pytest.mark.fault
@pytest.mark.row("E2")
async def test_it_is_ready_again_when_its_database_is(embedded):
    folder = Path(embedded["TOKENHOUSE_HOME"]) / "postgres"
    with serving(embedded) as server:
        assert server.asked("/ready")[0] == 200
        os.kill(keeper(folder), signal.SIGSTOP)  # It would start another one at once.
        os.kill(postmaster(folder), signal.SIGKILL)
        until(lambda: not running(postmaster(folder)))
        status, headers, body = server.asked("/ready")
        assert (status, headers["content-type"]) == (503, "application/problem+json")
        assert json.loads(body)["code"] == "database_trouble"
        assert "postgres" not in body.decode(), "where it is, is for the log"
        assert server.asked("/health")[0] == 200
        os.kill(keeper(folder), signal.SIGCONT)
        until(lambda: server.asked("/ready")[0] == 200, 30)
        assert server.asked("/v1/chat/completions", chat())[0] == 200
        os.kill(keeper(folder), signal.SIGKILL)
        os.kill(postmaster(folder), signal.SIGKILL)
        until(lambda: server.asked("/ready")[0] == 200, 30)
        assert server.stop() == 0
    _, _, verdict = await books(embedded)
    assert verdict.clean


def children(pid: int) -> list[int]:
    """Return the workers of a crew: processes whose parent it is, and that are no zombies."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid and b"tokenhouse.edges.worker" in running(int(each.name)):
            found.append(int(each.name))
    return found


@pytest.mark.fault
@pytest.mark.row("E1", "E2", "E12")
async def test_a_killed_worker_costs_only_its_own_calls(environ, clock):
    with serving(environ, "--workers", "2") as server:
        server.said()
        workers = children(server.process.pid)
        assert len(workers) == 2
        streams = [Stream(server, chat(stream=True, demo={"tokens": 150 + n})) for n in range(24)]
        for stream in streams:
            stream.begun(1)
        os.kill(workers[0], signal.SIGKILL)
        came = [stream.ended() for stream in streams]
        whole = sum(one.endswith(b"data: [DONE]\n\n") for one in came)
        assert 0 < whole < 24, "the other worker went on"
        until(lambda: len(children(server.process.pid)) == 2)
        assert server.asked("/v1/chat/completions", chat())[0] == 200
        assert server.stop() == 0
        assert "another takes its place" in server.err
    dsn = environ["TOKENHOUSE_DATABASE_URL"]
    clock.now = clock.now.now(clock.now.tzinfo)
    clock.move(hours=1)
    async with Tokenhouse.open(
        dsn, settings=Settings(home=Path(environ["TOKENHOUSE_HOME"])), clock=clock
    ) as house:
        held = (await house.balance(REF)).held
        await house.sweep()
        balance, verdict = await house.balance(REF), await house.verify()
        settled = charges(await house.history(REF, rows_max=100))
    assert len(settled) == whole + 1
    assert (balance.held, verdict.clean) == (0, True)
    assert held >= 0


@pytest.mark.fault
async def test_workers_end_with_their_parent_and_charge_what_they_delivered(environ):
    with serving(environ | {"TOKENHOUSE_STOP_S": "0"}, "--workers", "2") as server:
        server.said()
        workers = children(server.process.pid)
        stream = Stream(server, STREAM).begun()
        server.process.kill()
        server.process.wait()
        await asyncio.to_thread(until, lambda: not any(running(each) for each in workers), 30)
        stream.ended()
    balance, history, verdict = await books(environ)
    assert (len(charges(history)), balance.held, verdict.clean) == (1, 0, True)
