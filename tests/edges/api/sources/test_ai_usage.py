"""The chat's usage card: its figures, its five states, and how a test account is brought to each."""

from typing import Any

import pytest

from tests.edges.api.conftest import Service

CARD, REHEARSE = "/api/ai-usage", "/api/ai-usage/test-usage"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"locale": "ko", "purchase_url": "https://shop.example/tokens"}


async def rehearsed(service: Service, user: int | str, percent: float) -> Any:
    asked = {"userId": user, "usagePercent": percent}
    return await service.ok("POST", REHEARSE, who="operator", json=asked)


@pytest.mark.row("B1", "B6", "A4")
async def test_the_card_of_the_document_s_administrator(service: Service):
    await service.key("1")
    await service.house.grant("1", 100_000, source="purchase")
    for _ in range(21):
        await service.house.charge("1", 590)
    await service.house.charge("1", 12_977 - 21 * 590)
    told = await service.ok("GET", CARD, who="1")
    assert told == {
        "userId": 1,
        "plan": "chat-tokens",
        "usedTokens": 12_977,
        "freeTokens": 100_000,
        "purchasedTokens": 100_000,
        "purchasedTokensLeft": 87_023,
        "availableTokens": 200_000,
        "remainingTokens": 187_023,
        "usagePercent": 6.49,
        "totalTurns": 22,
        "totalTokens": 12_977,
        "averageTokensPerTurn": 590,
        "estimatedTurns": 317,
        "state": "normal",
        "chatEnabled": True,
        "showPurchase": False,
        "purchaseUrl": "https://shop.example/tokens",
        "warning": None,
        "monthlyResetDate": "2026-12-01T00:00:00Z",
    }


@pytest.mark.row("B2", "B3", "B6")
@pytest.mark.parametrize(
    ("percent", "state", "left", "chat", "buy"),
    [
        (79.99, "normal", 20_010, True, False),
        (80, "buy", 20_000, True, True),
        (90, "warning", 10_000, True, True),
        (95, "critical", 5_000, True, True),
        (104.99, "critical", 0, True, True),
        (105, "blocked", 0, False, True),
    ],
)
async def test_an_account_is_brought_to_each_state(
    service: Service, percent: float, state: str, left: int, chat: bool, buy: bool
):
    await service.key("1")
    told = await rehearsed(service, 1, percent)
    assert told == await service.ok("GET", CARD, who="1")
    assert (told["usagePercent"], told["state"], told["remainingTokens"]) == (percent, state, left)
    assert (told["chatEnabled"], told["showPurchase"]) == (chat, buy)
    if state in ("normal", "buy"):
        assert told["warning"] is None
    else:
        assert told["warning"]["level"] == state.upper()
    assert not (await service.house.verify()).findings


@pytest.mark.row("B2")
async def test_the_document_s_warning(service: Service):
    await service.key("1")
    warning = (await rehearsed(service, 1, 90))["warning"]
    assert warning["level"] == "WARNING"
    assert warning["remainingTokens"] == 10_000
    assert warning["estimatedTurns"] == 11
    assert "90%" in warning["message"]
    assert "10,000" in warning["message"]
    assert warning["purchaseUrl"] == "https://shop.example/tokens"


async def test_a_rehearsal_goes_up_and_down_and_stands_in_the_journal(service: Service):
    await service.house.account("1")
    await service.house.charge("1", 30_000)
    assert (await rehearsed(service, 1, 90))["usedTokens"] == 90_000
    entries = await service.house.history("1")
    assert (entries[0].charge, entries[0].source) == (60_000, "rehearsed")
    assert entries[0].actor.startswith("key:")
    await service.key("1")
    lines = (await service.ok("GET", "/api/user/points/history", who="1"))["history"]
    assert (lines[0]["amount"], lines[0]["description"]) == (-60_000, "시험용 사용")
    assert (await rehearsed(service, 1, 90))["usedTokens"] == 90_000
    assert len(await service.house.history("1")) == len(entries)
    assert (await rehearsed(service, 1, 50))["usedTokens"] == 50_000
    assert (await rehearsed(service, 1, 20))["usedTokens"] == 20_000
    assert (await rehearsed(service, 1, 0))["usedTokens"] == 0
    assert (await rehearsed(service, 1, 100))["remainingTokens"] == 0
    assert not (await service.house.verify()).findings


