"""The demo over raw ASGI and in process: chunk by chunk, stopped when nobody listens, honest in its log."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import pytest

from tokenhouse.edges import demo as edges_demo
from tokenhouse.edges.demo import CALLS, PATHS, PRODUCED, Demo

pytestmark = pytest.mark.row("E6")

CHAT = "/v1/chat/completions"
QUESTION = {"model": "demo", "messages": [{"role": "user", "content": "hi"}], "demo": {"tokens": 20}}
BODIES = {
    CHAT: QUESTION,
    "/v1/responses": {"model": "demo", "input": "hi", "demo": {"tokens": 20}},
    "/v1/completions": {"model": "demo", "prompt": "hi", "demo": {"tokens": 20}},
    "/v1/embeddings": {"model": "demo", "input": "hi"},
    "/v1/messages": {**QUESTION, "max_tokens": 100},
    "/v1/messages/count_tokens": QUESTION,
}


@pytest.fixture
def demo() -> Demo:
    return Demo(first_s=0, chunk_s=0)


def asked(path: str = CHAT, **members) -> bytes:
    return json.dumps(BODIES[path] | members).encode()


async def read(served: Demo, path: str = CHAT, headers=None, method="POST", **members):
    """Return status, headers and the chunks of an answer in process."""
    answer = await served.send(
        method, path, headers or {}, asked(path, **members) if method == "POST" else b""
    )
    return answer.status, dict(answer.headers), [chunk async for chunk in answer.body]


async def page(demo: Demo, path: str):
    status, _, chunks = await read(demo, path, method="GET")
    assert status == 200
    return json.loads(b"".join(chunks))


class Client:
    """A caller over raw ASGI: says its request, hears messages as they are sent, and may hang up."""

    def __init__(self, app, path: str, body: bytes, headers=(), method: str = "POST") -> None:
        self._said = asyncio.Queue()
        self.heard = asyncio.Queue()
        self._said.put_nowait({"type": "http.request", "body": body[:10], "more_body": True})
        self._said.put_nowait({"type": "http.request", "body": body[10:], "more_body": False})
        scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
        self.task = asyncio.create_task(app(scope, self._said.get, self.heard.put))

    def hang_up(self) -> None:
        self._said.put_nowait({"type": "http.disconnect"})

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body's chunks as they come."""
        self.start = await self.heard.get()
        while True:
            message = await self.heard.get()
            if message["body"]:
                yield message["body"]
            if not message["more_body"]:
                return


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_answers_whole(demo, path):
    status, headers, chunks = await read(demo, path)
    assert (status, headers["content-type"]) == (200, "application/json")
    json.loads(b"".join(chunks))


@pytest.mark.parametrize("path", [path for path in PATHS if "embed" not in path and "count" not in path])
async def test_a_stream_comes_chunk_by_chunk(demo, path):
    client = Client(demo, path, asked(path, stream=True))
    chunks = [chunk async for chunk in client.chunks()]
    await client.task
    assert client.start["status"] == 200
    assert (b"content-type", b"text/event-stream; charset=utf-8") in client.start["headers"]
    assert len(chunks) > 16
    assert all(chunk.endswith(b"\n\n") and chunk.count(b"\n\n") == 1 for chunk in chunks)


