"""Settings: who one is, how pages and notices speak, the password, where one is signed in, and the theme."""

import pytest
from playwright.async_api import expect

from tests.browser.site import PASSWORD, Site

WORDS = {
    "en": {
        "name": "Name",
        "language": "Language",
        "zone": "Time zone",
        "save": "Save",
        "saved": "Saved.",
        "you": "You",
        "notices": "Notices",
        "goto": "Notices go to",
        "mail": "Also by e-mail",
        "own": "My own choice",
        "old": "Password until now",
        "new": "New password",
        "change": "Change the password",
        "changed": "The password is changed.",
        "sessions": "Where you are signed in",
        "others": "Sign out everywhere else",
        "here": "this browser",
    },
    "ko": {
        "name": "이름",
        "language": "언어",
        "zone": "시간대",
        "save": "저장",
        "saved": "저장했습니다.",
        "you": "내 정보",
        "notices": "알림",
        "goto": "알림을 받을 이메일",
        "mail": "이메일로도 받기",
        "own": "직접 선택",
        "old": "현재 비밀번호",
        "new": "새 비밀번호",
        "change": "비밀번호 변경",
        "changed": "비밀번호를 변경했습니다.",
        "sessions": "로그인한 곳",
        "others": "다른 곳에서 모두 로그아웃",
        "here": "이 브라우저",
    },
}


@pytest.mark.row("E10")
async def test_language_and_time_zone_are_the_person_s_and_are_there_at_the_next_sign_in(site: Site):
    alice = await site.person(password=PASSWORD)
    page = await site.page(alice, path="/settings")
    part = page.get_by_role("region", name="You", exact=True)
    await part.get_by_label("Name").fill("Alice Kim")
    await part.get_by_label("Language").select_option("ko")
    await part.get_by_label("Time zone").fill("America/New_York")
    await part.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("저장했습니다.")).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text("설정")
    person = await site.house.person(alice.id)
    assert (person.name, person.locale, person.time_zone) == ("Alice Kim", "ko", "America/New_York")
    told = await site.house.notice_settings("alice")
    assert (told.locale, told.time_zone) == ("ko", "America/New_York")

    other = await site.page(path="/sign-in")
    await other.get_by_label("E-mail").fill("alice@example.com")
    await other.get_by_label("Password").fill(PASSWORD)
    await other.get_by_role("button", name="Sign in").click()
    await expect(other.get_by_role("heading", level=1)).to_have_text("사용량")
    assert await other.evaluate("document.documentElement.lang") == "ko"


async def test_a_time_zone_that_is_none_is_refused_with_a_reason(site: Site):
    alice = await site.person()
    page = await site.page(alice, path="/settings")
    part = page.get_by_role("region", name="You", exact=True)
    await part.get_by_label("Time zone").fill("Mars/Olympus")
    site.expect("status of 400")
    await part.get_by_role("button", name="Save").click()
    await expect(part.get_by_role("alert")).to_contain_text("Mars/Olympus")
    assert (await site.house.person(alice.id)).time_zone == "Asia/Seoul"


@pytest.mark.row("B2", "E10")
async def test_where_and_at_which_shares_notices_come(site: Site, look):
    words = WORDS[look.language]
    alice = await site.person()
    page = await site.page(alice, **look._asdict(), path="/settings")
    part = page.get_by_role("region", name=words["notices"])
    await part.get_by_label(words["goto"]).fill("team@example.com")
    await part.get_by_label(words["mail"]).uncheck()
    await part.get_by_role("button", name=words["own"]).click()
    before = [f"{share:f}" for share in (await site.house.notice_settings("alice")).levels]
    for share in before:
        await part.get_by_label(f"{float(share):.0%}", exact=True).uncheck()
    await part.get_by_label("70%", exact=True).check()
    await part.get_by_label("99%", exact=True).check()
    await site.looks(page, "settings-notices")
    await part.get_by_role("button", name=words["save"]).click()
    await expect(page.get_by_text(words["saved"])).to_be_visible()
    told = await site.house.notice_settings("alice")
    assert (told.email, told.by_email, told.own_levels) == ("team@example.com", False, True)
    assert [f"{share:f}" for share in told.levels] == ["0.7", "0.99"]
    await page.reload()
    await expect(part.get_by_label("70%", exact=True)).to_be_checked()
    await expect(part.get_by_label("80%", exact=True)).not_to_be_checked()


@pytest.mark.row("D9")
async def test_a_new_password_is_chosen_and_holds(site: Site, look):
    words = WORDS[look.language]
    alice = await site.person(password=PASSWORD)
    page = await site.page(alice, **look._asdict(), path="/settings")
    await page.get_by_label(words["old"]).fill("a wrong password of mine")
    await page.get_by_label(words["new"]).fill("ten large blue birds")
    site.expect("status of 40[0-9]")
    await page.get_by_role("button", name=words["change"]).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label(words["old"]).fill(PASSWORD)
    await page.get_by_role("button", name=words["change"]).click()
    await expect(page.get_by_text(words["changed"])).to_be_visible()
    await expect(page.get_by_label(words["new"])).to_have_value("")
    assert (await site.house.sign_in("alice@example.com", "ten large blue birds")).secret


@pytest.mark.row("D9")
async def test_one_sees_where_one_is_signed_in_and_signs_out_elsewhere(site: Site, look):
    words = WORDS[look.language]
    alice = await site.person()
    elsewhere = await site.page(alice, path="/keys")
    site.clock.move(minutes=5)
    page = await site.page(alice, **look._asdict(), path="/settings")
    part = page.get_by_role("region", name=words["sessions"])
    await expect(part.get_by_role("listitem")).to_have_count(2)
    await expect(part.get_by_role("listitem").filter(has_text=words["here"])).to_have_count(1)
    await part.get_by_role("button", name=words["others"]).click()
    await page.get_by_role("dialog").get_by_role("button", name=words["others"]).click()
    await expect(part.get_by_role("listitem")).to_have_count(1)
    site.expect("status of 401")
    await expect(elsewhere).to_have_url(f"{site.url}/app/sign-in", timeout=15_000)


async def test_the_theme_is_light_dark_or_the_system_s(site: Site):
    page = await site.page(await site.person(), path="/settings")
    theme = "document.documentElement.dataset.theme"
    await page.get_by_role("button", name="Dark", exact=True).click()
    assert await page.evaluate(theme) == "dark"
    await page.reload()
    assert await page.evaluate(theme) == "dark"
    await page.get_by_role("button", name="As the system", exact=True).click()
    assert await page.evaluate(theme) == "light"
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_function(f"() => {theme} === 'dark'")


async def test_an_operator_without_an_account_has_settings_too(site: Site):
    operator = await site.person("bora@example.com", role="operator")
    page = await site.page(operator, path="/settings")
    await expect(page.get_by_role("link", name="Settings", exact=True)).to_be_visible()
    await expect(page.get_by_role("region", name="You", exact=True)).to_be_visible()
    await expect(page.get_by_role("region", name="Notices", exact=True)).to_have_count(0)


async def test_settings_are_fit_to_be_seen(site: Site, every_look):
    alice = await site.person()
    page = await site.page(alice, **every_look._asdict(), path="/settings")
    await site.looks(page, "settings")
