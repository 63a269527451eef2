"""The list of accounts: searched as one types, picked, leafed through, with the report's figures; opened."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.replayed import replayed
from tests.browser.site import Site

PATH = "/operator/accounts"
STANDINGS = "/api/v1/statistics/accounts"
FIGURES = ("free", "bought", "total", "used", "used_percent", "left", "turns", "mean_per_turn")
"""What stands in a line behind account and state, in this order."""
WORDS = {
    "en": {
        "search": "Search by name",
        "make": "New account",
        "none": "No account is like that.",
        "more": "Show more",
    },
    "ko": {
        "search": "이름, 이메일",
        "make": "새 계정",
        "none": "해당하는 계정이 없습니다.",
        "more": "더 보기",
    },
}

pytestmark = pytest.mark.row("E10")


def search(page: Page, language: str = "en") -> Locator:
    return page.get_by_role("searchbox", name=WORDS[language]["search"])


def lines(page: Page) -> Locator:
    return page.locator("tbody tr")


def line(page: Page, ref: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=ref, exact=True))


def told(figures: dict[str, Any]) -> list[str]:
    """Return the figures of a line as a page shows them."""
    found = [figures[name] for name in FIGURES]
    return [
        one["shown"] if isinstance(one, dict) else f"{one:.2f}" if isinstance(one, float) else f"{one:,}"
        for one in found
    ]


async def looking(site: Site, role: str = "operator", path: str = PATH, **look: Any) -> Page:
    """Return the page of accounts as somebody of a role sees it."""
    person = await site.person(f"{role}@house.example", role)
    return await site.page(person, **look, path=path)


async def some(site: Site, *refs: str, **how: Any) -> None:
    for ref in refs:
        await site.house.account(ref, **how)


@pytest.mark.row("A4")
async def test_every_figure_of_a_line_is_the_report_s(site: Site):
    await replayed(site)
    await some(site, "alice")
    await site.house.grant("alice", 50_000, source="purchase")
    for amount in (90_000, 31_000):
        await site.house.charge("alice", amount)
    page = await looking(site)
    items = (await site.service.ok("GET", STANDINGS, who="auditor"))["items"]
    await expect(lines(page)).to_have_count(len(items))
    report = {one.account: one async for one in site.house.lines()}
    for one in items:
        ref, figures = one["account"]["ref"], one["figures"]
        cells = await line(page, ref).locator("td").all_inner_texts()
        assert cells[2:10] == told(figures)
        kept = report[ref]
        for name in ("free", "bought", "total", "used", "left", "mean_per_turn"):
            assert figures[name]["shown"] == f"{getattr(kept, name):,}"
        assert kept.free + kept.bought == kept.total == kept.used + kept.left
    entries = await site.house.history("alice", kinds=("charge",), rows_max=1_000)
    assert (
        await line(page, "alice").locator("td").nth(5).inner_text()
    ) == f"{-sum(one.amount for one in entries):,}"


async def test_accounts_are_found_as_one_types(site: Site, look):
    words = WORDS[look.language]
    await some(site, "alice", "bora", "alina")
    await some(site, "kim", name="Kim Alister")
    page = await looking(site, **look._asdict())
    await expect(lines(page)).to_have_count(4)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "search=" in request.url else None)
    await search(page, look.language).press_sequentially("alice", delay=20)
    await expect(lines(page)).to_have_count(1)
    await expect(line(page, "alice")).to_be_visible()
    assert len(asked) < len("alice"), "a letter that is followed at once is not searched for by itself"
    await page.reload()
    await expect(search(page, look.language)).to_have_value("alice")
    await expect(lines(page)).to_have_count(1)
    await search(page, look.language).fill("ali")
    await expect(lines(page)).to_have_count(3)
    await search(page, look.language).fill("nobody at all")
    await expect(page.get_by_text(words["none"])).to_be_visible()
    await site.looks(page, "operator-accounts-none")


async def test_accounts_are_picked_by_state_and_plan_and_both_survive_a_reload(site: Site, look: Any):
    said = look.said
    await site.house.write_plan({"name": "pro", "allowance": [{"amount": 500_000, "every": "month"}]})
    for number in range(6):
        await site.house.account(f"user-{number}", plan="pro" if number % 2 else None)
    await site.house.amend("user-3", state="suspended")
    page = await looking(site, **look._asdict())
    await page.get_by_label(said("accounts.plan")).select_option("pro")
    await expect(lines(page)).to_have_count(3)
    await page.get_by_label(said("accounts.state")).select_option("suspended")
    await expect(lines(page)).to_have_count(1)
    await expect(line(page, "user-3")).to_contain_text(said("accounts.states.suspended"))
    await page.reload()
    await expect(lines(page)).to_have_count(1)
    await expect(page.get_by_label(said("accounts.plan"))).to_have_value("pro")
    await page.get_by_label(said("accounts.state")).select_option("closed")
    await expect(page.get_by_text(said("accounts.none"))).to_be_visible()


async def test_a_long_list_comes_page_by_page(site: Site):
    await some(site, *(f"user-{number:03}" for number in range(60)))
    page = await looking(site)
    await expect(lines(page)).to_have_count(50)
    await page.get_by_role("button", name="Show more").click()
    await expect(lines(page)).to_have_count(60)
    await expect(page.get_by_role("button", name="Show more")).to_have_count(0)


@pytest.mark.row("D11")
async def test_who_used_most_and_who_has_nothing_left_are_one_click_away(site: Site, look: Any):
    said = look.said
    await some(site, "alice", "bora", "chan")
    for ref, amount in (("alice", 20_000), ("bora", 105_000), ("chan", 60_000)):
        await site.house.charge(ref, amount)
    page = await looking(site, **look._asdict())
    await page.get_by_role("button", name=said("accounts.views.used")).click()
    await expect(lines(page)).to_have_count(3)
    top = (await site.service.ok("GET", "/api/v1/statistics", who="auditor"))["top"]
    await expect(lines(page).get_by_role("link")).to_have_text([one["account"] for one in top])
    await page.get_by_role("button", name=said("accounts.views.gone")).click()
    await expect(lines(page)).to_have_count(1)
    await expect(line(page, "bora")).to_contain_text(said("accounts.levels.blocked"))
    await page.reload()
    await expect(lines(page)).to_have_count(1)


async def test_the_report_can_be_taken_along(site: Site, tmp_path: Path, look: Any):
    said = look.said
    await some(site, "alice", "bora")
    await site.house.charge("bora", 1_234)
    page = await looking(site, **look._asdict())
    async with page.expect_download() as coming:
        await page.get_by_role("link", name=said("form.download")).click()
    await (await coming.value).save_as(tmp_path / "accounts.csv")
    table = {
        one["account"]: one
        for one in csv.DictReader(io.StringIO((tmp_path / "accounts.csv").read_text("utf-8")))
    }
    assert (table["bora"]["used"], table["bora"]["left"], table["alice"]["used"]) == ("1234", "98766", "0")


@pytest.mark.row("C10")
async def test_an_account_is_opened_with_a_reason(site: Site, look):
    await some(site, "acme", kind="company")
    page = await looking(site, **look._asdict())
    await page.get_by_role("button", name=WORDS[look.language]["make"]).click()
    window = page.get_by_role("dialog")
    send = window.get_by_role("button", name=WORDS[look.language]["make"])
    reference, name, email, parent, reason = (window.get_by_role("textbox").nth(nth) for nth in range(5))
    await reference.fill("mina/1")
    await name.fill("Mina Park")
    await email.fill("mina@example.com")
    await parent.fill("nobody")
    await reason.fill("contract 7")
    await send.click()
    await expect(window.get_by_role("alert")).to_be_visible()
    site.expect("status of 404")
    await site.looks(page, "operator-accounts-new")
    await parent.fill("acme")
    await send.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("mina/1")
    account = await site.house.describe("mina/1")
    assert (account.name, account.email, account.parent) == ("Mina Park", "mina@example.com", "acme")
    [done] = (await site.service.ok("GET", "/api/v1/audit-log?action=account.create", who="auditor"))["items"]
    assert (done["subject"], done["actor"], done["reason"]) == (
        "mina/1",
        "person:operator@house.example",
        "contract 7",
    )


async def test_an_auditor_sees_all_and_changes_nothing_and_a_user_sees_neither(site: Site):
    await some(site, "alice")
    page = await looking(site, "auditor")
    await expect(line(page, "alice")).to_be_visible()
    await expect(page.get_by_role("button", name="New account")).to_have_count(0)
    user = await site.page(await site.person("alice@example.com"), path=PATH)
    await expect(user.get_by_text("This page is for other roles than yours.")).to_be_visible()


async def test_a_service_that_cannot_be_reached_is_said_and_tried_again(site: Site):
    await some(site, "alice")
    page = await looking(site, path="/operator/audit")
    await page.route(re.compile(STANDINGS), lambda route: route.abort())
    site.expect("ERR_FAILED")
    await page.goto(f"{site.url}/app{PATH}")
    await expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
    await page.unroute_all()
    await page.get_by_role("button", name="Try again").click()
    await expect(line(page, "alice")).to_be_visible()


async def test_accounts_are_fit_to_be_seen(site: Site, look):
    await replayed(site)
    await some(site, "alice", name="Alice Kim", email="alice@example.com")
    await some(site, "bora", name="보라", email="bora@example.com")
    await site.house.charge("bora", 96_000)
    await site.house.account("chan")
    await site.house.amend("chan", state="suspended")
    page = await looking(site, **look._asdict())
    await site.looks(page, "operator-accounts-list")
