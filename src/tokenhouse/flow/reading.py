"""Reading: what an account has been told, as its person finds it, marks it, and wants to be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from tokenhouse import messages
from tokenhouse.errors import NotFound
from tokenhouse.flow.desk import (
    Desk,
    checked_choice,
    checked_flag,
    checked_id,
    checked_list,
    checked_text,
    checked_whole,
)
from tokenhouse.flow.people import checked_email
from tokenhouse.flow.wording import Reader, Words, worded
from tokenhouse.rules.alerts import Level
from tokenhouse.rules.amounts import Unit, checked_number
from tokenhouse.rules.notices import KINDS, Kind
from tokenhouse.rules.periods import moment, zone_of
from tokenhouse.rules.plans import POINTS, checked_levels
from tokenhouse.store import notices
from tokenhouse.store.accounts import Address
from tokenhouse.store.notices import Notice, Wishes
from tokenhouse.store.pool import Connection

PAGE_MAX: Final = 1_000
LOCALES: Final = ("", *messages.LOCALES)
"""Languages that may be asked for; "" leaves it to the account and the deployment."""
SAME: Final = "same"
"""Said of levels that are to stay as they are; None means the plan's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """A notice as people and programs read it. `percent` is what was used, in hundredths of a percent."""

    id: str
    account: str
    kind: Kind
    level: Level | Literal[""]
    percent: int
    at: datetime
    read_at: datetime | None
    title: str
    text: str
    link: str | None
    unit: Unit
    remaining: int
    resets_at: datetime | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many notices there are, and how many of them are unread."""

    total: int
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSettings:
    """How an account's person is told: `levels` are in force, `own_levels` whether they are its own."""

    email: str
    locale: str
    time_zone: str
    levels: tuple[Decimal, ...]
    own_levels: bool
    by_email: bool


async def page(
    desk: Desk, ref: str, *, before: str | None, unread: bool, rows_max: int, locale: str
) -> list[NoticeView]:
    """Return a page of an account's notices, newest first, in its own language and zone."""
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    checked_choice(locale, "locale", LOCALES)
    last = None if before is None else checked_id(before, "cursor")
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        reader = await _reader(desk, connection, address, locale)
        found = await notices.list_notices_of_account(
            connection, address, last, rows_max, unread=checked_flag(unread, "unread")
        )
    return [view(one, reader) for one in found]


async def page_of_all(
    desk: Desk, *, before: str | None, kind: str, rows_max: int, locale: str
) -> list[NoticeView]:
    """Return a page of everybody's notices, newest first, in the deployment's zone."""
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    checked_choice(locale, "locale", LOCALES)
    if kind != "":
        checked_choice(kind, "kind", KINDS)
    last = None if before is None else checked_id(before, "cursor")
    async with desk.pool.acquire() as connection:
        found = await notices.list_notices(connection, last, kind, rows_max)
    settings = desk.settings
    reader = Reader(
        locale=locale or settings.locale, zone=settings.time_zone, purchase_url=settings.purchase_url
    )
    return [view(one, reader) for one in found]


async def count(desk: Desk, ref: str) -> Count:
    """Return what the bell shows."""
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        total, unread = await notices.sum_notices(connection, address)
    return Count(total=total, unread=unread)


async def read(desk: Desk, ref: str, notice: str, *, locale: str) -> NoticeView:
    """Mark one notice as read; the first time stands. Raises: NotFound, also for another account's."""
    checked_choice(locale, "locale", LOCALES)
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        reader = await _reader(desk, connection, address, locale)
        found = await notices.write_notice_read(
            connection, address, checked_id(notice, "notice"), desk.clock()
        )
    if found is None:
        raise NotFound("notice_unknown", id=notice, account=ref)
    return view(found, reader)


async def read_all(desk: Desk, ref: str) -> int:
    """Mark all of an account's notices as read; return how many were not."""
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        return await notices.write_notices_read(connection, address, desk.clock())


