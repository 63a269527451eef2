"""The back end's scenarios, end to end over a socket: a quota of 10,000 tokens a month."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.edges.middleware.conftest import SECRET, Answer, Served, served, soon
from tokenhouse import Price, Tokenhouse, TokenMiddleware, TrustedHeader, tokenhouse_call
from tokenhouse.edges.middleware import QUOTA_ENDPOINTS
from tokenhouse.settings import Settings

pytestmark = pytest.mark.row("C8", "C4")


async def agent(request: Request) -> JSONResponse:
    """Stand for a model that writes as much as it is asked to, within the cap it is sent."""
    document, call = await request.json(), tokenhouse_call(request)
    output = document["words"] if call.cap is None else min(document["words"], call.cap)
    return JSONResponse({"answer": "…", "usage": {"input_tokens": 5, "output_tokens": output}})


@pytest.fixture
async def quota(database: str, clock: Any, tmp_path) -> AsyncIterator[Tokenhouse]:
    settings = Settings(home=tmp_path, plan="quota", purchase_url="https://shop.example/tokens", locale="ko")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        yield house
        assert (await house.verify()).findings == ()


@pytest.fixture
async def backend(quota: Tokenhouse) -> AsyncIterator[Served]:
    app = Starlette(routes=[Route("/api/v1/agents/chat", agent, methods=["POST"])])
    app.add_middleware(
        TokenMiddleware,
        house=quota,
        endpoints=QUOTA_ENDPOINTS,
        account=TrustedHeader(secret=SECRET),
        opens_accounts=True,
    )
    async with served(app) as serving:
        yield serving


Ask = Callable[[str, int], Awaitable[Answer]]


@pytest.fixture
def ask(quota: Tokenhouse, backend: Served) -> Ask:
    """Return how a user asks. The answer comes before its charge is written, so that is waited for."""

    async def asked(user: str, words: int) -> Answer:
        proof = {"x-user-id": user, "x-tokenhouse-secret": SECRET}
        document = {"message": "Tell me more", "words": words}
        answer = await backend.ask("/api/v1/agents/chat", document, **proof)
        await soon(lambda: settled(quota, user))
        return answer

    return asked


async def settled(house: Tokenhouse, user: str) -> bool:
    return (await house.balance(user)).held == 0


async def buy(house: Tokenhouse, user: str, tokens: int) -> None:
    order = await house.order(user, tokens, price=Price(currency="KRW", minor=5_000))
    await house.complete_order(user, order.id)


async def remaining(house: Tokenhouse, user: str) -> int:
    return (await house.balance(user)).remaining


async def test_onboarding_a_new_user_has_the_months_quota_at_the_first_request(quota, ask):
    first = await ask("new", 495)
    assert first.status == 200
    assert first.headers["x-tokenhouse-remaining"] == "10000"
    assert first.headers["ratelimit-policy"] == '"quota";q=10000;w=2592000'
    assert await remaining(quota, "new") == 9_500


async def test_ordinary_use_is_charged_request_by_request_and_said_in_headers(quota, ask):
    left = [int((await ask("kim", words)).headers["x-tokenhouse-remaining"]) for words in (495, 995, 95)]
    assert left == [10_000, 9_500, 8_500]
    history = await quota.history("kim", kinds=("charge",))
    assert [(line.charge, line.source) for line in history] == [
        (100, "provider"),
        (1_000, "provider"),
        (500, "provider"),
    ]


@pytest.mark.row("E7")
async def test_exhaustion_is_refused_before_the_app_runs_until_credit_is_bought(quota, ask):
    for words in (4_090, 4_090, 4_090):
        answer = await ask("lee", words)
        assert answer.status == 200
    assert answer.headers["x-tokenhouse-warning"] == "WARNING"
    no = await ask("lee", 100)
    assert no.status == 429
    assert no.headers["x-should-retry"] == "false"
    assert "retry-after" not in no.headers
    assert no.headers["content-type"] == "application/problem+json"
    assert no.headers["x-tokenhouse-warning"] == "BLOCKED"
    told = no.document
    assert (told["code"], told["recommended_action"]) == ("insufficient_credit", "PURCHASE_TOKENS")
    assert told["purchase_url"] == "https://shop.example/tokens"
    assert told["resets_at"] == "2026-12-01T00:00:00Z"
    assert "크레딧" in told["detail"] or "부족" in told["detail"]
    await buy(quota, "lee", 5_000)
    again = await ask("lee", 100)
    assert again.status == 200
    assert await remaining(quota, "lee") == int(again.headers["x-tokenhouse-remaining"]) - 105


@pytest.mark.row("E1")
async def test_a_power_user_never_spends_more_than_there_is_and_goes_on_after_buying(quota, ask):
    answers = await asyncio.gather(*(ask("power", 1_900) for _ in range(20)))
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) == {200, 429}
    balance = await quota.balance("power")
    assert (balance.debt, balance.held) == (0, 0)
    assert balance.used <= 10_000
    await buy(quota, "power", 50_000)
    answers = await asyncio.gather(*(ask("power", 1_900) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}


async def test_a_new_month_brings_a_new_quota_and_bought_credit_stays(quota, ask, clock):
    while (await ask("park", 3_900)).status == 200:
        continue
    await buy(quota, "park", 1_000)
    clock.move(days=10)
    answer = await ask("park", 400)
    assert answer.status == 200
    assert int(answer.headers["x-tokenhouse-remaining"]) == 11_000
    assert answer.headers["x-tokenhouse-used-percent"] == "0"
