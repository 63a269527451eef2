"""Plans and rates over REST: versions that never change, presets, prices held back, each with a reason."""

from datetime import timedelta

import pytest

from tests.conftest import Clock
from tests.edges.api.conftest import Service

PLANS, RATES = "/api/v1/plans", "/api/v1/rates"
PRICE = {"model": "gpt-x", "input": "2.50", "output": 10, "unit": None}


async def test_a_plan_gets_a_newer_version_and_keeps_the_old(service: Service):
    plan = (await service.ok("GET", f"{PLANS}/chat-tokens", who="auditor"))["document"]
    assert plan["stop"]["block"] == "1.05"
    changed = {**plan, "title": "New", "stop": {**plan["stop"], "warn": 0.85}}
    asked = {"document": changed, "reason": "warn earlier"}
    tried = await service.ok("POST", PLANS, who="operator", json={**asked, "dry_run": True})
    assert (tried["version"], tried["document"]["title"]) == (0, "New")
    for _ in range(2):
        written = await service.ok("POST", PLANS, who="operator", json=asked)
        assert (written["version"], written["document"]["stop"]["warn"]) == (2, "0.85")
    versions = (await service.ok("GET", f"{PLANS}/chat-tokens/versions", who="auditor"))["items"]
    assert [(one["version"], one["document"]["stop"]["warn"]) for one in versions] == [
        (2, "0.85"),
        (1, "0.90"),
    ]
    assert versions[0]["actor"].startswith("key:th_")
    seen = {**asked, "follows": 1}
    assert (await service.ok("POST", PLANS, who="operator", json=seen))["version"] == 2, "it says the same"
    other = {**seen, "document": {**changed, "title": "Another"}}
    no = await service.no(400, "POST", PLANS, who="operator", json=other)
    assert (no["field"], no["version"]) == ("follows", 2)
    log = (await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "plan"}))["items"]
    assert [(one["subject"], one["reason"]) for one in log] == [("chat-tokens", "warn earlier")]
    assert (log[0]["before"]["title"], log[0]["after"]["title"]) == (plan["title"], "New")


async def test_a_version_is_planned_for_a_day_and_called_off(service: Service, clock: Clock):
    plan = (await service.ok("GET", f"{PLANS}/chat-tokens", who="auditor"))["document"]
    start = (clock() + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    asked = {"document": {**plan, "title": "New"}, "reason": "from December", "starts_at": start}
    for _ in range(2):
        written = await service.ok("POST", PLANS, who="operator", json=asked)
        assert (written["version"], written["document"]["title"]) == (2, "New")
        assert written["planned"] == [{"version": 2, "starts_at": start}]
    [listed] = (await service.ok("GET", PLANS, who="auditor"))["items"]
    assert (listed["version"], listed["planned"]) == (1, written["planned"])
    assert (await service.ok("GET", f"{PLANS}/chat-tokens", who="auditor"))["planned"] == written["planned"]

    off = f"{PLANS}/chat-tokens/versions/2/withdraw"
    why = {"reason": "not yet"}
    await service.no(403, "POST", off, who="auditor", json=why)
    for _ in range(2):
        gone = await service.ok("POST", off, who="operator", json=why)
        assert (gone["state"], gone["starts_at"], gone["follows"]) == ("withdrawn", start, 1)
    assert (await service.ok("GET", f"{PLANS}/chat-tokens", who="auditor"))["planned"] == []
    log = (await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "plan"}))["items"]
    assert [(one["action"], one["reason"]) for one in log] == [
        ("plan.withdraw", "not yet"),
        ("plan.write", "from December"),
    ]
    assert (log[0]["before"], log[0]["after"]) == (
        {"version": 2, "starts_at": start.replace("Z", "+00:00")},
        None,
    )
    assert log[1]["after"]["starts_at"] == start.replace("Z", "+00:00")


async def test_a_version_that_holds_cannot_be_called_off_and_none_begins_in_the_past(
    service: Service, clock: Clock
):
    why = {"reason": "x"}
    gone = await service.no(400, "POST", f"{PLANS}/chat-tokens/versions/1/withdraw", who="operator", json=why)
    assert gone["field"] == "version"
    await service.no(404, "POST", f"{PLANS}/chat-tokens/versions/9/withdraw", who="operator", json=why)
    await service.no(404, "POST", f"{PLANS}/unheard/versions/1/withdraw", who="operator", json=why)
    plan = (await service.ok("GET", f"{PLANS}/chat-tokens", who="auditor"))["document"]
    past = {"document": plan, "reason": "x", "starts_at": clock().isoformat()}
    assert (await service.no(400, "POST", PLANS, who="operator", json=past))["field"] == "starts_at"
    await service.no(400, "POST", PLANS, who="operator", json={**past, "starts_at": "2030-01-01T00:00:00"})


