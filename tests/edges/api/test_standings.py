"""Accounts with their figures over REST, their limits, what another plan would change, how they chat."""

import csv
import io
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.flow import standings
from tokenhouse.rules.usage import Usage

ACCOUNTS = "/api/v1/accounts"
STANDINGS = "/api/v1/statistics/accounts"
PRO = {
    "name": "pro",
    "allowance": [{"amount": 500_000, "every": "month"}],
    "limit": [
        {"what": "requests", "amount": 20, "every": "minute"},
        {"what": "tokens", "amount": 50_000, "every": "day", "per": "model"},
        {"what": "credit", "amount": 40_000, "every": "week"},
    ],
}


async def everybody(service: Service, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = await service.ok("GET", STANDINGS, who="auditor", params=params)
        found += page["items"]
        if page["next"] is None:
            return found
        params = {**params, "cursor": page["next"]}


@pytest.mark.row("A4")
async def test_each_account_comes_with_its_line_of_the_report(service: Service):
    house = service.house
    for ref in ("alice", "bora", "chan"):
        await house.account(ref, name=ref.title())
    await house.grant("bora", 50_000, source="purchase")
    for amount in (40_000, 20_000):
        await house.charge("bora", amount)
    lines = {line.account: line async for line in house.lines()}
    found = await everybody(service, limit=2)
    assert sorted(one["account"]["ref"] for one in found) == sorted(lines) == ["alice", "bora", "chan"]
    for one in found:
        line, figures = lines[one["account"]["ref"]], one["figures"]
        for name in ("free", "bought", "total", "used", "left", "mean_per_turn"):
            assert figures[name]["value"] == str(getattr(line, name))
        assert (figures["used_percent"], figures["turns"], figures["level"]) == (
            line.used_percent,
            line.turns,
            line.level,
        )
    [bora] = await everybody(service, search="bor")
    assert bora["figures"]["used"] == {"value": "60000", "unit": "token", "shown": "60,000"}
    await service.no(403, "GET", STANDINGS, who="alice")


async def test_an_account_that_waits_for_its_balance_has_no_figures(service: Service):
    await service.house.account("alice")
    await service.house.write_plan(PRO)
    async with service.house.desk.pool.acquire() as connection:
        await connection.execute("delete from tokenhouse.idempotency_keys")
        await connection.execute(
            "insert into tokenhouse.accounts (cell, id, ref, kind, own_credit, created_at)"
            " values (3, 900, 'waits', 'user', true, now())"
        )
    found = {one["account"]["ref"]: one["figures"] for one in await everybody(service)}
    assert found["waits"] is None
    assert found["alice"] is not None


async def test_accounts_are_picked_by_state_and_plan(service: Service, monkeypatch: pytest.MonkeyPatch):
    house = service.house
    await house.write_plan(PRO)
    for number in range(7):
        await house.account(f"user-{number}", plan="pro" if number % 3 == 0 else None)
    for number in (1, 3, 5):
        await house.amend(f"user-{number}", state="suspended")

    async def refs(**params: Any) -> list[str]:
        return sorted(one["account"]["ref"] for one in await everybody(service, **params))

    monkeypatch.setattr("tokenhouse.flow.standings.LOOKED_AT", 3)
    for limit in (1, 2, 50):
        assert await refs(state="suspended", limit=limit) == ["user-1", "user-3", "user-5"]
        assert await refs(plan="pro", limit=limit) == ["user-0", "user-3", "user-6"]
        assert await refs(plan="pro", state="active", limit=limit) == ["user-0", "user-6"]
        assert await refs(plan="pro", state="suspended", limit=limit) == ["user-3"]
        assert await refs(state="closed", limit=limit) == []
        assert await refs(plan="none", limit=limit) == []
        assert await refs(search="user", state="suspended", plan="pro", limit=limit) == ["user-3"]
    for cursor in ("x", "W10", "e30"):
        asked = {"cursor": cursor, "plan": "pro"}
        assert (await service.no(400, "GET", STANDINGS, who="auditor", params=asked))["field"] == "cursor"


@pytest.mark.parametrize("rows", [1, 500])
async def test_the_report_is_a_csv_that_says_the_same(service: Service, monkeypatch, rows: int):
    monkeypatch.setattr(standings, "TABLE_ROWS", rows)
    house = service.house
    await house.account("alice", name="=cmd()", email="alice@example.com")
    await house.charge("alice", 1_234)
    answer = await service.call("GET", f"{STANDINGS}.csv", who="auditor")
    assert answer.headers["content-type"].startswith("text/csv")
    [line] = csv.DictReader(io.StringIO(answer.text))
    [known] = [line async for line in house.lines()]
    assert line["account"] == "alice"
    assert line["name"] == "'=cmd()"
    for name in ("free", "bought", "total", "used", "left", "turns", "mean_per_turn", "level", "state"):
        assert line[name] == str(getattr(known, name))
    await service.no(403, "GET", f"{STANDINGS}.csv", who="alice")


@pytest.mark.row("E8")
async def test_limits_stand_with_their_windows_and_those_above(service: Service):
    house = service.house
    await house.write_plan(PRO)
    await house.write_plan({"name": "firm", "limit": [{"what": "tokens", "amount": 1_000, "every": "hour"}]})
    await house.account("acme", kind="company", plan="firm")
    await house.grant("acme", 1_000_000)
    await house.account("mina", parent="acme", plan="pro")
    held = await house.reserve("mina", 300, tokens=250, model="gpt-4o")
    await house.settle("mina", held.id, 120, usage=Usage(input=60, output=40))
    found = (await service.ok("GET", f"{ACCOUNTS}/mina/limits", who="mina"))["items"]
    told = [
        (
            one["account"],
            one["name"],
            one["of"],
            one["used"]["value"],
            one["left"]["value"],
            one["used"]["unit"],
        )
        for one in found
    ]
    assert told == [
        ("mina", "requests/minute", "", "1", "19", "request"),
        ("mina", "tokens/day/model", "gpt-4o", "100", "49900", "token"),
        ("mina", "credit/week", "", "120", "39880", "token"),
        ("acme", "tokens/hour", "", "100", "900", "token"),
    ]
    assert [one["used_percent"] for one in found] == [5.0, 0.2, 0.3, 10.0]
    await service.no(403, "GET", f"{ACCOUNTS}/acme/limits", who="mina")


async def test_a_plan_is_looked_at_before_it_is_given(service: Service):
    house = service.house
    await house.write_plan(PRO)
    await house.account("alice")
    await house.charge("alice", 30_000)
    path = f"{ACCOUNTS}/alice/plan-preview"
    seen = await service.ok("GET", path, who="auditor", params={"plan": "pro"})
    assert seen["now"]["remaining"]["value"] == "70000"
    assert seen["then"]["remaining"]["value"] == "470000"
    terms = {one["term"]: (one["before"], one["after"]) for one in seen["terms"]}
    assert terms["allowance[0].amount"] == ("100000", "500000")
    assert terms["limit[0].what"] == ("", "requests")
    assert terms["reserve.cap_output"] == ("false", "true")
    assert (await house.balance("alice")).plan == "chat-tokens"
    await house.amend("alice", plan="pro")
    assert (await service.ok("GET", f"{ACCOUNTS}/alice/balance", who="alice")) == seen["then"]
    await service.no(404, "GET", path, who="auditor", params={"plan": "none"})
    await service.no(403, "GET", path, who="alice", params={"plan": "pro"})


async def test_chat_use_is_the_sum_of_the_conversations(service: Service):
    await service.house.account("alice")
    path = f"{ACCOUNTS}/alice/chat"
    assert (await service.ok("GET", path, who="alice"))["last_at"] is None
    for title in ("one", "two"):
        await service.ok("POST", "/api/v1/chat/sessions", who="alice", json={"title": title})
    sessions = (await service.ok("GET", "/api/v1/chat/sessions", who="alice"))["items"]
    await service.ok(
        "PATCH", f"/api/v1/chat/sessions/{sessions[0]['id']}", who="alice", json={"archived": True}
    )
    found = await service.ok("GET", path, who="alice")
    assert (found["sessions"], found["archived"], found["turns"], found["tokens"]) == (2, 1, 0, 0)
    assert found["charged"]["value"] == "0"


async def test_who_signs_in_for_an_account_is_found(service: Service):
    for name in ("alice", "bora"):
        await service.house.account(name)
        await service.house.create_person(f"{name}@example.com", account=name)
    found = await service.ok("GET", "/api/v1/people", who="owner", params={"account": "alice"})
    assert [one["email"] for one in found["items"]] == ["alice@example.com"]
    await service.no(404, "GET", "/api/v1/people", who="owner", params={"account": "nobody"})
    await service.no(403, "GET", "/api/v1/people", who="operator", params={"account": "alice"})


@pytest.mark.row("C10")
async def test_reasons_of_accounts_and_keys_stand_in_the_audit_log(service: Service):
    made = {"ref": "mina", "reason": "contract 7"}
    await service.ok("POST", ACCOUNTS, who="operator", json=made)
    key = await service.ok(
        "POST", f"{ACCOUNTS}/mina/keys", who="operator", json={"name": "bot", "reason": "she asked"}
    )
    await service.ok("DELETE", f"{ACCOUNTS}/mina/keys/{key['id']}", who="operator", params={"reason": "lost"})
    log = (await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"subject": "mina"}))["items"]
    assert [(one["action"], one["reason"]) for one in log] == [
        ("key.revoke", "lost"),
        ("key.create", "she asked"),
        ("account.create", "contract 7"),
    ]
