"""Sweeps in the database: which accounts the clock has something to do for, and what may be forgotten."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tokenhouse.rules.periods import Instant
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_LAPSING: Final = sql("list_lapsing")
LIST_DUE: Final = sql("list_due")
LIST_PATHS: Final = sql("list_paths")
WRITE_KEYS_PRUNED: Final = sql("write_keys_pruned")


async def list_lapsing(connection: Connection, cell: int, now: Instant, rows_max: int) -> list[Address]:
    """Return accounts of a cell with a reservation whose time is over."""
    found = await connection.fetch(LIST_LAPSING, cell, now, rows_max)
    return await _addresses(connection, cell, [row["account"] for row in found])


async def list_due(
    connection: Connection, cell: int, after: int, now: Instant, rows_max: int
) -> list[Address]:
    """Return accounts of a cell, after one, whose period or lots have come to an end."""
    found = await connection.fetch(LIST_DUE, cell, after, now, rows_max)
    return await _addresses(connection, cell, [row["account"] for row in found])


async def write_keys_pruned(connection: Connection, before: datetime) -> int:
    """Forget idempotency keys older than `before`; return how many."""
    status = await connection.execute(WRITE_KEYS_PRUNED, before)
    return int(status.rpartition(" ")[2])


async def _addresses(connection: Connection, cell: int, accounts: Sequence[int]) -> list[Address]:
    """Return the addresses of accounts known by id, in order of id."""
    found = await connection.fetch(LIST_PATHS, cell, list(accounts))
    return [Address("", cell, tuple(row["path"])) for row in sorted(found, key=lambda row: row["account"])]
