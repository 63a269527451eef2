"""Buying as people do it: choosing, ordering, paying over each way, receipts, coupons and subscriptions."""

import re
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.browser.site import Person, Site
from tests.edges.api.paying import LARGE, SECRET, TOSS_KEY, Shop
from tests.edges.api.test_toss import FakeToss
from tests.edges.gateway.provider import Provider
from tokenhouse.settings import Callback, Payments, Toss

pytestmark = pytest.mark.row("E10", "B8", "E9")

LATER_MS = 6_000
"""Longer than what people watch may be old (LIVE_MS of the pages)."""
SELLER = "Tokens & Sons, Seoul, 123-45-67890"
PRO = {
    "title": {"en": "Pro", "ko": "프로"},
    "plan": "pro",
    "prices": {"KRW": 19_900, "USD": 1_500},
    "every": "month",
}
TOSS_WINDOW = """
window.TossPayments = (key) => ({ payment: () => ({ requestPayment: async (asked) => {
  const back = new URL(asked.successUrl);
  const agreed = { paymentKey: 'pay_key_1', orderId: asked.orderId, amount: asked.amount.value };
  back.search = new URLSearchParams(agreed);
  if (key === 'test_ck_1') location.assign(back);
} }) });
"""


@pytest_asyncio.fixture(loop_scope="session")
async def fake() -> Any:
    """Toss Payments, as its API tells of payments."""
    fake = FakeToss()
    async with Provider(fake) as server:
        fake.port = server.port
        yield fake


@pytest.fixture
def settings(fake: FakeToss) -> dict[str, Any]:
    callback = Callback(secret=SECRET, checkout_url="https://shop.test/pay?order={order}")
    toss = Toss(key=TOSS_KEY, client_key="test_ck_1", url=f"http://127.0.0.1:{fake.port}")
    return {"payments": Payments(callback=callback, toss=toss, seller=SELLER)}


async def stocked(site: Site, **packages: Any) -> Shop:
    """Put something on sale, and return the shop."""
    shop = Shop(site.service, site.clock)
    await shop.stock(**(packages or {"large": LARGE | {"bonus": "0.10"}}))
    return shop


async def watched(site: Site, person: Person, path: str, **look: Any) -> Page:
    """Open a page whose time the test can move."""
    page = await site.page(person, **look, path=None)
    await page.clock.install()
    await site.go(page, path)
    return page


async def elsewhere(page: Page, address: str) -> None:
    """Let a page of somebody else's stand in for what is not reached from here."""

    async def stand_in(route: Route) -> None:
        await route.fulfill(content_type="text/html", body="<title>Pay</title><h1>Pay here</h1>")

    await page.route(address, stand_in)


async def order(page: Page, look: Any, *, over: str = "", **typed: str) -> str:
    """Order the large package, typing into fields by the keys of their words; return the order's id."""
    said = look.said
    await page.get_by_role("button", name=said("buy.chooseName", name=LARGE["title"][look.language])).click()
    window = page.get_by_role("dialog")
    for label, text in typed.items():
        await window.get_by_label(said(f"buy.{label}")).fill(text)
    if over:
        await window.get_by_label(said(f"buy.way.{over}")).check()
    await window.get_by_role("button", name=said("buy.order")).click()
    await expect(page).to_have_url(re.compile(r"/app/buy/[0-9a-f]+"))
    return page.url.rpartition("/")[2]


