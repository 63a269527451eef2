"""Streams: each chunk at once and unchanged, charged at the end, stopped where the account ends."""

import asyncio
import json

import pytest

from tests.edges.gateway.provider import Says
from tests.edges.gateway.words import (
    CHAT,
    COMPLETIONS,
    DONE,
    HIDDEN,
    MESSAGES,
    STREAMED,
    STREAMS,
    USAGE,
    WORDS,
    chat,
    event,
)

pytestmark = pytest.mark.row("E6")


def streaming(gate, *chunks):
    gate.provider.says = lambda _: Says.stream(*chunks)


@pytest.mark.parametrize("path", STREAMED)
async def test_a_stream_is_passed_on_and_charged_by_its_usage(gate, path):
    streaming(gate, *STREAMS[path])
    client = gate.call(path, stream=True)
    wanted = b"".join(chunk for chunk in STREAMS[path] if chunk != HIDDEN.get(path))
    assert await client.body() == wanted
    assert client.headers["content-type"] == "text/event-stream"
    assert client.headers["x-tokenhouse-remaining"] == "100000", "before the charge"
    entry = await gate.entry()
    assert (entry.charge, entry.source) == (13, "provider")
    assert "ended" not in entry.facts


async def test_who_asked_for_the_usage_chunk_sees_it(gate):
    streaming(gate, *STREAMS[CHAT])
    client = gate.call(CHAT, stream=True, stream_options={"include_usage": True})
    assert await client.body() == b"".join(STREAMS[CHAT])


@pytest.mark.parametrize("path", STREAMED)
async def test_the_demo_streams_in_process(gate, path):
    client = gate.call(path, model="demo", demo={"tokens": 20}, stream=True)
    chunks = [chunk async for chunk in client.chunks()]
    await client.task
    assert len(chunks) > 16
    (call,) = gate.demo.log.calls
    assert (await gate.entry()).charge == call.tokens_input + 20


async def test_the_first_chunk_leaves_before_the_second_arrives(gate):
    gates = [asyncio.Event() for _ in WORDS]
    script = [part for pair in zip(WORDS, gates, strict=True) for part in pair]
    streaming(gate, *script, chat(finish="stop"), DONE)
    client = gate.call(CHAT, stream=True)
    chunks, times, clock = client.chunks(), [], asyncio.get_running_loop().time
    for word, opened in zip(WORDS, gates, strict=True):
        assert await asyncio.wait_for(anext(chunks), 5) == word
        assert client.heard.empty(), "nothing else has come"
        times.append(clock())
        opened.set()
    assert [chunk async for chunk in chunks] == [chat(finish="stop"), DONE] or client.heard.empty()
    await client.task
    assert times == sorted(set(times))


async def test_a_slow_reader_slows_its_provider(gate):
    piece = chat("x" * 64 * 1024)
    streaming(gate, *[piece] * 400, chat(finish="stop"), DONE)
    client = gate.call(CHAT, stream=True, room=2)
    chunks = client.chunks()
    for _ in range(3):
        await anext(chunks)
    seen = -1
    while seen != gate.provider.written:
        seen = gate.provider.written
        await asyncio.sleep(0.2)
    assert seen < 200 * len(piece), "the sockets' buffers and ours, and no more"
    async for _ in chunks:
        continue
    await client.task
    assert gate.provider.written > 400 * len(piece)


async def test_events_cut_anywhere_arrive_whole(gate):
    whole = b"".join(STREAMS[CHAT])
    streaming(gate, *[whole[at : at + 7] for at in range(0, len(whole), 7)])
    client = gate.call(CHAT, stream=True)
    assert await client.body() == whole.replace(USAGE, b"")
    assert (await gate.entry()).charge == 13


