"""People and roles: invited by a link that is shown once, given roles, signed out, let in no more."""

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.site import PASSWORD, Site
from tests.browser.words import Said

PATH = "/operator/people"

pytestmark = pytest.mark.row("E10")


async def looking(site: Site, **look: Any) -> Page:
    """Return the page of people as the owner sees it."""
    return await site.page(await site.person("jisu@house.example", "owner", name="한지수"), **look, path=PATH)


async def window_of(page: Page, said: Said, email: str, what: str) -> Locator:
    """Choose something to do with somebody, and return its window."""
    await page.get_by_role("button", name=said("people.actOf", email=email)).click()
    await page.get_by_role("dialog").get_by_role("button", name=what).click()
    return page.get_by_role("dialog")


async def audited(site: Site, action: str) -> list[Any]:
    found = await site.service.ok("GET", f"/api/v1/audit-log?action={action}", who="auditor")
    return [(one["actor"], one["subject"], one["reason"]) for one in found["items"]]


async def test_somebody_is_invited_by_a_link_that_is_shown_once_and_comes_in(site: Site, look: Any):
    said = look.said
    page = await looking(site, **look._asdict())
    await page.get_by_role("button", name=said("people.invite")).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("people.email")).fill("mina@house.example")
    await window.get_by_label(said("people.role")).select_option("auditor")
    await expect(window).to_contain_text(said("people.may.auditor"))
    await window.get_by_role("button", name=said("people.invite")).click()
    await expect(
        page.get_by_role("dialog", name=said("people.linkOf", email="mina@house.example"))
    ).to_be_visible()
    link = await window.get_by_label(said("people.link")).input_value()
    await site.looks(page, "operator-people-link")
    await window.get_by_role("button", name=said("form.close")).click()
    await expect(page.get_by_role("row").filter(has_text="mina@house.example")).to_contain_text(
        said("people.states.invited")
    )
    await page.reload()
    await expect(page.get_by_role("row").filter(has_text="mina@house.example")).to_contain_text(
        said("role.auditor")
    )
    assert link not in await page.content()
    hers = await site.page(None, path=None, **look._asdict())
    await hers.goto(link)
    await hers.locator("input[type=password]").first.fill(PASSWORD)
    await hers.locator("form").get_by_role("button").last.click()
    await expect(hers.get_by_role("heading", level=1)).to_have_text(Said("en")("nav.overview"))
    assert ("person:jisu@house.example", "mina@house.example", "") in await audited(site, "person.create")


async def test_a_user_needs_an_account_and_what_is_wrong_is_said(site: Site, look: Any):
    said = look.said
    await site.house.account("alice")
    page = await looking(site, **look._asdict())
    await page.get_by_role("button", name=said("people.invite")).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("people.email")).fill("alice@house.example")
    await window.get_by_label(said("people.role")).select_option("user")
    await window.get_by_label(said("people.account"), exact=True).fill("nobody")
    await window.get_by_role("button", name=said("people.invite")).click()
    await expect(window.get_by_role("alert")).to_contain_text("nobody")
    site.expect("status of 404")
    await window.get_by_label(said("people.account"), exact=True).fill("alice")
    await window.get_by_role("button", name=said("people.invite")).click()
    await expect(window.get_by_label(said("people.link"))).to_be_visible()
    await window.get_by_role("button", name=said("form.close")).click()
    await expect(page.locator("tbody a[href$=alice]")).to_have_count(1)


@pytest.mark.row("C10")
async def test_a_role_is_changed_and_counts_at_once(site: Site, look: Any):
    said = look.said
    mina = await site.person("mina@house.example", "auditor")
    hers = await site.page(mina, path="/operator/accounts", **look._asdict())
    await expect(hers.get_by_role("button", name=said("accounts.make"))).to_have_count(0)
    page = await looking(site, **look._asdict())
    window = await window_of(page, said, mina.email, said("people.change"))
    await window.get_by_label(said("people.role"), exact=True).select_option("operator")
    await window.get_by_label(said("form.reason")).fill("She runs it now")
    await window.get_by_role("button", name=said("people.change")).click()
    await expect(page.get_by_role("row").filter(has_text=mina.email)).to_contain_text(said("role.operator"))
    await hers.reload()
    await expect(hers.get_by_role("button", name=said("accounts.make"))).to_be_visible()
    assert ("person:jisu@house.example", mina.email, "She runs it now") in await audited(
        site, "person.change"
    )


async def test_the_last_owner_stays_one(site: Site, look: Any):
    said = look.said
    page = await looking(site, **look._asdict())
    window = await window_of(page, said, "jisu@house.example", said("people.change"))
    await window.get_by_label(said("people.role"), exact=True).select_option("operator")
    await window.get_by_label(said("form.reason")).fill("tired")
    await window.get_by_role("button", name=said("people.change")).click()
    await expect(window.get_by_role("alert")).to_contain_text("jisu@house.example")
    site.expect("status of 400")
    await window.get_by_role("button", name=said("form.cancel")).click()
    window = await window_of(page, said, "jisu@house.example", said("people.disable"))
    await window.get_by_label(said("form.reason")).fill("tired")
    await window.get_by_role("button", name=said("people.disable")).click()
    await expect(window.get_by_role("alert")).to_contain_text("jisu@house.example")
    me = await site.house.person("jisu@house.example")
    assert (me.role, me.state) == ("owner", "active" if me.has_password else "invited")


async def test_sessions_end_and_somebody_is_let_in_no_more_and_again(site: Site, look: Any):
    said = look.said
    mina = await site.person("mina@house.example", "operator", password=PASSWORD)
    hers = await site.page(mina, path="/operator/accounts", **look._asdict())
    page = await looking(site, **look._asdict())
    window = await window_of(page, said, mina.email, said("people.leave"))
    await window.get_by_role("button", name=said("people.leave")).click()
    await expect(page.get_by_text(said("people.left", count=2))).to_be_visible()
    await hers.reload()
    await expect(hers).to_have_url(f"{site.url}/app/sign-in")
    site.expect("status of 401")
    row = page.get_by_role("row").filter(has_text=mina.email)
    window = await window_of(page, said, mina.email, said("people.disable"))
    await window.get_by_label(said("form.reason")).fill("left the firm")
    await window.get_by_role("button", name=said("people.disable")).click()
    await expect(row).to_contain_text(said("people.states.disabled"))
    window = await window_of(page, said, mina.email, said("people.enable"))
    await window.get_by_label(said("form.reason")).fill("is back")
    await window.get_by_role("button", name=said("people.enable")).click()
    await expect(row).to_contain_text(said("people.states.active"))
    reasons = [reason for *_, reason in await audited(site, "person.change")]
    assert reasons[:2] == ["is back", "left the firm"]


async def test_a_forgotten_password_gets_another_link(site: Site, look: Any):
    said = look.said
    mina = await site.person("mina@house.example", "operator", password=PASSWORD)
    page = await looking(site, **look._asdict())
    window = await window_of(page, said, mina.email, said("people.link"))
    await window.get_by_role("button", name=said("people.makeLink")).click()
    link = await window.get_by_label(said("people.link")).input_value()
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
