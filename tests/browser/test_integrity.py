"""Integrity: verify from the page, watch it over a reload, read its findings, call it off."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Person, Site
from tokenhouse.flow import audit
from tokenhouse.store.pool import connect

INTEGRITY = "/operator/integrity"
WORDS = {
    "en": {
        "start": "Verify now",
        "reason": "Reason",
        "clean": "Every law holds.",
        "one": "1 finding.",
        "do": "the stored use is not the journal's.",
        "findings": "What does not agree",
        "without": "Without a balance",
    },
    "ko": {
        "start": "지금 검증",
        "reason": "사유",
        "clean": "모든 원칙이 지켜집니다.",
        "one": "1건을 발견했습니다.",
        "do": "저장된 사용량이 원장과 다릅니다.",
        "findings": "맞지 않는 것",
        "without": "잔액 없는 계정",
    },
}


async def operator(site: Site, role: str = "operator") -> Person:
    return await site.person(f"{role}@example.com", role)


async def begin(page: Page, words: dict[str, str]) -> None:
    """Start to verify, and say why."""
    await page.get_by_role("button", name=words["start"]).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(words["reason"]).fill("end of month")
    await window.get_by_role("button", name=words["start"]).click()
    await expect(window).to_have_count(0)


@pytest.mark.row("A1", "A2", "E10")
async def test_verify_finds_what_does_not_agree(site: Site, database: str, look: Any):
    words = WORDS[look.language]
    await site.house.account("bora")
    await site.house.charge("bora", 1_000)
    page = await site.page(await operator(site), **look._asdict(), path=INTEGRITY)
    await begin(page, words)
    await expect(page.get_by_text(words["clean"])).to_be_visible()
    connection = await connect(database)
    await connection.execute("update tokenhouse.balances set used = used + 7")
    await connection.close()
    site.clock.move(minutes=1)
    await begin(page, words)
    await expect(page.get_by_role("status").filter(has_text=words["one"])).to_be_visible()
    [last, first] = (await site.service.ok("GET", "/api/v1/verifications", who="auditor"))["items"]
    assert (first["state"], last["state"]) == ("clean", "broken")
    [told] = last["verdict"]["findings"]
    table = page.get_by_role("region", name=words["findings"])
    for said in (told["account"], told["figure"], told["expected"], told["found"], words["do"]):
        await expect(table).to_contain_text(said)
    await site.looks(page, "integrity-findings")
    await page.reload()
    await site.rest(page)
    check = await site.service.ok("GET", "/api/v1/check", who="auditor")
    named = page.get_by_text(words["without"], exact=True)
    figure = page.locator("dl > div").filter(has=named).locator("dd").first
    await expect(figure).to_contain_text(str(check["without_balance"]))
    sums = check["overview"]
    shown = (f"{sums['accounts']:,}", f"{sums['turns']:,}", sums["used"]["shown"], sums["bought"]["shown"])
    seen = await page.locator("dl > div > dd:nth-child(2)").all_inner_texts()
    assert set(shown) <= set(seen), seen
    [change, _] = (await site.service.ok("GET", "/api/v1/audit-log?action=verification", who="auditor"))[
        "items"
    ]
    assert change["reason"] == "end of month"
    await table.get_by_role("link", name="bora").click()
    await expect(page).to_have_url(f"{site.url}/app/operator/accounts/bora")


@pytest.mark.row("A2", "E10")
async def test_one_under_way_survives_a_reload_and_is_called_off(site: Site, monkeypatch: Any, look: Any):
    said = look.said
    going = asyncio.Event()

    async def endless(*_: Any, progress: Any, **__: Any) -> None:
        progress(1)
        going.set()
        await asyncio.Event().wait()

    await site.house.account("bora")
    words = WORDS[look.language]
    page = await site.page(await operator(site), path=INTEGRITY, **look._asdict())
    monkeypatch.setattr(audit, "verify", endless)
    await begin(page, words)
    await going.wait()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await expect(page.get_by_role("button", name=words["start"])).to_be_disabled()
    await expect(page.get_by_role("main").get_by_role("status").filter(has_text="1")).to_be_visible()
    await page.get_by_role("button", name=said("integrity.cancel")).click()
    await expect(page.get_by_text(said("integrity.said.cancelled"))).to_be_visible()
    await expect(page.get_by_role("button", name=words["start"])).to_be_enabled()


@pytest.mark.row("A2", "E10")
async def test_one_account_alone_and_one_that_is_not_there(site: Site, look: Any):
    said = look.said
    await site.house.account("bora")
    page = await site.page(await operator(site), path=INTEGRITY, **look._asdict())
    await expect(page.get_by_text(said("integrity.none"))).to_be_visible()
    site.expect("404")
    for name in ("nobody", "bora"):
        if name == "nobody":
            await page.get_by_role("button", name=said("integrity.start")).click()
        window = page.get_by_role("dialog")
        await window.get_by_label(said("integrity.account")).fill(name)
        await window.get_by_label(said("form.reason")).fill("asked")
        await window.get_by_role("button", name=said("integrity.start")).click()
        if name == "nobody":
            await expect(window.get_by_role("alert")).to_contain_text("nobody")
    await expect(page.get_by_role("region", name="bora")).to_be_visible()


@pytest.mark.row("A1", "E10")
async def test_an_auditor_reads_and_sees_who_waits(site: Site, database: str):
    await site.house.account("bora")
    connection = await connect(database)
    await connection.execute(
        "insert into tokenhouse.accounts (cell, id, ref, kind, created_at) values (1, 999, 'x', 'user', $1)",
        site.clock(),
    )
    await connection.close()
    page = await site.page(await operator(site, "auditor"), path=INTEGRITY)
    await expect(page.get_by_role("button", name="Verify now")).to_have_count(0)
    named = page.get_by_text("Without a balance", exact=True)
    figure = page.locator("dl > div").filter(has=named)
    await expect(figure).to_contain_text("1 (50 %)")
    await expect(figure).to_contain_text("tokenhouse init")
