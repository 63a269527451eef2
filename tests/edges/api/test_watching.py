"""What an operator watches over REST: the pace of calls, what waits for a person, the figures of `check`."""

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import Clock
from tests.edges.api.conftest import Service
from tokenhouse import Usage
from tokenhouse.errors import InsufficientCredit
from tokenhouse.store.pool import connect

ATTENTION = "/api/v1/attention"
QUIET = {
    *("deliveries_dead", "rates_held", "jobs_failed", "findings", "payments_unmatched", "refunds_failed"),
    *("signups_waiting", "periods_stuck"),
}


async def waiting(service: Service) -> dict[str, Any]:
    """Return what waits: kind -> concern, only of what there is."""
    found = await service.ok("GET", ATTENTION, who="auditor")
    assert {one["what"] for one in found["items"]} == QUIET
    return {one["what"]: one for one in found["items"] if one["count"]}


@pytest.mark.row("C9")
async def test_the_last_five_minutes(service: Service, clock: Clock):
    await service.house.account("alice")
    await service.house.charge("alice", 1_000, model="m", usage=Usage(input=1_000))
    clock.move(minutes=1)
    with pytest.raises(InsufficientCredit):
        await service.house.reserve("alice", 1_000_000)
    found = await service.ok("GET", "/api/v1/statistics/live", who="auditor")
    assert (found["allowed"], found["refused"], found["allowed_percent"], found["per_minute"]) == (
        1,
        1,
        50,
        0.4,
    )
    assert [
        (one["allowed"], one["refused"]) for one in found["slots"] if one["allowed"] or one["refused"]
    ] == [
        (1, 0),
        (0, 1),
    ]
    await service.no(403, "GET", "/api/v1/statistics/live", who="alice")


@pytest.mark.row("C9", "A7")
async def test_nothing_waits_where_all_is_well(service: Service):
    await service.house.account("alice")
    await service.house.run_job("watch")
    assert await waiting(service) == {}
    await service.no(403, "GET", ATTENTION, who="alice")


@pytest.mark.row("A7")
async def test_what_the_jobs_saw_waits(service: Service, database: str):
    connection = await connect(database)
    await connection.execute(
        "insert into tokenhouse.accounts (cell, id, ref, kind, created_at)"
        " values (1, 999, 'x', 'user', now())"
    )
    await service.house.run_job("watch")
    await connection.execute("drop table tokenhouse.coupon_redemptions, tokenhouse.subscriptions cascade")
    await connection.close()
    assert (await service.house.run_job("subscriptions")).outcome == "failed"
    found = await waiting(service)
    assert set(found) == {"signups_waiting", "jobs_failed"}
    assert found["signups_waiting"]["count"] == 1
    assert found["jobs_failed"]["names"] == ["subscriptions"]


@pytest.mark.row("C9")
async def test_odd_payments_and_held_prices_and_dead_letters_wait(
    service: Service, clock: Clock, database: str
):
    connection = await connect(database)
    for verdict, kind, days in (("refused", "paid", 1), ("refused", "", 1), ("refused", "paid", 9)):
        at = clock.now - timedelta(days=days)
        await connection.execute(
            "insert into tokenhouse.payment_events (id, provider, event, kind, verdict, digest, received_at,"
            " decided_at) values ($1, 'stripe', $2, $3, $4, $5, $6, $6)",
            UUID(int=(int(at.timestamp() * 1_000) << 80) | (7 << 76) | (2 << 62) | len(kind)),
            f"{verdict} {kind} {days}",
            kind,
            verdict,
            sha256(b"").digest(),
            at,
        )
    await connection.execute(
        "insert into tokenhouse.rates_held (document, listed, created_at) values ('{}', true, $1)", clock.now
    )
    await connection.execute(
        "insert into tokenhouse.deliveries (cell, account, id, channel, target, state, payload, next_at,"
        " created_at, ended_at) values (1, 1, $1, 'email', 'a@b.example', 'dead', '{}', $2, $2, $2)",
        uuid4(),
        clock.now,
    )
    await connection.close()
    found = await waiting(service)
    assert {what: one["count"] for what, one in found.items()} == {
        "deliveries_dead": 1,
        "rates_held": 1,
        "payments_unmatched": 1,
    }


@pytest.mark.row("A1", "A2", "C9")
async def test_findings_of_the_last_verification_wait(service: Service, database: str):
    await service.house.account("alice")
    await service.house.charge("alice", 10)
    connection = await connect(database)
    await connection.execute("update tokenhouse.balances set used = used + 1")
    await connection.close()
    asked = {"reason": "odd figures"}
    begun = await service.ok("POST", "/api/v1/verifications", who="operator", json=asked)
    while (one := await service.ok("GET", f"/api/v1/verifications/{begun['id']}", who="auditor"))[
        "state"
    ] == "running":
        pass
    found = (await waiting(service))["findings"]
    assert (found["count"], found["names"]) == (one["verdict"]["found"], [begun["id"], "broken"])
    cancelled = await service.ok("POST", f"/api/v1/verifications/{begun['id']}/cancel", who="operator")
    assert cancelled["state"] == "broken"


@pytest.mark.row("A1")
async def test_check_over_rest_is_check(service: Service, database: str):
    await service.house.account("alice")
    await service.house.charge("alice", 4_000)
    connection = await connect(database)
    await connection.execute(
        "insert into tokenhouse.accounts (cell, id, ref, kind, created_at)"
        " values (1, 999, 'x', 'user', now())"
    )
    await connection.close()
    found = await service.ok("GET", "/api/v1/check", who="auditor")
    told = await service.house.check()
    assert (found["overview"]["accounts"], found["without_balance"], found["without_balance_percent"]) == (
        2,
        1,
        50,
    )
    assert found["overview"]["used"]["value"] == str(told.overview.used) == "4000"
    assert [one["account"] for one in found["active"]] == ["alice"]
    assert (found["anomalies"], found["strays"]) == (0, [])
    await service.no(403, "GET", "/api/v1/check", who="alice")
    await service.no(400, "GET", "/api/v1/check?rows=-1", who="auditor")
