"""Statistics: the deployment in figures, who has nothing left, whether renewal works."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House, Operator
from tokenhouse.edges.api.shapes import Amount, Cursor, Limit, Page, Shape, amount, unit_of
from tokenhouse.flow.statistics import Line, Overview
from tokenhouse.flow.trend import Trend
from tokenhouse.rules.alerts import Level
from tokenhouse.rules.amounts import Unit

router = APIRouter(prefix="/api/v1/statistics", tags=["statistics"])

Days = Annotated[int, Query(ge=1, le=366, description="How many days, today included.")]
CachedAt = Annotated[datetime, Field(description="When this was found out, at most ten minutes ago.")]
COUNTED: Final = ("accounts", "with_balance", "active", "turns", "turns_mean", "turns_max", "exhausted")
"""What of the overview is no amount."""
VALUED: Final = ("free", "bought", "total", "used", "left", "mean_per_turn")
"""What of an account's line is an amount."""


class Sums(Shape):
    """The deployment in one row; `used` is of each account's current period."""

    accounts: int
    with_balance: int
    active: int
    used: Amount
    used_mean: Amount
    used_max: Amount
    bought: Amount
    bought_mean: Amount
    bought_max: Amount
    turns: int
    turns_mean: int
    turns_max: int
    left: Amount
    debt: Amount
    exhausted: int


class Buckets(Shape):
    """How many accounts used less than 50, 80, 90, 95 % of what they have, and 95 % or more."""

    under50: int
    under80: int
    under90: int
    under95: int
    over95: int


class AccountLine(Shape):
    """One account: free + bought = total = used + left; all 0 where it has no credit of its own."""

    account: str
    email: str
    name: str
    plan: str
    state: str
    free: Amount
    bought: Amount
    total: Amount
    used: Amount
    used_percent: float
    left: Amount
    turns: int
    mean_per_turn: Amount
    level: Level


class Statistics(Shape):
    """Figures of all accounts, their distribution, and those that used most."""

    cached_at: CachedAt
    overview: Sums
    distribution: Buckets
    top: list[AccountLine]


class TrendDay(Shape):
    """One day: who came, whose period was renewed, what was used."""

    start_at: datetime
    signups: int
    waiting: Annotated[int, Field(description="Of these, those that have no balance yet: should be 0.")]
    renewed: int
    turns: int
    tokens: int
    charged: Amount


class Monitoring(Shape):
    """Sign-ups, renewal and use by day; and where renewal stands now. `stuck` and `waiting` must be 0."""

    time_zone: Annotated[str, Field(description="The zone that days are of.")]
    days: list[TrendDay]
    renewed: Annotated[int, Field(description="Accounts in a period that was renewed.")]
    first: Annotated[int, Field(description="Accounts in their first period.")]
    idle: Annotated[int, Field(description="Accounts whose period is over and who did not come since.")]
    stuck: Annotated[int, Field(description="Accounts that would never renew.")]
    waiting: Annotated[int, Field(description="Sign-ups of these days without a balance.")]


@router.get("")
async def show_statistics(
    caller: Auditor, house: House, top: Annotated[int, Query(ge=0, le=1_000)] = 100
) -> Statistics:
    """Return figures of all accounts, the five buckets by share used, and the accounts that used most."""
    found, unit = await house.overview(top=top), unit_of(house)
    buckets = found.value.distribution
    return Statistics(
        cached_at=found.cached_at,
        overview=shown_sums(found.value.overview, unit),
        distribution=Buckets(**{name: getattr(buckets, name) for name in Buckets.model_fields}),
        top=[shown_line(line, unit) for line in found.value.top],
    )


@router.get("/exhausted")
async def list_exhausted_accounts(
    caller: Auditor, house: House, limit: Limit = 50, cursor: Cursor = None
) -> Page[AccountLine]:
    """Return the accounts that have nothing left now, as they stand now."""
    found, unit = await house.exhausted(after=cursor, rows_max=limit), unit_of(house)
    return Page(items=[shown_line(line, unit) for line in found.lines], next=found.next)


@router.get("/monitoring")
async def show_monitoring(caller: Auditor, house: House, days: Days = 14) -> Monitoring:
    """Return whether new accounts are initialised, whether periods renew, and how use goes, as of now."""
    return shown_trend(await house.trend(days=days), unit_of(house), house.desk.settings.time_zone)


@router.delete("/cache", status_code=204)
async def clear_statistics(caller: Operator, house: House) -> None:
    """Have every answer found out anew when it is next asked for, on every node."""
    await house.forget_statistics()


def shown_sums(overview: Overview, unit: Unit) -> Sums:
    """Return the deployment's row as the API says it."""
    plain: dict[str, Any] = {name: getattr(overview, name) for name in Sums.model_fields}
    return Sums(**plain | {name: amount(plain[name], unit) for name in plain if name not in COUNTED})


def shown_line(line: Line, unit: Unit) -> AccountLine:
    """Return an account's line as the API says it."""
    plain: dict[str, Any] = {name: getattr(line, name) for name in AccountLine.model_fields}
    return AccountLine(**plain | {name: amount(plain[name], unit) for name in VALUED})


def shown_trend(trend: Trend, unit: Unit, time_zone: str) -> Monitoring:
    """Return the trend as the API says it."""
    renewal = trend.renewal
    return Monitoring(
        time_zone=time_zone,
        days=[
            TrendDay(
                start_at=one.start_at,
                signups=one.signups,
                waiting=one.waiting,
                renewed=one.renewed,
                turns=one.turns,
                tokens=one.tokens,
                charged=amount(one.charged, unit),
            )
            for one in trend.days
        ],
        renewed=renewal.renewed,
        first=renewal.first,
        idle=renewal.idle,
        stuck=renewal.stuck,
        waiting=trend.waiting,
    )
