"""Plans: their terms in words, versions, a new one in a form or as text, what it would change, publishing."""

import json
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.site import Site
from tests.browser.test_simulator import history

API = "/api/v1/plans"


@pytest.mark.row("E10")
async def test_plans_and_presets_are_told_in_words(site: Site, look):
    page = await site.page(
        await site.person("kim@example.com", "auditor"), **look._asdict(), path="/operator/plans"
    )
    language = {"accept-language": look.language}
    for path in (API, "/api/v1/presets"):
        for plan in (await site.service.ok("GET", path, who="auditor", headers=language))["items"]:
            shown = page.get_by_role("listitem").filter(has=page.get_by_text(plan["name"], exact=True)).first
            for term in plan["terms"]:
                if term["topic"] in ("credit", "price", "stop"):
                    await expect(shown).to_contain_text(term["text"])
    assert await page.get_by_role("link", name="/new").count() == 0
    await site.looks(page, "plans")


@pytest.mark.row("E11")
async def test_a_new_version_is_written_tried_on_real_traffic_and_published(site: Site, look):
    await history(site)
    korean = look.language == "ko"
    page = await site.page(
        await site.person("kim@example.com", "operator"), **look._asdict(), path="/operator/plans/small/new"
    )
    field = page.get_by_label("가입 지급" if korean else "Credit for signing up", exact=True)
    await expect(field).to_have_value("1000")
    await field.fill("300")
    await expect(page.get_by_role("insertion").filter(has_text="300")).to_be_visible()
    await expect(page.get_by_role("deletion").filter(has_text="1,000")).to_be_visible()
    await page.get_by_role("button", name="우리 기록으로" if korean else "On our own history").click()
    table = page.get_by_role("region", name="나란히 보기" if korean else "Side by side")
    await expect(table.get_by_role("row").nth(2).get_by_role("cell").nth(3)).to_have_text("+6")
    await page.reload()
    await expect(field).to_have_value("300")
    await expect(table.get_by_role("row").nth(1).get_by_role("cell").nth(3)).to_have_text("+1")
    await site.looks(page, "plan-draft")
    publish = "이 버전 공개" if korean else "Publish this version"
    await page.get_by_role("button", name=publish).click()
    window = page.get_by_role("dialog")
    await window.get_by_label("사유" if korean else "Reason").fill("fewer for free")
    await site.looks(page, "plan-publish")
    await window.get_by_role("button", name=publish).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("small")
    [new, old] = (await site.service.ok("GET", f"{API}/small/versions", who="auditor"))["items"]
    assert new["document"]["signup"] == {"amount": 300}
    assert new["version"] > old["version"]
    await expect(page.get_by_role("insertion")).to_contain_text("300")
    [line] = (await site.service.ok("GET", "/api/v1/audit-log?action=plan.write", who="auditor"))["items"]
    assert line["reason"] == "fewer for free"
    await site.looks(page, "plan")


