"""Accounts in the database: found by their outside name, opened together with their balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from tokenhouse.rules.balance import Balance, Entry
from tokenhouse.rules.chain import seal
from tokenhouse.rules.periods import moment
from tokenhouse.store import rows
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

CELLS: Final = 64
"""Into how many cells accounts are spread; fixed for ever, for it is part of every key."""

FIND_ADDRESS: Final = sql("find_address")
WRITE_ACCOUNT_IDS: Final = sql("write_account_ids")
WRITE_ADDRESSES: Final = sql("write_addresses")
WRITE_ACCOUNTS: Final = sql("write_accounts")
WRITE_BALANCES_OPENED: Final = sql("write_balances_opened")
WRITE_ENTRIES: Final = sql("write_entries")
FIND_ACCOUNT: Final = sql("find_account")
LIST_ACCOUNTS: Final = sql("list_accounts")
LIST_CHILDREN: Final = sql("list_children")
FIND_BALANCE: Final = sql("find_balance")
LIST_ENTRIES: Final = sql("list_entries")
LIST_REFS: Final = sql("list_refs")
WRITE_MONTH: Final = sql("write_month")


class Address(msgspec.Struct, frozen=True, gc=False):
    """Where an account is: its cell, and the ids from itself up to its root. Never changes."""

    ref: str
    cell: int
    path: tuple[int, ...]

    @property
    def account(self) -> int:
        """The account's own id."""
        return self.path[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who an account is, as the outside tells it. `above` is the parent's address; None for a root."""

    ref: str
    kind: str = "user"
    above: Address | None = None
    plan: str | None = None
    own_credit: bool = True
    name: str = ""
    email: str = ""
    locale: str = ""
    time_zone: str = ""
    tags: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as people see it. `plan` and `state` are None while it has no balance."""

    ref: str
    kind: str
    parent: str | None
    plan: str | None
    state: str | None
    own_credit: bool
    name: str
    email: str
    locale: str
    time_zone: str
    tags: dict[str, str]
    created_at: datetime
    address: Address


async def find_address(connection: Connection, ref: str) -> Address | None:
    """Return where the account called `ref` is."""
    row = await connection.fetchrow(FIND_ADDRESS, ref)
    return Address(ref, row["cell"], tuple(row["path"])) if row else None


async def write_profiles(connection: Connection, profiles: Sequence[Profile], now: int) -> list[Address]:
    """Create the accounts that are not there yet, and return the addresses of those created.

    Idempotent: an existing `ref` is left as it is. Runs inside the caller's transaction.
    """
    found = await connection.fetch(WRITE_ACCOUNT_IDS, len(profiles))
    lines = []
    for row, profile in zip(found, profiles, strict=True):
        root = profile.above.path[-1] if profile.above else row["id"]
        above = ",".join(map(str, profile.above.path)) if profile.above else ""
        lines.append((profile.ref, root % CELLS, row["id"], above))
    made = await connection.fetch(WRITE_ADDRESSES, *rows.columns(lines))
    addresses = [Address(row["ref"], row["cell"], tuple(row["path"])) for row in made]
    if addresses:
        by_ref = {profile.ref: profile for profile in profiles}
        await _write_accounts(connection, [(address, by_ref[address.ref]) for address in addresses], now)
    return addresses


async def _write_accounts(connection: Connection, made: Sequence[tuple[Address, Profile]], now: int) -> None:
    """Write the profiles of new accounts."""
    at = moment(now)
    lines = [
        (
            address.cell,
            address.account,
            profile.ref,
            profile.kind,
            profile.above.account if profile.above else None,
            profile.plan,
            profile.own_credit,
            profile.name,
            profile.email,
            profile.locale,
            profile.time_zone,
            msgspec.json.encode(profile.tags).decode() if profile.tags else None,
            at,
        )
        for address, profile in made
    ]
    await connection.fetch(WRITE_ACCOUNTS, *rows.columns(lines))


async def write_opened(
    connection: Connection, opened: Sequence[tuple[int, Balance, list[Entry]]], now: int
) -> set[int]:
    """Write the balances of new accounts and their first entries; return the accounts that had none before.

    Idempotent: one that has a balance keeps it, to the byte. Runs inside the caller's transaction.
    """
    sealed = {}
    for cell, balance, entries in opened:
        lines = []
        for entry in entries:
            one = seal(balance.chain, entry)
            balance.chain = one.hash
            lines.append((cell, one))
        sealed[balance.account] = lines
    columns = rows.columns([rows.opened_columns(cell, balance) for cell, balance, _ in opened])
    made = {row["account"] for row in await connection.fetch(WRITE_BALANCES_OPENED, *columns)}
    at = moment(now)
    journal = [
        rows.entry_columns(cell, one, at)
        for account in sealed
        if account in made
        for cell, one in sealed[account]
    ]
    if journal:
        await connection.fetch(WRITE_ENTRIES, journal)
    return made


async def find_account(connection: Connection, address: Address) -> Account | None:
    """Return an account as people see it."""
    row = await connection.fetchrow(FIND_ACCOUNT, address.cell, address.account)
    return account_of(row, address.path) if row else None


async def list_accounts(connection: Connection, after: tuple[int, int], rows_max: int) -> list[Account]:
    """Return the next accounts after `(cell, id)`, at most `rows_max`, in that order.

    Paths are not filled in.
    """
    found = await connection.fetch(LIST_ACCOUNTS, *after, rows_max)
    return [account_of(row, (row["id"],)) for row in found]


async def list_children(connection: Connection, address: Address) -> list[str]:
    """Return the refs of the accounts directly below one."""
    return [row["ref"] for row in await connection.fetch(LIST_CHILDREN, address.cell, address.account)]


async def find_balance(connection: Connection, address: Address) -> tuple[Balance, int] | None:
    """Return an account's balance as it is stored, without a lock, and the catalog's version."""
    row = await connection.fetchrow(FIND_BALANCE, address.cell, address.account)
    return (rows.balance(row), row["catalog"]) if row else None


async def list_entries(
    connection: Connection, address: Address, before_seq: int, kinds: Sequence[str], rows_max: int
) -> list[Entry]:
    """Return a page of an account's journal, newest first.

    Entries below `before_seq`, of `kinds` if any are named.
    """
    found = await connection.fetch(
        LIST_ENTRIES, address.cell, address.account, before_seq, list(kinds), rows_max
    )
    return [rows.entry(row) for row in found]


async def list_refs(connection: Connection, cell: int, accounts: Sequence[int]) -> dict[int, str]:
    """Return the outside names of accounts of one cell."""
    found = await connection.fetch(LIST_REFS, [cell] * len(accounts), list(accounts))
    return {row["id"]: row["ref"] for row in found}


async def write_months(connection: Connection, months: Sequence[datetime]) -> None:
    """Make sure that the journal has a partition for each of these moments' months."""
    for month in months:
        await connection.execute(WRITE_MONTH, month)


def account_of(row: Any, path: tuple[int, ...]) -> Account:
    """Return an account of a row of `find_account`."""
    return Account(
        ref=row["ref"],
        kind=row["kind"],
        parent=row["parent_ref"],
        plan=row["plan"] or row["opening_plan"],
        state=row["state"],
        own_credit=row["own_credit"],
        name=row["name"],
        email=row["email"],
        locale=row["locale"],
        time_zone=row["time_zone"],
        tags=msgspec.json.decode(row["tags"]) if row["tags"] else {},
        created_at=row["created_at"],
        address=Address(row["ref"], row["cell"], path),
    )
