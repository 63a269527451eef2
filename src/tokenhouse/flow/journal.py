"""The journal: an account's lines by kind, model, time and key; everybody's by time; lots and open calls.

A page costs the same at any depth, and with any filter. Lines that no call made have an index. Of a call's
lines a page looks at so many and no more, and then says where to go on, though it may hold few or none: an
index for every filter would be paid for by every call. A time is found by halving, for an account's lines and
their times grow together.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.cursors import cursor, place
from tokenhouse.flow.desk import Desk, checked_text, checked_whole
from tokenhouse.flow.report import KINDS, EntryView, entry_view, read_path
from tokenhouse.rules.account import apply
from tokenhouse.rules.amounts import Unit, shown
from tokenhouse.rules.balance import Entry, Lot
from tokenhouse.rules.operations import Touch
from tokenhouse.rules.periods import FOREVER, instant, moment
from tokenhouse.store import journal
from tokenhouse.store.accounts import Address
from tokenhouse.store.journal import Filter
from tokenhouse.store.pool import Connection

ROWS_MAX: Final = 1_000
LOOKED_AT_MAX: Final = 4_000
"""Lines of calls that a filtered page looks at."""
SKEW: Final = timedelta(minutes=10)
"""By how much the clocks of two nodes may differ: around a time, so much more is looked at."""
SPAN_FIRST: Final = timedelta(seconds=1)
SPAN_GROWS: Final = 8
"""The newest lines of everybody are looked for in the last second, then in the last eight, and so on."""
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
END: Final = datetime(2200, 1, 1, tzinfo=UTC)


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an account's lines, newest first; `next` is None at the end, and only there."""

    unit: Unit
    entries: tuple[EntryView, ...]
    next: str | None


class OwnedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line, and the account whose it is."""

    account: str
    entry: EntryView


class OwnedPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of everybody's lines, newest first."""

    entries: tuple[OwnedEntry, ...]
    next: str | None


class GrantView(msgspec.Struct, frozen=True, kw_only=True):
    """A lot that is left, and the line that made it; by its `id` it is taken back. An allowance has none."""

    id: str
    seq: int
    kind: str
    source: str
    given: int
    left: int
    priority: int
    granted_at: datetime | None
    expires_at: datetime | None
    note: str


class OpenView(msgspec.Struct, frozen=True, kw_only=True):
    """An open reservation of an account."""

    id: str
    held: int
    tokens: int
    model: str
    api_key: str
    reserved_at: datetime
    lapses_at: datetime | None


async def entries(
    desk: Desk,
    ref: str,
    *,
    kinds: Sequence[str] = (),
    model: str = "",
    api_key: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    rows_max: int = 50,
) -> EntryPage:
    """Return a page of an account's lines that match. A page may be short, or empty, and not be the last."""
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    wanted = _wanted(kinds, model, api_key, since, until)
    before = FOREVER if after is None else checked_whole(place(after, int)[0], "cursor", 0, FOREVER)
    address = await desk.address(ref)
    unit = (await read_path(desk, address))[0].plan.unit
    async with desk.pool.acquire() as connection:
        bounds = await _bounds(connection, address, wanted, before, since, until)
        found = await journal.list_filtered(
            connection, address, wanted, bounds, looked_at_max=LOOKED_AT_MAX, rows_max=rows_max
        )
        if len(found) == rows_max:
            last: int | None = found[-1].seq
        elif wanted.of_credit:
            last = None
        else:
            last = await journal.find_after(connection, address, bounds, LOOKED_AT_MAX)
    more = None if last is None or last <= max(bounds[1], 1) else cursor(last)
    return EntryPage(unit=unit, entries=tuple(entry_view(one) for one in found), next=more)


