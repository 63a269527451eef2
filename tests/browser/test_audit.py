"""The audit log: who changed what, as a difference; filtered, paged, and as CSV."""

import csv
import io
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Person, Site

AUDIT = "/operator/audit"
WORDS = {
    "en": {
        "action": "What was done",
        "search": "Search",
        "csv": "Download CSV",
        "none": "No change is like that.",
    },
    "ko": {
        "action": "무엇을",
        "search": "검색",
        "csv": "CSV 내려받기",
        "none": "조건에 맞는 변경이 없습니다.",
    },
}


async def auditor(site: Site) -> Person:
    return await site.person("auditor@example.com", "auditor")


async def changed(site: Site) -> None:
    """Let an operator change a few things."""
    service = site.service
    await site.house.account("bora")
    grant = {"amount": "500", "reason": "Goodwill after the outage"}
    await service.ok("POST", "/api/v1/accounts/bora/grants", who="operator", json=grant)
    endless = {"amount": "-1", "reason": "without-a-blank-" * 30}
    await service.ok("POST", "/api/v1/accounts/bora/adjustments", who="operator", json=endless)
    site.clock.move(days=1)
    suspend = {"state": "suspended", "reason": "Card was stolen"}
    await service.ok("PATCH", "/api/v1/accounts/bora", who="operator", json=suspend)


def changes(page: Page):
    return page.locator("[data-change]")


@pytest.mark.row("C10", "E10")
async def test_each_change_shows_from_what_to_what_and_why(site: Site, look: Any):
    words = WORDS[look.language]
    who = await auditor(site)
    await changed(site)
    page = await site.page(who, **look._asdict(), path=AUDIT)
    listed = (await site.service.ok("GET", "/api/v1/audit-log", who="auditor"))["items"]
    shown = [await one.get_attribute("data-change") for one in await changes(page).all()]
    assert shown == [str(one["id"]) for one in listed]
    latest = changes(page).filter(has_text="Card was stolen")
    await expect(latest).to_have_count(1)
    await expect(latest.locator("del")).to_contain_text("active")
    await expect(latest.locator("ins")).to_contain_text("suspended")
    await site.looks(page, "audit-changes")
    await page.get_by_label(words["action"]).fill("account.grant")
    await page.get_by_role("button", name=words["search"]).click()
    await expect(changes(page)).to_have_count(1)
    await expect(page).to_have_url(re.compile("action=account.grant"))
    await expect(changes(page)).to_contain_text("Goodwill after the outage")
    async with page.expect_download() as coming:
        await page.get_by_role("link", name=words["csv"]).click()
    content = (await (await coming.value).path()).read_text(encoding="utf-8-sig")
    assert [line["reason"] for line in csv.DictReader(io.StringIO(content))] == ["Goodwill after the outage"]
    await page.get_by_label(words["action"]).fill("nothing")
    await page.get_by_role("button", name=words["search"]).click()
    await expect(page.get_by_text(words["none"])).to_be_visible()


@pytest.mark.row("C10", "E10")
async def test_it_is_picked_by_who_by_what_and_by_day(site: Site, look: Any):
    said = look.said
    who = await auditor(site)
    await changed(site)
    page = await site.page(who, path=AUDIT, **look._asdict())
    await expect(changes(page)).not_to_have_count(0)
    whole = await changes(page).count()
    await page.get_by_label(said("form.until")).fill(f"{site.clock():%Y}-01-01")
    await page.get_by_role("button", name=said("form.search")).click()
    await expect(page.get_by_text(said("audit.noneSuch"))).to_be_visible()
    await page.get_by_role("button", name=said("audit.clear")).click()
    await expect(changes(page)).to_have_count(whole)
    await page.get_by_label(said("form.from")).fill(f"{site.clock():%Y-%m-%d}")
    await page.get_by_label(said("audit.action")).fill("account")
    await page.get_by_role("button", name=said("form.search")).click()
    await expect(changes(page)).to_have_count(1)
    await page.reload()
    await expect(changes(page)).to_have_count(1)
    await page.get_by_role("button", name=said("audit.clear")).click()
    await changes(page).get_by_role("button", name="bora").first.click()
    await expect(page).to_have_url(f"{site.url}/app{AUDIT}?subject=bora")
    await expect(changes(page)).to_have_count(3)


@pytest.mark.row("C10", "E10")
async def test_a_long_log_is_paged(site: Site):
    for nth in range(60):
        await site.house.record(
            "a.b", f"thing {nth}", actor="key:x", before={"n": nth, "same": 1}, after={"n": 1, "same": 1}
        )
    page = await site.page(await auditor(site), path=f"{AUDIT}?action=a")
    await expect(changes(page)).to_have_count(50)
    await expect(changes(page).first).not_to_contain_text("same")
    await page.get_by_role("button", name="Show more").click()
    await expect(changes(page)).to_have_count(60)
    await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
