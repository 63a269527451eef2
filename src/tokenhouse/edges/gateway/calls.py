"""Calls: those under way in one process, each a task of its own that hears when its caller leaves."""

import asyncio
from typing import Final

from tokenhouse.edges.gateway.caller import Caller
from tokenhouse.edges.gateway.visit import Visit
from tokenhouse.flow.until import Until

CUT_WITHIN_S: Final = 10.0
"""How long the caller of a call that was cut waits for its end."""


class Calls:
    """The calls of one process. Closed, they are ended and charged."""

    def __init__(self) -> None:
        self.open: dict[asyncio.Task[None], Visit] = {}
        self.closing = False

    async def run(self, caller: Caller, visit: Visit) -> None:
        """Make a call, and listen meanwhile whether its caller is still there.

        A server that waits for it no longer cancels this: the call is cut, and this returns when that is told
        and charged. So it ends as it was asked to, and is no fault for anybody's log.
        """
        work = asyncio.create_task(visit.run(), name="tokenhouse call")
        self.open[work] = visit
        work.add_done_callback(self.open.pop)
        try:
            await _listen(caller, work, visit)
            await asyncio.shield(work)
        except asyncio.CancelledError:
            visit.leave("cut")
            await asyncio.wait({work}, timeout=CUT_WITHIN_S)
            if not work.done():  # What it waits for is away; it goes on without its caller.
                raise
            await work

    async def close(self) -> None:
        """End all calls, and return when each is charged."""
        self.closing = True
        for visit in self.open.values():
            visit.leave("cut")
        while self.open:
            await asyncio.wait(self.open)


async def _listen(caller: Caller, work: asyncio.Task[None], visit: Visit) -> None:
    """Tell `visit` when its caller leaves; return then, or when its work is done."""
    try:
        with Until() as listening:
            work.add_done_callback(lambda _: listening.end())
            await caller.left()
            visit.leave("disconnect")
    except TimeoutError:
        return
