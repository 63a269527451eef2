"""The journal as people leaf through it: filtered pages of one account, one line, and everybody's by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from tokenhouse.rules.balance import Entry
from tokenhouse.rules.periods import moment
from tokenhouse.store import rows
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_ENTRIES_FILTERED: Final = sql("list_entries_filtered")
LIST_ENTRIES_OF_CREDIT: Final = sql("list_entries_of_credit")
FIND_ENTRY_AFTER: Final = sql("find_entry_after")
FIND_ENTRY_SINCE: Final = sql("find_entry_since")
FIND_LAST_ENTRY: Final = sql("find_last_entry")
FIND_ENTRY: Final = sql("find_entry")
LIST_ENTRIES_OF_OPERATION: Final = sql("list_entries_of_operation")
FIND_PAYER_ENTRY: Final = sql("find_payer_entry")
LIST_ENTRIES_OF_LOTS: Final = sql("list_entries_of_lots")
LIST_ENTRIES_BY_TIME: Final = sql("list_entries_by_time")

CALLS: Final = frozenset(("charge", "use", "release", "lapse"))
"""Kinds of lines that calls make; of all others there are few, and an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines of an account are wanted. Empty: any. `since` and `until` bound a half-open time."""

    since: datetime
    until: datetime
    kinds: tuple[str, ...] = ()
    model: str = ""
    api_key: str = ""

    @property
    def of_credit(self) -> bool:
        """Whether only lines are wanted that no call made."""
        return bool(self.kinds) and not self.model and not self.api_key and CALLS.isdisjoint(self.kinds)


class Dated(NamedTuple):
    """A line and whose it is. Its place among all lines is by time, then by account."""

    cell: int
    ref: str
    entry: Entry


async def list_filtered(
    connection: Connection,
    address: Address,
    wanted: Filter,
    bounds: tuple[int, int],
    *,
    looked_at_max: int,
    rows_max: int,
) -> list[Entry]:
    """Return the newest matching lines below `bounds[0]` and not below `bounds[1]`.

    At most `looked_at_max` lines are looked at, unless an index finds the wanted ones by themselves.
    """
    where = (address.cell, address.account, *bounds, list(wanted.kinds))
    if wanted.of_credit:
        found = await connection.fetch(LIST_ENTRIES_OF_CREDIT, *where, wanted.since, wanted.until, rows_max)
    else:
        found = await connection.fetch(
            LIST_ENTRIES_FILTERED,
            *where,
            wanted.model,
            wanted.api_key,
            wanted.since,
            wanted.until,
            looked_at_max,
            rows_max,
        )
    return [rows.entry(row) for row in found]


async def find_after(
    connection: Connection, address: Address, bounds: tuple[int, int], looked_at: int
) -> int | None:
    """Return the last of `looked_at` lines below a bound; None if there are not more than those."""
    found = await connection.fetch(
        FIND_ENTRY_AFTER, address.cell, address.account, *bounds, max(looked_at - 1, 0)
    )
    return found[0]["seq"] if found else None


async def find_since(connection: Connection, address: Address, last: int, at: datetime) -> int:
    """Return the number of the first line from `at` on; one above `last` if there is none."""
    seq: int = await connection.fetchval(FIND_ENTRY_SINCE, address.cell, address.account, last + 1, at)
    return seq


async def find_last(connection: Connection, address: Address) -> int:
    """Return the number of an account's last line; 0 without any."""
    return await connection.fetchval(FIND_LAST_ENTRY, address.cell, address.account) or 0


async def find_entry(connection: Connection, address: Address, seq: int) -> Entry | None:
    """Return one line of an account."""
    row = await connection.fetchrow(FIND_ENTRY, address.cell, address.account, seq)
    return rows.entry(row) if row else None


async def list_of_operation(
    connection: Connection, address: Address, operation: str, rows_max: int
) -> list[Entry]:
    """Return the lines that one operation made of an account, oldest first."""
    found = await connection.fetch(
        LIST_ENTRIES_OF_OPERATION, address.cell, UUID(operation), address.account, rows_max
    )
    return [rows.entry(row) for row in found]


async def find_payer_entry(connection: Connection, address: Address, used: Entry) -> tuple[Entry, str] | None:
    """Return the line that paid for what a line says was used, and the payer's plan."""
    row = await connection.fetchrow(FIND_PAYER_ENTRY, address.cell, UUID(used.operation), moment(used.at))
    return (rows.entry(row), row["plan"]) if row else None


async def list_of_lots(connection: Connection, address: Address, lots: Sequence[int]) -> dict[int, Entry]:
    """Return the lines that made these lots, by the lots' ids."""
    found = await connection.fetch(LIST_ENTRIES_OF_LOTS, address.cell, address.account, list(lots))
    return {row["seq"]: rows.entry(row) for row in found}


async def list_by_time(
    connection: Connection, since: datetime, before: tuple[datetime, int, int, int], rows_max: int
) -> list[Dated]:
    """Return the newest lines of everybody from `since` on and before a time, cell, account and number."""
    found = await connection.fetch(LIST_ENTRIES_BY_TIME, since, *before, rows_max)
    return [Dated(row["cell"], row["ref"], rows.entry(row)) for row in found]
