"""Samples: a real trace of two weeks, replayed into a new deployment so that its pages show something.

The trace ends now. Its requests go through the whole engine, at a desk that lives in the trace's time, on the
same database.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import cache
from typing import Final, Literal, NamedTuple

from tokenhouse.errors import Forbidden, StillRunning
from tokenhouse.flow import identify, rollups, works
from tokenhouse.flow.audit_trail import with_record
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.documents import sample_plan
from tokenhouse.flow.replay import Replay, TraceClock, start_of
from tokenhouse.flow.simulate import Assumptions
from tokenhouse.flow.traces import Trace, sample_trace
from tokenhouse.flow.under_way import Steps
from tokenhouse.flow.works import End, Kind, Work

State = Literal["offered", "loading", "loaded", "failed", "withheld"]
Beside = Callable[[TraceClock], AbstractAsyncContextManager[Desk]]
"""Opens a desk on the same database that lives in another time."""

SUBJECT: Final = "samples"
BEGUN: Final = "samples.load"
DONE: Final = "samples.loaded"
FAILED: Final = "samples.failed"
CALLERS: Final = 32
NEW_MAX: Final = 3
"""Accounts of a deployment that is still new; one with more has something to show."""


class Samples(NamedTuple):
    """Where it stands: `done` of `total` requests."""

    state: State
    done: int
    total: int


async def progress(desk: Desk) -> Samples:
    """Return where it stands."""
    total = len(_trace().requests)
    if desk.settings.environment == "production":
        return Samples("withheld", 0, total)
    latest = await _latest(desk)
    if latest is not None:
        return latest
    return Samples("offered" if await _new(desk) else "withheld", 0, total)


async def load(desk: Desk, beside: Beside, *, actor: str, address: str) -> Samples:
    """Begin to replay, and return at once; where that is under way already, return how far it is.

    Raises: Forbidden in production, and where there are other accounts; StillRunning once it is done.
    """
    checked_text(actor, "actor")
    checked_text(address, "address")
    if desk.settings.environment == "production":
        raise Forbidden("samples_in_production")
    latest = await _latest(desk)
    if latest is None and not await _new(desk):
        raise Forbidden("samples_not_new")

    work, who = desk.new_id(), {"actor": actor, "subject": SUBJECT}

    async def replay(steps: Steps) -> End:
        try:
            found = await _replayed(desk, beside, steps)
        except Exception as trouble:
            error = {"error": str(trouble) or type(trouble).__name__}
            with with_record(desk, lambda _: error, action=FAILED, **who):
                await works.halt(desk, work, "failed", None, done=steps.done, total=steps.total)
            raise
        await rollups.fold(desk)
        await desk.remembered.forget()
        with with_record(desk, lambda _: found, action=DONE, **who):
            await works.halt(desk, work, "done", found, done=steps.done, total=steps.total)
        return End(found)

    try:
        with with_record(desk, lambda _: None, action=BEGUN, **who, address=address):
            return await works.start(
                desk, KIND, {}, replay, actor=actor, total=len(_trace().requests), work=work
            )
    except StillRunning:
        running = await _latest(desk)
        if running is None or running.state != "loading":
            raise
        return running


async def _latest(desk: Desk) -> Samples | None:
    """Return the last time that it was begun."""
    return next(iter((await works.page(desk, KIND, None, 1)).items), None)


async def _new(desk: Desk) -> bool:
    """Return whether a deployment has hardly any accounts."""
    return len(await identify.page(desk, (-1, 0), NEW_MAX + 1)) <= NEW_MAX


async def _replayed(desk: Desk, beside: Beside, steps: Steps) -> dict[str, int]:
    """Replay the trace so that it ends now, and return what that came to."""
    trace, now = _trace(), desk.clock()
    span = timedelta(microseconds=trace.requests[-1].at - trace.requests[0].at)
    given = Assumptions(start_at=now - span)
    clock = TraceClock(start_of(trace, given))
    async with beside(clock) as other:
        replay = Replay(
            desk=other,
            trace=trace,
            plan=sample_plan(desk.settings.time_zone),
            given=given,
            callers=CALLERS,
            clock=clock,
            heard=steps.count,
        )
        await replay.prepare()
        await replay.drive()
        found = await replay.audit()
    return {"requests": len(trace.requests), "accounts": len(trace.accounts), "findings": found.findings}


def _shown(work: Work) -> Samples:
    """Return a work as where the samples stand; one that came to no end may be begun again."""
    state: State = "failed"
    if work.state in ("running", "done"):
        state = "loading" if work.state == "running" else "loaded"
    return Samples(state, 0 if state == "failed" else work.done, len(_trace().requests))


@cache
def _trace() -> Trace:
    """Return the trace that comes with tokenhouse, read once."""
    return sample_trace()


KIND: Final = Kind(name="samples", unknown="samples_there", busy="samples_there", shown=_shown)
"""What was replayed stands in the ledger: a person says whether the rest is to follow."""
