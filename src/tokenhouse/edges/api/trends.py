"""Trends: use by hour, day and month; patterns, costs, purchases, refusals; how long all credit will last."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House
from tokenhouse.edges.api.money import Money, money_of
from tokenhouse.edges.api.shapes import Amount, Shape, amount, unit_of
from tokenhouse.edges.api.statistics import CachedAt, Days
from tokenhouse.flow import outlook as outlooks
from tokenhouse.flow.stretches import Grain
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.shop import Currency

router = APIRouter(prefix="/api/v1/statistics", tags=["statistics"])

Every = Annotated[
    Grain,
    Query(description="How time is cut, by the clock of the deployment's zone."),
]
Last = Annotated[
    int,
    Query(ge=1, le=744, description="How many, the present one too: 744 hours, 366 days, 60 months."),
]
TimeZone = Annotated[str, Field(description="The zone that time is cut by.")]
Percent = Annotated[float | None, Field(description="Null where there is nothing to be a part of.")]


class Point(Shape):
    """What was used in one stretch of time; each call counts once, where it was paid."""

    start_at: datetime
    end_at: datetime
    turns: Annotated[int, Field(description="Calls that were charged.")]
    refused: Annotated[int | None, Field(description="Calls that were turned away; not known by the hour.")]
    allowed_percent: Percent
    tokens: int
    tokens_input: int
    tokens_output: int
    charged: Annotated[Amount, Field(description="Less what was refunded in it.")]
    charged_per_token: Annotated[
        str | None, Field(description="In whole units, as a decimal.", examples=["2.0000"])
    ]


class Curve(Shape):
    """What was used, the oldest stretch first."""

    cached_at: CachedAt
    time_zone: TimeZone
    points: list[Point]


class WeekHour(Shape):
    """One hour of the week over all weeks looked at. Monday is weekday 0."""

    weekday: int
    hour: int
    turns: int
    tokens: int
    charged: Amount


class ModelPart(Shape):
    """What was used of one model, and its part of all that was charged."""

    model: str
    turns: int
    tokens: int
    charged: Amount
    share_percent: Percent


class UserPart(Shape):
    """What one account used, and on how many days."""

    account: str
    email: str
    turns: int
    tokens: int
    charged: Amount
    days: int


class Patterns(Shape):
    """When people use it, which models, and who most."""

    cached_at: CachedAt
    time_zone: TimeZone
    start_at: datetime
    end_at: datetime
    hours: list[WeekHour]
    models: list[ModelPart]
    users: list[UserPart]


class CostLine(Shape):
    """What one model took in one stretch of time by the provider's list price, beside what was charged."""

    start_at: datetime
    model: str
    turns: int
    tokens: int
    charged: Amount
    cost: Annotated[Amount | None, Field(description="Null where no price or no token count is known.")]


class Costs(Shape):
    """Cost against charge: the sums, and each model's line of each stretch."""

    cached_at: CachedAt
    time_zone: TimeZone
    charged: Amount
    costs: Annotated[list[Amount], Field(description="One for each unit that prices are in.")]
    lines: list[CostLine]


class Purchase(Shape):
    """Orders of one kind in one stretch of time."""

    start_at: datetime
    type: Annotated[str, Field(examples=["purchase"])]
    state: Annotated[str, Field(examples=["completed"])]
    currency: Annotated[str, Field(examples=["KRW"])]
    orders: int
    credit: Amount
    price_minor: Annotated[int, Field(description="In the currency's smallest coin: won, cents, yen.")]
    price: Money


class Income(Shape):
    """Money of one currency: what paid orders brought in, what was paid back of it, what stays."""

    currency: Currency
    orders: int
    credit: Amount
    paid: Money
    refunded: Money
    kept: Money


class Purchases(Shape):
    """What was ordered, the oldest stretch first; `income` adds up what was paid."""

    cached_at: CachedAt
    time_zone: TimeZone
    income: list[Income]
    lines: list[Purchase]


class RefusalLine(Shape):
    """How many calls were turned away on a day, for one reason."""

    day: date
    code: Annotated[str, Field(examples=["insufficient_credit"])]
    refused: int


class Refusals(Shape):
    """Which calls were turned away, and how many went through."""

    cached_at: CachedAt
    allowed: int
    refused: int
    allowed_percent: Percent
    lines: list[RefusalLine]


class Forecast(Shape):
    """How long credit will last if none is added; null: longer than a year. The range holds eight of ten."""

    available: Amount
    per_day: Annotated[Amount, Field(description="The mean of the last seven full days.")]
    today: Amount
    days_known: int
    exhausted_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    renews_at: datetime | None
    lasts_until_renewal: bool


class Outlook(Forecast):
    """The same of all accounts' credit, as if it were one's."""

    cached_at: CachedAt


@router.get("/usage")
async def show_usage_over_time(caller: Auditor, house: House, every: Every = "day", last: Last = 30) -> Curve:
    """Return what was used hour by hour, day by day or month by month, and how much was refused."""
    found, unit = await house.curve(every=every, last=last), unit_of(house)
    return Curve(
        cached_at=found.cached_at,
        time_zone=house.desk.settings.time_zone,
        points=[
            Point(
                start_at=one.start_at,
                end_at=one.end_at,
                turns=one.turns,
                refused=one.refused,
                allowed_percent=percent(one.allowed_share),
                tokens=one.tokens,
                tokens_input=one.tokens_input,
                tokens_output=one.tokens_output,
                charged=amount(one.charged, unit),
                charged_per_token=whole(one.charged_per_token, unit),
            )
            for one in found.value.points
        ],
    )


