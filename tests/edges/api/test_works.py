"""Long works over REST: a simulation beside the server, and a verification that survives whoever asked."""

import asyncio
from datetime import timedelta

import pytest

from tests.edges.api.conftest import Service
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.store.pool import connect

SIMULATE, VERIFY = "/api/v1/simulations", "/api/v1/verifications"
TRACE = "time,account,model,input,output\n0,alice,m,60,30\n60,alice,m,60,30\n120,bora,m,10,5\n"
TERMS = {"name": "tiny", "signup": {"amount": 100}}
WHY = {"reason": "end of month"}


@pytest.mark.row("E11")
async def test_a_trace_tells_who_would_be_blocked_and_when(service: Service):
    asked = {"trace": TRACE, "documents": [TERMS], "start_at": "2026-11-01T00:00:00Z"}
    told = await service.ok("POST", SIMULATE, who="auditor", json=asked)
    assert (told["layout"], told["requests"]) == ("plain", 3)
    [plan] = told["plans"]
    assert (plan["plan"], plan["allowed"], plan["refused"], plan["accounts_blocked"]) == ("tiny", 2, 1, 1)
    assert plan["charged"]["value"] == "105"
    [blocked] = plan["blocked_first"]
    assert (blocked["account"], blocked["first_refused_at"]) == ("alice", "2026-11-01T00:01:00Z")
    assert plan["cost"] is None
    assert [day["refused"] for day in plan["days"]] == [1]


async def test_the_loop_stays_free_while_a_simulation_runs(service: Service):
    running = asyncio.create_task(service.call("POST", SIMULATE, who="operator", json={"plans": ["quota"]}))
    answered = 0
    while not running.done():
        await asyncio.wait({running}, timeout=0.01)
        assert (await service.call("GET", "/api/v1/health")).is_success
        answered += 1
    assert (await running).json()["requests"] == 4_981
    assert answered > 5


async def test_one_simulation_runs_at_a_time(service: Service):
    both = await asyncio.gather(
        *(service.call("POST", SIMULATE, who="operator", json={"trace": TRACE}) for _ in range(2))
    )
    assert sorted(one.status_code for one in both) == [200, 503]
    busy = next(one for one in both if one.status_code == 503)
    assert int(busy.headers["retry-after"]) <= 60


BAD = [
    ({"trace": "a,b\n1,2\n"}, "trace"),
    ({"trace": TRACE + "x,alice,m,1,1\n"}, "trace"),
    ({"trace": ""}, "trace"),
    ({"trace": TRACE, "documents": [{"name": "x", "spend": 1}]}, "spend"),
    ({"trace": TRACE, "grant": "much"}, "grant"),
    ({"trace": TRACE, "scale": "0"}, "scale"),
    ({"trace": TRACE, "start_at": "2026-11-01"}, "start_at"),
    ({"trace": TRACE, "top": 5_000}, "top"),
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
        "insert into tokenhouse.verifications (id, state, started_at, started_by, seen_at, entries_total) "
        "values (gen_random_uuid(), 'running', $1, 'another node', $1, 1000)"
    )
    await connection.execute(begin, clock())
    await connection.close()
    problem = await service.no(409, "POST", VERIFY, who="operator", json=WHY)
    assert problem["code"] == "still_running"
    [other] = (await house.verifications()).verifications
    assert other.state == "running"
    clock.move(minutes=2)
    assert (await house.verification(other.id)).state == "lost"
    mine = (await service.ok("POST", VERIFY, who="operator", json=WHY))["id"]
    assert (await ended(service, mine))["state"] == "clean"
    assert (await house.verification(other.id)).state == "lost"


async def test_a_house_that_closes_gives_its_verification_up(database: str, clock, monkeypatch):
    never = asyncio.Event()

    async def verify(*_args, **_more):
        await never.wait()

    monkeypatch.setattr("tokenhouse.flow.audit.verify", verify)
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        begun = await house.start_verification()
        assert begun.state == "running"
    clock.move(seconds=1)
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        found = await house.verification(begun.id)
    assert (found.state, found.ended_at - found.started_at) == ("failed", timedelta(0))


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
