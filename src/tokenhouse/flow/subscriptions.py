"""Subscriptions: a plan that is paid for period by period. Every period is an order.

The first paid order brings the plan, each further one a period. Who does not pay within the grace, or ends
it, is back on the former plan. Every step is idempotent, so that whoever was cut short can come again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tokenhouse.errors import NotFound, TokenhouseError
from tokenhouse.flow import identify
from tokenhouse.flow import orders as step
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.packages import find_package
from tokenhouse.rules.periods import instant, moment, period_of
from tokenhouse.store import orders, subscriptions
from tokenhouse.store.accounts import Address
from tokenhouse.store.orders import NewOrder, Order
from tokenhouse.store.subscriptions import Subscription

RENEWED_BY_US: Final = ("callback", "manual")
"""Providers that wait for our order of the next period; others renew by themselves and tell us."""
DUE_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """What became of subscriptions whose period was over, or that had been cut short."""

    opened: int
    """Orders of a next period."""
    carried: int
    """Paid periods that had not begun."""
    ended: int


async def subscription(desk: Desk, ref: str) -> Subscription:
    """Return the subscription that an account has, or had last. Raises: NotFound."""
    found = await _of(desk, await desk.address(ref))
    if found is None:
        raise NotFound("subscription_none", account=ref)
    return found


async def carry(desk: Desk, order: Order) -> Subscription | None:
    """Begin the period that a paid order brings, and with the first one the plan. Idempotent."""
    async with desk.pool.acquire() as connection:
        one = await subscriptions.find_subscription(connection, order.cell, order.account, order.subscription)
    if one is None or one.state == "ended" or order.id <= one.last_order:
        return one
    if not one.last_order:
        note = f"subscription to {one.package}"
        await identify.amend(
            desk,
            one.ref,
            state=None,
            plan=one.plan,
            key=f"subscription {one.id}",
            actor="subscription",
            note=note,
        )
    start_at = one.end_at or desk.clock()
    end_at = _end(one, start_at)
    async with desk.pool.acquire() as connection:
        await subscriptions.write_subscription_paid(connection, one, start_at, end_at, order.id)
    return await _again(desk, one)


async def end(desk: Desk, one: Subscription, reason: str) -> Subscription:
    """End a subscription now: its account is back on its former plan, unless it has gone elsewhere since.

    An order that waits for its next period fails. Idempotent.
    """
    account = await identify.describe(desk, one.ref)
    if account.plan == one.plan and one.state != "ended":
        await identify.amend(
            desk,
            one.ref,
            state=None,
            plan=one.former_plan,
            key=f"subscription {one.id} ends",
            actor="subscription",
            note=f"end of the subscription to {one.package}: {reason}",
        )
    async with desk.pool.acquire() as connection:
        async with connection.transaction():
            if await subscriptions.write_subscription_ended(connection, one, desk.clock(), reason):
                await keep(connection, one)
        waiting = await subscriptions.find_order_of_subscription(connection, one, "pending")
    if waiting is not None:
        await step.fail_order(desk, one.ref, waiting, actor="subscription", reason=reason)
    return await _again(desk, one)


async def follow(desk: Desk, order: Order) -> Order:
    """See that a subscription follows its order: paid, its period begins; refunded, it ends. Idempotent."""
    if order.subscription and order.state == "completed":
        await carry(desk, order)
    elif order.subscription and order.state == "refunded":
        one = await find(desk, order.provider, "", order)
        if one is not None and one.last_order == order.id and one.state != "ended":
            await end(desk, one, "refunded")
    return order


async def cancel(desk: Desk, ref: str, *, at_once: bool) -> Subscription:
    """End an account's subscription with its period, or at once; one that nobody paid for, at once.

    Raises: NotFound.
    """
    one = await subscription(desk, ref)
    if one.state == "ended":
        raise NotFound("subscription_none", account=ref)
    if at_once or one.state == "pending":
        return await end(desk, one, "cancelled")
    async with desk.pool.acquire() as connection, connection.transaction():
        if await subscriptions.write_subscription_ending(connection, one):
            await keep(connection, one)
    return await _again(desk, one)


async def named(desk: Desk, one: Subscription, provider_ref: str) -> None:
    """Note what the provider calls a subscription."""
    async with desk.pool.acquire() as connection:
        await subscriptions.write_subscription_state(connection, one, provider_ref=provider_ref)


async def late(desk: Desk, one: Subscription) -> None:
    """Note that a subscription waits for money."""
    async with desk.pool.acquire() as connection:
        await subscriptions.write_subscription_state(connection, one, past_due=True)


async def find(desk: Desk, provider: str, provider_ref: str, order: Order | None) -> Subscription | None:
    """Return the subscription that a provider means: by its own name, or by one of its orders."""
    async with desk.pool.acquire() as connection:
        if order is not None and order.subscription:
            place = (order.cell, order.account, order.subscription)
            return await subscriptions.find_subscription(connection, *place)
        return await subscriptions.find_subscription_by_provider(connection, provider, provider_ref)


async def open_renewal(desk: Desk, one: Subscription, key: str) -> Order:
    """Open the order of a subscription's next period, once for each `key`."""
    package = await find_package(desk, one.package)
    address = await desk.address(one.ref)
    new = NewOrder(
        id=desk.new_id(),
        credit=package.credit + package.bonus_credit,
        price_minor=one.price_minor,
        currency=one.currency,
        provider=one.provider,
        package=package.name,
        package_version=package.version,
        bonus=package.bonus_credit,
        credit_days=package.credit_days,
        subscription=one.id,
        request_key=key,
    )
    async with desk.pool.acquire() as connection:
        made = await orders.write_order_bought(connection, address, new, desk.clock())
        found = made or await orders.find_order_by_request(connection, address, key)
    assert found is not None  # noqa: S101 -- made here, or by the one who was faster
    return found


