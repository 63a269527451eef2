"""Orders as an operator sees them: filters, every attempt made in a provider's name, and their ends."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.site import Site
from tests.edges.api.paying import CALLBACK, SECRET, Shop
from tokenhouse.settings import Callback, Payments

API = "/api/v1/orders"
WORDS = {
    "en": {
        "account": "Account",
        "search": "Search",
        "state": "State",
        "failed": "failed",
        "back": "All orders",
        "said": "What providers said",
        "unmatched": "Only what needs a look",
        "refund": "Refund",
        "reason": "Reason",
        "would": "What it would come to",
        "forged": "forged: wrong signature",
        "amount": "another amount than the order's",
        "again": "the same message again",
    },
    "ko": {
        "account": "계정",
        "search": "검색",
        "state": "상태",
        "failed": "실패",
        "back": "모든 주문",
        "said": "결제사 메시지",
        "unmatched": "확인할 것만",
        "refund": "환불",
        "reason": "사유",
        "would": "예상 결과",
        "forged": "위조: 서명이 다름",
        "amount": "주문과 금액이 다름",
        "again": "같은 메시지가 다시 옴",
    },
}


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"payments": Payments(callback=Callback(secret=SECRET))}


async def lived(site: Site) -> tuple[Shop, str]:
    """Have alice's order paid after attempts of all kinds, and bora's wait; return alice's."""
    shop = Shop(site.service, site.clock)
    await shop.stock()
    order = await shop.order("alice")
    forged = shop.signed(shop.paid(order), secret="whsec_" + "A" * 32)
    await site.service.no(401, "POST", CALLBACK, **forged)
    await site.service.no(400, "POST", CALLBACK, **shop.signed(shop.paid(order, amount=1)))
    paid = shop.signed(shop.paid(order), event="msg_paid")
    for _ in range(2):
        await site.service.ok("POST", CALLBACK, **paid)
    site.clock.move(minutes=1)
    await shop.order("bora", "manual")
    return shop, order


@pytest.mark.row("C2", "E9", "E10")
async def test_every_attempt_is_seen_and_a_refund_says_before_what_it_takes(site: Site, look):
    _, order = await lived(site)
    await site.house.charge("alice", 30_000)
    words = WORDS[look.language]
    page = await site.page(
        await site.person("kim@example.com", "operator"), **look._asdict(), path="/operator/orders"
    )
    table = page.get_by_role("region").first
    for one in (await site.service.ok("GET", API, who="auditor"))["items"]:
        row = table.get_by_role("row").filter(has_text=one["account"])
        await expect(row).to_contain_text(one["credit"]["shown"])
        await expect(row).to_contain_text(one["price"]["shown"])
    await site.looks(page, "orders")
    await page.get_by_label(words["account"], exact=True).fill("alice")
    await page.get_by_role("button", name=words["search"]).click()
    await expect(table.get_by_role("row")).to_have_count(2)
    await page.reload()
    await table.get_by_role("link").first.click()
    for reason in ("amount", "again"):
        await expect(page.get_by_role("cell", name=words[reason])).to_be_visible()
    await site.looks(page, "order")
    await page.get_by_role("button", name=words["refund"]).click()
    window = page.get_by_role("dialog")
    seen = await site.service.ok("GET", f"{API}/{order}/refund", who="auditor")
    would = window.get_by_role("region", name=words["would"])
    for figure in (seen["money"], *seen["taken_back"].values()):
        await expect(would).to_contain_text(figure["shown"])
    await window.get_by_label(words["reason"]).fill("returned")
    await site.looks(page, "order-refund")
    await window.get_by_role("button", name=words["refund"]).click()
    await expect(page.get_by_text(seen["taken_back"]["unspent"]["shown"]).first).to_be_visible()
    await expect(window).to_have_count(0)
    after = await site.service.ok("GET", f"{API}/{order}", who="auditor")
    assert (after["state"], after["reason"]) == ("refunded", "returned")
    [line] = (await site.service.ok("GET", "/api/v1/accounts/alice/entries?kind=claw_back", who="auditor"))[
        "items"
    ]
    back = seen["taken_back"]
    assert line["amount"]["value"] == "-" + back["unspent"]["value"]
    assert int(back["written_off"]["value"]) > 0


