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


async def test_a_wrong_password_is_said_and_what_was_typed_stays(site: Site, look):
    email, password, *_, usage = SIGN_IN[look.language]
    await site.person("앨리스@example.com", account="alice", password=PASSWORD, locale=look.language)
    page = await site.page(**look._asdict())
    await fill(page, "앨리스@example.com", "ten large blue birds", look.language)
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text(password.lower())
    await expect(page.get_by_label(email)).to_have_value("앨리스@example.com")
    site.expect("status of 401")
    await site.looks(page, "sign-in-refused")
    await page.get_by_label(password).fill(PASSWORD)
    await page.get_by_label(password).press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(usage)


async def test_too_many_wrong_passwords_are_told_how_long_to_wait(site: Site, look):
    await site.person(password=PASSWORD)
    for _ in range(10):
        site.house.desk.lodge.admit("alice@example.com", "127.0.0.1", site.house.desk.now())
    page = await site.page(**look._asdict())
    await fill(page, "alice@example.com", PASSWORD, look.language)
    wait = {"en": "Wait 6 s", "ko": "6초"}[look.language]
    await expect(page.get_by_role("alert")).to_contain_text(wait)
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


async def test_a_session_that_ended_elsewhere_leads_to_the_way_in_says_why_and_leads_back(site: Site, look):
    said = look.said
    alice = await site.person(password=PASSWORD)
    page = await site.page(alice, **look._asdict(), path="/history?range=all")
    await expect(page.get_by_role("heading", level=1)).to_have_text(said("nav.history"))
    await site.house.sign_out_everywhere(alice.id)
    site.expect("status of 401")
    await page.get_by_label(said("history.model")).press("Tab")
    await page.get_by_role("button", name=said("history.view.given"), exact=True).click()
    await expect(page).to_have_url(f"{site.url}/app/sign-in")
    told = page.get_by_role("status")
    await expect(told).to_have_text(said("signIn.ended"))
    assert "tokenhouse-signed-in" not in {cookie["name"] for cookie in await page.context.cookies()}
    await site.looks(page, "sign-in-ended")
    await fill(page, "alice@example.com", PASSWORD, look.language)
    await expect(page).to_have_url(f"{site.url}/app/history?range=all&view=given")
    await page.get_by_role("button", name=said("signIn.out")).click()
    await expect(page).to_have_url(f"{site.url}/app/sign-in")
    await expect(told).to_have_count(0)


async def test_who_signs_in_in_another_tab_is_who_is_seen_in_this_one(site: Site, look):
    alice, bob = [await site.person(f"{name}@example.com") for name in ("alice", "bob")]
    await site.house.charge("bob", 12_345)
    page = await site.page(alice, **look._asdict())
    await expect(page.locator("[data-level]")).to_contain_text("100,000")
    await site.sign_in(page.context, bob, look.language)
    async with page.expect_event("load"):
        await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.locator("[data-level]")).to_contain_text("87,655")
    await page.get_by_role("button", name=look.said("signIn.out")).click()
    await expect(page).to_have_url(f"{site.url}/app/sign-in")


async def test_a_session_that_ran_out_says_so_also_where_something_is_being_done(site: Site, look):
    said = look.said
    auditor = await site.person("marta@example.com", "auditor")
    page = await site.page(auditor, **look._asdict(), path="/settings")
    await site.house.sign_out_everywhere(auditor.id)
    site.expect("status of 401")
    await page.get_by_role("button", name=said("form.save")).first.click()
    await expect(page.get_by_role("status")).to_have_text(said("signIn.ended"))
    await expect(page).to_have_url(f"{site.url}/app/sign-in")


async def test_who_could_not_be_signed_out_is_told_so_and_stays(site: Site, look):
    said = look.said
    page = await site.page(await site.person(), **look._asdict())
    await page.context.set_offline(True)
    site.expect("ERR_INTERNET_DISCONNECTED")
    await page.get_by_role("button", name=said("signIn.out")).click()
    await expect(page.get_by_text(said("state.failed"))).to_be_visible()
    await expect(page).to_have_url(f"{site.url}/app/")
    await page.context.set_offline(False)
    await page.get_by_role("button", name=said("signIn.out")).click()
    await expect(page).to_have_url(f"{site.url}/app/sign-in")


async def test_who_is_signed_in_already_is_not_asked_again(site: Site):
    page = await site.page(await site.person(), path="/sign-in")
    await expect(page).to_have_url(f"{site.url}/app")


async def test_the_way_in_is_fit_to_be_seen(site: Site, every_look):
    page = await site.page(**every_look._asdict())
    await site.looks(page, "sign-in")
    await site.go(page, "/welcome#nothing")
    await site.looks(page, "welcome")
