"""Calls of back ends over REST: reserve, settle, release, charge; repeated, refused, and many at once."""

import asyncio

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.rules.usage import Usage

RESERVE, CHARGE, BATCH = "/api/v1/reservations", "/api/v1/charges", "/api/v1/reservations/batch"
TERMS = {"name": "hard", "signup": {"amount": 1_000}, "rate": {"by": "tokens"}}


@pytest.fixture(autouse=True)
async def mina(service: Service) -> None:
    await service.house.write_plan(TERMS)
    await service.house.account("mina", plan="hard")
    await service.key("operator")


async def post(service: Service, path: str, key: str | None = None, **asked) -> dict:
    headers = {"idempotency-key": key} if key else {}
    return await service.ok("POST", path, who="operator", json={"account": "mina", **asked}, headers=headers)


@pytest.mark.row("E1", "E4")
async def test_a_call_is_reserved_and_settled_by_its_usage(service: Service):
    held = await post(service, RESERVE, amount="400", model="gpt-x")
    assert held["held"] == {"value": "400", "unit": "token", "shown": "400"}
    assert held["lapses_at"] == "2026-11-21T03:15:00Z"
    assert held["balance"]["available"]["value"] == "600"
    listed = await service.ok("GET", "/api/v1/accounts/mina/reservations", who="mina")
    assert [(one["id"], one["model"]) for one in listed["items"]] == [(held["id"], "gpt-x")]

    settle = f"{RESERVE}/{held['id']}/settle"
    used = {"usage": {"input": 120, "output": 30}, "model": "gpt-x"}
    settled = await post(service, settle, **used)
    assert (settled["amount"]["value"], settled["replayed"]) == ("150", False)
    assert settled["balance"]["remaining"]["value"] == "850"
    assert (await post(service, settle, **used))["replayed"] is True
    asked = {"account": "mina", "charge": "151"}
    problem = await service.no(422, "POST", settle, who="operator", json=asked)
    assert problem["code"] == "key_reused"
    assert (await service.ok("GET", "/api/v1/accounts/mina/reservations", who="mina"))["items"] == []


async def test_a_reservation_by_usage_is_what_a_quote_says(service: Service):
    asked = {"usage": {"input": 100, "output": 5_000}, "model": "gpt-x"}
    quote = await service.ok("POST", "/api/v1/quotes", who="mina", json={"account": "me", **asked})
    assert (quote["amount"]["value"], quote["least"]["value"], quote["affordable"]) == ("5100", "116", False)
    assert [one["kind"] for one in quote["reckoning"]["lines"]] == ["input", "output"]
    held = await post(service, RESERVE, **asked)
    assert (held["held"]["value"], held["tokens"]) == ("1000", 5_100)


async def test_what_is_released_comes_back(service: Service):
    held = await post(service, RESERVE, amount="400")
    for replayed in (False, True):
        ended = await post(service, f"{RESERVE}/{held['id']}/release", note="nobody answered")
        assert ended["replayed"] is replayed
    assert ended["balance"]["available"]["value"] == "1000"
    problem = await service.no(
        404, "POST", f"{RESERVE}/{'0' * 32}/settle", who="operator", json={"account": "mina", "charge": "1"}
    )
    assert problem["code"] == "not_found"


@pytest.mark.row("E2")
@pytest.mark.parametrize("path", [RESERVE, CHARGE])
async def test_the_same_key_gets_the_same_answer_and_another_payload_none(service: Service, path: str):
    several = await asyncio.gather(*(post(service, path, "turn-1", amount="300") for _ in range(5)))
    assert len({one["id"] for one in several}) == 1
    assert [one["replayed"] for one in several].count(False) == 1
    asked = {"account": "mina", "amount": "301"}
    headers = {"idempotency-key": "turn-1"}
    await service.no(422, "POST", path, who="operator", json=asked, headers=headers)
    assert (await service.house.balance("mina")).available == 700


@pytest.mark.row("E1", "E7")
async def test_a_no_says_how_short_and_what_to_do(service: Service):
    asked = {"account": "mina", "amount": "1500"}
    for path in (RESERVE, CHARGE):
        answer = await service.call("POST", path, who="operator", json=asked)
        problem = answer.json()
        assert answer.status_code == 402
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-should-retry"] == "false"
        assert (problem["short_by"], problem["remaining"], problem["recommended_action"]) == (
            500,
            1_000,
            "PURCHASE_TOKENS",
        )
    least = await post(service, RESERVE, amount="1500", least="10")
    assert least["held"]["value"] == "1000"


BAD = [
    (RESERVE, {}, "amount"),
    (RESERVE, {"amount": "5", "usage": {"input": 1}}, "amount"),
    (RESERVE, {"amount": 5}, "amount"),
    (RESERVE, {"amount": "5.5"}, "amount"),
    (RESERVE, {"amount": "-5"}, "amount"),
    (RESERVE, {"amount": "5", "least": "6"}, "least"),
    (RESERVE, {"amount": "5", "tokens": -1}, "tokens"),
    (RESERVE, {"amount": "5", "modle": "x"}, "modle"),
    (RESERVE, {"amount": "5", "model": "a\nb"}, "model"),
    (RESERVE, {"usage": {"input": -1}}, "usage.input"),
    (RESERVE, {"usage": {"input": 10**13}}, "usage.input"),
    (CHARGE, {}, "charge"),
    (CHARGE, {"amount": "x"}, "amount"),
    (f"{RESERVE}/nonsense/settle", {"charge": "1"}, "reservation"),
    (f"{RESERVE}/{'0' * 32}/settle", {}, "charge"),
    (BATCH, {"operations": []}, "operations"),
    (BATCH, {"operations": [{"do": "dance"}]}, "operations[0].do"),
]


