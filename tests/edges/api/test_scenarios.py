"""The four scenarios of the quota document, and the month's change, over a socket, under every preset.

A back end with an operator's key, a user with its own, the real server, the demo as provider; afterwards the
books must be clean. Time is moved.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import uvicorn
from standardwebhooks import Webhook

from tokenhouse import Tokenhouse
from tokenhouse.edges.server import Application, build
from tokenhouse.settings import Callback, Payments, Settings

SHOP = "https://shop.example/tokens"
SECRET = "Qx7vN2kLr9TzWm4BcY8pHs1EdJ6gUf3A"
LONG = 12_000
"""Tokens of the longest answer that is asked for here."""


@dataclass(frozen=True)
class Preset:
    """What a scenario expects of a plan that comes with tokenhouse."""

    plan: str
    environment: str
    given: int
    status: int
    code: str
    per_token: int = 1
    room: int = 0
    """How far use may go past what there is, at the most: the soft stop's share of it."""
    renewed: bool = True


PRESETS = [
    Preset("quota", "development", 10_000, 429, "insufficient_credit"),
    Preset("quota", "production", 5_000, 429, "insufficient_credit"),
    Preset("chat-tokens", "production", 100_000, 402, "TOKEN_EXHAUSTED", room=5_000),
    Preset("points", "production", 100_000, 402, "insufficient_credit", per_token=2, renewed=False),
]


