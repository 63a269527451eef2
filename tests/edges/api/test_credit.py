"""Credit over REST: given, taken back, corrected and refunded, once each, with who and why."""

import pytest

from tests.edges.api.conftest import Service

MINA = "/api/v1/accounts/mina"
KEY = {"idempotency-key": "letter-17"}


@pytest.fixture(autouse=True)
async def mina(service: Service) -> None:
    await service.house.account("mina")


async def remaining(service: Service) -> str:
    return (await service.ok("GET", f"{MINA}/balance", who="operator"))["remaining"]["value"]


@pytest.mark.row("C10", "E5")
async def test_a_grant_is_given_once_and_can_be_taken_back(service: Service):
    asked = {
        "amount": "5,000",
        "source": "purchase",
        "expires_at": "2027-01-01T00:00:00+09:00",
        "reason": "invoice 8",
    }
    first = await service.ok("POST", f"{MINA}/grants", who="operator", json=asked, headers=KEY)
    again = await service.ok("POST", f"{MINA}/grants", who="operator", json=asked, headers=KEY)
    assert first["amount"] == {"value": "5000", "unit": "token", "shown": "5,000"}
    assert (again["id"], again["replayed"]) == (first["id"], True)
    assert await remaining(service) == "105000"
    other = asked | {"amount": "6000"}
    problem = await service.no(422, "POST", f"{MINA}/grants", who="operator", json=other, headers=KEY)
    assert problem["code"] == "key_reused"

    lots = (await service.ok("GET", f"{MINA}/grants", who="operator"))["items"]
    given = next(lot for lot in lots if lot["id"] == first["id"])
    assert (given["source"], given["left"]["value"], given["note"]) == ("purchase", "5000", "invoice 8")
    assert given["expires_at"] == "2026-12-31T15:00:00Z"
    assert [lot["kind"] for lot in lots if not lot["id"]] == ["allowance"]

    back = {"amount": "5000", "reason": "paid back"}
    taken = await service.ok("POST", f"{MINA}/grants/{first['id']}/claw-back", who="operator", json=back)
    assert taken["amount"]["value"] == "5000"
    assert await remaining(service) == "100000"

    log = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"subject": "mina"})
    assert [(one["action"], one["reason"]) for one in log["items"]] == [
        ("account.claw_back", "paid back"),
        ("account.grant", "invoice 8"),
    ]
    assert log["items"][1]["after"] == {
        "amount": "5000",
        "unit": "token",
        "id": first["id"],
        "source": "purchase",
    }


@pytest.mark.row("C10")
async def test_a_balance_is_corrected_up_and_down(service: Service):
    for text, left in (("-250", "99750"), ("1000", "100750")):
        asked = {"amount": text, "reason": "counted twice"}
        moved = await service.ok("POST", f"{MINA}/adjustments", who="operator", json=asked)
        assert moved["amount"]["value"] == text
        assert moved["balance"]["remaining"]["value"] == await remaining(service) == left


async def test_a_charge_is_refunded_but_never_more_than_it_was(service: Service):
    charge = await service.house.charge("mina", 300)
    path = f"{MINA}/charges/{charge.id}/refunds"
    asked = {"amount": "200", "reason": "half an answer"}
    await service.ok("POST", path, who="operator", json=asked, headers=KEY)
    await service.ok("POST", path, who="operator", json=asked, headers=KEY)
    assert await remaining(service) == "99900"
    problem = await service.no(400, "POST", path, who="operator", json=asked)
    assert problem["field"] == "amount"
    none = path.replace(charge.id, "0" * 32)
    await service.no(404, "POST", none, who="operator", json=asked)


BAD = [
    ("grants", {"amount": "1.5", "reason": "x"}, "amount"),
    ("grants", {"amount": 5, "reason": "x"}, "amount"),
    ("grants", {"amount": "five", "reason": "x"}, "amount"),
    ("grants", {"amount": "0", "reason": "x"}, "amount"),
    ("grants", {"amount": "9" * 40, "reason": "x"}, "amount"),
    ("grants", {"amount": "5"}, "reason"),
    ("grants", {"amount": "5", "reason": "x", "source": "theft"}, "source"),
    ("grants", {"amount": "5", "reason": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ("grants", {"amount": "5", "reason": "x", "expires_at": "2027-01-01T00:00:00"}, "expires_at"),
    ("adjustments", {"amount": "0", "reason": "x"}, "amount"),
    ("grants/nonsense/claw-back", {"amount": "5", "reason": "x"}, "grant"),
    ("charges/nonsense/refunds", {"amount": "5", "reason": "x"}, "charge"),
]


async def test_bad_input_names_its_field_and_moves_nothing(service: Service):
    for path, asked, field in BAD:
        problem = await service.no(400, "POST", f"{MINA}/{path}", who="operator", json=asked)
        assert problem["field"] == field
        assert await remaining(service) == "100000"


@pytest.mark.parametrize("path", ["grants", "adjustments", f"grants/{'0' * 32}/claw-back"])
async def test_users_and_auditors_move_nothing(service: Service, path: str):
    asked = {"amount": "5", "reason": "x"}
    for who in ("mina", "auditor"):
        await service.no(403, "POST", f"{MINA}/{path}", who=who, json=asked)
    assert (await service.ok("GET", f"{MINA}/grants", who="mina"))["items"]
