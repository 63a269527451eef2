"""Initialising in the database: which accounts wait for a balance, and writing many alike at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tokenhouse.rules.openings import Opening
from tokenhouse.rules.periods import moment
from tokenhouse.store import rows
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_WAITING: Final = sql("list_waiting")
WRITE_OPENINGS: Final = sql("write_openings")
WRITE_ENTRIES_ALIKE: Final = sql("write_entries_alike")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Accounts of one cell and one kind of opening without a balance. `plan` is None for the default one."""

    own_credit: bool
    zone: str
    plan: str | None
    accounts: list[int]


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of a cell's accounts holds: how many, up to which id, and those that wait."""

    seen: int
    last: int
    waiting: list[Waiting]


async def list_waiting(connection: Connection, cell: int, after: int, rows_max: int) -> Page | None:
    """Return the next page of a cell's accounts after one; None at the end."""
    found = await connection.fetch(LIST_WAITING, cell, after, rows_max)
    if not found:
        return None
    waiting = [
        Waiting(row["own_credit"], row["time_zone"], row["opening_plan"], row["waiting"])
        for row in found
        if row["waiting"]
    ]
    return Page(sum(row["seen"] for row in found), max(row["last"] for row in found), waiting)


async def write_openings(connection: Connection, cell: int, accounts: Sequence[int], opening: Opening) -> int:
    """Give `accounts` (ascending) of a cell their balance and first entries; return how many had none before.

    Idempotent: one that has a balance keeps it. One transaction: an account gets all of it or nothing.
    """
    hashes = {account: opening.hashes(account) for account in accounts}
    _, _, *alike = rows.opened_columns(cell, opening.balance)
    del alike[alike.index(opening.balance.chain)]  # Each account has its own.
    async with connection.transaction():
        made = await connection.fetch(
            WRITE_OPENINGS, cell, list(accounts), [hashes[one][-1] for one in accounts], *alike
        )
        ids = [row["account"] for row in made]
        for nth, line in enumerate(opening.lines) if ids else ():
            _, _, *columns, _ = rows.entry_columns(cell, line, moment(line.entry.at))
            own = [hashes[one][nth] for one in ids]
            await connection.execute(WRITE_ENTRIES_ALIKE, cell, ids, own, *columns)
    return len(ids)
