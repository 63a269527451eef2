"""Pace in the database: calls of the last minutes, of all nodes together."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from tokenhouse.store import rows
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_PACE: Final = sql("write_pace")
WRITE_PACE_PRUNED: Final = sql("write_pace_pruned")
LIST_PACE: Final = sql("list_pace")


async def write_pace(connection: Connection, counted: Mapping[datetime, tuple[int, int]]) -> None:
    """Add what a process counted: slot -> calls that were charged, and calls that were refused."""
    lines = [(slot, allowed, refused) for slot, (allowed, refused) in counted.items()]
    await connection.execute(WRITE_PACE, *rows.columns(lines))


async def write_pace_pruned(connection: Connection, before: datetime) -> None:
    """Forget the slots before a moment."""
    await connection.execute(WRITE_PACE_PRUNED, before)


async def list_pace(
    connection: Connection, start_at: datetime, end_at: datetime
) -> dict[datetime, tuple[int, int]]:
    """Return the slots from a moment up to another: how many calls were charged, and how many refused."""
    found = await connection.fetch(LIST_PACE, start_at, end_at)
    return {row["slot"]: (row["allowed"], row["refused"]) for row in found}
