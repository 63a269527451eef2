"""Every request that the four documents show, as they show it: path, method, body; fields and figures answer.

Credentials differ, for the documents' own prove nothing: a bare `x-user-id`, a cookie with an e-mail address.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.edges.api.conftest import Service
from tokenhouse.settings import Callback, Payments

SOURCES = Path(__file__).parents[3].parent / "shared" / "sources"
CURL = re.compile(r"curl\s+(?:-X\s+(?P<verb>[A-Z]+)\s+)?\"?https?://[^/\s]+(?P<path>/[^\s\"`]*)")
HTTP = re.compile(r"^(?P<verb>GET|POST|PUT|DELETE) (?P<path>/[^\s]*)$", re.MULTILINE)
ROUTED = re.compile(r"@(?:app|router)\.(?P<verb>get|post|put|delete)\(\"(?P<path>/[^\"]+)\"\)")
QUOTA = "/api/v1/user-quota"
CALLBACK = f"{QUOTA}/payment-callback"
SECRET = "Qx7vN2kLr9TzWm4BcY8pHs1EdJ6gUf3A"


@dataclass(frozen=True)
class Example:
    """One request of a document, and the fields that it shows of the answer."""

    verb: str
    path: str
    who: str = "1"
    body: Any = None
    fields: tuple[str, ...] = ()
    status: int = 200


CHAT_TOKENS = [
    Example(
        "POST",
        "/api/ai-usage/test-usage",
        "operator",
        {"userId": 1, "usagePercent": 90},
        ("usedTokens", "purchasedTokens", "remainingTokens", "usagePercent", "totalTurns"),
    ),
    Example("POST", "/api/chat/send", body={"message": "안녕하세요"}, fields=("content", "warning")),
    Example("GET", "/api/notifications"),
    Example("GET", "/api/admin/token-stats", "operator", fields=("overview", "distribution", "topUsers")),
    Example("GET", "/api/admin/token-stats/user/1", "operator"),
    Example("DELETE", "/api/admin/token-stats/cache", "operator", status=204),
    Example("GET", "/admin/token-stats", "operator", fields=("overview", "distribution", "topUsers")),
    Example("GET", "/admin/token-stats/user/1", "operator"),
    Example("DELETE", "/admin/token-stats/cache", "operator", status=204),
    Example("GET", "/api/ai-usage", fields=("usedTokens", "purchasedTokens", "totalTurns", "totalTokens")),
    Example("GET", "/health", fields=("status",)),
]
POINTS = [
    Example(
        "GET",
        "/api/user/points",
        fields=("success", "points", "total_earned", "total_spent", "last_updated"),
    ),
    Example(
        "POST",
        "/api/chat",
        body={"session_id": "session_id", "message": "안녕하세요"},
        fields=("success", "response", "session_id", "points_info"),
    ),
    Example("GET", "/api/user/points/history", fields=("success", "history", "total_records")),
]
USER_QUOTA = [
    Example(
        "GET",
        f"{QUOTA}/quota",
        fields=(
            *("user_id", "plan_month", "allocated_quota", "used_tokens", "remaining_tokens"),
            *("purchased_tokens", "usage_percentage", "is_quota_exceeded", "created_at", "updated_at"),
        ),
    ),
    Example(
        "GET",
        f"{QUOTA}/usage-history?months=3",
        fields=("user_id", "total_months", "usage_history", "summary"),
    ),
    Example(
        "POST",
        f"{QUOTA}/add-tokens",
        "operator",
        {"token_amount": 5000, "purchase_type": "bonus", "reason": "Customer service compensation"},
        ("success", "message", "user_quota", "purchase_record"),
    ),
]


async def shown(service: Service, example: Example) -> Any:
    """Make a request of a document and return its answer, with the fields that the document shows."""
    headers = {"x-user-id": "1"} if example.who == "operator" else {}
    how = {"json": example.body} if example.body is not None else {}
    answer = await service.call(example.verb, example.path, who=example.who, headers=headers, **how)
    assert answer.status_code == example.status, f"{example.path}: {answer.status_code} {answer.text}"
    document = answer.json() if answer.content else {}
    assert not [field for field in example.fields if field not in document], document
    return document


class TestChatTokens:
    """The chat's document."""

    @pytest.mark.row("B4", "B5", "B6")
    async def test_all_requests_in_turn(self, service: Service):
        await service.key("1")
        for example in CHAT_TOKENS:
            await shown(service, example)

    @pytest.mark.row("B2", "B6")
    async def test_the_warning_inside_an_answer(self, service: Service):
        await service.key("1")
        await shown(service, CHAT_TOKENS[0])
        warning = (await shown(service, CHAT_TOKENS[1]))["warning"]
        used = (await service.house.balance("1")).used - 90_000
        assert 0 < used < 2_000
        assert warning["level"] == "WARNING"
        assert warning["remainingTokens"] == 10_000 - used
        assert warning["estimatedTurns"] in (9, 10, 11)
        assert warning["message"]

    @pytest.mark.row("B2", "B6")
    @pytest.mark.parametrize(("percent", "level"), [(87, None), (92, "WARNING"), (97, "CRITICAL")])
    async def test_levels(self, service: Service, percent: float, level: str | None):
        await service.key("1")
        asked = {"userId": 1, "usagePercent": percent}
        await service.ok("POST", "/api/ai-usage/test-usage", who="operator", json=asked)
        told = await service.ok("POST", "/api/chat/send", who="1", json={"message": "안녕하세요"})
        assert (told["warning"] or {}).get("level") == level

    @pytest.mark.row("B2")
    async def test_the_stop(self, service: Service):
        await service.key("1")
        stopped = {"userId": 1, "usagePercent": 105}
        await service.ok("POST", "/api/ai-usage/test-usage", who="operator", json=stopped)
        told = await service.no(402, "POST", "/api/chat/send", who="1", json={"message": "안녕하세요"})
        assert told["code"] == "TOKEN_EXHAUSTED"
        assert told["remainingTokens"] == 0
        assert told["recommendedAction"] == "PURCHASE_TOKENS"
        assert told["message"]

    @pytest.mark.row("B6")
    async def test_the_documentation(self, service: Service):
        page = await service.call("GET", "/api/docs")
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]


