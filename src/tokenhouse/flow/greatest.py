"""Greatest: who was charged most between two moments, without adding up what everybody was.

What an account was charged in a span is at most what it was charged in the months that the span touches, and
those sums are kept in order. So the first of each month are looked at closely; who is among none of them was
charged at most what the last of them were, together. Where that does not settle it, more are looked at, and
in the end all: the answer is always exact.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tokenhouse.flow.stretches import Stretches
from tokenhouse.store import rollups
from tokenhouse.store.pool import Connection
from tokenhouse.store.rollups import Charged, Ranked, UserUse

LOOKED_AT: Final = (2, 8, 32)
"""How many times as many accounts as were asked for are taken from each month, try by try."""
LEAST: Final = 100
"""Accounts that are worth a look when fewer are asked for."""

Rank = tuple[Decimal, int, int]
"""Where an account stands in the order: who was charged more comes first, then cell and account."""


async def greatest_users(
    connection: Connection, stretches: Stretches, users: int, *, one_to_one: bool
) -> list[UserUse]:
    """Return the `users` accounts that were charged most in a span, the most first."""
    if not users:
        return []
    months = months_of(*stretches.days)
    for times in LOOKED_AT:
        depth = max(users, LEAST) * times
        first = await rollups.list_months_by_charge(connection, months, depth)
        best = beyond(first, depth)
        if best is None:
            break  # There are not many: all of them are looked at as fast.
        found = await rollups.list_users_among(
            connection,
            stretches.span,
            users,
            [(one.cell, one.account) for one in first],
            one_to_one=one_to_one,
        )
        if len(found) == users and _rank(found[-1]) <= best:
            return [one.use for one in found]
    found = await rollups.list_users_by_use(connection, stretches.span, users, one_to_one=one_to_one)
    return [one.use for one in found]


def months_of(first: date, end: date) -> list[date]:
    """Return the first day of every month that has a day from `first` up to and without `end`."""
    months = [first.replace(day=1)]
    while (following := (months[-1] + timedelta(days=31)).replace(day=1)) < end:
        months.append(following)
    return months


def beyond(first: Sequence[Charged], depth: int) -> Rank | None:
    """Return the best rank that an account can have which is among the first `depth` of no month.

    None where every account is among them.
    """
    last = {one.month: one for one in first}
    counts = {month: sum(one.month == month for one in first) for month in last}
    short = [last[month] for month in last if counts[month] == depth]
    if not short:
        return None
    if len(short) == 1:
        return (-short[0].charged, short[0].cell, short[0].account)
    return (-sum((one.charged for one in short), Decimal(0)), -1, -1)


def _rank(one: Ranked) -> Rank:
    """Return where an account stands."""
    return (-Decimal(one.use.charged), one.cell, one.account)
