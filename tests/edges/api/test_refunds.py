"""Refunds over Stripe and Toss: money goes back once, and credit with it, whatever the order of events."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any, Protocol

import pytest

from tests.edges.api.conftest import Service
from tests.edges.api.fake_stripe import FakeStripe, charge, session
from tests.edges.api.fake_toss import FakeToss, confirming, webhook
from tests.edges.api.paying import STRIPE_KEY, STRIPE_SECRET, TOSS_KEY, Shop
from tests.edges.gateway.provider import Provider, Says
from tokenhouse.rules.shop import clawed_by
from tokenhouse.settings import Payments, Stripe, Toss

pytestmark = pytest.mark.row("E9", "E2")

FREE, BOUGHT = 100_000, 50_000
RESET = Says(["reset"])


class Till(Protocol):
    """One provider: how a payment is made there, given back on its own pages, and told of."""

    price: int
    part: int
    fake: Any

    async def paid(self) -> str: ...
    def elsewhere(self, order: str, minor: int) -> None: ...
    def given(self, order: str) -> int: ...
    def keys(self, order: str) -> list[str]: ...
    def fails(self, order: str) -> None: ...
    async def told(self, order: str) -> tuple[str, str]: ...


class AtStripe:
    """Stripe's."""

    price, part = 799, 300

    def __init__(self, shop: Shop, fake: FakeStripe) -> None:
        self.shop, self.fake = shop, fake

    async def tell(self, kind: str, one: dict[str, Any]) -> tuple[str, str]:
        sent = self.fake.signed(self.fake.event(kind, one), self.shop.clock().timestamp())
        heard = await self.shop.service.ok("POST", "/api/v1/payments/stripe", **sent)
        return heard["verdict"], heard["reason"]

    async def paid(self) -> str:
        order = await self.shop.order("alice", "stripe", currency="USD")
        assert await self.tell("checkout.session.completed", session(order)) == ("accepted", "")
        return order

    def elsewhere(self, order: str, minor: int) -> None:
        intent = f"pi_{order[-8:]}"
        if (rest := min(minor, self.price - self.fake.given(intent))) > 0:
            self.fake.refund(intent, rest)

    def given(self, order: str) -> int:
        return self.fake.given(f"pi_{order[-8:]}")

    def keys(self, order: str) -> list[str]:
        asked = [sent for place, _, sent in self.fake.asked if place == "POST /v1/refunds"]
        return [one["idempotency-key"] for one in asked if order in one["idempotency-key"]]

    def fails(self, order: str) -> None:
        newest = self.fake.refunds[f"pi_{order[-8:]}"][0]
        newest |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}

    async def told(self, order: str) -> tuple[str, str]:
        made = self.fake.refunds.get(f"pi_{order[-8:]}", [])
        if made and made[0]["status"] == "failed":
            return await self.tell("refund.failed", made[0])
        return await self.tell("charge.refunded", charge(order, self.given(order)))


class AtToss:
    """Toss Payments'."""

    price, part = 9_900, 3_300

    def __init__(self, shop: Shop, fake: FakeToss) -> None:
        self.shop, self.fake = shop, fake

    async def paid(self) -> str:
        order = await self.shop.order("alice", "toss")
        await self.shop.service.ok(**confirming(order, self.fake.agreed(order, f"key_{order}")))
        return order

    def elsewhere(self, order: str, minor: int) -> None:
        if (rest := min(minor, self.price - self.given(order))) > 0:
            self.fake.cancel(f"key_{order}", rest)

    def given(self, order: str) -> int:
        return self.fake.given(f"key_{order}")

    def keys(self, order: str) -> list[str]:
        asked = [one.headers.get("idempotency-key", "") for one in self.fake.asked if "cancel" in one.path]
        return [key for key in asked if order in key]

    def fails(self, order: str) -> None:
        found = self.fake.payments[f"key_{order}"]
        found["cancels"][-1]["cancelStatus"] = "ABORTED"
        found["balanceAmount"] += found["cancels"][-1]["cancelAmount"]
        found["status"] = "PARTIAL_CANCELED" if found["balanceAmount"] < self.price else "DONE"

    async def told(self, order: str) -> tuple[str, str]:
        said = webhook(paymentKey=f"key_{order}")
        heard = await self.shop.service.ok("POST", "/api/v1/payments/toss", json=said)
        return heard["verdict"], heard["reason"]


@pytest.fixture
async def fakes() -> AsyncIterator[tuple[FakeStripe, FakeToss]]:
    stripe, toss = FakeStripe(), FakeToss()
    async with Provider(stripe) as one, Provider(toss) as other:
        stripe.port, toss.port = one.port, other.port
        yield stripe, toss


@pytest.fixture
def settings(fakes: tuple[FakeStripe, FakeToss]) -> dict[str, Any]:
    urls = [f"http://127.0.0.1:{one.port}" for one in fakes]
    stripe = Stripe(key=STRIPE_KEY, secret=STRIPE_SECRET, url=urls[0])
    toss = Toss(key=TOSS_KEY, client_key="test_ck_1", url=urls[1])
    return {"payments": Payments(stripe=stripe, toss=toss), "plan": "points"}


