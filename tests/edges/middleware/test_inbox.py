"""The request's body reaches the application byte for byte, and its client's leaving exactly once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse import InvalidInput
from tokenhouse.edges.middleware.inbox import ClientLeft, Inbox


class Script:
    """A server that says these messages; after the last one it waits."""

    def __init__(self, *messages: dict) -> None:
        self.messages = list(messages)
        self.readers = 0

    async def __call__(self) -> dict:
        self.readers += 1
        assert self.readers == 1, "one reader at a time"
        try:
            if not self.messages:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            return self.messages.pop(0)
        finally:
            self.readers -= 1


def chunks(parts: list[bytes]) -> list[dict]:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    return [*messages, {"type": "http.request"}]


GONE = {"type": "http.disconnect"}


async def all_of(inbox: Inbox) -> bytes:
    parts, more = [], True
    while more:
        message = await inbox.receive()
        assert message["type"] == "http.request"
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


@pytest.mark.row("C4")
@given(parts=st.lists(st.binary(max_size=50), max_size=8), reads=st.booleans())
def test_any_chunking_gives_the_application_the_same_bytes(parts, reads):
    async def body() -> bytes:
        inbox = Inbox(Script(*chunks(parts)))
        if reads:
            assert await inbox.read(1_000) == b"".join(parts)
        return await all_of(inbox)

    assert asyncio.run(body()) == b"".join(parts)


async def test_a_body_beyond_the_bound_is_refused_while_it_comes():
    script = Script(*chunks([b"x" * 60, b"x" * 60, b"x" * 60]))
    with pytest.raises(InvalidInput) as refused:
        await Inbox(script).read(100)
    assert refused.value.reason == "body_too_large"
    assert len(script.messages) == 2


async def test_a_client_that_leaves_half_way_is_gone():
    with pytest.raises(ClientLeft):
        await Inbox(Script(*chunks([b"x"])[:1], GONE)).read(100)


async def test_everybody_who_waits_hears_of_the_leaving_from_one_reader():
    inbox = Inbox(Script(*chunks([b"x"]), GONE))
    await inbox.read(100)
    await inbox.receive()
    inbox.watch()
    assert [message["type"] for message in await asyncio.gather(*(inbox.receive() for _ in range(3)))] == [
        "http.disconnect"
    ] * 3
    assert inbox.left
    assert await inbox.receive() == GONE


async def test_an_application_that_drains_is_not_told_before_it_has_ended():
    inbox = Inbox(Script({"type": "http.request"}, GONE))
    inbox.hides = True
    await inbox.read(100)
    await inbox.receive()
    waiting = asyncio.create_task(inbox.receive())
    for _ in range(10):
        await asyncio.sleep(0)
    assert inbox.left
    assert not waiting.done()
    inbox.close()
    assert await waiting == GONE


async def test_who_leaves_after_the_last_byte_has_had_everything():
    inbox = Inbox(Script({"type": "http.request"}, GONE))
    await inbox.read(100)
    inbox.watch()
    inbox.finish()
    await asyncio.sleep(0.01)
    assert not inbox.left


async def test_nobody_reads_the_application_its_unread_body_away():
    inbox = Inbox(Script(*chunks([b"a", b"b"])))
    inbox.watch()
    assert await all_of(inbox) == b"ab"
