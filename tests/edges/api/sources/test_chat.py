"""The sources' two chats: each example of their documents, field by field, and their refusals."""

import asyncio

import pytest

from tokenhouse.settings import Chat

SEND, CHAT = "/api/chat/send", "/api/chat"
SHOP = "https://shop.test/tokens"


class TestTokens:
    """The chat that counts tokens: 100,000 a month, a warning from 90 %, a stop at 105 %."""

    pytestmark = pytest.mark.row("B2", "B6")

    @pytest.fixture
    def settings(self):
        return {"purchase_url": SHOP, "chat": Chat(output_tokens=64)}

    async def test_an_answer_has_its_content_and_no_warning(self, service):
        told = await service.ok("POST", SEND, who="1", json={"message": "안녕하세요"})
        assert set(told) == {"content", "sessionId", "warning"}
        assert (bool(told["content"]), told["warning"]) == (True, None)

    async def test_near_the_end_a_warning_stands_beside_the_content(self, service):
        await service.key("1")
        await service.house.correct_profile("1", locale="ko")
        usage = {"userId": 1, "usagePercent": 90}
        await service.ok("POST", "/api/ai-usage/test-usage", who="operator", json=usage)
        told = await service.ok("POST", SEND, who="1", json={"message": "안녕하세요"})
        warning = told["warning"]
        assert set(warning) == {"level", "message", "remainingTokens", "estimatedTurns", "purchaseUrl"}
        assert (warning["level"], warning["purchaseUrl"]) == ("WARNING", SHOP)
        left = (await service.house.balance("1")).remaining
        assert 9_000 < warning["remainingTokens"] == left < 10_000
        assert "%" in warning["message"]

    async def test_from_95_percent_on_the_level_is_critical(self, service):
        usage = {"userId": 1, "usagePercent": 95}
        await service.key("1")
        await service.ok("POST", "/api/ai-usage/test-usage", who="operator", json=usage)
        told = await service.ok("POST", SEND, who="1", json={"message": "안녕하세요"})
        assert told["warning"]["level"] == "CRITICAL"

    async def test_at_the_end_the_refusal_says_what_helps(self, service):
        usage = {"userId": 1, "usagePercent": 105}
        await service.key("1")
        await service.ok("POST", "/api/ai-usage/test-usage", who="operator", json=usage)
        no = await service.no(402, "POST", SEND, who="1", json={"message": "안녕하세요"})
        message = no.pop("message")
        assert no == {
            "code": "TOKEN_EXHAUSTED",
            "remainingTokens": 0,
            "recommendedAction": "PURCHASE_TOKENS",
            "purchaseUrl": SHOP,
        }
        assert message

    async def test_a_conversation_goes_on_under_its_id(self, service):
        first = await service.ok("POST", SEND, who="1", json={"message": "one"})
        body = {"message": "two", "sessionId": first["sessionId"]}
        again = await service.ok("POST", SEND, who="1", json=body)
        assert again["sessionId"] == first["sessionId"]
        kept = await service.house.chat_messages("1", first["sessionId"])
        assert [one.content for one in kept][::2] == ["one", "two"]

    async def test_it_needs_somebody_who_pays(self, service):
        await service.no(401, "POST", SEND, json={"message": "hi"})
        await service.no(403, "POST", SEND, who="operator", json={"message": "hi"})


class TestPoints:
    """The chat that counts points: two for a token, refused with 402 when they are short."""

    pytestmark = pytest.mark.row("D2", "D3", "D4", "D9")

    @pytest.fixture
    def settings(self):
        return {"plan": "points", "chat": Chat(output_tokens=64)}

    async def test_an_answer_says_what_it_took_and_what_is_left(self, service):
        body = {"session_id": "session_id", "message": "안녕하세요"}
        told = await service.ok("POST", CHAT, who="user@example.com", json=body)
        info = told["points_info"]
        assert (told["success"], told["session_id"], bool(told["response"])) == (True, "session_id", True)
        usage = info["token_usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
        assert info["deducted"] == usage["total_tokens"] * 2
        assert info["remaining"] == 100_000 - info["deducted"]
        shown = await service.ok("GET", "/api/user/points", who="user@example.com")
        assert shown["points"] == info["remaining"]

    async def test_without_a_session_a_new_one_begins(self, service):
        first = await service.ok("POST", CHAT, who="a", json={"message": "hi"})
        second = await service.ok("POST", CHAT, who="a", json={"message": "hi"})
        assert first["session_id"] != second["session_id"]

    async def test_points_that_are_short_are_refused(self, service):
        await service.key("a")
        await service.house.charge("a", 99_995)
        no = await service.no(402, "POST", CHAT, who="a", json={"message": "안녕하세요"})
        assert (no["success"], no["current_points"], bool(no["error"])) == (False, 5, True)
        assert await service.house.chats("a") == []

    async def test_the_history_shows_the_chat(self, service):
        told = await service.ok("POST", CHAT, who="a", json={"message": "hi"})
        history = await service.ok("GET", "/api/user/points/history", who="a")
        line = next(one for one in history["history"] if one["type"] == "chat_usage")
        info = told["points_info"]
        assert (line["amount"], line["balance_after"]) == (-info["deducted"], info["remaining"])
        assert line["token_details"] == info["token_usage"]

    async def test_a_session_name_is_each_accounts_own(self, service):
        body = {"session_id": "s", "message": "hi"}
        await asyncio.gather(*(service.ok("POST", CHAT, who=who, json=body) for who in ("a", "b")))
        for who in ("a", "b"):
            assert len(await service.house.chat_messages(who, "s")) == 2

    async def test_a_cookie_opens_nothing(self, service):
        body = {"session_id": "s", "message": "hi"}
        headers = {"cookie": "user_email=user@example.com"}
        await service.no(401, "POST", CHAT, json=body, headers=headers)