async def test_a_chunk_leaves_before_the_next_is_made():
    demo = Demo(first_s=0, chunk_s=0.02)
    client, clock = Client(demo, CHAT, asked(stream=True)), asyncio.get_running_loop().time
    times = [clock() async for _ in client.chunks()]
    await client.task
    gaps = sorted(after - before for before, after in pairwise(times))
    assert gaps[len(gaps) // 2] > 0.01


async def test_the_log_says_what_was_produced(demo, tmp_path):
    demo = Demo(first_s=0, chunk_s=0, file=tmp_path / "produced")
    await read(demo, headers={"x-request-id": "one"})
    await read(demo, stream=True)
    await read(demo, "/v1/embeddings")
    sums = await page(demo, PRODUCED)
    assert sums == {
        "calls": 3,
        "running": 0,
        "tokens_input": sums["tokens_input"],
        "tokens_output": 40,
        "ended": {"whole": 3},
    }
    calls = await page(demo, CALLS)
    assert [(call["id"], call["tokens_output"]) for call in calls] == [
        ("one", 20),
        ("demo-1", 20),
        ("demo-2", 0),
    ]
    assert sum(call["tokens_input"] for call in calls) == sums["tokens_input"] > 0
    assert [json.loads(line) for line in (tmp_path / "produced").read_text().splitlines()] == calls
    demo.log.close()


@pytest.mark.parametrize("number", [0, 1, 2, 5, 19, 22])
async def test_whoever_closes_the_body_stops_the_production(demo, number):
    answer = await demo.send("POST", CHAT, {}, asked(stream=True))
    for _ in range(number):
        await anext(answer.body)
    assert demo.log.sums["running"] == 1
    await answer.body.aclose()
    await answer.body.aclose()
    (call,) = demo.log.calls
    assert (call.ended, call.chunks) == ("cancelled", number)
    assert call.tokens_output == min(max(number - 1, 0), 20), "the first chunk holds the role alone"
    assert demo.log.sums["running"] == 0
    with pytest.raises(StopAsyncIteration):
        await anext(answer.body)


async def test_whoever_stops_listening_after_the_last_chunk_had_it_all(demo):
    answer = await demo.send("POST", CHAT, {}, asked(stream=True))
    while b"[DONE]" not in await anext(answer.body):
        continue
    await answer.body.aclose()
    assert demo.log.ended == {"whole": 1}


@pytest.mark.parametrize("number", [1, 7])
async def test_whoever_hangs_up_stops_the_production(number):
    demo = Demo(first_s=0, chunk_s=0.005)
    client = Client(demo, CHAT, asked(stream=True, demo={"tokens": 10_000}))
    async for _ in client.chunks():
        number -= 1
        if not number:
            break
    client.hang_up()
    await asyncio.wait_for(client.task, 5)
    (call,) = demo.log.calls
    assert call.ended == "cancelled"
    assert call.tokens_output < 1_000


async def test_a_caller_that_leaves_before_the_answer_is_noted():
    demo = Demo(first_s=60)
    client = Client(demo, CHAT, asked())
    while not demo.log.calls:  # noqa: ASYNC110 -- nobody tells when a call begins
        await asyncio.sleep(0.001)
    client.hang_up()
    await asyncio.wait_for(client.task, 5)
    assert [(call.ended, call.tokens_output) for call in demo.log.calls] == [("cancelled", 0)]


async def test_a_caller_that_leaves_before_its_question_leaves_no_trace(demo):
    said = asyncio.Queue()
    said.put_nowait({"type": "http.disconnect"})
    await demo({"type": "http", "method": "POST", "path": CHAT, "headers": []}, said.get, None)
    assert not demo.log.calls


async def test_a_server_that_is_cancelled_cancels_the_production():
    demo = Demo(first_s=0, chunk_s=60)
    client = Client(demo, CHAT, asked(stream=True))
    await client.heard.get()
    await client.heard.get()
    client.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client.task
    assert demo.log.ended == {"cancelled": 1}


@pytest.mark.parametrize("by", ["model", "header", "body"])
async def test_a_stream_is_cut_without_an_end(demo, by):
    wishes = {
        "model": ({"model": "demo-cut"}, {}),
        "header": ({}, {"x-demo": "cut"}),
        "body": ({"demo": {"behave": "cut", "after": 5}}, {}),
    }
    members, headers = wishes[by]
    status, _, chunks = await read(demo, headers=headers, stream=True, **members)
    assert (status, len(chunks)) == (200, 5)
    assert b"[DONE]" not in b"".join(chunks)
    assert demo.log.ended == {"cut": 1}


async def test_a_whole_answer_is_cut_in_the_middle(demo):
    _, _, chunks = await read(demo, model="demo-cut")
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(chunks))
    assert demo.log.calls[0].tokens_output == 20


async def test_a_connection_breaks(demo):
    client = Client(demo, CHAT, asked(stream=True, model="demo-reset"))
    with pytest.raises(ConnectionResetError):
        await client.task
    assert demo.log.ended == {"reset": 1}


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/completions", "/v1/messages"])
async def test_an_error_comes_inside_a_stream(demo, path):
    status, _, chunks = await read(demo, path, stream=True, model="demo-error-mid-stream")
    assert (status, len(chunks)) == (200, 6)
    assert b'"error"' in chunks[-1]
    assert demo.log.ended == {"error-mid-stream": 1}
    assert (await read(demo, path, model="demo-error-mid-stream"))[0] == 500


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 599])
@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
async def test_an_error_is_answered_when_asked_for(demo, path, status):
    found, headers, chunks = await read(demo, path, model=f"demo-error-{status}", stream=True)
    assert found == status
    assert ("retry-after" in headers) == (status in {429, 503})
    document = json.loads(b"".join(chunks))
    assert document["error"]["message"]
    assert ("type" in document) == (path == "/v1/messages")
    assert not demo.log.calls, "nothing was produced"


