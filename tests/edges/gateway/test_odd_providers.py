"""Providers that answer oddly: packed, misspelled, with impossible heads and figures; callers like them."""

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest

from tests.edges.gateway.provider import EVENT_STREAM, Says
from tests.edges.gateway.words import BODIES, CHAT, COMPLETIONS, EMBEDDINGS, METERED, STREAMS, WHOLE
from tokenhouse.edges.gateway import caller, visit

pytestmark = pytest.mark.row("E2", "E6")

PLAIN = json.dumps(WHOLE[CHAT]).encode()


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


PACKED = {"gzip": gzip.compress, "deflate": zlib.compress, "Deflate": raw_deflate}


def packed(gate, way: str, body: bytes, *, status: int = 200, kind: str = "application/json") -> None:
    """Have the provider pack its answer, although it was asked not to, and send it in two pieces."""
    content = PACKED[way](body)
    headers = {"content-type": kind, "Content-Encoding": way}
    gate.provider.says = lambda _: Says([content[:20], content[20:]], status, headers)


@pytest.mark.parametrize("way", PACKED)
async def test_a_packed_answer_is_unpacked_and_charged_by_its_usage(gate, way):
    packed(gate, way, PLAIN)
    client = gate.call(CHAT)
    assert await client.body() == PLAIN
    assert "content-encoding" not in client.headers
    assert gate.provider.asked[0].headers["accept-encoding"] == "identity"
    entry = await gate.entry()
    assert (entry.charge, entry.source) == (13, "provider")


@pytest.mark.parametrize("way", PACKED)
async def test_a_packed_stream_is_unpacked_and_charged_by_its_usage(gate, way):
    packed(gate, way, b"".join(STREAMS[CHAT]), kind=EVENT_STREAM)
    client = gate.call(CHAT, stream=True, stream_options={"include_usage": True})
    assert await client.body() == b"".join(STREAMS[CHAT])
    assert "content-encoding" not in client.headers
    assert (await gate.entry()).source == "provider"


async def test_a_packed_error_is_unpacked(gate):
    packed(gate, "gzip", b'{"error":{"message":"boom"}}', status=500)
    client = gate.call(CHAT)
    assert await client.document() == {"error": {"message": "boom"}}
    assert (client.status, (await gate.entry()).kind) == (500, "release")


@pytest.mark.parametrize("stream", [False, True])
async def test_what_only_claims_to_be_packed_is_an_error_and_free(gate, stream):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    gate.provider.says = lambda _: Says([PLAIN], 200, headers)
    client = gate.call(CHAT, stream=stream)
    await client.document()
    assert (client.status, (await gate.entry()).kind) == (502, "release")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [600, 699, 999])
async def test_a_status_that_there_is_not_is_no_answer(gate, status, stream):
    gate.provider.says = lambda _: Says([PLAIN], status)
    client = gate.call(CHAT, stream=stream)
    assert (await client.document())["error"]["code"] == "upstream_error"
    assert (client.status, (await gate.entry()).kind) == (502, "release")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_header_that_cannot_be_sent_is_left_out(gate, stream):
    gate.provider.says = lambda _: Says(
        [b"".join(STREAMS[CHAT]) if stream else PLAIN],
        headers={
            "content-type": EVENT_STREAM,
            "x-request-id": "안녕",
            "retry-after": "a\tb",
            "request-id": "r1",
        },
    )
    client = gate.call(CHAT, stream=stream)
    await client.body()
    assert (client.status, client.headers["request-id"]) == (200, "r1")
    assert "retry-after" not in client.headers
    assert (await gate.entry()).charge == 13


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.replace(b"one two", b"one \\ud83d"),
        PLAIN.replace(b"one two", b"one \xff\xfe"),
        PLAIN.replace(b'"index": 0', b'"index": 0, "logprobs": NaN'),
    ],
    ids=["byte order mark", "half a pair", "no UTF-8", "NaN"],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_most_clients_can_read_reaches_them_as_it_is(gate, body, stream):
    gate.provider.says = lambda _: Says([body])
    client = gate.call(CHAT, stream=stream)
    assert await client.body() == body
    entry = await gate.entry()
    assert (entry.charge, entry.source, entry.facts.get("marks")) == (13, "provider", None)