@pytest.mark.row("E9")
async def test_what_was_said_in_providers_names_is_listed(site: Site, look):
    await lived(site)
    words = WORDS[look.language]
    page = await site.page(
        await site.person("kim@example.com", "auditor"), **look._asdict(), path="/operator/orders"
    )
    await page.get_by_role("button", name=words["said"]).click()
    rows = page.get_by_role("region").get_by_role("row")
    told = (await site.service.ok("GET", "/api/v1/payment-events", who="auditor"))["items"]
    await expect(rows).to_have_count(1 + len(told))
    await expect(page.get_by_role("cell", name=words["forged"])).to_be_visible()
    await site.looks(page, "payment-events")
    await page.get_by_label(words["unmatched"]).click()
    await expect(page.get_by_label(words["unmatched"])).to_be_checked()
    await expect(rows).to_have_count(2)
    await expect(page.get_by_role("cell", name=words["amount"])).to_be_visible()
    await page.reload()
    await expect(rows).to_have_count(2)


async def test_an_order_is_completed_or_given_up_by_hand_with_a_reason(site: Site, look: Any):
    said = look.said
    shop, _ = await lived(site)
    other = await shop.order("chan", "manual")
    page = await site.page(
        await site.person("kim@example.com", "operator"),
        path="/operator/orders?state=pending",
        **look._asdict(),
    )
    before = await shop.credit("bora")
    await page.get_by_role("row").filter(has_text="bora").get_by_role("link").first.click()
    await page.get_by_role("button", name=said("orders.complete")).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("orders.reason")).fill("bank transfer")
    await window.get_by_role("button", name=said("orders.complete")).click()
    await expect(
        page.get_by_text(said("orders.wasCompleted", credit="50,000", account="bora"))
    ).to_be_visible()
    await expect(page.get_by_role("button", name=said("orders.refund"))).to_be_visible()
    assert await shop.credit("bora") == before + 50_000
    await site.go(page, f"/operator/orders/{other}")
    await page.get_by_role("button", name=said("orders.fail")).click()
    await window.get_by_label(said("orders.reason")).fill("nobody pays")
    await window.get_by_role("button", name=said("orders.fail")).click()
    await expect(page.get_by_text(said("orders.wasFailed"))).to_be_visible()
    log = (await site.service.ok("GET", "/api/v1/audit-log?action=order", who="auditor"))["items"]
    assert [(line["action"], line["reason"]) for line in log] == [
        ("order.fail", "nobody pays"),
        ("order.complete", "bank transfer"),
    ]


async def test_a_part_can_be_refunded_and_more_than_the_price_cannot(site: Site, look: Any):
    said = look.said
    _, order = await lived(site)
    page = await site.page(
        await site.person("kim@example.com", "operator"), path=f"/operator/orders/{order}", **look._asdict()
    )
    await page.get_by_role("button", name=said("orders.refund")).click()
    window = page.get_by_role("dialog")
    total = window.get_by_label(said("orders.total", currency="KRW"))
    site.expect("status of 400")
    await total.fill("a lot")
    await expect(window.get_by_text(said("orders.totalWrong", currency="KRW"))).to_be_visible()
    await expect(window.get_by_role("region", name=said("orders.would"))).to_have_count(0)
    await total.fill("99999")
    await expect(window.get_by_role("alert")).to_be_visible()
    await window.get_by_role("button", name=said("form.cancel")).click()
    await expect(window).to_have_count(0)
    await page.get_by_role("button", name=said("orders.refund")).click()
    await total.fill("3,300")
    await expect(window.get_by_role("region", name=said("orders.would"))).to_contain_text("16,667")
    await window.get_by_label(said("orders.reason")).fill("a part")
    await window.get_by_role("button", name=said("orders.refund")).click()
    await expect(window).to_have_count(0)
    one = await site.house.find_order(order)
    assert (one.state, one.refunded_minor) == ("completed", 3_300)
    await expect(page.get_by_text("₩3,300")).to_be_visible()


async def test_an_auditor_reads_and_ends_nothing(site: Site):
    _, order = await lived(site)
    page = await site.page(await site.person("kim@example.com", "auditor"), path=f"/operator/orders/{order}")
    await expect(page.get_by_text("alice")).to_be_visible()
    for name in ("Refund", "Complete by hand", "Mark as failed"):
        assert await page.get_by_role("button", name=name).count() == 0
    await site.go(page, "/operator/orders?account=nobody")
    site.expect("status of 404")
    await expect(page.get_by_role("alert")).to_contain_text("nobody")
