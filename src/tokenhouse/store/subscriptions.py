"""Subscriptions in the database: a plan that is paid for period by period."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tokenhouse.rules.shop import Renewal
from tokenhouse.store.accounts import Address
from tokenhouse.store.orders import Order
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_SUBSCRIPTION: Final = sql("write_subscription")
FIND_SUBSCRIPTION: Final = sql("find_subscription")
FIND_SUBSCRIPTION_BY_PROVIDER: Final = sql("find_subscription_by_provider")
LIST_SUBSCRIPTIONS_DUE: Final = sql("list_subscriptions_due")
FIND_ORDER_OF_SUBSCRIPTION: Final = sql("find_order_of_subscription")
WRITE_SUBSCRIPTION_PAID: Final = sql("write_subscription_paid")
WRITE_SUBSCRIPTION_AGAIN: Final = sql("write_subscription_again")
WRITE_SUBSCRIPTION_STATE: Final = sql("write_subscription_state")
WRITE_SUBSCRIPTION_ENDING: Final = sql("write_subscription_ending")
WRITE_SUBSCRIPTION_ENDED: Final = sql("write_subscription_ended")
WRITE_SUBSCRIPTION_DROPPED: Final = sql("write_subscription_dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """An account's subscription: pending, active, past_due or ended; its period is what is paid for."""

    cell: int
    account: int
    id: str
    ref: str
    package: str
    plan: str
    former_plan: str
    """The plan to which its account returns."""
    every: Renewal
    price_minor: int
    currency: str
    provider: str
    provider_ref: str
    state: str
    anchor_at: datetime | None
    start_at: datetime | None
    end_at: datetime | None
    ends_then: bool
    """Whether it ends with its period instead of being renewed."""
    last_order: str
    created_at: datetime
    ended_at: datetime | None
    reason: str


async def write_subscription(
    connection: Connection,
    address: Address,
    subscription: str,
    at: datetime,
    *,
    package: str,
    plan: str,
    former_plan: str,
    every: str,
    price_minor: int,
    currency: str,
    provider: str,
) -> bool:
    """Open a pending subscription; False where the account has one."""
    row = await connection.fetchrow(
        WRITE_SUBSCRIPTION,
        address.cell,
        address.account,
        UUID(subscription),
        package,
        plan,
        former_plan,
        every,
        price_minor,
        currency,
        provider,
        at,
    )
    return row is not None


async def find_subscription(
    connection: Connection, cell: int, account: int, subscription: str = ""
) -> Subscription | None:
    """Return an account's subscription, the last one if none is alive; or a certain one."""
    wanted = UUID(subscription) if subscription else None
    row = await connection.fetchrow(FIND_SUBSCRIPTION, cell, account, wanted)
    return _subscription(row) if row else None


async def find_subscription_by_provider(
    connection: Connection, provider: str, ref: str
) -> Subscription | None:
    """Return the subscription that a provider names."""
    row = await connection.fetchrow(FIND_SUBSCRIPTION_BY_PROVIDER, provider, ref)
    return _subscription(row) if row else None


async def list_subscriptions_due(connection: Connection, at: datetime, rows_max: int) -> list[Subscription]:
    """Return subscriptions whose period is over, and those with a paid order that was not taken over."""
    return [_subscription(row) for row in await connection.fetch(LIST_SUBSCRIPTIONS_DUE, at, rows_max)]


async def find_order_of_subscription(connection: Connection, one: Subscription, *states: str) -> str | None:
    """Return the newest order of a subscription that is in one of some states."""
    row = await connection.fetchrow(FIND_ORDER_OF_SUBSCRIPTION, one.cell, UUID(one.id), list(states))
    return row["id"].hex if row else None


async def write_subscription_paid(
    connection: Connection, one: Subscription, start_at: datetime, end_at: datetime, order_id: str
) -> bool:
    """Begin the period that an order paid for; False where it has begun before."""
    place = (one.cell, one.account, UUID(one.id))
    row = await connection.fetchrow(WRITE_SUBSCRIPTION_PAID, *place, start_at, end_at, UUID(order_id))
    return row is not None


async def write_subscription_again(
    connection: Connection, order: Order, subscription: str, former_plan: str, at: datetime
) -> bool:
    """Open a pending subscription for an order whose own has ended; False where one is alive."""
    row = await connection.fetchrow(
        WRITE_SUBSCRIPTION_AGAIN,
        order.cell,
        UUID(order.id),
        UUID(order.subscription),
        UUID(subscription),
        former_plan,
        at,
    )
    return row is not None


async def write_subscription_state(
    connection: Connection,
    one: Subscription,
    *,
    provider_ref: str | None = None,
    past_due: bool = False,
) -> None:
    """Note what the provider calls a subscription, or that it waits for money."""
    place = (one.cell, one.account, UUID(one.id))
    await connection.execute(WRITE_SUBSCRIPTION_STATE, *place, provider_ref, past_due)


async def write_subscription_ending(connection: Connection, one: Subscription) -> bool:
    """Note that a subscription ends with its period; return whether that was news."""
    place = (one.cell, one.account, UUID(one.id))
    return await connection.fetchrow(WRITE_SUBSCRIPTION_ENDING, *place) is not None


async def write_subscription_ended(
    connection: Connection, one: Subscription, at: datetime, reason: str
) -> bool:
    """End a subscription; return whether that was news."""
    place = (one.cell, one.account, UUID(one.id))
    return await connection.fetchrow(WRITE_SUBSCRIPTION_ENDED, *place, at, reason) is not None


async def write_subscription_dropped(connection: Connection, order: Order, at: datetime) -> None:
    """End the subscription of an order that failed, if it was its first."""
    place = (order.cell, order.account, UUID(order.subscription))
    await connection.execute(WRITE_SUBSCRIPTION_DROPPED, *place, at)


def _subscription(row: Any) -> Subscription:
    """Return a subscription of its row."""
    last_order = row["last_order"].hex if row["last_order"] else ""
    return Subscription(**{**dict(row), "id": row["id"].hex, "last_order": last_order})
