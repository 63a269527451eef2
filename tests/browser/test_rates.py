"""Rates as an operator sees them: own ones before the list, history, and prices that cannot be right."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.site import Site

API = "/api/v1/rates"
WORDS = {
    "en": (
        "Own price",
        "Model, or the start of names and *",
        "Input, for a million tokens",
        "Output, for a million tokens",
        "Reason",
        "Held back",
        "Accept",
    ),
    "ko": (
        "단가 직접 정하기",
        "모델 이름, 또는 이름의 앞부분과 *",
        "입력, 백만 토큰당",
        "출력, 백만 토큰당",
        "사유",
        "보류",
        "적용",
    ),
}


async def priced(site: Site) -> None:
    """Have a list, an own price over it, and one that cannot be right."""
    listed = {"listed": True, "reason": "list"}
    two = [
        {"model": "gpt-4o", "input": "2.50", "output": "10"},
        {"model": "claude-*", "input": "3", "output": "15", "cached_input": "0.30"},
    ]
    await site.service.ok("POST", API, who="operator", json={"rates": two} | listed)
    own = {"model": "gpt-4o", "input": "2.00", "output": "8", "starts_at": "2026-11-01T00:00:00Z"}
    await site.service.ok("POST", API, who="operator", json={"rates": [own], "reason": "contract"})
    absurd = {"model": "gpt-9", "input": "2500000000", "output": "1"}
    await site.service.ok("POST", API, who="operator", json={"rates": [absurd], "reason": "typo"})


@pytest.mark.row("B8", "D10", "E4", "E10")
async def test_rates_are_added_and_each_model_has_its_history(site: Site, look):
    await priced(site)
    add, model, cost_in, cost_out, reason, *_ = WORDS[look.language]
    page = await site.page(
        await site.person("kim@example.com", "operator"), **look._asdict(), path="/operator/rates"
    )
    table = page.get_by_role("region").first
    for one in (await site.service.ok("GET", API, who="auditor"))["items"]:
        row = table.get_by_role("row").filter(has_text=one["model"]).filter(has_text=one["prices"]["output"])
        await expect(row.first).to_contain_text(one["prices"]["input"])
    await site.looks(page, "rates")
    await page.get_by_role("button", name=add).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(model).fill("hcx-005")
    await window.get_by_label(cost_in).fill("1.25")
    await window.get_by_label(cost_out).fill("5")
    await window.get_by_label(reason).fill("our own model")
    await site.looks(page, "rate-add")
    await window.get_by_role("button", name=add).click()
    await expect(table.get_by_role("row").filter(has_text="hcx-005")).to_contain_text("1.25")
    await page.get_by_role("searchbox").fill("gpt-4o")
    await expect(table.get_by_role("row")).to_have_count(3)
    await table.get_by_role("link").first.click()
    history = await site.service.ok("GET", f"{API}/history?model=gpt-4o", who="auditor")
    lines = page.get_by_role("main").get_by_role("table").get_by_role("row")
    await expect(lines).to_have_count(1 + len(history["items"]))
    for nth, one in enumerate(history["items"], 1):
        await expect(lines.nth(nth)).to_contain_text(one["rate"]["prices"]["input"])
        await expect(lines.nth(nth)).to_contain_text(str(one["rate"]["version"]))
    await site.looks(page, "rate-history")


async def test_a_window_begins_at_its_first_line_and_gives_the_focus_back(site: Site):
    page = await site.page(await site.person("kim@example.com", "operator"), path="/operator/rates")
    button = page.get_by_role("button", name="Own price")
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_role("textbox").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(button).to_be_focused()


async def test_rates_are_asked_for_when_a_writer_rests(site: Site):
    await priced(site)
    page = await site.page(await site.person("kim@example.com", "auditor"), path="/operator/rates")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/api/v1/rates?" in one.url else None)
    await page.get_by_role("searchbox").press_sequentially("gpt-4o")
    await expect(page.get_by_role("main").get_by_role("row")).to_have_count(3)
    assert len(asked) < len("gpt-4o")
    assert "text=gpt-4o" in asked[-1]


@pytest.mark.row("E4")
async def test_a_price_that_cannot_be_right_waits_for_a_person(site: Site, look):
    await priced(site)
    *_, reason, held, accept = WORDS[look.language]
    page = await site.page(
        await site.person("kim@example.com", "operator"), **look._asdict(), path="/operator/rates"
    )
    await page.get_by_role("button", name=f"{held} (1)").click()
    language = {"accept-language": look.language}
    [one] = (await site.service.ok("GET", f"{API}/held", who="auditor", headers=language))["items"]
    await expect(page.get_by_text(one["why"])).to_be_visible()
    await site.looks(page, "rates-held")
    await page.get_by_role("button", name=accept, exact=True).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(reason).fill("it is so")
    await window.get_by_role("button", name=accept, exact=True).click()
    await expect(window).to_have_count(0)
    await expect(page.get_by_role("button", name=held, exact=True)).to_be_visible()
    assert await site.house.held_rates() == []
    [line, *_] = (await site.service.ok("GET", "/api/v1/audit-log?action=rate.accept", who="auditor"))[
        "items"
    ]
    assert line["reason"] == "it is so"


async def test_a_wrong_price_is_said_and_an_auditor_adds_none(site: Site, look: Any):
    said = look.said
    page = await site.page(
        await site.person("kim@example.com", "operator"), path="/operator/rates", **look._asdict()
    )
    await expect(page.get_by_text(said("rates.none"))).to_be_visible()
    await page.get_by_role("button", name=said("rates.add")).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("rates.pattern")).fill("a*b")
    await window.get_by_label(said("rates.input")).fill("1")
    await window.get_by_label(said("rates.output")).fill("1")
    await window.get_by_label(said("form.reason")).fill("x")
    await window.get_by_role("button", name=said("rates.add")).click()
    await expect(window.get_by_role("alert")).to_contain_text("a*b")
    site.expect("status of 400")
    page = await site.page(
        await site.person("lee@example.com", "auditor"), path="/operator/rates", **look._asdict()
    )
    await expect(page.get_by_text(said("rates.none"))).to_be_visible()
    assert await page.get_by_role("button", name=said("rates.add")).count() == 0
