"""Attention: what waits for somebody who runs the deployment.

It is told from what jobs and verifications found out already, so that a page may ask every few seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from tokenhouse.flow import schedule, verifications, works
from tokenhouse.flow.desk import Desk, new_id
from tokenhouse.flow.schedule import JobState
from tokenhouse.flow.verifications import Verification
from tokenhouse.rules.periods import instant
from tokenhouse.store import attention as stored

What = Literal[
    "deliveries_dead",
    "rates_held",
    "jobs_failed",
    "findings",
    "payments_unmatched",
    "refunds_failed",
    "signups_waiting",
    "periods_stuck",
]
EVENTS: Final = timedelta(days=7)
"""How long a payment that fits no order, and a refund that came to nothing, is told of."""
WATCH: Final = "watch"
"""The job that looks at all accounts every few minutes."""
LOWEST: Final = "0" * 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One kind of what may wait: how many there are, which, and when it was last seen or found out."""

    what: What
    count: int
    names: tuple[str, ...] = ()
    at: datetime | None = None


async def attention(desk: Desk) -> tuple[Concern, ...]:
    """Return every kind, what waits and what does not."""
    since = new_id(instant(desk.clock() - EVENTS), LOWEST)
    async with desk.pool.acquire() as connection:
        waiting = await stored.find_attention(connection, since)
    latest = await works.page(desk, verifications.KIND, None, 2)
    states = await schedule.states(desk)
    return (
        Concern(what="deliveries_dead", count=waiting.dead, at=waiting.dead_at),
        Concern(what="rates_held", count=waiting.held, at=waiting.held_at),
        _jobs(states),
        _findings(latest.items),
        Concern(what="payments_unmatched", count=waiting.unmatched, at=waiting.unmatched_at),
        Concern(
            what="refunds_failed",
            count=len(waiting.unrefunded),
            names=waiting.unrefunded,
            at=waiting.unrefunded_at,
        ),
        _watched(states, "signups_waiting", "accounts_waiting"),
        _watched(states, "periods_stuck", "stuck"),
    )


def _jobs(states: list[JobState]) -> Concern:
    """Return the jobs whose last run did not go well."""
    failed = [one.last for one in states if one.last is not None and one.last.outcome != "done"]
    return Concern(
        what="jobs_failed",
        count=len(failed),
        names=tuple(run.job for run in failed),
        at=max((run.ended_at for run in failed if run.ended_at), default=None),
    )


def _findings(latest: tuple[Verification, ...]) -> Concern:
    """Return what the latest verification that has ended found; one that could not end well is a finding."""
    ended = next((one for one in latest if one.state not in ("running", "cancelled")), None)
    if ended is None:
        return Concern(what="findings", count=0)
    count = (ended.verdict or {}).get("found", 0) if ended.state in ("clean", "broken") else 1
    return Concern(what="findings", count=count, names=(ended.id, ended.state), at=ended.ended_at)


def _watched(states: list[JobState], what: What, figure: str) -> Concern:
    """Return a figure that the job saw which looks at all accounts; 0 before it first has."""
    run = next((one.last for one in states if one.name == WATCH), None)
    if run is None or run.result is None:
        return Concern(what=what, count=0)
    return Concern(what=what, count=int(run.result.get(figure, 0)), at=run.ended_at)