@pytest.mark.row("E11", "B8")
async def test_a_version_is_planned_for_a_day_seen_by_all_and_called_off(site: Site, look):
    korean = look.language == "ko"
    page = await site.page(
        await site.person("kim@example.com", "operator"),
        **look._asdict(),
        path="/operator/plans/chat-tokens/new",
    )
    await page.get_by_label("가입 지급" if korean else "Credit for signing up", exact=True).fill("500")
    await expect(page.get_by_role("insertion").filter(has_text="500")).to_be_visible()
    publish = "이 버전 공개" if korean else "Publish this version"
    await page.get_by_role("button", name=publish).click()
    window = page.get_by_role("dialog")
    await window.get_by_role("button", name="지정한 날부터" if korean else "From a day on").click()
    await expect(window).to_contain_text("UTC")
    await window.get_by_label("첫날" if korean else "First day").fill("2026-12-01")
    await window.get_by_label("사유" if korean else "Reason").fill("from December")
    await site.looks(page, "plan-ahead")
    await window.get_by_role("button", name=publish).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("chat-tokens")
    [planned, held] = (await site.service.ok("GET", f"{API}/chat-tokens/versions", who="auditor"))["items"]
    assert (planned["state"], planned["starts_at"], held["state"]) == (
        "planned",
        "2026-12-01T00:00:00Z",
        "in_force",
    )

    versions = page.get_by_role("navigation", name="버전" if korean else "Versions").get_by_role("button")
    await expect(versions.nth(1)).to_have_attribute("aria-current", "true")
    await expect(page.get_by_role("insertion")).to_have_count(0)
    await versions.first.click()
    await expect(page.get_by_role("insertion")).to_contain_text("500")
    await site.looks(page, "plan-planned")
    await site.go(page, "/operator/plans")
    said = "12. 1. 오전 9:00부터 버전 2" if korean else "Version 2 holds from Dec 1, 2026, 9:00"
    await expect(page.get_by_text(said)).to_be_visible()

    await site.go(page, "/operator/plans/chat-tokens")
    await versions.first.click()
    off = "철회" if korean else "Call off"
    await page.get_by_role("button", name=off, exact=True).click()
    await window.get_by_label("사유" if korean else "Reason").fill("not yet")
    await window.get_by_role("button", name=off).click()
    await expect(versions.first).to_contain_text("철회" if korean else "called off")
    await expect(page.get_by_role("button", name=off, exact=True)).to_have_count(0)
    assert await site.house.planned() == []
    log = (await site.service.ok("GET", "/api/v1/audit-log?action=plan", who="auditor"))["items"]
    assert [(one["action"], one["reason"]) for one in log] == [
        ("plan.withdraw", "not yet"),
        ("plan.write", "from December"),
    ]


async def test_a_day_that_is_past_is_refused_and_what_is_planned_is_said(site: Site, look: Any):
    said = look.said
    document = (await site.service.ok("GET", f"{API}/chat-tokens", who="auditor"))["document"]
    later = {"document": document | {"title": "Later"}, "starts_at": "2026-12-24T00:00:00Z", "reason": "x"}
    await site.service.ok("POST", API, who="operator", json=later)
    page = await site.page(
        await site.person("kim@example.com", "operator"),
        path="/operator/plans/chat-tokens/new",
        **look._asdict(),
    )
    await page.get_by_role("button", name=said("plans.publish")).click()
    window = page.get_by_role("dialog")
    await expect(window.get_by_role("status")).to_contain_text("24")
    await window.get_by_role("button", name=said("plans.begins.day")).click()
    await window.get_by_label(said("plans.day")).fill("2026-11-01")
    await window.get_by_label(said("form.reason")).fill("too late")
    site.expect("status of 400")
    await window.get_by_role("button", name=said("plans.publish")).click()
    await expect(window.get_by_role("alert")).to_be_visible()
    assert len(await site.house.plan_versions("chat-tokens")) == 2


async def test_of_two_who_write_at_once_the_later_is_told_and_sees_the_difference(site: Site, look: Any):
    said = look.said
    kim = await site.person("kim@example.com", "operator")
    page = await site.page(kim, path="/operator/plans/chat-tokens/new", **look._asdict())
    warn = page.get_by_label(said("plans.field.stop_warn"), exact=True)
    await warn.fill("0.85")
    document = (await site.service.ok("GET", f"{API}/chat-tokens", who="auditor"))["document"]
    theirs = {"document": document | {"title": "Theirs"}, "follows": 1, "reason": "first"}
    await site.service.ok("POST", API, who="operator", json=theirs)
    site.expect("status of 400")
    await page.get_by_role("button", name=said("plans.publish")).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(said("form.reason")).fill("second")
    await window.get_by_role("button", name=said("plans.publish")).click()
    overtaken = page.get_by_text(said("plans.overtaken", version=2))
    await expect(overtaken).to_have_count(1)
    assert len(await site.house.plan_versions("chat-tokens")) == 2
    await site.go(page, "/operator/plans/chat-tokens/new")
    await expect(overtaken).to_be_visible()
    await expect(warn).to_have_value("0.85")
    await page.get_by_role("button", name=said("plans.discard")).click()
    await expect(overtaken).to_have_count(0)
    await expect(page.get_by_label(said("plans.field.title"), exact=True)).to_have_value("Theirs")


