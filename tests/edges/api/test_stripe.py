"""Stripe: checkout through its library against a server of our own, and webhooks signed by its own oracle."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tests.edges.api.fake_stripe import FakeStripe, charge, session
from tests.edges.api.paying import LARGE, SECRET, STRIPE_KEY, STRIPE_SECRET, Shop
from tests.edges.gateway.provider import Provider, Says
from tokenhouse.settings import Callback, Payments, Stripe

pytestmark = pytest.mark.row("E9", "C2", "B8")

FREE = 100_000
WEBHOOK = "/api/v1/payments/stripe"
PRO = {
    "title": {"en": "Pro"},
    "prices": {"USD": 2000, "KRW": 25000},
    "plan": "pro",
    "every": "month",
    "credit": "10000",
}


@pytest.fixture
async def fake() -> AsyncIterator[FakeStripe]:
    fake = FakeStripe()
    async with Provider(fake) as server:
        fake.port = server.port
        yield fake


@pytest.fixture
def settings(fake: FakeStripe) -> dict[str, Any]:
    chosen = Stripe(
        key=STRIPE_KEY,
        secret=STRIPE_SECRET,
        url=f"http://127.0.0.1:{fake.port}",
        success_url="https://shop.test/paid/{order}",
        cancel_url="https://shop.test/cart",
    )
    return {"payments": Payments(stripe=chosen, callback=Callback(secret=SECRET)), "plan": "points"}


@pytest.fixture
async def shop(service: Service, clock: Any) -> Shop:
    unit = {"name": "point", "symbol": "P", "decimals": 0}
    allowance = [{"amount": 1_000, "every": "month"}]
    await service.house.write_plan({"name": "pro", "unit": unit, "allowance": allowance})
    shop = Shop(service, clock)
    await shop.stock(large=LARGE, pro=PRO)
    return shop


@pytest.fixture
def tell(service: Service, fake: FakeStripe, clock: Any) -> Any:
    """Return what sends an event as Stripe does, and returns the verdict and its reason."""

    async def send(kind: str, one: dict[str, Any], event: str = "") -> tuple[str, str]:
        sent = fake.signed(fake.event(kind, one, event), clock().timestamp())
        heard = await service.ok("POST", WEBHOOK, **sent)
        return heard["verdict"], heard["reason"]

    return send


async def test_a_checkout_is_paid_and_brings_its_credit(shop: Shop, fake: FakeStripe, tell: Any):
    headers = {"idempotency-key": "click-1"}
    body = {"package": "large", "currency": "USD", "provider": "stripe"}
    bought = [
        await shop.service.ok("POST", "/api/v1/accounts/me/orders", who="alice", json=body, headers=headers)
        for _ in range(2)
    ]
    order = bought[0]["order"]["id"]
    assert [one["order"]["id"] for one in bought] == [order, order]
    assert bought[0]["checkout"]["url"] == "https://pay.test/c"
    [place, form, sent], again = fake.asked
    assert place == "POST /v1/checkout/sessions"
    assert sent["idempotency-key"] == again[2]["idempotency-key"] == f"order-{order}"
    assert form["line_items[0][price_data][unit_amount]"] == "799"
    assert form["line_items[0][price_data][currency]"] == "usd"
    assert form["payment_intent_data[metadata][order]"] == form["client_reference_id"] == order
    assert form["success_url"] == f"https://shop.test/paid/{order}"
    assert form["cancel_url"] == "https://shop.test/cart"
    assert await tell("checkout.session.completed", session(order)) == ("accepted", "")
    assert await shop.credit("alice") == FREE + 50_000
    assert await tell("checkout.session.completed", session(order)) == ("duplicate", "order_completed")
    assert await tell("charge.refunded", charge(order, 799)) == ("accepted", "")
    assert await shop.credit("alice") == FREE
    await shop.sound()


async def test_a_payment_that_comes_later_or_never(shop: Shop, tell: Any):
    order = await shop.order("alice", "stripe", currency="USD")
    waiting = session(order, payment_status="unpaid")
    assert await tell("checkout.session.completed", waiting) == ("ignored", "not_ours")
    assert await shop.credit("alice") == FREE
    assert await tell("checkout.session.async_payment_succeeded", session(order)) == ("accepted", "")
    assert await tell("checkout.session.async_payment_failed", waiting) == ("ignored", "order_completed")
    assert await shop.credit("alice") == FREE + 50_000
    other = await shop.order("alice", "stripe", currency="USD")
    assert await tell("checkout.session.expired", session(other, payment_status="unpaid")) == ("accepted", "")
    assert (await shop.service.house.find_order(other)).state == "failed"
    assert await tell("checkout.session.async_payment_succeeded", session(other)) == ("accepted", "")
    assert await shop.credit("alice") == FREE + 2 * 50_000
    assert await tell("payment_intent.created", {"id": "pi_1"}) == ("ignored", "not_ours")
    await shop.sound()


async def test_a_refund_that_comes_first_gives_nothing_ever(shop: Shop, tell: Any):
    order = await shop.order("alice", "stripe", currency="USD")
    first = charge(order, 799) | {"metadata": {"order": order}}
    assert await tell("charge.refunded", first) == ("accepted", "refunded_before_completion")
    assert await tell("checkout.session.completed", session(order)) == ("refused", "payment_order_failed")
    assert await shop.credit("alice") == FREE


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"amount_total": 1}, "payment_amount_differs"),
        ({"currency": "eur"}, "payment_currency_differs"),
        ({"client_reference_id": "0" * 32}, "payment_order_unknown"),
    ],
)
async def test_what_does_not_fit_is_answered_and_refused(
    shop: Shop, tell: Any, wrong: dict[str, Any], reason: str
):
    order = await shop.order("alice", "stripe", currency="USD")
    assert await tell("checkout.session.completed", session(order, **wrong)) == ("refused", reason)
    assert await shop.credit("alice") == FREE
    assert await shop.events() == [("refused", reason)]


async def test_a_forged_event_is_turned_away(shop: Shop, fake: FakeStripe, clock: Any):
    order = await shop.order("alice", "stripe", currency="USD")
    body, now = fake.event("checkout.session.completed", session(order)), clock().timestamp()
    good = fake.signed(body, now)
    for bad in (
        {"content": body},
        {**good, "content": body.replace(b"799", b"798")},
        fake.signed(body, now, "whsec_" + "another0secret1of2somebody3else4"),
        fake.signed(body, now, SECRET),
        {"content": body, "headers": {"stripe-signature": "t=x,v1=,,"}},
        {**good, "content": b"\xff"},
        fake.signed(body, now - 301),
        fake.signed(body, now + 301),
    ):
        await shop.service.no(401, "POST", WEBHOOK, **bad)
    await shop.service.no(400, "POST", WEBHOOK, **fake.signed(b'{"id": "evt", "type": "x"}', now))
    by_shop = shop.signed(shop.paid(order, amount=799, currency="USD"))
    await shop.service.no(400, "POST", "/api/v1/payments/callback", **by_shop)
    assert await shop.credit("alice") == FREE
    reasons = [reason for _, reason in await shop.events()]
    assert reasons.count("signature_stale") == 2
    assert reasons.count("signature_wrong") == 5
    assert len(reasons) == 10


async def test_stripe_away_costs_nothing(shop: Shop, fake: FakeStripe):
    fake.says = Says.whole({"error": {"type": "api_error", "message": "secret sk_live"}}, status=500)
    body = {"package": "large", "currency": "USD", "provider": "stripe"}
    no = await shop.service.no(502, "POST", "/api/v1/accounts/me/orders", who="alice", json=body)
    assert "sk_live" not in str(no)
    declined = {"error": {"type": "invalid_request_error", "message": "No such currency", "code": "x"}}
    fake.says = Says.whole(declined, status=400)
    no = await shop.service.no(400, "POST", "/api/v1/accounts/me/orders", who="alice", json=body)
    assert "No such currency" in no["detail"]


def invoice(subscription: str, number: int, order: str, reason: str, **other: Any) -> dict[str, Any]:
    details = {"subscription": subscription, "metadata": {"order": order}}
    return {
        "id": f"in_{number}",
        "amount_paid": 2000,
        "currency": "usd",
        "billing_reason": reason,
        "parent": {"type": "subscription_details", "subscription_details": details},
    } | other


async def test_a_subscription_carries_its_plan_from_its_first_payment_to_its_end(
    shop: Shop, fake: FakeStripe, tell: Any, clock: Any
):
    house = shop.service.house
    order = await shop.order("alice", "stripe", package="pro", currency="USD")
    assert fake.asked[0][1]["mode"] == "subscription"
    assert fake.asked[0][1]["line_items[0][price_data][recurring][interval]"] == "month"
    assert (await house.describe("alice")).plan == "points"
    first = session(order, amount_total=2000, payment_intent=None, subscription="sub_1", invoice="in_1")
    # The invoice overtakes the session: both are the same order's.
    assert await tell("invoice.paid", invoice("sub_1", 1, order, "subscription_create")) == ("accepted", "")
    assert await tell("checkout.session.completed", first) == ("duplicate", "order_completed")
    assert (await house.describe("alice")).plan == "pro"
    assert await shop.credit("alice") == FREE + 10_000 + 1_000
    for number in (2, 3):
        clock.move(days=31)
        cycle = invoice("sub_1", number, order, "subscription_cycle")
        assert await tell("invoice.paid", cycle) == ("accepted", "")
        assert await tell("invoice.paid", cycle) == ("duplicate", "order_completed")
    seen = await shop.service.ok("GET", "/api/v1/accounts/me/subscription", who="alice")
    assert (seen["state"], seen["provider_ref"], seen["end_at"][:10]) == ("active", "sub_1", "2027-02-21")
    paid = await house.orders("alice")
    assert [one.state for one in paid] == ["completed"] * 3
    wrong = invoice("sub_1", 4, order, "subscription_cycle", amount_paid=1)
    assert await tell("invoice.paid", wrong) == ("refused", "payment_amount_differs")
    assert await tell("invoice.payment_failed", invoice("sub_1", 5, order, "subscription_cycle")) == (
        "accepted",
        "",
    )
    assert (await house.subscription("alice")).state == "past_due"
    over = {"id": "sub_1", "metadata": {"order": order}}
    assert await tell("customer.subscription.deleted", over) == ("accepted", "")
    assert (await house.subscription("alice")).state == "ended"
    assert (await house.describe("alice")).plan == "points"
    assert await tell("customer.subscription.deleted", over) == ("ignored", "subscription_ended")
    late = invoice("sub_1", 6, order, "subscription_cycle")
    assert await tell("invoice.paid", late) == ("refused", "payment_order_unknown")
    await shop.sound()


async def test_who_ends_a_subscription_tells_stripe_first(shop: Shop, fake: FakeStripe, tell: Any):
    order = await shop.order("alice", "stripe", package="pro", currency="USD")
    first = session(order, amount_total=2000, payment_intent=None, subscription="sub_1")
    await tell("checkout.session.completed", first)
    path = "/api/v1/accounts/me/subscription"
    fake.says = Says.whole({"id": "sub_1", "object": "subscription"})
    ended = await shop.service.ok("DELETE", path, who="alice")
    assert (ended["state"], ended["ends_then"]) == ("active", True)
    assert fake.asked[-1][0] == "POST /v1/subscriptions/sub_1"
    ended = await shop.service.ok("DELETE", path, who="alice", params={"at_once": True})
    assert (ended["state"], ended["reason"]) == ("ended", "cancelled")
    assert fake.asked[-1][0] == "DELETE /v1/subscriptions/sub_1"
    assert (await shop.service.house.describe("alice")).plan == "points"


@pytest.mark.row("E9")
async def test_an_operators_refund_gives_the_money_back_over_stripe(shop: Shop, fake: FakeStripe, tell: Any):
    service = shop.service
    order = await shop.order("alice", "stripe", currency="USD")
    assert (await tell("checkout.session.completed", session(order)))[0] == "accepted"
    path = f"/api/v1/orders/{order}/refund"
    seen = await service.ok("GET", path, who="auditor")
    assert (seen["over"], seen["money"]["minor"], seen["taken_back"]["unspent"]["value"]) == (
        "stripe",
        799,
        "50000",
    )
    part = {"reason": "a part", "refunded_minor": 300}
    assert (await service.ok("POST", path, who="operator", json=part))["money"] == "given_back"
    told = await service.ok("POST", path, who="operator", json={"reason": "returned"})
    assert (told["money"], told["order"]["state"], told["taken_back"]["debt"]["value"]) == (
        "given_back",
        "refunded",
        "0",
    )
    asked = [one for one in fake.asked if one[0] == "POST /v1/refunds"]
    assert [(form["payment_intent"], form["amount"], sent["idempotency-key"]) for _, form, sent in asked] == [
        (f"pi_{order[-8:]}", "300", f"refund-{order}-1"),
        (f"pi_{order[-8:]}", "499", f"refund-{order}-2"),
    ]
    assert await tell("charge.refunded", charge(order, 799)) == ("duplicate", "refund_known")
    again = await service.ok("POST", path, who="operator", json={"reason": "returned"})
    assert again["order"]["state"] == "refunded"
    assert len([one for one in fake.asked if one[0] == "POST /v1/refunds"]) == 2
    log = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "order.refund"})
    assert [(line["reason"], line["after"]["refunded_minor"]) for line in log["items"]] == [
        ("returned", 799),
        ("a part", 300),
    ]
    await shop.sound()


async def test_a_refund_that_was_made_by_other_means_asks_nobody(shop: Shop, fake: FakeStripe, tell: Any):
    order = await shop.order("alice", "stripe", currency="USD")
    await tell("checkout.session.completed", session(order))
    asked = len(fake.asked)
    body = {"reason": "by bank", "give_back": False}
    told = await shop.service.ok("POST", f"/api/v1/orders/{order}/refund", who="operator", json=body)
    assert (told["money"], told["order"]["state"], len(fake.asked)) == ("elsewhere", "refunded", asked)
