"""Retention: what has served its time is forgotten; the journal never is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tokenhouse.flow import outbox, payments, reading, upkeep, works
from tokenhouse.flow.desk import Desk
from tokenhouse.store import jobs

RUNS_NEWEST: Final = 200
"""Runs of each job that stay however old they are."""
RUNS_DONE_DAYS: Final = 2
RUNS_DAYS: Final = 30
"""Days for which other runs stay: those that went well, and those that did not."""
DELIVERIES_DAYS: Final = 90
"""Days for which a delivery of a notice stays after it has ended, a dead letter among them."""
ATTEMPTS_DAYS: Final = 90
"""Days for which an attempt stays on record of somebody who proved nothing; what a provider told stays."""
NOTICES_DAYS: Final = 400
"""Days for which a notice stays after it was read: a person may look back over a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How much was forgotten of each kind."""

    keys: int
    runs: int
    deliveries: int
    notices: int
    attempts: int
    files: int


async def forget(desk: Desk) -> Forgotten:
    """Forget keys, runs, deliveries, read notices, forged messages and files that are old; prepare months.

    Idempotent.
    """
    await upkeep.prepare_months(desk)
    keys = await upkeep.forget_keys(desk)
    now = desk.clock()
    async with desk.pool.acquire() as connection:
        runs = await jobs.write_runs_pruned(
            connection, RUNS_NEWEST, now - timedelta(days=RUNS_DONE_DAYS), now - timedelta(days=RUNS_DAYS)
        )
    return Forgotten(
        keys=keys,
        runs=runs,
        deliveries=await outbox.forget(desk, now - timedelta(days=DELIVERIES_DAYS)),
        notices=await reading.forget(desk, now - timedelta(days=NOTICES_DAYS)),
        attempts=await payments.forget(desk, now - timedelta(days=ATTEMPTS_DAYS)),
        files=await works.forget(desk),
    )
