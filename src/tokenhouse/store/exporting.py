"""Exporting from the database: rows of a whole table, streamed through a cursor in one snapshot."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

STATEMENTS: Final = {
    "accounts": sql("list_export_accounts"),
    "balances": sql("list_export_balances"),
    "entries": sql("list_export_entries"),
    "orders": sql("list_export_orders"),
}
ROWS: Final = 5_000
"""Rows that are in memory at once."""


async def list_rows(
    connection: Connection,
    what: str,
    since: datetime | None,
    until: datetime | None,
    address: tuple[int, int] | None,
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """Yield the rows of `what`, some thousand at a time; `address` is a (cell, account), or None for all."""
    cell, account = address or (None, None)
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        cursor = await connection.cursor(STATEMENTS[what], since, until, cell, account)
        while found := await cursor.fetch(ROWS):
            yield [tuple(row) for row in found]
