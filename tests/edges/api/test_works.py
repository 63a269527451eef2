"""Long works over REST: a simulation beside the server, and a verification that survives whoever asked."""

import asyncio

import pytest

from tests.edges.api.conftest import Service
from tokenhouse import Tokenhouse, Usage
from tokenhouse.settings import Settings
from tokenhouse.store.pool import connect

SIMULATE, VERIFY = "/api/v1/simulations", "/api/v1/verifications"
TRACE = "time,account,model,input,output\n0,alice,m,60,30\n60,alice,m,60,30\n120,bora,m,10,5\n"
TERMS = {"name": "tiny", "signup": {"amount": 100}}
WHY = {"reason": "end of month"}


async def simulated(service: Service, asked: dict, who: str = "auditor") -> dict:
    """Start a simulation and return it once it has ended."""
    begun = await service.call("POST", SIMULATE, who=who, json=asked)
    assert begun.status_code == 202, begun.text
    while True:
        found = await service.ok("GET", f"{SIMULATE}/{begun.json()['id']}", who="auditor")
        if found["state"] != "running":
            return found
        await asyncio.sleep(0.02)


@pytest.mark.row("E11")
async def test_a_trace_tells_who_would_be_blocked_and_when(service: Service):
    asked = {"trace": TRACE, "documents": [TERMS], "start_at": "2026-11-01T00:00:00Z"}
    found = await simulated(service, asked)
    assert (found["state"], found["source"], found["plans"], found["steps_done"]) == (
        "done",
        "trace",
        ["tiny"],
        3,
    )
    told = found["result"]
    assert (told["layout"], told["requests"], told["accounts"]) == ("plain", 3, 2)
    assert (told["first_at"], told["last_at"]) == ("2026-11-01T00:00:00Z", "2026-11-01T00:02:00Z")
    [plan] = told["plans"]
    assert (plan["plan"], plan["allowed"], plan["refused"], plan["accounts_blocked"]) == ("tiny", 2, 1, 1)
    assert plan["charged"]["value"] == "105"
    [blocked] = plan["blocked_first"]
    assert (blocked["account"], blocked["first_refused_at"]) == ("alice", "2026-11-01T00:01:00Z")
    assert (plan["cost"], plan["change"]) == (None, None)
    assert [(day["date"], day["refused"]) for day in plan["days"]] == [("2026-11-01", 1)]


@pytest.mark.row("E11")
async def test_a_second_plan_says_what_would_change_against_the_first(service: Service):
    less = {**TERMS, "signup": {"amount": 50}}
    more = {**TERMS, "signup": {"amount": 500}}
    asked = {"trace": TRACE, "documents": [TERMS, less, more], "start_at": "2026-11-01T00:00:00Z"}
    first, tighter, wider = (await simulated(service, asked))["result"]["plans"]
    change = tighter["change"]
    for name in ("accounts_blocked", "refused", "allowed", "tokens", "shortened"):
        assert change[name] == tighter[name] - first[name], name
    assert (change["allowed"], change["tokens"]) == (-1, -90)
    assert (change["accounts_blocked"], change["blocked_sooner"], change["refused"]) == (0, 1, 1)
    assert change["charged"] == {"value": "-90", "unit": "token", "shown": "-90"}
    [alice] = change["accounts"]
    assert (alice["account"], alice["refused_before"], alice["refused_after"]) == ("alice", 1, 2)
    assert (alice["refused_at_before"], alice["refused_at_after"]) == (
        "2026-11-01T00:01:00Z",
        "2026-11-01T00:00:00Z",
    )
    change = wider["change"]
    assert (
        change["blocked_no_more"],
        change["blocked_newly"],
        change["accounts"][0]["refused_at_after"],
    ) == (1, 0, None)