async def forget(desk: Desk, before: datetime) -> int:
    """Forget notices that were read before a time; return how many. Idempotent."""
    async with desk.pool.acquire() as connection:
        return await notices.write_notices_pruned(connection, before)


async def wishes(desk: Desk, ref: str) -> NoticeSettings:
    """Return how an account's person is told."""
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        found = await notices.find_wishes(connection, address)
    return await _settings(desk, address, found)


async def set_wishes(
    desk: Desk,
    ref: str,
    *,
    email: str | None,
    locale: str | None,
    time_zone: str | None,
    levels: Sequence[Decimal | str] | str | None,
    by_email: bool | None,
) -> NoticeSettings:
    """Change how an account's person is told; what is None stays, but for `levels`, whose None is the plan's.

    The time zone is that of what people read; the account's periods keep theirs.
    """
    address = await desk.address(ref)
    if locale is not None:
        checked_choice(locale, "language", LOCALES)
    if time_zone is not None and checked_text(time_zone, "time_zone") != "":
        zone_of(time_zone, "time_zone")
    if email is not None and email != "":
        email = checked_email(email)
    changed: dict[str, Any] = {
        name: value
        for name, value in (("email", email), ("locale", locale), ("time_zone", time_zone))
        if value is not None
    }
    if by_email is not None:
        changed["by_email"] = checked_flag(by_email, "by_email")
    if levels is None:
        changed["levels"] = None
    elif levels != SAME:
        given = enumerate(checked_list(levels, "levels"))
        shares = [checked_number(share, f"levels[{i}]") for i, share in given]
        changed["levels"] = checked_levels(shares, "levels")
    async with desk.pool.acquire() as connection:
        before = await notices.find_wishes(connection, address)
        after = Wishes(**{**_fields(before), **changed})
        await notices.write_wishes(connection, address, after)
    if after.levels is None:
        desk.bell.own.pop(address.account, None)
    else:
        desk.bell.own[address.account] = after.levels
    return await _settings(desk, address, after)


def view(one: Notice, reader: Reader) -> NoticeView:
    """Return a notice in its reader's words."""
    words: Words = worded(one.kind, one.level, one.percent, one.facts, reader)
    resets_at = one.facts.get("resets_at")
    return NoticeView(
        id=one.id,
        account=one.account,
        kind=one.kind,
        level=one.level,
        percent=one.percent,
        at=one.at,
        read_at=one.read_at,
        title=words.title,
        text=words.text,
        link=words.link,
        unit=Unit(*one.facts["unit"]),
        remaining=one.facts["remaining"],
        resets_at=None if resets_at is None else moment(resets_at),
        facts=one.facts,
    )


async def _reader(desk: Desk, connection: Connection, address: Address, locale: str) -> Reader:
    """Return for whom an account's notices are worded: `locale`, or the account's own language."""
    found = await notices.find_wishes(connection, address)
    settings = desk.settings
    return Reader(
        locale=found.locale or locale or settings.locale,
        zone=found.time_zone or settings.time_zone,
        purchase_url=settings.purchase_url,
    )


async def _settings(desk: Desk, address: Address, found: Wishes) -> NoticeSettings:
    """Return wishes as people see them."""
    levels = found.levels
    if levels is None:
        levels = await _levels_of_plan(desk, address)
    return NoticeSettings(
        email=found.email,
        locale=found.locale,
        time_zone=found.time_zone,
        levels=tuple(Decimal(share) / POINTS for share in levels),
        own_levels=found.levels is not None,
        by_email=found.by_email,
    )


async def _levels_of_plan(desk: Desk, address: Address) -> tuple[int, ...]:
    """Return the levels of an account's plan; of the deployment's, while it waits for its balance."""
    async with desk.pool.acquire() as connection:
        await desk.catalog.keep_up(connection)
        found = await notices.list_addressees(connection, [(address.cell, address.account)])
    plan = found[0].balance.plan if found else desk.settings.plan
    return desk.catalog.plan(plan).told_at


def _fields(one: Wishes) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
