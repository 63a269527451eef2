"""Search: find an account among a million by any part of its ref, address or name; its tree; who it is."""

from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.cursors import cursor, place
from tokenhouse.flow.desk import Desk, checked_text, checked_whole
from tokenhouse.flow.identify import checked_profile, describe
from tokenhouse.rules.amounts import AMOUNT_MAX
from tokenhouse.store import accounts, search
from tokenhouse.store.accounts import CELLS, Account
from tokenhouse.store.search import WAYS, Place

ROWS_MAX: Final = 1_000


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of accounts, and the cursor of the next one; None at the end."""

    accounts: tuple[Account, ...]
    next: str | None


async def find_accounts(desk: Desk, text: str, after: str | None, rows_max: int) -> AccountPage:
    """Return a page of the accounts whose ref, e-mail or name begins with a text, then of those that have it.

    Upper and lower case are one; an account that is found twice comes once. A single letter finds beginnings
    only. Without a text all accounts come, in the order of their ids.
    """
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    checked_text(text, "search")
    async with desk.pool.acquire() as connection:
        if not text:
            begin = (-1, 0) if after is None else _id_of(after)
            found = await accounts.list_accounts(connection, begin, rows_max)
            last = found[-1].address if len(found) == rows_max else None
            return AccountPage(accounts=tuple(found), next=cursor(last.cell, last.account) if last else None)
        where = Place() if after is None else _place_of(after)
        lines = await search.list_found(connection, text, where, rows_max)
    more = cursor(*lines[-1][0]) if len(lines) == rows_max else None
    return AccountPage(accounts=tuple(account for _, account in lines), next=more)


async def accounts_below(desk: Desk, ref: str, after: str | None, rows_max: int) -> AccountPage:
    """Return a page of the accounts directly below one."""
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    address = await desk.address(ref)
    last = 0 if after is None else int(place(after, int)[0])
    async with desk.pool.acquire() as connection:
        found = await search.list_below(connection, address, last, rows_max)
    more = cursor(found[-1].address.account) if len(found) == rows_max else None
    return AccountPage(accounts=tuple(found), next=more)


async def way_up(desk: Desk, ref: str) -> list[str]:
    """Return the refs from an account to the root of its tree, its own first."""
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        names = await accounts.list_refs(connection, address.cell, address.path)
    return [names[account] for account in address.path]


async def payer(desk: Desk, ref: str) -> str:
    """Return the ref of whose credit pays for an account: its own, or the nearest above that has some."""
    names = await way_up(desk, ref)
    with_credit = [name for name in names if (await describe(desk, name)).own_credit]
    return with_credit[0]  # A root always has credit of its own.


async def correct_profile(desk: Desk, ref: str, **profile: Any) -> Account:
    """Correct name, email, locale or tags of an account; what is None stays. `tags` replace all tags.

    The time zone stays what it was: the account's periods hang on it.
    """
    given = {name: value for name, value in profile.items() if value is not None}
    checked = checked_profile(ref=ref, **given)
    address = await desk.address(ref)
    known = {name: getattr(checked, name) if name in given else None for name in PROFILE}
    async with desk.pool.acquire() as connection:
        await search.write_profile(connection, address, **known)
    return await describe(desk, ref)


PROFILE: Final = ("name", "email", "locale", "tags")
"""What may be corrected of who an account is."""


def _id_of(after: str) -> tuple[int, int]:
    """Return the cell and id of a cursor through all accounts."""
    cell, account = place(after, int, int)
    return checked_whole(cell, "cursor", -1, CELLS), checked_whole(account, "cursor", 0, AMOUNT_MAX)


def _place_of(after: str) -> Place:
    """Return the place of a cursor through a search."""
    way, found, cell, account = place(after, int, str, int, int)
    if not 0 <= int(way) < WAYS:
        raise InvalidInput("cursor_unknown", field="cursor", value=after[:40])
    return Place(int(way), str(found), checked_whole(cell, "cursor", -1, CELLS), int(account))
