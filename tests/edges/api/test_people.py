"""People over REST: an owner's business."""

import pytest

from tests.edges.api.conftest import Service

PEOPLE = "/api/v1/people"


@pytest.mark.row("C10")
async def test_an_owner_makes_changes_and_signs_out_people(service: Service):
    made = await service.ok(
        "POST",
        PEOPLE,
        who="owner",
        json={"email": "Jisu@example.com", "role": "operator", "locale": "ko", "name": "지수"},
    )
    someone = made["person"]
    assert (someone["email"], someone["state"], someone["locale"]) == ("jisu@example.com", "invited", "ko")
    assert made["expires_at"] == someone["link_expires_at"]
    assert await service.ok("GET", f"{PEOPLE}/{someone['id']}", who="owner") == someone
    assert await service.ok("GET", f"{PEOPLE}/jisu@example.com", who="owner") == someone
    changed = await service.ok(
        "PATCH",
        f"{PEOPLE}/jisu@example.com",
        who="owner",
        json={"role": "auditor", "disabled": True, "reason": "left"},
    )
    assert (changed["role"], changed["state"]) == ("auditor", "disabled")
    (change, *_) = (await service.ok("GET", "/api/v1/audit-log", who="auditor"))["items"]
    assert (change["action"], change["reason"]) == ("person.change", "left")
    assert change["before"]["role"] == "operator"
    await service.no(400, "POST", f"{PEOPLE}/{someone['id']}/link", who="owner")
    await service.ok("PATCH", f"{PEOPLE}/{someone['id']}", who="owner", json={"disabled": False})
    link = (await service.ok("POST", f"{PEOPLE}/{someone['id']}/link", who="owner"))["link"]
    await service.house.enter(link.partition("#")[2])
    assert await service.ok("DELETE", f"{PEOPLE}/{someone['id']}/sessions", who="owner") == {"sessions": 1}


async def test_people_are_listed_page_by_page(service: Service):
    for name in "cab":
        await service.house.create_person(f"{name}@example.com", role="auditor")
    first = await service.ok("GET", PEOPLE, who="owner", params={"limit": 2})
    rest = await service.ok("GET", PEOPLE, who="owner", params={"limit": 2, "cursor": first["next"]})
    assert [one["email"][0] for one in (*first["items"], *rest["items"])] == ["a", "b", "c"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"email": "nobody"}, 400),
        ({"email": "x@example.com", "role": "root"}, 400),
        ({"email": "x@example.com", "role": "user"}, 400),
        ({"email": "x@example.com", "role": "user", "account": "nobody"}, 404),
        ({"email": "taken@example.com", "role": "owner"}, 400),
        ({"email": "x@example.com", "role": "owner", "password": "x"}, 400),
        ({"email": "x@example.com", "role": "owner", "name": "a\nb"}, 400),
    ],
)
async def test_who_cannot_be_made_is_refused(service: Service, wrong, status):
    await service.house.create_person("taken@example.com", role="auditor")
    await service.no(status, "POST", PEOPLE, who="owner", json=wrong)
    assert len(await service.house.people()) == 1


async def test_the_last_owner_stays_and_strangers_are_not_found(service: Service):
    await service.house.create_person("a@example.com", role="owner")
    problem = await service.no(400, "PATCH", f"{PEOPLE}/a@example.com", who="owner", json={"role": "auditor"})
    assert problem["field"] == "role"
    for unknown in ("b@example.com", "0" * 32):
        await service.no(404, "GET", f"{PEOPLE}/{unknown}", who="owner")
        await service.no(404, "PATCH", f"{PEOPLE}/{unknown}", who="owner", json={"name": "x"})
    for wrong in ("x", "%00", "a" * 300):
        await service.no(400, "GET", f"{PEOPLE}/{wrong}", who="owner")
    await service.no(400, "PATCH", f"{PEOPLE}/a@example.com", who="owner", json={})