@pytest.mark.parametrize("page", [b"<html>captive portal</html>", b"[1,2]", b"{}"])
async def test_a_stream_of_which_nothing_was_understood_is_an_ordinary_error_and_free(gate, page):
    gate.provider.says = lambda _: Says([page], headers={"content-type": "text/html"})
    client = gate.call(CHAT, stream=True)
    assert (await client.document())["error"]["code"] == "upstream_error"
    assert (client.status, (await gate.entry()).kind) == (502, "release")


async def test_figures_that_no_call_can_reach_are_not_charged(gate):
    usage = {"prompt_tokens": 10**30, "completion_tokens": 5, "total_tokens": 10**30}
    gate.provider.says = lambda _: Says.whole(WHOLE[CHAT] | {"usage": usage})
    await gate.call(CHAT).document()
    entry = await gate.entry()
    assert (entry.charge, entry.source, entry.facts["marks"]) == (8 + 2, "estimated", ["absurd"])
    assert (await gate.house.balance("a")).debt == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_is_charged_even_where_its_answer_cannot_be_sent(gate, caplog, stream):
    body = json.dumps(BODIES[CHAT] | {"stream": stream}).encode()
    if stream:
        gate.provider.says = lambda _: Says.stream(*STREAMS[CHAT])
    came = [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        return came.pop() if came else await asyncio.get_running_loop().create_future()

    async def send(_: dict[str, Any]) -> None:
        raise RuntimeError("the server is out of order")

    headers = [(b"authorization", f"Bearer {gate.secret}".encode())]
    await gate.app({"type": "http", "method": "POST", "path": CHAT, "headers": headers}, receive, send)
    assert (await gate.entry()).charge == 13
    assert "cannot be answered" in caplog.text


async def test_a_name_that_comes_twice_goes_once_as_it_is_metered(gate):
    said = b'{"model":"gpt-9","max_\\u0074okens":999999, "seed":10000000000000000000001,"messages":[],'
    said += b'"max_tokens":5, "model":"gpt-4o"}'
    await gate.send(CHAT, said).body()
    (asked,) = gate.provider.asked
    assert asked.body == (b'{"model":"gpt-4o","max_tokens":5,"seed":10000000000000000000001,"messages":[]}')


@pytest.mark.parametrize("path", METERED)
async def test_a_packed_question_is_refused_in_words_that_help(gate, path):
    headers = {"authorization": f"Bearer {gate.secret}", "content-encoding": "gzip"}
    client = gate.send(path, gzip.compress(json.dumps(BODIES[path]).encode()), headers=headers)
    error = (await client.document())["error"]
    assert (client.status, "Content-Encoding" in error["message"]) == (400, True)
    assert not gate.provider.asked


async def test_half_a_surrogate_pair_is_called_so(gate):
    client = gate.send(CHAT, b'{"model":"gpt-4o","messages":[{"role":"user","content":"\\ud83d"}]}')
    assert "half of a surrogate pair" in (await client.document())["error"]["message"]
    whole = gate.send(CHAT, b'{"model":"gpt-4o","messages":[{"role":"user","content":"\\ud83d\\ude00"}]}')
    await whole.document()
    assert (client.status, whole.status) == (400, 200)


async def test_what_could_not_be_read_is_charged_up_to_what_was_asked_for(gate, monkeypatch):
    monkeypatch.setattr(visit, "KEPT_BYTES_MAX", 1_000)
    gate.provider.says = lambda _: Says([b" " * 5_000])
    await gate.call(CHAT, max_tokens=20).body()
    await gate.call(CHAT, max_tokens=20, n=3).body()
    await gate.call(EMBEDDINGS).body()
    charged = [(entry.usage.get("output", 0), entry.source) for entry in await gate.entries()]
    assert charged == [(20, "estimated"), (60, "estimated"), (0, "estimated")]


async def test_a_body_that_never_ends_is_not_waited_for(gate, monkeypatch):
    monkeypatch.setattr(caller, "BODY_S", 0.05)
    sent = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {gate.secret}".encode())]
    await gate.app({"type": "http", "method": "POST", "path": CHAT, "headers": headers}, receive, send)
    assert (sent[0]["status"], b"did not come" in sent[1]["body"]) == (400, True)


async def test_more_prompts_than_one_call_may_bring_are_named(gate):
    client = gate.call(COMPLETIONS, prompt=["a"] * 600, n=2)
    error = (await client.document())["error"]
    assert (client.status, error["param"]) == (400, "prompt")
    assert "from 1 to 512" in error["message"]
    await gate.call(COMPLETIONS, prompt=["a"] * 512, n=2, max_tokens=1).document()
    assert len(gate.provider.asked) == 1