async def test_an_auditor_sees_what_is_planned_and_calls_nothing_off(site: Site):
    document = (await site.service.ok("GET", f"{API}/chat-tokens", who="auditor"))["document"]
    later = {"document": document | {"title": "Later"}, "starts_at": "2026-12-24T00:00:00Z", "reason": "x"}
    await site.service.ok("POST", API, who="operator", json=later)
    page = await site.page(
        await site.person("kim@example.com", "auditor"), path="/operator/plans/chat-tokens"
    )
    await page.get_by_role("navigation", name="Versions").get_by_role("button").first.click()
    await expect(page.get_by_text("It holds from Dec 24, 2026")).to_be_visible()
    assert await page.get_by_role("button", name="Call off").count() == 0


async def test_what_the_rules_refuse_is_said_at_its_field(site: Site, look: Any):
    said = look.said
    page = await site.page(
        await site.person("kim@example.com", "operator"),
        path="/operator/plans/chat-tokens/new",
        **look._asdict(),
    )
    await page.get_by_label(said("plans.field.stop_warn"), exact=True).fill("0.5")
    site.expect("status of 400")
    await expect(page.get_by_role("alert")).to_contain_text("stop")
    await expect(page.get_by_role("button", name=said("plans.publish"))).to_be_disabled()
    await page.get_by_role("button", name=said("plans.discard")).click()
    await expect(page.get_by_label(said("plans.field.stop_warn"), exact=True)).to_have_value("0.90")
    await expect(page.get_by_text(said("plans.unchanged"))).to_be_visible()
    await page.get_by_label(said("plans.field.stop_code")).fill("")
    allowance = page.get_by_role("group", name=said("plans.allowance", nth=1))
    await allowance.get_by_label(said("plans.field.amount"), exact=True).fill("-5")
    await expect(allowance.get_by_label(said("plans.field.amount"), exact=True)).to_have_attribute(
        "aria-invalid", "true"
    )


async def test_a_document_can_be_written_as_text(site: Site, look: Any):
    said = look.said
    page = await site.page(
        await site.person("kim@example.com", "operator"), path="/operator/plans/quota/new", **look._asdict()
    )
    await page.get_by_role("button", name=said("plans.asText")).click()
    text = page.get_by_label(said("plans.text"))
    document = json.loads(await text.input_value())
    await text.fill("{")
    await expect(page.get_by_role("status").filter(has_text=said("plans.noJson", problem=""))).to_be_visible()
    await text.fill(json.dumps(document | {"name": "team", "signup": {"amount": 77}}))
    await expect(page.locator("dd p").filter(has_text="77")).to_be_visible()
    await page.get_by_role("button", name=said("plans.publish")).click()
    await page.get_by_label(said("form.reason")).fill("teams")
    await page.get_by_role("dialog").get_by_role("button", name=said("plans.publish")).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("team")
    assert (await site.house.plans())["team"].signup.amount == 77


async def test_rows_come_and_go(site: Site, look: Any):
    said = look.said
    page = await site.page(
        await site.person("kim@example.com", "operator"),
        path="/operator/plans/chat-tokens/new",
        **look._asdict(),
    )
    rows = page.get_by_role("group", name=said("plans.limit", nth=1))
    await page.get_by_role("button", name=f"{said('plans.add')}: {said('plans.limits')}").click()
    await expect(rows).to_be_visible()
    await expect(page.get_by_role("insertion").filter(has_text="60")).to_be_visible()
    await page.get_by_role("button", name=said("plans.remove", what=said("plans.limit", nth=1))).click()
    await expect(rows).to_have_count(0)


async def test_an_auditor_reads_and_writes_none(site: Site):
    page = await site.page(
        await site.person("kim@example.com", "auditor"), path="/operator/plans/chat-tokens/new"
    )
    await expect(page.get_by_text("Operators write plans.")).to_be_visible()
    await site.go(page, "/operator/plans/chat-tokens")
    await expect(page.get_by_text("Calls are refused from 105 %.")).to_be_visible()
    assert await page.get_by_role("link", name="New version").count() == 0
