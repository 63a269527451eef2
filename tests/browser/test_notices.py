"""Notices as people see them: the bell, the word that comes up, and the list with what was read."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Person, Site

pytestmark = pytest.mark.row("E10", "B4")

LATER_MS = 6_000
"""Longer than what people watch may be old (LIVE_MS of the pages)."""


async def cross(site: Site, *amounts: int) -> None:
    """Have the account use so much, and be told of each level that it comes to."""
    for amount in amounts:
        await site.house.charge("alice", amount)
        await site.house.desk.bell.settled()
        site.clock.move(seconds=1)


async def watched(site: Site, person: Person, path: str, **look: Any) -> Page:
    """Open a page whose time the test can move."""
    page = await site.page(person, **look, path=None)
    await page.clock.install()
    await site.go(page, path)
    return page


@pytest.mark.row("B8")
async def test_a_notice_that_comes_while_somebody_looks_comes_up(site: Site, look: Any):
    alice = await site.person()
    await cross(site, 91_000)
    page = await watched(site, alice, "/", **look._asdict())
    korean = look.language == "ko"
    bell = page.get_by_role("banner").get_by_role("link", name="알림" if korean else "Notices")
    await expect(bell).to_have_text("읽지 않은 알림 1건1" if korean else "Notices: 1 unread1")
    up = page.get_by_role("region", name="Notifications")
    await expect(up.get_by_role("heading")).to_have_count(0)
    await cross(site, 5_000)
    await page.clock.fast_forward(LATER_MS)
    newest = (await site.service.ok("GET", "/api/v1/accounts/alice/notices", who="alice"))["items"][0]
    assert newest["level"] == "critical"
    title = "96% 사용, 4% 남음" if korean else newest["title"]
    await expect(up.get_by_text(title)).to_be_visible()
    await expect(bell).to_have_text("읽지 않은 알림 2건2" if korean else "Notices: 2 unread2")
    await site.looks(page, "notice-up")
    await up.get_by_role("button", name="알림 보기" if korean else "Show notices").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("알림" if korean else "Notices")


async def test_notices_are_listed_and_marked_as_read(site: Site, look: Any):
    alice = await site.person()
    await cross(site, 91_000, 5_000, 9_000)
    page = await site.page(alice, **look._asdict(), path="/notices")
    korean = look.language == "ko"
    told = page.get_by_role("list", name="알림" if korean else "Notices").get_by_role("listitem")
    await expect(told).to_have_count(3)
    params = {"accept-language": look.language}
    items = (await site.service.ok("GET", "/api/v1/accounts/me/notices", who="alice", headers=params))[
        "items"
    ]
    for nth, one in enumerate(items):
        await expect(told.nth(nth)).to_contain_text(one["title"])
        await expect(told.nth(nth)).to_contain_text(one["text"])
    await expect(
        told.first.get_by_role("link", name="추가 구매" if korean else "Buy more")
    ).to_have_attribute("href", "/app/buy")
    await site.looks(page, "notices")
    new = page.get_by_text("새 알림" if korean else "New", exact=True)
    await expect(new).to_have_count(3)
    await told.first.get_by_role("button", name="읽음으로" if korean else "Mark as read").click()
    await expect(new).to_have_count(2)
    assert (await site.house.count_notices("alice")).unread == 2
    await page.get_by_role("button", name="읽지 않음" if korean else "Unread").click()
    await expect(told).to_have_count(2)
    await page.get_by_role("button", name="모두 읽음" if korean else "Mark all as read").click()
    await expect(
        page.get_by_text("모든 알림을 읽었습니다." if korean else "You have read everything.")
    ).to_be_visible()
    assert (await site.house.count_notices("alice")).unread == 0
    await page.get_by_role("button", name="전체" if korean else "All", exact=True).click()
    await expect(told).to_have_count(3)
    await expect(new).to_have_count(0)


async def test_nobody_was_told_anything_yet(site: Site, look: Any):
    page = await site.page(await site.person(), **look._asdict(), path="/notices")
    await expect(page.get_by_text(look.said("notices.none"))).to_be_visible()
    await expect(page.get_by_role("button", name=look.said("notices.readAll"))).to_be_disabled()
    await site.looks(page, "notices-none")


async def test_a_notice_that_cannot_be_marked_says_so(site: Site, look: Any):
    said = look.said
    alice = await site.person()
    await cross(site, 91_000)
    page = await site.page(alice, **look._asdict(), path="/notices")
    site.expect("net::ERR")
    await page.route("**/read", lambda route: route.abort())
    read = page.get_by_role("listitem").get_by_role("button", name=said("notices.readName", title=""))
    await read.click()
    await expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(said("state.offline"))
    await page.unroute("**/read")
    await read.click()
    await expect(page.get_by_text(said("notices.new"), exact=True)).to_have_count(0)
