"""Toss Payments: confirmed server to server for the order's own price; its webhooks are never believed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tests.edges.api.fake_toss import FakeToss, confirming, webhook
from tests.edges.api.paying import TOSS_KEY, Shop
from tests.edges.gateway.provider import Provider, Says
from tokenhouse.settings import Payments, Toss

pytestmark = pytest.mark.row("E9", "C2", "D10")

FREE = 100_000
WEBHOOK = "/api/v1/payments/toss"


@pytest.fixture
async def fake() -> AsyncIterator[FakeToss]:
    fake = FakeToss()
    async with Provider(fake) as server:
        fake.port = server.port
        yield fake


@pytest.fixture
def settings(fake: FakeToss) -> dict[str, Any]:
    toss = Toss(key=TOSS_KEY, client_key="test_ck_1", url=f"http://127.0.0.1:{fake.port}")
    return {"payments": Payments(toss=toss), "plan": "points"}


@pytest.fixture
async def shop(service: Service, clock: Any) -> Shop:
    shop = Shop(service, clock)
    await shop.stock()
    return shop


async def test_a_confirmed_payment_brings_its_credit_once(shop: Shop, service: Service, fake: FakeToss):
    bought = await shop.buy("alice", "toss")
    assert bought["checkout"]["client_key"] == "test_ck_1"
    order, key = bought["order"]["id"], fake.agreed(bought["order"]["id"])
    answers = await asyncio.gather(*(service.ok(**confirming(order, key)) for _ in range(3)))
    assert {one["state"] for one in answers} == {"completed"}
    assert (await service.ok(**confirming(order, key)))["method"] == "카드"
    assert await shop.credit("alice") == FREE + 50_000
    heard = await service.ok("POST", WEBHOOK, json=webhook(paymentKey=key, orderId=order, status="DONE"))
    assert heard["verdict"] == "duplicate"
    assert await shop.credit("alice") == FREE + 50_000
    await shop.sound()


async def test_a_page_that_showed_another_price_is_refused_before_toss_is_asked(
    shop: Shop, service: Service, fake: FakeToss
):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order, amount=100)
    await service.no(400, **confirming(order, key, amount=100))
    assert fake.asked == []
    no = await service.no(400, **confirming(order, key))
    assert "INVALID_REQUEST" in no["detail"]
    assert await shop.credit("alice") == FREE
    assert await shop.events() == [("refused", "payment_amount_differs"), ("refused", "payment_refused")]


async def test_a_payment_of_another_order_is_refused(shop: Shop, service: Service, fake: FakeToss):
    order, other = await shop.order("alice", "toss"), await shop.order("alice", "toss")
    key = fake.agreed(other)
    fake.payments[key]["status"] = "DONE"
    fake.says = Says.whole(fake.payments[key])
    await service.no(400, **confirming(order, key))
    by_hand = await shop.order("alice", "manual")
    await service.no(400, **confirming(by_hand, key))
    await service.no(404, **confirming("0" * 32, key))
    await service.no(400, **confirming(order, "../../v1/keys"))
    bob = confirming(order, key) | {"who": "bob"}
    await service.no(404, **bob)
    assert await shop.credit("alice") == FREE


async def test_a_webhook_is_a_hint_and_toss_is_asked(shop: Shop, service: Service, fake: FakeToss):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order)
    lie = webhook(paymentKey=key, orderId=order, status="DONE", totalAmount=9900)
    assert (await service.ok("POST", WEBHOOK, json=lie))["verdict"] == "ignored"
    assert await shop.credit("alice") == FREE
    await service.no(400, "POST", WEBHOOK, json=webhook(paymentKey="made_up_key"))
    await service.no(400, "POST", WEBHOOK, json=webhook(paymentKey="../../../v1/keys"))
    await service.no(400, "POST", WEBHOOK, content=b"nonsense")
    fake.payments[key]["status"] = "DONE"
    heard = await service.ok("POST", WEBHOOK, json={"status": "DONE", "orderId": order, "secret": "s"})
    assert (heard["verdict"], heard["order"]["state"]) == ("accepted", "completed")
    assert [reason for _, reason in await shop.events()] == [
        "",
        "not_ours",
        "payment_refused",
        "payment_shape",
        "payment_shape",
    ]
    on_record = json.dumps(await service.ok("GET", "/api/v1/payment-events", who="auditor"))
    assert "5327" not in on_record
    await shop.sound()


@pytest.mark.parametrize(
    ("status", "balance", "state", "gained"),
    [
        ("PARTIAL_CANCELED", 4950, "completed", 25_000),
        ("CANCELED", 0, "failed", 0),
        ("EXPIRED", 9900, "failed", 0),
        ("ABORTED", 9900, "failed", 0),
        ("WAITING_FOR_DEPOSIT", 9900, "pending", 0),
    ],
)
async def test_the_state_of_a_payment_alone_tells_all(
    shop: Shop, service: Service, fake: FakeToss, status: str, balance: int, state: str, gained: int
):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order)
    fake.payments[key] |= {"status": status, "balanceAmount": balance}
    for _ in range(2):
        await service.ok("POST", WEBHOOK, json=webhook(paymentKey=key))
    assert (await service.house.find_order(order)).state == state
    assert await shop.credit("alice") == FREE + gained
    await shop.sound()


@pytest.mark.parametrize(("field", "value"), [("totalAmount", 1), ("currency", "USD")])
async def test_a_payment_that_does_not_fit_its_order_is_refused(
    shop: Shop, service: Service, fake: FakeToss, field: str, value: Any
):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order)
    fake.payments[key] |= {"status": "DONE", field: value}
    heard = await service.ok("POST", WEBHOOK, json=webhook(paymentKey=key))
    assert heard["verdict"] == "refused"
    assert await shop.credit("alice") == FREE


@pytest.mark.parametrize("says", [Says.whole({}, status=500), Says.whole([]), Says(["cut"])])
async def test_toss_away_costs_nothing_and_can_be_tried_again(
    shop: Shop, service: Service, fake: FakeToss, says: Says
):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order)
    fake.says = says
    await service.no(502, **confirming(order, key))
    await service.no(502, "POST", WEBHOOK, json=webhook(paymentKey=key))
    assert (await service.house.find_order(order)).state == "pending"
    fake.says = None
    assert (await service.ok(**confirming(order, key)))["state"] == "completed"


async def test_toss_sells_for_won_alone(shop: Shop, service: Service):
    body = {"package": "large", "currency": "USD", "provider": "toss"}
    no = await service.no(400, "POST", "/api/v1/accounts/me/orders", who="alice", json=body)
    assert no["field"] == "provider"


@pytest.mark.row("E9")
async def test_an_operators_refund_gives_the_money_back_over_toss(
    shop: Shop, service: Service, fake: FakeToss
):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order)
    await service.ok(**confirming(order, key))
    path = f"/api/v1/orders/{order}/refund"
    part = {"refunded_minor": 3_300, "reason": "too much"}
    before = await shop.credit("alice")
    assert (await service.ok("GET", path, who="auditor", params={"refunded_minor": 3_300}))["over"] == "toss"
    told = await service.ok("POST", path, who="operator", json=part)
    assert (told["money"], told["order"]["state"]) == ("given_back", "completed")
    assert fake.payments[key]["balanceAmount"] == 6_600
    [asked] = [one for one in fake.asked if one.path.endswith("/cancel")]
    assert asked.document == {"cancelReason": f"too much [{order}-1]", "cancelAmount": 3_300}
    assert asked.headers["idempotency-key"] == f"refund-{order}-1"
    told = await service.ok("POST", path, who="operator", json={"reason": "all of it"})
    assert (told["order"]["state"], fake.payments[key]["status"]) == ("refunded", "CANCELED")
    heard = await service.ok("POST", "/api/v1/payments/toss", json=webhook(paymentKey=key))
    assert heard["verdict"] == "duplicate"
    assert await shop.credit("alice") == before - 50_000
    await shop.sound()


@pytest.mark.parametrize(
    ("code", "status", "answer"),
    [
        ("REJECT_CARD_COMPANY", 403, 400),
        ("FORBIDDEN_REQUEST", 403, 502),
        ("UNAUTHORIZED_KEY", 401, 502),
        ("IDEMPOTENT_REQUEST_PROCESSING", 409, 502),
    ],
)
async def test_a_no_is_told_apart_from_an_answer_that_says_nothing_of_the_payment(
    shop: Shop, service: Service, fake: FakeToss, code: str, status: int, answer: int
):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order)
    fake.says = Says.whole({"code": code, "message": "거절되었습니다"}, status=status)
    assert ("거절" in (await service.no(answer, **confirming(order, key)))["detail"]) == (answer == 400)


async def test_money_that_toss_gave_back_already_is_no_trouble(shop: Shop, service: Service, fake: FakeToss):
    order = await shop.order("alice", "toss")
    key = fake.agreed(order)
    await service.ok(**confirming(order, key))
    fake.cancel(key, 9_900)
    path = f"/api/v1/orders/{order}/refund"
    told = await service.ok("POST", path, who="operator", json={"reason": "done there"})
    assert (told["money"], told["order"]["state"]) == ("given_back", "refunded")
    await shop.sound()


class TestACancelThatEndsLater:
    """`CANCEL_STATUS_CHANGED` holds a cancel as a payment lists it: neither the payment nor its order."""

    @pytest.fixture
    async def sold(self, shop: Shop, service: Service, fake: FakeToss) -> str:
        order = await shop.order("alice", "toss")
        await service.ok(**confirming(order, fake.agreed(order)))
        fake.later = True
        return order

    async def heard(self, service: Service, said: dict[str, Any]) -> tuple[str, str]:
        heard = await service.ok("POST", WEBHOOK, json=said)
        return heard["verdict"], heard["order"]["state"]

    @pytest.mark.parametrize("ours", [True, False])
    @pytest.mark.parametrize(
        ("ended", "verdict", "state", "gained"),
        [("DONE", "duplicate", "refunded", 0), ("ABORTED", "accepted", "completed", 50_000)],
    )
    async def test_its_end_counts_once_whoever_asked_for_it(
        self, sold: str, shop: Shop, service: Service, fake: FakeToss, ours: bool, ended: str, verdict: str,
        state: str, gained: int,
    ):  # fmt: skip
        if ours:
            path = f"/api/v1/orders/{sold}/refund"
            told = await service.ok("POST", path, who="operator", json={"reason": "not wanted"})
            assert told["order"]["state"] == "refunded"
        else:
            fake.cancel("pay_key_1", 9_900)
            assert await self.heard(service, webhook(paymentKey="pay_key_1")) == ("accepted", "refunded")
        assert await shop.credit("alice") == FREE
        said = fake.cancel_ended("pay_key_1", ended)
        assert not {"paymentKey", "orderId"} & said["data"].keys()
        assert await self.heard(service, said) == (verdict, state)
        again = await asyncio.gather(*(self.heard(service, said) for _ in range(3)))
        assert set(again) == {("duplicate", state)}
        assert await shop.credit("alice") == FREE + gained
        await shop.sound()

    async def test_one_of_ours_is_known_by_its_reason_before_anybody_told_of_it(
        self, sold: str, shop: Shop, service: Service, fake: FakeToss
    ):
        fake.cancel("pay_key_1", 3_300, reason=f"too much [{sold}-1]")
        assert await self.heard(service, fake.cancel_ended("pay_key_1", "DONE")) == ("accepted", "completed")
        assert (await service.house.find_order(sold)).refunded_minor == 3_300
        await shop.sound()

    @pytest.mark.usefixtures("sold")
    async def test_what_it_claims_is_not_believed(self, shop: Shop, service: Service, fake: FakeToss):
        fake.cancel("pay_key_1", 9_900)
        lie = webhook("CANCEL_STATUS_CHANGED", **fake.payments["pay_key_1"]["cancels"][0])
        lie["data"]["cancelStatus"] = "ABORTED"
        fake.payments["pay_key_1"]["cancels"][0]["cancelStatus"] = "IN_PROGRESS"
        missing = await service.no(404, "POST", WEBHOOK, json=lie)
        assert "pay_key_1-0" in missing["detail"]
        await service.ok("POST", WEBHOOK, json=webhook(paymentKey="pay_key_1"))
        waits = await service.call("POST", WEBHOOK, json=lie)
        assert (waits.status_code, waits.headers["retry-after"]) == (503, "60"), "Toss knows no end of it yet"
        assert await shop.credit("alice") == FREE
        fake.payments["pay_key_1"]["cancels"][0]["cancelStatus"] = "DONE"
        assert await self.heard(service, lie) == ("duplicate", "refunded")
        assert await shop.credit("alice") == FREE
        for wrong in ({"transactionKey": "../../v1/keys"}, {"transactionKey": 5}, {"cancelReason": "x"}):
            await service.no(400, "POST", WEBHOOK, json=webhook("CANCEL_STATUS_CHANGED", **wrong))
        assert ("refused", "payment_order_unknown") in await shop.events()
        await shop.sound()