async def test_a_purchase_through_the_signed_callback(site: Site, look: Any):
    shop = await stocked(site)
    page = await watched(site, await site.person(), "/buy", **look._asdict())
    korean = look.language == "ko"
    name = "라지" if korean else "Large"
    offer = page.get_by_role("listitem").filter(has_text=name)
    await expect(offer).to_contain_text("₩9,900" if korean else "$7.99")
    await expect(offer).to_contain_text("50,000")
    await expect(offer).to_contain_text("5,000")
    await page.get_by_role("button", name="KRW").click()
    await expect(offer).to_contain_text("₩9,900")
    await site.looks(page, "buy")
    await page.get_by_role("button", name=f"{name} 구매" if korean else f"Buy {name}").click()
    await site.looks(page, "buy-order")
    await page.get_by_role("dialog").get_by_role("button", name="취소" if korean else "Cancel").click()
    bought = await order(page, look)
    await expect(page.get_by_text("₩9,900", exact=True)).to_be_visible()
    await site.looks(page, "order-pending")
    await elsewhere(page, "https://shop.test/**")
    await page.get_by_role("button", name="결제하기" if korean else "Pay now").click()
    await expect(page).to_have_url(f"https://shop.test/pay?order={bought}")
    await site.go(page, f"/buy/{bought}")
    assert await shop.credit("alice") == 100_000
    heard = await shop.says(shop.paid(bought))
    assert heard["verdict"] == "accepted"
    await page.clock.fast_forward(LATER_MS)
    receipt = page.get_by_role("article", name="영수증" if korean else "Receipt")
    await expect(receipt).to_be_visible()
    told = "55,000 토큰 지급되었습니다" if korean else "Paid. 55,000 tokens came"
    await expect(page.get_by_text(told)).to_be_visible()
    path = f"/api/v1/accounts/alice/orders/{bought}/receipt"
    document = await site.service.ok("GET", path, who="alice", params={"language": look.language})
    line = document["lines"][0]["text"]
    for shown in (document["number"], SELLER, document["total"]["shown"], line, f"pay-{bought}"):
        await expect(receipt).to_contain_text(shown)
    await site.looks(page, "receipt")
    await page.emulate_media(media="print")
    await expect(page.get_by_role("banner")).to_be_hidden()
    await expect(receipt.get_by_role("button")).to_be_hidden()
    await page.emulate_media(media="screen")
    await site.go(page, "/")
    await expect(page.locator("[data-level]")).to_contain_text("155,000")
    assert await shop.credit("alice") == 155_000
    await site.go(page, "/buy")
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text("결제 완료" if korean else "paid")
    await shop.sound()


async def test_orders_stand_in_their_four_states(site: Site, look: Any):
    shop = await stocked(site)
    made = [await shop.order("alice") for _ in range(4)]
    await shop.says(shop.paid(made[1]))
    await shop.says(shop.paid(made[2]) | {"type": "payment.failed"})
    await shop.says(shop.paid(made[3]))
    await shop.says(shop.paid(made[3], refunded=9_900) | {"type": "payment.refunded"})
    page = await site.page(await site.person(), **look._asdict(), path="/buy")
    korean = look.language == "ko"
    states = (
        ("결제 대기", "결제 완료", "결제되지 않음", "환불됨")
        if korean
        else ("waiting for payment", "paid", "not paid", "refunded")
    )
    for state in states:
        shown = page.get_by_role("table").get_by_text(state, exact=True).filter(visible=True)
        await expect(shown).to_have_count(1)
    await site.looks(page, "orders")
    await site.go(page, f"/buy/{made[2]}")
    await expect(
        page.get_by_text("결제되지 않은 주문" if korean else "was not paid, and nothing came")
    ).to_be_visible()
    await site.looks(page, "order-failed")
    await site.go(page, f"/buy/{made[3]}")
    await expect(page.get_by_role("article")).to_contain_text("₩9,900")
    await expect(page.get_by_text("₩9,900 환불" if korean else "Refunded: ₩9,900")).to_be_visible()
    await site.looks(page, "receipt-refunded")


async def test_a_payment_in_the_window_of_toss_is_confirmed_on_the_way_back(
    site: Site, fake: FakeToss, look: Any
):
    shop = await stocked(site)
    page = await site.page(await site.person(), **look._asdict(), path="/buy")

    async def window(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body=TOSS_WINDOW)

    await page.route("https://js.tosspayments.com/**", window)
    await page.get_by_role("button", name="KRW").click()
    bought = await order(page, look, over="toss")
    fake.agreed(bought)
    await page.get_by_role("button", name=look.said("order.pay")).click()
    await expect(page.get_by_role("article")).to_be_visible()
    await expect(page).to_have_url(f"{site.url}/app/buy/{bought}")
    assert await shop.credit("alice") == 155_000
    await shop.sound()


