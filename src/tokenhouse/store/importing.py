"""Importing in the database: lines wait in `import_lines`, are held against each other, then written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import BinaryIO, Final
from uuid import UUID

import asyncpg

from tokenhouse.errors import InvalidInput
from tokenhouse.store import rows
from tokenhouse.store.accounts import CELLS, WRITE_ACCOUNT_IDS
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

FIND_IMPORT_TWICE: Final = sql("find_import_twice")
FIND_IMPORT_ORPHAN: Final = sql("find_import_orphan")
FIND_IMPORT_UNPLACED: Final = sql("find_import_unplaced")
FIND_IMPORT_TOO_DEEP: Final = sql("find_import_too_deep")
WRITE_IMPORT_PATHS_BELOW_KNOWN: Final = sql("write_import_paths_below_known")
WRITE_IMPORT_PATHS_BELOW: Final = sql("write_import_paths_below")
WRITE_IMPORT_DIRECTORY: Final = sql("write_import_directory")
WRITE_IMPORT_ACCOUNTS: Final = sql("write_import_accounts")
WRITE_IMPORT_ORDERS: Final = sql("write_import_orders")
WRITE_IMPORT_SESSIONS: Final = sql("write_import_sessions")
WRITE_IMPORT_LINES_DROPPED: Final = sql("write_import_lines_dropped")
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


@dataclass(frozen=True, slots=True)
class Bought:
    """Credit that an account bought elsewhere; the order takes the id of the grant."""

    cell: int
    id: str
    account: int
    credit: int
    note: str


async def write_lines(connection: Connection, job: UUID, lines: Iterable[Waiting]) -> int:
    """Put the lines of an import on the waiting table, and return how many; memory stays constant."""
    count, rest = 0, iter(lines)
    while ahead := list(islice(rest, ROWS)):
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


async def find_twice(connection: Connection, job: UUID, *, by_account: bool) -> tuple[str, int, int] | None:
    """Return a name that stands twice, and both its lines."""
    row = await connection.fetchrow(FIND_IMPORT_TWICE, job, by_account)
    return (row["ref"], row["first"], row["second"]) if row else None


async def find_orphan(connection: Connection, job: UUID, *, in_file: bool) -> tuple[int, str] | None:
    """Return the first line whose parent nobody knows, not even the file, and that parent."""
    row = await connection.fetchrow(FIND_IMPORT_ORPHAN, job, in_file)
    return (row["line"], row["parent"]) if row else None


async def write_paths(connection: Connection, job: UUID, depth_max: int) -> None:
    """Give every line below another its way up, level by level, one deeper than accounts may lie."""
    await connection.execute(WRITE_IMPORT_PATHS_BELOW_KNOWN, job)
    for _ in range(depth_max):
        if not await connection.fetch(WRITE_IMPORT_PATHS_BELOW, job):
            return


async def find_unplaced(connection: Connection, job: UUID) -> tuple[int, str] | None:
    """Return the first line that has no way up, and its parent."""
    row = await connection.fetchrow(FIND_IMPORT_UNPLACED, job)
    return (row["line"], row["parent"]) if row else None


async def find_too_deep(connection: Connection, job: UUID, depth_max: int) -> tuple[int, str] | None:
    """Return the first line that lies too deep, and its parent."""
    row = await connection.fetchrow(FIND_IMPORT_TOO_DEEP, job, depth_max)
    return (row["line"], row["parent"]) if row else None


async def write_accounts(connection: Connection, job: UUID) -> int:
    """Make accounts of the lines, and return how many there were not before."""
    made = await connection.fetchval(WRITE_IMPORT_DIRECTORY, job, CELLS)
    await connection.execute(WRITE_IMPORT_ACCOUNTS, job)
    return int(made or 0)


async def list_moves(connection: Connection, job: UUID, after: int, rows_max: int) -> list[Past]:
    """Return the next lines with a past whose accounts have no balance."""
    return [Past(*row) for row in await connection.fetch(LIST_IMPORT_MOVES, job, after, rows_max)]


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
