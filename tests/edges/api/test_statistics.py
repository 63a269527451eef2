"""Statistics over REST: what an operator sees of the deployment, and a user of its own account."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Clock
from tests.edges.api.conftest import Service
from tokenhouse import Price, Usage
from tokenhouse.errors import InsufficientCredit

ROUTES = (
    *("", "/usage", "/patterns", "/costs", "/purchases", "/refusals", "/forecast", "/exhausted"),
    "/monitoring",
)


@pytest.fixture
async def busy(service: Service, clock: Clock) -> Service:
    """Return a service after a week of use by two accounts."""
    house = service.house
    clock.now = datetime(2026, 11, 12, 3, tzinfo=UTC)
    for ref in ("alice", "bob"):
        await house.account(ref)
    for _ in range(8):
        await house.charge("alice", 2_000, model="m", usage=Usage(input=1_500, output=500))
        clock.move(days=1)
    await house.charge("bob", 100_000)
    with pytest.raises(InsufficientCredit):
        await house.reserve("bob", 50_000)
    order = await house.order("alice", 5_000, price=Price(minor=9_900))
    await house.complete_order("alice", order.id)
    return service


@pytest.mark.row("B5", "C9", "A7")
@pytest.mark.parametrize("path", ROUTES)
async def test_statistics_are_for_those_who_see_everything(service: Service, path: str):
    await service.no(401, "GET", f"/api/v1/statistics{path}")
    await service.no(403, "GET", f"/api/v1/statistics{path}", who="alice")
    await service.ok("GET", f"/api/v1/statistics{path}", who="auditor")


@pytest.mark.row("B5")
async def test_the_overview_counts_everybody(busy: Service):
    found = await busy.ok("GET", "/api/v1/statistics?top=1", who="auditor")
    assert (
        found["overview"]
        | {
            "accounts": 2,
            "with_balance": 2,
            "active": 2,
            "used": {"value": "116000", "unit": "token", "shown": "116,000"},
            "exhausted": 1,
        }
        == found["overview"]
    )
    assert found["distribution"] == {"under50": 1, "under80": 0, "under90": 0, "under95": 0, "over95": 1}
    assert [one["account"] for one in found["top"]] == ["bob"]
    assert datetime.fromisoformat(found["cached_at"]) == datetime(2026, 11, 20, 3, tzinfo=UTC)


@pytest.mark.row("B5")
async def test_an_operator_has_it_counted_anew(busy: Service):
    first = await busy.ok("GET", "/api/v1/statistics", who="auditor")
    await busy.house.account("carol")
    assert await busy.ok("GET", "/api/v1/statistics", who="auditor") == first
    await busy.no(403, "DELETE", "/api/v1/statistics/cache", who="auditor")
    assert await busy.ok("DELETE", "/api/v1/statistics/cache", who="operator") is None
    assert (await busy.ok("GET", "/api/v1/statistics", who="auditor"))["overview"]["accounts"] == 3


@pytest.mark.row("C9", "D11")
async def test_use_by_day_with_what_was_refused(busy: Service):
    found = await busy.ok("GET", "/api/v1/statistics/usage?every=day&last=2", who="auditor")
    yesterday, today = found["points"]
    assert (yesterday["turns"], yesterday["tokens"], yesterday["charged"]["value"]) == (1, 2_000, "2000")
    assert (yesterday["refused"], yesterday["allowed_percent"]) == (0, 100.0)
    assert (today["turns"], today["refused"], today["allowed_percent"]) == (1, 1, 50.0)
    assert yesterday["charged_per_token"] == "1.0000"
    refusals = await busy.ok("GET", "/api/v1/statistics/refusals", who="auditor")
    assert (refusals["allowed"], refusals["refused"]) == (9, 1)
    assert refusals["lines"] == [{"day": "2026-11-20", "code": "insufficient_credit", "refused": 1}]


@pytest.mark.row("B8", "C9")
async def test_patterns_costs_and_purchases(busy: Service):
    patterns = await busy.ok("GET", "/api/v1/statistics/patterns?days=28&users=1", who="auditor")
    assert len(patterns["hours"]) == 168
    assert [(one["model"], one["turns"]) for one in patterns["models"]] == [("", 1), ("m", 8)]
    assert [one["account"] for one in patterns["users"]] == ["bob"]
    costs = await busy.ok("GET", "/api/v1/statistics/costs?every=month&last=1", who="auditor")
    assert costs["charged"]["value"] == "116000"
    assert {line["model"] for line in costs["lines"]} == {"", "m"}
    purchases = await busy.ok("GET", "/api/v1/statistics/purchases", who="auditor")
    assert [(one["currency"], one["orders"], one["price_minor"]) for one in purchases["lines"]] == [
        ("KRW", 1, 9_900)
    ]


@pytest.mark.row("D11")
async def test_who_has_nothing_left(busy: Service):
    found = await busy.ok("GET", "/api/v1/statistics/exhausted?limit=1", who="auditor")
    assert [one["account"] for one in found["items"]] == ["bob"]
    rest = await busy.ok("GET", f"/api/v1/statistics/exhausted?limit=1&cursor={found['next']}", who="auditor")
    assert rest == {"items": [], "next": None}
    await busy.no(400, "GET", "/api/v1/statistics/exhausted?cursor=nonsense", who="auditor")


@pytest.mark.row("A7")
async def test_sign_ups_renewal_and_use_are_watched(busy: Service):
    found = await busy.ok("GET", "/api/v1/statistics/monitoring?days=9", who="auditor")
    assert [day["signups"] for day in found["days"]] == [2] + [0] * 8
    assert (found["waiting"], found["stuck"], found["first"]) == (0, 0, 2)
    assert [day["turns"] for day in found["days"]] == [1] * 9


@pytest.mark.row("B8", "C9")
async def test_a_user_sees_its_own_use_and_forecast(busy: Service):
    mine = await busy.ok("GET", "/api/v1/accounts/me/usage?last=2", who="alice")
    assert [(one["turns"], one["charged"]["value"]) for one in mine["items"]] == [(1, "2000"), (0, "0")]
    models = await busy.ok("GET", "/api/v1/accounts/alice/usage?every=month&last=1&by=model", who="alice")
    assert [(one["model"], one["turns"], one["tokens_input"]) for one in models["items"]] == [
        ("m", 8, 12_000)
    ]
    assert (await busy.ok("GET", "/api/v1/accounts/me/usage?every=hour&last=24&by=key", who="alice"))[
        "items"
    ] == []
    forecast = await busy.ok("GET", "/api/v1/accounts/me/forecast", who="alice")
    assert (forecast["per_day"]["value"], forecast["available"]["value"]) == ("2000", "89000")
    assert datetime.fromisoformat(forecast["exhausted_at"]) == datetime(2027, 1, 3, 15, tzinfo=UTC)
    assert forecast["lasts_until_renewal"]
    for route in ("usage", "forecast"):
        await busy.no(401, "GET", f"/api/v1/accounts/me/{route}")
        await busy.no(403, "GET", f"/api/v1/accounts/bob/{route}", who="alice")
        await busy.ok("GET", f"/api/v1/accounts/bob/{route}", who="auditor")
        await busy.no(404, "GET", f"/api/v1/accounts/nobody/{route}", who="auditor")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/statistics?top=1001",
        "/api/v1/statistics/usage?every=week",
        "/api/v1/statistics/usage?every=day&last=367",
        "/api/v1/statistics/usage?last=0",
        "/api/v1/statistics/patterns?days=32",
        "/api/v1/statistics/refusals?days=400",
        "/api/v1/accounts/alice/usage?by=user",
        "/api/v1/accounts/alice/usage?every=month&last=61",
    ],
)
async def test_a_question_out_of_range_is_refused(service: Service, path: str):
    await service.key("alice")
    assert (await service.no(400, "GET", path, who="auditor"))["code"] == "invalid_input"


@pytest.mark.row("B5")
@pytest.mark.parametrize("place", ["/api/admin/token-stats", "/admin/token-stats"])
async def test_the_source_s_own_paths(busy: Service, place: str):
    await busy.no(401, "GET", place)
    await busy.no(403, "GET", place, who="alice")
    found: dict[str, Any] = await busy.ok("GET", place, who="operator")
    assert found["overview"] == {
        "totalUsers": 2,
        "activeUsers": 2,
        "totalUsedTokens": 116_000,
        "totalPurchasedTokens": 5_000,
        "averageUsedTokens": 58_000,
    }
    assert found["distribution"] == {"under50": 1, "under80": 0, "under90": 0, "under95": 0, "over95": 1}
    first = found["topUsers"][0]
    assert (first["userId"], first["email"], first["usedTokens"], first["usagePercent"]) == (
        "bob",
        "",
        100_000,
        100.0,
    )
    await busy.house.account("1", email="one@example.test")
    assert await busy.ok("GET", place, who="operator") == found
    await busy.no(403, "DELETE", f"{place}/cache", who="auditor")
    await busy.ok("DELETE", f"{place}/cache", who="operator")
    assert (await busy.ok("GET", place, who="operator"))["overview"]["totalUsers"] == 3


@pytest.mark.row("B5", "B8")
@pytest.mark.parametrize("place", ["/api/admin/token-stats", "/admin/token-stats"])
async def test_the_source_s_page_of_one_user(busy: Service, place: str):
    await busy.house.account("1", email="one@example.test")
    await busy.house.charge("1", 900, model="m", usage=Usage(input=900))
    found = await busy.ok("GET", f"{place}/user/1", who="operator")
    assert (found["userId"], found["email"], found["usedTokens"]) == (1, "one@example.test", 900)
    assert (found["daily"][-1]["tokens"], len(found["daily"])) == (900, 30)
    assert found["models"] == [{"model": "m", "turns": 1, "tokens": 900, "charged": 900}]
    alice = await busy.ok("GET", f"{place}/user/alice", who="operator")
    assert (alice["tokensPerDay"], alice["exhaustedAt"]) == (2_000, "2027-01-03T15:00:00Z")
    await busy.no(403, "GET", f"{place}/user/1", who="alice")
    await busy.no(404, "GET", f"{place}/user/9", who="operator")


@pytest.mark.row("B8", "D11")
async def test_use_is_added_up_by_model_and_key_between_two_moments(service: Service, clock: Clock):
    house = service.house
    await house.account("mina")
    clock.now = datetime(2026, 11, 10, 3, tzinfo=UTC)
    for model, key, charge in (("big", "th_one", 50), ("small", "th_one", 5), ("small", "th_two", 7)):
        await house.charge("mina", charge, model=model, actor=f"key:{key}")
        clock.move(days=2)
    path = "/api/v1/accounts/mina/usage"

    async def told(**params: Any) -> tuple[Any, ...]:
        found = await service.ok("GET", path, who="auditor", params=params)
        parts = [(one["model"] or one["api_key"], one["charged"]["value"]) for one in found["parts"]]
        assert sum(int(one["charged"]["value"]) for one in found["items"]) == int(
            found["total"]["charged"]["value"]
        )
        return len(found["starts"]), parts, found["total"]["charged"]["value"]

    assert await told(last=10, by="model") == (10, [("big", "50"), ("small", "12")], "62")
    assert await told(last=10, by="key") == (10, [("th_one", "55"), ("th_two", "7")], "62")
    assert await told(last=10) == (10, [], "62")
    assert await told(last=10, by="model", key="th_one") == (10, [("big", "50"), ("small", "5")], "55")
    assert await told(last=10, by="key", model="small") == (10, [("th_two", "7"), ("th_one", "5")], "12")
    since = "2026-11-12T00:00:00Z"
    assert (await told(by="model", since=since))[1:] == ([("small", "12")], "12")
    between = {"since": since, "until": "2026-11-13T00:00:00Z"}
    assert await told(by="model", **between) == (1, [("small", "5")], "5")
    assert await told(every="hour", since=since, until="2026-11-12T02:30:00Z") == (3, [], "0")
    assert (await told(since="1999-01-01T00:00:00Z"))[0] == 366
    assert (await told(since="2030-01-01T00:00:00Z"))[0] == 1
    assert (await told(until="1999-01-01T00:00:00Z", last=3))[2] == "0"
    await service.no(400, "GET", f"{path}?since=2026-11-11T15:00:00", who="auditor")


@pytest.mark.row("C9", "E10")
async def test_money_that_came_in_is_added_up_by_currency(busy: Service):
    house = busy.house
    refunded = await house.order("alice", 5_000, price=Price(minor=9_900))
    await house.complete_order("alice", refunded.id)
    await house.refund_order("alice", refunded.id, refunded_minor=4_900)
    dollars = await house.order("alice", 100, price=Price(minor=1_250, currency="USD"))
    await house.complete_order("alice", dollars.id)
    await house.order("alice", 100, price=Price(minor=1_250, currency="USD"))
    found = await busy.ok("GET", "/api/v1/statistics/purchases", who="auditor")
    assert [
        (one["currency"], one["orders"], one["paid"]["shown"], one["refunded"]["minor"], one["kept"]["minor"])
        for one in found["income"]
    ] == [("KRW", 2, "₩19,800", 4_900, 14_900), ("USD", 1, "$12.50", 0, 1_250)]
    assert {one["price"]["shown"] for one in found["lines"]} == {"₩19,800", "$12.50"}