class TestPoints:
    """The document of points."""

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"plan": "points", "locale": "ko"}

    @pytest.mark.row("D3", "D4", "D5")
    async def test_all_requests_in_turn(self, service: Service):
        await service.key("1")
        before = await shown(service, POINTS[0])
        assert (before["points"], before["total_earned"], before["total_spent"]) == (100_000, 100_000, 0)
        told = await shown(service, POINTS[1])
        info = told["points_info"]
        tokens = info["token_usage"]
        assert (told["success"], told["session_id"]) == (True, "session_id")
        assert tokens["total_tokens"] == tokens["prompt_tokens"] + tokens["completion_tokens"]
        assert info["deducted"] == 2 * tokens["total_tokens"]
        assert info["remaining"] == 100_000 - info["deducted"]
        history = await shown(service, POINTS[2])
        assert history["total_records"] == 2
        assert history["history"][0]["amount"] == -info["deducted"]
        assert history["history"][0]["balance_after"] == info["remaining"]
        assert history["history"][0]["token_details"] == tokens

    @pytest.mark.row("D4")
    async def test_too_few_points(self, service: Service):
        await service.key("1")
        await service.house.adjust("1", -99_995)
        told = await service.no(402, "POST", "/api/chat", who="1", json=POINTS[1].body)
        assert (told["success"], told["current_points"]) == (False, 5)
        assert told["error"]

    @pytest.mark.row("D9")
    @pytest.mark.parametrize("example", POINTS, ids=lambda example: example.path)
    async def test_the_document_s_cookie_opens_nothing(self, service: Service, example: Example):
        await service.key("user@example.com")
        problem = await service.no(
            401,
            example.verb,
            example.path,
            json=example.body,
            headers={"cookie": "user_email=user@example.com"},
        )
        assert "Authorization: Bearer" in problem.get("detail", problem.get("error", ""))


class TestUserQuota:
    """The back end's document."""

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        callback = Callback(secret=SECRET, opens_orders=True)
        return {"plan": "quota", "payments": Payments(callback=callback)}

    @pytest.mark.row("C5")
    async def test_all_requests_in_turn(self, service: Service):
        await service.key("1")
        for example in USER_QUOTA:
            await shown(service, example)

    @pytest.mark.row("C5", "D9")
    @pytest.mark.parametrize("example", USER_QUOTA, ids=lambda example: example.path)
    async def test_the_document_s_bare_header_opens_nothing(self, service: Service, example: Example):
        await service.key("1")
        await service.no(401, example.verb, example.path, json=example.body, headers={"x-user-id": "1"})

    @pytest.mark.row("C2", "C5", "E9")
    async def test_the_shop_s_callback(self, service: Service, clock: Any):
        await service.key("1")
        bought = {
            "user_id": 1,
            "token_amount": 5_000,
            "payment_method": "card",
            "amount": 9_900,
            "currency": "KRW",
            "transaction_id": "pay-1",
            "status": "completed",
        }
        body = json.dumps(bought)
        await service.no(401, "POST", CALLBACK, content=body)
        headers = {
            "webhook-id": "1",
            "webhook-timestamp": str(int(clock.now.timestamp())),
            "webhook-signature": Webhook(SECRET.encode()).sign("1", clock.now, body),
        }
        for _ in range(2):
            told = await service.ok("POST", CALLBACK, content=body, headers=headers)
            assert (told["success"], told["status"], told["token_amount"]) == (True, "completed", 5_000)
        quota = await service.ok("GET", f"{QUOTA}/quota", who="1")
        assert (quota["purchased_tokens"], quota["remaining_tokens"]) == (5_000, 15_000)


@pytest.mark.parametrize(
    ("document", "examples"),
    [
        ("chat-token-management.md", CHAT_TOKENS),
        ("point-system.md", POINTS),
        ("token-quota-management.md", USER_QUOTA),
    ],
)
def test_no_request_of_a_document_is_left_out(document: str, examples: list[Example]):
    file = SOURCES / document
    if not file.exists():
        pytest.skip("The sources' own documents are not part of the project.")
    text = file.read_text(encoding="utf-8")
    asked = {
        ((found["verb"] or "GET").upper(), re.sub(r":\w+", "1", found["path"]))
        for pattern in (CURL, HTTP, ROUTED)
        for found in pattern.finditer(text)
    }
    assert asked
    served = {(example.verb, example.path) for example in examples}
    assert not asked - served - {("GET", "/api/docs"), ("POST", CALLBACK.removeprefix(QUOTA))}