async def test_who_closes_the_window_of_toss_is_told_that_nothing_was_paid(site: Site, look: Any):
    shop = await stocked(site)
    bought = await shop.order("alice", "toss")
    back = f"/buy/{bought}?came=back&code=PAY_PROCESS_CANCELED"
    page = await site.page(await site.person(), **look._asdict(), path=back)
    await expect(page.get_by_text(look.said("order.came.back"))).to_be_visible()
    await expect(page.get_by_role("button", name=look.said("order.pay"))).to_be_enabled()


async def test_a_shop_without_a_page_of_its_own_offers_no_way_to_one(site: Site):
    shop = await stocked(site)
    bought = await shop.order("alice", "manual")
    page = await site.page(await site.person(), path=f"/buy/{bought}")
    await expect(page.get_by_text("They confirm it by hand.")).to_be_visible()
    await expect(page.get_by_role("button", name="Pay now")).to_have_count(0)


async def test_an_order_by_arrangement_is_completed_by_an_operator(site: Site, look: Any):
    shop = await stocked(site)
    page = await watched(site, await site.person(), "/buy", **look._asdict())
    bought = await order(page, look, over="manual")
    await expect(page.get_by_text(look.said("order.how.manual"))).to_be_visible()
    done = {"reason": "bank transfer"}
    await site.service.ok("POST", f"/api/v1/orders/{bought}/complete", who="operator", json=done)
    await page.clock.fast_forward(LATER_MS)
    await expect(page.get_by_role("article")).to_be_visible()
    assert await shop.credit("alice") == 155_000


async def test_several_with_a_discount_cost_what_the_order_says(site: Site, look: Any):
    await stocked(site)
    coupon = {"code": "SPRING-26", "discount": "0.20"}
    await site.service.ok("POST", "/api/v1/coupons", who="operator", json=coupon)
    page = await site.page(await site.person(), **look._asdict(), path="/buy")
    await page.get_by_role("button", name="KRW").click()
    bought = await order(page, look, quantity="3", coupon="spring-26")
    one = await site.service.ok("GET", f"/api/v1/accounts/alice/orders/{bought}", who="alice")
    assert (one["price"]["minor"], one["discount"]["minor"]) == (23_760, 5_940)
    await expect(page.get_by_text(one["price"]["shown"])).to_be_visible()
    await expect(page.get_by_text(one["discount"]["shown"])).to_be_visible()
    three = look.said("ordered.times", name=LARGE["title"][look.language], count=3)
    await expect(page.get_by_role("heading", level=1)).to_have_text(look.said("order.of", what=three))


async def test_what_cannot_be_bought_says_why_in_its_window(site: Site, look: Any):
    await stocked(site)
    said = look.said
    site.expect("status of 40[04]")
    page = await site.page(await site.person(), **look._asdict(), path="/buy")
    await page.get_by_role("button", name=said("buy.chooseName", name=LARGE["title"][look.language])).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("buy.coupon")).fill("NO-SUCH-CODE")
    await window.get_by_role("button", name=said("buy.order")).click()
    await expect(window.get_by_role("alert")).to_be_visible()
    await window.get_by_label(said("buy.coupon")).fill("")
    await window.get_by_role("button", name=said("buy.order")).click()
    await expect(page).to_have_url(re.compile(r"/app/buy/[0-9a-f]+"))
    assert len((await site.service.ok("GET", "/api/v1/accounts/alice/orders", who="alice"))["items"]) == 1