async def test_bad_input_names_its_field_and_moves_nothing(service: Service):
    for path, asked, field in BAD:
        body = asked if path == BATCH else {"account": "mina", **asked}
        problem = await service.no(400, "POST", path, who="operator", json=body)
        assert problem["field"] == field, asked
    for content in (b"", b"{", b"[]", b"\xff", b'"x"'):
        problem = await service.no(400, "POST", RESERVE, who="operator", content=content)
        assert problem["field"] == "body"
    assert (await service.house.balance("mina")).available == 1_000


async def test_a_batch_carries_out_each_by_itself(service: Service):
    first = await service.house.reserve("mina", 100)
    second = await service.house.reserve("mina", 100)
    operations = [
        {"do": "reserve", "account": "mina", "amount": "50", "key": "b-1"},
        {"do": "settle", "account": "mina", "reservation": first.id, "usage": {"input": 7}, "model": "m"},
        {"do": "release", "account": "mina", "reservation": second.id},
        {"do": "charge", "account": "mina", "amount": "3", "key": "b-2"},
        {"do": "charge", "account": "mina", "amount": "100000"},
        {"do": "reserve", "account": "nobody", "amount": "1"},
    ]
    told = await service.ok("POST", BATCH, who="operator", json={"operations": operations})
    kinds = [next(name for name, value in one.items() if value is not None) for one in told["outcomes"]]
    assert kinds == ["reservation", "charged", "charged", "charged", "problem", "problem"]
    assert [one["problem"]["status"] for one in told["outcomes"][4:]] == [402, 404]
    again = await service.ok("POST", BATCH, who="operator", json={"operations": [operations[0]]})
    assert again["outcomes"][0]["reservation"]["replayed"] is True
    balance = await service.house.balance("mina")
    assert (balance.remaining, balance.held) == (990, 50)


async def test_a_user_ends_no_call_with_nothing(service: Service):
    held = await service.house.reserve("mina", 100)
    for path, asked in (
        (RESERVE, {"amount": "1"}),
        (CHARGE, {"amount": "1"}),
        (f"{RESERVE}/{held.id}/settle", {"charge": "0"}),
        (f"{RESERVE}/{held.id}/release", {}),
    ):
        for who in ("mina", "auditor"):
            await service.no(403, "POST", path, who=who, json={"account": "mina", **asked})
    await service.no(403, "POST", BATCH, who="mina", json={"operations": []})
    await service.no(401, "POST", RESERVE, json={"account": "mina", "amount": "1"})
    assert (await service.house.balance("mina")).held == 100


async def test_usage_of_every_kind_is_priced(service: Service):
    usage = {"input": 1, "cached_input": 2, "cache_write": 3, "output": 4, "reasoning": 5, "audio_input": 6}
    told = await post(service, CHARGE, usage=usage, model="m", source="estimated", note="a look")
    [entry] = await service.house.history("mina", kinds=("charge",))
    assert told["amount"]["value"] == "21"
    assert Usage(**entry.usage).total == 21
    assert (entry.source, entry.note) == ("estimated", "a look")
    assert entry.actor.startswith("key:th_")


@pytest.mark.row("E7")
async def test_every_answer_says_in_headers_what_is_left_and_until_when(service: Service):
    monthly = {"name": "monthly", "allowance": [{"amount": 1_000, "every": "month"}]}
    await service.house.write_plan(monthly | {"rate": {"by": "tokens"}})
    await service.house.account("bora", plan="monthly")
    held = await service.house.reserve("bora", 300)
    gone = "0" * 32
    for path, asked, status, left in (
        (RESERVE, {"amount": "50"}, 201, 1_000),
        (f"{RESERVE}/{held.id}/settle", {"charge": "100"}, 200, 900),
        (f"{RESERVE}/{held.id}/settle", {"charge": "101"}, 422, 900),
        (f"{RESERVE}/{held.id}/release", {}, 422, 900),
        (f"{RESERVE}/{gone}/release", {}, 404, 900),
        (CHARGE, {"amount": "100"}, 201, 800),
        (CHARGE, {"amount": "10000"}, 402, 800),
        (RESERVE, {"amount": "10000"}, 402, 800),
    ):
        answer = await service.call("POST", path, who="operator", json={"account": "bora", **asked})
        told = answer.headers
        assert answer.status_code == status, path
        assert told["x-tokenhouse-remaining"] == str(left)
        assert told["ratelimit-policy"] == '"monthly";q=1000;w=2592000'
        policy, remaining, reset = told["ratelimit"].split(";")
        assert (policy, remaining) == ('"monthly"', f"r={left}")
        assert 0 < int(reset.removeprefix("t=")) < 2_592_000


async def test_where_no_rule_came_to_look_the_account_is_looked_up(service: Service):
    """What is unknown about a call is said before any rule is asked; whose it is, is known all the same."""
    await service.house.write_plan({"name": "rated", "signup": {"amount": 700}, "rate": {"by": "rates"}})
    await service.house.account("rated", plan="rated")
    asked = {"usage": {"input": 1}, "model": "nobody-knows-it"}
    for account, left in (("rated", "700"), ("nobody", None), ("", None)):
        answer = await service.call("POST", RESERVE, who="operator", json={"account": account or 5, **asked})
        assert answer.status_code in (400, 403, 404)
        assert answer.headers.get("x-tokenhouse-remaining") == left
    told = await service.call(
        "POST",
        BATCH,
        who="operator",
        json={"operations": [{"do": "charge", "account": "mina", "amount": "1"}]},
    )
    assert "x-tokenhouse-remaining" not in told.headers
