"""Streams pass chunk by chunk, and a hang-up at any of them is charged as the plan says."""

import asyncio
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.edges.middleware.conftest import PREPAID, SECRET, TRUSTED, served, soon
from tokenhouse import Tokenhouse, TokenMiddleware, TrustedHeader, tokenhouse_call

pytestmark = pytest.mark.row("C4", "E6")

WORDS = ["one", " two", " three", " four", " five"]
USAGE = {"prompt_tokens": 9, "completion_tokens": 25, "total_tokens": 34}
COUNTED = {"input": 2}


class Writer:
    """A model that writes a word when it is let; it notes how far it came and how it ended."""

    def __init__(self, *, usage: bool = True) -> None:
        self.gates = [asyncio.Event() for _ in WORDS]
        self.written = 0
        self.ended = ""
        self._usage = usage

    def let(self, words: int) -> None:
        for gate in self.gates[:words]:
            gate.set()

    async def __call__(self):
        try:
            for word, gate in zip(WORDS, self.gates, strict=True):
                await gate.wait()
                self.written += 1
                yield event({"text": word})
            if self._usage:
                yield event({"usage": USAGE})
            self.ended = "whole"
        finally:
            self.ended = self.ended or "stopped"


def event(document: Any) -> bytes:
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


def starlette_app(writer: Writer):
    async def stream(request):
        await request.json()
        return StreamingResponse(writer(), media_type="text/event-stream")

    return Starlette(routes=[Route("/chat", stream, methods=["POST"])])


def bare_app(writer: Writer):
    """Return an application that never looks whether its client is there."""

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        written = writer()
        try:
            async for chunk in written:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            await written.aclose()

    return app


APPS = pytest.mark.parametrize("make", [starlette_app, bare_app])


def metered(house: Tokenhouse, app) -> TokenMiddleware:
    return TokenMiddleware(app, house, endpoints=["/chat"], account=TrustedHeader(secret=SECRET))


async def ended(house: Tokenhouse) -> Any:
    async def over() -> bool:
        return (await house.history("ann"))[0].kind in ("charge", "release")

    await soon(over)
    return (await house.history("ann"))[0]


@APPS
async def test_each_chunk_leaves_before_the_next_one_is_written(house: Tokenhouse, make):
    writer = Writer()
    async with served(metered(house, make(writer))) as serving, serving.client() as client:
        await client.ask("/chat", {"message": "go on"}, **TRUSTED)
        for number, word in enumerate(WORDS, 1):
            writer.let(number)
            if number == 1:
                status, headers = await client.head()
                assert (status, headers["x-tokenhouse-remaining"]) == (200, "10000")
            assert await client.chunk() == event({"text": word})
            assert writer.written == number
        assert await client.chunk() == event({"usage": USAGE})
        assert await client.chunk() == b""
        assert (await house.balance("ann")).used == 34, "charged before the answer ended"
    line = await ended(house)
    assert (line.charge, line.source) == (34, "provider")


async def test_the_first_byte_waits_for_no_charge(house: Tokenhouse, monkeypatch):
    from tokenhouse.flow import settle

    gate, whole = asyncio.Event(), settle.settle

    async def slow(*args: Any, **given: Any) -> Any:
        await gate.wait()
        return await whole(*args, **given)

    monkeypatch.setattr(settle, "settle", slow)
    writer = Writer()
    writer.let(5)
    async with served(metered(house, bare_app(writer))) as serving, serving.client() as client:
        await client.ask("/chat", {"message": "go on"}, **TRUSTED)
        await client.head()
        for _ in (*WORDS, "usage"):
            assert await client.chunk()
        assert (await house.balance("ann")).used == 0
        gate.set()
        assert await client.chunk() == b""


@APPS
@pytest.mark.parametrize("heard", range(6))
@pytest.mark.parametrize("policy", ["charge-delivered", "drain", "free-if-nothing"])
async def test_a_hang_up_at_any_chunk_is_charged_as_the_plan_says(house: Tokenhouse, make, heard, policy):
    await house.write_plan({**PREPAID, "call": {"output": 200, "on_disconnect": policy}})
    writer = Writer()
    async with served(metered(house, make(writer))) as serving:
        async with serving.client() as client:
            await client.ask("/chat", {"message": "go on"}, **TRUSTED)
            await soon(lambda: _holds(house))
            writer.let(heard)
            if heard:
                await client.head()
                for _ in range(heard):
                    assert await client.chunk()
            client.hang_up()
        await asyncio.sleep(0.05)
        writer.let(5)
        line = await ended(house)
    await soon(lambda: writer.ended)
    balance = await house.balance("ann")
    assert balance.held == 0
    if heard == 5:
        assert line.usage in ({"input": 9, "output": 25}, {"input": 2 + 1, "output": 8})
        return
    if policy == "drain":
        assert (writer.ended, line.charge, line.source) == ("whole", 34, "provider")
    else:
        assert writer.ended == "stopped"
        assert writer.written <= heard + 1
    if not heard and policy != "drain":
        assert (line.kind == "release") == (policy == "free-if-nothing")
    if line.kind == "charge":
        assert line.facts["on_disconnect"] == policy