@pytest.mark.row("E2")
@pytest.mark.parametrize("path", STREAMED)
@pytest.mark.parametrize("how", ["cut", "reset", "end"])
async def test_a_stream_that_breaks_off_says_so_and_is_charged_as_far_as_it_came(gate, path, how):
    begun = 1 if path == COMPLETIONS else 2
    streaming(gate, *STREAMS[path][:begun], *([] if how == "end" else [how]))
    client = gate.call(path, stream=True)
    content = await client.body()
    assert b"broke off" in content
    assert content.endswith(DONE) == (path in (CHAT, COMPLETIONS))
    assert (b"event: error" in content) != (path in (CHAT, COMPLETIONS))
    entry = await gate.entry()
    assert (entry.facts["ended"], entry.source) == ("cut", "estimated")
    assert entry.usage == {"input": entry.usage["input"], "output": 1 + (path in (CHAT, MESSAGES))}


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_stream_that_breaks_off_before_its_first_byte_is_an_ordinary_error(gate, how):
    streaming(gate, how)
    client = gate.call(CHAT, stream=True)
    document = await client.document()
    assert (client.status, document["error"]["code"]) == (502, "upstream_error")
    assert (await gate.entry()).kind == "release"


async def test_an_empty_stream_is_an_ordinary_error(gate):
    streaming(gate)
    client = gate.call(CHAT, stream=True)
    await client.body()
    assert client.status == 502
    assert (await gate.entry()).kind == "release"


async def test_an_error_inside_a_stream_is_passed_on_and_what_came_is_charged(gate):
    error = event({"error": {"message": "too hot", "type": "server_error"}})
    streaming(gate, *WORDS, error)
    client = gate.call(CHAT, stream=True)
    assert await client.body() == b"".join([*WORDS, error])
    entry = await gate.entry()
    assert (entry.facts["ended"], entry.charge) == ("error", 8 + 5)


@pytest.mark.parametrize("behave", ["cut", "reset", "error-mid-stream"])
async def test_the_demo_misbehaves_and_is_charged_for_what_it_produced(gate, behave):
    client = gate.call(
        CHAT, model=f"demo-{behave}", stream=True, demo={"behave": behave, "after": 7, "tokens": 30}
    )
    await client.body()
    (call,) = gate.demo.log.calls
    assert (await gate.entry()).charge == call.tokens_input + call.tokens_output == call.tokens_input + 6


async def test_a_provider_that_says_no_usage_is_counted(gate):
    await gate.call(CHAT, model="demo-no-usage", stream=True).body()
    (call,) = gate.demo.log.calls
    entry = await gate.entry()
    assert (entry.charge, entry.source) == (call.tokens_input + call.tokens_output, "estimated")


@pytest.mark.row("E6", "E7")
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_stream_ends_in_band_where_its_account_does(gate, path):
    await gate.plan(call={"stop_stream": True}, reserve={"how": "none", "cap_output": False})
    await gate.house.adjust("a", -99_900)
    endless = event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "word " * 9}})
    piece = chat("word " * 9) if path == CHAT else endless
    streaming(gate, *[piece] * 200, "hang")
    client = gate.call(path, stream=True)
    content = await client.body()
    last = content.removesuffix(DONE).rstrip().rpartition(b"data: ")[2]
    error = json.loads(last)["error"]
    assert error["message"] == "The answer ends here: a has no more credit for it."
    assert error["type"] == ("insufficient_quota" if path == CHAT else "billing_error")
    assert b"billing_error" in content or content.endswith(DONE)
    entry = await gate.entry()
    assert entry.facts["ended"] == "stopped"
    assert 60 < entry.charge < 200, "100 and a little"
    await asyncio.wait_for(gate.provider.asked[0].gone.wait(), 5)


@pytest.mark.row("B2")
async def test_a_stream_warns_in_a_comment_before_its_first_chunk(gate):
    await gate.plan(signup={"amount": 1_000}, allowance=[{"amount": 10, "every": "month"}])
    await gate.house.account("b", plan="prepaid")
    await gate.house.charge("b", 950)
    streaming(gate, *STREAMS[CHAT])
    told = {"authorization": f"Bearer {(await gate.house.create_key('b')).secret}"}
    client = gate.call(CHAT, stream=True, headers=told, max_completion_tokens=16)
    first = await anext(client.chunks())
    assert first.startswith(b": tokenhouse {")
    assert json.loads(first.removeprefix(b": tokenhouse "))["level"] == "WARNING"
    assert client.headers["x-tokenhouse-warning"] == "WARNING"
    await client.body()
