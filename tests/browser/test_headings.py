"""Every screen is called something, in every state: one heading of the first level, none that skips one."""

import asyncio
import json
from itertools import pairwise

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.site import Site

pytestmark = pytest.mark.row("E10")

USER = ("/", "/chat", "/history", "/buy", "/buy/nothing", "/notices", "/keys", "/settings")
OPERATOR = (
    "/operator",
    "/operator/accounts",
    "/operator/accounts/alice",
    "/operator/orders",
    "/operator/plans",
    "/operator/simulator",
    "/operator/rates",
    "/operator/coupons",
    "/operator/deliveries",
    "/operator/jobs",
    "/operator/integrity",
    "/operator/people",
    "/operator/audit",
    "/operator/settings",
)
LEVELS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .filter((one) => one.checkVisibility()).map((one) => [Number(one.tagName[1]), one.textContent.trim()])"""
NO = {
    "status": 409,
    "code": "conflict",
    "title": "Not now",
    "detail": "It cannot be told now.",
    "type": "about:blank",
}


async def ordered(page: Page) -> str:
    """See that the headings of a page are in order, and return the first."""
    found = await page.evaluate(LEVELS)
    levels = [level for level, _ in found]
    assert levels.count(1) == 1, (page.url, found)
    assert levels[0] == 1, (page.url, found)
    assert all(after - before <= 1 for before, after in pairwise(levels)), (
        page.url,
        found,
    )
    assert all(text for _, text in found), (page.url, found)
    return str(found[0][1])


async def test_of_every_screen(site: Site):
    page = await site.page(await site.person("root@example.com", "owner", "root"), path=None)
    await site.house.account("alice")
    site.expect("status of 40[04]")
    called = []
    for path in (*USER, *OPERATOR):
        await site.go(page, path)
        called.append(await ordered(page))
        await expect(page).to_have_title(f"{called[-1]} \N{MIDDLE DOT} tokenhouse")
    assert len({*called}) == len(called)


async def test_of_whoever_has_no_account(site: Site):
    page = await site.page(await site.person("ops@example.com", "operator"), path=None)
    site.expect("status of 40[034]")
    for path in USER:
        await site.go(page, path)
        await ordered(page)


@pytest.mark.parametrize("path", ["/nowhere", "/operator/people", "/chat/nothing"])
async def test_of_what_is_not_there_or_not_for_one(site: Site, path: str):
    page = await site.page(await site.person(), path=None)
    site.expect("status of 404")
    await site.go(page, path)
    assert await ordered(page)


async def test_of_a_conversation_that_was_deleted(site: Site):
    made = await site.service.ok("POST", "/api/v1/chat/sessions", who="alice", json={"title": "Gone"})
    await site.service.ok("DELETE", f"/api/v1/chat/sessions/{made['id']}", who="alice")
    page = await site.page(await site.person(), path=f"/chat/{made['id']}")
    await expect(page.get_by_text("This conversation was deleted.")).to_be_visible()
    assert await ordered(page) == "Chat"


async def test_of_screens_whose_questions_fail_or_wait(site: Site):
    page = await site.page(await site.person("root@example.com", "owner", "root"), path="/settings")
    site.expect("status of 409", "ERR_FAILED")
    waits: list[Route] = []

    async def fail(route: Route) -> None:
        if route.request.url.endswith("/api/v1/session"):
            await route.continue_()
        else:
            await route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(NO))

    async def wait(route: Route) -> None:
        if route.request.url.endswith("/api/v1/session"):
            await route.continue_()
        else:
            waits.append(route)

    await page.route("**/api/**", fail)
    for path in USER:
        await site.go(page, path)
        await ordered(page)
    await page.unroute("**/api/**")
    await page.route("**/api/**", wait)
    for path in USER:
        await page.goto(f"{site.url}/app{path}")
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await ordered(page)
    for route in waits:
        await route.abort()


async def test_where_a_screen_breaks_it_says_so_under_a_heading(site: Site):
    page = await site.page(await site.person(), path="/settings")
    site.expect("TypeError", "React", "errorElement", "caught")

    async def nonsense(route: Route) -> None:
        await route.fulfill(content_type="application/json", body=json.dumps({"items": 5}))

    await page.route("**/api/v1/accounts/me/keys", nonsense)
    await page.get_by_role("link", name="API keys").click()
    await expect(page.get_by_role("alert")).to_contain_text("This page has a fault.")
    assert await ordered(page) == "Something went wrong"
    await expect(page.get_by_role("navigation")).to_be_visible()
    await page.unroute("**/api/v1/accounts/me/keys")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("API keys")


async def test_a_screen_begins_at_its_top_and_has_the_keyboard(site: Site):
    page = await site.page(await site.person(), path="/settings", phone=True)
    await page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    assert await page.evaluate("() => window.scrollY") > 0
    await page.get_by_role("banner").get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Notices")
    assert await page.evaluate("() => window.scrollY") == 0
    await expect(page.get_by_role("main")).to_be_focused()


async def test_until_the_scripts_are_there_something_is_seen(site: Site):
    page = await site.page(path=None)
    come = asyncio.Event()

    async def hold(route: Route) -> None:
        await come.wait()
        await route.continue_()

    await page.route("**/assets/*.js", hold)
    await page.goto(f"{site.url}/app/sign-in", wait_until="commit")
    await expect(page.get_by_role("img", name="tokenhouse")).to_be_visible()
    come.set()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_at_twice_the_size_nothing_scrolls_sideways_or_begins_below_its_top(site: Site):
    page = await site.page(await site.person(), path=None)
    await page.set_viewport_size({"width": 640, "height": 400})
    for path in USER:
        if path != "/buy/nothing":
            await site.go(page, path)
            await expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
            assert await page.evaluate("() => document.documentElement.scrollWidth") <= 640
    await site.go(page, "/chat")
    await expect(page.get_by_text("What can I do for you?")).to_be_in_viewport()
