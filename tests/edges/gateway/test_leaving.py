"""Callers that hang up, at every chunk and under each policy: charged and stopped as stated, and once."""

import asyncio
import socket
import sys
from contextlib import ExitStack

import pytest

from tests.edges.gateway.provider import Says
from tests.edges.gateway.words import (
    CHAT,
    DONE,
    MESSAGES,
    METERED,
    STREAMED,
    STREAMS,
    USAGE,
    WHOLE,
    WORDS,
    chat,
)
from tokenhouse.edges.gateway import Gateway
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.settings import Settings, Upstream

pytestmark = pytest.mark.row("E2", "E3", "E6")

POLICIES = ("charge-delivered", "drain", "free-if-nothing")
INPUT = 8


def gated(chunks):
    """Return a script in which each chunk waits for its gate, and the gates."""
    gates = [asyncio.Event() for _ in chunks]
    return gates, [part for pair in zip(gates, chunks, strict=True) for part in pair]


@pytest.mark.parametrize("index", range(len(WORDS) + 1))
@pytest.mark.parametrize("policy", POLICIES)
async def test_a_caller_hangs_up_after_so_many_chunks(gate, policy, index):
    await gate.plan(call={"on_disconnect": policy})
    gates, script = gated([*WORDS, chat(finish="stop"), USAGE, DONE])
    gate.provider.says = lambda _: Says.stream(*script)
    client = gate.call(CHAT, stream=True)
    chunks = client.chunks()
    for number in range(index):
        gates[number].set()
        assert await anext(chunks) == WORDS[number]
    while not gate.provider.asked:  # noqa: ASYNC110 -- the provider does not tell when it is asked
        await asyncio.sleep(0.001)
    client.hang_up()
    if policy == "drain":
        await asyncio.sleep(0)
        for one in gates:
            one.set()
        await asyncio.wait_for(client.task, 5)
        assert not gate.provider.asked[0].gone.is_set() or gate.provider.written > 1_000
    else:
        await asyncio.wait_for(client.task, 5)
        await asyncio.wait_for(gate.provider.asked[0].gone.wait(), 5)
    entry = await gate.entry()
    if policy == "drain":
        assert (entry.charge, entry.source) == (13, "provider")
    elif policy == "free-if-nothing" and not index:
        assert (entry.kind, entry.charge) == ("release", 0)
        return
    else:
        assert (entry.charge, entry.source) == (INPUT + index, "estimated")
    assert entry.facts["ended"] == "disconnect"
    assert entry.facts["on_disconnect"] == policy


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("index", [0, 1, 2, 9, 19, 22])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_what_the_demo_has_produced_is_what_is_charged(gate, path, policy, index):
    await gate.plan(call={"on_disconnect": policy})
    client = gate.call(path, model="demo", demo={"tokens": 20}, stream=True, room=1)
    chunks = client.chunks()
    for _ in range(index):
        await anext(chunks)
    client.hang_up()
    await asyncio.wait_for(client.task, 5)
    entry = await gate.entry()
    if policy != "drain" and not index:
        assert (entry.kind, list(gate.demo.log.calls)) == ("release", []), "it left before anybody was asked"
        return
    (call,) = gate.demo.log.calls
    free = entry.kind == "release"
    assert free or entry.charge == call.tokens_input + call.tokens_output
    assert not free or (policy == "free-if-nothing" and not call.tokens_output)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("path", METERED)
async def test_a_caller_leaves_before_its_whole_answer(gate, path, policy):
    await gate.plan(call={"on_disconnect": policy})
    answer, asked = asyncio.Event(), asyncio.Event()

    def says(_):
        asked.set()
        return Says([answer, *Says.whole(WHOLE[path]).chunks])

    gate.provider.says = says
    client = gate.call(path)
    await asyncio.wait_for(asked.wait(), 5)
    client.hang_up()
    if policy == "drain":
        await asyncio.sleep(0.05)
        assert not client.task.done()
        answer.set()
    await asyncio.wait_for(client.task, 5)
    assert client.heard.empty()
    assert not client.status
    entry = await gate.entry()
    assert (entry.kind == "release") == (policy == "free-if-nothing")
    if policy == "drain":
        assert (entry.charge, entry.source) == (13 if path != "/v1/embeddings" else 8, "provider")
    elif policy == "charge-delivered":
        assert (entry.usage["input"], entry.usage.get("output")) == (entry.charge, None)
        await asyncio.wait_for(gate.provider.asked[0].gone.wait(), 5)