async def _holds(house: Tokenhouse) -> bool:
    return (await house.balance("ann")).held > 0


async def test_a_stream_that_breaks_is_charged_what_came_and_its_error_is_the_apps(house: Tokenhouse):
    async def broken(scope, receive, send):
        assert scope["type"] == "http"
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        await send({"type": "http.response.body", "body": event({"text": "hello there"}), "more_body": True})
        raise ZeroDivisionError

    async with served(metered(house, broken)) as serving, serving.client() as client:
        await client.ask("/chat", {"message": "go on"}, **TRUSTED)
        await client.head()
        assert await client.chunk() == event({"text": "hello there"})
    line = await ended(house)
    assert (line.usage["output"], line.source, line.facts["ended"]) == (3, "estimated", "error")


async def test_an_app_that_forgets_to_end_its_answer_is_charged_what_came(house: Tokenhouse):
    async def cut(scope, receive, send):
        assert scope["type"] == "http"
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
        )
        await send({"type": "http.response.body", "body": b"hello there", "more_body": True})

    async with served(metered(house, cut)) as serving, serving.client() as client:
        await client.ask("/chat", {"message": "go on"}, **TRUSTED)
        await client.head()
    line = await ended(house)
    assert (line.usage["output"], line.facts["ended"]) == (3, "cut")


@APPS
@pytest.mark.parametrize("policy", ["charge-delivered", "free-if-nothing"])
async def test_what_was_recorded_of_a_stream_that_was_left_is_charged(house: Tokenhouse, make, policy):
    await house.write_plan({**PREPAID, "call": {"output": 200, "on_disconnect": policy}})
    writer = Writer()

    async def app(scope, receive, send):
        if scope["type"] == "http":
            tokenhouse_call(scope).record(USAGE)
        await make(writer)(scope, receive, send)

    async with served(metered(house, app)) as serving:
        async with serving.client() as client:
            await client.ask("/chat", {"message": "go on"}, **TRUSTED)
            writer.let(1)
            await client.head()
            assert await client.chunk()
            client.hang_up()
        await asyncio.sleep(0.05)
        writer.let(5)
        line = await ended(house)
    assert (line.charge, line.facts["ended"]) == (34, "disconnect")


async def test_a_cancelled_request_ends_its_call(house: Tokenhouse):
    began = asyncio.Event()

    async def endless(scope, receive, send):
        began.set()
        await asyncio.Event().wait()

    async def receive():
        return {"type": "http.request", "body": b'{"message":"go on"}'}

    async def send(message):
        raise AssertionError(message)

    headers = [(name.encode(), value.encode()) for name, value in TRUSTED.items()]
    scope = {"type": "http", "method": "POST", "path": "/chat", "headers": headers}
    running = asyncio.create_task(metered(house, endless)(scope, receive, send))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await ended(house)).kind == "release"
    assert (await house.balance("ann")).held == 0


async def test_a_client_that_leaves_while_it_sends_costs_nothing(house: Tokenhouse):
    async def never(scope, receive, send):
        assert scope["type"] != "http"

    async with served(metered(house, never)) as serving, serving.client() as client:
        await client.ask("/chat", b'{"mess', content_length="100", **TRUSTED)
        client.hang_up()
        await asyncio.sleep(0.1)
    assert (await house.balance("ann")).held == 0


async def test_hang_ups_at_random_leave_nothing_open(house: Tokenhouse):
    """Forty streams at once, five times over, each left where chance has it; the house verifies itself."""

    async def one(serving, number: int) -> None:
        async with serving.client() as client:
            await client.ask("/chat", {"message": "go on"}, **TRUSTED)
            await client.head()
            for _ in range(number % 7):
                if not await client.chunk():
                    return
            client.hang_up()

    async def app(scope, receive, send):
        writer = Writer(usage=False)
        writer.let(5)
        await (starlette_app if len(seen) % 2 else bare_app)(writer)(scope, receive, send)
        seen.append(writer.ended)

    seen: list[str] = []
    await house.grant("ann", 1_000_000)
    async with served(metered(house, app)) as serving:
        for _ in range(5):
            await asyncio.gather(*(one(serving, number) for number in range(40)))
    balance = await house.balance("ann")
    assert balance.held == 0
    lines = await house.history("ann", rows_max=1_000)
    assert len([line for line in lines if line.kind in ("charge", "release")]) == 200
