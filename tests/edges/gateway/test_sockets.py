"""The gateway over real sockets, under the server that serves it: hang-ups, a stop, many callers at once."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvicorn

from tests.edges.gateway.provider import Says
from tests.edges.gateway.words import BODIES, CHAT, DONE, STREAMS, WHOLE, WORDS, chat

pytestmark = pytest.mark.row("E1", "E2", "E3", "E6")


@asynccontextmanager
async def served(gate, grace_s=5):
    """Serve the gateway and yield a client of it, and the server."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        gate.app, lifespan="off", log_config=None, timeout_graceful_shutdown=grace_s, access_log=False
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listening]))
    while not server.started:  # noqa: ASYNC110 -- uvicorn does not tell
        await asyncio.sleep(0.005)
    told = {"authorization": f"Bearer {gate.secret}"}
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with aiohttp.ClientSession(url, headers=told) as session:
        try:
            yield session, server
        finally:
            server.should_exit = True
            await running


async def test_a_whole_answer_and_a_stream(gate):
    async with served(gate) as (session, _):
        async with session.post(CHAT, json=BODIES[CHAT]) as answer:
            assert (answer.status, await answer.json()) == (200, WHOLE[CHAT])
        gate.provider.says = lambda _: Says.stream(*STREAMS[CHAT])
        async with session.post(CHAT, json=BODIES[CHAT] | {"stream": True}) as answer:
            assert (await answer.read()).endswith(DONE)
        assert [entry.charge for entry in await gate.entries()] == [13, 13], (
            "charged when the stream has ended"
        )


@pytest.mark.parametrize("policy", ["charge-delivered", "drain", "free-if-nothing"])
@pytest.mark.parametrize("read", [0, 1, 3])
async def test_a_client_that_closes_its_socket(gate, read, policy):
    await gate.plan(call={"on_disconnect": policy})
    go = asyncio.Event()
    steps = [step for word in WORDS[:3] for step in (word,)]
    gate.provider.says = lambda _: Says.stream(*steps[:read], go, *WORDS[read:], chat(finish="stop"), DONE)
    async with served(gate) as (session, _):
        answer = asyncio.create_task(session.post(CHAT, json=BODIES[CHAT] | {"stream": True}))
        while not gate.provider.asked:  # noqa: ASYNC110 -- the provider does not tell
            await asyncio.sleep(0.005)
        if read:
            response, wanted = await answer, len(b"".join(WORDS[:read]))
            assert await response.content.readexactly(wanted) == b"".join(WORDS[:read])
            response.close()
        else:
            answer.cancel()
        if policy == "drain":
            await asyncio.sleep(0.05)
            go.set()
        else:
            await asyncio.wait_for(gate.provider.asked[0].gone.wait(), 5)
        while not await gate.entries():  # noqa: ASYNC110 -- nobody tells when a charge is made
            await asyncio.sleep(0.005)
    entry = await gate.entry()
    wanted = 8 + (5 if policy == "drain" else read)
    assert entry.charge == (0 if policy == "free-if-nothing" and not read else wanted)


@pytest.mark.parametrize("grace_s", [0.2])
async def test_a_server_that_stops_settles_its_open_streams(gate, grace_s):
    gate.provider.says = lambda _: Says.stream(*WORDS[:2], "hang")
    async with served(gate, grace_s) as (session, server):
        answers = [await session.post(CHAT, json=BODIES[CHAT] | {"stream": True}) for _ in range(5)]
        for answer in answers:
            await answer.content.readexactly(len(WORDS[0] + WORDS[1]))
        server.should_exit = True
        for answer in answers:
            assert b"is stopping" in await answer.content.read(), "and not only a broken connection"
    await gate.app.close()
    entries = await gate.entries()
    assert [(entry.charge, entry.facts["ended"]) for entry in entries] == [(10, "cut")] * 5


async def test_never_more_than_the_account_can_pay_passes_at_once(gate):
    await gate.house.adjust("a", -99_900)
    gate.provider.says = lambda _: Says.whole(WHOLE[CHAT])
    body = json.dumps(BODIES[CHAT] | {"max_completion_tokens": 5})
    async with served(gate) as (session, _):

        async def one():
            async with session.post(CHAT, data=body) as answer:
                await answer.read()
                return answer.status

        statuses = await asyncio.gather(*(one() for _ in range(40)))
    assert set(statuses) == {200, 402}
    balance = await gate.house.balance("a")
    assert statuses.count(200) * 13 == 100 - balance.available
    assert balance.available >= 0


async def test_many_streams_that_leave_at_any_moment(gate):
    async with served(gate) as (session, _):

        async def one(number):
            body = BODIES[CHAT] | {"model": "demo", "stream": True, "demo": {"tokens": 30}}
            async with session.post(CHAT, json=body) as answer:
                async for _ in answer.content:
                    number -= 1
                    if not number:
                        answer.close()
                        return

        await asyncio.gather(*(one(number) for number in range(1, 90, 2)))
        while gate.app.calls.open:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.01)
    produced = gate.demo.log.sums
    charged = sum(entry.charge for entry in await gate.entries())
    assert charged == produced["tokens_input"] + produced["tokens_output"]
    assert produced["running"] == 0
