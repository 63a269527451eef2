"""The frame around every screen: menu, language, light, and what it says when nothing can be shown."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.site import Site

WORDS = {
    "en": {
        "menu": "Open the menu",
        "close": "Close the menu",
        "keys": "API keys",
        "usage": "Usage",
        "main": "Main",
    },
    "ko": {"menu": "메뉴 열기", "close": "메뉴 닫기", "keys": "API 키", "usage": "사용량", "main": "주 메뉴"},
}


async def test_the_menu_of_a_phone_works_by_keyboard(site: Site, look):
    page = await site.page(await site.person(), **(look._asdict() | {"phone": True}))
    words = WORDS[look.language]
    button = page.get_by_role("button", name=words["menu"])
    await button.focus()
    await page.keyboard.press("Enter")
    menu = page.get_by_role("dialog")
    await expect(menu.get_by_role("navigation", name=words["main"])).to_be_visible()
    await site.looks(page, "menu")
    await page.keyboard.press("Escape")
    await expect(menu).to_have_count(0)
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")
    await menu.get_by_role("link", name=words["keys"]).focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site.url}/app/keys")
    await expect(menu).to_have_count(0)


async def test_the_first_stop_of_the_keyboard_leads_past_the_menu(site: Site, look):
    page = await site.page(await site.person(), **look._asdict())
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name=look.said("skip"))
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()


async def test_the_menu_says_where_one_is_and_shows_only_where_one_may_go(site: Site, look):
    said = look.said

    async def menu_of(page: Page) -> Locator:
        if look.phone:
            await page.get_by_role("button", name=said("nav.open")).click()
        return page.get_by_role("navigation", name=said("nav.label"))

    menu = await menu_of(await site.page(await site.person(), **look._asdict(), path="/history"))
    await expect(menu.locator("[aria-current=page]")).to_have_text(said("nav.history"))
    await expect(menu.get_by_role("link", name=said("nav.accounts"))).to_have_count(0)
    auditor = await site.person("marta@example.com", "auditor")
    house = await menu_of(await site.page(auditor, **look._asdict()))
    await expect(house.get_by_role("link", name=said("nav.accounts"))).to_be_visible()
    await expect(house.get_by_role("link", name=said("nav.people"))).to_have_count(0)
    await expect(house.get_by_role("link", name=said("nav.keys"))).to_have_count(0)


async def test_language_and_theme_are_kept(site: Site):
    page = await site.page(await site.person())
    await page.get_by_role("button", name="Language: 한국어").click()
    await page.get_by_role("button", name="테마: 어둡게").click()
    html = page.locator("html")
    for _ in range(2):
        await expect(html).to_have_attribute("lang", "ko")
        await expect(html).to_have_attribute("data-theme", "dark")
        await expect(page.get_by_role("heading", level=1)).to_have_text("사용량")
        await page.reload()
    await page.get_by_role("button", name="언어: English").click()
    await page.get_by_role("button", name="Theme: Light").click()
    await expect(html).to_have_attribute("data-theme", "light")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Usage")


async def test_the_system_s_theme_is_followed_until_one_is_chosen(site: Site):
    page = await site.page(await site.person(), theme="dark")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = await page.evaluate(ground)
    await page.get_by_role("button", name="Theme: Light").click()
    assert await page.evaluate(ground) != dark


async def test_a_service_out_of_reach_is_said_once_and_no_longer_than_it_is_so(site: Site, look):
    page = await site.page(await site.person(), **look._asdict())
    site.expect("ERR_INTERNET_DISCONNECTED")
    lost = page.get_by_text({"en": "what was last seen", "ko": "마지막으로 확인한"}[look.language])
    await expect(lost).to_have_count(0)
    await page.context.set_offline(True)
    await expect(lost).to_have_count(1)
    await site.looks(page, "offline")
    await page.context.set_offline(False)
    await expect(lost).to_have_count(0)


async def test_a_server_that_is_gone_is_said_too(site: Site, look):
    page = await site.page(await site.person(), **look._asdict(), path=None)
    await page.clock.install()
    await site.go(page, "/")
    site.expect("ERR_CONNECTION_REFUSED")
    await page.route("**/api/**", lambda route: route.abort("connectionrefused"))
    lost = page.get_by_text(look.said("state.stale"))
    for _ in range(20):  # Its own tries take some seconds each, which pass here at once.
        await page.clock.run_for(2_000)
        if await lost.count():
            break
    await expect(lost).to_have_count(1)
    await page.unroute("**/api/**")
    await page.clock.run_for(20_000)
    await expect(lost).to_have_count(0)


@pytest.mark.parametrize(("path", "name"), [("/nowhere", "missing"), ("/operator/accounts", "forbidden")])
async def test_what_is_not_there_or_not_for_one_says_so(site: Site, look, path, name):
    page = await site.page(await site.person(), **look._asdict(), path=path)
    told = {
        ("missing", "en"): "There is nothing at this address.",
        ("missing", "ko"): "이 주소에는 아무것도 없습니다.",
        ("forbidden", "en"): "This page is for other roles than yours.",
        ("forbidden", "ko"): "이 화면을 볼 수 있는 역할이 아닙니다.",
    }
    await expect(page.get_by_role("main")).to_contain_text(told[name, look.language])
    await site.looks(page, name)


async def test_from_nowhere_a_link_leads_home(site: Site, look):
    page = await site.page(await site.person(), **look._asdict(), path="/nowhere")
    await page.get_by_role("main").get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(look.said("nav.usage"))


async def test_a_screen_that_cannot_be_loaded_says_so_and_comes_when_it_can(site: Site, look):
    said = look.said
    page = await site.page(await site.person(), **look._asdict())
    await page.route("**/assets/keys-*.js", lambda route: route.abort())
    site.expect("ERR_FAILED", "Failed to fetch dynamically imported module", "Failed to load", "React")
    if look.phone:
        await page.get_by_role("button", name=said("nav.open")).click()
    await page.get_by_role("link", name=said("nav.keys")).click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text(said("state.offline"))
    await page.unroute("**/assets/keys-*.js")
    await alert.get_by_role("button", name=said("state.again")).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(said("nav.keys"))


async def test_a_screen_that_could_not_be_loaded_comes_by_itself_when_the_service_is_there_again(site: Site):
    page = await site.page(await site.person())
    await page.clock.install()
    await page.reload()
    await site.rest(page)
    gone = re.compile(r"/assets/keys-|/health$|/api/")
    await page.route(gone, lambda route: route.abort())
    site.expect("ERR_FAILED", "Failed to fetch dynamically imported module", "Failed to load", "React")
    await page.get_by_role("link", name="API keys").click()
    await expect(page.get_by_role("alert")).to_contain_text("tries again by itself")
    await page.unroute(gone)
    await page.clock.run_for(6_000)
    await expect(page.get_by_role("heading", level=1)).to_have_text("API keys")


async def test_an_address_without_its_last_slash_is_the_first_page(site: Site):
    page = await site.page(await site.person(), path=None)
    await page.goto(f"{site.url}/app")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Usage")