async def everybody(
    desk: Desk, *, since: datetime | None, until: datetime | None, after: str | None, rows_max: int
) -> OwnedPage:
    """Return a page of the lines of all accounts, the newest first."""
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    floor = _moment(since, "since", BEGINNING)
    top = _moment(until, "until", desk.clock() + SKEW)
    before = (top, -1, 0, 0)
    if after is not None:
        at, cell, account, seq = (int(part) for part in place(after, int, int, int, int))
        before = (min(top, moment(min(at, instant(END)))), min(cell, 64), account, seq)
    span, found = SPAN_FIRST, list[journal.Dated]()
    async with desk.pool.acquire() as connection:
        while True:
            begin = max(floor, before[0] - span) if before[0] - floor > span else floor
            found = await journal.list_by_time(connection, begin, before, rows_max)
            if len(found) == rows_max or begin <= floor:
                break
            span *= SPAN_GROWS
    last = found[-1] if len(found) == rows_max else None
    more = last and cursor(last.entry.at, last.cell, last.entry.account, last.entry.seq)
    lines = tuple(OwnedEntry(account=one.ref, entry=entry_view(one.entry)) for one in found)
    return OwnedPage(entries=lines, next=more)


async def grants(desk: Desk, ref: str) -> tuple[Unit, list[GrantView]]:
    """Return the lots that an account has left now, the oldest first."""
    address = await desk.address(ref)
    path = await read_path(desk, address)
    [balance, *_], _, _ = apply(path, Touch(id=""), desk.now())
    async with desk.pool.acquire() as connection:
        made = await journal.list_of_lots(connection, address, [lot.id for lot in balance.lots])
    return path[0].plan.unit, [_grant(lot, made) for lot in sorted(balance.lots, key=lambda lot: lot.id)]


async def open_reservations(desk: Desk, ref: str) -> tuple[Unit, list[OpenView]]:
    """Return the reservations of an account that are open now, the oldest first."""
    address = await desk.address(ref)
    path = await read_path(desk, address)
    [balance, *_], _, _ = apply(path, Touch(id=""), desk.now())
    views = [
        OpenView(
            id=name,
            held=one.amount,
            tokens=one.tokens,
            model=one.model,
            api_key=one.key,
            reserved_at=moment(one.reserved_at),
            lapses_at=moment(one.lapses_at) if one.lapses_at < FOREVER else None,
        )
        for name, one in balance.open.items()
    ]
    return path[0].plan.unit, sorted(views, key=lambda one: (one.reserved_at, one.id))


def _wanted(
    kinds: Sequence[str], model: str, api_key: str, since: datetime | None, until: datetime | None
) -> Filter:
    """Return what is wanted of a journal, as a caller said it. Raises: InvalidInput that names the field."""
    if not isinstance(kinds, list | tuple) or not all(kind in KINDS for kind in kinds):
        raise InvalidInput("choice_unknown", field="kind", value=shown(kinds), known=", ".join(KINDS))
    return Filter(
        kinds=tuple(kinds),
        model=checked_text(model, "model"),
        api_key=checked_text(api_key, "key"),
        since=_moment(since, "since", BEGINNING),
        until=_moment(until, "until", END),
    )


def _moment(at: datetime | None, field: str, otherwise: datetime) -> datetime:
    """Return a bound of time within which all lines lie."""
    if at is None:
        return otherwise
    return moment(min(max(instant(at, field), instant(BEGINNING)), instant(END)))


async def _bounds(
    connection: Connection,
    address: Address,
    wanted: Filter,
    before: int,
    since: datetime | None,
    until: datetime | None,
) -> tuple[int, int]:
    """Return between which lines a page lies: below the first, not below the second."""
    lowest = 1
    if since is not None or until is not None:
        last = await journal.find_last(connection, address)
        if until is not None:
            before = min(before, await journal.find_since(connection, address, last, wanted.until + SKEW))
        if since is not None:
            lowest = await journal.find_since(connection, address, last, wanted.since - SKEW)
    return before, lowest


def _grant(lot: Lot, made: dict[int, Entry]) -> GrantView:
    """Return a lot with what its line says; a line whose month was put away is not there."""
    entry = made.get(lot.id)
    return GrantView(
        id=entry.operation if entry else "",
        seq=lot.id,
        kind=entry.kind if entry else "",
        source=lot.source,
        given=lot.amount,
        left=lot.left,
        priority=lot.priority,
        granted_at=moment(entry.at) if entry else None,
        expires_at=None if lot.expires_at >= FOREVER else moment(lot.expires_at),
        note=entry.note if entry else "",
    )
