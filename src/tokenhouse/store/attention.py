"""Attention in the database: how much waits for a person, of each kind."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

FIND_ATTENTION: Final = sql("find_attention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Deliveries given up, prices held back, payments that fit no order, refunds that failed, and when."""

    dead: int
    dead_at: datetime | None
    held: int
    held_at: datetime | None
    unmatched: int
    unmatched_at: datetime | None
    unrefunded: tuple[str, ...]
    """The orders whose refund came to nothing."""
    unrefunded_at: datetime | None


async def find_attention(connection: Connection, events_from: str) -> Waiting:
    """Return what waits; payment events count from an id on."""
    row = await connection.fetchrow(FIND_ATTENTION, UUID(events_from))
    assert row is not None  # noqa: S101 -- one row, always
    return Waiting(**{**row, "unrefunded": tuple(one.hex for one in row["unrefunded"])})
