"""People and roles: invited by a link that is shown once, given roles, signed out, let in no more."""

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.site import PASSWORD, Site

PATH = "/operator/people"

pytestmark = pytest.mark.row("E10")


async def looking(site: Site, **look: Any) -> Page:
    """Return the page of people as the owner sees it."""
    return await site.page(await site.person("jisu@house.example", "owner", name="한지수"), **look, path=PATH)


async def window_of(page: Page, email: str, what: str) -> Locator:
    """Choose something to do with somebody, and return its window."""
    await page.get_by_role("button", name=f"Change {email}").click()
    await page.get_by_role("dialog").get_by_role("button", name=what).click()
    return page.get_by_role("dialog")


async def audited(site: Site, action: str) -> list[Any]:
    found = await site.service.ok("GET", f"/api/v1/audit-log?action={action}", who="auditor")
    return [(one["actor"], one["subject"], one["reason"]) for one in found["items"]]


async def test_somebody_is_invited_by_a_link_that_is_shown_once_and_comes_in(site: Site):
    page = await looking(site)
    await page.get_by_role("button", name="Invite somebody").click()
    window = page.get_by_role("dialog")
    await window.get_by_label("E-mail").fill("mina@house.example")
    await window.get_by_label("Role").select_option("auditor")
    await expect(window).to_contain_text("Sees everything, changes nothing.")
    await window.get_by_role("button", name="Invite somebody").click()
    await expect(page.get_by_role("dialog", name="Link for mina@house.example")).to_be_visible()
    link = await window.get_by_label("One-time link").input_value()
    await site.looks(page, "operator-people-link")
    await window.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("row").filter(has_text="mina@house.example")).to_contain_text("invited")
    await page.reload()
    await expect(page.get_by_role("row").filter(has_text="mina@house.example")).to_contain_text("Auditor")
    assert link not in await page.content()
    hers = await site.page(None, path=None)
    await hers.goto(link)
    await hers.get_by_label("password", exact=False).first.fill(PASSWORD)
    await hers.locator("form").get_by_role("button").last.click()
    await expect(hers.get_by_role("navigation")).to_contain_text("Operation")
    assert ("person:jisu@house.example", "mina@house.example", "") in await audited(site, "person.create")


async def test_a_user_needs_an_account_and_what_is_wrong_is_said(site: Site):
    await site.house.account("alice")
    page = await looking(site)
    await page.get_by_role("button", name="Invite somebody").click()
    window = page.get_by_role("dialog")
    await window.get_by_label("E-mail").fill("alice@house.example")
    await window.get_by_label("Role").select_option("user")
    await window.get_by_label("Account", exact=True).fill("nobody")
    await window.get_by_role("button", name="Invite somebody").click()
    await expect(window.get_by_role("alert")).to_contain_text("nobody")
    site.expect("status of 404")
    await window.get_by_label("Account", exact=True).fill("alice")
    await window.get_by_role("button", name="Invite somebody").click()
    await expect(window.get_by_label("One-time link")).to_be_visible()
    await window.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("link", name="alice", exact=True)).to_be_visible()


@pytest.mark.row("C10")
async def test_a_role_is_changed_and_counts_at_once(site: Site):
    mina = await site.person("mina@house.example", "auditor")
    hers = await site.page(mina, path="/operator/accounts")
    await expect(hers.get_by_role("button", name="New account")).to_have_count(0)
    page = await looking(site)
    window = await window_of(page, mina.email, "Change role")
    await window.get_by_label("Role", exact=True).select_option("operator")
    await window.get_by_label("Reason").fill("She runs it now")
    await window.get_by_role("button", name="Change role").click()
    await expect(page.get_by_role("row").filter(has_text=mina.email)).to_contain_text("Operator")
    await hers.reload()
    await expect(hers.get_by_role("button", name="New account")).to_be_visible()
    assert ("person:jisu@house.example", mina.email, "She runs it now") in await audited(
        site, "person.change"
    )


async def test_the_last_owner_stays_one(site: Site):
    page = await looking(site)
    window = await window_of(page, "jisu@house.example", "Change role")
    await window.get_by_label("Role", exact=True).select_option("operator")
    await window.get_by_label("Reason").fill("tired")
    await window.get_by_role("button", name="Change role").click()
    await expect(window.get_by_role("alert")).to_contain_text("owner")
    site.expect("status of 400")
    await window.get_by_role("button", name="Cancel").click()
    window = await window_of(page, "jisu@house.example", "Disable")
    await window.get_by_label("Reason").fill("tired")
    await window.get_by_role("button", name="Disable").click()
    await expect(window.get_by_role("alert")).to_contain_text("owner")
    me = await site.house.person("jisu@house.example")
    assert (me.role, me.state) == ("owner", "active" if me.has_password else "invited")


async def test_sessions_end_and_somebody_is_let_in_no_more_and_again(site: Site):
    mina = await site.person("mina@house.example", "operator", password=PASSWORD)
    hers = await site.page(mina, path="/operator/accounts")
    page = await looking(site)
    window = await window_of(page, mina.email, "Sign out everywhere")
    await window.get_by_role("button", name="Sign out everywhere").click()
    await expect(page.get_by_text("2 sessions ended.")).to_be_visible()
    await hers.reload()
    await expect(hers).to_have_url(f"{site.url}/app/sign-in")
    site.expect("status of 401")
    row = page.get_by_role("row").filter(has_text=mina.email)
    window = await window_of(page, mina.email, "Disable")
    await window.get_by_label("Reason").fill("left the firm")
    await window.get_by_role("button", name="Disable").click()
    await expect(row).to_contain_text("disabled")
    window = await window_of(page, mina.email, "Let in again")
    await window.get_by_label("Reason").fill("is back")
    await window.get_by_role("button", name="Let in again").click()
    await expect(row).to_contain_text("active")
    reasons = [reason for *_, reason in await audited(site, "person.change")]
    assert reasons[:2] == ["is back", "left the firm"]


async def test_a_forgotten_password_gets_another_link(site: Site):
    mina = await site.person("mina@house.example", "operator", password=PASSWORD)
    page = await looking(site)
    window = await window_of(page, mina.email, "One-time link")
    await window.get_by_role("button", name="Make the link").click()
    link = await window.get_by_label("One-time link").input_value()
    assert (await site.house.enter(link.partition("#")[2])).session.person.email == mina.email


async def test_operators_do_not_see_it(site: Site):
    page = await site.page(await site.person("op@house.example", "operator"), path=PATH)
    await expect(page.get_by_text("This page is for other roles than yours.")).to_be_visible()
    await expect(page.get_by_role("link", name="People")).to_have_count(0)


async def test_people_are_fit_to_be_seen(site: Site, look):
    await site.person("mina@house.example", "auditor", name="Mina Park")
    await site.person("alice@example.com")
    page = await looking(site, **look._asdict())
    await site.looks(page, "operator-people")
    await page.get_by_role("button", name="mina@house.example").click()
    await site.looks(page, "operator-people-change")
