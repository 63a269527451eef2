"""Months of one account in the database: what its journal says of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_GENERIC_PLANS: Final = sql("write_generic_plans")
LIST_MONTHS: Final = sql("list_months")
FIND_ENTRY_COUNT: Final = sql("find_entry_count")

HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What the journal says of one month: its first and last entry, and what stood after that one."""

    first_seq: int
    last_seq: int
    used: int
    turns: int
    bought: int
    closing: int


async def list_months(
    connection: Connection, address: Address, bounds: Sequence[datetime]
) -> dict[int, Booked]:
    """Return what the months between `bounds` hold, by their number; those without an entry are not there.

    Runs inside the caller's transaction.
    """
    await connection.execute(WRITE_GENERIC_PLANS)
    on_the_hour = all(bound.timestamp() % HOUR_S == 0 for bound in bounds)
    found = await connection.fetch(
        LIST_MONTHS, address.cell, address.account, list(bounds), bounds[0], bounds[-1], on_the_hour
    )
    return {row["nth"]: Booked(**{name: int(row[name]) for name in Booked.__slots__}) for row in found}


async def find_entry_count(connection: Connection, address: Address, kinds: Sequence[str]) -> int:
    """Return how many entries of these kinds an account's journal has."""
    counted: int = await connection.fetchval(FIND_ENTRY_COUNT, address.cell, address.account, list(kinds))
    return counted