class Site:
    """A deployment that listens: its callers, its house, its clock."""

    def __init__(self, preset: Preset, app: Application, house: Tokenhouse, client: Any, clock: Any) -> None:
        self.preset, self.app, self.house, self.client, self.clock = preset, app, house, client, clock
        self.back_end = ""
        self.keys: dict[str, str] = {}
        self.demo = app._gateway._upstreams.demo
        self.demo._first_s = self.demo._chunk_s = 0

    async def api(self, method: str, path: str, secret: str, status: int = 200, **how: Any) -> Any:
        """Call the API with a key and return the document of an answer, which must have this status."""
        headers = {"authorization": f"Bearer {secret}"} | how.pop("headers", {})
        answer = await self.client.request(method, path, headers=headers, **how)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def joined(self, user: int) -> str:
        """Have the back end bring a new user, and return the key that it may call with."""
        await self.api(
            "POST",
            "/api/v1/user-quota/users",
            self.back_end,
            201,
            json={"user_id": user, "name": f"User {user}"},
        )
        self.keys[str(user)] = (await self.house.create_key(str(user))).secret
        return self.keys[str(user)]

    async def quota(self, user: int) -> Any:
        """Return what the back end sees of a user's month."""
        return await self.api(
            "GET", "/api/v1/user-quota/quota", self.back_end, headers={"x-user-id": str(user)}
        )

    async def history(self, user: int, months: int = 12) -> Any:
        """Return what the back end sees of a user's months."""
        return await self.api(
            "GET",
            f"/api/v1/user-quota/usage-history?months={months}",
            self.back_end,
            headers={"x-user-id": str(user)},
        )

    async def ask(self, user: int, tokens: int, secret: str | None = None) -> httpx2.Response:
        """Ask the model for an answer of so many tokens."""
        body = {
            "model": "demo",
            "messages": [{"role": "user", "content": "안녕하세요!"}],
            "max_tokens": tokens,
            "demo": {"tokens": tokens},
        }
        bearer = f"Bearer {secret or self.keys[str(user)]}"
        return await self.client.post("/v1/chat/completions", json=body, headers={"authorization": bearer})

    async def spend(self, user: int, tokens: int) -> int:
        """Ask, see it answered, and return what that must have cost."""
        answer = await self.ask(user, tokens)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["usage"]["total_tokens"]) * self.preset.per_token

    async def exhaust(self, user: int) -> tuple[int, httpx2.Response]:
        """Ask until there is a no; return what the answers cost, and the no."""
        cost, each = 0, min(self.preset.given // 4, LONG)
        while (answer := await self.ask(user, each)).status_code == 200:
            cost += int(answer.json()["usage"]["total_tokens"]) * self.preset.per_token
        assert answer.status_code == self.preset.status, answer.text
        return cost, answer

    async def buy(self, user: int, tokens: int, payment: str) -> None:
        """Have the shop say, signed and twice, that a user has bought tokens."""
        bought = {
            "user_id": user,
            "token_amount": tokens,
            "payment_method": "card",
            "amount": 9_900,
            "currency": "KRW",
            "transaction_id": payment,
            "status": "completed",
        }
        body = json.dumps(bought)
        for event in (f"{payment}-first", f"{payment}-again"):
            headers = {
                "webhook-id": event,
                "webhook-timestamp": str(int(self.clock.now.timestamp())),
                "webhook-signature": Webhook(SECRET.encode()).sign(event, self.clock.now, body),
            }
            answer = await self.client.post(
                "/api/v1/user-quota/payment-callback", content=body, headers=headers
            )
            assert answer.status_code == 200, answer.text
            assert answer.json()["status"] == "completed"


@asynccontextmanager
async def listening(app: Application) -> AsyncIterator[tuple[Tokenhouse, str]]:
    """Open an application and serve it at a free port; yield its house and its address."""
    heard = socket.socket()
    heard.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    async with app.opened() as house:
        running = asyncio.create_task(server._serve([heard]))
        while not server.started:  # noqa: ASYNC110 -- uvicorn does not tell
            await asyncio.sleep(0.005)
        try:
            yield house, f"http://127.0.0.1:{heard.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@pytest.fixture(params=PRESETS, ids=lambda preset: f"{preset.plan}-{preset.environment}")
async def site(
    request: Any, database: str, clock: Any, tmp_path: Any, settings: Callable[..., Settings]
) -> AsyncIterator[Site]:
    preset: Preset = request.param
    app = build(settings(preset), clock=clock, upkeep=False)
    async with listening(app) as (house, url), httpx2.AsyncClient(base_url=url, timeout=60) as client:
        site = Site(preset, app, house, client, clock)
        site.back_end = (await house.create_key(role="operator")).secret
        yield site
        verdict = await house.verify()
        assert not verdict.findings, verdict.findings


@pytest.fixture
def settings(database: str, tmp_path: Any) -> Callable[[Preset], Settings]:
    def of(preset: Preset) -> Settings:
        return Settings(
            home=tmp_path,
            database_url=database,
            plan=preset.plan,
            environment=preset.environment,
            purchase_url=SHOP,
            payments=Payments(callback=Callback(secret=SECRET, opens_orders=True)),
        )

    return of


@pytest.mark.row("C8", "C5", "A6", "D3")
async def test_onboarding(site: Site):
    """Nobody unknown is let through; a new user has its quota before its first call, and pays for it."""
    assert (await site.ask(123, 50, secret="th_nobody")).status_code == 401
    await site.joined(123)
    before = await site.quota(123)
    assert (before["allocated_quota"], before["used_tokens"]) == (site.preset.given, 0)
    cost = await site.spend(123, 50)
    after = await site.quota(123)
    assert after["used_tokens"] == cost
    assert after["remaining_tokens"] == site.preset.given - cost
    assert after["is_quota_exceeded"] is False


@pytest.mark.row("C8", "C5", "C9")
async def test_ordinary_use(site: Site):
    """Every answer is charged what it took, says what is left, and the user can follow it all."""
    secret, used = await site.joined(123), 0
    for tokens in (20, 35, 50):
        answer = await site.ask(123, tokens)
        used += answer.json()["usage"]["total_tokens"] * site.preset.per_token
        left = site.preset.given - used
        assert answer.headers["x-tokenhouse-remaining"] == str(left)
        told = await site.quota(123)
        assert (told["used_tokens"], told["remaining_tokens"]) == (used, left)
    card = await site.api("GET", "/api/ai-usage", secret)
    assert (card["usedTokens"], card["totalTurns"], card["state"]) == (used, 3, "normal")
    points = await site.api("GET", "/api/user/points", secret)
    assert (points["points"], points["total_spent"]) == (site.preset.given - used, used)
    history = await site.api("GET", "/api/user/points/history", secret)
    assert [one["type"] for one in history["history"]][:3] == ["chat_usage"] * 3
    assert -sum(one["amount"] for one in history["history"][:3]) == used


@pytest.mark.row("C8", "C4", "B2", "D4", "E7")
async def test_exhaustion_purchase_resumption(site: Site):
    """At the end there is a clear no, before the provider hears of it; after a purchase calls go on."""
    preset = site.preset
    secret = await site.joined(123)
    used, no = await site.exhaust(123)
    most = preset.given + (preset.room + LONG + 20 if preset.room else 0)
    assert preset.given + preset.room - 40 * preset.per_token <= used <= most
    assert no.status_code == preset.status
    assert no.headers["x-should-retry"] == "false"
    assert "retry-after" not in no.headers
    error = no.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert error["stop_code"] == preset.code
    assert error["purchase_url"] == SHOP
    assert ("resets_at" in error) == preset.renewed
    produced = len(site.demo.log.calls)
    assert (await site.ask(123, 500)).status_code == preset.status
    assert len(site.demo.log.calls) == produced, "the provider heard nothing of it"
    told = await site.quota(123)
    assert told["used_tokens"] == used
    card = await site.api("GET", "/api/ai-usage", secret)
    assert card["purchaseUrl"] == SHOP
    assert card["showPurchase"] is True

    await site.buy(123, preset.given // 2, "T-1")
    told = await site.quota(123)
    assert told["purchased_tokens"] == preset.given // 2
    assert told["remaining_tokens"] == preset.given // 2 + preset.given - used
    assert told["is_quota_exceeded"] is False
    assert (await site.api("GET", "/api/ai-usage", secret))["chatEnabled"] is True
    more = await site.spend(123, 40)
    assert (await site.quota(123))["used_tokens"] == used + more


@pytest.mark.row("C8", "E1", "E8")
async def test_power_user(site: Site):
    """Many calls at once use up the quota and not a token more; bought tokens extend it, again and again."""
    preset = site.preset
    await site.joined(7)
    each = preset.given // preset.per_token // 8
    bought = used = 0
    for round_ in range(3):
        answers = await asyncio.gather(*[site.ask(7, each) for _ in range(16)])
        assert {answer.status_code for answer in answers} <= {200, preset.status}
        used += sum(
            answer.json()["usage"]["total_tokens"] * preset.per_token
            for answer in answers
            if answer.status_code == 200
        )
        told = await site.quota(7)
        assert told["used_tokens"] == used
        if not preset.room:
            assert used <= preset.given + bought
            assert any(answer.status_code == preset.status for answer in answers)
            assert told["allocated_quota"] == preset.given + bought
        bought += preset.given
        await site.buy(7, preset.given, f"T-{round_}")
    told = await site.quota(7)
    assert told["purchased_tokens"] == bought == 3 * preset.given
    assert told["remaining_tokens"] == max(preset.given + bought - used, 0)


@pytest.mark.row("C8", "B1", "B7", "C1")
async def test_the_month_changes(site: Site):
    """The new month brings a new allowance at its first moment, and bought tokens stay; no job did it."""
    preset = site.preset
    await site.joined(123)
    used, _ = await site.exhaust(123)
    site.clock.now = datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC)
    assert (await site.ask(123, 40)).status_code == preset.status
    await site.buy(123, preset.given, "T-1")
    cost = await site.spend(123, 40)
    left = preset.given + preset.given - used - cost
    november = await site.quota(123)
    assert (november["plan_month"], november["used_tokens"]) == ("2026-11-01", used + cost)

    site.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    december = await site.quota(123)
    assert december["plan_month"] == "2026-12-01"
    assert (december["used_tokens"], december["usage_percentage"]) == (0, 0.0)
    bought_left = (await site.house.balance("123")).bought_left
    expected = preset.given + bought_left if preset.renewed else left
    assert december["remaining_tokens"] == december["allocated_quota"] == expected
    again = await site.spend(123, 40)
    history = await site.history(123)
    assert [one["used_tokens"] for one in history["usage_history"]] == [again, used + cost]
    assert [one["purchased_tokens"] for one in history["usage_history"]] == [0, preset.given]
    assert history["summary"]["total_used"] == used + cost + again
    assert (await site.history(123, 1))["total_months"] == 1