async def test_a_rehearsal_leaves_what_was_used_in_months_gone_by(service: Service, clock: Any):
    await service.house.account("1")
    await service.house.charge("1", 40_000)
    clock.move(days=20)
    await service.house.charge("1", 10_000)
    assert (await rehearsed(service, 1, 0))["usedTokens"] == 0
    assert (await service.house.months("1", count=2)).months[1].used == 40_000


async def test_a_member_is_rehearsed_on_its_company_s_credit(service: Service):
    await service.house.account("acme", kind="company")
    await service.house.account("kim", parent="acme")
    await service.house.charge("acme", 30_000)
    told = await rehearsed(service, "kim", 90)
    assert (told["usedTokens"], told["usagePercent"]) == (60_000, 90.0)
    assert (await rehearsed(service, "kim", 0))["usedTokens"] == 0
    assert (await service.house.balance("acme")).used == 30_000


async def test_what_cannot_be_rehearsed(service: Service):
    await service.key("1")
    asked = {"userId": 1, "usagePercent": 90}
    await service.no(403, "POST", REHEARSE, who="1", json=asked)
    await service.no(401, "POST", REHEARSE, json=asked)
    await service.no(404, "POST", REHEARSE, who="operator", json={"userId": 2, "usagePercent": 90})
    for percent in (-1, 201, "many", None):
        await service.no(400, "POST", REHEARSE, who="operator", json={"userId": 1, "usagePercent": percent})
    await service.no(400, "POST", REHEARSE, who="operator", json={"userId": True, "usagePercent": 9})
    await service.house.adjust("1", -100_000)
    problem = await service.no(400, "POST", REHEARSE, who="operator", json=asked)
    assert "1" in problem["detail"]
    problem = await service.no(400, "GET", CARD, who="operator")
    assert problem["code"] == "invalid_input"


class TestProduction:
    """Nothing is rehearsed where it would be real."""

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"environment": "production"}

    @pytest.mark.row("B6")
    async def test_production_has_no_rehearsals(self, service: Service):
        await service.house.account("1")
        asked = {"userId": 1, "usagePercent": 90}
        problem = await service.no(403, "POST", REHEARSE, who="owner", json=asked)
        assert "production" in problem["detail"]
        assert (await service.house.balance("1")).used == 0


@pytest.mark.row("B6")
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json", None])
async def test_the_documents_commands_work_as_they_are_pasted(service: Service, kind: str | None):
    """curl says of a body that it is a form unless told otherwise, and the document does not tell it."""
    headers = {"content-type": kind} if kind else {}
    body = b'{"userId": 1, "usagePercent": 90}'
    await service.key("1")
    told = await service.ok("POST", REHEARSE, who="operator", content=body, headers=headers)
    assert told["usagePercent"] == 90.0
    asked = '{"message": "안녕하세요"}'.encode()
    said = await service.ok("POST", "/api/chat/send", who="1", content=asked, headers=headers)
    assert said["warning"]["level"] == "WARNING"


@pytest.mark.row("B2", "B5")
async def test_whoever_used_all_is_told_so_in_their_own_words(service: Service):
    await service.key("1")
    stands = await rehearsed(service, 1, 110)
    assert (stands["remainingTokens"], stands["state"]) == (0, "blocked")
    no = await service.no(402, "POST", "/api/chat/send", who="1", json={"message": "안녕하세요"})
    assert "토큰" in no["message"]
    assert "token" not in no["message"].replace("shop.example/tokens", "")
    [top] = (await service.ok("GET", "/api/admin/token-stats", who="operator"))["topUsers"]
    assert (top["usedTokens"], top["remainingTokens"]) == (110_000, 0)


class TestWithoutAShop:
    """A deployment that has not said where people buy."""

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"public_url": "https://tokens.example/"}

    @pytest.mark.row("B2")
    async def test_the_purchase_page_is_the_servers_own(self, service: Service):
        await service.key("1")
        warned = (await rehearsed(service, 1, 95))["warning"]
        assert warned["purchaseUrl"] == "https://tokens.example/app/buy"
        assert "95 % are used and only 5 % are left: 5,000 tokens" in warned["message"]
        await rehearsed(service, 1, 110)
        no = await service.no(402, "POST", "/api/chat/send", who="1", json={"message": "안녕하세요"})
        assert no["purchaseUrl"] == "https://tokens.example/app/buy"
