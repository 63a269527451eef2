"""Ending: a task that goes on by itself ends, also where a cancel was lost on its way."""

import asyncio

from tokenhouse.flow import ending
from tokenhouse.flow.ending import end


async def test_a_task_that_lost_its_cancel_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    lost = 0

    async def goes_on():
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:  # As `asyncio.wait_for` of Python 3.11 may swallow it.
                if lost == 2:
                    raise
                lost += 1

    task = asyncio.create_task(goes_on())
    await asyncio.sleep(0)
    await end(task)
    assert (task.cancelled(), lost) == (True, 2)


async def test_one_that_has_ended_or_fails_as_it_ends_is_no_trouble():
    async def fails():
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await end(task)
    await end(task)
    assert isinstance(task.exception(), RuntimeError)
