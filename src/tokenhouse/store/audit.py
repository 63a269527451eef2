"""Auditing in the database: a snapshot that only reads, and what stands in it, page by page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from tokenhouse.rules.audit import LAW_1, Standing
from tokenhouse.store.accounts import CELLS
from tokenhouse.store.pool import Connection, Pool
from tokenhouse.store.statements import sql

SUM_AUDITED: Final = sql("sum_audited")
LIST_CELLS: Final = sql("list_cells")
LIST_STANDING: Final = sql("list_standing")
LIST_AUDITED: Final = sql("list_audited")
SUM_HELD_BELOW: Final = sql("sum_held_below")
LIST_LOOSE: Final = sql("list_loose")
LIST_MISPLACED: Final = sql("list_misplaced")
LIST_COUPONS_MISCOUNTED: Final = sql("list_coupons_miscounted")

ROWS: Final = 2_000
"""Rows of the journal that one round trip brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is to verify, and the sums of the figures of law 1."""

    balances: int
    entries: int
    keys: int
    totals: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """Rows that lead nowhere: which check they fail, and of which account."""

    check: str
    figure: str
    account: int
    key: str | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """An account and the directory that do not agree: cell, id and parent as each has them."""

    ref: str
    figure: str
    expected: str
    found: str


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection that sees the database as it stands now, whatever others write, and cannot write."""
    async with (
        pool.acquire() as connection,
        connection.transaction(readonly=True, isolation="repeatable_read"),
    ):
        yield connection


async def sum_audited(connection: Connection, cell: int | None, account: int | None) -> Size:
    """Return how much there is to verify: everywhere, in one cell, or of one account."""
    row: Any = await connection.fetchrow(SUM_AUDITED, cell, account)
    totals = tuple(int(row[name]) for name in LAW_1)
    return Size(balances=row["balances"], entries=int(row["entries"]), keys=row["keys"], totals=totals)


async def list_cells(connection: Connection) -> list[int]:
    """Return the cells in which there is anything to verify."""
    return [row["cell"] for row in await connection.fetch(LIST_CELLS, CELLS)]


async def list_standing(
    connection: Connection, cell: int, after: int, upto: int, rows_max: int
) -> list[Standing]:
    """Return the next accounts of a cell after one, up to another, as they stand."""
    return [Standing._make(row) for row in await connection.fetch(LIST_STANDING, cell, after, upto, rows_max)]


async def list_audited(connection: Connection, cell: int, after: int, upto: int) -> AsyncIterator[list[Any]]:
    """Yield the journal of the accounts after one, up to another, page by page: rows for `rules.rebuild`."""
    cursor = await connection.cursor(LIST_AUDITED, cell, after, upto)
    while page := await cursor.fetch(ROWS):
        yield page
        if len(page) < ROWS:
            return


async def sum_held_below(connection: Connection, cell: int) -> dict[int, int]:
    """Return what accounts without credit of their own hold of those above them, by payer."""
    return {row["payer"]: row["held"] for row in await connection.fetch(SUM_HELD_BELOW, cell)}


async def list_loose(connection: Connection, cell: int, after: int, upto: int) -> list[Loose]:
    """Return the rows of a range of accounts that lead nowhere."""
    return [Loose(**row) for row in await connection.fetch(LIST_LOOSE, cell, after, upto)]


async def list_misplaced(connection: Connection, cell: int | None, ref: str | None) -> list[Misplaced]:
    """Return where accounts and directory do not agree: everywhere, in one cell, or of one account."""
    return [Misplaced(**row) for row in await connection.fetch(LIST_MISPLACED, cell, ref)]


async def list_coupons_miscounted(connection: Connection) -> list[tuple[str, int, int]]:
    """Return code, uses and redemptions of the coupons of which these two are not the same."""
    return [tuple(row) for row in await connection.fetch(LIST_COUPONS_MISCOUNTED)]