async def test_a_coupon_is_redeemed_once(site: Site, look: Any):
    said = look.said
    await site.service.ok(
        "POST", "/api/v1/coupons", who="operator", json={"code": "WELCOME-26", "credit": "500"}
    )
    page = await site.page(await site.person(), **look._asdict(), path="/buy")
    site.expect("status of 400")
    code = page.get_by_label(said("coupon.code"), exact=True)
    await code.fill("welcome-26")
    await page.get_by_role("button", name=said("coupon.send")).click()
    came = said("coupon.done", amount=f"500 {said('unit.token')}")
    await expect(page.get_by_text(came).first).to_be_visible()
    await expect(code).to_have_value("")
    assert (await site.house.balance("alice")).available == 100_500
    row = page.get_by_role("row").filter(has_text=said("ordered.type.bonus"))
    await expect(row).to_contain_text(said("ordered.states.completed"))
    await code.fill("WELCOME-26")
    await page.get_by_role("button", name=said("coupon.send")).click()
    await expect(page.get_by_role("main").get_by_role("alert")).to_be_visible()
    assert (await site.house.balance("alice")).available == 100_500


async def test_a_subscription_is_shown_and_ended(site: Site, look: Any):
    unit = {"name": "token", "symbol": "", "decimals": 0}
    allowance = [{"amount": 1_000_000, "every": "month"}]
    await site.house.write_plan({"name": "pro", "unit": unit, "allowance": allowance})
    shop = await stocked(site, large=LARGE, pro=PRO)
    bought = await shop.order("alice", package="pro")
    await shop.says(shop.paid(bought, amount=19_900))
    page = await site.page(await site.person(), **look._asdict(), path="/buy")
    korean = look.language == "ko"
    held = page.get_by_role("region", name="내 구독" if korean else "Your subscription", exact=True).last
    await expect(held).to_contain_text("이용 중" if korean else "active")
    await expect(held).to_contain_text("월 ₩19,900" if korean else "₩19,900 a month")
    await expect(held).to_contain_text("2026. 12. 21." if korean else "Dec 21, 2026")
    await site.looks(page, "buy-subscription")
    await held.get_by_role("button", name="구독 종료" if korean else "End it").click()
    await page.get_by_role("dialog").get_by_role("button", name="구독 종료" if korean else "End it").click()
    await expect(held).to_contain_text("이후 종료" if korean else "It ends then")
    assert (await site.house.subscription("alice")).ends_then


@pytest.mark.row("E8")
async def test_a_company_is_told_who_shares_what_it_buys(site: Site, look: Any):
    said = look.said
    await stocked(site)
    company = {"ref": "acme", "kind": "company", "name": "Acme Corp."}
    await site.service.ok("POST", "/api/v1/accounts", who="operator", json=company)
    await site.service.ok("POST", "/api/v1/accounts", who="operator", json={"ref": "kim", "parent": "acme"})
    boss = await site.person("boss@acme.test", account="acme")
    page = await site.page(boss, **look._asdict(), path="/buy")
    shared = said("buy.shared", name="Acme Corp.")
    await expect(page.get_by_text(shared)).to_be_visible()
    large = page.get_by_role("button", name=said("buy.chooseName", name=LARGE["title"][look.language]))
    await large.click()
    await expect(page.get_by_role("dialog").get_by_text(shared)).to_be_visible()
    kim = await site.person("kim@acme.test", account="kim")
    page = await site.page(kim, **look._asdict(), path="/buy")
    await expect(page.get_by_text(said("buy.draws", name="acme"))).to_be_visible()
    large = page.get_by_role("button", name=said("buy.chooseName", name=LARGE["title"][look.language]))
    await expect(large).to_have_count(0)


async def test_nothing_on_sale_and_somebody_elses_order(site: Site, look: Any):
    page = await site.page(await site.person(), **look._asdict(), path="/buy")
    await expect(page.get_by_text(look.said("buy.nothing"))).to_be_visible()
    await expect(page.get_by_text(look.said("ordered.none"))).to_be_visible()
    shop = await stocked(site)
    others = await shop.order("bob")
    site.expect("status of 404")
    await site.go(page, f"/buy/{others}")
    await expect(page.get_by_role("alert")).to_be_visible()
    assert "₩9,900" not in await page.get_by_role("main").inner_text()
