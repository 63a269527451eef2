"""The history: chart and lines, filtered and paged, each explained; and what is handed out as a table."""

import asyncio
import csv
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.replayed import replayed
from tests.browser.site import Person, Site
from tokenhouse import Usage

WORDS = {
    "en": {
        "lines": "Entries",
        "range": "Time",
        "model": "Model",
        "key": "API key",
        "given": "Received",
        "csv": "Download CSV",
        "more": "Show more",
        "none": "Nothing matches",
        "charge": "Call",
        "own": "From … until",
        "from": "From",
        "until": "Until",
        "begin": "From the beginning",
        "close": "Escape",
    },
    "ko": {
        "lines": "내역",
        "range": "기간",
        "model": "모델",
        "key": "API 키",
        "given": "지급",
        "csv": "CSV 내려받기",
        "more": "더 보기",
        "none": "조건에 맞는 내역이 없습니다",
        "charge": "호출",
        "own": "직접 선택",
        "from": "시작",
        "until": "끝",
        "begin": "처음부터",
        "close": "Escape",
    },
}


def lines(page: Page, words: dict[str, str]):
    """Return the lines of the journal, without its head."""
    return page.get_by_role("region", name=words["lines"]).last.get_by_role("row")


async def entries(site: Site, account: str, **params: Any) -> list[dict[str, Any]]:
    """Return every entry that the API tells an auditor of."""
    found, cursor = [], None
    while True:
        asked = params | {"limit": 1_000} | ({"cursor": cursor} if cursor else {})
        page = await site.service.ok(
            "GET", f"/api/v1/accounts/{account}/entries", who="auditor", params=asked
        )
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


async def choose(page: Page, label: str, value: str) -> None:
    await page.get_by_label(label, exact=True).select_option(value)


async def table(page: Page, words: dict[str, str]) -> list[dict[str, str]]:
    """Return what the page hands out as CSV."""
    async with page.expect_download() as waited:
        await page.get_by_role("link", name=words["csv"]).click()
    download = await waited.value
    assert download.suggested_filename == "entries.csv"
    return await asyncio.to_thread(read, await download.path())


