"""Subscriptions: the plan that an account pays for period by period. One begins by buying its package."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import House, User
from tokenhouse.edges.api.money import Money, money_of
from tokenhouse.edges.api.payments import Providers
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.errors import NotFound
from tokenhouse.flow.terms import title_of
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.shop import Renewal
from tokenhouse.store.subscriptions import Subscription as Stored

router = APIRouter(prefix="/api/v1/accounts/{ref}", tags=["subscriptions"])


class Subscription(Shape):
    """A subscription: what it brings, what it costs, until when it is paid."""

    id: str
    account: str
    state: Annotated[
        Literal["pending", "active", "past_due", "ended"],
        Field(description="`past_due`: its period is over and its payment awaited, while the grace lasts."),
    ]
    package: str
    plan: str
    plan_title: Annotated[str, Field(description="What people call the plan.")]
    former_plan: Annotated[str, Field(description="The plan to which the account returns.")]
    former_plan_title: str
    every: Renewal
    price: Money
    provider: str
    provider_ref: str
    start_at: datetime | None
    end_at: datetime | None
    ends_then: Annotated[bool, Field(description="Whether it ends with its period.")]
    created_at: datetime
    ended_at: datetime | None
    reason: str


class Subscriptions(Shape):
    """The subscription of an account, or nothing."""

    items: list[Subscription]


@router.get("/subscriptions")
async def list_subscriptions(ref: Ref, caller: User, house: House) -> Subscriptions:
    """Return the subscription that an account has, or had last, as a list: empty where it never had one."""
    account = caller.account_of(ref)
    await house.describe(account)
    with suppress(NotFound):
        return Subscriptions(items=[shown(await house.subscription(account), house)])
    return Subscriptions(items=[])


@router.get("/subscription")
async def show_subscription(ref: Ref, caller: User, house: House) -> Subscription:
    """Return the subscription that an account has, or had last."""
    return shown(await house.subscription(caller.account_of(ref)), house)


@router.delete("/subscription")
async def end_subscription(
    ref: Ref,
    caller: User,
    house: House,
    providers: Providers,
    at_once: Annotated[bool, Query(description="Now, and not with its period.")] = False,
) -> Subscription:
    """End an account's subscription: it stays on the plan until the period that was paid for is over.

    One that nobody has paid for yet ends at once. Where the provider renews by itself, it is told first.
    """
    account = caller.account_to_change(ref)
    before = await house.subscription(account)
    if before.provider == "stripe" and before.state in ("active", "past_due"):
        await providers.stripe.cancel(before, at_once=at_once)
    now = at_once or before.state == "pending"
    then = {"state": "ended" if now else before.state, "ends_then": not now, "package": before.package}
    was = {"state": before.state, "ends_then": before.ends_then}
    with caller.deciding(house, "subscription.end", account, lambda _: then, before=was):
        return shown(await house.cancel_subscription(account, at_once=at_once), house)


def shown(one: Stored, house: Tokenhouse) -> Subscription:
    """Return a subscription as the API says it."""
    return Subscription(
        id=one.id,
        account=one.ref,
        state=one.state,  # type: ignore[arg-type]  # A constraint of its column says so.
        package=one.package,
        plan=one.plan,
        plan_title=title_of(house.desk, one.plan),
        former_plan=one.former_plan,
        former_plan_title=title_of(house.desk, one.former_plan),
        every=one.every,
        price=money_of(one.price_minor, one.currency),
        provider=one.provider,
        provider_ref=one.provider_ref,
        start_at=one.start_at,
        end_at=one.end_at,
        ends_then=one.ends_then,
        created_at=one.created_at,
        ended_at=one.ended_at,
        reason=one.reason,
    )
