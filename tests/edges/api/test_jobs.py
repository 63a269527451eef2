"""Jobs over REST: where they stand, for whoever may read; to run one, for an operator."""

import asyncio

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.flow import schedule
from tokenhouse.flow.schedule import JOBS, Job


@pytest.mark.row("B7", "B4")
async def test_a_page_s_worth_of_state(service: Service, clock):
    run = await service.ok("POST", "/api/v1/jobs/watch/run", who="operator")
    assert (run["outcome"], run["duration_s"], run["result"]["accounts"], run["error"]) == ("done", 0, 0, "")
    assert run["asked_by"].startswith("key:th_")
    items = (await service.ok("GET", "/api/v1/jobs", who="auditor"))["items"]
    assert [item["name"] for item in items] == [job.name for job in JOBS]
    [watch] = [item for item in items if item["name"] == "watch"]
    assert (watch["last"], watch["running"], watch["time_zone"]) == (run, None, "UTC")
    assert watch["schedule"] == "*/5 * * * *"
    assert watch["next_at"] == "2026-11-21T03:05:00Z"
    clock.move(minutes=1)
    later = await service.ok("POST", "/api/v1/jobs/watch/run", who="owner")
    page = await service.ok("GET", "/api/v1/jobs/watch/runs?limit=1", who="auditor")
    assert [one["id"] for one in page["items"]] == [later["id"]]
    rest = await service.ok("GET", f"/api/v1/jobs/watch/runs?limit=5&cursor={page['next']}", who="auditor")
    assert ([one["id"] for one in rest["items"]], rest["next"]) == ([run["id"]], None)


async def test_only_an_operator_runs_one_and_a_user_sees_none(service: Service):
    for path in ("/api/v1/jobs", "/api/v1/jobs/watch/runs"):
        await service.no(403, "GET", path, who="alice")
    for who in ("alice", "auditor"):
        await service.no(403, "POST", "/api/v1/jobs/watch/run", who=who)
    assert (await service.no(404, "POST", "/api/v1/jobs/dance/run", who="operator"))["job"] == "dance"
    await service.no(404, "GET", "/api/v1/jobs/dance/runs", who="auditor")
    for cursor in ("x", "0" * 32):
        answer = await service.call("GET", f"/api/v1/jobs/watch/runs?cursor={cursor}", who="auditor")
        assert answer.status_code in (400, 404), answer.text


async def test_one_at_a_time(service: Service, monkeypatch):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_):
        begun.set()
        await go_on.wait()

    monkeypatch.setattr(schedule, "JOBS", (Job(name="slow", when=5, work=slow),))
    first = asyncio.create_task(service.ok("POST", "/api/v1/jobs/slow/run", who="operator"))
    await begun.wait()
    problem = await service.no(409, "POST", "/api/v1/jobs/slow/run", who="operator")
    assert (problem["code"], problem["job"]) == ("still_running", "slow")
    [item] = (await service.ok("GET", "/api/v1/jobs", who="auditor"))["items"]
    assert (item["running"]["outcome"], item["schedule"]) == ("running", "5s")
    go_on.set()
    assert (await first)["result"] is None
