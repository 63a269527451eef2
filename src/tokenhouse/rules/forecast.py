"""Forecast: when credit will be used up, and how sure that is, from what was used on the last full days.

The level of the last seven days is the point. For the range futures are drawn day by day, each day from one
of the last 28 that was the same day of the week. Where those seven days and the 28 differ, nobody knows which
of them will last: the futures are lived through at both levels, and the range holds both. The same history
gives the same answer.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import shake_128
from itertools import accumulate, chain
from math import inf
from typing import Final

WEEK: Final = 7
DAYS: Final = 28
"""Full days that are looked at."""
DAYS_AHEAD: Final = 366
"""How far ahead anything is said."""
WEEKS_AHEAD: Final = -(-DAYS_AHEAD // WEEK)
FUTURES: Final = 50
"""Futures at each level."""
EARLY: Final = FUTURES // 10
LATE: Final = FUTURES - 1 - EARLY
"""Of the futures in order, the ones with which the range begins and ends."""
UNSURE: Final = 2.0
"""By how much the levels lie further apart, either way, where less than a week is known."""
DRAWS: Final = shake_128(b"forecast").digest(FUTURES * WEEK * WEEKS_AHEAD)
"""Which day is drawn for each day of each future: a byte says which of those alike. Always the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How much is used a day, and in how many days from now nothing is left; None: not within a year.

    In eight of ten futures it happens between `days_earliest` and `days_latest`.
    """

    per_day: int
    days: float | None
    days_earliest: float | None
    days_latest: float | None


def forecast(history: Sequence[int], left: int) -> Forecast:
    """Return when `left` will be used up.

    Args:
        history: what was used on each of the last full days, the oldest first, today not among them.
        left: what there is now.
    """
    known = [max(used, 0) for used in history[-DAYS:]]
    per_day = sum(known[-WEEK:]) / len(known[-WEEK:]) if known else 0.0
    if left <= 0:
        return Forecast(per_day=round(per_day), days=0.0, days_earliest=0.0, days_latest=0.0)
    if not any(known):
        return Forecast(per_day=0, days=None, days_earliest=None, days_latest=None)
    point = left / per_day if per_day else inf
    level = per_day * len(known) / sum(known)
    least, most = min(1.0, level), max(1.0, level)
    if len(known) < WEEK:
        least, most = least / UNSURE, most * UNSURE
    futures = _futures(known)
    return Forecast(
        per_day=round(per_day),
        days=_within(point),
        days_earliest=_within(min(_ends(futures, most, left)[EARLY], point)),
        days_latest=_within(max(_ends(futures, least, left)[LATE], point)),
    )


def _futures(known: list[int]) -> list[list[int]]:
    """Return what is used in each future up to the end of its first day, its second, and so on.

    The n-th future is the same whatever is left, so that more credit never ends sooner.
    """
    days = [known[nth % WEEK :: WEEK] or known for nth in range(len(known), len(known) + WEEK)]
    meant = [[alike[byte * len(alike) >> 8] for byte in range(256)] for alike in days]
    futures = []
    for first in range(0, len(DRAWS), WEEK * WEEKS_AHEAD):
        drawn = DRAWS[first : first + WEEK * WEEKS_AHEAD]
        weeks = zip(*(map(used.__getitem__, drawn[nth::WEEK]) for nth, used in enumerate(meant)), strict=True)
        futures.append(list(accumulate(chain.from_iterable(weeks))))
    return futures


def _ends(futures: list[list[int]], level: float, left: int) -> list[float]:
    """Return in how many days each future ends at a level, the soonest first; infinite if it does not."""
    if not level:
        return [inf] * FUTURES
    rest = left / level
    ends = []
    for used in futures:
        day = bisect_left(used, rest)
        before = used[day - 1] if day else 0
        ends.append(day + (rest - before) / (used[day] - before) if day < len(used) else inf)
    return sorted(ends)


def _within(days: float) -> float | None:
    """Return a number of days, or None where that is further ahead than anything is said."""
    return days if days <= DAYS_AHEAD else None
