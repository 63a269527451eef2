"""Until: a block that ends at a time or when somebody says so, as `asyncio.timeout` would end it."""

import asyncio
from contextlib import suppress

import pytest

from tokenhouse.flow.until import Until

pytestmark = pytest.mark.row("E2")


async def test_a_block_ends_at_its_time():
    with pytest.raises(TimeoutError), Until(0.01):
        await asyncio.Event().wait()
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


async def test_a_block_that_is_done_in_time_is_never_touched():
    with Until(0.01) as until:
        await asyncio.sleep(0)
    until.end()
    await asyncio.sleep(0.03)


async def test_somebody_else_ends_a_block_and_more_than_once():
    async def work():
        with Until() as until:
            asyncio.get_running_loop().call_soon(until.end)
            asyncio.get_running_loop().call_soon(until.end)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()
    assert asyncio.current_task().cancelling() == 0


async def test_an_error_of_the_block_is_its_own():
    with pytest.raises(KeyError), Until(1):
        raise KeyError


@pytest.mark.parametrize("over", [False, True])
async def test_a_task_that_is_cancelled_is_cancelled(over):
    async def work():
        with Until() as until:
            if over:
                asyncio.get_running_loop().call_soon(until.end)
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_block_within_a_block_ends_alone():
    ended = []
    with Until(5):
        with suppress(TimeoutError), Until(0):
            await asyncio.Event().wait()
        ended.append("inner")
        await asyncio.sleep(0)
    assert ended == ["inner"]