async def renew_subscriptions(desk: Desk) -> Renewed:
    """Look after subscriptions whose period is over: the next order opens, or they end. Idempotent."""
    now = desk.clock()
    async with desk.pool.acquire() as connection:
        due = await subscriptions.list_subscriptions_due(connection, now, DUE_ROWS)
    done = {"opened": 0, "carried": 0, "ended": 0}
    for one in due:
        what = await _renew(desk, one, now)
        if what:
            done[what] += 1
    return Renewed(**done)


async def _renew(desk: Desk, one: Subscription, now: datetime) -> str:
    """Look after one subscription; return what was done, "" for nothing."""
    async with desk.pool.acquire() as connection:
        paid = await subscriptions.find_order_of_subscription(connection, one, "completed")
    if paid is not None and paid > one.last_order:
        await carry(desk, await step.find_order(desk, one.ref, paid))
        return "carried"
    assert one.end_at is not None  # noqa: S101 -- one without a period is here only for a paid order
    if one.ends_then:
        await end(desk, one, "cancelled")
        return "ended"
    if one.end_at + timedelta(days=desk.settings.payments.grace_days) <= now:
        await end(desk, one, "unpaid")
        return "ended"
    if one.provider not in RENEWED_BY_US or one.state == "past_due":
        await late(desk, one)
        return ""
    try:
        await open_renewal(desk, one, f"renewal {one.id} {one.end_at:%Y%m%dT%H%M%S}")
    except TokenhouseError:
        return ""  # Its package is gone: without an order it ends with its grace.
    await late(desk, one)
    return "opened"


def _end(one: Subscription, start_at: datetime) -> datetime:
    """Return when the period ends that starts then."""
    anchor_at = instant(one.anchor_at or start_at)
    return moment(period_of(instant(start_at), one.every, "anniversary", "UTC", anchor_at).end_at)


async def _of(desk: Desk, address: Address) -> Subscription | None:
    """Return the subscription that an account has, or had last."""
    async with desk.pool.acquire() as connection:
        return await subscriptions.find_subscription(connection, address.cell, address.account)


async def _again(desk: Desk, one: Subscription) -> Subscription:
    """Return a subscription as it now stands."""
    async with desk.pool.acquire() as connection:
        found = await subscriptions.find_subscription(connection, one.cell, one.account, one.id)
    assert found is not None  # noqa: S101 -- subscriptions are never deleted
    return found
