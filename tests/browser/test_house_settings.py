"""The server's settings: each with its meaning and origin, how it stands, whether providers answer."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.site import Person, Site
from tokenhouse.settings import Upstream

SETTINGS = "/operator/settings"
SECRET = "sk-9fJ2kQ7wZr4xT1bN8mV0cL5pS3dH6gYa"
WORDS = {
    "en": {"search": "Find a setting", "set": "set", "ask": "Ask demo", "answers": "It answers in"},
    "ko": {"search": "설정 찾기", "set": "설정됨", "ask": "demo 응답 확인", "answers": "응답했고"},
}


@pytest.fixture
def settings() -> dict[str, Any]:
    acme = Upstream(
        name="acme", url="http://127.0.0.1:9/v1?key=hush", key=SECRET, models=("acme-*",), connect_s=0.5
    )
    return {"upstream": (acme,)}


async def person(site: Site, role: str = "operator") -> Person:
    return await site.person(f"{role}@example.com", role)


@pytest.mark.row("E10")
async def test_every_setting_is_there_and_no_secret(site: Site, look: Any):
    words = WORDS[look.language]
    page = await site.page(await person(site), **look._asdict(), path=SETTINGS)
    korean = {"accept-language": look.language}
    told = await site.service.ok("GET", "/api/v1/settings", who="auditor", headers=korean)
    table = page.get_by_role("table").last
    await expect(table.get_by_role("row")).to_have_count(len(told["settings"]) + 1)
    assert SECRET not in await page.content()
    assert "hush" not in await page.content()
    await site.looks(page, "settings-all")
    await page.get_by_label(words["search"]).fill("upstream.acme.key")
    rows = table.get_by_role("row").filter(has_text="upstream.acme.key")
    await expect(rows.first).to_contain_text(words["set"])
    await page.get_by_label(words["search"]).fill("lanes")
    [lanes] = [one for one in told["settings"] if one["name"] == "lanes"]
    await expect(table.get_by_role("row").filter(has_text="lanes").first).to_contain_text(str(lanes["value"]))
    if not look.phone:
        await expect(table).to_contain_text(lanes["meaning"])
    for one in told["examined"]:
        await expect(page.locator("[data-verdict]").filter(has_text=one["title"]).first).to_be_visible()


@pytest.mark.row("E10")
async def test_a_provider_is_asked_and_says_when_it_cannot_be_reached(site: Site, look: Any):
    words = WORDS[look.language]
    page = await site.page(await person(site), **look._asdict(), path=SETTINGS)
    await page.get_by_role("button", name=words["ask"]).click()
    await expect(page.get_by_role("status").filter(has_text=words["answers"])).to_be_visible()
    site.expect("status of 5")
    await page.get_by_role("button", name=words["ask"].replace("demo", "acme")).click()
    await expect(page.get_by_role("alert")).to_be_visible()


@pytest.mark.row("E10")
async def test_an_auditor_reads_and_a_user_does_not(site: Site):
    page = await site.page(await person(site, "auditor"), path=SETTINGS)
    await expect(page.get_by_role("table").last).to_contain_text("database_url")
    await expect(page.get_by_role("button", name="Ask demo")).to_have_count(0)
    await page.get_by_role("button", name="Chosen here").click()
    await expect(page.get_by_role("table").last).not_to_contain_text("batch_rows_max")
    await page.get_by_label("Find a setting").fill("nothing like this")
    await expect(page.get_by_text("No setting is like that.")).to_be_visible()
    user = await site.page(await site.person("bora@example.com"), path=SETTINGS)
    await expect(user.get_by_text("This page is for other roles than yours.")).to_be_visible()