@pytest.mark.parametrize("after", [0, 3])
async def test_a_hang_ends_when_the_caller_goes(demo, after):
    client = Client(demo, CHAT, asked(stream=True, demo={"behave": "hang", "after": after}))
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            async for _ in client.chunks():
                pass
    assert client.heard.empty()
    client.hang_up()
    await asyncio.wait_for(client.task, 5)
    assert [(call.ended, call.chunks) for call in demo.log.calls] == [("cancelled", after)]


async def test_a_hang_has_an_end(demo, monkeypatch):
    monkeypatch.setattr(edges_demo, "HANG_S", 0)
    _, _, chunks = await read(demo, stream=True, demo={"behave": "hang", "after": 2})
    assert len(chunks) == 2
    await read(demo, stream=True, model="demo-hang")
    assert demo.log.ended == {"hang": 2}


async def test_slow_is_slow(demo, monkeypatch):
    monkeypatch.setattr(edges_demo, "SLOW_FIRST_S", 0.05)
    monkeypatch.setattr(edges_demo, "SLOW_CHUNK_S", 0.01)
    loop = asyncio.get_running_loop()
    for stream in (True, False):
        begun = loop.time()
        await read(demo, stream=stream, model="demo-slow")
        assert loop.time() - begun > 0.2


async def test_models_are_listed_for_both_vendors(demo):
    listed = await page(demo, "/v1/models")
    assert [one["id"] for one in listed["data"]] == ["demo", "demo-large"]
    assert (listed["object"], listed["has_more"]) == ("list", False)
    assert (await page(demo, "/v1/models/demo"))["owned_by"] == "tokenhouse"
    assert (await read(demo, "/v1/models/other", method="GET"))[0] == 404


@pytest.mark.parametrize(
    ("path", "members", "status"),
    [
        (CHAT, {"model": "gpt-4o"}, 404),
        (CHAT, {"model": "demo-dance"}, 404),
        (CHAT, {"model": None}, 400),
        (CHAT, {"max_tokens": 0}, 400),
        (CHAT, {"demo": {"tokens": -1}}, 400),
        ("/v1/messages", {"model": "claude"}, 404),
    ],
)
async def test_what_cannot_be_answered_is_refused(demo, path, members, status):
    found, _, chunks = await read(demo, path, **members)
    assert found == status
    assert json.loads(chunks[0])["error"]["message"]


async def test_other_paths_and_bodies_are_refused(demo, monkeypatch):
    assert (await demo.send("POST", "/v1/other", {}, b"{}")).status == 404
    assert (await demo.send("DELETE", CHAT, {}, b"{}")).status == 404
    assert (await demo.send("POST", CHAT, {}, b"nonsense")).status == 400
    monkeypatch.setattr(edges_demo, "BODY_MAX", 20)
    for path in (CHAT, "/v1/messages"):
        client = Client(demo, path, asked(path))
        assert json.loads(b"".join([chunk async for chunk in client.chunks()]))["error"]
        assert client.start["status"] == 413
        await client.task


async def test_it_starts_and_ends_with_its_server(tmp_path):
    demo = Demo(file=tmp_path / "log")
    said, heard = asyncio.Queue(), []
    for kind in ("lifespan.startup", "lifespan.shutdown"):
        said.put_nowait({"type": kind})

    async def send(message):
        heard.append(message["type"])

    await demo({"type": "lifespan"}, said.get, send)
    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    demo.log.close()


async def test_many_streams_at_once_add_up(demo):
    async def one(number):
        answer = await demo.send("POST", CHAT, {}, asked(stream=True, seed=number))
        heard = 0
        async for _ in answer.body:
            heard += 1
            if number % 3 == 0 and heard == number % 20:
                break
        await answer.body.aclose()

    await asyncio.gather(*map(one, range(300)))
    sums = demo.log.sums
    assert (sums["calls"], sums["running"]) == (300, 0)
    assert sums["tokens_output"] == sum(call.tokens_output for call in demo.log.calls)
