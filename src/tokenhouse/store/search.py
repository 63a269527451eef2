"""Search: accounts by what people know of them, a page at a time, and corrections of who they are."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from tokenhouse.store.accounts import Account, Address, account_of
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_BY: Final = (
    sql("list_accounts_by_ref"),
    sql("list_accounts_by_email"),
    sql("list_accounts_by_name"),
)
"""The ways to find somebody, in the order in which a search goes through them."""
LIST_ACCOUNTS_BELOW: Final = sql("list_accounts_below")
WRITE_PROFILE: Final = sql("write_profile")


class Place(NamedTuple):
    """Where a search stands: by which way it last found somebody, what it found there, and whom."""

    way: int = 0
    found: str = ""
    cell: int = -1
    account: int = 0


async def list_found(
    connection: Connection, prefix: str, place: Place, rows_max: int
) -> list[tuple[Place, Account]]:
    """Return the next accounts after a place whose ref, e-mail or name begins with `prefix`."""
    lines: list[tuple[Place, Account]] = []
    while place.way < len(LIST_BY) and len(lines) < rows_max:
        way = place.way
        found = await connection.fetch(LIST_BY[way], prefix, *place[1:], rows_max - len(lines))
        lines += [
            (Place(way, row["found"], row["cell"], row["id"]), account_of(row, (row["id"],))) for row in found
        ]
        place = Place(way + 1)
    return lines


async def list_below(connection: Connection, address: Address, after: int, rows_max: int) -> list[Account]:
    """Return the next accounts directly below one, after the id `after`."""
    found = await connection.fetch(LIST_ACCOUNTS_BELOW, address.cell, address.account, after, rows_max)
    return [account_of(row, (row["id"], *address.path)) for row in found]


async def write_profile(
    connection: Connection,
    address: Address,
    *,
    name: str | None,
    email: str | None,
    locale: str | None,
    tags: Mapping[str, str] | None,
) -> None:
    """Correct who an account is; None leaves a part as it is."""
    text = None if tags is None else msgspec.json.encode(tags).decode()
    await connection.execute(WRITE_PROFILE, address.cell, address.account, name, email, locale, text)
