"""Importing in the database: lines wait in `import_lines`, are held against each other, then written."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

import asyncpg

from tokenhouse.errors import InvalidInput
from tokenhouse.store import rows
from tokenhouse.store.accounts import CELLS, WRITE_ACCOUNT_IDS
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_IMPORT_TWICE_DROPPED: Final = sql("write_import_twice_dropped")
WRITE_IMPORT_ORPHANS_DROPPED: Final = sql("write_import_orphans_dropped")
WRITE_IMPORT_UNPLACED_DROPPED: Final = sql("write_import_unplaced_dropped")
WRITE_IMPORT_TOO_DEEP_DROPPED: Final = sql("write_import_too_deep_dropped")
WRITE_IMPORT_PATHS_BELOW_KNOWN: Final = sql("write_import_paths_below_known")
WRITE_IMPORT_PATHS_BELOW: Final = sql("write_import_paths_below")
WRITE_IMPORT_DIRECTORY: Final = sql("write_import_directory")
WRITE_IMPORT_ACCOUNTS: Final = sql("write_import_accounts")
WRITE_IMPORT_ORDERS: Final = sql("write_import_orders")
WRITE_IMPORT_SESSIONS: Final = sql("write_import_sessions")
WRITE_IMPORT_LINES_DROPPED: Final = sql("write_import_lines_dropped")
WRITE_IMPORT_PASTS_DROPPED: Final = sql("write_import_pasts_dropped")
SUM_IMPORT: Final = sql("sum_import")
LIST_IMPORT_MOVES: Final = sql("list_import_moves")

COLUMNS: Final = ("job", "nth", "line", "ref", "parent", "account", "path", "document", "moves")
ROWS: Final = 5_000
"""Lines that are read ahead, and account ids drawn at once."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of an import: `document` is its profile or session, `moves` its past, both as JSON."""

    line: int
    ref: str
    parent: str
    document: str
    moves: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """An account without a balance, and what the import says of its past; `nth` is its place in the file."""

    nth: int
    line: int
    ref: str
    moves: str
    cell: int
    account: int
    plan: str | None
    own_credit: bool
    zone: str


class Dropped(NamedTuple):
    """A line that was taken off: it stands twice (`first` says where), or `ref` above it cannot be."""

    line: int
    ref: str
    first: int
    dropped: int
    """How many were taken off with it, itself among them."""


class Sums(NamedTuple):
    """Of the lines of an import: accounts that are new, that lack a balance, that are otherwise than told."""

    fresh: int
    waiting: int
    differing: int


@dataclass(frozen=True, slots=True)
class Bought:
    """Credit that an account bought elsewhere; the order takes the id of the grant."""

    cell: int
    id: str
    account: int
    credit: int
    note: str


async def write_lines(connection: Connection, job: UUID, lines: Iterable[Waiting]) -> int:
    """Put the lines of an import on the waiting table, and return how many; memory stays constant.

    They are read in a thread of their own: a server has calls to answer meanwhile.
    """
    count, rest = 0, iter(lines)
    while ahead := await asyncio.to_thread(lambda: list(islice(rest, ROWS))):
        ids = [row["id"] for row in await connection.fetch(WRITE_ACCOUNT_IDS, len(ahead))]
        records = [
            (
                job,
                nth,
                one.line,
                one.ref,
                one.parent,
                own,
                None if one.parent else [own],
                one.document,
                one.moves,
            )
            for nth, (one, own) in enumerate(zip(ahead, ids, strict=True), count)
        ]
        await connection.copy_records_to_table(
            "import_lines", schema_name="tokenhouse", columns=COLUMNS, records=records
        )
        count += len(ahead)
    return count


async def write_twice_dropped(
    connection: Connection, job: UUID, *, by_account: bool, rows_max: int
) -> list[Dropped]:
    """Take lines off whose name stands above them already, and return the first of them."""
    found = await connection.fetch(WRITE_IMPORT_TWICE_DROPPED, job, by_account, rows_max)
    return [Dropped(**row) for row in found]