@pytest.mark.row("E11")
async def test_the_deployments_own_history_is_run_with_the_credit_that_came_in_it(service: Service, clock):
    house = service.house
    for plan, amount in (("small", 100), ("other", 10_000)):
        await house.write_plan({"name": plan, "signup": {"amount": amount}}, actor="test")
    await house.account("alice", plan="small")
    await house.account("bora", plan="other")
    for ref in ("alice", "bora"):
        await house.charge(ref, usage=Usage(input=60, output=30), model="m")
    clock.move(minutes=1)
    await house.grant("alice", 200, source="purchase", actor="test")
    clock.move(minutes=1)
    for _ in range(2):
        await house.charge("alice", usage=Usage(input=60, output=30), model="m")
    clock.move(minutes=1)
    asked = {"source": "history", "plans": ["small"], "of_plan": "small"}
    told = (await simulated(service, asked))["result"]
    [plan] = told["plans"]
    assert (told["layout"], told["requests"], told["accounts"]) == ("history", 3, 1)
    assert (plan["allowed"], plan["charged"]["value"]) == (3, "270")
    journal = await house.balance("alice")
    assert plan["charged"]["value"] == str(journal.used_total)
    asked = {"source": "history", "documents": [{"name": "hard", "signup": {"amount": 100}}]}
    [plan] = (await simulated(service, asked))["result"]["plans"]
    assert (plan["requests"], plan["accounts"], plan["refused"]) == (4, 2, 0)
    nothing = await simulated(service, {"source": "history", "until": "2020-01-01T00:00:00Z"})
    assert nothing["state"] == "failed"
    assert "Nothing was called" in nothing["problem"]


async def test_a_simulation_is_found_again_and_the_loop_stays_free_while_it_runs(service: Service, clock):
    begun = await service.ok("POST", SIMULATE, who="auditor", json={"plans": ["quota", "chat-tokens"]})
    assert (begun["state"], begun["source"]) == ("running", "sample")
    seen = begun
    answered = 0
    while seen["state"] == "running":
        [seen] = (await service.ok("GET", SIMULATE, who="auditor"))["items"]
        answered += 1
        await asyncio.sleep(0.01)
    assert answered > 5
    assert (seen["state"], seen["result"], seen["steps_done"]) == ("done", None, 2 * 4_981)
    found = await service.ok("GET", f"{SIMULATE}/{begun['id']}", who="auditor")
    assert found["result"]["requests"] == 4_981
    assert found["plans"] == ["quota", "chat-tokens"]
    clock.move(days=91)
    kept = await simulated(service, {"trace": TRACE})
    assert [one["id"] for one in (await service.ok("GET", SIMULATE, who="auditor"))["items"]] == [kept["id"]]


async def test_one_simulation_runs_at_a_time_on_all_nodes(service: Service, database: str, clock):
    connection = await connect(database)
    begin = (
        "insert into tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at) values "
        """(gen_random_uuid(), 'simulate', '{"source": "sample", "plans": []}', 'running', $1, 'x', $1)"""
    )
    await connection.execute(begin, clock())
    await connection.close()
    busy = await service.call("POST", SIMULATE, who="operator", json={"trace": TRACE})
    assert (busy.status_code, int(busy.headers["retry-after"]) <= 60) == (409, True)
    clock.move(minutes=2)
    [other] = (await service.ok("GET", SIMULATE, who="auditor"))["items"]
    assert other["state"] == "lost"
    assert (await simulated(service, {"trace": TRACE}))["state"] == "done"


async def test_a_house_that_closes_gives_its_simulation_up(database: str, clock):
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        begun = await house.start_simulation(["quota"] * 4)
        assert begun.state == "running"
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        assert (await house.simulation(begun.id)).state == "lost"


BAD = [
    ({"trace": "a,b\n1,2\n"}, "trace"),
    ({"trace": TRACE + "x,alice,m,1,1\n"}, "trace"),
    ({"trace": ""}, "trace"),
    ({"trace": TRACE, "documents": [{"name": "x", "spend": 1}]}, "spend"),
    ({"trace": TRACE, "grant": "much"}, "grant"),
    ({"trace": TRACE, "scale": "0"}, "scale"),
    ({"trace": TRACE, "start_at": "2026-11-01"}, "start_at"),
    ({"trace": TRACE, "top": 5_000}, "top"),
    ({"trace": TRACE, "plans": ["quota"] * 3, "documents": [TERMS] * 2}, "plans"),
    ({"since": "2026-11-02T00:00:00Z", "until": "2026-11-01T00:00:00Z"}, "until"),
]