@pytest.mark.parametrize("path", STREAMED)
async def test_a_caller_that_leaves_before_its_question_is_whole_leaves_no_trace(gate, path):
    said = asyncio.Queue()
    said.put_nowait({"type": "http.request", "body": b'{"mo', "more_body": True})
    said.put_nowait({"type": "http.disconnect"})
    headers = [(b"authorization", f"Bearer {gate.secret}".encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    await gate.app(scope, said.get, None)
    assert await gate.entries() == []
    assert not gate.provider.asked


async def test_a_caller_that_left_while_its_credit_was_set_aside_is_not_called_for(gate):
    client = gate.call(CHAT)
    client.hang_up()
    await asyncio.wait_for(client.task, 5)
    assert not gate.provider.asked
    assert (await gate.entry()).kind == "release"


async def test_a_send_that_fails_is_a_caller_that_left(gate):
    gate.provider.says = lambda _: Says.stream(*STREAMS[CHAT])
    said = asyncio.Queue()

    async def broken(message):
        raise ConnectionResetError

    client = gate.call(CHAT, stream=True)
    await client.body()
    headers = [(b"authorization", f"Bearer {gate.secret}".encode())]
    scope = {"type": "http", "method": "POST", "path": CHAT, "headers": headers, "query_string": b""}
    said.put_nowait({"type": "http.request", "body": gate.provider.asked[0].body})
    await asyncio.wait_for(gate.app(scope, said.get, broken), 5)
    first, second = await gate.entries()
    assert first.charge == second.charge == 13


async def test_a_drained_answer_has_an_end_as_well(gate, monkeypatch):
    await gate.plan(call={"on_disconnect": "drain"})
    monkeypatch.setattr(
        gate.upstreams.routes,
        "patterns",
        [(pattern, route._replace(total_s=0.3)) for pattern, route in gate.upstreams.routes.patterns],
    )
    gate.provider.says = lambda _: Says.stream(*WORDS, "hang")
    client = gate.call(CHAT, stream=True)
    await anext(client.chunks())
    client.hang_up()
    await asyncio.wait_for(client.task, 5)
    entry = await gate.entry()
    assert (entry.charge, entry.facts["ended"]) == (INPUT + 5, "disconnect")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("policy", POLICIES)
async def test_a_server_that_stops_charges_what_is_under_way(gate, policy, stream):
    await gate.plan(call={"on_disconnect": policy})
    begun = asyncio.Event()

    def says(_):
        begun.set()
        return Says.stream(*WORDS[:3], "hang") if stream else Says(["hang"])

    gate.provider.says = says
    client = gate.call(CHAT, stream=stream)
    await asyncio.wait_for(begun.wait(), 5)
    if stream:
        seen, chunks = b"", client.chunks()
        while len(seen) < len(b"".join(WORDS[:3])):
            seen += await anext(chunks)
    else:
        await asyncio.sleep(0.05)
    await asyncio.wait_for(gate.app.close(), 5)
    rest = await client.body()
    assert (b"is stopping" if stream else b"closing") in rest
    assert client.status == (200 if stream else 503)
    entry = await gate.entry()
    assert (entry.kind, entry.charge) == (("charge", INPUT + 3) if stream else ("release", 0))
    assert not stream or entry.facts["ended"] == "cut"
    late = gate.call(CHAT)
    assert (await late.document())["error"]["type"] == "server_error"
    assert (late.status, late.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_that_the_server_cancels_is_charged_before_the_gateway_closes(gate, stream):
    gate.provider.says = lambda _: Says.stream(*WORDS[:3], "hang")
    client = gate.call(CHAT, stream=stream)
    if stream:
        await anext(client.chunks())
    while not gate.provider.asked:  # noqa: ASYNC110 -- the provider does not tell when it is asked
        await asyncio.sleep(0.001)
    client.task.cancel()
    await asyncio.wait_for(client.task, 5)
    assert (b"is stopping" if stream else b"is closing") in await client.body()
    await asyncio.wait_for(gate.app.close(), 5)
    entry = await gate.entry()
    assert (entry.kind == "charge") == stream
    await asyncio.wait_for(gate.provider.asked[0].gone.wait(), 5)


@pytest.fixture
def no_room():
    """Yield the port of a provider that takes no more connections: reaching it hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with ExitStack() as stack:
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses instead of letting wait")
@pytest.mark.parametrize("policy", POLICIES)
async def test_a_caller_that_leaves_before_its_provider_is_reached_pays_nothing(gate, policy, no_room):
    await gate.plan(call={"on_disconnect": policy})
    full = Upstream(
        name="full", url=f"http://127.0.0.1:{no_room}", models=("gpt-*",), connect_s=30, total_s=0.5
    )
    upstreams = Upstreams(Settings(upstream=(full,)))
    await upstreams.open()
    gateway = Gateway(gate.house, upstreams)
    gate.app = gateway
    client = gate.call(CHAT, stream=True)
    while not (await gate.house.balance("a")).held:  # noqa: ASYNC110 -- nobody tells when it is set aside
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    client.hang_up()
    await asyncio.wait_for(client.task, 5)
    await gateway.close()
    await upstreams.close()
    entry = await gate.entry()
    assert (entry.kind, entry.charge) == ("release", 0)
