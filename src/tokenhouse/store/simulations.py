"""Simulations on demand in the database, where every node sees how far one is; and what they run on."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_SIMULATIONS_LOST: Final = sql("write_simulations_lost")
WRITE_SIMULATIONS_FORGOTTEN: Final = sql("write_simulations_forgotten")
WRITE_SIMULATION: Final = sql("write_simulation")
WRITE_SIMULATION_PROGRESS: Final = sql("write_simulation_progress")
WRITE_SIMULATION_ENDED: Final = sql("write_simulation_ended")
FIND_SIMULATION: Final = sql("find_simulation")
LIST_SIMULATIONS: Final = sql("list_simulations")
LIST_HISTORY: Final = sql("list_history")
ROWS: Final = 5_000
"""Rows of history that are in memory at once."""

State: TypeAlias = Literal["running", "done", "failed", "lost"]
"""Under way; it came to its end; it could not; its node was lost."""
Source: TypeAlias = Literal["sample", "trace", "history"]
"""The sample that comes along; a trace that was sent; this deployment's own journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One simulation as it is stored; `outcome` is JSON, once there is one."""

    id: str
    source: Source
    plans: list[str]
    state: State
    started_at: datetime
    started_by: str
    seen_at: datetime
    ended_at: datetime | None
    steps_total: int
    steps_done: int
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Happened:
    """A call as it was charged, or credit that came; `usage` and `lots` are JSON."""

    ref: str
    at: datetime
    kind: str
    model: str
    usage: str | None
    amount: int
    source: str
    lots: str | None


async def write_lost(connection: Connection, at: datetime, unseen_since: datetime) -> None:
    """Give up those whose node has not been heard of."""
    await connection.execute(WRITE_SIMULATIONS_LOST, at, unseen_since)


async def write_forgotten(connection: Connection, before: datetime) -> None:
    """Forget those that began before a time."""
    await connection.execute(WRITE_SIMULATIONS_FORGOTTEN, before)


async def write_started(
    connection: Connection, simulation: str, source: Source, plans: Sequence[str], at: datetime, actor: str
) -> bool:
    """Begin one; False if one is under way."""
    begun = await connection.fetchrow(WRITE_SIMULATION, UUID(simulation), source, list(plans), at, actor)
    return begun is not None


async def write_progress(
    connection: Connection, simulation: str, at: datetime, done: int, total: int
) -> bool:
    """Note how far one is; False if it was given up for lost meanwhile."""
    row = await connection.fetchrow(WRITE_SIMULATION_PROGRESS, UUID(simulation), at, done, total)
    return row is not None


async def write_ended(
    connection: Connection,
    simulation: str,
    state: State,
    at: datetime,
    *,
    done: int,
    total: int,
    outcome: str | None,
) -> None:
    """Note how one ended."""
    await connection.execute(WRITE_SIMULATION_ENDED, UUID(simulation), state, at, done, total, outcome)


async def find(connection: Connection, simulation: str) -> Row | None:
    """Return one."""
    row = await connection.fetchrow(FIND_SIMULATION, UUID(simulation))
    return _row(row) if row else None


async def list_latest(connection: Connection, before: tuple[datetime, str], rows_max: int) -> list[Row]:
    """Return the latest before a time and an id, newest first, without their outcomes."""
    found = await connection.fetch(LIST_SIMULATIONS, before[0], UUID(before[1]), rows_max)
    return [_row(row) for row in found]


async def list_history(
    connection: Connection, since: datetime, until: datetime, plan: str | None, rows_max: int
) -> AsyncIterator[list[Happened]]:
    """Yield the newest that happened in a time, newest first, some thousand at a time, in one snapshot."""
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        cursor = await connection.cursor(LIST_HISTORY, since, until, plan, rows_max)
        while found := await cursor.fetch(ROWS):
            yield [Happened(*row) for row in found]


def _row(row: Any) -> Row:
    return Row(**{**dict(row), "id": row["id"].hex})
