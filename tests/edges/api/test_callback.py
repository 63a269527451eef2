"""The signed callback of a shop of our own: credit comes once or not at all; each attempt is on record."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tests.edges.api.paying import CALLBACK, SECRET, STRIPE_KEY, STRIPE_SECRET, Shop
from tokenhouse.settings import Callback, Payments, Settings, Stripe

pytestmark = pytest.mark.row("E9", "C2", "B8")

FREE = 100_000
BOUGHT = 50_000


PAYMENTS = Payments(
    callback=Callback(secret=SECRET, opens_orders=True),
    stripe=Stripe(key=STRIPE_KEY, secret=STRIPE_SECRET, url="http://127.0.0.1:9"),
)


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return getattr(request, "param", {"payments": PAYMENTS, "plan": "points"})


@pytest.fixture
async def shop(service: Service, clock: Any) -> Shop:
    shop = Shop(service, clock)
    await shop.stock()
    return shop


async def state(service: Service, order: str) -> str:
    return (await service.house.find_order(order)).state


@pytest.mark.row("E7")
async def test_a_paid_order_brings_its_credit(shop: Shop, service: Service):
    bought = await shop.buy("alice")
    order = bought["order"]
    assert (order["state"], order["price"]["shown"], order["credit"]["value"]) == (
        "pending",
        "₩9,900",
        "50000",
    )
    assert bought["checkout"]["order_name"] == "Large"
    assert await shop.credit("alice") == FREE
    heard = await shop.says(shop.paid(order["id"]))
    assert (heard["verdict"], heard["order"]["state"]) == ("accepted", "completed")
    assert await shop.credit("alice") == FREE + BOUGHT
    seen = await service.ok("GET", f"/api/v1/accounts/me/orders/{order['id']}", who="alice")
    assert (seen["payment"], seen["method"]) == (f"pay-{order['id']}", "card")
    [entry] = await service.house.history("alice", kinds=("grant",))
    assert (entry.operation, entry.actor) == (order["id"], "payment:callback")
    await shop.sound()


async def test_a_forged_message_is_turned_away_and_seen(shop: Shop, service: Service):
    order = await shop.order("alice")
    good = shop.signed(shop.paid(order))
    forged: list[dict[str, Any]] = [
        {**good, "headers": {}},
        {**good, "content": good["content"].replace(b"9900", b"9901")},
        {**good, "headers": {**good["headers"], "webhook-id": "msg_other"}},
        {**good, "headers": {**good["headers"], "webhook-signature": "v1,AAAA"}},
        {**good, "headers": {**good["headers"], "webhook-signature": "nonsense"}},
        {**good, "headers": {**good["headers"], "webhook-timestamp": "yesterday"}},
        {**good, "headers": {**good["headers"], "webhook-timestamp": "9" * 30}},
        {**good, "content": b"\xff\xfe"},
        shop.signed(shop.paid(order), secret="whsec_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6"),
    ]
    for one in forged:
        await service.no(401, "POST", CALLBACK, **one)
    assert await shop.credit("alice") == FREE
    events = await shop.events()
    assert [verdict for verdict, _ in events] == ["refused"] * len(forged)
    assert {reason for _, reason in events} == {"signature_missing", "signature_wrong"}
    assert await state(service, order) == "pending"
    assert (await service.ok("POST", CALLBACK, **good))["verdict"] == "accepted"
    await shop.sound()


async def test_a_forged_message_does_not_stand_in_the_way_of_the_true_one(shop: Shop, service: Service):
    order = await shop.order("alice")
    good = shop.signed(shop.paid(order), event="msg_true")
    await service.no(401, "POST", CALLBACK, **{**good, "content": b"{}"})
    assert (await service.ok("POST", CALLBACK, **good))["verdict"] == "accepted"


async def test_the_signature_of_another_provider_opens_nothing(shop: Shop, service: Service):
    order = await shop.order("alice")
    await service.no(401, "POST", CALLBACK, **shop.signed(shop.paid(order), secret=STRIPE_SECRET))
    stripes = await shop.service.house.buy("alice", "large", currency="KRW", provider="stripe")
    no = await service.no(400, "POST", CALLBACK, **shop.signed(shop.paid(stripes.id)))
    assert no["order"] == stripes.id
    by_hand = await shop.order("alice", provider="manual")
    await service.no(400, "POST", CALLBACK, **shop.signed(shop.paid(by_hand)))
    assert await shop.credit("alice") == FREE
    assert await shop.events() == [
        ("refused", "payment_provider_differs"),
        ("refused", "payment_provider_differs"),
        ("refused", "signature_wrong"),
    ]


async def test_a_message_that_comes_again_is_harmless(shop: Shop, service: Service, clock: Any):
    order = await shop.order("alice")
    sent = shop.signed(shop.paid(order), event="msg_1")
    answers = [await service.ok("POST", CALLBACK, **sent) for _ in range(3)]
    assert [one["verdict"] for one in answers] == ["accepted", "duplicate", "duplicate"]
    clock.move(minutes=6)
    stale = await service.no(401, "POST", CALLBACK, **sent)
    assert "too old" in stale["detail"]
    early = shop.headers("msg_0", sent["content"], clock() + timedelta(minutes=6), SECRET)
    await service.no(401, "POST", CALLBACK, **{**sent, "headers": early})
    again = shop.paid(order, note="x")
    no = await service.no(422, "POST", CALLBACK, **shop.signed(again, event="msg_1"))
    assert no["code"] == "key_reused"
    assert (await shop.says(again, event="msg_2"))["verdict"] == "duplicate"
    assert await shop.credit("alice") == FREE + BOUGHT
    assert await shop.events() == [
        ("accepted", ""),
        ("duplicate", "event_known"),
        ("duplicate", "event_known"),
        ("duplicate", "order_completed"),
        ("refused", "event_differs"),
        ("refused", "signature_stale"),
        ("refused", "signature_stale"),
    ]
    await shop.sound()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"amount": 9899}, "payment_amount_differs"),
        ({"amount": 0}, "payment_amount_differs"),
        ({"amount": None}, "payment_amount_differs"),
        ({"currency": "USD"}, "payment_currency_differs"),
        ({"currency": "won"}, "payment_currency_differs"),
        ({"currency": ""}, "payment_currency_differs"),
        ({"order": "0" * 32}, "payment_order_unknown"),
        ({"order": "nonsense"}, "payment_order_unknown"),
        ({"order": ""}, "payment_order_unknown"),
        ({"amuont": 9900}, "payment_shape"),
        ({"type": "payment.maybe"}, "payment_shape"),
        ({"amount": "9900"}, "payment_shape"),
        ({"type": "payment.refunded", "refunded": 9901}, "payment_refund_differs"),
        ({"type": "payment.refunded", "refunded": 0}, "payment_refund_differs"),
    ],
)
async def test_what_does_not_fit_its_order_gives_nothing(
    shop: Shop, service: Service, wrong: dict[str, Any], reason: str
):
    order = await shop.order("alice")
    said = shop.paid(order) | wrong
    if not said["order"]:
        del said["payment"]
    answer = await service.call("POST", CALLBACK, **shop.signed(said))
    assert answer.status_code in (400, 404)
    assert await shop.credit("alice") == FREE
    assert await shop.events() == [("refused", reason)]
    assert await state(service, order) == "pending"
    assert (await shop.says(shop.paid(order)))["verdict"] == "accepted"
    await shop.sound()


async def test_one_payment_pays_for_one_order_over_all_accounts(shop: Shop, service: Service):
    first, second = await shop.order("alice"), await shop.order("bob")
    await shop.says(shop.paid(first, payment="pay-1"))
    no = await service.no(400, "POST", CALLBACK, **shop.signed(shop.paid(second, payment="pay-1")))
    assert "pay-1" in no["detail"]
    assert [await shop.credit("alice"), await shop.credit("bob")] == [FREE + BOUGHT, FREE]
    assert ("refused", "payment_of_another_order") in await shop.events()


async def test_two_messages_at_once_give_once(shop: Shop, service: Service):
    for same in (True, False):
        before = await shop.credit("alice") if same is False else FREE
        order = await shop.order("alice")
        sent = [shop.signed(shop.paid(order), event="msg_same" if same else "") for _ in range(8)]
        answers = await asyncio.gather(*(service.ok("POST", CALLBACK, **one) for one in sent))
        verdicts = sorted(one["verdict"] for one in answers)
        assert "accepted" in verdicts
        assert set(verdicts) <= {"accepted", "duplicate"}
        if same:
            assert verdicts.count("accepted") == 1
        assert await shop.credit("alice") == before + BOUGHT
    assert len(await shop.events()) == 16
    await shop.sound()


async def test_a_refund_before_completion_gives_nothing_ever(shop: Shop, service: Service):
    order = await shop.order("alice")
    refunded = await shop.says(shop.paid(order, type="payment.refunded"))
    assert (refunded["verdict"], refunded["order"]["state"]) == ("accepted", "failed")
    no = await service.no(400, "POST", CALLBACK, **shop.signed(shop.paid(order)))
    assert no["order"] == order
    assert await shop.credit("alice") == FREE
    assert await shop.events() == [
        ("accepted", "refunded_before_completion"),
        ("refused", "payment_order_failed"),
    ]
    await shop.sound()


async def test_a_partial_refund_before_completion_means_that_it_was_paid(shop: Shop):
    order = await shop.order("alice")
    told = await shop.says(shop.paid(order, type="payment.refunded", refunded=990))
    assert told["order"]["state"] == "completed"
    assert await shop.credit("alice") == FREE + BOUGHT * 9 // 10
    assert (await shop.says(shop.paid(order)))["verdict"] == "duplicate"
    assert await shop.credit("alice") == FREE + BOUGHT * 9 // 10
    await shop.sound()


async def test_a_failure_after_completion_changes_nothing(shop: Shop, service: Service):
    order = await shop.order("alice")
    await shop.says(shop.paid(order))
    failed = await shop.says({"type": "payment.failed", "order": order})
    assert (failed["verdict"], failed["reason"]) == ("ignored", "order_completed")
    assert await shop.credit("alice") == FREE + BOUGHT
    other = await shop.order("alice")
    assert (await shop.says({"type": "payment.failed", "order": other}))["order"]["state"] == "failed"
    assert (await shop.says({"type": "payment.failed", "order": other}))["verdict"] == "ignored"
    assert await state(service, other) == "failed"
    await shop.sound()


@pytest.mark.parametrize(("plan", "debt"), [("points", "carry"), ("chat-tokens", "forgive")])
async def test_a_refund_after_spending_says_what_became_of_the_rest(
    service: Service, clock: Any, plan: str, debt: str
):
    if plan == "chat-tokens":
        unit = {"name": "point", "symbol": "P", "decimals": 0}
        terms = {"name": plan, "unit": unit, "signup": {"amount": FREE}, "stop": {"debt": debt}}
        await service.house.write_plan(terms)
    await service.house.account("alice", plan=plan)
    shop = Shop(service, clock)
    await shop.stock()
    order = await shop.order("alice")
    await shop.says(shop.paid(order))
    await service.house.charge("alice", 120_000)
    told = await shop.says(shop.paid(order, type="payment.refunded"))
    back = {name: one["value"] for name, one in told["taken_back"].items()}
    unspent = int(back["unspent"])
    assert (unspent > 0, back["asked"]) == (True, "50000")
    owed = {"debt": str(BOUGHT - unspent), "written_off": "0"}
    written_off = {"debt": "0", "written_off": str(BOUGHT - unspent)}
    assert {name: back[name] for name in owed} == (owed if debt == "carry" else written_off)
    balance = await service.house.balance("alice")
    assert balance.debt == (BOUGHT - unspent if debt == "carry" else 0)
    assert told["order"]["state"] == "refunded"
    again = await shop.says(shop.paid(order, type="payment.refunded"))
    assert again["verdict"] == "duplicate"
    assert (await shop.says(shop.paid(order)))["reason"] == "order_refunded"
    assert (await service.house.balance("alice")).debt == balance.debt
    await shop.sound()


async def test_partial_refunds_are_totals_and_come_in_any_order(shop: Shop, service: Service):
    order = await shop.order("alice")
    await shop.says(shop.paid(order))
    verdicts = []
    for total in (3300, 6600, 3300, 6600, 9900, 9900):
        told = await shop.says(shop.paid(order, type="payment.refunded", refunded=total))
        verdicts.append((told["verdict"], told["order"]["state"], await shop.credit("alice") - FREE))
    assert verdicts == [
        ("accepted", "completed", 33_333),
        ("accepted", "completed", 16_666),
        ("ignored", "completed", 16_666),
        ("duplicate", "completed", 16_666),
        ("accepted", "refunded", 0),
        ("duplicate", "refunded", 0),
    ]
    one = await service.house.find_order(order)
    assert (one.refunded_minor, one.refunded_credit) == (9_900, BOUGHT)
    await shop.sound()


async def test_refunds_at_once_take_back_their_total_and_no_more(shop: Shop):
    order = await shop.order("alice")
    await shop.says(shop.paid(order))
    totals = [990 * nth for nth in range(1, 9)] * 2
    await asyncio.gather(
        *(shop.says(shop.paid(order, type="payment.refunded", refunded=total)) for total in totals)
    )
    assert await shop.credit("alice") == FREE + BOUGHT - BOUGHT * 8 // 10
    await shop.sound()


async def test_a_payment_that_succeeds_after_it_failed_gives_once(shop: Shop, service: Service):
    order = await shop.order("alice")
    failed = await shop.says({"type": "payment.failed", "order": order})
    assert failed["order"]["state"] == "failed"
    for verdict in ("accepted", "duplicate"):
        heard = await shop.says(shop.paid(order))
        assert (heard["verdict"], heard["order"]["state"]) == (verdict, "completed")
    assert (await shop.says({"type": "payment.failed", "order": order}))["verdict"] == "ignored"
    assert await shop.credit("alice") == FREE + BOUGHT
    await shop.sound()


async def test_what_a_shop_was_paid_is_given_whatever_the_plan_lets_the_account_hold(
    shop: Shop, service: Service
):
    unit = {"name": "point", "symbol": "P", "decimals": 0}
    await service.house.write_plan({"name": "small", "unit": unit, "credit": {"maximum": 100}})
    await service.house.account("zoe", plan="small")
    said = {"type": "payment.completed", "payment": "pay-8", "account": "zoe", "credit": "7000"}
    heard = await shop.says(said | {"amount": 1500, "currency": "JPY"})
    assert (heard["verdict"], await shop.credit("zoe")) == ("accepted", 7_000)
    await shop.sound()


async def test_a_shop_may_open_orders_if_the_settings_say_so(shop: Shop, service: Service):
    await service.key("alice")
    said = {
        "type": "payment.completed",
        "payment": "pay-7",
        "account": "alice",
        "credit": "7000",
        "amount": 1500,
        "currency": "JPY",
    }
    answers = await asyncio.gather(*(shop.says(said) for _ in range(4)))
    assert len({one["order"]["id"] for one in answers}) == 1
    assert await shop.credit("alice") == FREE + 7_000
    more = said | {"credit": "7001"}
    no = await service.no(400, "POST", CALLBACK, **shop.signed(more))
    assert "pay-7 belongs to order" in no["detail"]
    await service.key("bob")
    await service.no(400, "POST", CALLBACK, **shop.signed(said | {"account": "bob"}))
    await service.no(404, "POST", CALLBACK, **shop.signed(said | {"account": "nobody", "payment": "p"}))
    refunded = await shop.says(said | {"type": "payment.refunded"})
    assert refunded["order"]["state"] == "refunded"
    assert [await shop.credit("alice"), await shop.credit("bob")] == [FREE, FREE]
    await shop.sound()


@pytest.mark.parametrize(
    "settings",
    [{"payments": PAYMENTS, "plan": "points", "failures_per_minute": 4, "address_per_minute": 6}],
    indirect=True,
)
async def test_a_burst_of_a_provider_gets_through_and_one_of_a_forger_does_not(
    shop: Shop, service: Service, clock: Any
):
    order = await shop.order("alice")
    assert await shop.events() == []  # An auditor who is known by now is let in when the address is closed.
    for _ in range(20):
        assert (await shop.says(shop.paid(order)))["verdict"] in ("accepted", "duplicate")
        await service.no(400, "POST", CALLBACK, **shop.signed(shop.paid(order, amount=1)))
    forged = {"content": b"{}", "headers": {"webhook-id": "x"}}
    for path in (CALLBACK, "/api/v1/payments/stripe", "/api/v1/user-quota/payment-callback"):
        await service.no(401, "POST", path, **forged)
    await service.no(404, "POST", "/api/v1/payments/toss", **forged)
    for _ in range(3):
        await service.no(429, "POST", CALLBACK, **forged)
    assert len(await shop.events(verdict="refused")) == 20 + 3
    clock.move(seconds=15)
    assert (await shop.says(shop.paid(order)))["verdict"] == "duplicate"
    await service.no(401, "POST", CALLBACK, **forged)
    await service.no(429, "POST", CALLBACK, **forged)


async def test_a_message_that_is_too_large_is_not_read(service: Service):
    no = await service.no(413, "POST", CALLBACK, content=b" " * 300_000)
    assert no["code"] == "invalid_input"


async def test_a_provider_that_is_not_set_up_has_no_door(service: Service):
    await service.no(404, "POST", "/api/v1/payments/toss", content=b"{}")


@pytest.mark.row("C5")
async def test_the_quota_report_s_callback(shop: Shop, service: Service):
    path = "/api/v1/user-quota/payment-callback"
    said = {
        "user_id": 123,
        "token_amount": 5000,
        "payment_method": "card",
        "amount": 9900.00,
        "currency": "KRW",
        "transaction_id": "pay-2026-0001",
        "status": "completed",
    }
    await service.no(401, "POST", path, json=said)
    for verdict in ("accepted", "duplicate"):
        heard = await service.ok("POST", path, **shop.signed(said))
        assert heard == {
            "success": True,
            "message": verdict,
            "order_id": heard["order_id"],
            "status": "completed",
            "transaction_id": "pay-2026-0001",
            "token_amount": 5000,
        }
    assert await shop.credit("123") == FREE + 5_000
    await service.no(400, "POST", path, **shop.signed(said | {"amount": 9900.5}))
    await service.no(400, "POST", path, **shop.signed(said | {"token_amount": 5001}))
    await service.no(400, "POST", path, **shop.signed(said | {"transaction_id": ""}))
    await service.no(400, "POST", path, **shop.signed(said | {"status": "perhaps"}))
    pending = await service.ok("POST", path, **shop.signed(said | {"status": "pending"}))
    assert pending["message"] == "ignored"
    refunded = await service.ok("POST", path, **shop.signed(said | {"status": "refunded"}))
    assert refunded["status"] == "refunded"
    assert await shop.credit("123") == FREE
    await shop.sound()


def test_settings_show_no_secret():
    shown = repr(Settings(payments=Payments(callback=Callback(secret=SECRET))))
    assert SECRET not in shown
