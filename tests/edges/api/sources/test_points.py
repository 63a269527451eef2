"""Points: the document's three chats, the history line by line and page by page, and no cookie."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.rules.usage import Usage

POINTS, HISTORY = "/api/user/points", "/api/user/points/history"
USER = "user@example.com"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"plan": "points", "locale": "ko"}


async def chats(service: Service, clock: Any, *usages: tuple[int, int]) -> None:
    for read, written in usages:
        clock.move(seconds=2)
        await service.house.charge(USER, usage=Usage(input=read, output=written))


@pytest.mark.row("D2", "D3", "D5")
async def test_the_document_s_three_chats(service: Service, clock: Any):
    await service.key(USER)
    first = await service.ok("GET", POINTS, who=USER)
    assert first == {
        "success": True,
        "points": 100_000,
        "total_earned": 100_000,
        "total_spent": 0,
        "last_updated": "2026-11-21T03:00:00Z",
    }
    left = []
    for usage in ((3, 33), (16, 33), (44, 33)):
        await chats(service, clock, usage)
        left.append((await service.ok("GET", POINTS, who=USER))["points"])
    assert left == [99_928, 99_830, 99_676]
    assert await service.ok("GET", POINTS, who=USER) == {
        "success": True,
        "points": 99_676,
        "total_earned": 100_000,
        "total_spent": 324,
        "last_updated": "2026-11-21T03:00:06Z",
    }


@pytest.mark.row("D5", "D6")
async def test_the_document_s_history(service: Service, clock: Any):
    await service.key(USER)
    await chats(service, clock, (3, 33), (16, 33), (44, 33))
    told = await service.ok("GET", HISTORY, who=USER)
    assert (told["success"], told["total_records"], told["next"]) == (True, 4, None)
    newest, oldest = told["history"][0], told["history"][-1]
    assert "77" in newest["description"]
    assert "44" in newest["description"]
    assert newest == {
        "type": "chat_usage",
        "amount": -154,
        "description": newest["description"],
        "timestamp": "2026-11-21T03:00:06Z",
        "balance_after": 99_676,
        "token_details": {"prompt_tokens": 44, "completion_tokens": 33, "total_tokens": 77},
    }
    assert "100,000" in oldest["description"]
    assert oldest == {
        "type": "signup_bonus",
        "amount": 100_000,
        "description": oldest["description"],
        "timestamp": "2026-11-21T03:00:00Z",
        "balance_after": 100_000,
        "token_details": None,
    }
    assert [one["balance_after"] for one in told["history"]] == [99_676, 99_830, 99_928, 100_000]


@pytest.mark.row("D5")
async def test_the_latest_twenty_and_the_pages_below(service: Service, clock: Any):
    await service.key(USER)
    await chats(service, clock, *[(3, 33)] * 44)
    page = await service.ok("GET", HISTORY, who=USER)
    seen, sizes = list(page["history"]), [len(page["history"])]
    while page["next"]:
        assert page["total_records"] == 45
        page = await service.ok("GET", HISTORY, who=USER, params={"cursor": page["next"]})
        seen += page["history"]
        sizes.append(len(page["history"]))
    assert sizes == [20, 20, 5]
    assert [one["balance_after"] for one in seen] == [100_000 - 72 * n for n in range(44, -1, -1)]
    few = await service.ok("GET", HISTORY, who=USER, params={"limit": 3})
    assert few["history"] == seen[:3]
    for params in ({"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"cursor": "9" * 19}):
        await service.no(400, "GET", HISTORY, who=USER, params=params)


@pytest.mark.row("D6")
@pytest.mark.parametrize(("locale", "words"), [("ko", ("대화", "보너스")), ("en", ("chat", "bonus"))])
async def test_lines_speak_the_account_s_language(
    service: Service, clock: Any, locale: str, words: tuple[str, str]
):
    await service.house.account(USER, locale=locale)
    await chats(service, clock, (3, 33))
    await service.house.grant(USER, 5_000, note="Sorry!")
    bonus, chat, _ = (await service.ok("GET", HISTORY, who=USER))["history"]
    assert words[0] in chat["description"]
    assert words[1] in bonus["description"]
    assert bonus["description"].endswith("5,000: Sorry!")


@pytest.mark.row("D6")
async def test_every_kind_of_line(service: Service, clock: Any):
    key, house = await service.key(USER), service.house
    assert key
    charged = await house.charge(USER, 500)
    await house.refund(USER, charged.id, 200)
    await house.adjust(USER, -50)
    await house.adjust(USER, 60)
    order = await house.order(USER, 1_000)
    await house.complete_order(USER, order.id)
    await house.refund_order(USER, order.id)
    await house.grant(USER, 10, source="coupon", expires_at=clock.now.replace(hour=5))
    clock.move(hours=3)
    await house.sweep()
    told = await service.ok("GET", HISTORY, who=USER)
    moves = [(one["type"], one["amount"]) for one in told["history"]]
    assert moves == [
        ("expired", -10),
        ("coupon", 10),
        ("taken_back", -1_000),
        ("purchase", 1_000),
        ("adjustment", 60),
        ("adjustment", -50),
        ("usage_refund", 200),
        ("chat_usage", -500),
        ("signup_bonus", 100_000),
    ]
    stands = await service.ok("GET", POINTS, who=USER)
    assert stands["points"] == sum(amount for _, amount in moves) == 99_710
    assert stands["total_earned"] - stands["total_spent"] == stands["points"]


async def test_a_member_s_use_is_its_own_and_its_company_s_points(service: Service):
    await service.house.account("acme", kind="company")
    await service.house.account("kim", parent="acme")
    paid = await service.house.charge("kim", 300)
    await service.house.refund("kim", paid.id, 100)
    told = await service.ok("GET", HISTORY, who="kim")
    assert [(one["type"], one["amount"]) for one in told["history"]] == [
        ("usage_refund", 100),
        ("chat_usage", -300),
    ]
    assert (await service.ok("GET", POINTS, who="kim"))["points"] == 99_800


@pytest.mark.row("D6", "D7")
async def test_imported_lines_keep_their_words_and_times(service: Service, tmp_path: Path):
    history = [
        {"type": "signup_bonus", "amount": 100_000, "timestamp": "2025-08-04T14:18:45.579953",
         "balance_after": 100_000, "description": "가입"},
        {"type": "event", "amount": 5, "timestamp": "2025-08-04T14:18:46", "balance_after": 100_005},
        {"type": "chat_usage", "amount": -72, "timestamp": "2025-08-04T14:18:47.321530+09:00",
         "balance_after": 99_933, "description": "채팅",
         "token_details": {"prompt_tokens": 3, "completion_tokens": 33, "total_tokens": 36}},
    ]  # fmt: skip
    person = {
        "user_id": "u1", "email": USER, "current_points": 99_933, "total_earned": 100_005,
        "total_spent": 72, "last_updated": "2025-08-04T14:18:47", "history": history,
    }  # fmt: skip
    file = tmp_path / "points.json"
    file.write_text(json.dumps({USER: person}), encoding="utf-8")
    await service.house.import_points(file)
    told = await service.ok("GET", HISTORY, who=USER)
    assert [(one["type"], one["timestamp"]) for one in told["history"]] == [
        ("chat_usage", "2025-08-04T14:18:47.321530+09:00"),
        ("event", "2025-08-04T14:18:46Z"),
        ("signup_bonus", "2025-08-04T14:18:45.579953Z"),
    ]
    assert [one["description"] for one in told["history"]][::2] == ["채팅", "가입"]
    assert told["history"][0]["token_details"]["total_tokens"] == 36


@pytest.mark.row("D9")
async def test_a_cookie_that_anybody_can_write_opens_nothing(service: Service):
    await service.key(USER)
    for path in (POINTS, HISTORY):
        problem = await service.no(401, "GET", path, headers={"cookie": f"user_email={USER}"})
        assert "Authorization: Bearer" in problem["detail"]


async def test_an_operator_s_key_has_no_points(service: Service):
    for path in (POINTS, HISTORY):
        assert (await service.no(400, "GET", path, who="operator"))["field"] == "account"
