"""The chat over REST: conversations of one account, whole and streamed turns of the demo, warnings inside."""

import asyncio

import pytest

from tokenhouse.settings import Chat

SESSIONS = "/api/v1/chat/sessions"
S = f"{SESSIONS}/s/messages"


@pytest.fixture
def settings():
    return {
        "chat": Chat(system="Answer in the user's language.", output_tokens=64, models=("demo-large",)),
        "purchase_url": "https://shop.test/tokens",
    }


@pytest.fixture
async def alice(service):
    """Return the service, with a conversation of Alice's open."""
    await service.key("alice")
    await service.ok("POST", SESSIONS, who="alice", json={"id": "s"})
    yield service
    assert (await service.house.verify()).findings == ()
    assert (await service.house.balance("alice")).held == 0


@pytest.mark.row("B1", "A2")
async def test_a_message_is_answered_charged_and_kept(alice):
    told = await alice.ok("POST", S, who="alice", json={"message": "안녕하세요!"})
    message, info = told["message"], told["points_info"]
    assert (told["session"], told["title"], message["role"]) == ("s", "안녕하세요!", "assistant")
    assert message["content"]
    assert (message["ended"], told["settled"], told["replayed"], told["warning"]) == (
        *("complete" if info["token_usage"]["completion_tokens"] < 64 else "length",),
        *(True, False, None),
    )
    usage = info["token_usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] == info["deducted"]
    assert info["remaining"] == 100_000 - info["deducted"] == int(told["balance"]["remaining"]["value"])
    session = await alice.ok("GET", f"{SESSIONS}/s", who="alice")
    assert (session["turns"], session["tokens"], session["charged"]["value"]) == (
        *(1, info["deducted"]),
        str(info["deducted"]),
    )
    kept = await alice.ok("GET", S, who="alice")
    assert [one["role"] for one in kept["items"]] == ["user", "assistant"]
    assert kept["items"][1] == message


async def test_an_answer_says_where_its_account_stands(alice):
    answer = await alice.call("POST", S, who="alice", json={"message": "hi"})
    remaining = str(answer.json()["points_info"]["remaining"])
    assert answer.headers["x-tokenhouse-remaining"] == remaining
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.row("B2")
@pytest.mark.parametrize(
    ("used", "level"), [(80_000, None), (90_000, "WARNING"), (95_000, "CRITICAL"), (104_900, "CRITICAL")]
)
async def test_the_warning_stands_inside_the_answer(alice, used, level):
    # The source's soft stop lets an account run to 105 %, so it is charged in two steps.
    for part in (used - used // 2, used // 2):
        await alice.house.charge("alice", part)
    await alice.house.correct_profile("alice", locale="ko")
    told = await alice.ok("POST", S, who="alice", json={"message": "hi"})
    if level is None:
        assert told["warning"] is None
        return
    warning = told["warning"]
    assert (warning["level"], warning["purchaseUrl"]) == (level, "https://shop.test/tokens")
    assert warning["remainingTokens"] == max(100_000 - used - told["points_info"]["deducted"], 0)
    assert warning["estimatedTurns"] is not None
    assert "%" in warning["message"]
    assert "사용" in warning["message"] or "썼" in warning["message"]


@pytest.mark.row("B2", "C8")
async def test_a_chat_that_runs_out_in_mid_month_goes_on_after_a_purchase(alice):
    await alice.ok("POST", S, who="alice", json={"message": "first"})
    left = (await alice.house.balance("alice")).spendable
    await alice.house.charge("alice", left)
    no = await alice.no(402, "POST", S, who="alice", json={"message": "second"})
    assert (no["code"], no["recommended_action"]) == ("TOKEN_EXHAUSTED", "PURCHASE_TOKENS")
    assert no["purchase_url"] == "https://shop.test/tokens"
    assert no["remaining"] <= 0
    assert len((await alice.ok("GET", S, who="alice"))["items"]) == 2, "what was refused leaves nothing"
    order = await alice.house.order("alice", 50_000)
    await alice.house.complete_order("alice", order.id)
    told = await alice.ok("POST", S, who="alice", json={"message": "second"})
    assert told["points_info"]["remaining"] > 0
    assert [one["content"] for one in (await alice.ok("GET", S, who="alice"))["items"]][::2] == [
        "first",
        "second",
    ]


@pytest.mark.row("E2")
async def test_two_messages_at_once_are_two_turns(alice):
    texts = [f"at once {number}" for number in range(6)]
    told = await asyncio.gather(*(alice.ok("POST", S, who="alice", json={"message": text}) for text in texts))
    kept = (await alice.ok("GET", S, who="alice"))["items"]
    assert [one["seq"] for one in kept] == list(range(1, 13))
    assert sorted(one["content"] for one in kept[::2]) == texts
    session = await alice.ok("GET", f"{SESSIONS}/s", who="alice")
    assert session["tokens"] == sum(one["points_info"]["deducted"] for one in told)


@pytest.mark.row("E2")
async def test_a_repeated_key_brings_the_first_answer(alice):
    headers = {"idempotency-key": "k"}
    how = {"who": "alice", "headers": headers}
    first = await alice.ok("POST", S, json={"message": "hi"}, **how)
    again = await alice.ok("POST", S, json={"message": "hi"}, **how)
    assert (again["message"], again["replayed"]) == (first["message"], True)
    streamed = await alice.call("POST", S, json={"message": "hi", "stream": True}, **how)
    assert streamed.text.startswith("event: done\n")
    assert (await alice.no(422, "POST", S, json={"message": "ho"}, **how))["code"] == "key_reused"
    assert (await alice.ok("GET", f"{SESSIONS}/s", who="alice"))["turns"] == 1


@pytest.mark.row("B1", "B8")
async def test_conversations_are_listed_found_renamed_put_away_and_erased(alice, clock):
    for name, text in (("weather", "오늘 날씨가 어떤가요?"), ("cost", "What does it cost?")):
        clock.move(minutes=1)
        await alice.ok("POST", SESSIONS, who="alice", json={"id": name, "title": ""})
        await alice.ok("POST", f"{SESSIONS}/{name}/messages", who="alice", json={"message": text})

    async def found(**params):
        page = await alice.ok("GET", SESSIONS, who="alice", params=params)
        return [one["id"] for one in page["items"]]

    assert await found() == ["cost", "weather", "s"]
    assert await found(q="날씨") == ["weather"]
    assert await found(q="COST") == ["cost"]
    assert await found(q="nothing of this") == []
    page = await alice.ok("GET", SESSIONS, who="alice", params={"limit": 2})
    rest = await alice.ok("GET", SESSIONS, who="alice", params={"limit": 2, "cursor": page["next"]})
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["s"], None)
    put = await alice.ok("PATCH", f"{SESSIONS}/cost", who="alice", json={"archived": True, "title": "Prices"})
    assert (put["title"], put["archived_at"] is None) == ("Prices", False)
    assert await found() == ["weather", "s"]
    assert await found(archived=True, q="prices") == ["cost"]
    back = await alice.ok("PATCH", f"{SESSIONS}/cost", who="alice", json={"archived": False})
    assert back["archived_at"] is None
    gone = await alice.ok("DELETE", f"{SESSIONS}/cost", who="alice")
    assert (gone["title"], gone["turns"], gone["erased_at"] is None) == ("", 1, False)
    assert (await alice.ok("GET", f"{SESSIONS}/cost/messages", who="alice"))["items"] == []
    await alice.no(404, "POST", f"{SESSIONS}/cost/messages", who="alice", json={"message": "hi"})


async def test_a_page_of_a_browser_begins_with_what_was_said_last(alice):
    for number in range(3):
        await alice.ok("POST", S, who="alice", json={"message": f"{number}"})
    seen, cursor = [], None
    while True:
        params = {"newest_first": True, "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = await alice.ok("GET", S, who="alice", params=params)
        seen += [one["seq"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1]
    await alice.no(400, "GET", S, who="alice", params={"newest_first": True, "cursor": "WzAsMV0"})


async def test_the_chat_says_who_may_be_asked(alice):
    told = await alice.ok("GET", "/api/v1/chat", who="alice")
    assert told == {"name": "", "models": ["demo", "demo-large"], "message_chars_max": 32_000}


async def test_messages_are_paged(alice):
    for number in range(3):
        await alice.ok("POST", S, who="alice", json={"message": f"{number}"})
    seen, cursor = [], None
    while True:
        params = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        page = await alice.ok("GET", S, who="alice", params=params)
        seen += [one["seq"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [1, 2, 3, 4, 5, 6]


@pytest.mark.row("B1")
async def test_a_conversation_is_exported(alice):
    await alice.ok("POST", S, who="alice", json={"message": "안녕?"})
    whole = await alice.call("GET", f"{SESSIONS}/s/export", who="alice")
    assert whole.headers["content-type"] == "application/json"
    assert whole.json()["messages"][0]["content"] == "안녕?"
    page = await alice.call("GET", f"{SESSIONS}/s/export", who="alice", params={"form": "markdown"})
    assert page.headers["content-type"].startswith("text/markdown")
    assert page.headers["content-disposition"] == 'attachment; filename="conversation.md"'
    assert page.text.startswith("# 안녕?\n")
    await alice.no(404, "GET", f"{SESSIONS}/none/export", who="alice")


@pytest.mark.parametrize(
    ("method", "path", "how"),
    [
        ("GET", f"{SESSIONS}/s", {}),
        ("PATCH", f"{SESSIONS}/s", {"json": {"title": "mine"}}),
        ("DELETE", f"{SESSIONS}/s", {}),
        ("GET", f"{SESSIONS}/s/messages", {}),
        ("POST", f"{SESSIONS}/s/messages", {"json": {"message": "hi"}}),
        ("GET", f"{SESSIONS}/s/export", {}),
    ],
)
async def test_nobody_else_sees_a_conversation(alice, method, path, how):
    await alice.ok("POST", S, who="alice", json={"message": "private"})
    await alice.no(404, method, path, who="bora", **how)
    assert (await alice.ok("GET", SESSIONS, who="bora", params={"q": "private"}))["items"] == []
    for role in ("auditor", "operator", "owner"):
        assert (await alice.no(403, method, path, who=role, **how))["code"] == "forbidden"
    await alice.no(401, method, path, **how)


@pytest.mark.parametrize(
    ("method", "path", "how"),
    [
        ("POST", S, {"json": {}}),
        ("POST", S, {"json": {"message": ""}}),
        ("POST", S, {"json": {"message": " \n "}}),
        ("POST", S, {"json": {"message": "a\0b"}}),
        ("POST", S, {"json": {"message": "x" * 32_001}}),
        ("POST", S, {"json": {"message": "hi", "model": "gpt-4o"}}),
        ("POST", SESSIONS, {"json": {"model": "gpt-4o"}}),
        ("POST", SESSIONS, {"json": {"title": "a\nb"}}),
        ("POST", SESSIONS, {"json": {"id": "a\0"}}),
        ("GET", SESSIONS, {"params": {"cursor": "nowhere"}}),
        ("GET", SESSIONS, {"params": {"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDcsImEiXQ"}}),
        ("GET", SESSIONS, {"params": {"q": "a\0"}}),
        ("GET", SESSIONS, {"params": {"limit": 0}}),
        ("GET", S, {"params": {"cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDdd"}}),
        ("GET", f"{SESSIONS}/s/export", {"params": {"form": "pdf"}}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_named(alice, method, path, how):
    no = await alice.no(400, method, path, who="alice", **how)
    assert no["code"] == "invalid_input"
    assert no["field"]


async def test_a_conversation_has_a_model_of_its_own(alice):
    await alice.ok("POST", SESSIONS, who="alice", json={"id": "large", "model": "demo-large"})
    told = await alice.ok("POST", f"{SESSIONS}/large/messages", who="alice", json={"message": "hi"})
    assert told["message"]["model"] == "demo-large"


async def test_a_key_talks_to_its_own_models_alone(alice):
    made = await alice.house.create_key("alice", models=("gpt-*",))
    headers = {"authorization": f"Bearer {made.secret}"}
    no = await alice.call("POST", S, json={"message": "hi"}, headers=headers)
    assert (no.status_code, no.json()["code"]) == (403, "model_refused")


async def test_the_document_of_the_api_shows_both_ways_to_answer(alice):
    document = await alice.ok("GET", "/api/openapi.json")
    answers = document["paths"][f"{SESSIONS}/{{session}}/messages"]["post"]["responses"]["200"]["content"]
    assert set(answers) == {"application/json", "text/event-stream"}
