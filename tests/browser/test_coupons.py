"""Coupons: made one by one or many at once, used once an account, looked through, and ended with a reason."""

import csv
import io
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.lived_in import PACKAGES, SETTINGS
from tests.browser.site import Site
from tests.browser.words import Said

PATH = "/operator/coupons"
LATER_MS = 6_000
"""Longer than what people watch may be old (LIVE_MS of the pages)."""

pytestmark = pytest.mark.row("B8", "E10")


@pytest.fixture
def settings() -> dict[str, Any]:
    return SETTINGS | {"session_idle_hours": 48}


async def looking(site: Site, role: str = "operator", path: str = PATH, **look: Any) -> Page:
    """Return the page of coupons as somebody of a role sees it."""
    return await site.page(await site.person(f"{role}@house.example", role), **look, path=path)


async def asked(site: Site, method: str, path: str, who: str = "operator", **body: Any) -> Any:
    return await site.service.ok(method, f"/api/v1{path}", who=who, json=body)


async def listed(site: Site) -> list[Any]:
    found: list[Any] = (await site.service.ok("GET", "/api/v1/coupons", who="auditor"))["items"]
    return found


async def audited(site: Site, action: str) -> list[Any]:
    found = await site.service.ok("GET", f"/api/v1/audit-log?action={action}", who="auditor")
    return [(one["actor"], one["subject"], one["reason"]) for one in found["items"]]


def line(page: Page, said: Said, code: str) -> Locator:
    return page.get_by_role("row").filter(
        has=page.get_by_role("button", name=said("coupons.show", code=code))
    )


async def making(page: Page, said: Said, **fields: str) -> Locator:
    """Open the window that makes coupons and fill fields of it."""
    await page.get_by_role("button", name=said("coupons.make")).click()
    window = page.get_by_role("dialog")
    for label, value in fields.items():
        await window.get_by_label(said(f"coupons.{label}"), exact=True).fill(value)
    return window


async def send(window: Locator, said: Said) -> None:
    await window.get_by_role("button", name=said("coupons.make")).click()


async def test_a_code_is_made_and_each_use_is_seen_without_a_reload(site: Site, look: Any):
    said = look.said
    page = await looking(site, path="/operator", **look._asdict())
    await page.clock.install()
    await site.go(page, PATH)
    await expect(page.get_by_text(said("coupons.none"))).to_be_visible()
    window = await making(page, said, credit="1500", code="Welcome-2026", note="Newcomers")
    await window.get_by_label(said("coupons.uses")).fill("2")
    await send(window, said)
    await expect(window.get_by_role("textbox", name=said("coupons.list"), exact=True)).to_have_value(
        "WELCOME2026"
    )
    await window.get_by_role("button", name=said("form.close")).click()
    row = line(page, said, "WELCOME2026")
    await expect(row).to_contain_text("1,500")
    await expect(row).to_contain_text(said("coupons.usedOf", uses="0", most="2"))
    for who in ("alice", "bora"):
        await asked(site, "POST", "/accounts/me/coupons", who, code="welcome 2026")
        site.clock.move(seconds=1)
    await site.service.no(
        400, "POST", "/api/v1/accounts/me/coupons", who="bora", json={"code": "WELCOME2026"}
    )
    await page.clock.fast_forward(LATER_MS)
    (one,) = await listed(site)
    await expect(row).to_contain_text(said("coupons.usedOf", uses=one["uses"], most=one["uses_max"]))
    await expect(row).to_contain_text(said("coupons.states.used up"))
    await row.get_by_role("button").first.click()
    uses = page.get_by_role("list", name=said("coupons.who")).get_by_role("listitem")
    await expect(uses).to_have_count(2)
    told = (await site.service.ok("GET", "/api/v1/coupons/WELCOME2026/redemptions", who="auditor"))["items"]
    for nth, use in enumerate(told):
        await expect(uses.nth(nth)).to_contain_text(use["account"])
        await expect(uses.nth(nth)).to_contain_text(use["credit"]["shown"])
        (grant,) = await site.house.history(use["account"], kinds=("grant",))
        assert f"{grant.amount:,}" == use["credit"]["shown"]
    assert [use["account"] for use in told] == ["bora", "alice"]
    assert ("person:operator@house.example", "WELCOME2026", "Newcomers") in await audited(site, "coupon.make")


