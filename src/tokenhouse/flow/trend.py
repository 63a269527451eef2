"""Trend: day by day, who came, whose period was renewed, how much was used; and where renewal stands now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import TOKEN
from tokenhouse.rules.periods import Instant, Period, moment, period_of
from tokenhouse.store import statistics
from tokenhouse.store.pool import trouble_translated
from tokenhouse.store.statistics import Renewal, Signups, Use

DAYS_MAX: Final = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the deployment's time zone, up to now.

    `waiting` are those of its sign-ups that have no balance yet. Calls are counted once, where they were
    paid: their `turns`, their `tokens` where the usage is known, and what was `charged`, less the day's
    refunds. Refused calls leave nothing in the journal.
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
    """Return the last `days` days, today among them; reads no older month of the journal."""
    checked_whole(days, "days", 1, DAYS_MAX)
    now = desk.now()
    periods = last_days(now, days, desk.settings.time_zone)
    bounds = [moment(period.start_at) for period in periods] + [moment(periods[-1].end_at)]
    one_to_one = deployment_unit(desk) == TOKEN
    with trouble_translated():
        async with (
            desk.pool.acquire() as connection,
            connection.transaction(readonly=True, isolation="repeatable_read"),
        ):
            signups = await statistics.list_signups(connection, bounds)
            use = await statistics.list_use(connection, bounds, one_to_one=one_to_one)
            renewal = await statistics.find_renewal(connection, now)
    return Trend(
        days=tuple(
            day(at, signups.get(nth, Signups()), use.get(nth, Use())) for nth, at in enumerate(bounds[:-1])
        ),
        renewal=renewal,
    )


def last_days(now: Instant, days: int, zone: str) -> list[Period]:
    """Return the day of `now` in a zone and those before it, the oldest first."""
    found = [period_of(now, "day", zone=zone)]
    while len(found) < days:
        found.append(period_of(found[-1].start_at - 1, "day", zone=zone))
    return found[::-1]


def day(start_at: datetime, signups: Signups, use: Use) -> Day:
    """Return a day of what was counted in it."""
    return Day(
        start_at=start_at,
        signups=signups.signups,
        waiting=signups.waiting,
        renewed=use.renewed,
        turns=use.turns,
        tokens=use.tokens,
        charged=use.charged,
    )
