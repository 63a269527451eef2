"""Notices in the database: who is to be told, what has been told and when it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from tokenhouse.rules.alerts import Level
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.notices import Kind
from tokenhouse.rules.periods import Instant
from tokenhouse.store import rows
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_NEAR_LEVEL: Final = sql("list_near_level")
LIST_EXPIRING: Final = sql("list_expiring")
LIST_ADDRESSEES: Final = sql("list_addressees")
LIST_PURCHASES_UNTOLD: Final = sql("list_purchases_untold")
WRITE_NOTICES_OF_LEVELS: Final = sql("write_notices_of_levels")
WRITE_NOTICES_OF_EVENTS: Final = sql("write_notices_of_events")
LIST_NOTICES_OF_ACCOUNT: Final = sql("list_notices_of_account")
LIST_NOTICES: Final = sql("list_notices")
SUM_NOTICES: Final = sql("sum_notices")
WRITE_NOTICE_READ: Final = sql("write_notice_read")
WRITE_NOTICES_READ: Final = sql("write_notices_read")
FIND_NOTICE_SETTINGS: Final = sql("find_notice_settings")
WRITE_NOTICE_SETTINGS: Final = sql("write_notice_settings")
WRITE_CONTACT: Final = sql("write_contact")
LIST_OWN_LEVELS: Final = sql("list_own_levels")
WRITE_NOTICES_PRUNED: Final = sql("write_notices_pruned")

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Somebody who may have to be told: the account that pays, as it is stored, and how its person is met."""

    cell: int
    balance: Balance
    ref: str
    email: str
    locale: str
    time_zone: str
    levels: tuple[int, ...] | None
    by_email: bool

    @property
    def account(self) -> int:
        """The account's id."""
        return self.balance.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notice to be: `subject` is what it is about, `share` the level's, in ten-thousandths."""

    id: str
    to: Addressee
    kind: Kind
    subject: str
    facts: dict[str, Any]
    share: int = 0
    round: int = 0
    level: Level | Literal[""] = ""
    percent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that an account was told. `percent` is in hundredths; sentences are made of the facts."""

    id: str
    account: str
    kind: Kind
    subject: str
    level: Level | Literal[""]
    percent: int
    at: datetime
    read_at: datetime | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How an account's person wants to be told. `levels` of None are the plan's."""

    email: str
    locale: str
    time_zone: str
    levels: tuple[int, ...] | None
    by_email: bool


async def list_near_level(
    connection: Connection, cell: int, after: int, now: Instant, least: Mapping[str, int], rows_max: int
) -> list[Addressee]:
    """Return the next accounts of a cell that may have reached a level; `least` is each plan's lowest."""
    found = await connection.fetch(
        LIST_NEAR_LEVEL, cell, after, now, list(least), list(least.values()), rows_max
    )
    return [_addressee(row) for row in found]


async def list_expiring(
    connection: Connection, cell: int, after: int, now: Instant, until: Instant, rows_max: int
) -> list[Addressee]:
    """Return the next accounts of a cell with credit, other than an allowance, that ends before `until`."""
    found = await connection.fetch(LIST_EXPIRING, cell, after, now, until, rows_max)
    return [_addressee(row) for row in found]


async def list_addressees(connection: Connection, places: Sequence[tuple[int, int]]) -> list[Addressee]:
    """Return some accounts, each a cell and an id, as they are told something."""
    return [_addressee(row) for row in await connection.fetch(LIST_ADDRESSEES, *rows.columns(places))]


async def list_purchases_untold(
    connection: Connection, since: datetime, rows_max: int
) -> list[tuple[int, int, str, int]]:
    """Return purchases completed since a time of which nobody was told: cell, account, order, credit."""
    found = await connection.fetch(LIST_PURCHASES_UNTOLD, since, rows_max)
    return [(row["cell"], row["account"], row["id"].hex, row["credit"]) for row in found]


async def write_levels(connection: Connection, drafts: Sequence[Draft], at: datetime) -> set[str]:
    """Write notices of levels, each once in its round and never twice in 24 hours; return those written.

    Idempotent, over any number of nodes. Order: drafts come by cell and account.
    """
    lines = [
        (
            one.to.cell,
            one.to.account,
            UUID(one.id),
            one.share,
            one.round,
            one.level,
            one.percent,
            _encode(one.facts).decode(),
        )
        for one in drafts
    ]
    written = await connection.fetch(WRITE_NOTICES_OF_LEVELS, *rows.columns(lines), at)
    return {row["id"].hex for row in written}