async def test_a_trace_that_is_none_names_its_field(service: Service):
    for asked, field in BAD:
        problem = await service.no(400, "POST", SIMULATE, who="operator", json=asked)
        assert problem["field"].startswith(field), problem
    await service.no(404, "POST", SIMULATE, who="operator", json={"plans": ["unheard"]})
    await service.no(403, "POST", SIMULATE, who="alice", json={"trace": TRACE})


async def ended(service: Service, verification: str) -> dict:
    """Return a verification once it has ended."""
    while True:
        found = await service.ok("GET", f"{VERIFY}/{verification}", who="auditor")
        if found["state"] != "running":
            return found
        await asyncio.sleep(0.01)


@pytest.mark.row("A2")
async def test_a_verification_runs_by_itself_and_is_found_again(service: Service, clock):
    await service.house.account("alice")
    begun = await service.call("POST", VERIFY, who="operator", json=WHY)
    assert begun.status_code == 202
    assert begun.json()["state"] == "running"
    found = await ended(service, begun.json()["id"])
    assert (found["state"], found["verdict"]["found"], found["entries_read"]) == (
        "clean",
        0,
        found["entries_total"],
    )
    assert "conservation" in {one["name"] for one in found["verdict"]["checks"]}
    clock.move(seconds=1)
    second = (await service.ok("POST", VERIFY, who="operator", json={**WHY, "account": "alice"}))["id"]
    await ended(service, second)
    first = await service.ok("GET", VERIFY, who="auditor", params={"limit": 1})
    rest = await service.ok("GET", VERIFY, who="auditor", params={"limit": 1, "cursor": first["next"]})
    assert [one["id"] for one in first["items"] + rest["items"]] == [second, found["id"]]
    log = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "verification"})
    assert [one["subject"] for one in log["items"]] == ["alice", "*"]


@pytest.mark.row("A2")
async def test_what_is_broken_is_named(service: Service, database: str):
    await service.house.account("alice")
    connection = await connect(database)
    await connection.execute("update tokenhouse.balances set turns = turns + 5")
    await connection.close()
    begun = await service.ok("POST", VERIFY, who="operator", json=WHY)
    found = await ended(service, begun["id"])
    assert found["state"] == "broken"
    [finding] = found["verdict"]["findings"]
    assert (finding["account"], finding["figure"], finding["expected"], finding["found"]) == (
        "alice",
        "turns",
        "0",
        "5",
    )


async def test_one_verification_runs_at_a_time_on_all_nodes(service: Service, database: str, clock):
    house = service.house
    connection = await connect(database)
    begin = (
        "insert into tokenhouse.works (id, kind, asked, state, started_at, started_by, seen_at, total) "
        "values "
        """(gen_random_uuid(), 'verify', '{"account": null, "cell": null}', 'running', $1, 'x', $1, 1000)"""
    )
    await connection.execute(begin, clock())
    await connection.close()
    problem = await service.no(409, "POST", VERIFY, who="operator", json=WHY)
    assert problem["code"] == "still_running"
    [other] = (await house.verifications()).items
    assert other.state == "running"
    clock.move(minutes=2)
    assert (await house.verification(other.id)).state == "running", "another node may take it up"
    clock.move(minutes=4)
    assert (await house.verification(other.id)).state == "lost"
    mine = (await service.ok("POST", VERIFY, who="operator", json=WHY))["id"]
    assert (await ended(service, mine))["state"] == "clean"
    assert (await house.verification(other.id)).state == "lost"


async def test_only_an_operator_starts_one(service: Service):
    for who in ("alice", "auditor"):
        await service.no(403, "POST", VERIFY, who=who, json=WHY)
    for asked, field in (
        ({}, "reason"),
        ({**WHY, "cell": 64}, "cell"),
        ({**WHY, "findings_max": -1}, "findings_max"),
    ):
        problem = await service.no(400, "POST", VERIFY, who="operator", json=asked)
        assert problem["field"] == field
    await service.no(404, "POST", VERIFY, who="operator", json={**WHY, "account": "nobody"})
    await service.no(404, "GET", f"{VERIFY}/{'0' * 32}", who="auditor")
    await service.no(400, "GET", f"{VERIFY}/nonsense", who="auditor")
