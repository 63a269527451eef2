"""Sample data: a new deployment shows a real trace's two weeks, once, and never in production."""

import asyncio
from datetime import timedelta

import pytest

from tests.edges.api.conftest import Service

BEGUN = 202


@pytest.mark.row("E10", "E12")
async def test_the_trace_is_replayed_so_that_it_ends_now_and_its_books_are_right(service: Service, clock):
    before = await service.ok("GET", "/api/v1/samples", who="auditor")
    assert (before["state"], before["requests_done"]) == ("offered", 0)
    begun = await service.call("POST", "/api/v1/samples", who="operator")
    assert (begun.status_code, begun.json()["state"]) == (BEGUN, "loading")
    seen = [begun.json()]
    while seen[-1]["state"] == "loading":
        await asyncio.sleep(0.05)
        seen.append(await service.ok("GET", "/api/v1/samples", who="auditor"))
    assert seen[-1]["state"] == "loaded"
    done = [one["requests_done"] for one in seen]
    assert done == sorted(done)
    assert done[-1] == begun.json()["requests_total"]
    assert len({*done}) > 3, "one sees it going on"
    await service.no(409, "POST", "/api/v1/samples", who="operator")

    accounts = [one.ref for one in await service.house.accounts(rows_max=100) if "replay/" in one.ref]
    assert len(accounts) == 72
    verdict = await service.house.verify()
    assert verdict.clean
    latest = max([(await service.house.history(ref, rows_max=1))[0].at for ref in accounts])
    assert clock() - timedelta(hours=6) < latest <= clock()
    shown = await service.ok("GET", "/api/v1/statistics", who="auditor")
    assert shown["overview"]["accounts"] == 72
    [loaded, load] = await service.house.audit_log(subject="samples")
    assert (load.action, loaded.action, loaded.after["findings"]) == ("samples.load", "samples.loaded", 0)


async def test_two_that_ask_at_once_get_one_and_what_fails_may_be_begun_again(service: Service, monkeypatch):
    going_on = asyncio.Event()

    async def broken(*_):
        await going_on.wait()
        raise ZeroDivisionError

    monkeypatch.setattr("tokenhouse.flow.samples._replayed", broken)
    await service.key("operator")
    both = await asyncio.gather(*(service.call("POST", "/api/v1/samples", who="operator") for _ in range(4)))
    assert {(one.status_code, one.json()["state"]) for one in both} == {(BEGUN, "loading")}
    assert len(service.house.desk.under_way.tasks) == 1
    assert [one.action for one in await service.house.audit_log(subject="samples")] == ["samples.load"]
    work = asyncio.wait(set(service.house.desk.under_way.tasks.values()))
    going_on.set()
    await work
    assert (await service.ok("GET", "/api/v1/samples", who="auditor"))["state"] == "failed"
    [failed, _] = await service.house.audit_log(subject="samples")
    assert (failed.action, failed.after) == ("samples.failed", {"error": "ZeroDivisionError"})
    assert (await service.ok("POST", "/api/v1/samples", who="operator"))["state"] == "loading"


async def test_only_operators_load_them(service: Service):
    await service.no(403, "POST", "/api/v1/samples", who="auditor")
    await service.no(403, "GET", "/api/v1/samples", who="alice")


async def test_a_deployment_with_accounts_of_its_own_is_left_alone(service: Service):
    for ref in ("alice", "bob", "carol", "dora"):
        await service.house.account(ref)
    assert (await service.ok("GET", "/api/v1/samples", who="auditor"))["state"] == "withheld"
    await service.no(403, "POST", "/api/v1/samples", who="operator")


class TestInProduction:
    @pytest.fixture
    def settings(self):
        return {"environment": "production"}

    async def test_they_are_withheld(self, service: Service):
        assert (await service.ok("GET", "/api/v1/samples", who="auditor"))["state"] == "withheld"
        refused = await service.no(403, "POST", "/api/v1/samples", who="operator")
        assert "production" in refused["detail"]