async def test_many_codes_at_once_are_shown_to_copy_and_as_csv(site: Site, look: Any):
    said = look.said
    page = await looking(site, **look._asdict())
    window = await making(page, said, note="Spring fair")
    await window.get_by_role("button", name=said("coupons.kinds.discount")).click()
    await window.get_by_label(said("coupons.percent")).fill("12.5")
    await window.get_by_role("button", name=said("coupons.numbers.many")).click()
    await window.get_by_label(said("coupons.count")).fill("12")
    await send(window, said)
    await expect(page.get_by_role("dialog", name=said("coupons.made", codes=12, count=12))).to_be_visible()
    codes = (await window.get_by_role("textbox", name=said("coupons.list"), exact=True).input_value()).split(
        "\n"
    )
    made = await listed(site)
    assert sorted(codes) == [one["code"] for one in made]
    assert {(one["discount_percent"], one["uses_max"], one["note"]) for one in made} == {
        ("12.5", 1, "Spring fair")
    }
    async with page.expect_download() as download:
        await window.get_by_role("link", name=said("form.download")).click()
    sheet = (await (await download.value).path()).read_text(encoding="utf-8")
    assert sheet.split() == ["code", *codes]
    await window.get_by_role("button", name=said("form.close")).click()
    await expect(page.locator("tbody tr")).to_have_count(12)
    await expect(line(page, said, codes[0])).to_contain_text(said("coupons.off", percent="12.5"))


async def test_a_discount_shows_what_it_took_off_whose_order(site: Site, look: Any):
    said = look.said
    await asked(site, "PUT", "/packages/small", **PACKAGES["small"])
    await asked(site, "PUT", "/packages/large", **PACKAGES["large"])
    page = await looking(site, **look._asdict())
    window = await making(page, said, code="SALE", note="Sale")
    await window.get_by_role("button", name=said("coupons.kinds.discount")).click()
    await window.get_by_label(said("coupons.percent")).fill("20")
    await window.get_by_label(said("coupons.uses")).fill("")
    await window.get_by_text(said("coupons.only")).click()
    await window.get_by_label("large").check()
    await send(window, said)
    await window.get_by_role("button", name=said("form.close")).click()
    order = {"currency": "KRW", "provider": "manual", "coupon": "SALE"}
    bought = await asked(site, "POST", "/accounts/me/orders", "alice", package="large", **order)
    wrong = {"package": "small", **order}
    await site.service.no(400, "POST", "/api/v1/accounts/me/orders", who="bora", json=wrong)
    await page.reload()
    await expect(line(page, said, "SALE")).to_contain_text(said("coupons.usedAny", uses=1))
    await page.get_by_role("button", name=said("coupons.show", code="SALE")).click()
    window = page.get_by_role("dialog")
    await expect(window).to_contain_text(said("coupons.onlyPackages", names="large"))
    worth = said(
        "coupons.paid", discount=bought["order"]["discount"]["shown"], price=bought["order"]["price"]["shown"]
    )
    await expect(window).to_contain_text(worth)
    await window.get_by_role("link", name=said("coupons.orderOf", account="alice")).click()
    await expect(page).to_have_url(f"{site.url}/app/operator/orders/{bought['order']['id']}")


async def test_a_code_has_its_days_and_so_has_its_credit(site: Site, look: Any):
    said = look.said
    page = await looking(site, **look._asdict())
    today = site.clock().date().isoformat()
    window = await making(page, said, code="TODAY", note="One day", end=today)
    await window.get_by_label(said("coupons.credit")).fill("10")
    await window.get_by_label(said("coupons.days")).fill("30")
    await send(window, said)
    await window.get_by_role("button", name=said("form.close")).click()
    await expect(line(page, said, "TODAY")).to_contain_text(said("coupons.lives", days="30"))
    (one,) = await listed(site)
    assert (one["credit_days"], one["valid_until"][10:]) == (30, "T15:00:00Z"), (
        "where the operator's day ends"
    )
    site.clock.move(days=1)
    await page.reload()
    await expect(line(page, said, "TODAY")).to_contain_text(said("coupons.states.expired"))


async def test_what_is_wrong_is_said_in_the_window(site: Site, look: Any):
    said = look.said
    await asked(site, "POST", "/coupons", code="TAKEN", credit="5")
    page = await looking(site, **look._asdict())
    site.expect("status of 400")
    window = await making(page, said, code="taken", credit="5", note="Twice")
    await send(window, said)
    await expect(window.get_by_role("alert")).to_contain_text("TAKEN")
    await window.get_by_label(said("coupons.code"), exact=True).fill("FRESH")
    await window.get_by_label(said("coupons.credit")).fill("many")
    await send(window, said)
    await expect(window.get_by_role("alert")).to_contain_text("many")
    await window.get_by_label(said("coupons.credit")).fill("5")
    await send(window, said)
    await expect(window.get_by_role("textbox", name=said("coupons.list"), exact=True)).to_have_value("FRESH")


async def test_a_coupon_is_ended_with_a_reason(site: Site, look: Any):
    said = look.said
    await asked(site, "POST", "/coupons", code="LEAKED", credit="5", uses_max=None)
    await asked(site, "POST", "/accounts/me/coupons", "alice", code="LEAKED")
    page = await looking(site, **look._asdict())
    await page.get_by_role("button", name=said("coupons.endOf", code="LEAKED")).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("form.reason")).fill("It stood in a forum")
    await window.get_by_role("button", name=said("coupons.ending")).click()
    await expect(page.get_by_text(said("coupons.ended", code="LEAKED"))).to_be_visible()
    await expect(line(page, said, "LEAKED")).to_contain_text(said("coupons.states.ended"))
    await expect(page.get_by_role("button", name=said("coupons.endOf", code="LEAKED"))).to_have_count(0)
    await site.service.no(400, "POST", "/api/v1/accounts/me/coupons", who="bora", json={"code": "LEAKED"})
    assert ("person:operator@house.example", "LEAKED", "It stood in a forum") in await audited(
        site, "coupon.end"
    )