async def write_orphans_dropped(
    connection: Connection, job: UUID, *, in_file: bool, rows_max: int
) -> list[Dropped]:
    """Take lines off whose parent nobody knows, not even the file, and return the first of them."""
    found = await connection.fetch(WRITE_IMPORT_ORPHANS_DROPPED, job, in_file, rows_max)
    return [Dropped(**row) for row in found]


async def write_paths(connection: Connection, job: UUID, depth_max: int) -> None:
    """Give every line below another its way up, level by level, one deeper than accounts may lie."""
    await connection.execute(WRITE_IMPORT_PATHS_BELOW_KNOWN, job)
    for _ in range(depth_max):
        if not await connection.fetch(WRITE_IMPORT_PATHS_BELOW, job):
            return


async def write_unplaced_dropped(connection: Connection, job: UUID, rows_max: int) -> list[Dropped]:
    """Take lines off that have no way up, and return the first of them."""
    return [Dropped(**row) for row in await connection.fetch(WRITE_IMPORT_UNPLACED_DROPPED, job, rows_max)]


async def write_too_deep_dropped(
    connection: Connection, job: UUID, depth_max: int, rows_max: int
) -> list[Dropped]:
    """Take lines off that lie too deep, and return the first of them."""
    found = await connection.fetch(WRITE_IMPORT_TOO_DEEP_DROPPED, job, depth_max, rows_max)
    return [Dropped(**row) for row in found]


async def write_pasts_dropped(connection: Connection, job: UUID, nths: Sequence[int]) -> None:
    """Take lines off by their places in the file."""
    await connection.execute(WRITE_IMPORT_PASTS_DROPPED, job, nths)


async def sum_lines(connection: Connection, job: UUID) -> Sums:
    """Return what the lines would change, before they do."""
    row = await connection.fetchrow(SUM_IMPORT, job)
    assert row is not None  # noqa: S101 -- an aggregate has one row
    return Sums(**row)


async def write_accounts(connection: Connection, job: UUID) -> int:
    """Make accounts of the lines, and return how many there were not before."""
    made = await connection.fetchval(WRITE_IMPORT_DIRECTORY, job, CELLS)
    await connection.execute(WRITE_IMPORT_ACCOUNTS, job)
    return int(made or 0)


async def list_moves(
    connection: Connection, job: UUID, after: int, rows_max: int, *, everyone: bool
) -> list[Past]:
    """Return the next lines whose accounts have no balance: those with a past, or everyone's."""
    found = await connection.fetch(LIST_IMPORT_MOVES, job, after, rows_max, everyone, CELLS)
    return [Past(*row) for row in found]


async def write_orders(connection: Connection, orders: Sequence[Bought], at: datetime) -> None:
    """Write completed orders for credit that was bought elsewhere."""
    lines = [(one.cell, UUID(one.id), one.account, one.credit, one.note) for one in orders]
    if lines:
        await connection.execute(WRITE_IMPORT_ORDERS, *rows.columns(lines), at)


async def write_sessions(connection: Connection, job: UUID) -> int:
    """Make chat sessions of the lines, and return how many there were not before."""
    return int(await connection.fetchval(WRITE_IMPORT_SESSIONS, job) or 0)


async def write_lines_dropped(connection: Connection, job: UUID) -> None:
    """Take the lines off the waiting table."""
    await connection.execute(WRITE_IMPORT_LINES_DROPPED, job)


async def copy_table(connection: Connection, table: str, schema: str, output: BinaryIO) -> None:
    """Copy a table of any database into a CSV with a header, in a transaction that cannot write.

    Raises: InvalidInput for what is no table, or may not be read.
    """
    try:
        async with connection.transaction(readonly=True):
            await connection.copy_from_table(
                table, schema_name=schema, output=output, format="csv", header=True
            )
    except (asyncpg.SyntaxOrAccessError, asyncpg.InvalidSchemaNameError) as refused:
        raise InvalidInput(
            "import_table", field="table", value=f"{schema}.{table}", problem=str(refused)
        ) from None
