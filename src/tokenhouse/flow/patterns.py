"""Patterns: when people use it, which models, who most; what is bought, what is refused, who has nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.cursors import LENGTH_MAX, cursor, place
from tokenhouse.flow.desk import Desk, checked_text, checked_whole
from tokenhouse.flow.greatest import greatest_users
from tokenhouse.flow.rollups import counts_tokens
from tokenhouse.flow.statistics import Line, line
from tokenhouse.flow.stretches import Grain, Stretches, last_stretches
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.costs import share
from tokenhouse.rules.periods import zone_of
from tokenhouse.store import insight, rollups
from tokenhouse.store.accounts import CELLS
from tokenhouse.store.insight import Purchases
from tokenhouse.store.pool import snapshot
from tokenhouse.store.rollups import Refused, Used, UserUse

DAYS_MAX: Final = 31
USERS_MAX: Final = 1_000
HOURS: Final = 24
WEEKDAYS: Final = 7
PAID: Final = ("completed", "refunded")
"""States of an order that was paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourUse:
    """What was used in one hour of the day on one day of the week (Monday is 0), over all weeks looked at."""

    weekday: int
    hour: int
    turns: int
    tokens: int
    charged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse:
    """What was used of one model; `share` is its part of all that was charged."""

    model: str
    turns: int
    tokens: int
    charged: int
    share: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """How the last days went: by hour of the week, by model, and the accounts that were charged most."""

    start_at: datetime
    end_at: datetime
    hours: tuple[HourUse, ...]
    models: tuple[ModelUse, ...]
    users: tuple[UserUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """Money of one currency: what orders brought in, what was paid back of it, and what stays."""

    currency: str
    orders: int
    credit: int
    paid_minor: int
    refunded_minor: int

    @property
    def kept_minor(self) -> int:
        """What stays."""
        return self.paid_minor - self.refunded_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What was ordered, the oldest stretch first."""

    lines: tuple[Purchases, ...]

    @property
    def income(self) -> tuple[Income, ...]:
        """What it brought in, by currency: purchases that were paid, those refunded since among them."""
        paid = [one for one in self.lines if one.type == "purchase" and one.state in PAID]
        return tuple(
            Income(
                currency=currency,
                orders=sum(one.orders for one in paid if one.currency == currency),
                credit=sum(one.credit for one in paid if one.currency == currency),
                paid_minor=sum(one.price_minor for one in paid if one.currency == currency),
                refunded_minor=sum(one.refunded_minor for one in paid if one.currency == currency),
            )
            for currency in sorted({one.currency for one in paid})
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Which calls were turned away: by day and reason, and how many of all calls went through."""

    lines: tuple[Refused, ...]
    allowed: int
    refused: int

    @property
    def allowed_share(self) -> Decimal | None:
        """Calls that were charged, of those and the refused ones; None where there were none."""
        return share(self.allowed, self.allowed + self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """Accounts that have nothing left; `next` is where the next page begins, None at the end."""

    lines: tuple[Line, ...]
    next: str | None


async def patterns(desk: Desk, *, days: int, users: int) -> Patterns:
    """Return how the last days went, today among them, by the clock of the deployment's zone."""
    whole = last_stretches(desk, "day", days)
    hourly = Stretches("hour", whole.zone, whole.bounds)
    one_to_one = counts_tokens(desk)
    async with snapshot(desk.pool) as connection:
        used = await rollups.list_usage(connection, hourly.span, one_to_one=one_to_one)
        most = await greatest_users(connection, whole, users, one_to_one=one_to_one)
    return Patterns(
        start_at=whole.bounds[0],
        end_at=whole.bounds[-1],
        hours=by_hour(used, whole.zone),
        models=by_model(used),
        users=tuple(most),
    )


def by_hour(used: Iterable[Used], zone: str) -> tuple[HourUse, ...]:
    """Return all hours of a week, from Monday's first on."""
    sums = [[0, 0, 0] for _ in range(WEEKDAYS * HOURS)]
    for one in used:
        local = one.start_at.astimezone(zone_of(zone))
        hour = sums[local.weekday() * HOURS + local.hour]
        hour[0] += one.turns
        hour[1] += one.tokens
        hour[2] += one.charged
    return tuple(
        HourUse(weekday=nth // HOURS, hour=nth % HOURS, turns=turns, tokens=tokens, charged=charged)
        for nth, (turns, tokens, charged) in enumerate(sums)
    )


def by_model(used: Iterable[Used]) -> tuple[ModelUse, ...]:
    """Return the models that were used, the one that was charged most first."""
    sums: dict[str, list[int]] = {}
    for one in used:
        if one.turns or one.charged:
            model = sums.setdefault(one.model, [0, 0, 0])
            model[0] += one.turns
            model[1] += one.tokens
            model[2] += one.charged
    total = sum(charged for _, _, charged in sums.values())
    return tuple(
        ModelUse(model=model, turns=turns, tokens=tokens, charged=charged, share=share(charged, total))
        for model, (turns, tokens, charged) in sorted(sums.items(), key=lambda one: (-one[1][2], one[0]))
    )


async def bought(desk: Desk, *, every: Grain, last: int) -> Bought:
    """Return what was ordered in the last stretches, by type, state and currency."""
    stretches = last_stretches(desk, every, last)
    async with desk.pool.acquire() as connection:
        return Bought(lines=tuple(await insight.list_purchases(connection, stretches.span)))


async def refusals(desk: Desk, *, days: int) -> Refusals:
    """Return which calls of the last days were turned away, and how many were not."""
    stretches = last_stretches(desk, "day", days)
    await desk.refusals.write()
    async with snapshot(desk.pool) as connection:
        lines = await rollups.list_refusals(connection, *stretches.days)
        used = await rollups.list_usage(connection, stretches.span, one_to_one=counts_tokens(desk))
    return Refusals(
        lines=tuple(lines),
        allowed=sum(one.turns for one in used),
        refused=sum(one.refused for one in lines),
    )


async def exhausted(desk: Desk, *, after: str | None, rows_max: int) -> Exhausted:
    """Return a page of the accounts that have nothing left now."""
    checked_whole(rows_max, "rows_max", 1, USERS_MAX)
    begin = (-1, 0) if after is None else _key(after)
    async with desk.pool.acquire() as connection:
        await desk.catalog.refresh(connection)
        found = await insight.list_exhausted(connection, begin, desk.now(), rows_max)
    last = found[-1] if len(found) == rows_max else None
    return Exhausted(
        lines=tuple(line(desk, one) for one in found),
        next=cursor(last.cell, last.balance.account) if last else None,
    )


def _key(text: str) -> tuple[int, int]:
    """Return the cell and account of a cursor. Raises: InvalidInput."""
    cell, account = place(checked_text(text, "cursor", least=1, most=LENGTH_MAX), int, int)
    if not -1 <= int(cell) < CELLS:
        raise InvalidInput("cursor_unknown", field="cursor", value=shown(text))
    return int(cell), int(account)
