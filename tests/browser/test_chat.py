"""The chat as people use it: said, streamed, stopped, found again, run dry, and going on."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.site import Site
from tokenhouse.settings import Chat

pytestmark = pytest.mark.row("E10", "B1")

MINUS = "\N{MINUS SIGN}"
SESSIONS = "/api/v1/chat/sessions"
LATER_MS = 6_000
"""Longer than what people watch may be old (LIVE_MS of the pages)."""
SMALL = {
    "name": "small",
    "unit": {"name": "token", "symbol": "", "decimals": 0},
    "allowance": [{"amount": 10_000, "every": "month"}],
    "spend": {"order": ["purchase", "bonus", "allowance"]},
    "stop": {"buy": 0.80, "warn": 0.90, "critical": 0.95, "block": 1.05, "debt": "forgive"},
    "reserve": {"how": "none", "cap_output": False},
}


@pytest.fixture
def settings() -> dict[str, Any]:
    models = ("demo-large", "demo-cut", "demo-error-500")
    return {"chat": Chat(output_tokens=64, models=models), "purchase_url": "https://shop.test/tokens"}


async def talk(site: Site, session: str = "s", *said: str, who: str = "alice", **how: Any) -> str:
    """Open a conversation in which this was said, and return its path."""
    site.service.app._gateway._upstreams.demo._first_s = 0
    site.service.app._gateway._upstreams.demo._chunk_s = 0
    await site.service.ok("POST", SESSIONS, who=who, json={"id": session, **how})
    for text in said:
        body = {"message": text}
        await site.service.ok("POST", f"{SESSIONS}/{session}/messages", who=who, json=body)
        site.clock.move(seconds=1)
    return f"/chat/{session}"


async def messages(site: Site, session: str = "s") -> list[Any]:
    """Return what the service has kept of a conversation."""
    return (await site.service.ok("GET", f"{SESSIONS}/{session}/messages", who="alice"))["items"]


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name=re.compile("^(Message|메시지)$"))


def send(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^(Send|보내기)$"))


def costs(page: Page) -> Locator:
    return page.get_by_text(re.compile(rf"^(Charged|청구) {MINUS}[\d,]+ (tokens|토큰)$"))


async def write(page: Page, text: str) -> None:
    await box(page).fill(text)
    await box(page).press("Enter")


async def later(page: Page) -> None:
    """Have the page ask again for what people watch; its clock must be installed."""
    await page.clock.fast_forward(LATER_MS)


async def watched(site: Site, person: Any, path: str, **look: Any) -> Page:
    """Open a page whose time the test can move."""
    page = await site.page(person, **look, path=None)
    await page.clock.install()
    await site.go(page, path)
    return page


async def test_a_message_is_answered_and_says_what_it_cost(site: Site, look: Any):
    await talk(site, "former", "Hello")
    page = await site.page(await site.person(), **look._asdict(), path="/chat")
    await site.looks(page, "chat-new")
    question = "오늘 날씨가 어떤가요?\n우산이 필요할까요?"
    await write(page, question)
    await expect(costs(page)).to_be_visible()
    session = (await site.service.ok("GET", SESSIONS, who="alice"))["items"][0]
    asked, answer = await messages(site, session["id"])
    assert asked["content"] == question
    await expect(costs(page)).to_contain_text(f"{MINUS}{answer['charge']['shown']} ")
    charged = await site.house.history("alice", kinds=("charge",))
    assert charged[0].charge == int(answer["charge"]["value"]), "the journal says the same"
    await expect(page.get_by_role("heading", level=1)).to_have_text(session["title"])
    assert page.url.endswith(f"/app/chat/{session['id']}")
    await expect(page.locator("[aria-live=polite].sr-only")).to_contain_text(answer["content"][:40])
    await site.looks(page, "chat")


async def test_a_prompt_is_a_way_to_begin_and_a_model_may_be_chosen(site: Site, look: Any):
    await talk(site)
    site.clock.move(minutes=1)
    page = await site.page(await site.person(), **look._asdict(), path="/chat")
    prompt = look.said("chat.prompts.plan")
    await page.get_by_role("button", name=prompt).click()
    await expect(box(page)).to_have_value(prompt)
    await page.get_by_label(look.said("chat.model")).select_option("demo-large")
    await send(page).click()
    await expect(costs(page)).to_be_visible()
    found = (await site.service.ok("GET", SESSIONS, who="alice"))["items"]
    assert (found[0]["model"], found[0]["turns"]) == ("demo-large", 1)


@pytest.mark.row("B2", "B3", "C8", "D4")
async def test_a_chat_that_runs_out_in_mid_month_goes_on_with_bought_credit(site: Site, look: Any):
    await site.house.write_plan(SMALL)
    await site.house.account("alice", plan="small", locale=look.language)
    page = await watched(site, await site.person(), await talk(site), **look._asdict())
    korean = look.language == "ko"
    banner = page.locator("[data-level]")

    async def spend(up_to: int) -> None:
        used = (await site.house.balance("alice")).used
        while used < up_to:
            await site.house.charge("alice", min(up_to - used, 1_000))
            used = (await site.house.balance("alice")).used

    await write(page, "first")
    await expect(costs(page)).to_have_count(1)
    await expect(banner).to_have_count(0)
    turns = 1
    for near, level in ((8_980, "warning"), (9_480, "critical"), (10_480, "blocked")):
        await spend(near)
        await write(page, f"near {level}")
        turns += 1
        await expect(costs(page)).to_have_count(turns)
        await expect(banner).to_have_attribute("data-level", level)
        balance = await site.service.ok("GET", "/api/v1/accounts/alice/balance", who="alice")
        assert balance["level"] == level
        await expect(banner).to_contain_text(balance["remaining"]["shown"])
        if level != "blocked":
            # The words came inside the answer, in the account's language.
            said = "사용" if korean else "are used"
            await expect(banner.get_by_role("status")).to_contain_text(said)
            more = balance["estimated_turns"]
            count = f"약 {more}번" if korean else f"{more} more"
            if more == 0:
                count = "평균적인 대화 한 번에 드는 양보다 적습니다" if korean else "less than a turn takes"
            await expect(banner).to_contain_text(count)
        await site.looks(page, f"chat-{level}")
    await box(page).fill("after the end")
    await expect(send(page)).to_be_disabled()
    await box(page).press("Enter")
    assert len(await messages(site)) == 2 * turns, "nothing goes out while it is blocked"
    buy = page.get_by_role("link", name="추가 구매" if korean else "Buy more")
    await expect(buy).to_have_attribute("href", "/app/buy")
    order = await site.house.order("alice", 50_000)
    await site.house.complete_order("alice", order.id)
    await later(page)
    await expect(banner).to_have_count(0)
    await expect(send(page)).to_be_enabled()
    await send(page).click()
    await expect(costs(page)).to_have_count(turns + 1)
    assert (await site.house.verify()).clean


@pytest.mark.row("E8")
async def test_a_member_of_a_team_is_told_whom_to_ask(site: Site, look: Any):
    await site.house.account("acme", kind="company")
    await site.house.account("kim", parent="acme")
    await site.house.charge("kim", 96_000)
    kim = await site.person("kim@example.com", account="kim")
    page = await site.page(kim, **look._asdict(), path="/chat")
    banner = page.locator("[data-level=critical]")
    await expect(banner).to_contain_text(look.said("card.stateOf.critical", payer="acme"))
    await expect(banner.get_by_role("link")).to_have_count(0)


@pytest.mark.row("B2", "C4")
async def test_an_operators_grant_is_seen_without_a_reload(site: Site, look: Any):
    await site.house.account("alice")
    await site.house.charge("alice", 90_000)
    await site.house.charge("alice", 15_000)
    page = await watched(site, await site.person(), await talk(site), **look._asdict())
    await expect(page.locator("[data-level=blocked]")).to_be_visible()
    given = {"amount": "50000", "source": "bonus", "reason": "Goodwill"}
    await site.service.ok("POST", "/api/v1/accounts/alice/grants", who="operator", json=given)
    await later(page)
    await expect(page.locator("[data-level]")).to_have_count(0)
    await write(page, "thank you")
    await expect(costs(page)).to_be_visible()


async def test_an_answer_comes_word_by_word_and_can_be_stopped(site: Site, look: Any):
    said = look.said
    page = await site.page(await site.person(), **look._asdict(), path=await talk(site))
    demo = site.service.app._gateway._upstreams.demo
    demo._chunk_s = 0.05
    await write(page, "tell me a long story")
    coming = page.get_by_role("region", name=said("chat.said")).get_by_role("listitem").nth(1)
    await expect(coming).to_have_text(re.compile(rf"{said('chat.answer')}: \w+"))
    await page.get_by_role("button", name=said("chat.stop")).click()
    await expect(page.get_by_text(said("chat.ended.disconnect"), exact=True)).to_be_visible()
    _, answer = await messages(site)
    assert answer["ended"] == "disconnect"
    assert 0 < answer["usage"]["output"] < 64, "what had come is kept, and charged"
    await expect(costs(page)).to_contain_text(f"{MINUS}{answer['charge']['shown']} ")
    await expect(box(page)).to_have_value("")


async def test_an_answer_goes_on_while_somebody_looks_elsewhere(site: Site, look: Any):
    said = look.said
    page = await site.page(await site.person(), **look._asdict(), path=await talk(site))

    async def listed() -> Locator:
        if look.phone:
            await page.get_by_role("button", name=said("chat.open")).click()
        return page.get_by_role("navigation", name=said("chat.list"))

    demo = site.service.app._gateway._upstreams.demo
    demo._chunk_s = 0.01
    await write(page, "take your time")
    await listed()
    await page.get_by_role("link", name=said("chat.new")).click()
    await expect(page.get_by_text(said("chat.begin"))).to_be_visible()
    await (await listed()).get_by_role("link").first.click()
    await expect(costs(page)).to_be_visible()
    assert [one["role"] for one in await messages(site)] == ["user", "assistant"]


async def test_a_message_without_network_stays_in_the_box_and_is_charged_once(site: Site, look: Any):
    page = await site.page(await site.person(), **look._asdict(), path=await talk(site))
    site.expect("net::ERR")
    keys = []

    async def away(route: Any) -> None:
        if route.request.method != "POST":
            return await route.continue_()
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            # The service has it, and answers; but nobody hears that.
            await route.fetch()
            return await route.abort()
        return await route.continue_()

    await page.route("**/messages", away)
    await write(page, "once and no more")
    problem = page.get_by_role("alert")
    await expect(problem).to_contain_text(look.said("state.offline"))
    await expect(problem).to_contain_text(look.said("chat.refused"))
    await expect(box(page)).to_have_value("once and no more")
    async with page.expect_response(lambda one: one.request.method == "POST" and "/messages" in one.url):
        await send(page).click()
    await expect(costs(page)).to_have_count(1)
    assert keys[0] == keys[1]
    assert len(await messages(site)) == 2
    assert (await site.house.balance("alice")).turns == 1
    await expect(problem).to_have_count(0)


async def test_what_the_service_refuses_stays_in_the_box_with_its_reason(site: Site, look: Any):
    page = await site.page(await site.person(), **look._asdict(), path=await talk(site))
    site.expect("status of 402")
    await site.house.charge("alice", 90_000)
    await site.house.charge("alice", 15_000)
    await write(page, "am I in time?")
    await expect(page.get_by_role("alert")).to_contain_text(look.said("chat.refused"))
    await expect(box(page)).to_have_value("am I in time?")
    await expect(page.locator("[data-level=blocked]")).to_be_visible()
    await expect(send(page)).to_be_disabled()
    assert await messages(site) == []


async def test_an_answer_that_breaks_off_is_kept_and_says_so(site: Site, look: Any):
    said = look.said
    page = await site.page(await site.person(), **look._asdict(), path=await talk(site, model="demo-cut"))
    await write(page, "go on")
    await expect(page.get_by_text(said("chat.ended.cut"), exact=True)).to_be_visible()
    _, answer = await messages(site)
    await expect(page.get_by_role("region", name=said("chat.said"))).to_contain_text(answer["content"][:20])
    await expect(costs(page)).to_have_count(1)


async def test_a_provider_that_fails_gives_the_message_back(site: Site, look: Any):
    page = await site.page(
        await site.person(), **look._asdict(), path=await talk(site, model="demo-error-500")
    )
    site.expect("status of 502")
    await write(page, "are you there?")
    free = {"en": "Nothing was charged", "ko": "요금은 없습니다"}[look.language]
    await expect(page.get_by_role("alert")).to_contain_text(free)
    await expect(box(page)).to_have_value("are you there?")
    await expect(
        page.get_by_role("region", name=look.said("chat.said")).get_by_role("listitem")
    ).to_have_count(0)
    assert await messages(site) == []


async def test_a_syllable_that_is_being_composed_is_not_sent(site: Site, look: Any):
    page = await site.page(await site.person(), **look._asdict(), path=await talk(site))
    await box(page).fill("안녕")
    composing = (
        "(box) => box.dispatchEvent(new KeyboardEvent('keydown', {{key: 'Enter', bubbles: true, {0}}}))"
    )
    for how in ("isComposing: true", "keyCode: 229"):
        await box(page).evaluate(composing.format(how))
    await box(page).press("Shift+Enter")
    await box(page).type("하세요")
    await expect(box(page)).to_have_value("안녕\n하세요")
    assert await messages(site) == []
    await box(page).press("Enter")
    await expect(costs(page)).to_be_visible()
    assert (await messages(site))[0]["content"] == "안녕\n하세요"


async def test_text_stays_text_and_code_stands_apart(site: Site, look: Any):
    evil = "<img src=x onerror=\"document.title='x'\"> & <b>bold</b>\n"
    code = "if a < b:\n    print('안녕')"
    evil += f"```python\n{code}\n```\nend"
    page = await site.page(await site.person(), **look._asdict(), path=await talk(site, "s", evil))
    said = page.get_by_role("region", name=look.said("chat.said"))
    await expect(said.get_by_role("listitem").first).to_contain_text("<b>bold</b>")
    await expect(said.locator("pre")).to_have_text(code)
    await expect(said.locator("img, b")).to_have_count(0)
    await site.looks(page, "chat-code")


async def test_conversations_are_found_renamed_put_away_taken_along_and_deleted(site: Site, look: Any):
    for name, text in (("weather", "오늘 날씨가 어떤가요?"), ("cost", "What does it cost?")):
        path = await talk(site, name, text)
    page = await site.page(await site.person(), **look._asdict(), path=path)
    korean = look.language == "ko"

    async def listed() -> Locator:
        """Have the list of conversations in sight, and return it."""
        if look.phone and not await page.get_by_role("dialog", name="대화", exact=True).count():
            await page.get_by_role("button", name="대화 목록 열기").click()
        return page.get_by_role("navigation", name="대화" if korean else "Conversations")

    async def choose(what: str) -> None:
        await page.get_by_role("button", name="이 대화의 메뉴" if korean else "What can be done").click()
        await page.get_by_role("menuitem", name=what).click()

    links = (await listed()).get_by_role("link")
    await expect(links).to_have_count(2)
    await site.looks(page, "chat-list")
    await page.get_by_role("searchbox").fill("날씨")
    await expect(links).to_have_count(1)
    await links.first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("오늘 날씨가 어떤가요?")
    await choose("이름 바꾸기" if korean else "Rename")
    await page.get_by_label("제목" if korean else "Title").fill("Weather in Seoul")
    await page.get_by_role("button", name="저장" if korean else "Save").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Weather in Seoul")
    async with page.expect_download() as taken:
        await choose("Markdown")
    text = (await (await taken.value).path()).read_text(encoding="utf-8")
    assert "Weather in Seoul" in text
    assert "오늘 날씨가 어떤가요?" in text
    await choose("보관함으로" if korean else "Move to the archive")
    await listed()
    await page.get_by_role("searchbox").fill("")
    await expect(links).to_have_count(1)
    await page.get_by_role("button", name="보관함" if korean else "Archive", exact=True).click()
    await expect(links).to_have_text(re.compile("Weather in Seoul"))
    await links.first.click()
    await choose("되돌리기" if korean else "Bring back")
    back = "보관함에서 되돌렸습니다." if korean else "It is back from the archive."
    await expect(page.get_by_text(back).first).to_be_visible()
    one = await site.service.ok("GET", f"{SESSIONS}/weather", who="alice")
    assert (one["title"], one["archived_at"]) == ("Weather in Seoul", None)
    await choose("삭제" if korean else "Delete")
    window = page.get_by_role(
        "dialog", name="이 대화를 삭제할까요?" if korean else "Delete this conversation?"
    )
    await window.get_by_role("button", name="삭제" if korean else "Delete").click()
    await expect(page).to_have_url(re.compile("/app/chat$"))
    gone = await site.service.ok("GET", f"{SESSIONS}/weather", who="alice")
    assert (gone["title"], gone["erased_at"] is None, gone["turns"]) == ("", False, 1)
    await expect(window).to_have_count(0)
    await listed()
    if not look.phone:
        # The list still looks into the archive, where what it cost stays.
        await expect(page.get_by_role("listitem").filter(has_text="Deleted")).to_contain_text("1 turn ")
        await page.get_by_role("button", name="Current").click()
    await expect(links).to_have_count(1)


async def test_a_long_conversation_begins_at_its_end(site: Site, look: Any):
    path = await talk(site, "s", *(f"question {number}" for number in range(30)))
    page = await site.page(await site.person(), **look._asdict(), path=path)
    said = page.get_by_role("region", name=look.said("chat.said"))
    await expect(said.get_by_text("question 29", exact=True)).to_be_in_viewport()
    await expect(said.get_by_text("question 0", exact=True)).to_have_count(0)
    await page.get_by_role("button", name=look.said("chat.earlier")).click()
    await expect(said.get_by_text("question 0", exact=True)).to_be_attached()
    await expect(said.get_by_role("listitem")).to_have_count(60)


async def test_what_is_not_there_and_who_has_no_account(site: Site, look: Any):
    await talk(site)
    site.expect("status of 40[34]")
    page = await site.page(await site.person(), **look._asdict(), path="/chat/nothing")
    await expect(page.get_by_text(look.said("chat.gone"))).to_be_visible()
    auditor = await site.person("audrey@example.com", role="auditor")
    page = await site.page(auditor, **look._asdict(), path="/chat")
    await expect(page.get_by_text(look.said("state.noAccount"))).to_be_visible()


async def test_a_chat_that_cannot_be_reached_says_so_and_comes_back(site: Site, look: Any):
    page = await site.page(await site.person(), **look._asdict(), path=None)
    await page.clock.install()
    site.expect("net::ERR")
    path = await talk(site, "s", "hello")
    await page.route("**/messages*", lambda route: route.abort())
    await page.goto(f"{site.url}/app{path}")
    await expect(page.get_by_role("status", name=look.said("state.loading")).first).to_be_visible()
    for _ in range(5):  # Its own tries take some seconds, which pass here at once.
        await page.clock.run_for(2_000)
    await expect(page.get_by_role("alert")).to_contain_text(look.said("state.offline"))
    await page.unroute("**/messages*")
    await page.get_by_role("button", name=look.said("state.again")).click()
    await expect(costs(page)).to_be_visible()
