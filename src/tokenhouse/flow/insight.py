"""Insight: the part of the house that says how the deployment fares: figures, curves, patterns, outlook."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tokenhouse.flow import attention, costing, outlook, pace, patterns, rollups, statistics, usage
from tokenhouse.flow.attention import Concern
from tokenhouse.flow.costing import Costs
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.outlook import Outlook
from tokenhouse.flow.pace import Lately
from tokenhouse.flow.patterns import Bought, Exhausted, Patterns, Refusals
from tokenhouse.flow.remembered import Dated
from tokenhouse.flow.rollups import Folded
from tokenhouse.flow.statistics import Stats
from tokenhouse.flow.stretches import Grain, checked_stretches
from tokenhouse.flow.usage import AccountUse, Curve, Part, UseBetween

TOP: Final = 100


class Insight:
    """Statistics. What is dated was found out at that moment, at most ten minutes ago, for all who ask."""

    _desk: Desk

    async def overview(self, *, top: int = TOP) -> Dated[Stats]:
        """Return figures of all accounts, their distribution by share used, and the `top` accounts by use.

        As `stats`, but found out once in ten minutes.
        """
        checked_whole(top, "top", 0, statistics.TOP_MAX)
        return await self._desk.remembered.of(
            f"overview {top}", Stats, lambda: statistics.stats(self._desk, top=top)
        )

    async def curve(self, *, every: Grain = "day", last: int = 30) -> Dated[Curve]:
        """Return what the deployment used in its `last` hours, days or months, and how much was refused."""
        checked_stretches(every, last)
        return await self._desk.remembered.of(
            f"curve {every} {last}", Curve, lambda: usage.curve(self._desk, every=every, last=last)
        )

    async def patterns(self, *, days: int = 28, users: int = TOP) -> Dated[Patterns]:
        """Return when people use it in a week, which models, and the accounts that were charged most."""
        checked_whole(days, "days", 1, patterns.DAYS_MAX)
        checked_whole(users, "users", 0, patterns.USERS_MAX)
        return await self._desk.remembered.of(
            f"patterns {days} {users}",
            Patterns,
            lambda: patterns.patterns(self._desk, days=days, users=users),
        )

    async def costs(self, *, every: Grain = "day", last: int = 30) -> Dated[Costs]:
        """Return what providers take for what was used, by their list prices, beside what was charged."""
        checked_stretches(every, last)
        return await self._desk.remembered.of(
            f"costs {every} {last}", Costs, lambda: costing.costs(self._desk, every=every, last=last)
        )

    async def purchases(self, *, every: Grain = "day", last: int = 30) -> Dated[Bought]:
        """Return what was ordered, by stretch of time, type, state and currency."""
        checked_stretches(every, last)
        return await self._desk.remembered.of(
            f"purchases {every} {last}", Bought, lambda: patterns.bought(self._desk, every=every, last=last)
        )

    async def refusals(self, *, days: int = 30) -> Dated[Refusals]:
        """Return which calls of the last days were turned away, why, and how many went through."""
        checked_stretches("day", days)
        return await self._desk.remembered.of(
            f"refusals {days}", Refusals, lambda: patterns.refusals(self._desk, days=days)
        )

    async def outlook(self) -> Dated[Outlook]:
        """Return how fast all credit is used, and when it would be used up, with a range."""
        return await self._desk.remembered.of(
            "outlook", Outlook, lambda: outlook.deployment_outlook(self._desk)
        )

    async def lately(self) -> Lately:
        """Return how many calls went through and how many were refused in the last five minutes."""
        return await pace.lately(self._desk.pace, self._desk.pool, self._desk.now())

    async def attention(self) -> Sequence[Concern]:
        """Return what waits for somebody who runs the deployment: each kind, how many of it, since when."""
        return await attention.attention(self._desk)

    async def forget_statistics(self) -> None:
        """Have every dated answer found out anew, on every node. Idempotent."""
        await self._desk.remembered.forget()

    async def exhausted(self, *, after: str | None = None, rows_max: int = 100) -> Exhausted:
        """Return a page of the accounts that have nothing left now; pass its `next` as `after`."""
        return await patterns.exhausted(self._desk, after=after, rows_max=rows_max)

    async def usage(
        self, ref: str, *, every: Grain = "day", last: int = 30, by: Part = "all"
    ) -> Sequence[AccountUse]:
        """Return what an account used in its `last` hours, days or months: in all, by model or by API key."""
        return (await usage.account_usage(self._desk, ref, every=every, last=last, by=by)).lines

    async def use_between(
        self,
        ref: str,
        *,
        every: Grain = "day",
        last: int = 30,
        by: Part = "all",
        model: str | None = None,
        api_key: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> UseBetween:
        """Return what an account used between two moments, or in its `last` hours, days or months.

        As `usage`, with the sum of each model or key and of all; of one model or one key alone, if wished.
        """
        return await usage.account_usage(
            self._desk,
            ref,
            every=every,
            last=last,
            by=by,
            model=model,
            api_key=api_key,
            since=since,
            until=until,
        )

    async def forecast(self, ref: str) -> Outlook:
        """Return how fast an account's credit is used, and when it will be used up, with a range."""
        return await outlook.account_outlook(self._desk, ref)

    async def fold(self) -> Folded:
        """Fold the journal's new entries into the roll-ups. Idempotent; any number of nodes may do it."""
        return await rollups.fold(self._desk)