async def test_coupons_are_found_and_taken_along_as_csv(site: Site, look: Any):
    said = look.said
    await asked(site, "POST", "/coupons", count=3, credit="5", note="Fair in Busan")
    await asked(site, "POST", "/coupons", code="SALE-2026", discount="0.2", note="Autumn")
    await asked(site, "POST", "/coupons/SALE2026/end", reason="over")
    page = await looking(site, **look._asdict())
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(4)
    await page.get_by_role("searchbox").fill("busan")
    await expect(rows).to_have_count(3)
    async with page.expect_download() as download:
        await page.get_by_role("link", name=said("form.download")).click()
    sheet = (await (await download.value).path()).read_text(encoding="utf-8-sig")
    codes = [one["code"] for one in csv.DictReader(io.StringIO(sheet))]
    assert codes == [one["code"] for one in await listed(site) if one["note"] == "Fair in Busan"]
    await page.get_by_role("searchbox").fill("sale-20")
    await expect(rows).to_have_count(1)
    await page.get_by_label(said("coupons.state")).select_option("ended")
    await page.reload()
    await expect(page.get_by_role("searchbox")).to_have_value("sale-20")
    await expect(line(page, said, "SALE2026")).to_contain_text(said("coupons.off", percent="20"))
    await page.get_by_label(said("coupons.state")).select_option("active")
    await expect(page.get_by_text(said("coupons.noneSo"))).to_be_visible()


async def test_the_next_page_of_coupons_comes_when_it_is_asked_for(site: Site):
    await asked(site, "POST", "/coupons", count=60, credit="5")
    page = await looking(site)
    await expect(page.locator("tbody tr")).to_have_count(50)
    await page.get_by_role("button", name="Show more").click()
    await expect(page.locator("tbody tr")).to_have_count(60)
    shown = await page.locator("tbody tr td:first-child button").all_inner_texts()
    assert shown == [one["code"] for one in await listed(site)]


async def test_auditors_read_users_see_nothing_and_a_lost_service_is_said(site: Site):
    await asked(site, "POST", "/coupons", code="SALE", discount="0.2")
    said = Said("en")
    page = await looking(site, "auditor")
    await expect(line(page, said, "SALE")).to_contain_text("20% off")
    for name in ("Make coupons", "End SALE"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await page.get_by_role("button", name="Who used SALE").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Nobody has used it yet.")
    theirs = await site.page(await site.person("alice@example.com"), path=PATH)
    await expect(theirs.get_by_text("This page is for other roles than yours.")).to_be_visible()
    lost = await site.page(await site.person("owner@house.example", "owner"), path=None)
    site.expect("net::ERR")
    await lost.route("**/api/v1/coupons?*", lambda route: route.abort())
    await lost.goto(f"{site.url}/app{PATH}")
    alert = lost.get_by_role("main").get_by_role("alert")
    await expect(alert).to_contain_text("cannot be reached")
    await lost.unroute("**/api/v1/coupons?*")
    await alert.get_by_role("button", name="Try again").click()
    await expect(line(lost, said, "SALE")).to_be_visible()


async def test_coupons_are_fit_to_be_seen(site: Site, look: Any):
    await asked(site, "PUT", "/packages/large", **PACKAGES["large"])
    await asked(site, "POST", "/coupons", code="WELCOME-2026", credit="10000", uses_max=None, credit_days=30)
    await asked(site, "POST", "/coupons", count=2, discount="0.15", uses_max=100, note="For the spring fair")
    await asked(site, "POST", "/coupons", code="LEAKED", credit="5")
    await asked(site, "POST", "/coupons/LEAKED/end", reason="It stood in a forum")
    await asked(site, "POST", "/accounts/me/coupons", "alice", code="WELCOME-2026")
    page = await looking(site, **look._asdict())
    await site.looks(page, "operator-coupons")
    await page.get_by_role("button", name="WELCOME2026").first.click()
    await site.looks(page, "operator-coupons-used")
    await page.keyboard.press("Escape")
    korean = look.language == "ko"
    await page.get_by_role("button", name="쿠폰 만들기" if korean else "Make coupons").click()
    window = page.get_by_role("dialog")
    await window.locator("summary").click()
    await site.looks(page, "operator-coupons-make")
    await window.get_by_role("button", name="여러 개" if korean else "Many codes").click()
    await window.get_by_label("코드당 지급량" if korean else "Credit of each code").fill("700")
    await window.get_by_label("용도" if korean else "What it is for").fill("한빛 축제")
    await window.get_by_role("button", name="쿠폰 만들기" if korean else "Make coupons").click()
    await expect(window.locator("textarea")).to_be_visible()
    await site.looks(page, "operator-coupons-made")
