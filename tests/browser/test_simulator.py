"""The simulator: real traffic under plans before they go live, with progress, and after a reload."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.site import Site
from tokenhouse import Usage

TEXT = {
    "en": ("Run it", "As it is", "As it would be", "Side by side", "Our own history"),
    "ko": ("돌려 보기", "지금", "바꾸면", "나란히 보기", "우리 기록"),
}


async def history(site: Site) -> None:
    """Have two accounts call, one of them a lot."""
    await site.house.write_plan({"name": "small", "signup": {"amount": 1_000}}, actor="test")
    for ref, calls in (("alice", 9), ("bora", 2)):
        await site.house.account(ref, plan="small")
        for _ in range(calls):
            await site.house.charge(ref, usage=Usage(input=60, output=40), model="gpt-4o")
            site.clock.move(minutes=1)


async def ended(site: Site) -> dict:
    """Return the latest simulation once it has ended."""
    while True:
        [latest] = (await site.service.ok("GET", "/api/v1/simulations?limit=1", who="auditor"))["items"]
        if latest["state"] != "running":
            path = f"/api/v1/simulations/{latest['id']}"
            return await site.service.ok("GET", path, who="auditor")
        await asyncio.sleep(0.05)


@pytest.mark.row("E10", "E11")
async def test_two_plans_run_on_our_own_history_side_by_side(site: Site, look):
    await history(site)
    await site.house.write_plan({"name": "tight", "signup": {"amount": 500}}, actor="test")
    begin, first, second, beside, own = TEXT[look.language]
    page = await site.page(
        await site.person("kim@example.com", "auditor"), **look._asdict(), path="/operator/simulator"
    )
    await expect(page.get_by_role("button", name=own)).to_have_attribute("aria-pressed", "true")
    await site.looks(page, "simulator")
    await page.get_by_label(first, exact=True).select_option("small")
    await page.get_by_label(second, exact=True).select_option("tight")
    await page.get_by_role("button", name=begin).click()
    table = page.get_by_role("region", name=beside)
    await expect(table).to_be_visible()
    told = await ended(site)
    await page.reload()
    await expect(table).to_be_visible()
    small, tight = told["result"]["plans"]
    assert (small["refused"], tight["refused"]) == (0, 4)
    assert small["charged"]["value"] == str(
        sum([(await site.house.balance(ref)).used_total for ref in ("alice", "bora")])
    )
    rows = table.get_by_role("row")
    for nth, name in enumerate(("accounts_blocked", "refused", "allowed", "tokens", "shortened"), 1):
        await expect(rows.nth(nth)).to_contain_text(f"{small[name]:,}")
        await expect(rows.nth(nth).get_by_role("cell").nth(2)).to_have_text(f"{tight[name]:,}")
        change = tight["change"][name]
        await expect(rows.nth(nth).get_by_role("cell").nth(3)).to_have_text(f"{change:+,}" if change else "0")
    await expect(rows.nth(2).get_by_role("cell").nth(3)).to_have_text("+4")
    await expect(rows.nth(3).get_by_role("cell").nth(3)).to_have_text("-4")
    charged = rows.nth(6).get_by_role("cell")
    await expect(charged.nth(1)).to_have_text(small["charged"]["shown"])
    await expect(charged.nth(2)).to_have_text(tight["charged"]["shown"])
    await expect(charged.nth(3)).to_have_text(tight["change"]["charged"]["shown"])
    await expect(page.get_by_role("figure")).to_be_visible()
    await expect(page.get_by_role("cell", name="alice").first).to_be_visible()
    await site.looks(page, "simulation")


async def test_the_sample_shows_how_far_it_is_and_is_found_in_the_list(site: Site, look: Any):
    said = look.said
    page = await site.page(
        await site.person("kim@example.com", "operator"), path="/operator/simulator", **look._asdict()
    )
    await page.get_by_role("button", name=said("simulator.source.sample")).click()
    await page.get_by_role("button", name=said("simulator.begin")).click()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("region", name=said("simulator.compared"))).to_be_visible()
    told = (await ended(site))["result"]
    await expect(page.get_by_text("4,981")).to_be_visible()
    assert (told["requests"], told["accounts"]) == (4_981, 72)
    await page.get_by_role("link", name=said("simulator.new")).click()
    await page.get_by_role("link", name=re.compile("chat-tokens")).click()
    await expect(page.get_by_role("region", name=said("simulator.compared"))).to_be_visible()


async def test_a_file_that_is_no_trace_says_which_line(site: Site, look: Any):
    said = look.said
    page = await site.page(
        await site.person("kim@example.com", "auditor"), path="/operator/simulator", **look._asdict()
    )
    await page.get_by_role("button", name=said("simulator.source.trace")).click()
    bad = b"time,account,model,input,output\n0,alice,m,x,1\n"
    await page.get_by_label(said("simulator.file")).set_input_files(
        {"name": "t.csv", "mimeType": "text/csv", "buffer": bad}
    )
    await page.get_by_role("button", name=said("simulator.begin")).click()
    await expect(page.get_by_role("alert")).to_contain_text("2: ")
    site.expect("status of 400")


async def test_a_time_in_which_nothing_happened_says_so(site: Site, look: Any):
    said = look.said
    page = await site.page(
        await site.person("kim@example.com", "auditor"), path="/operator/simulator", **look._asdict()
    )
    await page.get_by_role("button", name=said("simulator.begin")).click()
    await expect(page.get_by_role("alert")).to_be_visible()


async def test_a_user_has_no_way_to_it(site: Site):
    page = await site.page(await site.person(), path="/operator/simulator")
    await expect(page.get_by_text("This page is for other roles than yours.")).to_be_visible()


@pytest.mark.parametrize(
    "place",
    ["simulator", "plans", "plans/chat-tokens", "orders", "orders?view=events", "rates", "accounts/alice"],
)
async def test_without_the_service_a_screen_says_so_and_tries_again(site: Site, place: str):
    page = await site.page(await site.person("kim@example.com", "auditor"), path=None)
    await site.house.account("alice")
    paths = ("plans", "presets", "simulations", "orders", "payment-events", "rates", "accounts")
    gone = re.compile(rf"/api/v1/({'|'.join(paths)})")
    await page.route(gone, lambda route: route.abort())
    await page.goto(f"{site.url}/app/operator/{place}")
    await expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    site.expect("ERR_FAILED")
    await page.unroute(gone)
    again = page.get_by_role("button", name="Try again")
    while await again.count():  # Each part of a screen asks for itself.
        await again.first.click()
        await site.rest(page)
    await expect(page.get_by_role("alert")).to_have_count(0)
