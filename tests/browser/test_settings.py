"""Settings: who one is, how pages and notices speak, the password, where one is signed in, and the theme."""

import pytest
from playwright.async_api import expect

from tests.browser.site import PASSWORD, Site
from tests.browser.words import Said

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
async def test_language_and_time_zone_are_the_person_s_and_are_there_at_the_next_sign_in(site: Site, look):
    words, said = WORDS[look.language], look.said
    other_language = {"en": "ko", "ko": "en"}[look.language]
    then = Said(other_language)
    alice = await site.person(password=PASSWORD)
    page = await site.page(alice, **look._asdict(), path="/settings")
    part = page.get_by_role("region", name=words["you"], exact=True)
    await part.get_by_label(words["name"]).fill("Alice Kim")
    await part.get_by_label(words["language"]).select_option(other_language)
    await part.get_by_label(words["zone"]).fill("America/New_York")
    await part.get_by_role("button", name=words["save"]).click()
    await expect(page.get_by_text(then("settings.saved"))).to_be_visible()
    await expect(page.get_by_role("heading", level=1)).to_have_text(then("nav.settings"))
    person = await site.house.person(alice.id)
    assert (person.name, person.locale, person.time_zone) == ("Alice Kim", other_language, "America/New_York")
    told = await site.house.notice_settings("alice")
    assert (told.locale, told.time_zone) == (other_language, "America/New_York")

    other = await site.page(**look._asdict(), path="/sign-in")
    await other.get_by_label(said("person.email")).fill("alice@example.com")
    await other.get_by_label(said("person.password")).fill(PASSWORD)
    await other.get_by_role("button", name=said("signIn.send")).click()
    await expect(other.get_by_role("heading", level=1)).to_have_text(then("nav.usage"))
    assert await other.evaluate("document.documentElement.lang") == other_language


async def test_a_time_zone_that_is_none_is_refused_with_a_reason(site: Site, look):
    words = WORDS[look.language]
    alice = await site.person()
    page = await site.page(alice, **look._asdict(), path="/settings")
    part = page.get_by_role("region", name=words["you"], exact=True)
    await part.get_by_label(words["zone"]).fill("Mars/Olympus")
    site.expect("status of 400")
    await part.get_by_role("button", name=words["save"]).click()
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
    elsewhere = await site.page(alice, **look._asdict(), path=None)
    await elsewhere.clock.install()
    await site.go(elsewhere, "/keys")
    site.clock.move(minutes=5)
    page = await site.page(alice, **look._asdict(), path="/settings")
    part = page.get_by_role("region", name=words["sessions"])
    await expect(part.get_by_role("listitem")).to_have_count(2)
    await expect(part.get_by_role("listitem").filter(has_text=words["here"])).to_have_count(1)
    await part.get_by_role("button", name=words["others"]).click()
    await page.get_by_role("dialog").get_by_role("button", name=words["others"]).click()
    await expect(part.get_by_role("listitem")).to_have_count(1)
    site.expect("status of 401")
    await elsewhere.clock.fast_forward(6_000)
    await expect(elsewhere).to_have_url(f"{site.url}/app/sign-in")
    ended = Said(look.language)("signIn.ended")
    await expect(elsewhere.get_by_role("status")).to_have_text(ended)


async def test_the_theme_is_light_dark_or_the_system_s(site: Site, look):
    page = await site.page(await site.person(), **look._asdict(), path="/settings")
    theme = "document.documentElement.dataset.theme"
    await page.get_by_role("button", name=look.said("theme.dark"), exact=True).click()
    assert await page.evaluate(theme) == "dark"
    await page.reload()
    assert await page.evaluate(theme) == "dark"
    await page.emulate_media(color_scheme="light")
    await page.get_by_role("button", name=look.said("theme.system"), exact=True).click()
    assert await page.evaluate(theme) == "light"
    await page.emulate_media(color_scheme="dark")
    await page.wait_for_function(f"() => {theme} === 'dark'")


async def test_an_operator_without_an_account_has_settings_too(site: Site, look):
    said = look.said
    operator = await site.person("bora@example.com", role="operator")
    page = await site.page(operator, **look._asdict(), path="/settings")
    if look.phone:
        await page.get_by_role("button", name=said("nav.open")).click()
    await expect(page.get_by_role("link", name=said("nav.settings"), exact=True)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("region", name=said("settings.profile"), exact=True)).to_be_visible()
    await expect(page.get_by_role("region", name=said("settings.notices"), exact=True)).to_have_count(0)


async def test_settings_are_fit_to_be_seen(site: Site, every_look):
    alice = await site.person()
    page = await site.page(alice, **every_look._asdict(), path="/settings")
    await site.looks(page, "settings")
