"""Jobs in the database: the slot each has come to, and its runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from tokenhouse.rules.slots import Outcome
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LOCK_JOB: Final = sql("lock_job")
LIST_RUNS_OPEN: Final = sql("list_runs_open")
WRITE_JOB_SLOT: Final = sql("write_job_slot")
WRITE_RUN: Final = sql("write_run")
WRITE_RUN_RETAKEN: Final = sql("write_run_retaken")
WRITE_RUN_LEASE: Final = sql("write_run_lease")
WRITE_RUN_ENDED: Final = sql("write_run_ended")
LIST_RUNS_LAST: Final = sql("list_runs_last")
LIST_RUNS: Final = sql("list_runs")
FIND_RUN: Final = sql("find_run")
SUM_STANDING: Final = sql("sum_standing")
WRITE_RUNS_PRUNED: Final = sql("write_runs_pruned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job: the slot that it is for, who does it, and how it went.

    `asked_by` is who asked for it by hand, or "" where the schedule did. Tried again, `attempt` grows and the
    other figures are those of the last try.
    """

    id: str
    job: str
    slot: datetime
    attempt: int
    node: str
    asked_by: str
    started_at: datetime
    lease_until: datetime
    ended_at: datetime | None = None
    outcome: Outcome = "running"
    result: Any = None
    error: str = ""

    @property
    def took_s(self) -> float | None:
        """Return how long it took, in seconds; None while it is at work."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All accounts together: how many, with a balance, with open reservations; and their credit."""

    accounts: int
    balances: int
    reserving: int
    left: int
    held: int
    debt: int
    pending: int
    """Deliveries of notices that are on their way."""
    dead: int
    """Those that nobody took, and that are tried no more."""


async def lock_job(connection: Connection, job: str) -> datetime | None:
    """Lock a job and return the slot that the schedule has begun last; None if it never did."""
    slot: datetime | None = await connection.fetchval(LOCK_JOB, job)
    return slot


async def list_runs_open(connection: Connection, job: str, slot: datetime | None) -> list[Run]:
    """Return the run of a job that is at work, and the schedule's run of a slot."""
    return [_run(row) for row in await connection.fetch(LIST_RUNS_OPEN, job, slot)]


async def write_job_slot(connection: Connection, job: str, slot: datetime) -> None:
    """Note that the schedule has begun a slot."""
    await connection.execute(WRITE_JOB_SLOT, job, slot)


async def write_run(connection: Connection, run: Run) -> None:
    """Note that a run has begun."""
    await connection.execute(
        WRITE_RUN,
        UUID(run.id),
        run.job,
        run.slot,
        run.node,
        run.asked_by,
        run.started_at,
        run.lease_until,
    )


async def write_run_retaken(connection: Connection, run: Run) -> None:
    """Note that a run is tried again, as `run` says."""
    await connection.execute(
        WRITE_RUN_RETAKEN, UUID(run.id), run.attempt, run.node, run.started_at, run.lease_until
    )


async def write_run_lease(connection: Connection, run: Run, lease_until: datetime) -> bool:
    """Hold a run until `lease_until`; False if it is not ours any more."""
    row = await connection.fetchrow(WRITE_RUN_LEASE, UUID(run.id), run.attempt, run.node, lease_until)
    return row is not None


async def write_run_ended(connection: Connection, run: Run) -> bool:
    """Note how a run ended; False if it was not ours any more."""
    row = await connection.fetchrow(
        WRITE_RUN_ENDED,
        UUID(run.id),
        run.attempt,
        run.node,
        run.ended_at,
        run.outcome,
        None if run.result is None else msgspec.json.encode(run.result).decode(),
        run.error,
    )
    return row is not None


async def list_runs_last(connection: Connection) -> list[Run]:
    """Return of each job the last run that has ended, and the one at work."""
    return [_run(row) for row in await connection.fetch(LIST_RUNS_LAST)]


async def find_run(connection: Connection, run: str) -> Run | None:
    """Return a run by its id."""
    row = await connection.fetchrow(FIND_RUN, UUID(run))
    return None if row is None else _run(row)


async def list_runs(
    connection: Connection, job: str, before: tuple[datetime, str], rows_max: int
) -> list[Run]:
    """Return a page of a job's runs, the newest first, that began before one of them."""
    started_at, run = before
    return [_run(row) for row in await connection.fetch(LIST_RUNS, job, started_at, UUID(run), rows_max)]


async def write_runs_pruned(
    connection: Connection, newest: int, done_before: datetime, before: datetime
) -> int:
    """Forget runs, but for the `newest` of each job; return how many."""
    status = await connection.execute(WRITE_RUNS_PRUNED, newest, done_before, before)
    return int(status.rpartition(" ")[2])


async def sum_standing(connection: Connection) -> Standing:
    """Return where all accounts stand together."""
    row = await connection.fetchrow(SUM_STANDING)
    assert row is not None  # noqa: S101 -- sums are always there
    return Standing(**{name: int(value) for name, value in row.items()})


def _run(row: Any) -> Run:
    """Return a run as its row has it."""
    told = dict(row)
    result = told.pop("result")
    return Run(
        **told | {"id": row["id"].hex},
        result=None if result is None else msgspec.json.decode(result),
    )
