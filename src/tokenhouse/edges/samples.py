"""Sample data: a real trace of two weeks, replayed into a new deployment so that its pages show something.

The trace ends now. Its requests go through the whole engine, in a house of its own that lives in the trace's
time, on the same database. What was begun and done stands in the audit log, so that every node, and a page
that is loaded again, can tell.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Final, Literal, NamedTuple

from tokenhouse.errors import Forbidden, StillRunning
from tokenhouse.flow.documents import sample_plan
from tokenhouse.flow.replay import Replay, TraceClock, start_of
from tokenhouse.flow.simulate import Assumptions
from tokenhouse.flow.traces import Trace, sample_trace
from tokenhouse.house import Tokenhouse

log: Final = logging.getLogger("tokenhouse.samples")

State = Literal["offered", "loading", "loaded", "failed", "withheld"]

SUBJECT: Final = "samples"
BEGUN: Final = "samples.load"
DONE: Final = "samples.loaded"
FAILED: Final = "samples.failed"
CALLERS: Final = 32
NEW_MAX: Final = 3
"""Accounts of a deployment that is still new; one with more has something to show."""
LOST_AFTER: Final = timedelta(minutes=5)
"""Whoever was at it for so long without coming to an end is gone: it may be begun again."""


class Progress(NamedTuple):
    """Where it stands; `done` of `total` requests, as far as this process knows."""

    state: State
    done: int
    total: int


class Samples:
    """The sample data of one deployment, as one process sees them."""

    def __init__(self, house: Tokenhouse) -> None:
        self._house = house
        self._replay: Replay | None = None
        self._work: asyncio.Task[None] | None = None

    async def progress(self) -> Progress:
        """Return where it stands."""
        total = len(_trace().requests)
        if self._house.desk.settings.environment == "production":
            return Progress("withheld", 0, total)
        state = await self._state()
        if state == "loaded":
            return Progress(state, total, total)
        lines = () if self._replay is None else self._replay.tally.accounts.values()
        return Progress(state, sum(line.requests for line in lines) if state == "loading" else 0, total)

    async def load(self, *, actor: str, address: str = "") -> Progress:
        """Begin to replay, and return at once.

        Raises: Forbidden in production, and where there are other accounts; StillRunning while it is at
        work, or done already.
        """
        if self._house.desk.settings.environment == "production":
            raise Forbidden("samples_in_production")
        state = await self._state()
        if state == "withheld":
            raise Forbidden("samples_not_new")
        if state in ("loading", "loaded"):
            raise StillRunning("samples_there", retry_after_s=5)
        await self._house.record(BEGUN, SUBJECT, actor=actor, address=address)
        self._work = asyncio.create_task(self._load(actor), name="tokenhouse samples")
        return Progress("loading", 0, len(_trace().requests))

    async def close(self) -> None:
        """Give up what is under way."""
        if self._work is not None:
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work

    async def _state(self) -> State:
        """Return what the audit log says of it."""
        latest = await self._house.audit_log(subject=SUBJECT, rows_max=1)
        if not latest:
            new = len(await self._house.accounts(rows_max=NEW_MAX + 1)) <= NEW_MAX
            return "offered" if new else "withheld"
        if latest[0].action == DONE:
            return "loaded"
        lost = self._house.desk.clock() - latest[0].at > LOST_AFTER
        return "failed" if latest[0].action == FAILED or lost else "loading"

    async def _load(self, actor: str) -> None:
        """Replay the trace, see to it that statistics know it, and write how that ended."""
        try:
            found = await self._replayed()
        except asyncio.CancelledError:
            await self._house.record(FAILED, SUBJECT, actor=actor, after={"error": "the server stopped"})
            raise
        except Exception as trouble:
            log.exception("the sample data could not be loaded")
            await self._house.record(FAILED, SUBJECT, actor=actor, after={"error": str(trouble)})
        else:
            await self._house.fold()
            await self._house.forget_statistics()
            await self._house.record(DONE, SUBJECT, actor=actor, after=found)
        finally:
            self._replay = None

    async def _replayed(self) -> dict[str, int]:
        """Replay the trace so that it ends now, and return what that came to."""
        settings, now = self._house.desk.settings, self._house.desk.clock()
        trace = _trace()
        span = timedelta(microseconds=trace.requests[-1].at - trace.requests[0].at)
        given = Assumptions(start_at=now - span)
        clock = TraceClock(start_of(trace, given))
        async with Tokenhouse.open(settings=settings, clock=clock) as house:
            plan = sample_plan(settings.time_zone)
            replay = Replay(
                desk=house.desk, trace=trace, plan=plan, given=given, callers=CALLERS, clock=clock
            )
            self._replay = replay
            await replay.prepare()
            await replay.drive()
            found = await replay.audit()
        return {"requests": len(trace.requests), "accounts": len(trace.accounts), "findings": found.findings}


@cache
def _trace() -> Trace:
    """Return the trace that comes with tokenhouse, read once."""
    return sample_trace()
