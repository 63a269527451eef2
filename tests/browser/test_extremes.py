"""The screens of a user at their ends: long names, huge amounts, no amounts, a service that fails."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.site import WIDER, Site
from tests.edges.api.paying import SECRET, Shop
from tokenhouse import Usage
from tokenhouse.settings import Callback, Payments

pytestmark = pytest.mark.row("E10")

HUGE = 10**15
UNBROKEN = "아주긴이름의상품이라서어디에서도끊어지지않는다" * 4
MODEL = "anthropic/claude-opus-4-20260514-thinking-extended-preview-128k-context-eu-west-1-provisioned"
PLAN = {
    "name": "huge",
    "title": "Enterprise Unlimited Plus, contract of 2026/27 (negotiated)",
    "unit": {"name": "token", "symbol": "", "decimals": 0},
    "allowance": [{"amount": HUGE, "every": "month"}],
}
TALL = "one => one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight)"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"payments": Payments(callback=Callback(secret=SECRET))}


async def fits(site: Site, page: Page, path: str) -> None:
    """See that a screen is no wider than its window, at any width and at twice the size of its letters."""
    await site.go(page, path)
    seen = page.viewport_size
    assert seen is not None
    for width in (seen["width"], 768, 640, 360):
        await page.set_viewport_size(seen | {"width": width})
        wider = await page.evaluate(WIDER)
        assert not wider, (path, width, wider)
    await page.set_viewport_size(seen)


async def test_long_names_and_huge_amounts_fit_everywhere(site: Site, look: Any):
    house = site.house
    await house.write_plan(PLAN)
    await house.account("alice", plan="huge", name=UNBROKEN, email="홍길동@한국.example")
    person = await site.person("홍길동@example.com", account="alice", name=UNBROKEN)
    shop = Shop(site.service, site.clock)
    title = {"en": UNBROKEN, "ko": UNBROKEN}
    await shop.stock(large={"title": title, "credit": str(HUGE - 1), "prices": {"KRW": 10**12}})
    made = await house.create_key("alice", name=UNBROKEN, models=[MODEL])
    usage = Usage(input=10**12, output=10**11, cached_input=5)
    await house.charge("alice", HUGE // 5, model=MODEL, usage=usage, actor=f"key:{made.key.prefix}")
    await house.grant("alice", HUGE // 9, expires_at=site.clock() + timedelta(days=3), note="note " * 60)
    order = await shop.order("alice")
    bought = await shop.order("alice")
    await shop.says(shop.paid(bought, amount=10**12))
    talk = {"title": UNBROKEN, "id": "s"}
    await site.service.ok("POST", "/api/v1/chat/sessions", who="alice", json=talk)
    page = await site.page(person, **look._asdict(), path=None)
    places = ("/", "/history", "/buy", f"/buy/{order}", f"/buy/{bought}", "/notices", "/keys", "/settings")
    for path in (*places, "/chat/s"):
        await fits(site, page, path)
    await site.go(page, "/")
    figure = page.locator("[data-level] p.font-semibold")
    balance = await house.balance("alice")
    await expect(figure).to_contain_text(f"{balance.remaining:,}")
    assert await figure.evaluate(TALL) < (2.5 if look.phone else 1.5), "the figure itself is not broken"


async def test_an_account_with_nothing_is_told_what_to_do(site: Site, look: Any):
    person = await site.person()
    await site.house.adjust("alice", -100_000, note="all of it")
    page = await site.page(person, **look._asdict(), path=None)
    card = page.locator("[data-level]").first
    await site.go(page, "/")
    await expect(card).to_have_attribute("data-level", "blocked")
    await expect(card.get_by_role("alert")).to_have_text(look.said("card.state.blocked"))
    await expect(card.get_by_role("link", name=look.said("card.buy"))).to_be_visible()
    await site.go(page, "/chat")
    await expect(card).to_contain_text(look.said("chat.blocked"))


async def test_a_service_that_is_away_is_said_on_every_screen_which_then_mends_itself(site: Site, look: Any):
    person = await site.person()
    order = (await site.house.order("alice", 1_000)).id
    site.expect("net::ERR", "status of 503")
    page = await site.page(person, **look._asdict(), path=None)
    await page.clock.install()

    async def away(route: Route) -> None:
        if route.request.url.endswith("/session"):
            await route.continue_()
        else:
            await route.abort()

    wrong = page.get_by_role("main").get_by_role("alert")
    for path in ("/", "/history", "/buy", f"/buy/{order}", "/notices", "/keys", "/settings"):
        await page.route("**/api/**", away)
        await page.goto(f"{site.url}/app{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        for _ in range(8):  # Its own tries take some seconds, which pass here at once.
            await page.clock.run_for(1_000)
        await expect(wrong.first).to_contain_text(look.said("state.offline"))
        await expect(page.get_by_text(look.said("state.lost"))).to_be_visible()
        await page.unroute("**/api/**")
        await page.clock.run_for(6_000)
        await expect(wrong).to_have_count(0)
        await expect(page.get_by_text(look.said("state.lost"))).to_have_count(0)
