"""The first page: the card in its five states, origins, forecast, what was used; every figure the API's."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.replayed import replayed
from tests.browser.site import Person, Site
from tokenhouse import Price, Usage

WORDS = {
    "en": {
        "usage": "Usage",
        "buy": "Buy more",
        "normal": "All is well.",
        "warning": "Nearly used up",
        "critical": "Almost nothing is left",
        "blocked": "Used up. Calls are refused",
        "forecast": "How long it lasts",
        "unknown": "That cannot be told yet",
        "origins": "Where your credit comes from",
    },
    "ko": {
        "usage": "사용량",
        "buy": "추가 구매",
        "normal": "충분히 남아 있습니다.",
        "warning": "크레딧이 얼마 남지 않았습니다",
        "critical": "크레딧이 거의 소진되었습니다",
        "blocked": "모두 사용했습니다",
        "forecast": "예상 소진 시점",
        "unknown": "아직 예측할 수 없습니다",
        "origins": "크레딧 구성",
    },
}
STATES = {
    "normal": 1_000,
    "buy": 80_000,
    "warning": 90_000,
    "critical": 95_000,
    "blocked": 105_000,
}
"""What is used of 100,000 in each state of the card."""


LATER_MS = 6_000
"""Longer than what people watch may be old (LIVE_MS of the pages)."""


async def watched(site: Site, person: Person, path: str, **look: Any) -> Page:
    """Open a page whose time the test can move."""
    page = await site.page(person, **look, path=None)
    await page.clock.install()
    await site.go(page, path)
    return page


def card(page: Page):
    return page.locator("[data-level]")


async def told(site: Site, person: Person, what: str = "balance") -> Any:
    """Return what the API says to the person itself."""
    return await site.service.ok("GET", f"/api/v1/accounts/{person.account}/{what}", who="auditor")


async def use(site: Site, account: str, amount: int, **how: Any) -> None:
    """Have an account use so much, whatever it has."""
    await site.house.charge(account, amount, **how)


@pytest.mark.row("B3")
@pytest.mark.parametrize("state", STATES)
async def test_the_card_has_five_states(site: Site, look, state: str):
    words = WORDS[look.language]
    alice = await site.person()
    for part in (STATES[state] - 1_000, 1_000):
        if part > 0:
            await use(site, "alice", part, model="m", usage=Usage(input=part - 10, output=10))
    page = await site.page(alice, **look._asdict())
    balance = await told(site, alice)
    await expect(card(page)).to_have_attribute("data-level", state)
    assert balance["level"] == state
    await expect(card(page)).to_contain_text(balance["remaining"]["shown"])
    await expect(card(page)).to_contain_text(balance["used"]["shown"])
    buy = card(page).get_by_role("link", name=words["buy"])
    await expect(buy).to_have_count(0 if state == "normal" else 1)
    banner = card(page).get_by_role("alert")
    if state in ("critical", "blocked"):
        await expect(banner).to_contain_text(words[state])
    else:
        await expect(banner).to_have_count(0)
    if state == "warning":
        await expect(card(page).get_by_role("status").first).to_contain_text(words[state])
    if state in ("normal", "buy", "warning", "critical"):
        assert balance["estimated_turns"] is not None
        await expect(card(page)).to_contain_text(str(balance["estimated_turns"]))
    await site.looks(page, f"usage-{state}")
    if state != "normal":
        await buy.click()
        await expect(page).to_have_url(f"{site.url}/app/buy")


@pytest.mark.row("B3", "E10")
async def test_an_operator_s_grant_is_seen_without_reload(site: Site, look):
    gone = look.said("usage.forecast.gone")
    alice = await site.person()
    await use(site, "alice", 105_000)
    page = await watched(site, alice, "/", **look._asdict())
    await expect(card(page)).to_have_attribute("data-level", "blocked")
    forecast = page.get_by_role("region", name=WORDS[look.language]["forecast"])
    await expect(forecast).to_contain_text(gone)
    await site.service.ok(
        "POST",
        "/api/v1/accounts/alice/grants",
        who="operator",
        json={"amount": "900000", "source": "bonus", "reason": "goodwill"},
    )
    await page.clock.fast_forward(LATER_MS)
    await expect(card(page)).to_have_attribute("data-level", "normal")
    balance = await told(site, alice)
    await expect(card(page)).to_contain_text(balance["remaining"]["shown"])
    await expect(page.locator("[data-origin=bonus]")).to_contain_text(balance["origins"][2]["left"]["shown"])
    await expect(forecast).not_to_contain_text(gone)
    await use(site, "alice", 4_321)
    await page.clock.fast_forward(LATER_MS)
    await expect(page.get_by_role("figure")).to_contain_text("109,321")


@pytest.mark.row("B3", "E10")
async def test_credit_is_told_by_origin_with_its_ends(site: Site, look):
    house = site.house
    alice = await site.person()
    await house.grant("alice", 700, source="bonus", expires_at=site.clock() + timedelta(days=5))
    await house.grant("alice", 300, source="coupon", expires_at=site.clock() + timedelta(days=9))
    order = await house.order("alice", 5_000, price=Price(minor=9_900))
    await house.complete_order("alice", order.id)
    reservation = await house.reserve("alice", 1_234)
    page = await site.page(alice, **look._asdict())
    balance = await told(site, alice)
    for one in balance["origins"]:
        await expect(page.locator(f"[data-origin={one['origin']}] > p")).to_contain_text(one["left"]["shown"])
    for lot in balance["lots"]:
        part = page.locator(f"[data-origin={lot['origin']}]")
        await expect(part).to_contain_text(lot["left"]["shown"])
    bonus = page.locator("[data-origin=bonus]")
    await expect(bonus).to_contain_text("Nov 26, 2026" if look.language == "en" else "2026. 11. 26.")
    await expect(page.get_by_text("1,234", exact=True)).to_be_visible()
    await site.looks(page, "usage-origins")
    await house.release("alice", reservation.id)
    await expect(page.get_by_text("1,234", exact=True)).to_have_count(0)


@pytest.mark.row("B8", "C9", "D11", "E10", "E11")
async def test_every_figure_of_a_replayed_account_is_the_api_s_and_the_journal_s(site: Site, look):
    words = WORDS[look.language]
    person = await replayed(site)
    page = await site.page(person, **look._asdict())
    balance = await site.house.balance(person.account)
    shown = f"{balance.remaining:,}"
    await expect(card(page)).to_contain_text(shown)
    entries = await site.house.history(person.account, rows_max=1_000)
    assert balance.remaining == max(entries[0].balance_after, 0)
    used = await site.house.use_between(person.account, by="model")
    journal = [one for one in entries if one.kind == "charge"]
    assert used.total.charged == sum(one.charge for one in journal)
    assert used.total.turns == len(journal) > 20
    chart = page.get_by_role("figure")
    await expect(chart).to_contain_text(f"{used.total.charged:,}")
    await expect(chart).to_contain_text(f"{used.total.turns}")
    await site.looks(page, "usage")
    await chart.get_by_role("button").click()
    for one in used.lines:
        await expect(chart.get_by_role("cell", name=f"{one.charged:,}", exact=True).first).to_be_visible()
    outlook = await site.house.forecast(person.account)
    section = page.get_by_role("region", name=words["forecast"])
    await expect(section).to_contain_text(f"{outlook.per_day:,}")
    for at in (outlook.exhausted_at, outlook.earliest_at, outlook.latest_at):
        if at is not None:
            await expect(section).to_contain_text(day(at, look.language))


def day(at: datetime, language: str) -> str:
    """Return a day as the pages say it, in Seoul."""
    there = at + timedelta(hours=9)
    return (
        f"{there:%b} {there.day}, {there.year}"
        if language == "en"
        else f"{there.year}. {there.month}. {there.day}."
    )


async def test_a_new_account_is_told_what_cannot_be_known_yet(site: Site, look):
    words = WORDS[look.language]
    page = await site.page(await site.person(), **look._asdict())
    await expect(page.get_by_role("region", name=words["forecast"])).to_contain_text(words["unknown"])
    await expect(page.get_by_role("figure")).to_have_count(0)
    await site.looks(page, "usage-new")


@pytest.mark.row("E8", "E10")
async def test_a_member_of_a_team_sees_who_pays(site: Site, look):
    house = site.house
    await house.account("acme", kind="company")
    await house.account("lab", kind="team", parent="acme")
    await house.account("u1", parent="lab")
    person = await site.person("u1@example.com", account="u1")
    await house.charge("u1", 40_000)
    page = await site.page(person, **look._asdict())
    await expect(page.get_by_role("main")).to_contain_text("acme \u203a lab \u203a u1")
    await expect(card(page)).to_contain_text("60,000")
    await expect(page.get_by_role("main")).to_contain_text("40,000")
    await site.looks(page, "usage-member")
    await house.account("u2", parent="lab")
    await house.charge("u2", 65_000)
    await expect(card(page)).to_have_attribute("data-level", "blocked")
    await expect(card(page).get_by_role("alert")).to_contain_text("acme")
    await expect(card(page).get_by_role("link")).to_have_count(0)
    await site.looks(page, "usage-team-blocked")


async def test_a_suspended_account_says_so(site: Site, look):
    alice = await site.person()
    await site.house.amend("alice", state="suspended", note="unpaid")
    page = await site.page(alice, **look._asdict())
    await expect(card(page).get_by_role("alert")).to_have_text(look.said("card.shut.suspended"))


async def test_who_only_looks_is_not_told_to_buy(site: Site, look):
    said = look.said
    await site.person()
    await use(site, "alice", 90_000)
    await use(site, "alice", 6_000)
    operator = await site.person("omar@example.com", "operator")
    page = await site.page(operator, **look._asdict(), path="/operator/accounts/alice")
    await expect(card(page).get_by_role("alert")).to_have_text(said("card.stateSeen.critical"))
    await expect(page.get_by_role("link", name=said("card.buy"))).to_have_count(0)
    await expect(page.get_by_text(said("card.state.critical"))).to_have_count(0)


async def test_the_plan_is_called_by_its_title(site: Site, look):
    page = await site.page(await site.person(), **look._asdict())
    await expect(card(page)).to_contain_text(look.said("card.plan", plan="Chat tokens"))


async def test_without_network_the_last_seen_stays_and_is_marked(site: Site, look):
    page = await watched(site, await site.person(), "/", **look._asdict())
    await expect(card(page)).to_contain_text("100,000")
    site.expect("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    await page.context.set_offline(True)
    stale = {"en": "This is what was last seen", "ko": "마지막으로 확인한 내용"}[look.language]
    await page.clock.fast_forward(LATER_MS)
    await expect(page.get_by_text(stale).first).to_be_visible()
    await expect(card(page)).to_contain_text("100,000")
    await page.context.set_offline(False)
    await use(site, "alice", 1_000)
    await page.clock.fast_forward(LATER_MS)
    await expect(card(page)).to_contain_text("99,000")
    await expect(page.get_by_text(stale)).to_have_count(0)


async def test_an_account_that_cannot_be_read_says_what_to_do(site: Site, look):
    alice = await site.person()
    page = await site.page(alice, **look._asdict(), path=None)
    await page.clock.install()
    site.expect("status of 503")
    body = '{"type":"x","title":"Busy","status":503,"detail":"Come back in a moment.","code":"busy"}'

    async def busy(route: Any) -> None:
        await route.fulfill(status=503, content_type="application/problem+json", body=body)

    await page.route("**/balance", busy)
    await page.goto(f"{site.url}/app/")
    await expect(page.get_by_role("status", name=look.said("state.loading"))).to_be_visible()
    for _ in range(5):  # Its own tries take some seconds, which pass here at once.
        await page.clock.run_for(2_000)
    await expect(page.get_by_role("alert")).to_contain_text("Come back in a moment.")
    await page.unroute("**/balance")
    await page.get_by_role("button", name=look.said("state.again")).click()
    await expect(card(page)).to_contain_text("100,000")


async def test_the_first_page_is_fit_to_be_seen(site: Site, every_look):
    alice = await site.person()
    for model, amount in (("small", 6_000), ("big", 40_000), ("small", 9_000), ("big", 22_000)):
        await use(site, "alice", amount, model=model, usage=Usage(input=amount))
        site.clock.move(days=2)
    await site.house.grant("alice", 5_000, expires_at=site.clock() + timedelta(days=30))
    page = await site.page(alice, **every_look._asdict())
    await expect(card(page)).to_have_attribute("data-level", "normal")
    await site.looks(page, "usage-used")