def read(file: Path) -> list[dict[str, str]]:
    """Return the lines of a CSV by column."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.row("B8", "D6", "E10", "E11")
async def test_every_line_of_a_replayed_account_is_the_journal_s(site: Site, look):
    words = WORDS[look.language]
    person = await replayed(site)
    page = await site.page(person, **look._asdict(), path="/history?range=all")
    journal = await entries(site, person.account.replace("/", "%2F"))
    rows = lines(page, words)
    await expect(rows).to_have_count(1 + min(len(journal), 50))
    while await page.get_by_role("button", name=words["more"]).count():
        await page.get_by_role("button", name=words["more"]).click()
        await site.rest(page)
    await expect(rows).to_have_count(1 + len(journal))
    texts = await rows.all_inner_texts()
    for text, entry in zip(texts[1:], journal, strict=True):
        assert entry["amount"]["shown"] in text, (text, entry)
        assert look.phone or entry["balance_after"]["shown"] in text, (text, entry)
        assert entry["model"] in text
    used = await site.house.use_between(person.account, every="month", last=60, by="model")
    await expect(page.get_by_role("figure")).to_contain_text(f"{used.total.charged:,}")
    assert used.total.charged == sum(int(one["charge"]["value"]) for one in journal)
    handed = await table(page, words)
    assert [row["amount"] for row in handed] == [one["amount"]["value"] for one in journal]
    await site.looks(page, "history")


async def busy(site: Site) -> Person:
    """Return alice, who called two models with two keys on two days, and was given something."""
    alice = await site.person()
    for day, model, key, charge in (
        (0, "big", "th_one", 500),
        (4, "small", "th_one", 50),
        (4, "small", "", 7),
    ):
        site.clock.move(days=day)
        actor = f"key:{key}" if key else "person:alice"
        await site.house.charge("alice", charge, model=model, actor=actor, usage=Usage(input=charge))
    await site.house.grant("alice", 9_000, note="=1+1")
    return alice


@pytest.mark.row("B8", "D6")
async def test_filters_hold_for_chart_lines_and_table_and_stay_in_the_address(site: Site, look):
    words = WORDS[look.language]
    page = await site.page(await busy(site), **look._asdict(), path="/history")
    rows = lines(page, words)
    figure = page.get_by_role("figure")
    await expect(rows).to_have_count(1 + len(await entries(site, "alice")))
    await expect(figure).to_contain_text("557")
    await choose(page, words["model"], "small")
    await expect(rows).to_have_count(3)
    await expect(figure).to_contain_text("57")
    await choose(page, words["model"], "")
    await page.goto(f"{site.url}/app/history?key=th_one")
    await expect(rows).to_have_count(3)
    await expect(figure).to_contain_text("550")
    assert {row["actor"] for row in await table(page, words)} == {"key:th_one"}
    await choose(page, words["range"], "7")
    await expect(rows).to_have_count(2)
    await page.reload()
    await expect(rows).to_have_count(2)
    await choose(page, words["key"], "")
    await page.get_by_role("button", name=words["given"], exact=True).click()
    await expect(rows).to_have_count(2)
    assert [row["note"] for row in await table(page, words)] == ["'=1+1"]
    await choose(page, words["model"], "small")
    await expect(page.get_by_text(words["none"])).to_be_visible()
    await site.looks(page, "history-nothing")


@pytest.mark.row("B8")
async def test_a_time_of_one_s_own_is_whole_days_where_one_lives(site: Site, look):
    words = WORDS[look.language]
    page = await site.page(await busy(site), **look._asdict(), path="/history")
    await choose(page, words["range"], "own")
    await page.get_by_label(words["from"], exact=True).fill("2026-11-25")
    await page.get_by_label(words["until"], exact=True).fill("2026-11-25")
    rows = lines(page, words)
    day = {"since": "2026-11-24T15:00:00Z", "until": "2026-11-25T15:00:00Z"}
    expected = await entries(site, "alice", **day)
    await expect(rows).to_have_count(1 + len(expected))
    assert [row["seq"] for row in await table(page, words)] == [str(one["seq"]) for one in expected]
    assert {one["model"] for one in expected} == {"small"}


@pytest.mark.row("D6", "E4")
async def test_a_line_explains_itself(site: Site, look):
    words = WORDS[look.language]
    house = site.house
    rate = {"by": "rates", "multiplier": 2, "minimum": 1}
    await house.write_plan({"name": "metered", "rate": rate, "signup": {"amount": 1_000_000}})
    await house.add_rates([{"model": "gpt*", "input": "2.5", "output": "10", "per": 1}])
    await house.account("mina", plan="metered")
    mina = await site.person("mina@example.com", account="mina")
    await house.charge("mina", usage=Usage(input=3, cached_input=1, output=4), model="gpt-x")
    [line] = await entries(site, "mina", kind="charge")
    told = await site.service.ok("GET", f"/api/v1/accounts/mina/entries/{line['seq']}", who="auditor")
    page = await site.page(mina, **look._asdict(), path="/history")
    await page.get_by_role("button", name=words["charge"]).first.click()
    window = page.get_by_role("dialog")
    for part in told["reckoning"]["lines"]:
        row = window.get_by_role("row").filter(has_text=part["product"])
        await expect(row.first).to_contain_text(part["price"])
    for said in ("100", "metered", "gpt*", told["balance_after"]["shown"], "gpt-x"):
        await expect(window).to_contain_text(said)
    await site.looks(page, "history-entry")
    await page.keyboard.press("Escape")
    await expect(window).to_have_count(0)


async def test_a_new_account_has_little_history_and_a_failure_says_what_to_do(site: Site, look):
    words, said = WORDS[look.language], look.said
    page = await site.page(await site.person(), **look._asdict(), path="/history")
    await expect(lines(page, words).nth(1)).to_contain_text(said("kind.allowance"))
    await expect(page.get_by_text(said("history.unused"))).to_be_visible()
    site.expect("status of 503")
    body = '{"type":"x","title":"Busy","status":503,"detail":"Come back in a moment.","code":"busy"}'

    async def closed(route: Any) -> None:
        await route.fulfill(status=503, content_type="application/problem+json", body=body)

    await page.route("**/entries?**", closed)
    await page.clock.install()
    await choose(page, words["range"], "all")
    await expect(page.get_by_role("region", name=said("history.lines")).get_by_role("status")).to_be_visible()
    await page.clock.run_for(10_000)  # Its own tries take some seconds, which pass here at once.
    await expect(page.get_by_role("alert")).to_contain_text("Come back in a moment.")
    await page.unroute("**/entries?**")
    await page.get_by_role("button", name=said("state.again")).click()
    await expect(lines(page, words).nth(1)).to_contain_text(said("kind.allowance"))


async def test_an_auditor_without_an_account_has_no_history(site: Site, look):
    auditor = await site.person("bora@example.com", role="auditor")
    page = await site.page(auditor, **look._asdict(), path=None)
    for path in ("/history", "/keys", "/buy", "/notices", "/chat"):
        await site.go(page, path)
        await expect(page.get_by_text(look.said("state.noAccount"))).to_be_visible()


async def test_the_history_is_fit_to_be_seen(site: Site, every_look):
    page = await site.page(await busy(site), **every_look._asdict(), path="/history")
    await expect(page.get_by_role("figure")).to_be_visible()
    await site.looks(page, "history-short")
