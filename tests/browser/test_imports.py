"""Importing accounts from the page: what would change, the lines that are refused, the yes, and a reload."""

import asyncio
import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.site import Site
from tokenhouse.store import accounts

IMPORTS = "/operator/imports"
WORDS = {
    "en": {
        "open": "Import", "file": "File (CSV or JSON)", "look": "Look through it",
        "lines": "Lines that cannot be imported",
        "would": "What would change", "did": "What has changed", "reason": "Reason", "carry": "Import",
        "without": "3 lines are left out.", "done": "All of it is imported.", "see": "See the accounts",
        "new": "New accounts", "refused": "Refused", "same": "Stay as they are",
    },
    "ko": {
        "open": "가져오기", "file": "파일 (CSV 또는 JSON)", "look": "확인하기", "lines": "가져올 수 없는 줄",
        "would": "바뀔 내용", "did": "바뀐 내용", "reason": "사유", "carry": "가져오기",
        "without": "3줄은 빼고 가져옵니다.", "done": "모두 가져왔습니다.", "see": "계정 보기",
        "new": "새 계정", "refused": "거부", "same": "그대로",
    },
}  # fmt: skip
TABLE = (
    "ref,name,email,plan,used,bought\n"
    "alice,Alice,alice@example.com,,500,1000\n"
    "bora,Bora,other@example.com,,,\n"
    "chul,김철수,,gold,,\n"
    "dora,Dora,,,,-5\n"
    "alice,Alice,,,,\n"
    "eun,Eun,,,0,\n"
)


async def sent(page: Page, words: dict[str, str], content: str, name: str = "people.csv") -> None:
    """Choose a file, and have it looked through."""
    file: Any = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    await page.get_by_label(words["file"]).set_input_files(file)
    await page.get_by_role("button", name=words["look"]).click()


async def carried_out(page: Page, words: dict[str, str], name: str = "people.csv") -> None:
    """Say yes, and why."""
    await page.get_by_role("button", name=words["carry"], exact=True).click()
    window = page.get_by_role("dialog", name=name)
    await window.get_by_label(words["reason"]).fill("from the old system")
    await window.get_by_role("button", name=words["carry"], exact=True).click()
    await expect(window).to_have_count(0)


async def figure(page: Page, name: str, value: str) -> None:
    """See a figure of the report."""
    named = page.get_by_text(name, exact=True)
    await expect(page.locator("dl > div").filter(has=named).locator("dd").first).to_have_text(value)


