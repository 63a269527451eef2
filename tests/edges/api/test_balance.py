"""Who may see where an account stands, and how amounts are said."""

from datetime import timedelta

import pytest

from tests.conftest import Clock
from tests.edges.api.conftest import Service


@pytest.mark.row("E7")
async def test_a_user_sees_its_own_balance_and_nobody_else_s(service: Service):
    mine = await service.ok("GET", "/api/v1/accounts/me/balance", who="alice")
    assert mine["account"] == "alice"
    assert mine["remaining"] == {"value": "100000", "unit": "token", "shown": "100,000"}
    assert mine["level"] == "normal"
    await service.key("bob")
    for other in ("bob", "nobody-at-all"):
        problem = await service.no(403, "GET", f"/api/v1/accounts/{other}/balance", who="alice")
        assert problem["code"] == "forbidden"
        assert other in problem["detail"]
    await service.no(401, "GET", "/api/v1/accounts/me/balance")


@pytest.mark.parametrize("role", ["auditor", "operator", "owner"])
async def test_roles_above_see_every_account(service: Service, role: str):
    await service.key("alice")
    seen = await service.ok("GET", "/api/v1/accounts/alice/balance", who=role)
    assert seen["account"] == "alice"
    await service.no(404, "GET", "/api/v1/accounts/nobody/balance", who=role)


async def test_a_key_without_account_pays_for_no_call(service: Service):
    secret = await service.key("operator")
    answer = await service.call(
        "POST", "/v1/chat/completions", json={}, headers={"authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 401
    assert "operator" in answer.json()["error"]["message"]


@pytest.mark.row("B3")
async def test_what_is_left_is_told_by_origin(service: Service, clock: Clock):
    house = service.house
    await service.key("alice")
    await house.grant("alice", 500, source="bonus", expires_at=clock() + timedelta(days=9))
    await house.grant("alice", 300, source="coupon", expires_at=clock() + timedelta(days=3))
    await house.grant("alice", 2_000, source="purchase")
    told = await service.ok("GET", "/api/v1/accounts/me/balance", who="alice")
    sums = {one["origin"]: (one["left"]["shown"], one["ends_at"]) for one in told["origins"]}
    assert sums == {
        "free": ("100,000", "2026-12-01T00:00:00Z"),
        "bought": ("2,000", None),
        "bonus": ("800", "2026-11-24T03:00:00Z"),
    }
    assert {one["source"]: one["origin"] for one in told["lots"]} == {
        "allowance": "free",
        "bonus": "bonus",
        "coupon": "bonus",
        "purchase": "bought",
    }
    assert sum(int(one["left"]["value"]) for one in told["origins"]) == int(told["remaining"]["value"])
