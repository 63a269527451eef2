"""Keys over REST: a secret is shown once, a user has its own, an owner those of back ends."""

from datetime import UTC, datetime

import pytest

from tests.edges.api.conftest import Service

MINE = "/api/v1/accounts/me/keys"


@pytest.mark.row("D9")
async def test_a_user_makes_uses_and_ends_a_key_of_its_own(service: Service):
    made = await service.ok("POST", MINE, who="alice", json={"name": "laptop", "models": ["gpt-4o*"]})
    assert (made["account"], made["name"], made["models"], made["state"]) == (
        "alice",
        "laptop",
        ["gpt-4o*"],
        "active",
    )
    bearer = {"authorization": f"Bearer {made['secret']}"}
    assert (await service.call("GET", MINE, headers=bearer)).is_success
    listed = await service.ok("GET", MINE, who="alice")
    assert made["id"] in {one["id"] for one in listed["items"]}
    assert made["secret"] not in str(listed)
    for _ in range(2):
        ended = await service.ok("DELETE", f"{MINE}/{made['id']}", who="alice", params={"reason": "lost"})
        assert ended["state"] == "revoked"
    assert (await service.call("GET", MINE, headers=bearer)).status_code == 401
    log = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "key"})
    assert [(one["action"], one["subject"], one["reason"]) for one in log["items"]] == [
        ("key.revoke", "alice", "lost"),
        ("key.create", "alice", ""),
    ]
    assert made["secret"] not in str(log)


async def test_nobody_ends_the_key_of_somebody_else(service: Service):
    other = await service.ok("POST", MINE, who="bora", json={})
    await service.no(404, "DELETE", f"{MINE}/{other['id']}", who="alice")
    await service.no(403, "DELETE", f"/api/v1/accounts/bora/keys/{other['id']}", who="alice")
    await service.no(403, "POST", "/api/v1/accounts/bora/keys", who="auditor", json={})
    await service.no(403, "DELETE", f"/api/v1/accounts/bora/keys/{other['id']}", who="auditor")
    await service.no(404, "DELETE", f"/api/v1/keys/{other['id']}", who="owner")
    await service.no(400, "DELETE", f"{MINE}/nonsense", who="alice")
    assert (await service.ok("GET", "/api/v1/accounts/bora/keys", who="auditor"))["items"]
    ended = await service.ok("DELETE", f"/api/v1/accounts/bora/keys/{other['id']}", who="operator")
    assert ended["state"] == "revoked"


@pytest.mark.parametrize("bound", [{"models": ["gpt-*"]}, {"expires_at": datetime(2027, 1, 1, tzinfo=UTC)}])
async def test_a_key_that_is_bounded_makes_no_key_that_is_not(service: Service, bound):
    await service.house.account("alice")
    made = await service.house.create_key("alice", **bound)
    shown = {"authorization": f"Bearer {made.secret}"}
    problem = await service.no(403, "POST", "/api/v1/accounts/me/keys", headers=shown, json={})
    assert made.secret[:11] in problem["detail"]
    assert len(await service.house.keys("alice")) == 1


async def test_an_owner_makes_keys_of_back_ends(service: Service):
    asked = {"role": "auditor", "name": "reports", "reason": "the new dashboard"}
    for who in ("alice", "auditor", "operator"):
        await service.no(403, "POST", "/api/v1/keys", who=who, json=asked)
    made = await service.ok("POST", "/api/v1/keys", who="owner", json=asked)
    assert (made["account"], made["role"]) == ("", "auditor")
    bearer = {"authorization": f"Bearer {made['secret']}"}
    assert (await service.call("GET", "/api/v1/keys", headers=bearer)).is_success
    assert (await service.call("POST", "/api/v1/keys", headers=bearer, json=asked)).status_code == 403
    assert (await service.ok("DELETE", f"/api/v1/keys/{made['id']}", who="owner"))["state"] == "revoked"
    assert (await service.call("GET", "/api/v1/keys", headers=bearer)).status_code == 401
    for bad, field in (({"role": "user", "reason": "x"}, "role"), ({"role": "auditor"}, "reason")):
        problem = await service.no(400, "POST", "/api/v1/keys", who="owner", json=bad)
        assert problem["field"] == field
