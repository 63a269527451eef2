"""What a simulation of a deployment's own history runs on: calls and credit, out of the journal."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_HISTORY: Final = sql("list_history")
ROWS: Final = 5_000
"""Rows of history that are in memory at once."""


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


async def list_history(
    connection: Connection, since: datetime, until: datetime, plan: str | None, rows_max: int
) -> AsyncIterator[list[Happened]]:
    """Yield the newest that happened in a time, newest first, some thousand at a time, in one snapshot."""
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        cursor = await connection.cursor(LIST_HISTORY, since, until, plan, rows_max)
        while found := await cursor.fetch(ROWS):
            yield [Happened(*row) for row in found]
