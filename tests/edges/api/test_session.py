"""Signing in and out over HTTP: a cookie that no script reads, and a token that no other site knows."""

from http.cookies import SimpleCookie

import pytest

from tests.edges.api.conftest import Service

PASSWORD = "nine small green birds"
SESSION = "/api/v1/session"


class Browser:
    """Somebody's browser: it keeps cookies, and shows the token that the last answer told."""

    def __init__(self, service: Service, scheme: str = "http") -> None:
        self.service, self.csrf, self.cookies = service, "", {}
        self.place = f"{scheme}://tokenhouse.test"

    async def call(self, method, path, *, csrf=True, **how):
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if csrf and self.csrf:
            headers["x-csrf-token"] = self.csrf
        headers |= how.pop("headers", {})
        self.service.client.cookies.clear()
        answer = await self.service.client.request(method, f"{self.place}{path}", headers=headers, **how)
        self.morsels = SimpleCookie()
        for line in answer.headers.get_list("set-cookie"):
            self.morsels.load(line)
        for name, morsel in self.morsels.items():
            self.cookies[name] = morsel.value
        if answer.is_success and answer.content:
            self.csrf = answer.json().get("csrf_token") or self.csrf
        return answer

    async def sign_in(self, email, password=PASSWORD):
        return await self.call("POST", SESSION, json={"email": email, "password": password})


async def person(service, email="jisu@example.com", **how):
    invited = await service.house.create_person(email, **({"role": "operator", "locale": "ko"} | how))
    await service.house.enter(invited.link, PASSWORD)
    return invited.person


@pytest.mark.row("D9")
async def test_a_browser_signs_in_and_out(service: Service):
    await person(service, name="지수")
    browser = Browser(service)
    answer = await browser.sign_in("Jisu@example.com")
    assert answer.status_code == 200
    me = answer.json()
    assert (me["role"], me["email"], me["name"], me["account"]) == (
        "operator",
        "jisu@example.com",
        "지수",
        None,
    )
    told = ("httponly", "samesite", "path", "secure")
    assert {name: [cookie[one] for one in told] for name, cookie in browser.morsels.items()} == {
        "tokenhouse": [True, "lax", "/", ""],
        "tokenhouse-signed-in": ["", "lax", "/app", ""],
    }
    session, hint = browser.morsels.values()
    assert session["max-age"] == hint["max-age"]
    again = (await browser.call("GET", SESSION)).json()
    assert again == me
    assert (await browser.call("GET", "/api/v1/audit-log")).status_code == 200
    assert (await browser.call("GET", "/api/v1/people")).status_code == 403
    gone = await browser.call("DELETE", SESSION)
    assert gone.status_code == 204
    assert {name: (cookie["max-age"], cookie["path"]) for name, cookie in browser.morsels.items()} == {
        "tokenhouse": ("0", "/"),
        "tokenhouse-signed-in": ("0", "/app"),
    }
    assert (await browser.call("GET", SESSION)).status_code == 401


async def test_what_only_says_that_there_is_a_session_opens_nothing(service: Service):
    await person(service)
    browser = Browser(service)
    await browser.sign_in("jisu@example.com")
    assert browser.cookies["tokenhouse-signed-in"] == "1"
    del browser.cookies["tokenhouse"]
    assert (await browser.call("GET", SESSION)).status_code == 401


async def test_over_https_the_cookie_belongs_to_this_host_alone(service: Service):
    await person(service)
    browser = Browser(service, "https")
    await browser.sign_in("jisu@example.com")
    cookie, hint = browser.morsels.values()
    assert (cookie.key, cookie["secure"], cookie["domain"]) == ("__Host-tokenhouse", True, "")
    assert (hint.key, hint["secure"]) == ("tokenhouse-signed-in", True)
    secret = browser.cookies["__Host-tokenhouse"]
    assert (await browser.call("GET", SESSION)).status_code == 200
    browser.cookies = {"tokenhouse": secret}
    assert (await browser.call("GET", SESSION)).status_code == 401


