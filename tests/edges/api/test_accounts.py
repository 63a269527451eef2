"""Accounts over REST: opened once, found among many, amended with a reason, and the tree that they form."""

from urllib.parse import quote

import pytest

from tests.edges.api.conftest import Service

ACCOUNTS = "/api/v1/accounts"


async def test_an_account_is_opened_once_with_its_first_allowance(service: Service):
    asked = {"ref": "mina", "name": "Mina Park", "email": "mina@example.com", "tags": {"country": "KR"}}
    made = await service.call("POST", ACCOUNTS, who="operator", json=asked)
    assert made.status_code == 201
    assert made.json() | {"created_at": ""} == {
        "ref": "mina",
        "kind": "user",
        "parent": None,
        "plan": "chat-tokens",
        "state": "active",
        "own_credit": True,
        "name": "Mina Park",
        "email": "mina@example.com",
        "locale": "",
        "time_zone": "",
        "tags": {"country": "KR"},
        "created_at": "",
    }
    again = await service.call("POST", ACCOUNTS, who="operator", json={"ref": "mina", "name": "Somebody"})
    assert (again.status_code, again.json()) == (200, made.json())
    balance = await service.ok("GET", f"{ACCOUNTS}/mina/balance", who="operator")
    assert balance["remaining"]["value"] == "100000"


BAD_ACCOUNTS = [
    ({}, "ref"),
    ({"ref": ""}, "ref"),
    ({"ref": "x" * 201}, "ref"),
    ({"ref": "x", "kind": "tenant"}, "kind"),
    ({"ref": "x", "plan": 7}, "plan"),
    ({"ref": "x", "tags": {"a": 1}}, "tags.a"),
    ({"ref": "x", "time_zone": "Mars/Olympus"}, "time_zone"),
    ({"ref": "x", "own_credit": False}, "own_credit"),
    ({"ref": "x", "nickname": "y"}, "nickname"),
]


async def test_what_cannot_be_taken_names_its_field(service: Service):
    for asked, field in BAD_ACCOUNTS:
        problem = await service.no(400, "POST", ACCOUNTS, who="operator", json=asked)
        assert problem["code"] == "invalid_input"
        assert problem["field"] == field


