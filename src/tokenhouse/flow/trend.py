"""Trend: day by day, who came, whose period was renewed, how much was used; and where renewal stands now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.rollups import counts_tokens
from tokenhouse.flow.stretches import last_stretches
from tokenhouse.store import rollups, statistics
from tokenhouse.store.pool import snapshot
from tokenhouse.store.rollups import Used
from tokenhouse.store.statistics import Renewal, Signups

DAYS_MAX: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the deployment's time zone, up to now.

    `waiting` are those of its sign-ups that have no balance yet. Calls are counted once, where they were
    paid: their `turns`, their `tokens` where the usage is known, and what was `charged`, less the day's
    refunds. Refused calls are counted apart: `Tokenhouse.refusals`.
    """

    start_at: datetime
    signups: int
    waiting: int
    renewed: int
    turns: int
    tokens: int
    charged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The last days, the oldest first, and how many accounts' periods are renewed as they should."""

    days: tuple[Day, ...]
    renewal: Renewal

    @property
    def signups(self) -> int:
        """Accounts that came in these days."""
        return sum(day.signups for day in self.days)

    @property
    def waiting(self) -> int:
        """Those of them that have no balance: 0 where every sign-up is initialised."""
        return sum(day.waiting for day in self.days)


async def trend(desk: Desk, *, days: int) -> Trend:
    """Return the last `days` days, today among them, from the roll-ups and what is not folded yet."""
    checked_whole(days, "days", 1, DAYS_MAX)
    stretches = last_stretches(desk, "day", days)
    async with snapshot(desk.pool) as connection:
        renewal = await statistics.find_renewal(connection, desk.now())
        signups = await statistics.list_signups(connection, stretches.bounds, renewal.balances)
        used = await rollups.list_usage(connection, stretches.span, one_to_one=counts_tokens(desk))
    by_day: list[list[Used]] = [[] for _ in stretches.starts]
    for one in used:
        by_day[stretches.nth(one.start_at)].append(one)
    return Trend(
        days=tuple(
            day(at, signups.get(nth, Signups()), by_day[nth]) for nth, at in enumerate(stretches.starts)
        ),
        renewal=renewal,
    )


def day(start_at: datetime, signups: Signups, used: list[Used]) -> Day:
    """Return a day of what was counted in it."""
    return Day(
        start_at=start_at,
        signups=signups.signups,
        waiting=signups.waiting,
        renewed=sum(one.renewed for one in used),
        turns=sum(one.turns for one in used),
        tokens=sum(one.tokens for one in used),
        charged=sum(one.charged for one in used),
    )