@pytest.fixture
async def shop(service: Service, clock: Any) -> Shop:
    shop = Shop(service, clock)
    await shop.stock()
    return shop


@pytest.fixture(params=["stripe", "toss"])
def till(shop: Shop, fakes: tuple[FakeStripe, FakeToss], request: pytest.FixtureRequest) -> Till:
    return AtStripe(shop, fakes[0]) if request.param == "stripe" else AtToss(shop, fakes[1])


@pytest.fixture
def refund(service: Service) -> Any:
    """Return what refunds an order here, and returns the status and the answer."""

    async def ask(order: str, total: int | None = None, reason: str = "returned") -> tuple[int, Any]:
        body = {"reason": reason} | ({} if total is None else {"refunded_minor": total})
        answer = await service.call("POST", f"/api/v1/orders/{order}/refund", who="operator", json=body)
        return answer.status_code, answer.json()

    return ask


async def actions(service: Service) -> list[str]:
    log = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "order"})
    return [line["action"] for line in log["items"]][::-1]


async def test_a_refusal_can_be_tried_again_at_once_under_another_key(
    shop: Shop, service: Service, till: Till, refund: Any
):
    order = await till.paid()
    no = {"code": "NOT_CANCELABLE_PAYMENT", "message": "오늘은 안 됩니다"}
    no |= {"error": {"type": "invalid_request_error", "message": "Not today"}}
    till.fake.answers = Says.whole(no, status=400)
    for _ in range(2):
        status, problem = await refund(order)
        assert status == 400
        assert "Not today" in problem["detail"] or "오늘은" in problem["detail"]
    assert (till.given(order), await shop.credit("alice")) == (0, FREE + BOUGHT)
    till.fake.answers = None
    status, told = await refund(order)
    assert (status, told["money"], told["order"]["state"]) == (200, "given_back", "refunded")
    assert till.keys(order) == [f"refund-{order}-{nth}" for nth in (1, 2, 3)]
    assert (till.given(order), await shop.credit("alice")) == (till.price, FREE)
    assert await actions(service) == ["order.refund", "order.refund_refused"] * 2 + ["order.refund"]
    await shop.sound()


async def test_a_refund_whose_answer_was_lost_is_not_made_twice(shop: Shop, till: Till, refund: Any):
    order = await till.paid()
    till.fake.cut = RESET
    assert (await refund(order, till.part))[0] == 502
    assert (till.given(order), await shop.credit("alice")) == (till.part, FREE + BOUGHT)
    till.fake.cut = None
    status, told = await refund(order, till.part)
    assert (status, told["money"], told["order"]["refunded"]["minor"]) == (200, "given_back", till.part)
    assert till.given(order) == till.part
    assert set(till.keys(order)) == {f"refund-{order}-1"}
    assert await shop.credit("alice") == FREE + BOUGHT - clawed_by(BOUGHT, till.price, till.part)
    assert (await refund(order))[1]["order"]["state"] == "refunded"
    assert till.given(order) == till.price
    await shop.sound()


async def test_a_refund_of_unknown_outcome_is_repeated_under_its_key_and_given_up_after_a_day(
    shop: Shop, till: Till, refund: Any, clock: Any
):
    order = await till.paid()
    till.fake.answers = Says.whole({"error": {"type": "api_error"}, "code": "UNKNOWN"}, status=500)
    assert (await refund(order, till.part))[0] == 502
    till.fake.answers = None
    assert (await refund(order, till.part))[0] == 502, "it keeps its answer under the key"
    assert set(till.keys(order)) == {f"refund-{order}-1"}
    status, problem = await refund(order, till.part - 1)
    assert (status, problem.get("field")) == (400, "refunded_minor"), problem
    clock.move(hours=25)
    assert (await refund(order, till.part - 1))[0] == 200
    assert (till.given(order), till.keys(order)[-1]) == (till.part - 1, f"refund-{order}-2")
    await shop.sound()


async def test_one_who_asks_for_more_repeats_the_open_part_first(shop: Shop, till: Till, refund: Any):
    order = await till.paid()
    till.fake.cut = RESET
    assert (await refund(order, till.part))[0] == 502
    till.fake.cut = None
    assert (await refund(order))[1]["order"]["state"] == "refunded"
    assert (till.given(order), till.keys(order)[-1]) == (till.price, f"refund-{order}-2")
    await shop.sound()


async def test_two_operators_at_once_give_back_once(shop: Shop, till: Till, refund: Any):
    for _ in range(4):
        order = await till.paid()
        answers = await asyncio.gather(*(refund(order, till.part) for _ in range(3)))
        assert {status for status, _ in answers} <= {200, 502, 503}
        assert (await refund(order, till.part))[0] == 200
        assert till.given(order) == till.part
    await shop.sound()


