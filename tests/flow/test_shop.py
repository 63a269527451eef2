"""The shop: what is bought becomes an order, and a coupon gives once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.flow.selling import LARGE, PLANS, credit, open_shop, paid_for, refused
from tokenhouse import AccountClosed, InvalidInput, KeyReused, NotFound, Tokenhouse
from tokenhouse.flow.buying import Expired
from tokenhouse.flow.fund import Price
from tokenhouse.flow.orders import RefundPreview
from tokenhouse.flow.refunding import Returned
from tokenhouse.flow.shop import expire_orders

pytestmark = pytest.mark.row("C2", "B8")


@pytest.fixture
async def house(database: str, clock: Any) -> AsyncIterator[Tokenhouse]:
    async with open_shop(database, clock) as opened:
        yield opened


# Buying


async def test_a_package_changes_by_a_newer_version_and_orders_keep_theirs(house: Tokenhouse):
    order = await house.buy("alice", "large", currency="KRW")
    assert (await house.write_package(LARGE)).version == 1
    assert (await house.write_package(LARGE | {"prices": {"KRW": 12_000}})).version == 2
    with pytest.raises(InvalidInput):
        await house.buy("alice", "large", currency="USD")
    assert (await house.buy("alice", "large", currency="KRW")).price_minor == 12_000
    assert (order.price_minor, order.package_version) == (9_900, 1)
    assert [(one.name, one.version) for one in await house.packages()] == [("large", 2), ("pro", 1)]
    with pytest.raises(NotFound):
        await house.write_package(LARGE | {"plans": ["nothing"]})


@pytest.mark.row("D10", "E8")
async def test_credit_bought_for_a_company_is_shared_by_its_tree(house: Tokenhouse):
    await house.account("acme", kind="company", plan="plain")
    await house.account("team", kind="team", parent="acme", plan="plain")
    for ref in ("kim", "lee"):
        await house.account(ref, parent="team", plan="plain")
    assert await refused(house.buy("kim", "large", currency="KRW")) == "no_own_credit"
    order = await house.buy("acme", "large", currency="KRW", quantity=10)
    await house.complete_order("acme", order.id)
    assert [await credit(house, ref) for ref in ("acme", "kim", "lee")] == [11_000] * 3
    await house.charge("kim", 4_000)
    await house.charge("lee", 5_000)
    assert [(await house.balance(ref)).used for ref in ("acme", "kim", "lee")] == [9_000, 4_000, 5_000]
    assert await credit(house, "kim") == 2_000


@pytest.mark.row("D10")
async def test_a_tier_has_its_discount_and_a_day_its_free_points(house: Tokenhouse, clock: Any):
    from tokenhouse.rules.usage import Usage

    usage = Usage(input=100)
    await house.account("vip", plan="vip")
    costs = [(await house.quote(ref, "any", usage)).amount for ref in ("alice", "vip")]
    assert costs == [100, 50]
    await house.account("guest", plan="daily")
    await house.charge("guest", 50)
    assert await credit(house, "guest") == 0
    clock.move(days=1)
    assert await credit(house, "guest") == 50


async def test_what_could_not_be_given_is_not_sold(house: Tokenhouse):
    await house.account("full", plan="small")
    assert await refused(house.buy("full", "large", currency="KRW")) == "credit_maximum"
    await house.write_package(LARGE | {"name": "old", "active": False})
    assert await refused(house.buy("alice", "old", currency="KRW")) == "package_not_sold"
    await house.write_package(LARGE | {"name": "only-vip", "plans": ["vip"]})
    assert await refused(house.buy("alice", "only-vip", currency="KRW")) == "package_not_for"
    assert await refused(house.buy("alice", "large", currency="KRW", provider="stripe")) == "choice_unknown"
    assert await refused(house.buy("alice", "large", currency="KRW", quantity=0)) == "out_of_range"
    with pytest.raises(NotFound):
        await house.buy("alice", "nothing", currency="KRW")
    await house.amend("alice", state="closed")
    with pytest.raises(AccountClosed):
        await house.buy("alice", "large", currency="KRW")
    assert await house.orders("alice") == []


async def test_what_was_paid_is_given_whatever_came_in_between(house: Tokenhouse):
    await house.write_plan(PLANS[-1] | {"credit": {"maximum": 1_500}})
    await house.account("full", plan="small")
    orders = [await house.buy("full", "large", currency="KRW", provider="callback") for _ in range(2)]
    by_hand = await house.buy("full", "large", currency="KRW")
    await house.grant("full", 400)
    for one in orders:
        assert await paid_for(house, one) == ("accepted", "")
    await house.complete_order("full", by_hand.id)
    assert await credit(house, "full") == 400 + 3 * 1_100
    assert await refused(house.grant("full", 1)) == "credit_maximum"
    assert await refused(house.buy("full", "large", currency="KRW")) == "credit_maximum"
    gift = await house.order("full", 10)
    assert await refused(house.complete_order("full", gift.id)) == "credit_maximum"


@pytest.mark.parametrize("ends", ["expired", "failed", "by hand"])
async def test_an_order_that_is_paid_after_it_failed_gives_once(house: Tokenhouse, clock: Any, ends: str):
    order = await house.buy("alice", "large", currency="KRW", provider="callback")
    if ends == "expired":
        clock.move(days=31)
        await expire_orders(house.desk)
    elif ends == "failed":
        assert await paid_for(house, order, "failed") == ("accepted", "")
    else:
        await house.fail_order("alice", order.id, actor="kim", reason="refunded_before")
    assert (await house.find_order(order.id)).state == "failed"
    heard = await asyncio.gather(*(paid_for(house, order) for _ in range(6)))
    assert min(heard) == ("accepted", "")
    assert {verdict for verdict, _ in heard} <= {"accepted", "duplicate"}
    assert await paid_for(house, order, "failed") == ("ignored", "order_completed")
    after = await house.find_order(order.id)
    assert (after.state, after.completed_at, after.ended_by) == ("completed", clock(), "payment:callback")
    assert (after.provider_ref, await credit(house)) == (f"pay-{order.id}", 1_100)
    assert await paid_for(house, order, "refunded", refunded_minor=9_900) == ("accepted", "")
    assert await paid_for(house, order) == ("ignored", "order_refunded")
    assert await credit(house) == 0


async def test_a_failed_order_is_refunded_in_part_or_for_good(house: Tokenhouse):
    part, whole = [await house.buy("alice", "large", currency="KRW", provider="callback") for _ in range(2)]
    for one in (part, whole):
        await paid_for(house, one, "failed")
    assert await paid_for(house, part, "refunded", refunded_minor=990) == ("accepted", "")
    assert (await house.find_order(part.id)).state == "completed"
    given_back = "refunded_before_completion"
    assert await paid_for(house, whole, "refunded") == ("accepted", given_back)
    assert await paid_for(house, whole, "refunded") == ("duplicate", "refund_known")
    assert await paid_for(house, whole) == ("refused", "payment_order_failed")
    with pytest.raises(NotFound):
        await house.complete_order("alice", whole.id)
    assert (await house.find_order(whole.id)).reason == given_back
    assert await credit(house) == 990


async def test_a_payment_and_its_refund_after_a_failure_end_the_same_in_any_order(house: Tokenhouse):
    for nth in range(6):
        order = await house.buy("alice", "large", currency="KRW", provider="callback")
        await paid_for(house, order, "failed")
        said = ["paid", "refunded"] if nth % 2 else ["refunded", "paid"]
        await asyncio.gather(*(paid_for(house, order, kind) for kind in said))
        assert (await house.find_order(order.id)).state in ("refunded", "failed")
        assert await credit(house) == 0


async def test_an_operator_completes_an_order_whose_transfer_came_late(house: Tokenhouse, clock: Any):
    [coupon] = await house.write_coupons(discount="0.5")
    order = await house.buy("alice", "large", currency="KRW", coupon=coupon.code)
    clock.move(days=31)
    await expire_orders(house.desk)
    assert [one.uses for one in await house.coupons()] == [0]
    receipts = [await house.complete_order("alice", order.id, actor="kim") for _ in range(2)]
    assert [one.replayed for one in receipts] == [False, True]
    assert await credit(house) == 1_100
    assert [one.uses for one in await house.coupons()] == [1]
    assert await refused(house.buy("alice", "large", currency="KRW", coupon=coupon.code)) == "coupon_used"


async def test_a_coupon_used_up_meanwhile_does_not_stop_a_late_payment(house: Tokenhouse):
    [coupon] = await house.write_coupons(discount="0.5", uses_max=1)
    order = await house.buy("alice", "large", currency="KRW", coupon=coupon.code, provider="callback")
    await house.fail_order("alice", order.id)
    await house.account("bob", plan="plain")
    await house.buy("bob", "large", currency="KRW", coupon=coupon.code)
    assert await paid_for(house, order) == ("accepted", "")
    assert (await credit(house), (await house.coupons())[0].uses) == (1_100, 1)


async def test_one_key_opens_one_order(house: Tokenhouse):
    found = await asyncio.gather(
        *(house.buy("alice", "large", currency="KRW", key="click") for _ in range(10))
    )
    assert len({one.id for one in found}) == 1
    with pytest.raises(KeyReused):
        await house.buy("alice", "large", currency="USD", key="click")
    await house.account("bob", plan="plain")
    other = await house.buy("bob", "large", currency="KRW", key="click")
    assert other.id != found[0].id


async def test_an_order_that_nobody_pays_for_fails_in_time(house: Tokenhouse, clock: Any):
    [coupon] = await house.write_coupons(discount="0.5")
    order = await house.buy("alice", "large", currency="KRW", coupon=coupon.code)
    clock.move(days=29)
    assert (await expire_orders(house.desk)).failed == 0
    clock.move(days=2)
    assert (await expire_orders(house.desk)).failed == 1
    assert (await expire_orders(house.desk)).failed == 0
    ended = await house.find_order(order.id)
    assert (ended.state, ended.reason) == ("failed", "expired")
    [after] = await house.coupons()
    assert after.uses == 0
    assert (await house.buy("alice", "large", currency="KRW", coupon=coupon.code)).price_minor == 4_950


async def test_credit_can_end_after_some_days(house: Tokenhouse, clock: Any):
    await house.write_package(LARGE | {"name": "month", "credit_days": 30})
    order = await house.buy("alice", "month", currency="KRW")
    await house.complete_order("alice", order.id)
    assert await credit(house) == 1_100
    clock.move(days=31)
    await house.sweep()
    assert await credit(house) == 0


async def test_an_order_refunded_in_parts_by_hand_goes_by_its_totals(house: Tokenhouse):
    order = await house.buy("alice", "large", currency="KRW")
    await house.complete_order("alice", order.id)
    assert (await house.refund_order("alice", order.id, refunded_minor=990)).amount == 110
    assert (await house.refund_order("alice", order.id, refunded_minor=990)).replayed
    for wrong in (0, 989, 9_901):
        with pytest.raises(InvalidInput):
            await house.refund_order("alice", order.id, refunded_minor=wrong)
    assert (await house.refund_order("alice", order.id)).amount == 990
    assert (await house.refund_order("alice", order.id)).replayed
    with pytest.raises(InvalidInput):
        await house.refund_order("alice", order.id, refunded_minor=990)
    assert await credit(house) == 0


# Coupons


async def test_a_coupon_gives_its_credit_once_to_each_account(house: Tokenhouse):
    await house.write_coupons(code="Hello-2026", credit=70, uses_max=None)
    await house.account("bob", plan="plain")
    first = await house.redeem("alice", "hello 2026", key="k")
    assert (first.amount, first.replayed) == (70, False)
    assert (await house.redeem("alice", "HELLO2026", key="k")).replayed
    assert await refused(house.redeem("alice", "hello2026")) == "coupon_used"
    await house.redeem("bob", "hello2026")
    assert [await credit(house, ref) for ref in ("alice", "bob")] == [70, 70]
    [coupon] = await house.coupons()
    assert coupon.uses == 2
    [entry] = await house.history("alice", kinds=("grant",))
    assert (entry.lots[0][2], entry.operation) == ("coupon", (await house.orders("alice"))[0].id)


async def test_a_coupon_is_used_as_often_as_it_may_be_and_no_more(house: Tokenhouse):
    [coupon] = await house.write_coupons(credit=10, uses_max=3)
    refs = [f"u{number}" for number in range(12)]
    for ref in refs:
        await house.account(ref, plan="plain")
    came = await asyncio.gather(*(house.redeem(ref, coupon.code) for ref in refs), return_exceptions=True)
    assert [getattr(one, "reason", "given") for one in came].count("given") == 3
    assert {one.reason for one in came if isinstance(one, InvalidInput)} == {"coupon_over"}
    assert sum([await credit(house, ref) for ref in refs]) == 30


async def test_one_account_at_once_redeems_once(house: Tokenhouse):
    [coupon] = await house.write_coupons(credit=10, uses_max=None)
    await asyncio.gather(*(house.redeem("alice", coupon.code) for _ in range(8)), return_exceptions=True)
    assert await credit(house) == 10
    assert (await house.coupons())[0].uses == 1


async def test_a_redemption_that_was_cut_short_is_made_good(house: Tokenhouse, clock: Any):
    from tokenhouse.flow import buying

    await house.write_coupons(code="GIFT", credit=10, uses_max=None)
    address = await house.desk.address("alice")
    new = buying.NewOrder(
        id=house.desk.new_id(),
        type="bonus",
        credit=10,
        price_minor=0,
        currency="KRW",
        provider="coupon",
        coupon="GIFT",
    )
    assert await buying._opened(house.desk, address, new, None, "") is not None
    assert await credit(house) == 0
    assert (await expire_orders(house.desk)).completed == 0
    clock.move(minutes=6)
    assert (await expire_orders(house.desk)).completed == 1
    assert await credit(house) == 10
    assert (await expire_orders(house.desk)).completed == 0


async def test_a_coupon_is_valid_between_its_times_and_until_it_is_ended(house: Tokenhouse, clock: Any):
    now = clock()
    times = {"valid_from": now + timedelta(days=1), "valid_until": now + timedelta(days=3)}
    await house.write_coupons(code="SOON", credit=5, **times)
    states = []
    for _ in range(3):
        [one] = await house.coupons()
        states.append((one.state(clock()), one.uses))
        if one.state(clock()) != "active":
            assert await refused(house.redeem("alice", "SOON")) == "coupon_over"
        clock.move(days=1, hours=12)
    assert states == [("waiting", 0), ("active", 0), ("expired", 0)]
    await house.write_coupons(code="OOPS", credit=5)
    assert (await house.end_coupon("oops")).state(clock()) == "ended"
    assert await refused(house.redeem("alice", "OOPS")) == "coupon_over"
    with pytest.raises(NotFound):
        await house.redeem("alice", "NOTHING")
    assert await refused(house.write_coupons(code="OOPS", credit=5)) == "coupon_taken"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"credit": 5, "discount": "0.1"},
        {"discount": "1.1"},
        {"credit": 5, "uses_max": 0},
        {"credit": 5, "count": 0},
        {"credit": 5, "count": 2, "code": "TWICE"},
        {"credit": 5, "code": "x"},
        {"credit": 5, "credit_days": -1},
        {"credit": -5},
    ],
)
async def test_a_coupon_that_cannot_be_is_refused(house: Tokenhouse, wrong: dict[str, Any]):
    with pytest.raises(InvalidInput):
        await house.write_coupons(**wrong)
    assert await house.coupons() == []


async def test_a_discount_is_used_by_an_order_and_comes_back_with_it(house: Tokenhouse):
    await house.write_coupons(code="HALF", discount="0.5", uses_max=1)
    assert await refused(house.redeem("alice", "HALF")) == "coupon_no_credit"
    order = await house.buy("alice", "large", currency="KRW", coupon="half")
    assert (order.price_minor, order.discount_minor, order.credit) == (4_950, 4_950, 1_100)
    await house.account("bob", plan="plain")
    assert await refused(house.buy("bob", "large", currency="KRW", coupon="half")) == "coupon_over"
    assert await refused(house.buy("alice", "large", currency="KRW", coupon="half")) == "coupon_used"
    await house.fail_order("alice", order.id)
    second = await house.buy("bob", "large", currency="KRW", coupon="half")
    await house.complete_order("bob", second.id)
    receipt = await house.sales_receipt("bob", second.id, locale="ko")
    assert [(line.text, line.amount_minor) for line in receipt.lines] == [
        ("large (1,000 P)".replace("1,000 P", "P1,000"), 9_900),
        ("보너스: P100", 0),
        ("할인, 쿠폰 HALF", -4_950),
    ]
    assert receipt.total_shown == "₩4,950"


async def test_what_costs_nothing_is_given_at_once(house: Tokenhouse):
    await house.write_coupons(code="FREE", discount="1")
    order = await house.buy("alice", "large", currency="KRW", coupon="FREE", provider="callback")
    assert (order.state, order.price_minor, order.provider) == ("completed", 0, "coupon")
    assert await credit(house) == 1_100


async def test_a_coupon_is_for_what_it_says(house: Tokenhouse):
    await house.write_coupons(code="FORVIP", credit=5, only_plans=["vip"])
    assert await refused(house.redeem("alice", "FORVIP")) == "coupon_not_for"
    await house.write_coupons(code="FORPRO", discount="0.1", only_packages=["pro"])
    assert await refused(house.buy("alice", "large", currency="KRW", coupon="FORPRO")) == "coupon_not_for"
    assert await refused(house.buy("alice", "pro", currency="KRW", coupon="FORPRO")) == "coupon_not_for"
    await house.write_coupons(code="GIFT", credit=5)
    assert await refused(house.buy("alice", "large", currency="KRW", coupon="GIFT")) == "coupon_no_discount"


async def test_a_key_that_redeemed_one_code_redeems_no_other(house: Tokenhouse):
    await house.write_coupons(code="FIRST", credit=10)
    await house.write_coupons(code="SECOND", credit=20)
    await house.redeem("alice", "FIRST", key="once")
    with pytest.raises(KeyReused):
        await house.redeem("alice", "SECOND", key="once")
    assert await credit(house) == 10


async def test_what_cannot_be_made_good_yet_waits_and_fails_in_time(
    house: Tokenhouse, clock: Any, monkeypatch: pytest.MonkeyPatch
):
    async def cut(*_args: Any, **_kwargs: Any) -> None:
        raise asyncio.CancelledError

    await house.write_coupons(code="LATER", credit=10, uses_max=1)
    with monkeypatch.context() as patched:
        patched.setattr("tokenhouse.flow.orders.complete_order", cut)
        with pytest.raises(asyncio.CancelledError):
            await house.redeem("alice", "LATER")
    await house.amend("alice", state="closed")
    clock.move(minutes=6)
    assert await house.expire_orders() == Expired(failed=0, completed=0)
    clock.move(days=31)
    assert await house.expire_orders() == Expired(failed=1, completed=0)
    assert await credit(house) == 0
    [coupon] = await house.coupons()
    assert coupon.uses == 0


# Payments


async def test_a_payment_is_of_one_order(house: Tokenhouse):
    first = await house.buy("alice", "large", currency="KRW", provider="callback")
    second = await house.buy("alice", "large", currency="KRW", provider="callback")
    assert (await house.bind_payment(first.id, "pay-1")).provider_ref == "pay-1"
    assert await refused(house.bind_payment(second.id, "pay-1")) == "payment_of_another_order"
    refunded = {"refunds": (Returned(ref="re-1", minor=9_900),), "refunded_minor": 9_900}
    assert await paid_for(house, first, payments=("pay-1",)) == ("accepted", "")
    assert await paid_for(house, first, "refunded", payments=("pay-1",), **refunded) == ("accepted", "")
    assert await paid_for(house, second) == ("accepted", "")
    said = await paid_for(house, second, "refunded", **refunded)
    assert said == ("refused", "payment_of_another_order")
    assert await credit(house) == 1_100


async def test_a_subscription_that_nobody_has_is_not_ended(house: Tokenhouse):
    order = await house.buy("alice", "large", currency="KRW", provider="callback")
    said = await paid_for(house, order, "ended", subscription="sub-unheard")
    assert said == ("refused", "payment_order_unknown")


async def test_a_receipt_tells_a_refund_and_what_a_sale_without_a_package_was(house: Tokenhouse):
    gift = await house.order("alice", 500, price=Price(minor=1_000, currency="KRW"))
    await house.complete_order("alice", gift.id)
    plain = await house.sales_receipt("alice", gift.id)
    assert [line.text for line in plain.lines] == ["Credit: P500"]
    await house.refund_order("alice", gift.id)
    assert (await house.sales_receipt("alice", gift.id)).refunded_minor == 1_000
    assert await house.preview_refund(gift.id) == RefundPreview(minor=0, amount=0, uncovered=0, written_off=0)