async def test_a_plan_as_it_is_shown_can_be_written(service: Service):
    for preset in (await service.ok("GET", "/api/v1/presets", who="auditor"))["items"]:
        asked = {"document": preset["document"], "reason": "as it is", "dry_run": True}
        answer = await service.call("POST", PLANS, who="operator", json=asked)
        if preset["document"]["unit"]["name"] == "token":
            assert answer.json()["document"] == preset["document"]
        else:
            assert answer.json()["field"] == "unit"
    used = await service.ok("POST", "/api/v1/presets/quota", who="operator", json={"reason": "a trial"})
    assert (used["name"], used["version"]) == ("quota", 1)


BAD_PLANS = [
    ({"document": {"name": "x"}}, "reason"),
    ({"reason": "x"}, "document"),
    ({"document": [], "reason": "x"}, "document"),
    ({"document": {}, "reason": "x"}, "plan"),
    ({"document": {"name": "x y"}, "reason": "x"}, "name"),
    ({"document": {"name": "x", "alowance": []}, "reason": "x"}, "plan"),
    ({"document": {"name": "x", "stop": {"block": "0.1"}}, "reason": "x"}, "stop"),
    ({"document": {"name": "x", "unit": {"name": "point"}}, "reason": "x"}, "unit"),
]


async def test_a_plan_that_is_none_names_its_field(service: Service):
    for asked, field in BAD_PLANS:
        problem = await service.no(400, "POST", PLANS, who="operator", json=asked)
        assert problem["field"] == field, asked
    await service.no(404, "GET", f"{PLANS}/unheard", who="auditor")
    await service.no(404, "GET", f"{PLANS}/unheard/versions", who="auditor")
    await service.no(400, "POST", "/api/v1/presets/unheard", who="operator", json={"reason": "x"})
    for who in ("alice", "auditor"):
        await service.no(403, "POST", PLANS, who=who, json={"document": {"name": "x"}, "reason": "x"})
    await service.no(403, "GET", PLANS, who="alice")


@pytest.mark.row("E4")
async def test_prices_are_added_once_and_listed_page_by_page(service: Service):
    asked = {"rates": [PRICE, {**PRICE, "model": "a*"}, {**PRICE, "model": "org/b"}], "reason": "new list"}
    tried = await service.ok("POST", RATES, who="operator", json={**asked, "dry_run": True})
    assert (len(tried["written"]), tried["dry_run"]) == (3, True)
    assert len((await service.ok("POST", RATES, who="operator", json=asked))["written"]) == 3
    again = await service.ok("POST", RATES, who="operator", json=asked)
    assert (again["written"], again["kept"]) == ([], 3)
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await service.ok("GET", RATES, who="auditor", params=params)
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [one["model"] for one in seen] == ["a*", "gpt-x", "org/b"]
    assert seen[1]["prices"] | {"per": 1_000_000} == seen[1]["prices"]
    assert (seen[1]["prices"]["input"], seen[1]["listed"], seen[1]["starts_at"]) == ("2.50", False, None)
    history = await service.ok("GET", f"{RATES}/history", who="auditor", params={"model": "org/b"})
    assert [one["rate"]["model"] for one in history["items"]] == ["org/b"]
    none = await service.ok("GET", RATES, who="auditor", params={"layer": "listed"})
    assert none == {"items": [], "next": None}


async def test_a_suspicious_price_waits_for_somebody(service: Service):
    asked = {"rates": [{**PRICE, "per": 1, "input": "5000000"}], "reason": "a slip"}
    added = await service.ok("POST", RATES, who="operator", json=asked)
    assert (added["written"], [one["model"] for one in added["held"]]) == ([], ["gpt-x"])
    [held] = (await service.ok("GET", f"{RATES}/held", who="auditor"))["items"]
    assert "5000000" in held["why"]
    decision = {"accept": False, "reason": "a slip indeed"}
    path = f"{RATES}/held/{held['id']}/decision"
    decided = await service.ok("POST", path, who="operator", json=decision)
    assert decided == {"id": held["id"], "accepted": False, "rate": None}
    await service.no(400, "POST", path, who="operator", json=decision)
    await service.no(404, "POST", f"{RATES}/held/999/decision", who="operator", json=decision)
    log = (await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "rate"}))["items"]
    assert [one["action"] for one in log] == ["rate.discard", "rate.add"]


BAD_RATES = [
    ({"rates": [], "reason": "x"}, "rates"),
    ({"rates": [PRICE]}, "reason"),
    ({"rates": [{"model": "x", "input": "1"}], "reason": "x"}, "rates.0.output"),
    ({"rates": [{**PRICE, "input": "cheap"}], "reason": "x"}, "rates.0.input"),
    ({"rates": [{**PRICE, "model": "a*b"}], "reason": "x"}, "rate[0].model"),
    ({"rates": [{**PRICE, "unit": "euro"}], "reason": "x"}, "rate[0].unit"),
    ({"rates": [{**PRICE, "speed": 1}], "reason": "x"}, "rates.0.speed"),
]


async def test_a_price_that_is_none_names_its_field(service: Service):
    for asked, field in BAD_RATES:
        problem = await service.no(400, "POST", RATES, who="operator", json=asked)
        assert problem["field"] == field, asked
    await service.no(403, "POST", RATES, who="auditor", json={"rates": [PRICE], "reason": "x"})
    await service.no(403, "GET", RATES, who="alice")
