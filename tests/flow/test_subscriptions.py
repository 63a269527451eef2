"""Subscriptions: a plan that is paid for by the period, renewed by orders, and given back at its end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.flow.selling import credit, open_shop, paid_for, refused
from tokenhouse import NotFound, Tokenhouse
from tokenhouse.flow.shop import expire_orders, renew_subscriptions

pytestmark = pytest.mark.row("C2", "B8")


@pytest.fixture
async def house(database: str, clock: Any) -> AsyncIterator[Tokenhouse]:
    async with open_shop(database, clock) as opened:
        yield opened


async def plan_of(house: Tokenhouse) -> str | None:
    return (await house.describe("alice")).plan


async def paid(house: Tokenhouse) -> str:
    """Have the newest order paid, and return it."""
    newest = next(one for one in await house.orders("alice") if one.state == "pending")
    await house.complete_order("alice", newest.id, actor="operator", reason="bank transfer")
    return newest.id


async def test_a_subscription_is_renewed_by_orders_and_ends_where_nobody_pays(house: Tokenhouse, clock: Any):
    await house.buy("alice", "pro", currency="KRW")
    assert (await house.subscription("alice")).state == "pending"
    assert await refused(house.buy("alice", "pro", currency="KRW")) == "subscription_alive"
    await paid(house)
    assert (await plan_of(house), await credit(house)) == ("pro", 1_000)
    assert await refused(house.buy("alice", "pro", currency="KRW")) == "subscription_same"
    assert (await renew_subscriptions(house.desk)).opened == 0
    clock.move(days=30)
    done = await asyncio.gather(*(renew_subscriptions(house.desk) for _ in range(3)))
    assert sum(one.opened for one in done) >= 1
    assert [one.state for one in await house.orders("alice")].count("pending") == 1
    assert (await house.subscription("alice")).state == "past_due"
    await paid(house)
    after = await house.subscription("alice")
    assert (after.state, f"{after.start_at:%m-%d}", f"{after.end_at:%m-%d}") == ("active", "12-21", "01-21")
    clock.move(days=32)
    assert (await renew_subscriptions(house.desk)).opened == 1
    assert await plan_of(house) == "pro"
    clock.move(days=3)
    assert (await renew_subscriptions(house.desk)).ended == 1
    over = await house.subscription("alice")
    assert (over.state, over.reason, await plan_of(house)) == ("ended", "unpaid", "plain")
    assert {one.state for one in await house.orders("alice")} == {"completed", "failed"}
    assert (await renew_subscriptions(house.desk)).ended == 0


async def test_a_subscription_ends_with_its_period_or_at_once(house: Tokenhouse, clock: Any):
    with pytest.raises(NotFound):
        await house.cancel_subscription("alice")
    await house.buy("alice", "pro", currency="KRW")
    dropped = await house.cancel_subscription("alice")
    assert (dropped.state, await plan_of(house)) == ("ended", "plain")
    assert [one.state for one in await house.orders("alice")] == ["failed"]
    await house.buy("alice", "pro", currency="KRW")
    await paid(house)
    assert (await house.cancel_subscription("alice")).ends_then
    assert await plan_of(house) == "pro"
    clock.move(days=31)
    assert (await renew_subscriptions(house.desk)).ended == 1
    assert await plan_of(house) == "plain"
    await house.buy("alice", "pro", currency="KRW")
    await paid(house)
    assert (await house.cancel_subscription("alice", at_once=True)).reason == "cancelled"
    assert await plan_of(house) == "plain"


async def test_a_refunded_period_ends_its_subscription(house: Tokenhouse):
    await house.buy("alice", "pro", currency="KRW")
    order = await paid(house)
    first = await house.refund_order("alice", order, refunded_minor=1_000)
    assert (first.amount, (await house.subscription("alice")).state) == (0, "active")
    await house.refund_order("alice", order)
    assert (await house.refund_order("alice", order)).replayed
    over = await house.subscription("alice")
    assert (over.state, over.reason, await plan_of(house)) == ("ended", "refunded", "plain")


async def test_a_period_that_is_paid_when_its_subscription_is_over_begins_another(
    house: Tokenhouse, clock: Any
):
    first = await house.buy("alice", "pro", currency="KRW", provider="callback")
    clock.move(days=31)
    await expire_orders(house.desk)
    assert ((await house.subscription("alice")).state, await plan_of(house)) == ("ended", "plain")
    heard = await asyncio.gather(*(paid_for(house, first) for _ in range(4)))
    assert {verdict for verdict, _ in heard} <= {"accepted", "duplicate"}
    begun = await house.subscription("alice")
    assert (begun.state, begun.start_at, await plan_of(house)) == ("active", clock(), "pro")
    clock.move(days=31)
    await renew_subscriptions(house.desk)
    [second] = [one for one in await house.orders("alice") if one.state == "pending"]
    clock.move(days=4)
    assert (await renew_subscriptions(house.desk)).ended == 1
    assert await plan_of(house) == "plain"
    assert await paid_for(house, second) == ("accepted", "")
    again = await house.subscription("alice")
    assert (again.state, again.start_at, again.former_plan) == ("active", clock(), "plain")
    assert await plan_of(house) == "pro"
    assert (await house.cancel_subscription("alice", at_once=True)).state == "ended"
    assert await plan_of(house) == "plain"


async def test_a_late_period_gives_way_to_the_subscription_that_is_there(house: Tokenhouse):
    late = await house.buy("alice", "pro", currency="KRW", provider="callback")
    await house.cancel_subscription("alice")
    await house.buy("alice", "pro", currency="KRW")
    await paid(house)
    assert await paid_for(house, late) == ("refused", "payment_order_failed")
    assert await refused(house.complete_order("alice", late.id)) == "payment_order_failed"
    assert (await house.find_order(late.id)).state == "failed"
    assert (await house.subscription("alice")).state == "active"


async def test_a_plan_chosen_meanwhile_stays(house: Tokenhouse):
    await house.buy("alice", "pro", currency="KRW")
    await paid(house)
    await house.amend("alice", plan="vip")
    await house.cancel_subscription("alice", at_once=True)
    assert await plan_of(house) == "vip"


async def test_a_first_payment_that_was_cut_short_is_made_good(house: Tokenhouse):
    from tokenhouse.flow import orders

    order = await house.buy("alice", "pro", currency="KRW")
    await orders.complete_order(house.desk, "alice", order.id, actor="")
    assert await plan_of(house) == "plain"
    assert (await renew_subscriptions(house.desk)).carried == 1
    assert await plan_of(house) == "pro"
    assert (await renew_subscriptions(house.desk)).carried == 0