@pytest.mark.row("A3", "E10")
async def test_what_would_change_is_seen_before_it_does(site: Site, look: Any):
    words = WORDS[look.language]
    await site.house.account("bora", email="bora@example.com")
    operator = await site.person("operator@example.com", "operator")
    page = await site.page(operator, **look._asdict(), path="/operator/accounts")
    await page.get_by_role("link", name=words["open"]).click()
    await sent(page, words, TABLE)
    await expect(page.get_by_role("heading", name=words["would"])).to_be_visible()
    [told] = (await site.service.ok("GET", "/api/v1/imports", who="auditor"))["items"]
    told = await site.service.ok("GET", f"/api/v1/imports/{told['id']}", who="auditor")
    check = told["check"]
    assert (told["state"], check["rows"], check["new"], check["refused"]) == ("ready", 6, 2, 3)
    for name, count in (("new", check["new"]), ("refused", check["refused"]), ("same", check["unchanged"])):
        await figure(page, words[name], str(count))
    table = page.get_by_role("region", name=words["lines"])
    await expect(table.get_by_role("row")).to_have_count(4)
    for line in ("4", "5", "6"):
        await expect(table.get_by_role("cell", name=line, exact=True)).to_be_visible()
    await expect(table).to_contain_text("'gold'")
    await site.looks(page, "import-check")
    assert [one.ref for one in await site.house.accounts()] == ["bora"], "nothing has changed"
    await page.reload()
    await page.get_by_role("button", name=words["carry"], exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text(words["without"])
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await carried_out(page, words)
    await expect(page.get_by_text(words["done"])).to_be_visible()
    await expect(page.get_by_role("heading", name=words["did"])).to_be_visible()
    await figure(page, words["new"], "2")
    assert (await site.house.balance("alice")).used == 500
    assert (await site.house.describe("bora")).email == "bora@example.com"
    assert (await site.house.verify()).clean
    [change] = await site.house.audit_log(action="import.users")
    assert (change.reason, change.subject) == ("from the old system", "people.csv")
    await page.get_by_role("link", name=words["see"]).click()
    await expect(page.get_by_role("cell").filter(has_text="alice").first).to_be_visible()


async def half_done(site: Site, monkeypatch: Any, look: Any) -> Page:
    """Carry out a file of two accounts up to where the first is written, and no further; return its page."""
    words, going = WORDS[look.language], asyncio.Event()

    async def endless(*_: Any) -> None:
        going.set()
        await asyncio.Event().wait()

    page = await site.page(await site.person("o@example.com", "operator"), path=IMPORTS, **look._asdict())
    await sent(page, words, "ref\na\nb\n")
    await expect(page.get_by_role("heading", name=words["would"])).to_be_visible()
    monkeypatch.setattr(accounts, "write_opened", endless)
    await carried_out(page, words)
    await going.wait()
    return page


@pytest.mark.row("A3", "E10")
async def test_one_under_way_survives_a_reload_and_is_called_off(site: Site, monkeypatch: Any, look: Any):
    said = look.said
    page = await half_done(site, monkeypatch, look)
    await expect(page.get_by_role("progressbar", name=said("imports.states.writing"))).to_be_visible()
    await page.reload()
    await expect(page.get_by_text(said("imports.progress", done="0", total="2"))).to_be_visible()
    await site.looks(page, "import-writing")
    await page.get_by_role("button", name=said("imports.cancel")).click()
    await expect(page.get_by_text(said("imports.cancelled"))).to_be_visible()
    assert await site.house.accounts() == []


@pytest.mark.row("E10")
async def test_one_that_broke_off_says_what_stands_and_is_carried_out_again(
    site: Site, monkeypatch: Any, look: Any
):
    said = look.said
    words, opened = WORDS[look.language], accounts.write_opened
    page = await half_done(site, monkeypatch, look)
    await site.house.desk.under_way.close()  # As when the server ends, and no other takes it up.
    site.clock.move(minutes=6)
    await expect(page.get_by_role("alert")).to_contain_text(said("imports.lost"))
    await page.get_by_role("button", name=said("imports.carryAgain")).click()
    monkeypatch.setattr(accounts, "write_opened", opened)
    await page.get_by_role("dialog").get_by_label(said("form.reason")).fill("once more")
    await page.get_by_role("dialog").get_by_role("button", name=said("imports.carryAgain")).click()
    await expect(page.get_by_text(words["done"])).to_be_visible()
    assert len(await site.house.accounts()) == 2


async def test_a_file_that_is_none_says_what_to_do_and_a_column_is_named(site: Site, look: Any):
    said = look.said
    words = WORDS[look.language]
    page = await site.page(await site.person("o@example.com", "operator"), path=IMPORTS, **look._asdict())
    await expect(page.get_by_role("button", name=words["look"])).to_be_disabled()
    await sent(page, words, "userId,mail\n7,a@b\n", "wrong.csv")
    await expect(page.get_by_role("alert")).to_contain_text("wrong.csv")
    await page.get_by_role("link", name=said("imports.new")).click()
    await page.get_by_text(said("imports.otherwise")).click()
    await page.get_by_label(said("imports.ref")).fill("userId")
    await sent(page, words, "userId,mail\n7,a@b\n", "right.csv")
    await figure(page, words["new"], "1")
    await page.get_by_role("button", name=said("imports.discard")).click()
    await expect(page.get_by_text(said("imports.cancelled"))).to_be_visible()


async def test_points_need_a_plan_and_a_refusal_is_told_at_once(site: Site, look: Any):
    said = look.said
    words = WORDS[look.language]
    await site.house.write_plan({"name": "gift"})
    line = {"type": "signup_bonus", "amount": 9, "timestamp": "2025-10-01T00:00:00", "balance_after": 9}
    person = {"current_points": 9, "total_earned": 9, "total_spent": 0, "history": [line]}
    page = await site.page(await site.person("o@example.com", "operator"), path=IMPORTS, **look._asdict())
    site.expect("status of 400")
    await sent(page, words, json.dumps({"a@b": person}), "points.json")
    await expect(page.get_by_role("alert")).to_contain_text("chat-tokens")
    await page.get_by_text(said("imports.otherwise")).click()
    await page.get_by_label(said("imports.plan")).select_option("gift")
    await page.get_by_role("button", name=words["look"]).click()
    await figure(page, words["new"], "1")
    await carried_out(page, words, "points.json")
    await expect(page.get_by_text(words["done"])).to_be_visible()
    assert (await site.house.balance("a@b")).available == 9


async def test_a_file_that_is_dropped_is_the_file(site: Site, look: Any):
    words = WORDS[look.language]
    page = await site.page(await site.person("o@example.com", "operator"), path=IMPORTS, **look._asdict())
    place = page.locator("label").filter(has=page.get_by_label(words["file"]))
    held = await page.evaluate_handle(
        """() => {
          const held = new DataTransfer();
          held.items.add(new File(["ref\\nalice\\n"], "dropped.csv", { type: "text/csv" }));
          return held;
        }"""
    )
    await place.dispatch_event("dragover", {"dataTransfer": held})
    await expect(place).to_have_class(re.compile("border-brand"))
    await place.dispatch_event("dragleave", {"dataTransfer": held})
    await expect(place).not_to_have_class(re.compile("border-brand"))
    await place.dispatch_event("dragover", {"dataTransfer": held})
    await place.dispatch_event("drop", {"dataTransfer": held})
    await expect(place).to_contain_text(look.said("imports.chosen", name="dropped.csv"))
    await expect(place).not_to_have_class(re.compile("border-brand"))
    await page.get_by_role("button", name=words["look"]).click()
    await figure(page, words["new"], "1")
    await expect(page.get_by_role("heading", name="dropped.csv")).to_be_visible()


@pytest.mark.row("E10")
async def test_an_auditor_looks_and_others_are_turned_away(site: Site):
    words = WORDS["en"]
    page = await site.page(await site.person("a@example.com", "auditor"), path=IMPORTS)
    await expect(page.get_by_text("Nothing has been imported yet.")).to_be_visible()
    await expect(page.get_by_label(words["file"])).to_have_count(0)
    await site.service.ok("POST", "/api/v1/imports", who="operator", content=b"ref\na\n")
    await page.reload()
    await page.get_by_role("link", name="users.csv").click()
    await figure(page, words["new"], "1")
    for name in (words["carry"], "Discard"):
        await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    other = await site.page(await site.person(), path=IMPORTS)
    await expect(other.get_by_text("This page is for other roles than yours.")).to_be_visible()


async def test_without_the_service_it_says_so(site: Site):
    page = await site.page(await site.person("o@example.com", "operator"), path=None)
    await page.route("**/api/v1/imports*", lambda route: route.abort())
    await page.goto(f"{site.url}/app{IMPORTS}")
    await expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
    site.expect("ERR_FAILED")
    await page.unroute("**/api/v1/imports*")
    await page.get_by_role("button", name="Try again").first.click()
    await expect(page.get_by_text("Nothing has been imported yet.")).to_be_visible()
