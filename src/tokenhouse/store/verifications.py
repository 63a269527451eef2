"""Verifications on demand in the database, where every node sees how far one is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_VERIFICATIONS_LOST: Final = sql("write_verifications_lost")
WRITE_VERIFICATION: Final = sql("write_verification")
WRITE_VERIFICATION_PROGRESS: Final = sql("write_verification_progress")
WRITE_VERIFICATION_ENDED: Final = sql("write_verification_ended")
FIND_VERIFICATION: Final = sql("find_verification")
LIST_VERIFICATIONS: Final = sql("list_verifications")

State: TypeAlias = Literal["running", "clean", "broken", "failed", "lost", "cancelled"]
"""Under way; every law holds; one does not; it could not be carried out; its node was lost; called off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One verification as it is stored; `verdict` is JSON, once there is one."""

    id: str
    account: str | None
    cell: int | None
    state: State
    started_at: datetime
    started_by: str
    seen_at: datetime
    ended_at: datetime | None
    entries_total: int
    entries_read: int
    verdict: str | None


async def write_lost(connection: Connection, at: datetime, unseen_since: datetime) -> None:
    """Give up those whose node has not been heard of."""
    await connection.execute(WRITE_VERIFICATIONS_LOST, at, unseen_since)


async def write_started(
    connection: Connection,
    verification: str,
    *,
    account: str | None,
    cell: int | None,
    at: datetime,
    actor: str,
    entries: int,
) -> bool:
    """Begin one; False if one is under way."""
    begun = await connection.fetchrow(
        WRITE_VERIFICATION, UUID(verification), account, cell, at, actor, entries
    )
    return begun is not None


async def write_progress(connection: Connection, verification: str, at: datetime, entries: int) -> bool:
    """Note how far one is; False if it was given up for lost meanwhile."""
    return await connection.fetchrow(WRITE_VERIFICATION_PROGRESS, UUID(verification), at, entries) is not None


async def write_ended(
    connection: Connection,
    verification: str,
    state: State,
    at: datetime,
    entries: int | None,
    verdict: str | None,
) -> None:
    """Note how one ended, unless it has; without `entries`, how far it was stays as it is."""
    await connection.execute(WRITE_VERIFICATION_ENDED, UUID(verification), state, at, entries, verdict)


async def find(connection: Connection, verification: str) -> Row | None:
    """Return one."""
    row = await connection.fetchrow(FIND_VERIFICATION, UUID(verification))
    return _row(row) if row else None


async def list_latest(connection: Connection, before: tuple[datetime, str], rows_max: int) -> list[Row]:
    """Return the latest before a time and an id, newest first."""
    found = await connection.fetch(LIST_VERIFICATIONS, before[0], UUID(before[1]), rows_max)
    return [_row(row) for row in found]


def _row(row: Any) -> Row:
    return Row(**{**dict(row), "id": row["id"].hex})
