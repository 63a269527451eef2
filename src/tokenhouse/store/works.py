"""Works in the database: what takes long and is started by a person, where every node sees how far it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_WORKS_LOST: Final = sql("write_works_lost")
WRITE_WORKS_FORGOTTEN: Final = sql("write_works_forgotten")
WRITE_WORKS_ABANDONED: Final = sql("write_works_abandoned")
WRITE_WORK: Final = sql("write_work")
WRITE_WORK_FILE: Final = sql("write_work_file")
WRITE_WORK_FILES_DROPPED: Final = sql("write_work_files_dropped")
WRITE_WORK_PROGRESS: Final = sql("write_work_progress")
WRITE_WORK_HALTED: Final = sql("write_work_halted")
WRITE_WORK_RESUMED: Final = sql("write_work_resumed")
WRITE_WORK_CANCELLED: Final = sql("write_work_cancelled")
WRITE_WORK_TAKEN_UP: Final = sql("write_work_taken_up")
LIST_WORKS_UNHEARD: Final = sql("list_works_unheard")
FIND_WORK: Final = sql("find_work")
FIND_WORK_FILE: Final = sql("find_work_file")
LIST_WORKS: Final = sql("list_works")

Name: TypeAlias = Literal["verify", "simulate", "import", "samples"]
"""What kind of work it is."""
State: TypeAlias = Literal["running", "waiting", "done", "failed", "cancelled", "lost"]
"""Under way; waits for a person; came to its end; could not; was called off; its node was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One work as it is stored; `asked`, `outcome` and `problem` are JSON."""

    id: str
    asked: str
    state: State
    started_at: datetime
    started_by: str
    seen_at: datetime
    ended_at: datetime | None
    total: int
    done: int
    outcome: str | None
    problem: str | None


async def write_lost(connection: Connection, kind: Name, at: datetime, unseen_since: datetime) -> None:
    """Give up those whose node has not been heard of."""
    await connection.execute(WRITE_WORKS_LOST, kind, at, unseen_since)


async def write_forgotten(connection: Connection, kind: Name, before: datetime) -> None:
    """Forget those that ended and began before a time."""
    await connection.execute(WRITE_WORKS_FORGOTTEN, kind, before)


async def write_abandoned(connection: Connection, at: datetime, untouched_since: datetime) -> int:
    """Call off those that nobody came back to, let go of what was sent for them; return how many files."""
    await connection.execute(WRITE_WORKS_ABANDONED, at, untouched_since)
    return len(await connection.fetch(WRITE_WORK_FILES_DROPPED, untouched_since))


async def write_started(
    connection: Connection, work: str, kind: Name, asked: str, *, at: datetime, actor: str, total: int
) -> bool:
    """Begin one; False if one of its kind is under way."""
    row = await connection.fetchrow(WRITE_WORK, UUID(work), kind, asked, at, actor, total)
    return row is not None


async def write_file(connection: Connection, work: str, content: bytes) -> None:
    """Keep what was sent for one."""
    await connection.execute(WRITE_WORK_FILE, UUID(work), content)


async def write_progress(connection: Connection, work: str, at: datetime, done: int, total: int) -> bool:
    """Note how far one is; False if it was called off or given up for lost meanwhile."""
    return await connection.fetchrow(WRITE_WORK_PROGRESS, UUID(work), at, done, total) is not None


async def write_halted(
    connection: Connection,
    work: str,
    state: State,
    at: datetime,
    *,
    done: int,
    total: int,
    outcome: str | None,
    problem: str | None,
) -> bool:
    """Note that one has ended, or waits; without an outcome, its last one stays. False if it was not ours."""
    row = await connection.fetchrow(WRITE_WORK_HALTED, UUID(work), state, at, done, total, outcome, problem)
    return row is not None


async def write_resumed(
    connection: Connection, work: str, at: datetime, total: int, outcome: str | None
) -> bool:
    """Go on with one that waits, or was lost; False if it does not, or one of its kind is under way.

    Without an outcome, its last one stays.
    """
    try:
        return await connection.fetchrow(WRITE_WORK_RESUMED, UUID(work), at, total, outcome) is not None
    except asyncpg.UniqueViolationError:
        return False


async def write_cancelled(connection: Connection, work: str, at: datetime) -> bool:
    """Call one off; False if it has ended."""
    return await connection.fetchrow(WRITE_WORK_CANCELLED, UUID(work), at) is not None


async def list_unheard(connection: Connection, unseen_since: datetime) -> list[tuple[Name, Row]]:
    """Return those, each with its kind, whose node has not been heard of, the longest unheard first."""
    found = await connection.fetch(LIST_WORKS_UNHEARD, unseen_since)
    return [(line.pop("kind"), _row(line)) for line in map(dict, found)]


async def write_taken_up(connection: Connection, row: Row, asked: str, at: datetime) -> bool:
    """Take one over from a node that was lost; False if its node, or another one, was heard of meanwhile."""
    seen = (UUID(row.id), row.seen_at, at, asked)
    return await connection.fetchrow(WRITE_WORK_TAKEN_UP, *seen) is not None


async def find(connection: Connection, kind: Name, work: str) -> Row | None:
    """Return one."""
    row = await connection.fetchrow(FIND_WORK, kind, UUID(work))
    return _row(row) if row else None


async def find_file(connection: Connection, work: str) -> bytes | None:
    """Return what was sent for one, as long as it is kept."""
    found: bytes | None = await connection.fetchval(FIND_WORK_FILE, UUID(work))
    return found


async def list_latest(
    connection: Connection, kind: Name, before: tuple[datetime, str], rows_max: int, *, outcomes: bool
) -> list[Row]:
    """Return the latest before a time and an id, newest first, with their outcomes or without."""
    found = await connection.fetch(LIST_WORKS, kind, before[0], UUID(before[1]), rows_max, outcomes)
    return [_row(row) for row in found]


def _row(row: Any) -> Row:
    return Row(**{**dict(row), "id": row["id"].hex})