async def refs_found(service: Service, text: str, limit: int) -> list[str]:
    """Return the refs that a search finds, page by page."""
    refs, cursor = [], None
    while True:
        params = {"search": text, "limit": limit} | ({"cursor": cursor} if cursor else {})
        page = await service.ok("GET", ACCOUNTS, who="auditor", params=params)
        refs += [one["ref"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return refs


async def test_people_are_found_by_how_ref_e_mail_or_name_begin(service: Service):
    people = [
        ("kim-1", "Alpha", "one@example.com"),
        ("kim-2", "Kimberly", "kim@example.com"),
        ("lee", "Lee", "kimchi@example.com"),
        ("park", "김민수", ""),
        ("choi", "KIMBALL", "choi@example.com"),
    ]
    for ref, name, email in people:
        await service.house.account(ref, name=name, email=email)

    async def found(text: str, limit: int = 50) -> list[str]:
        return await refs_found(service, text, limit)

    assert await found("kim") == await found("KiM", 1) == ["kim-1", "kim-2", "lee", "choi"]
    assert await found("kim", 2) == await found("kim")
    assert await found("김") == ["park"]
    assert await found("one@") == ["kim-1"]
    assert await found("%") == await found("kim_") == []
    assert sorted(await found("", 2)) == ["choi", "kim-1", "kim-2", "lee", "park"]


@pytest.mark.parametrize("within", [0, 2, 2_000])
async def test_people_are_found_by_any_part(service: Service, monkeypatch: pytest.MonkeyPatch, within: int):
    monkeypatch.setattr("tokenhouse.store.search.WITHIN", within)  # The index alone, both, the first look.
    monkeypatch.setattr("tokenhouse.store.search.WITHIN_A_ROW", 0)
    people = [
        ("a-77", "Ann Lee", "ann@acme.example"),
        ("b-77", "김철수", ""),
        ("77-c", "LEE Bo", "Bo@ACME.example"),
        ("d", "Łukasz", "d@77.example"),
        ("철수", "", ""),
    ]
    for ref, name, email in people:
        await service.house.account(ref, name=name, email=email)

    async def found(text: str, limit: int = 50) -> list[str]:
        return await refs_found(service, text, limit)

    for limit in (1, 2, 50):
        assert await found("77", limit) == ["77-c", "a-77", "b-77", "d"]
        assert await found("lee", limit) == ["77-c", "a-77"]
        assert await found("acme", limit) == ["77-c", "a-77"]
        assert await found("철수", limit) == ["철수", "b-77"]
        assert await found("ŁUK", limit) == await found("łuk", limit) == ["d"]
        assert await found("UKAS", limit) == ["d"]
    assert await found("c") == []  # One letter: beginnings.
    assert await found("7%") == await found("__") == await found("zz") == []
    assert await found("7-Lee") == []  # Not across ref and name.


CURSORS = ["x", "!!", "WzFd", "WzksImEiLDEsMV0", "e30", "W10", "WzAsIlx1MDAwMCIsMSwxXQ"]


async def test_a_cursor_that_is_none_of_ours_is_named(service: Service):
    for cursor in CURSORS:
        for path, params in ((ACCOUNTS, {"search": "a"}), (ACCOUNTS, {}), ("/api/v1/entries", {})):
            asked = {"cursor": cursor, **params}
            problem = await service.no(400, "GET", path, who="auditor", params=asked)
            assert problem["field"] == "cursor"


@pytest.mark.row("E8")
async def test_a_tree_is_walked_up_and_down(service: Service):
    await service.house.account("acme", kind="company")
    await service.house.account("lab", kind="team", parent="acme")
    for number in range(3):
        await service.house.account(f"u{number}", parent="lab")
    path = await service.ok("GET", f"{ACCOUNTS}/u1/path", who="auditor")
    assert path == {"refs": ["u1", "lab", "acme"], "payer": "acme"}
    page = await service.ok("GET", f"{ACCOUNTS}/lab/children", who="auditor", params={"limit": 2})
    rest = await service.ok(
        "GET", f"{ACCOUNTS}/lab/children", who="auditor", params={"limit": 2, "cursor": page["next"]}
    )
    assert [one["ref"] for one in page["items"] + rest["items"]] == ["u0", "u1", "u2"]
    assert rest["next"] is None
    assert {one["parent"] for one in page["items"]} == {"lab"}
    await service.no(403, "GET", f"{ACCOUNTS}/lab/children", who="u0")


async def test_a_plan_a_state_and_a_profile_are_amended_with_a_reason(service: Service):
    await service.house.account("mina", name="Mina")
    await service.house.write_plan({"name": "pro", "allowance": [{"amount": 500_000, "every": "month"}]})
    asked = {"plan": "pro", "name": "Mina Park", "tags": {"vip": "yes"}, "reason": "she bought it"}
    amended = await service.ok("PATCH", f"{ACCOUNTS}/mina", who="operator", json=asked)
    assert (amended["plan"], amended["name"], amended["tags"]) == ("pro", "Mina Park", {"vip": "yes"})
    asked = {"state": "suspended", "reason": "a chargeback"}
    assert (await service.ok("PATCH", f"{ACCOUNTS}/mina", who="operator", json=asked))["state"] == "suspended"
    await service.no(
        403,
        "POST",
        "/api/v1/reservations",
        who="operator",
        json={"account": "mina", "amount": "1"},
    )
    log = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"subject": "mina"})
    assert [(one["action"], one["reason"], one["before"], one["after"]) for one in log["items"]] == [
        ("account.amend", "a chargeback", {"state": "active"}, {"state": "suspended"}),
        (
            "account.amend",
            "she bought it",
            {"name": "Mina", "tags": {}},
            {"name": "Mina Park", "tags": {"vip": "yes"}},
        ),
        ("account.amend", "she bought it", {"plan": "chat-tokens"}, {"plan": "pro"}),
    ]
    lines = await service.ok("GET", f"{ACCOUNTS}/mina/entries", who="operator", params={"kind": "amend"})
    assert [one["note"] for one in lines["items"]] == ["a chargeback", "she bought it"]


BAD_AMENDMENTS = [
    ({"plan": "pro"}, "reason"),
    ({"reason": ""}, "reason"),
    ({"reason": "because"}, "state"),
    ({"reason": "because", "state": "asleep"}, "state"),
    ({"reason": "because", "time_zone": "Asia/Seoul"}, "time_zone"),
    ({"reason": "because", "name": "a\nb"}, "name"),
]


async def test_an_amendment_that_cannot_be_made_names_its_field(service: Service):
    await service.house.account("mina")
    for asked, field in BAD_AMENDMENTS:
        problem = await service.no(400, "PATCH", f"{ACCOUNTS}/mina", who="operator", json=asked)
        assert problem["field"] == field


async def test_only_an_operator_writes(service: Service):
    await service.key("alice")
    for who in ("alice", "auditor"):
        await service.no(403, "POST", ACCOUNTS, who=who, json={"ref": "x"})
        await service.no(403, "PATCH", f"{ACCOUNTS}/alice", who=who, json={"name": "x", "reason": "x"})
    await service.no(403, "GET", ACCOUNTS, who="alice")
    assert (await service.ok("GET", f"{ACCOUNTS}/me", who="alice"))["ref"] == "alice"


async def test_a_name_with_a_slash_is_one_part_of_a_path(service: Service):
    asked = {"ref": "org/김 %2F", "name": "Slashed"}
    await service.ok("POST", ACCOUNTS, who="operator", json=asked)
    path = f"{ACCOUNTS}/{quote('org/김 %2F', safe='')}"
    assert (await service.ok("GET", path, who="auditor"))["name"] == "Slashed"
    asked = {"amount": "5", "reason": "a gift"}
    assert (await service.ok("POST", f"{path}/grants", who="operator", json=asked))["account"] == "org/김 %2F"
    await service.no(403, "GET", path, who="alice")
    await service.no(404, "GET", f"{ACCOUNTS}/org/x", who="auditor")
