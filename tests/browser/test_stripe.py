"""Buying over Stripe: to its page and back, paid or not, as a person does it."""

import re
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.site import Site
from tests.browser.test_buy import LATER_MS, elsewhere, stocked, watched
from tests.edges.api.paying import LARGE, STRIPE_KEY, STRIPE_SECRET
from tests.edges.api.test_stripe import WEBHOOK, FakeStripe, session
from tests.edges.gateway.provider import Provider, Says
from tokenhouse.settings import Payments, Stripe

pytestmark = pytest.mark.row("E10", "B8", "E9")

CHECKOUT = "https://pay.test/c"


@pytest_asyncio.fixture(loop_scope="session")
async def fake() -> Any:
    """Stripe's API, as far as we ask it."""
    fake = FakeStripe()
    async with Provider(fake) as server:
        fake.port = server.port
        yield fake


@pytest.fixture
def settings(fake: FakeStripe) -> dict[str, Any]:
    stripe = Stripe(key=STRIPE_KEY, secret=STRIPE_SECRET, url=f"http://127.0.0.1:{fake.port}")
    return {"payments": Payments(stripe=stripe)}


async def at_checkout(site: Site, fake: FakeStripe, look: Any) -> tuple[Page, dict[str, str]]:
    """Order a package and go to Stripe's page; return the page and what Stripe was told."""
    page = await watched(site, await site.person(), "/buy", **look._asdict())
    await elsewhere(page, f"{CHECKOUT}**")
    said = look.said
    await page.get_by_role("button", name=said("buy.chooseName", name=LARGE["title"][look.language])).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("buy.way.stripe")).check()
    await window.get_by_role("button", name=said("buy.order")).click()
    await expect(page).to_have_url(CHECKOUT)
    _, told, _ = fake.asked[-1]
    return page, told


async def test_who_pays_comes_back_and_sees_it_without_a_reload(site: Site, fake: FakeStripe, look: Any):
    korean = look.language == "ko"
    shop = await stocked(site)
    page, told = await at_checkout(site, fake, look)
    bought = told["client_reference_id"]
    assert told["success_url"] == f"{site.url}/app/buy/{bought}?came=paid"
    await page.goto(told["success_url"])
    thanks = page.get_by_text("결제를 확인하고 있습니다." if korean else "The payment is being confirmed")
    await expect(thanks).to_be_visible()
    # Nobody is asked to pay a second time for what was paid.
    await expect(page.get_by_role("button", name="결제하기" if korean else "Pay now")).to_have_count(0)
    await site.looks(page, "order-confirming")
    assert await shop.credit("alice") == 100_000
    price = await site.house.find_order(bought)
    done = session(bought, amount_total=price.price_minor, currency=price.currency.lower())
    sent = fake.signed(fake.event("checkout.session.completed", done), site.clock().timestamp())
    assert (await site.service.ok("POST", WEBHOOK, **sent))["verdict"] == "accepted"
    await page.clock.fast_forward(LATER_MS)
    await expect(page.get_by_role("article", name="영수증" if korean else "Receipt")).to_be_visible()
    await expect(thanks).to_have_count(0)
    assert await shop.credit("alice") == 155_000
    await page.get_by_role("link", name="주문 내역으로" if korean else "To the orders").click()
    await expect(page.get_by_role("table")).to_contain_text("결제 완료" if korean else "paid")
    await shop.sound()


async def test_who_turns_back_is_told_so_and_may_pay_later(site: Site, fake: FakeStripe, look: Any):
    shop = await stocked(site)
    said = look.said
    page, told = await at_checkout(site, fake, look)
    bought = told["client_reference_id"]
    assert told["cancel_url"] == f"{site.url}/app/buy/{bought}?came=back"
    await page.goto(told["cancel_url"])
    await expect(page.get_by_text(said("order.came.back"))).to_be_visible()
    await site.looks(page, "order-turned-back")
    asked = len(fake.asked)
    await page.get_by_role("button", name=said("order.pay")).click()
    await expect(page).to_have_url(CHECKOUT)
    # The same order is the same checkout at Stripe: nobody pays twice.
    assert [headers["idempotency-key"] for *_, headers in fake.asked[asked - 1 :]] == [f"order-{bought}"] * 2
    # A checkout that was given up for good: Stripe says so, and the order is closed.
    await page.goto(told["cancel_url"])
    price = await site.house.find_order(bought)
    due = {"amount_total": price.price_minor, "currency": price.currency.lower()}
    gone = session(bought, payment_status="unpaid", **due)
    sent = fake.signed(fake.event("checkout.session.expired", gone), site.clock().timestamp())
    assert (await site.service.ok("POST", WEBHOOK, **sent))["verdict"] == "accepted"
    await page.clock.fast_forward(LATER_MS)
    await expect(page.get_by_text(said("order.failed"))).to_be_visible()
    await page.get_by_role("link", name=said("order.again")).click()
    await expect(page).to_have_url(re.compile("/app/buy$"))
    assert await shop.credit("alice") == 100_000


async def test_where_stripe_says_no_the_window_says_why(site: Site, fake: FakeStripe, look: Any):
    await stocked(site)
    said = look.said
    page = await site.page(await site.person(), **look._asdict(), path="/buy")
    site.expect("status of 400")
    no = {"error": {"type": "invalid_request_error", "message": "No such currency", "code": "x"}}
    fake.says = Says.whole(no, status=400)
    await page.get_by_role("button", name=said("buy.chooseName", name=LARGE["title"][look.language])).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("buy.way.stripe")).check()
    await window.get_by_role("button", name=said("buy.order")).click()
    await expect(window.get_by_role("alert")).to_contain_text("No such currency")
    fake.says = None
    await elsewhere(page, f"{CHECKOUT}**")
    await window.get_by_role("button", name=said("buy.order")).click()
    await expect(page).to_have_url(CHECKOUT)
