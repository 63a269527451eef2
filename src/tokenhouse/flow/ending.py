"""Ending: a task that goes on by itself ends, and whoever ended it goes on when it has."""

import asyncio
from typing import Any, Final

AGAIN_S: Final = 5.0
"""How long a cancelled task may take to clear up; one that is still there lost its cancel on the way."""


async def end(task: asyncio.Future[Any]) -> None:
    """Cancel a task and return when it has ended, however it did.

    It is cancelled until then: under Python 3.11, a connection that comes about at the same moment takes a
    cancel with it, and whoever waited for the end of such a task waited for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_S)
