"""Search: accounts by what people know of them, a page at a time, and corrections of who they are."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from tokenhouse.store.accounts import Account, Address, account_of
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_BY: Final = (
    sql("list_accounts_by_ref"),
    sql("list_accounts_by_email"),
    sql("list_accounts_by_name"),
)
"""How somebody is found by a beginning, in the order in which a search goes through them."""
LIST_ACCOUNTS_WITHIN: Final = sql("list_accounts_within")
LIST_ACCOUNTS_BY_PART: Final = sql("list_accounts_by_part")
WAYS: Final = len(LIST_BY) + 1
"""Beginnings first, then whoever contains the text anywhere."""
WITHIN: Final = 2_000
"""Accounts that are looked through for a text that many contain, before the index is asked."""
WITHIN_A_ROW: Final = 40
"""The same for each row that is asked for: of a page that is longer, all the more would have to be sorted."""
PART_LEAST: Final = 2
"""Letters from which on a text is looked for in the middle too: the index knows pairs."""
LIST_ACCOUNTS_BELOW: Final = sql("list_accounts_below")
WRITE_PROFILE: Final = sql("write_profile")


class Place(NamedTuple):
    """Where a search stands: by which way it last found somebody, what it found there, and whom."""

    way: int = 0
    found: str = ""
    cell: int = -1
    account: int = 0


async def list_found(
    connection: Connection, text: str, place: Place, rows_max: int
) -> list[tuple[Place, Account]]:
    """Return the next accounts after a place whose ref, e-mail or name begins with a text, or has it."""
    lines: list[tuple[Place, Account]] = []
    while place.way < len(LIST_BY) and len(lines) < rows_max:
        found = await connection.fetch(LIST_BY[place.way], text, *place[1:], rows_max - len(lines))
        lines += _lines(place.way, found)
        place = Place(place.way + 1)
    if len(lines) < rows_max and len(text) >= PART_LEAST:
        asked = (text, *place[1:], rows_max - len(lines))
        found = await connection.fetch(LIST_ACCOUNTS_WITHIN, *asked, max(WITHIN, WITHIN_A_ROW * asked[-1]))
        if len(found) < asked[-1]:
            found = await connection.fetch(LIST_ACCOUNTS_BY_PART, *asked)
        lines += _lines(len(LIST_BY), found)
    return lines


def _lines(way: int, found: list[Any]) -> list[tuple[Place, Account]]:
    """Return accounts, each with the place from which the search goes on after it."""
    return [
        (Place(way, row["found"], row["cell"], row["id"]), account_of(row, (row["id"],))) for row in found
    ]


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
