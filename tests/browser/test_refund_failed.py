"""A refund whose money did not go back: an operator sees it, knows what to do, and gives it back at last."""

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.site import Site
from tests.browser.words import Said
from tests.edges.api.fake_stripe import FakeStripe
from tests.edges.api.paying import STRIPE_KEY, STRIPE_SECRET, Shop
from tests.edges.api.test_refunds import BOUGHT, FREE, AtStripe
from tests.edges.gateway.provider import Provider
from tokenhouse.settings import Payments, Stripe

pytestmark = pytest.mark.row("E9", "E10")


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


async def refunded(page: Page, said: Said, reason: str) -> None:
    """Give the whole price back over its provider."""
    await page.get_by_role("button", name=said("orders.refund")).click()
    window = page.get_by_role("dialog")
    await expect(window.get_by_label(said("orders.giveBack"))).to_be_checked()
    await window.get_by_label(said("orders.reason")).fill(reason)
    await window.get_by_role("button", name=said("orders.refund")).click()
    await expect(window).to_have_count(0)


async def test_money_that_stayed_waits_for_an_operator_who_refunds_once_more(
    site: Site, fake: FakeStripe, look: Any
):
    said = look.said
    shop = Shop(site.service, site.clock)
    await shop.stock()
    till = AtStripe(shop, fake)
    order = await till.paid()
    kim = await site.person("kim@example.com", "operator")
    page = await site.page(kim, **look._asdict(), path=f"/operator/orders/{order}")
    await refunded(page, said, "returned")
    assert (await shop.credit("alice"), till.given(order)) == (FREE, till.price)

    till.fails(order)
    assert await till.told(order) == ("accepted", "refund_failed")
    await site.go(page, "/operator")
    waits = page.locator("[data-what=refunds_failed]")
    await expect(waits).to_have_count(1)
    await expect(page.locator("[data-what=payments_unmatched]")).to_have_count(0)
    await waits.get_by_role("link", name=said("overview.attention.refunds_failed", count=1)).click()
    await expect(page).to_have_url(f"{site.url}/app/operator/orders/{order}")
    warning = page.get_by_role("alert").filter(has_text=said("orders.moneyStayed"))
    await expect(warning).to_contain_text(said("orders.moneyStayedLead"))
    facts = page.get_by_role("region", name=said("orders.one"), exact=True)
    await expect(facts).to_contain_text(said("orders.reasons.refund_failed"))
    await expect(facts).not_to_contain_text("refund_failed")
    await site.looks(page, "order-refund-failed")
    assert await shop.credit("alice") == FREE + BOUGHT

    await refunded(page, said, "once more")
    await expect(warning).to_have_count(0)
    assert (await shop.credit("alice"), till.given(order)) == (FREE, till.price)
    await site.go(page, "/operator")
    await expect(waits).to_have_count(0)
    await shop.sound()