async def test_what_was_given_back_on_the_providers_own_pages_is_not_given_again(
    shop: Shop, service: Service, till: Till, refund: Any
):
    order = await till.paid()
    till.elsewhere(order, till.part)
    status, told = await refund(order)
    assert (status, told["order"]["state"], till.given(order)) == (200, "refunded", till.price)
    assert await till.told(order) == ("duplicate", "refund_known")
    other = await till.paid()
    till.elsewhere(other, till.part)
    status, told = await refund(other, till.part, "as agreed")
    assert (status, told["order"]["refunded"]["minor"], till.keys(other)) == (200, till.part, [])
    assert await shop.credit("alice") == FREE + BOUGHT - clawed_by(BOUGHT, till.price, till.part)
    assert await actions(service) == ["order.refund"] * 2
    await shop.sound()


@pytest.mark.parametrize("share", ["all", "a part"])
async def test_a_refund_here_and_one_there_end_the_same_in_any_order(
    shop: Shop, till: Till, refund: Any, share: str
):
    credit = FREE
    for events in permutations(("here", "there", "told", "again")):
        order = await till.paid()
        for event in (*events, "told"):
            if event == "there":
                till.elsewhere(order, till.part - 1)
            elif event == "told":
                await till.told(order) if till.given(order) else None
            else:
                status, told = await refund(order, None if share == "all" else till.part)
                passed = share == "a part" and till.given(order) > till.part
                assert status == 200 or (passed and told["field"] == "refunded_minor"), told
        given, after = till.given(order), await shop.service.house.find_order(order)
        assert after.refunded_minor == given, events
        assert given == (till.price if share == "all" else till.part) or events.index("there") > 0
        credit += BOUGHT - clawed_by(BOUGHT, till.price, given)
        assert await shop.credit("alice") == credit, events
    await shop.sound()


async def waiting(service: Service) -> Any:
    """Return the orders that wait for somebody, for their refund came to nothing."""
    found = (await service.ok("GET", "/api/v1/attention", who="auditor"))["items"]
    one = next(one for one in found if one["what"] == "refunds_failed")
    assert one["count"] == len(one["names"])
    return one["names"]


async def test_a_refund_that_came_to_nothing_restores_its_credit_once(
    shop: Shop, service: Service, till: Till, refund: Any
):
    order = await till.paid()
    await service.house.charge("alice", FREE + BOUGHT - 20_000)
    assert (await refund(order, till.part))[0] == 200
    taken = clawed_by(BOUGHT, till.price, till.part)
    assert await shop.credit("alice") == 20_000 - taken
    till.fails(order)
    assert await till.told(order) == ("accepted", "refund_failed")
    assert (await till.told(order))[0] in ("duplicate", "ignored")
    after = await service.house.find_order(order)
    assert (after.state, after.refunded_minor, after.reason) == ("completed", 0, "refund_failed")
    assert await shop.credit("alice") == 20_000
    status, told = await refund(order)
    assert (status, told["order"]["state"]) == (200, "refunded")
    assert (await service.house.balance("alice")).debt == BOUGHT - 20_000
    till.fails(order)
    assert await till.told(order) == ("accepted", "refund_failed")
    assert (await service.house.balance("alice")).available == 20_000
    assert ("accepted", "refund_failed") in await shop.events(order=order)
    assert await waiting(service) == [order]
    assert (await refund(order))[0] == 200
    assert await waiting(service) == [], "its money went back after all"
    await shop.sound()


async def test_a_refund_that_fails_is_undone_in_any_order_of_its_messages(
    shop: Shop, service: Service, fakes: tuple[FakeStripe, FakeToss], refund: Any
):
    till, credit = AtStripe(shop, fakes[0]), FREE
    for events in permutations(
        ("charge.refunded", "refund.created", "refund.failed", "charge.refund.updated")
    ):
        order = await till.paid()
        till.elsewhere(order, till.part)
        made = dict(fakes[0].refunds[f"pi_{order[-8:]}"][0])
        for event in events:
            if event in ("refund.failed", "charge.refund.updated"):
                till.fails(order)
            one = charge(order, till.part) if event == "charge.refunded" else made
            await till.tell(event, one)
        assert (await service.house.find_order(order)).refunded_minor == 0, events
        credit += BOUGHT
        assert await shop.credit("alice") == credit, events
    await refund(order)
    assert await shop.credit("alice") == credit - BOUGHT
    await shop.sound()


async def test_a_refund_that_stripe_refuses_later_is_tried_again(shop: Shop, till: Till, refund: Any):
    if isinstance(till, AtToss):
        return
    order = await till.paid()
    made = {"id": "re_1", "object": "refund", "status": "failed", "amount": 799, "currency": "usd"}
    till.fake.answers = Says.whole(made | {"failure_reason": "lost_or_stolen_card", "metadata": {}})
    status, problem = await refund(order)
    assert (status, "lost_or_stolen_card" in problem["detail"]) == (400, True)
    assert await shop.credit("alice") == FREE + BOUGHT
    till.fake.answers = None
    assert (await refund(order))[0] == 200
    assert (till.given(order), await shop.credit("alice")) == (till.price, FREE)
    await shop.sound()
