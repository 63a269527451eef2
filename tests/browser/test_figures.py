"""Figures: whatever a user reads on any screen is what the API says, and what the journal adds up to."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.replayed import replayed
from tests.browser.site import Person, Site
from tests.browser.test_chat import LATER_MS, costs, watched, write
from tests.edges.api.paying import LARGE, Shop
from tests.edges.api.paying import SECRET as SHOP_SECRET
from tokenhouse import Usage
from tokenhouse.settings import Callback, Payments

pytestmark = pytest.mark.row("B8", "C9", "D11", "E10")


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"payments": Payments(callback=Callback(secret=SHOP_SECRET))}


async def journal(site: Site, account: str, *kinds: str) -> list[Any]:
    """Return the newest lines of an account's journal."""
    return list(await site.house.history(account, kinds=kinds, rows_max=1_000))


async def answered(site: Site, person: Person, what: str, language: str) -> Any:
    """Return what the API says of the person's account, in their language."""
    path = f"/api/v1/accounts/{person.account.replace('/', '%2F')}/{what}"
    return await site.service.ok("GET", path, who="auditor", headers={"accept-language": language})


async def test_of_every_screen_beside_usage_and_history(site: Site, look: Any):
    person = await replayed(site)
    page = await site.page(person, **look._asdict(), path=None)
    await paid_orders(site, person, page, look)
    await used_keys(site, person, page, look)
    await told_notices(site, person, page, look)
    assert (await site.house.verify()).clean


async def used_keys(site: Site, person: Person, page: Page, look: Any) -> None:
    """See that what each key used is the sum of its calls in the journal."""
    made = [await site.house.create_key(person.account, name=name) for name in ("one", "two")]
    for nth, one in enumerate((made[0], made[1], made[0]), start=1):
        key = await site.house.authenticate(one.secret)
        actor = f"key:{key.prefix}"
        await site.house.charge(person.account, usage=Usage(input=1_111 * nth), model="m", actor=actor)
    await site.go(page, "/keys")
    lines = await journal(site, person.account, "charge")
    for one in made:
        spent = [line.charge for line in lines if line.actor == f"key:{one.key.prefix}"]
        row = page.get_by_role("listitem").filter(has_text=one.key.prefix)
        await expect(row.get_by_text(f"{sum(spent):,}", exact=True)).to_be_visible()
        await expect(row).to_contain_text(look.said("keys.turns", count=len(spent)))


async def told_notices(site: Site, person: Person, page: Page, look: Any) -> None:
    """See that a notice says the figures that the account had when it came."""
    balance = await site.house.balance(person.account)
    near = (balance.used + balance.remaining) * 91 // 100 - balance.used
    await site.house.desk.bell.settled()  # What was bought before is told before.
    site.clock.move(seconds=1)
    await site.house.charge(person.account, near)
    await site.house.desk.bell.settled()
    [line] = await site.house.history(person.account, rows_max=1)
    await site.go(page, "/notices")
    newest = (await answered(site, person, "notices", look.language))["items"][0]
    told = page.get_by_role("list", name=look.said("nav.notices")).get_by_role("listitem").first
    await expect(told).to_contain_text(newest["title"])
    await expect(told).to_contain_text(newest["text"])
    assert f"{line.balance_after:,}" in newest["text"]
    await expect(told).to_contain_text(f"{line.balance_after:,}")


async def paid_orders(site: Site, person: Person, page: Page, look: Any) -> None:
    """See that an order's line, its page and its receipt say what came in, and what was paid."""
    shop = Shop(site.service, site.clock)
    await shop.stock(large=LARGE | {"bonus": "0.10"})
    before = (await site.house.balance(person.account)).remaining
    path = f"/api/v1/accounts/{person.account.replace('/', '%2F')}/orders"
    wanted = {"package": "large", "currency": "KRW", "provider": "callback", "quantity": 2}
    bought = await site.service.ok("POST", path, who="operator", json=wanted)
    order = bought["order"]
    paid = shop.paid(order["id"], amount=order["price"]["minor"])
    assert (await shop.says(paid))["verdict"] == "accepted"
    came = sum(line.amount for line in await journal(site, person.account, "grant", "repay"))
    assert came == int(order["credit"]["value"])
    await site.go(page, "/buy")
    row = page.get_by_role("row").filter(has_text=LARGE["title"][look.language])
    await expect(row).to_contain_text(order["price"]["shown"])
    if not look.phone:
        await expect(row).to_contain_text(f"{came:,}")
    await site.go(page, f"/buy/{order['id']}")
    await expect(page.get_by_role("main")).to_contain_text(f"{came:,}")
    receipt = await answered(site, person, f"orders/{order['id']}/receipt", look.language)
    paper = page.get_by_role("article")
    for shown in (receipt["total"]["shown"], receipt["lines"][0]["amount"]["shown"], receipt["credit"]):
        await expect(paper).to_contain_text(shown)
    assert receipt["total"]["minor"] == order["price"]["minor"] == 19_800
    await site.go(page, "/")
    await expect(page.locator("[data-level]").first).to_contain_text(f"{before + came:,}")


async def test_of_a_chat(site: Site, look: Any):
    demo = site.service.app._gateway._upstreams.demo
    demo._first_s = demo._chunk_s = 0
    person = await site.person()
    page = await watched(site, person, "/chat", **look._asdict())
    for turn, text in enumerate(("first", "second", "third"), start=1):
        await write(page, text)
        await expect(costs(page)).to_have_count(turn)
    charged = [line.charge for line in await journal(site, "alice", "charge")][::-1]
    for nth, charge in enumerate(charged):
        await expect(costs(page).nth(nth)).to_contain_text(f"{charge:,}")
    balance = await site.house.balance("alice")
    assert balance.used == sum(charged)
    await page.clock.fast_forward(LATER_MS)
    await site.go(page, "/")
    await expect(page.locator("[data-level]")).to_contain_text(f"{100_000 - sum(charged):,}")