async def write_events(connection: Connection, drafts: Sequence[Draft], at: datetime) -> set[str]:
    """Write notices of what has happened, each once for its subject; return those written. Idempotent."""
    lines = [
        (one.to.cell, one.to.account, UUID(one.id), one.kind, one.subject, _encode(one.facts).decode())
        for one in drafts
    ]
    written = await connection.fetch(WRITE_NOTICES_OF_EVENTS, *rows.columns(lines), at)
    return {row["id"].hex for row in written}


async def list_notices_of_account(
    connection: Connection, address: Address, before: str | None, rows_max: int, *, unread: bool
) -> list[Notice]:
    """Return a page of an account's notices, newest first, all or the unread ones."""
    at = UUID(before) if before else None
    found = await connection.fetch(
        LIST_NOTICES_OF_ACCOUNT, address.cell, address.account, at, unread, rows_max
    )
    return [_notice(row) for row in found]


async def list_notices(connection: Connection, before: str | None, kind: str, rows_max: int) -> list[Notice]:
    """Return a page of everybody's notices, newest first, all or those of a kind."""
    found = await connection.fetch(LIST_NOTICES, UUID(before) if before else None, kind, rows_max)
    return [_notice(row) for row in found]


async def sum_notices(connection: Connection, address: Address) -> tuple[int, int]:
    """Return how many notices an account has, and how many of them are unread."""
    row = await connection.fetchrow(SUM_NOTICES, address.cell, address.account)
    assert row is not None  # noqa: S101 -- sums are always there
    return row["total"], row["unread"]


async def write_notice_read(
    connection: Connection, address: Address, notice: str, at: datetime
) -> Notice | None:
    """Mark one notice as read and return it; None if the account has no such. Idempotent."""
    row = await connection.fetchrow(WRITE_NOTICE_READ, address.cell, address.account, UUID(notice), at)
    return _notice(row) if row else None


async def write_notices_read(connection: Connection, address: Address, at: datetime) -> int:
    """Mark all of an account's notices as read; return how many were not."""
    status = await connection.execute(WRITE_NOTICES_READ, address.cell, address.account, at)
    return int(status.rpartition(" ")[2])


async def find_wishes(connection: Connection, address: Address) -> Wishes:
    """Return how an account's person wants to be told."""
    row = await connection.fetchrow(FIND_NOTICE_SETTINGS, address.cell, address.account)
    assert row is not None  # noqa: S101 -- an address is of an account that is there
    levels = None if row["levels"] is None else tuple(row["levels"])
    return Wishes(**{**dict(row), "levels": levels})


async def write_wishes(connection: Connection, address: Address, wishes: Wishes) -> None:
    """Keep how an account's person wants to be told, all or nothing."""
    place = (address.cell, address.account)
    levels = None if wishes.levels is None else list(wishes.levels)
    async with connection.transaction():
        await connection.execute(WRITE_CONTACT, *place, wishes.email, wishes.locale, wishes.time_zone)
        await connection.execute(WRITE_NOTICE_SETTINGS, *place, levels, wishes.by_email)


async def list_own_levels(connection: Connection, rows_max: int) -> dict[int, tuple[int, ...]]:
    """Return the levels of each account that has levels of its own."""
    return {row["account"]: tuple(row["levels"]) for row in await connection.fetch(LIST_OWN_LEVELS, rows_max)}


async def write_notices_pruned(connection: Connection, before: datetime) -> int:
    """Forget notices that were read before a time; return how many."""
    status = await connection.execute(WRITE_NOTICES_PRUNED, before)
    return int(status.rpartition(" ")[2])


def _addressee(row: Any) -> Addressee:
    """Return an addressee of its row, which begins with the balance's columns."""
    levels = row["levels"]
    return Addressee(
        cell=row["cell"],
        balance=rows.balance(row),
        levels=None if levels is None else tuple(levels),
        **{name: row[name] for name in ("ref", "email", "locale", "time_zone", "by_email")},
    )


def _notice(row: Any) -> Notice:
    """Return a notice of its row."""
    return Notice(
        id=row["id"].hex,
        account=row["ref"],
        facts=msgspec.json.decode(row["facts"]),
        **{name: row[name] for name in ("kind", "subject", "level", "percent", "at", "read_at")},
    )
