"""The card on other people's pages: a signed token of some minutes opens one account's, and nothing else."""

import asyncio
from base64 import urlsafe_b64encode

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.rules.periods import instant

CARD = "/api/v1/card"


async def shown(service: Service, token: str, **headers: str):
    return await service.call("GET", CARD, headers={"authorization": f"Bearer {token}", **headers})


async def made(service: Service, who: str = "alice", **body):
    return await service.ok("POST", "/api/v1/accounts/alice/card-tokens", who=who, json=body)


@pytest.mark.row("E10", "B3")
async def test_a_token_opens_the_card_and_nothing_else(service: Service):
    await service.house.account("alice")
    await service.house.charge("alice", 85_000)
    token = (await made(service, "operator"))["token"]
    card = (await shown(service, token)).json()
    balance = await service.ok("GET", "/api/v1/accounts/alice/balance", who="alice")
    told = ("plan", "plan_title", "state", "level", "remaining", "used", "used_percent", "estimated_turns")
    for figure in (*told, "period_end_at"):
        assert card[figure] == balance[figure]
    assert card["plan_title"] == "Chat tokens"
    assert card["level"] == "buy"
    assert card["purchase_url"].endswith("/app/buy")
    for path in ("/api/v1/session", "/api/v1/accounts/alice/balance", "/api/v1/accounts/alice/entries"):
        answer = await service.call("GET", path, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


async def test_it_ends(service: Service, clock):
    token = (await made(service, minutes=5))["token"]
    clock.move(minutes=4, seconds=59)
    assert (await shown(service, token)).status_code == 200
    clock.move(seconds=1)
    refused = await shown(service, token)
    assert (refused.status_code, "ended" in refused.json()["detail"]) == (401, True)
    await service.no(400, "POST", "/api/v1/accounts/alice/card-tokens", who="alice", json={"minutes": 61})


async def test_nobody_makes_one_up(service: Service, clock):
    await service.house.account("bob")
    token = (await made(service))["token"]
    told, signature = token.removeprefix("tc_").split(".")
    others = urlsafe_b64encode(f'["bob",{instant(clock()) + 10**9}]'.encode()).decode().rstrip("=")
    forged = [
        *(f"tc_{others}.{signature}", f"tc_{told}.{signature[:-2]}AA", f"tc_{told}.", f"tc_{told}"),
        *("tc_", "tc_.", "tc_%.%", "x" * 5_000, await service.key("alice")),
    ]
    for one in forged:
        assert (await shown(service, one)).status_code == 401, one[:80]
    assert (await service.call("GET", CARD)).status_code == 401


async def test_users_make_their_own_and_auditors_none(service: Service):
    await service.house.account("alice")
    await service.no(403, "POST", "/api/v1/accounts/alice/card-tokens", who="bob")
    await service.no(403, "POST", "/api/v1/accounts/alice/card-tokens", who="auditor")
    await service.no(404, "POST", "/api/v1/accounts/nobody/card-tokens", who="operator")


async def test_every_node_knows_the_others_tokens(service: Service, database, clock):
    from tokenhouse import Tokenhouse

    await service.house.account("alice")
    async with (
        Tokenhouse.open(database, clock=clock) as first,
        Tokenhouse.open(database, clock=clock) as second,
    ):
        tokens = await asyncio.gather(*(house.card_token("alice") for house in (first, second, first)))
        for house in (first, second, service.house):
            for token in tokens:
                assert (await house.card_account(token.token))[0] == "alice"
                assert token.token not in repr(token)


async def test_pages_of_every_site_may_ask_for_the_card_and_for_nothing_else(service: Service):
    token = (await made(service))["token"]
    answer = await shown(service, token, origin="https://shop.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = {
        "origin": "https://shop.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    preflight = await service.call("OPTIONS", CARD, headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
    other = await service.call("OPTIONS", "/api/v1/accounts/alice/balance", headers=asked)
    assert "access-control-allow-origin" not in other.headers
