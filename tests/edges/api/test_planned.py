"""What two of the sources only plan: tiers, daily free points, prices by model, credit of a whole company."""

from typing import Any

import pytest

from tests.edges.api.conftest import Service

WHY = "As the source plans it"
POINT = {"name": "point", "symbol": "P", "decimals": 0}


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"plan": "points"}


@pytest.fixture
async def points(service: Service) -> Service:
    demo = service.app._gateway._upstreams.demo
    demo._first_s = demo._chunk_s = 0
    return service


async def planned(service: Service, **document: Any) -> None:
    asked = {"document": {"unit": POINT, **document}, "reason": WHY}
    await service.ok("POST", "/api/v1/plans", who="operator", json=asked)


async def asked(service: Service, who: str, tokens: int, model: str = "demo") -> tuple[int, int]:
    """Ask a model for so many tokens; return the tokens read, and what was charged."""
    before = (await service.house.balance(who)).used_total
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "안녕하세요!"}],
        "max_tokens": tokens,
        "demo": {"tokens": tokens},
    }
    told = await service.ok("POST", "/v1/chat/completions", who=who, json=body)
    return told["usage"]["prompt_tokens"], (await service.house.balance(who)).used_total - before


@pytest.mark.row("D10", "D2", "E4")
async def test_a_better_tier_pays_less_for_the_same(points: Service):
    await planned(
        points, name="vip", signup={"amount": 0}, rate={"multiplier": "2", "discount": "0.25", "minimum": 1}
    )
    await points.key("mina")
    read, charged = await asked(points, "mina", 101)
    assert charged == 2 * (read + 101)
    change = {"plan": "vip", "reason": WHY}
    await points.ok("PATCH", "/api/v1/accounts/mina", who="operator", json=change)
    assert await asked(points, "mina", 101) == (read, -(-3 * (read + 101) // 2))
    left = (await points.ok("GET", "/api/user/points", who="mina"))["points"]
    assert left == 100_000 - charged - -(-3 * (read + 101) // 2), "points stay through a change of tier"


@pytest.mark.row("D10", "E5", "B7")
async def test_free_points_come_every_day_and_bought_ones_stay(points: Service, clock: Any):
    await planned(
        points,
        name="daily",
        allowance=[{"amount": 1_000, "every": "day", "time_zone": "Asia/Seoul"}],
        rate={"multiplier": "2", "minimum": 1},
    )
    new = {"ref": "mina", "plan": "daily", "locale": "ko"}
    await points.ok("POST", "/api/v1/accounts", who="operator", json=new)
    await points.house.grant("mina", 500, source="purchase")
    _, charged = await asked(points, "mina", 100)
    assert (await points.ok("GET", "/api/user/points", who="mina"))["points"] == 1_500 - charged
    clock.move(hours=11, minutes=59)
    assert (await points.ok("GET", "/api/user/points", who="mina"))["points"] == 1_500 - charged
    clock.move(minutes=1)
    assert (await points.ok("GET", "/api/user/points", who="mina"))["points"] == 1_500
    clock.move(days=30)
    assert (await points.ok("GET", "/api/user/points", who="mina"))["points"] == 1_500
    await asked(points, "mina", 5)
    lines = (await points.ok("GET", "/api/user/points/history", who="mina"))["history"]
    assert [one["type"] for one in lines][:3] == ["chat_usage", "allowance", "expired"]


@pytest.mark.row("D10", "B8", "E4")
async def test_models_have_prices_of_their_own(points: Service):
    rates = [
        {"model": "demo", "input": "1", "output": "2", "per": 1},
        {"model": "demo-large", "input": "5", "output": "20", "per": 1},
    ]
    await points.ok("POST", "/api/v1/rates", who="operator", json={"rates": rates, "reason": WHY})
    await planned(points, name="by-model", signup={"amount": 100_000}, rate={"by": "rates", "minimum": 1})
    new = {"ref": "mina", "plan": "by-model"}
    await points.ok("POST", "/api/v1/accounts", who="operator", json=new)
    read, small = await asked(points, "mina", 50)
    assert small == read + 2 * 50
    read, large = await asked(points, "mina", 50, "demo-large")
    assert large == 5 * read + 20 * 50
    [entry] = (await points.ok("GET", "/api/v1/accounts/mina/entries?limit=1", who="mina"))["items"]
    full = await points.ok("GET", f"/api/v1/accounts/mina/entries/{entry['seq']}", who="mina")
    assert full["reckoning"]["rate_pattern"] == "demo-large"
    assert full["reckoning"]["charge"]["value"] == str(large)
    stats = await points.ok("GET", "/api/admin/token-stats/user/mina", who="operator")
    assert [(one["model"], one["charged"]) for one in stats["models"]] == [
        ("demo-large", large),
        ("demo", small),
    ]


@pytest.mark.row("B8", "E8")
async def test_a_company_buys_for_all_of_its_people(points: Service):
    await planned(points, name="business", rate={"multiplier": "2", "minimum": 1})
    company = {"ref": "acme", "kind": "company", "plan": "business"}
    await points.ok("POST", "/api/v1/accounts", who="operator", json=company)
    for person in ("kim", "lee"):
        new = {"ref": person, "parent": "acme", "plan": "business"}
        await points.ok("POST", "/api/v1/accounts", who="operator", json=new)
    first = await points.call(
        "POST", "/v1/chat/completions", who="kim", json={"model": "demo", "messages": []}
    )
    assert first.status_code in (400, 402)
    bought = {"token_amount": 1_000_000, "purchase_type": "purchase"}
    await points.ok(
        "POST",
        "/api/v1/user-quota/add-tokens",
        who="operator",
        headers={"x-user-id": "acme"},
        json=bought,
    )
    used = {person: (await asked(points, person, 300))[1] for person in ("kim", "lee")}
    assert (await points.ok("GET", "/api/user/points", who="acme"))["points"] == 1_000_000 - sum(
        used.values()
    )
    for person, charged in used.items():
        quota = await points.ok("GET", "/api/v1/user-quota/quota", who=person)
        assert quota["used_tokens"] == charged
        assert quota["remaining_tokens"] == 1_000_000 - sum(used.values())
    assert not (await points.house.verify()).findings
