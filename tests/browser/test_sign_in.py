"""The way in and out: by password, by a one-time link, and what becomes of a session that ends elsewhere."""

from playwright.async_api import expect

from tests.browser.site import PASSWORD, Site

SIGN_IN = {
    "en": ("E-mail", "Password", "Sign in", "Sign out", "Usage"),
    "ko": ("이메일", "비밀번호", "로그인", "로그아웃", "사용량"),
}


async def fill(page, email, password, language="en"):
    name, secret, send, *_ = SIGN_IN[language]
    await page.get_by_label(name, exact=True).fill(email)
    await page.get_by_label(secret, exact=True).fill(password)
    await page.get_by_role("button", name=send).click()


async def test_a_stranger_is_shown_the_way_in_and_comes_to_where_they_wanted(site: Site, look):
    await site.person(password=PASSWORD, locale=look.language)
    page = await site.page(**look._asdict(), path="/keys")
    *_, out, _ = SIGN_IN[look.language]
    await expect(page).to_have_url(f"{site.url}/app/sign-in")
    await fill(page, "Alice@example.com", PASSWORD, look.language)
    await expect(page).to_have_url(f"{site.url}/app/keys")
    await page.reload()
    await expect(page).to_have_url(f"{site.url}/app/keys")
    await page.get_by_role("button", name=out).click()
    await expect(page).to_have_url(f"{site.url}/app/sign-in")
    assert await page.context.cookies() == []
    await site.go(page, "/keys")
    await expect(page).to_have_url(f"{site.url}/app/sign-in")


async def test_a_wrong_password_is_said_and_what_was_typed_stays(site: Site):
    await site.person(password=PASSWORD)
    page = await site.page()
    await fill(page, "alice@example.com", "ten large blue birds")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("password")
    await expect(page.get_by_label("E-mail")).to_have_value("alice@example.com")
    site.expect("status of 401")
    await site.looks(page, "sign-in-refused")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_label("Password").press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Usage")


async def test_too_many_wrong_passwords_are_told_how_long_to_wait(site: Site):
    await site.person(password=PASSWORD)
    for _ in range(10):
        site.house.desk.lodge.admit("alice@example.com", "127.0.0.1", site.house.desk.now())
    page = await site.page()
    await fill(page, "alice@example.com", PASSWORD)
    await expect(page.get_by_role("alert")).to_contain_text("Wait 6 s")
    site.expect("status of 429")


async def test_a_link_lets_in_once_and_gives_a_password(site: Site, look):
    invited = await site.house.create_person("bora@example.com", role="auditor", locale=look.language)
    page = await site.page(**look._asdict(), path=f"/welcome#{invited.link}")
    label, send, first = {
        "en": ("New password", "Sign in", "Overview"),
        "ko": ("새 비밀번호", "로그인", "개요"),
    }[look.language]
    await page.get_by_label(label).fill("short")
    await page.get_by_role("button", name=send).click()
    await expect(page.get_by_role("alert")).to_contain_text("12")
    site.expect("status of 400")
    await page.get_by_label(label).fill(PASSWORD)
    await page.get_by_role("button", name=send).click()
    await expect(page).to_have_url(f"{site.url}/app/operator")
    await expect(page.get_by_role("link", name=first)).to_have_count(0 if look.phone else 1)
    other = await site.page(**look._asdict(), path=f"/welcome#{invited.link}")
    await other.get_by_label(label).fill(PASSWORD)
    await other.get_by_role("button", name=send).click()
    await expect(other.get_by_role("alert")).to_be_visible()
    site.expect("status of 401")


async def test_no_request_is_made_for_a_stranger_and_one_for_somebody_signed_in(site: Site):
    asked = []
    page = await site.page(path=None)
    page.on("request", lambda request: asked.append(request.url.removeprefix(site.url)))
    await site.go(page, "/")
    assert [path for path in asked if path.startswith("/api/")] == []
    somebody = await site.page(await site.person(), path=None)
    somebody.on("request", lambda request: asked.append(request.url.removeprefix(site.url)))
    await site.go(somebody, "/")
    assert asked.count("/api/v1/session") == 1


async def test_a_session_that_ended_elsewhere_leads_to_the_way_in_and_back(site: Site):
    alice = await site.person(password=PASSWORD)
    page = await site.page(alice, path="/keys")
    await expect(page.get_by_role("heading", level=1)).to_have_text("API keys")
    await site.house.sign_out_everywhere(alice.id)
    site.expect("status of 401")
    await page.get_by_role("link", name="History").click()
    await expect(page).to_have_url(f"{site.url}/app/sign-in")
    assert "tokenhouse-signed-in" not in {cookie["name"] for cookie in await page.context.cookies()}
    await fill(page, "alice@example.com", PASSWORD)
    await expect(page).to_have_url(f"{site.url}/app/history")


async def test_who_could_not_be_signed_out_is_told_so_and_stays(site: Site):
    page = await site.page(await site.person())
    await page.context.set_offline(True)
    site.expect("ERR_INTERNET_DISCONNECTED")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("That did not work")).to_be_visible()
    await expect(page).to_have_url(f"{site.url}/app/")
    await page.context.set_offline(False)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{site.url}/app/sign-in")


async def test_who_is_signed_in_already_is_not_asked_again(site: Site):
    page = await site.page(await site.person(), path="/sign-in")
    await expect(page).to_have_url(f"{site.url}/app")


async def test_the_way_in_is_fit_to_be_seen(site: Site, every_look):
    page = await site.page(**every_look._asdict())
    await site.looks(page, "sign-in")
    await site.go(page, "/welcome#nothing")
    await site.looks(page, "welcome")
