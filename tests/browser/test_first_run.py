"""The first run: a link out of the terminal makes the owner, and a real trace gives every page something."""

import pytest
from playwright.async_api import expect

from tests.browser.site import PASSWORD, Site

WORDS = {
    "en": ("E-mail", "Your name", "Password", "Become the owner", "Load sample data", "First steps"),
    "ko": ("이메일", "이름", "비밀번호", "소유자로 시작하기", "예시 데이터 넣기", "첫걸음"),
}


@pytest.mark.row("E10", "E12")
async def test_a_newcomer_becomes_the_owner_and_sees_something(site: Site, look):
    email, name, password, become, load, steps = WORDS[look.language]
    await site.house.account("demo")
    offered = await site.house.offer_ownership("demo")
    page = await site.page(**look._asdict(), path=f"/owner#{offered.link}")
    await site.looks(page, "first-owner")
    await page.get_by_label(email, exact=True).fill("jisu@example.com")
    await page.get_by_label(name, exact=True).fill("지수")
    await page.get_by_label(password).fill(PASSWORD)
    await page.get_by_role("button", name=become).click()
    await expect(page).to_have_url(f"{site.url}/app/operator")
    [owner] = await site.house.people()
    assert owner.time_zone == "Asia/Seoul"
    first = page.get_by_role("region", name=steps)
    await expect(first).to_be_visible()
    await site.looks(page, "first-steps")
    await first.get_by_role("button", name=load).click()
    await expect(first.get_by_role("progressbar")).to_be_visible()
    await page.reload()
    await expect(first.get_by_role("progressbar")).to_be_visible()
    await expect(first).to_have_count(0, timeout=60_000)
    assert (await site.service.ok("GET", "/api/v1/statistics", who="auditor"))["overview"]["accounts"] == 73


async def test_a_link_that_was_used_says_so(site: Site, look):
    email, _, password, become, *_ = WORDS[look.language]
    offered = await site.house.offer_ownership()
    await site.house.become_owner(offered.link, email="first@example.com", password=PASSWORD)
    page = await site.page(**look._asdict(), path=f"/owner#{offered.link}")
    site.expect("status of 401")
    await page.get_by_label(email, exact=True).fill("eve@example.com")
    await page.get_by_label(password).fill(PASSWORD)
    await page.get_by_role("button", name=become).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label(email, exact=True)).to_have_value("eve@example.com")
