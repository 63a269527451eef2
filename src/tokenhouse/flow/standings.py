"""Standings: accounts as an operator looks through them, each with the figures of the report.

A page without a filter is a page of the search. With one it may be short and not be the last: it looks at so
many accounts and no more, and says where to go on; an index for every filter would be paid for by every call.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tokenhouse.flow import search, statistics
from tokenhouse.flow.cursors import cursor, place
from tokenhouse.flow.desk import Desk, checked_choice, checked_text, checked_whole
from tokenhouse.flow.search import ROWS_MAX
from tokenhouse.flow.statistics import Line
from tokenhouse.flow.tables import guarded
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import AMOUNT_MAX, TOKEN, Unit, digits
from tokenhouse.store import standings as store
from tokenhouse.store.accounts import CELLS, Account
from tokenhouse.store.pool import Connection
from tokenhouse.store.standings import ChatUse, Picked, Place
from tokenhouse.store.statistics import list_lines_of

STATES: Final = ("", "active", "suspended", "closed")
LOOKED_AT: Final = 20_000
"""Accounts that a page with a filter looks at, and no search."""
TRIES: Final = 4
"""Pages of a search that a page with a filter looks at."""
PLAIN: Final = ("account", "email", "name", "plan", "state")
VALUED: Final = ("free", "bought", "total", "used")
COLUMNS: Final = (
    *("account", "email", "name", "plan", "state", "free", "bought", "total", "used", "used_percent"),
    *("left", "turns", "mean_per_turn", "level", "unit"),
)
"""The columns of the report as a table; amounts are exact, in whole units."""
TABLE_ROWS: Final = 1_000
"""Lines of one piece of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who an account is, and its line of the report: none while it waits for its balance."""

    account: Account
    line: Line | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingPage:
    """A page of accounts; `next` is None at the end, and only there."""

    standings: tuple[Standing, ...]
    next: str | None


async def page(
    desk: Desk, text: str, *, state: str, plan: str, after: str | None, rows_max: int
) -> StandingPage:
    """Return a page of accounts that a text finds, those in a state and of a plan alone where they are named.

    Raises: InvalidInput.
    """
    checked_choice(state, "state", STATES)
    checked_text(plan, "plan")
    checked_text(text, "search")
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    if text or not (state or plan):
        return await _searched(desk, text, state, plan, after, rows_max)
    begin = (-1, 0) if after is None else _place_of(after)
    async with desk.pool.acquire() as connection:
        picked = await _picked(connection, state, plan, begin, rows_max)
        accounts = await store.list_profiles(connection, picked.places)
    more = None if picked.after is None else cursor(*picked.after)
    return StandingPage(standings=await _with_lines(desk, accounts), next=more)


async def table(desk: Desk) -> AsyncIterator[str]:
    """Yield the report of all accounts that have a balance as pieces of a CSV, in constant memory."""
    unit = deployment_unit(desk) or TOKEN
    waiting: list[list[Any]] = [list(COLUMNS)]
    async for line in statistics.lines(desk):
        waiting.append(_row(line, unit))
        if len(waiting) >= TABLE_ROWS:
            yield _csv(waiting)
            waiting.clear()
    yield _csv(waiting)


async def chat_use(desk: Desk, ref: str) -> ChatUse:
    """Return how much an account has chatted."""
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        return await store.sum_chats(connection, address)


async def _searched(
    desk: Desk, text: str, state: str, plan: str, after: str | None, rows_max: int
) -> StandingPage:
    """Return a page of a search, of which only those count that match."""
    kept: list[Account] = []
    for _ in range(TRIES):
        found = await search.find_accounts(desk, text, after, rows_max - len(kept))
        kept += [one for one in found.accounts if one.state == (state or one.state) and _of(one, plan)]
        after = found.next
        if after is None or len(kept) == rows_max:
            break
    return StandingPage(standings=await _with_lines(desk, kept), next=after)


def _of(account: Account, plan: str) -> bool:
    return not plan or account.plan == plan


async def _picked(connection: Connection, state: str, plan: str, begin: Place, rows_max: int) -> Picked:
    """Return where the next accounts are that match, by the way that is shorter."""
    if state in ("suspended", "closed"):
        return await store.list_places_out_of_use(connection, state, plan, begin, rows_max)
    return await store.list_places_among(connection, state, plan, begin, LOOKED_AT, rows_max)


async def _with_lines(desk: Desk, accounts: Sequence[Account]) -> tuple[Standing, ...]:
    """Return accounts with their lines of the report, as of now."""
    wanted = [(one.address.cell, one.address.account) for one in accounts if one.state is not None]
    async with desk.pool.acquire() as connection:
        await desk.catalog.keep_up(connection)
        owned = await list_lines_of(connection, wanted)
    lines = {one.balance.account: statistics.line(desk, one) for one in owned}
    return tuple(Standing(account=one, line=lines.get(one.address.account)) for one in accounts)


def _place_of(after: str) -> Place:
    """Return the place of a cursor of a filter."""
    cell, account = place(after, int, int)
    return checked_whole(cell, "cursor", -1, CELLS), checked_whole(account, "cursor", 0, AMOUNT_MAX)


def _row(line: Line, unit: Unit) -> list[Any]:
    """Return one line's cells."""
    return [
        *(guarded(getattr(line, name)) for name in PLAIN),
        *(digits(getattr(line, name), unit) for name in VALUED),
        f"{line.used_percent:g}",
        digits(line.left, unit),
        line.turns,
        digits(line.mean_per_turn, unit),
        line.level,
        unit.name,
    ]


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV (RFC 4180)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