async def test_whoever_changes_something_with_a_cookie_shows_the_token(service: Service):
    await person(service)
    browser = Browser(service)
    await browser.sign_in("jisu@example.com")
    for wrong in ({}, {"x-csrf-token": "no"}, {"x-csrf-token": browser.cookies["tokenhouse"]}):
        answer = await browser.call("PATCH", SESSION, csrf=False, headers=wrong, json={"name": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    other = Browser(service)
    await other.sign_in("jisu@example.com")
    answer = await browser.call(
        "PATCH", SESSION, csrf=False, headers={"x-csrf-token": other.csrf}, json={"name": "x"}
    )
    assert answer.status_code == 403
    answer = await browser.call("PATCH", SESSION, json={"name": "지수", "time_zone": "Asia/Seoul"})
    assert (answer.json()["name"], answer.json()["time_zone"]) == ("지수", "Asia/Seoul")


async def test_two_cookies_of_one_name_are_none(service: Service):
    await person(service)
    browser = Browser(service)
    await browser.sign_in("jisu@example.com")
    planted = f"tokenhouse=x; tokenhouse={browser.cookies['tokenhouse']}"
    answer = await service.call("GET", SESSION, headers={"cookie": planted})
    assert answer.status_code == 401


async def test_each_sign_in_is_a_new_session_and_ends_the_one_before_in_that_browser(service: Service):
    await person(service)
    browser = Browser(service)
    await browser.sign_in("jisu@example.com")
    before = dict(browser.cookies)
    await browser.sign_in("jisu@example.com")
    assert browser.cookies != before
    browser.cookies = before
    assert (await browser.call("GET", SESSION)).status_code == 401


async def test_every_no_of_a_sign_in_is_the_same_and_many_are_too_many(service: Service):
    await person(service)
    told = set()
    for number in range(10):
        email = ("jisu@example.com", "nobody@example.com")[number % 2]
        answer = await Browser(service).sign_in(email, "wrong wrong wrong")
        assert answer.status_code == 401
        told.add(answer.text)
    assert len(told) == 1
    assert "jisu" not in told.pop()
    answer = await Browser(service).sign_in("third@example.com")
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert 1 <= int(answer.headers["retry-after"]) <= 6


@pytest.mark.parametrize(
    "wrong",
    [{}, {"email": 5, "password": "x"}, {"email": "a@b"}, {"email": "a@b", "password": ""}, [], "x"],
)
async def test_what_is_no_sign_in_is_said_by_field(service: Service, wrong):
    assert (await service.call("POST", SESSION, json=wrong)).status_code == 400
    text = await service.call("POST", SESSION, content=b"email=a", headers={"content-type": "text/plain"})
    assert text.status_code == 400


async def test_a_link_lets_in_once(service: Service):
    made = await service.ok(
        "POST", "/api/v1/people", who="owner", json={"email": "new@example.com", "role": "auditor"}
    )
    place, _, secret = made["link"].partition("#")
    assert place == "http://127.0.0.1:8300/app/welcome"
    browser = Browser(service)
    short = await browser.call("POST", f"{SESSION}/link", json={"link": secret, "password": "short"})
    assert (short.status_code, short.json()["field"]) == (400, "password")
    entered = await browser.call("POST", f"{SESSION}/link", json={"link": secret, "password": PASSWORD})
    assert (entered.json()["role"], entered.json()["has_password"]) == ("auditor", True)
    used = await browser.call("POST", f"{SESSION}/link", json={"link": secret})
    assert used.status_code == 401
    assert (await Browser(service).sign_in("new@example.com")).status_code == 200


async def test_a_new_password_wants_the_old_one(service: Service):
    await person(service)
    browser, elsewhere = Browser(service), Browser(service)
    await browser.sign_in("jisu@example.com")
    await elsewhere.sign_in("jisu@example.com")
    path, new = f"{SESSION}/password", "ten large blue birds"
    wrong = await browser.call("PUT", path, json={"old": "x", "new": new})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "old")
    assert (await browser.call("PUT", path, json={"old": PASSWORD, "new": new})).status_code == 204
    assert (await browser.call("GET", SESSION)).status_code == 200
    assert (await elsewhere.call("GET", SESSION)).status_code == 401


async def test_keys_say_who_they_are_and_have_no_session(service: Service):
    me = await service.ok("GET", SESSION, who="alice")
    assert (me["role"], me["account"], me["csrf_token"], me["email"]) == ("user", "alice", None, None)
    operator = await service.ok("GET", SESSION, who="operator")
    assert (operator["role"], operator["account"]) == ("operator", None)
    assert operator["actor"].startswith("key:th_")
    await service.no(400, "PATCH", SESSION, who="alice", json={"name": "x"})
    await service.no(400, "PUT", f"{SESSION}/password", who="alice", json={"new": PASSWORD})
    await service.ok("DELETE", SESSION, who="alice")
    await service.ok("GET", SESSION, who="alice")


async def test_a_user_s_own_account_is_me(service: Service):
    await service.house.account("bora")
    await person(service, "bora@example.com", role="user", account="bora")
    browser = Browser(service)
    await browser.sign_in("bora@example.com")
    answer = await browser.call("GET", "/api/v1/accounts/me/balance")
    assert answer.json()["account"] == "bora"
    await service.house.account("alice")
    assert (await browser.call("GET", "/api/v1/accounts/alice/balance")).status_code == 403


async def test_a_change_of_role_counts_from_the_next_request_on(service: Service):
    somebody = await person(service)
    browser = Browser(service)
    await browser.sign_in("jisu@example.com")
    assert (await browser.call("GET", "/api/v1/audit-log")).status_code == 200
    await service.house.account("bora")
    await service.house.change_person(somebody.id, {"role": "user", "account": "bora"})
    assert (await browser.call("GET", "/api/v1/audit-log")).status_code == 403


async def test_what_somebody_who_signed_in_changes_is_recorded_as_theirs(service: Service):
    await person(service, role="owner")
    browser = Browser(service)
    await browser.sign_in("jisu@example.com")
    await browser.call("POST", "/api/v1/people", json={"email": "x@example.com", "role": "auditor"})
    (change, *_) = await service.house.audit_log(action="person.create")
    assert (change.actor, change.subject, change.address) == (
        "person:jisu@example.com",
        "x@example.com",
        "127.0.0.1",
    )


@pytest.mark.row("D9")
async def test_somebody_sees_where_they_are_signed_in_and_signs_out_elsewhere(service: Service, clock):
    await person(service)
    laptop, phone = Browser(service), Browser(service)
    await phone.sign_in("jisu@example.com")
    clock.move(hours=1)
    await laptop.call(
        "POST",
        SESSION,
        json={"email": "jisu@example.com", "password": PASSWORD},
        headers={"user-agent": "Laptop"},
    )
    listed = (await laptop.call("GET", f"{SESSION}/all")).json()["items"]
    assert [one["agent"] == "Laptop" for one in listed] == [True, False, False]
    assert [one["present"] for one in listed] == [True, False, False]
    of_phone = (await phone.call("GET", f"{SESSION}/all")).json()["items"]
    assert [one["present"] for one in of_phone].count(True) == 1
    assert (await laptop.call("DELETE", f"{SESSION}/others", csrf=False)).status_code == 403
    assert (await laptop.call("DELETE", f"{SESSION}/others")).json() == {"sessions": 2}
    assert (await laptop.call("GET", SESSION)).status_code == 200
    assert (await phone.call("GET", SESSION)).status_code == 401
    problem = await service.no(400, "GET", f"{SESSION}/all", who="alice")
    assert problem["field"] == "session"


async def test_a_page_is_answered_in_the_language_it_is_shown_in(service: Service):
    await person(service)
    browser = Browser(service)
    await browser.sign_in("jisu@example.com")

    async def said(**headers: str) -> str:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await browser.call("GET", "/api/v1/accounts/nobody", headers=headers)
        return str(answer.json()["title"])

    korean, english = await said(), await said(accept_language="en")
    assert (
        korean
        != english
        == (await service.no(404, "GET", "/api/v1/accounts/nobody", who="operator"))["title"]
    )
    # Who follows a link brings the languages of their browser, and is answered in their own.
    assert await said(accept_language="en-US,en;q=0.9", sec_fetch_mode="navigate") == korean
    answer = await browser.call("GET", SESSION, headers={"accept-language": "en"})
    assert answer.json()["locale"] == "ko"
