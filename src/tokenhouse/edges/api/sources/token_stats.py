"""The chat operator's token statistics: overview, five buckets, the hundred who used most; and one user."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House, Operator
from tokenhouse.edges.api.shapes import CamelShape
from tokenhouse.edges.api.sources.names import UserId, user_id
from tokenhouse.flow.statistics import Line
from tokenhouse.rules.alerts import Level

router = APIRouter(tags=["sources"])

PLACES = ("/api/admin/token-stats", "/admin/token-stats")
"""The document writes it with and without `/api`."""
LAST_DAYS = 30


class Overview(CamelShape):
    """The deployment in one row. Amounts are whole numbers of the deployment's smallest unit."""

    total_users: int
    active_users: int
    total_used_tokens: int
    total_purchased_tokens: int
    average_used_tokens: int


class Distribution(CamelShape):
    """How many users used which share of what they have."""

    under50: int
    under80: int
    under90: int
    under95: int
    over95: int


class TopUser(CamelShape):
    """One of those who used most in their current period."""

    user_id: UserId
    email: str
    name: str
    plan: str
    used_tokens: int
    purchased_tokens: int
    total_tokens: int
    remaining_tokens: int
    usage_percent: float
    total_turns: int
    average_tokens_per_turn: int
    state: Level


class TokenStats(CamelShape):
    """The three parts of the document's page, and when they were found out: at most ten minutes ago."""

    overview: Overview
    distribution: Distribution
    top_users: list[TopUser]
    cached_at: datetime


class DayUse(CamelShape):
    """What one user used on one day."""

    date: datetime
    turns: int
    tokens: int
    charged: int


class ModelUse(CamelShape):
    """What one user used of one model in the last months."""

    model: str
    turns: int
    tokens: int
    charged: int


class UserStats(CamelShape):
    """One user in full: where it stands, what it used lately, and when its tokens will be gone."""

    user_id: UserId
    email: str
    name: str
    plan: str
    used_tokens: int
    purchased_tokens: int
    remaining_tokens: int
    usage_percent: float
    total_turns: int
    total_tokens: Annotated[int, Field(description="Used since the account was opened.")]
    average_tokens_per_turn: int | None
    state: Level
    daily: list[DayUse]
    models: list[ModelUse]
    tokens_per_day: int
    exhausted_at: datetime | None
    exhausted_earliest_at: datetime | None
    exhausted_latest_at: datetime | None
    monthly_reset_date: datetime | None


async def show_token_stats(caller: Auditor, house: House) -> TokenStats:
    """Return figures of all users, their distribution over five buckets, and the hundred who used most."""
    found = await house.overview()
    sums, buckets = found.value.overview, found.value.distribution
    return TokenStats(
        overview=Overview(
            total_users=sums.accounts,
            active_users=sums.active,
            total_used_tokens=sums.used,
            total_purchased_tokens=sums.bought,
            average_used_tokens=sums.used_mean,
        ),
        distribution=Distribution(**{name: getattr(buckets, name) for name in Distribution.model_fields}),
        top_users=[_top_user(line) for line in found.value.top],
        cached_at=found.cached_at,
    )


async def show_user_token_stats(
    user: Annotated[
        str, Path(alias="userId", max_length=200, description="The user's outside name.", examples=["alice"])
    ],
    caller: Auditor,
    house: House,
) -> UserStats:
    """Return one user in full: balance, the last thirty days, models, and when the tokens will be gone."""
    account, stands = await house.describe(user), await house.balance(user)
    outlook = await house.forecast(user)
    daily = await house.usage(user, every="day", last=LAST_DAYS)
    sums: dict[str, list[int]] = {}
    for one in await house.usage(user, every="month", last=12, by="model"):
        model = sums.setdefault(one.model or "", [0, 0, 0])
        model[0] += one.turns
        model[1] += one.tokens
        model[2] += one.charged
    return UserStats(
        user_id=user_id(user),
        email=account.email,
        name=account.name,
        plan=stands.plan,
        used_tokens=stands.used,
        purchased_tokens=stands.bought,
        remaining_tokens=stands.remaining,
        usage_percent=stands.used_percent,
        total_turns=stands.turns,
        total_tokens=stands.used_total,
        average_tokens_per_turn=round(stands.used_total / stands.turns) if stands.turns else None,
        state=stands.level,
        daily=[
            DayUse(date=one.start_at, turns=one.turns, tokens=one.tokens, charged=one.charged)
            for one in daily
        ],
        models=[
            ModelUse(model=model, turns=turns, tokens=tokens, charged=charged)
            for model, (turns, tokens, charged) in sorted(sums.items(), key=lambda one: -one[1][2])
        ],
        tokens_per_day=outlook.per_day,
        exhausted_at=outlook.exhausted_at,
        exhausted_earliest_at=outlook.earliest_at,
        exhausted_latest_at=outlook.latest_at,
        monthly_reset_date=stands.period_end_at,
    )


async def clear_token_stats(caller: Operator, house: House) -> None:
    """Have the statistics found out anew when they are next asked for, on every node."""
    await house.forget_statistics()


def _top_user(line: Line) -> TopUser:
    """Return one of those who used most as the document has it."""
    return TopUser(
        user_id=user_id(line.account),
        email=line.email,
        name=line.name,
        plan=line.plan,
        used_tokens=line.used,
        purchased_tokens=line.bought,
        total_tokens=line.total,
        remaining_tokens=max(line.left, 0),
        usage_percent=line.used_percent,
        total_turns=line.turns,
        average_tokens_per_turn=line.mean_per_turn,
        state=line.level,
    )


for place, ending in zip(PLACES, ("", "_short"), strict=True):
    router.add_api_route(place, show_token_stats, name=f"show_token_stats{ending}")
    router.add_api_route(
        f"{place}/user/{{userId}}", show_user_token_stats, name=f"show_user_token_stats{ending}"
    )
    router.add_api_route(
        f"{place}/cache",
        clear_token_stats,
        methods=["DELETE"],
        status_code=204,
        name=f"clear_token_stats{ending}",
    )
