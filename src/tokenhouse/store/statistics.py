"""Statistics in the database: one scan of the balances for all figures, and lines account by account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tokenhouse.rules.balance import Balance
from tokenhouse.rules.periods import Instant
from tokenhouse.store import rows
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

FIND_FIGURES: Final = sql("find_figures")
FIND_UNSOUND: Final = sql("find_unsound")
FIND_USE_OF_FEW: Final = sql("find_use_of_few")
SUM_AVAILABLE: Final = sql("sum_available")
FIND_BALANCES_ESTIMATE: Final = sql("find_balances_estimate")
LIST_GREATEST: Final = sql("list_greatest")
LIST_LINES: Final = sql("list_lines")
LIST_LINES_OF: Final = sql("list_lines_of")
FIND_STRAYS: Final = sql("find_strays")
LIST_STRAYS: Final = sql("list_strays")
LIST_SIGNUPS: Final = sql("list_signups")
LIST_SIGNUPS_WAITING: Final = sql("list_signups_waiting")
FIND_ACCOUNT_COUNT: Final = sql("find_account_count")
FIND_RENEWAL: Final = sql("find_renewal")

SAMPLE_PERCENT: Final = 1.0
SAMPLED_FROM: Final = 50_000
"""Balances from which a sample is taken first; below, a second scan is cheaper than the thought."""
NOBODY_ABOVE: Final = (2**63 - 1, -1, 0)
"""A use, cell and account before which nobody comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures of all balances; `greatest` are (cell, account) of those that used most, the most first.

    `used` and `turns` count each call once, however many accounts of its tree it passed.
    """

    accounts: int
    balances: int
    active: int
    used: int
    used_max: int
    turns: int
    turns_max: int
    bought: int
    bought_max: int
    left: int
    debt: int
    under50: int
    under80: int
    under90: int
    under95: int
    over95: int
    exhausted: int
    greatest: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """A balance and whom it belongs to."""

    cell: int
    balance: Balance
    ref: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Stray:
    """An account that has chat sessions and no balance."""

    account: str
    email: str
    sessions: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signups:
    """Accounts that came on a day, and those of them without a balance."""

    signups: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """How many accounts are in a renewed period, in their first, or idle since the end of one.

    An idle one is renewed when next used, and shows so already. `stuck` ones would not be: it must be 0.
    """

    renewed: int
    first: int
    idle: int
    stuck: int

    @property
    def balances(self) -> int:
        """All accounts that have a balance."""
        return self.renewed + self.first + self.idle


async def find_figures(connection: Connection, now: Instant, greatest: int) -> Figures:
    """Return the figures of all balances, with the `greatest` accounts by use in the period."""
    threshold = await _threshold(connection, greatest)
    [row] = await connection.fetch(FIND_FIGURES, now, *threshold)  # To ask for one row forbids parallel work.
    found: list[Sequence[Any]] = [tuple(one) for one in row["greatest"]]
    if len(found) < min(greatest, row["active"]):
        found = [tuple(one) for one in await connection.fetch(LIST_GREATEST, now, greatest)]
    found.sort(key=lambda one: (-one[2], one[0], one[1]))
    figures: dict[str, int] = {name: int(value) for name, value in row.items() if name != "greatest"}
    return Figures(**figures, greatest=tuple((one[0], one[1]) for one in found[:greatest]))


async def find_unsound(connection: Connection) -> tuple[int, int]:
    """Return how many balances used more in the period than ever, and how many break law 1."""
    [row] = await connection.fetch(FIND_UNSOUND)
    return row["inconsistent"], row["broken"]


async def sum_available(connection: Connection) -> int:
    """Return what all accounts have, less what they owe."""
    [row] = await connection.fetch(SUM_AVAILABLE)
    return int(row["available"])


async def _threshold(connection: Connection, greatest: int) -> tuple[int, int, int]:
    """Return the use, cell and account that a few times `greatest` accounts come before.

    Nobody does where a sample is not worth it.
    """
    estimate = await connection.fetchval(FIND_BALANCES_ESTIMATE)
    if not greatest or estimate < SAMPLED_FROM:
        return NOBODY_ABOVE
    rank = max(round(greatest * 4 * SAMPLE_PERCENT / 100), 8)
    row = await connection.fetchrow(FIND_USE_OF_FEW, SAMPLE_PERCENT, rank)
    return NOBODY_ABOVE if row is None else (row["used"], row["cell"], row["account"])


async def list_lines(connection: Connection, after: tuple[int, int], rows_max: int) -> list[Owned]:
    """Return the next balances after `(cell, account)`, with their owners."""
    return [owned(row) for row in await connection.fetch(LIST_LINES, *after, rows_max)]


async def list_lines_of(connection: Connection, wanted: Sequence[tuple[int, int]]) -> list[Owned]:
    """Return the balances of `(cell, account)`s, with their owners, in the order asked for."""
    if not wanted:
        return []
    found = [owned(row) for row in await connection.fetch(LIST_LINES_OF, *rows.columns(list(wanted)))]
    place = {one: nth for nth, one in enumerate(wanted)}
    return sorted(found, key=lambda one: place[one.cell, one.balance.account])


async def list_strays(connection: Connection, rows_max: int) -> tuple[int, list[Stray]]:
    """Return how many accounts chat without a balance, and the first of them."""
    count = await connection.fetchval(FIND_STRAYS)
    found = await connection.fetch(LIST_STRAYS, rows_max) if count else []
    return int(count or 0), [Stray(*row) for row in found]


async def list_signups(
    connection: Connection, bounds: Sequence[datetime], balances: int
) -> dict[int, Signups]:
    """Return the sign-ups of the days between `bounds` on which there were some, by the day's number.

    Order: in the snapshot in which there were so many `balances`.
    """
    asked = (bounds, bounds[0], bounds[-1])
    came = {row["day"]: row["signups"] for row in await connection.fetch(LIST_SIGNUPS, *asked)}
    waiting: dict[int, int] = {}
    [count] = await connection.fetch(FIND_ACCOUNT_COUNT)
    if count["accounts"] != balances:
        found = await connection.fetch(LIST_SIGNUPS_WAITING, *asked)
        waiting = {row["day"]: row["waiting"] for row in found}
    return {day: Signups(signups=count, waiting=waiting.get(day, 0)) for day, count in came.items()}


async def find_renewal(connection: Connection, now: Instant) -> Renewal:
    """Return how many accounts have come into their present period, and how many have not or never will."""
    [row] = await connection.fetch(FIND_RENEWAL, now)
    return Renewal(**row)


def owned(row: Any) -> Owned:
    """Return a balance with its owner of a row of `list_lines`."""
    return Owned(row["cell"], rows.balance(row), row["ref"], row["email"], row["name"])