@router.get("/patterns")
async def show_patterns(
    caller: Auditor,
    house: House,
    days: Annotated[int, Query(ge=1, le=31)] = 28,
    users: Annotated[int, Query(ge=0, le=1_000)] = 100,
) -> Patterns:
    """Return when people use it in a week, which models they use, and the accounts that use most."""
    found, unit = await house.patterns(days=days, users=users), unit_of(house)
    value = found.value
    return Patterns(
        cached_at=found.cached_at,
        time_zone=house.desk.settings.time_zone,
        start_at=value.start_at,
        end_at=value.end_at,
        hours=[
            WeekHour(
                weekday=one.weekday,
                hour=one.hour,
                turns=one.turns,
                tokens=one.tokens,
                charged=amount(one.charged, unit),
            )
            for one in value.hours
        ],
        models=[
            ModelPart(
                model=one.model,
                turns=one.turns,
                tokens=one.tokens,
                charged=amount(one.charged, unit),
                share_percent=percent(one.share),
            )
            for one in value.models
        ],
        users=[
            UserPart(
                account=one.account,
                email=one.email,
                turns=one.turns,
                tokens=one.tokens,
                charged=amount(one.charged, unit),
                days=one.days,
            )
            for one in value.users
        ],
    )


@router.get("/costs")
async def show_costs(caller: Auditor, house: House, every: Every = "day", last: Last = 30) -> Costs:
    """Return what providers take for what was used, by their list prices, beside what was charged.

    Where a price is higher for long inputs, the ordinary one is taken: the cost is then at least this.
    """
    found, unit = await house.costs(every=every, last=last), unit_of(house)
    return Costs(
        cached_at=found.cached_at,
        time_zone=house.desk.settings.time_zone,
        charged=amount(found.value.charged, unit),
        costs=[amount(cost, in_unit) for in_unit, cost in found.value.costs],
        lines=[
            CostLine(
                start_at=one.start_at,
                model=one.model,
                turns=one.turns,
                tokens=one.tokens,
                charged=amount(one.charged, unit),
                cost=amount(one.cost, one.cost_unit) if one.cost is not None and one.cost_unit else None,
            )
            for one in found.value.lines
        ],
    )


@router.get("/purchases")
async def show_purchases(caller: Auditor, house: House, every: Every = "day", last: Last = 30) -> Purchases:
    """Return what was ordered, by stretch of time, type, state and currency."""
    found, unit = await house.purchases(every=every, last=last), unit_of(house)
    return Purchases(
        cached_at=found.cached_at,
        time_zone=house.desk.settings.time_zone,
        income=[
            Income(
                currency=one.currency,  # type: ignore[arg-type]  # A constraint of its column says so.
                orders=one.orders,
                credit=amount(one.credit, unit),
                paid=money_of(one.paid_minor, one.currency),
                refunded=money_of(one.refunded_minor, one.currency),
                kept=money_of(one.kept_minor, one.currency),
            )
            for one in found.value.income
        ],
        lines=[
            Purchase(
                start_at=one.start_at,
                type=one.type,
                state=one.state,
                currency=one.currency,
                orders=one.orders,
                credit=amount(one.credit, unit),
                price_minor=one.price_minor,
                price=money_of(one.price_minor, one.currency),
            )
            for one in found.value.lines
        ],
    )


@router.get("/refusals")
async def show_refusals(caller: Auditor, house: House, days: Days = 30) -> Refusals:
    """Return which calls were turned away by day and reason, and how many of all went through.

    Each process counts refusals and writes them every few seconds; one that is killed loses those seconds.
    """
    found = await house.refusals(days=days)
    return Refusals(
        cached_at=found.cached_at,
        allowed=found.value.allowed,
        refused=found.value.refused,
        allowed_percent=percent(found.value.allowed_share),
        lines=[RefusalLine(day=one.day, code=one.code, refused=one.refused) for one in found.value.lines],
    )


@router.get("/forecast")
async def show_outlook(caller: Auditor, house: House) -> Outlook:
    """Return how fast all credit is used, and when it would be used up, with a range."""
    found = await house.outlook()
    return Outlook(cached_at=found.cached_at, **shown_outlook(found.value, unit_of(house)).__dict__)


def percent(share: Decimal | None) -> float | None:
    """Return a share as people say it."""
    return None if share is None else float(share * 100)


def whole(smallest: Decimal | None, unit: Unit) -> str | None:
    """Return a price of the smallest unit in whole units, exactly."""
    return None if smallest is None else f"{smallest.scaleb(-unit.decimals):f}"


def shown_outlook(found: outlooks.Outlook, unit: Unit) -> Forecast:
    """Return an outlook as the API says it."""
    return Forecast(
        available=amount(found.available, unit),
        per_day=amount(found.per_day, unit),
        today=amount(found.today, unit),
        days_known=found.days_known,
        exhausted_at=found.exhausted_at,
        earliest_at=found.earliest_at,
        latest_at=found.latest_at,
        renews_at=found.renews_at,
        lasts_until_renewal=found.lasts_until_renewal,
    )
