"""API keys: made with bounds, shown once, what each used, and revoked."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from tests.browser.site import Site
from tokenhouse.errors import Unauthenticated

WORDS = {
    "en": {
        "make": "New key",
        "none": "You have no keys yet.",
        "name": "Name",
        "models": "Models",
        "end": "Valid until",
        "secret": "The new key",
        "done": "Done",
        "unused": "never used",
        "used": "last used",
        "revoke": "Revoke",
        "cancel": "Cancel",
        "revoked": "revoked",
        "history": "History of",
    },
    "ko": {
        "make": "새 키",
        "none": "아직 API 키가 없습니다.",
        "name": "이름",
        "models": "모델",
        "end": "사용 기한",
        "secret": "새 키",
        "done": "완료",
        "unused": "사용한 적 없음",
        "used": "마지막 사용",
        "revoke": "폐기",
        "cancel": "취소",
        "revoked": "폐기됨",
        "history": "이용 내역",
    },
}


@pytest.mark.row("E10", "E7")
async def test_a_key_is_made_shown_once_used_and_revoked(site: Site, look):
    words = WORDS[look.language]
    page = await site.page(await site.person(), **look._asdict(), path="/keys")
    await expect(page.get_by_text(words["none"])).to_be_visible()
    await site.looks(page, "keys-none")
    await page.get_by_role("button", name=words["make"]).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(words["name"]).fill("bot")
    await window.get_by_label(words["models"]).fill("gpt-4o*, small")
    await window.get_by_label(words["end"]).fill("2026-12-24")
    await site.looks(page, "keys-new")
    await window.get_by_role("button", name=words["make"]).click()
    secret = await window.locator("code").inner_text()
    await site.looks(page, "keys-made")
    key = await site.house.authenticate(secret)
    assert (key.account, key.name, key.models) == ("alice", "bot", ("gpt-4o*", "small"))
    assert key.expires_at.isoformat() == "2026-12-24T15:00:00+00:00"  # The next day begins, in Seoul.
    await window.get_by_role("button", name=words["done"]).click()
    await expect(window).to_have_count(0)
    row = page.get_by_role("listitem").filter(has_text=key.prefix)
    await expect(row).to_contain_text("gpt-4o*, small")
    assert secret not in await page.content()

    await site.house.charge("alice", 1_234, model="small", actor=f"key:{key.prefix}")
    await expect(row).to_contain_text("1,234")
    await expect(row).to_contain_text(words["used"])
    await site.looks(page, "keys")
    await row.get_by_role("link").click()
    await expect(page).to_have_url(f"{site.url}/app/history?key={key.prefix}")
    await expect(page.get_by_role("figure")).to_contain_text("1,234")
    await page.go_back()

    await row.get_by_role("button").click()
    await window.get_by_role("button", name=words["cancel"]).click()
    assert (await site.house.authenticate(secret)).id == key.id
    await row.get_by_role("button").click()
    await window.get_by_role("button", name=words["revoke"]).click()
    await expect(window).to_have_count(0)
    await expect(row.get_by_text(words["revoked"], exact=True)).to_be_visible()
    await expect(row.get_by_role("button")).to_have_count(0)
    with pytest.raises(Unauthenticated):
        await site.house.authenticate(secret)


async def test_keys_of_every_state_are_told_apart(site: Site, look):
    alice = await site.person()
    ended = await site.house.create_key("alice", name="old", expires_at=site.clock() + timedelta(hours=1))
    unused = await site.house.create_key("alice")
    site.clock.move(hours=2)
    page = await site.page(alice, **look._asdict(), path="/keys")
    expired = {"en": "expired", "ko": "만료됨"}[look.language]
    rows = page.get_by_role("listitem")
    await expect(rows.filter(has_text=ended.key.prefix).get_by_text(expired)).to_be_visible()
    fresh = rows.filter(has_text=unused.key.prefix)
    await expect(fresh).to_contain_text(WORDS[look.language]["unused"])
    await expect(fresh.get_by_role("button")).to_have_count(1)


async def test_what_cannot_be_made_is_said_in_its_window(site: Site, look):
    words = WORDS[look.language]
    page = await site.page(await site.person(), **look._asdict(), path="/keys")
    await page.get_by_role("button", name=words["make"]).click()
    window = page.get_by_role("dialog")
    await window.get_by_label(words["end"]).fill("2020-01-01")
    site.expect("status of 400")
    await window.get_by_role("button", name=words["make"]).click()
    await expect(window.get_by_role("alert")).to_be_visible()
    assert await site.house.keys("alice") == []
    await window.get_by_label(words["end"]).fill("")
    await window.get_by_role("button", name=words["make"]).click()
    await expect(window.locator("code")).to_be_visible()


async def test_without_network_a_key_is_not_revoked_and_the_window_says_so(site: Site, look):
    said = look.said
    alice = await site.person()
    made = await site.house.create_key("alice", name="bot")
    page = await site.page(alice, **look._asdict(), path="/keys")
    await page.get_by_role("button", name=said("keys.revokeOf", name="bot")).click()
    site.expect("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    await page.context.set_offline(True)
    window = page.get_by_role("dialog")
    await window.get_by_role("button", name=said("keys.revoke")).click()
    await expect(window.get_by_role("alert")).to_contain_text(said("state.offline"))
    await page.context.set_offline(False)
    await window.get_by_role("button", name=said("keys.revoke")).click()
    await expect(window).to_have_count(0)
    [key] = await site.house.keys("alice")
    assert key.id == made.id
    assert key.revoked_at is not None


async def test_keys_are_fit_to_be_seen(site: Site, every_look):
    alice = await site.person()
    for name in ("laptop", "report bot", "", "a name that is so long that it has to be broken somewhere" * 2):
        made = await site.house.create_key("alice", name=name, models=["gpt-4o*", "claude-*"] if name else [])
        await site.house.charge("alice", 1_234, model="small", actor=f"key:{made.key.prefix}")
    page = await site.page(alice, **every_look._asdict(), path="/keys")
    await expect(page.get_by_role("listitem").filter(has_text="1,234")).to_have_count(4)
    await site.looks(page, "keys-many")
