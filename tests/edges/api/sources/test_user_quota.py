"""The back end's quota paths: fields and figures of the document, whose call it is, months long gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.flow.rollups import fold
from tokenhouse.settings import TrustedHeader

BASE = "/api/v1/user-quota"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"plan": "quota", "environment": "production"}


@pytest.fixture
def clock(clock: Any) -> Any:
    clock.now = datetime(2024, 2, 1, tzinfo=UTC)
    return clock


def of(user: int | str) -> dict[str, Any]:
    return {"who": "operator", "headers": {"x-user-id": str(user)}}


async def added(service: Service, user: int, tokens: int, kind: str = "purchase", **more: Any) -> Any:
    asked = {"token_amount": tokens, "purchase_type": kind, **more}
    return await service.ok("POST", f"{BASE}/add-tokens", json=asked, **of(user))


@pytest.mark.row("C1", "C5")
async def test_the_document_s_quota(service: Service, clock: Any):
    await service.ok("POST", f"{BASE}/users", who="operator", json={"user_id": 123})
    await added(service, 123, 3_000, "bonus")
    await added(service, 123, 2_000, "purchase")
    clock.now = datetime(2024, 2, 15, 14, 30, tzinfo=UTC)
    await service.house.charge("123", 3_500)
    assert await service.ok("GET", f"{BASE}/quota", **of(123)) == {
        "user_id": 123,
        "plan_month": "2024-02-01",
        "allocated_quota": 10_000,
        "used_tokens": 3_500,
        "remaining_tokens": 6_500,
        "purchased_tokens": 2_000,
        "usage_percentage": 35.0,
        "is_quota_exceeded": False,
        "created_at": "2024-02-01T00:00:00Z",
        "updated_at": "2024-02-15T14:30:00Z",
    }


@pytest.mark.row("C5")
async def test_the_document_s_history(service: Service, clock: Any):
    await added(service, 123, 5_000)
    for month, used in ((2, 5_000), (3, 5_000), (4, 8_900)):
        clock.now = datetime(2024, month, 15, tzinfo=UTC)
        await service.house.charge("123", used)
    told = await service.ok("GET", f"{BASE}/usage-history?months=3", **of(123))
    assert told["user_id"] == 123
    assert told["total_months"] == 3
    assert told["summary"] == {
        "total_allocated": 30_000,
        "total_used": 18_900,
        "total_purchased": 5_000,
        "average_usage_percentage": 63.0,
    }
    assert told["usage_history"][0] == {
        "plan_month": "2024-04-01",
        "allocated_quota": 10_000,
        "used_tokens": 8_900,
        "remaining_tokens": 1_100,
        "purchased_tokens": 0,
        "usage_percentage": 89.0,
    }
    assert [one["plan_month"] for one in told["usage_history"]] == ["2024-04-01", "2024-03-01", "2024-02-01"]
    assert [one["purchased_tokens"] for one in told["usage_history"]] == [0, 0, 5_000]


@pytest.mark.row("C5")
async def test_the_document_s_bonus(service: Service):
    told = await added(service, 123, 5_000, "bonus", reason="Customer service compensation")
    assert told["success"] is True
    assert "5,000" in told["message"]
    assert told["user_quota"]["allocated_quota"] == 10_000
    assert told["user_quota"]["purchased_tokens"] == 0
    record = told["purchase_record"]
    assert record["token_amount"] == 5_000
    assert record["purchase_type"] == "bonus"
    assert record["status"] == "completed"
    assert record["reason"] == "Customer service compensation"
    assert record["currency"] == "KRW"
    assert record["plan_month"] == "2024-02-01"
    entry = (await service.house.history("123", kinds=("grant",)))[0]
    assert (entry.amount, entry.note) == (5_000, "Customer service compensation")
    assert entry.actor.startswith("key:")


async def test_the_same_key_or_payment_adds_tokens_once(service: Service):
    headers = {"x-user-id": "7", "idempotency-key": "again"}
    asked = {"token_amount": 5_000}
    ids = set()
    for _ in range(2):
        told = await service.ok("POST", f"{BASE}/add-tokens", who="operator", json=asked, headers=headers)
        ids.add(told["purchase_record"]["id"])
    assert len(ids) == 1
    other = await service.call(
        "POST", f"{BASE}/add-tokens", who="operator", json={"token_amount": 6_000}, headers=headers
    )
    assert other.status_code == 422
    paid = {
        "token_amount": 1_000,
        "payment_method": "card",
        "transaction_id": "T-1",
        "amount": "9.99",
        "currency": "USD",
    }
    for _ in range(2):
        told = await service.ok("POST", f"{BASE}/add-tokens", json=paid, **of(7))
    assert told["purchase_record"]["amount"] == "9.99"
    assert told["purchase_record"]["transaction_id"] == "T-1"
    # Another user's payment under the same key is another payment.
    await service.ok(
        "POST", f"{BASE}/add-tokens", who="operator", json=asked, headers={**headers, "x-user-id": "71"}
    )
    assert (await service.house.balance("7")).bought == 6_000
    assert (await service.house.balance("71")).bought == 5_000


async def test_more_than_the_maximum_adds_nothing_and_leaves_no_order_waiting(service: Service):
    answer = await service.call("POST", f"{BASE}/add-tokens", json={"token_amount": 45_001}, **of(7))
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"
    assert "50,000" in answer.json()["detail"] or "50000" in answer.json()["detail"]
    assert [one.state for one in await service.house.orders("7")] == ["failed"]
    assert (await service.house.balance("7")).remaining == 5_000


@pytest.mark.row("C5", "D9")
async def test_whose_quota_it_is(service: Service):
    await service.key("alice")
    mine = await service.ok("GET", f"{BASE}/quota", who="alice")
    assert mine["user_id"] == "alice"
    same = await service.ok("GET", f"{BASE}/quota", who="alice", headers={"x-user-id": "alice"})
    assert same == mine
    await service.no(403, "GET", f"{BASE}/quota", who="alice", headers={"x-user-id": "123"})
    await service.no(403, "POST", f"{BASE}/add-tokens", who="alice", json={"token_amount": 1})
    await service.no(403, "POST", f"{BASE}/users", who="alice", json={"user_id": "alice"})
    await service.no(403, "POST", f"{BASE}/add-tokens", who="auditor", json={"token_amount": 1})
    # The header alone proves nothing, and an operator must say whom it means.
    await service.no(401, "GET", f"{BASE}/quota", headers={"x-user-id": "123"})
    unnamed = await service.no(400, "GET", f"{BASE}/quota", who="operator")
    assert unnamed["field"] == "x-user-id"
    # Whoever may change nothing opens nothing either.
    await service.no(404, "GET", f"{BASE}/quota", who="auditor", headers={"x-user-id": "new"})
    opened = await service.ok("GET", f"{BASE}/quota", **of("new"))
    assert opened["allocated_quota"] == 5_000


@pytest.mark.row("C5")
async def test_users_of_a_back_end_stay_in_step(service: Service):
    told = {"user_id": 9, "name": "김하나", "email": "hana@example.com", "locale": "ko", "plan": "quota"}
    first = await service.call("POST", f"{BASE}/users", who="operator", json=told)
    assert first.status_code == 201
    again = await service.call("POST", f"{BASE}/users", who="operator", json=told)
    assert again.status_code == 200
    assert (again.json()["created"], again.json()["changed"]) == (False, [])
    assert first.json()["user_id"] == 9
    assert (await service.house.balance("9")).remaining == 5_000

    changed = await service.ok("POST", f"{BASE}/users", who="operator", json={"user_id": 9, "name": "김둘"})
    assert changed["changed"] == ["name"]
    assert changed["email"] == "hana@example.com"
    entries = len(await service.house.history("9"))

    gone = await service.ok("DELETE", f"{BASE}/users/9", who="operator")
    assert (gone["state"], gone["changed"]) == ("suspended", ["state"])
    assert (await service.ok("DELETE", f"{BASE}/users/9", who="operator"))["changed"] == []
    assert len(await service.house.history("9")) == entries + 1
    late = await service.ok("POST", f"{BASE}/users", who="operator", json=told)
    assert (late["state"], late["name"]) == ("suspended", "김하나")
    back = await service.ok("POST", f"{BASE}/users", who="operator", json={"user_id": 9, "state": "active"})
    assert back["state"] == "active"
    await service.no(404, "DELETE", f"{BASE}/users/unknown", who="operator")
    unknown = {"user_id": 9, "name": "Other", "plan": "gold"}
    await service.no(404, "POST", f"{BASE}/users", who="operator", json=unknown)
    await service.no(404, "POST", f"{BASE}/users", who="operator", json=unknown | {"user_id": 10})
    assert (await service.house.describe("9")).name == "김하나", "half of it would be worse than nothing"
    await service.no(404, "DELETE", f"{BASE}/users/10", who="operator")
    written = await service.house.audit_log(subject="9")
    assert [one.action for one in written] == [*["account.synchronise"] * 4, "account.open"]
    assert (written[0].before, written[0].after) == ({"state": "suspended"}, {"state": "active"})


async def test_a_month_in_which_nobody_came_offered_what_the_next_one_began_with(
    service: Service, clock: Any
):
    await service.house.account("7")
    await added(service, 7, 2_000)
    await service.house.charge("7", 1_000)
    clock.now = datetime(2024, 5, 20, tzinfo=UTC)
    idle = await service.ok("GET", f"{BASE}/usage-history?months=12", **of(7))
    offered = [
        (one["plan_month"][5:7], one["allocated_quota"], one["used_tokens"]) for one in idle["usage_history"]
    ]
    assert offered == [("05", 7_000, 0), ("04", 7_000, 0), ("03", 7_000, 0), ("02", 7_000, 1_000)]
    await service.house.charge("7", 6_500)
    clock.now = datetime(2024, 6, 2, tzinfo=UTC)
    later = await service.ok("GET", f"{BASE}/usage-history?months=5", **of(7))
    offered = [
        (one["plan_month"][5:7], one["allocated_quota"], one["used_tokens"]) for one in later["usage_history"]
    ]
    assert offered == [
        ("06", 5_500, 0),
        ("05", 7_000, 6_500),
        ("04", 7_000, 0),
        ("03", 7_000, 0),
        ("02", 7_000, 1_000),
    ]
    assert (await service.ok("GET", f"{BASE}/quota", **of(7)))["plan_month"] == "2024-06-01"
    clock.now = datetime(2024, 8, 3, tzinfo=UTC)
    await service.house.sweep()
    swept = await service.ok("GET", f"{BASE}/usage-history?months=3", **of(7))
    assert [(one["plan_month"][5:7], one["allocated_quota"]) for one in swept["usage_history"]] == [
        ("08", 5_500),
        ("07", 5_500),
        ("06", 5_500),
    ]


@pytest.mark.row("B7", "C1")
@pytest.mark.parametrize("folded", [False, True], ids=["from the journal", "from the roll-ups"])
@pytest.mark.parametrize(
    ("zone", "hour", "minute"), [("UTC", 24, 0), ("Asia/Seoul", 15, 0), ("Asia/Kolkata", 18, 30)]
)
async def test_months_follow_the_account_s_own_calendar(
    service: Service, clock: Any, zone: str, hour: int, minute: int, folded: bool
):
    clock.now = datetime(2024, 2, 10, tzinfo=UTC)
    await service.house.account("a", time_zone=zone)
    midnight = datetime(2024, 2, 29, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)
    for at, charge in ((-1, 100), (0, 30), (5, 7)):
        clock.now = midnight + timedelta(minutes=at)
        await service.house.charge("a", charge)
    if folded:
        await fold(service.house.desk)
        await service.house.charge("a", 1)
    told = await service.ok("GET", f"{BASE}/usage-history", **of("a"))
    used = {one["plan_month"]: one["used_tokens"] for one in told["usage_history"]}
    assert used == {"2024-02-01": 100, "2024-03-01": 38 if folded else 37}
    assert (await service.ok("GET", f"{BASE}/quota", **of("a")))["used_tokens"] == used["2024-03-01"]


async def test_what_was_taken_back_was_not_bought(service: Service, clock: Any):
    order = (await added(service, 7, 3_000))["purchase_record"]["id"]
    await added(service, 7, 1_000)
    clock.now = datetime(2024, 3, 3, tzinfo=UTC)
    await service.house.refund_order("7", order)
    told = await service.ok("GET", f"{BASE}/usage-history", **of(7))
    assert [one["purchased_tokens"] for one in told["usage_history"]] == [0, 1_000]


async def test_a_member_of_a_company_sees_its_own_use_and_what_the_company_has(service: Service):
    await service.house.account("acme", kind="company")
    await service.house.account("kim", parent="acme")
    await service.house.account("lee", parent="acme")
    await service.house.charge("kim", 1_000)
    await service.house.charge("lee", 500)
    told = await service.ok("GET", f"{BASE}/quota", **of("kim"))
    assert (told["used_tokens"], told["remaining_tokens"], told["allocated_quota"]) == (1_000, 3_500, 4_500)
    company = await service.ok("GET", f"{BASE}/quota", **of("acme"))
    assert (company["used_tokens"], company["remaining_tokens"]) == (1_500, 3_500)


async def test_exceeded_is_when_calls_are_refused(service: Service):
    await service.house.account("7")
    await service.house.charge("7", 5_000)
    told = await service.ok("GET", f"{BASE}/quota", **of(7))
    assert (told["usage_percentage"], told["is_quota_exceeded"]) == (100.0, True)
    more = (await added(service, 7, 5_000))["user_quota"]
    assert (more["usage_percentage"], more["is_quota_exceeded"]) == (50.0, False)
    assert (more["allocated_quota"], more["remaining_tokens"]) == (10_000, 5_000)


class TestTrustedHeader:
    """A proxy that proves itself may say in `x-user-id` whose call it is; it may not give credit."""

    SECRET = "Qx7vN2kLr9TzWm4BcY8pHs1EdJ6gUf3A"

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"plan": "quota", "trusted_header": TrustedHeader(secret=self.SECRET)}

    @pytest.mark.row("C4", "C5", "C8", "D9")
    async def test_a_user_s_first_call_is_refused_until_it_has_a_quota(self, service: Service):
        proven = {"x-user-id": "123", "x-tokenhouse-secret": self.SECRET}
        chat = {"model": "demo", "messages": [{"role": "user", "content": "안녕하세요!"}]}
        first = await service.call("POST", "/v1/chat/completions", json=chat, headers=proven)
        assert first.status_code == 404
        quota = await service.ok("GET", f"{BASE}/quota", headers=proven)
        assert (quota["user_id"], quota["allocated_quota"]) == (123, 10_000)
        again = await service.call("POST", "/v1/chat/completions", json=chat, headers=proven)
        assert again.status_code == 200
        used = again.json()["usage"]["total_tokens"]
        quota = await service.ok("GET", f"{BASE}/quota", headers=proven)
        assert (quota["used_tokens"], quota["remaining_tokens"]) == (used, 10_000 - used)

    @pytest.mark.row("D9")
    async def test_without_the_secret_nobody_is_believed_and_with_it_nobody_gives_credit(
        self, service: Service
    ):
        for headers in ({"x-user-id": "1"}, {"x-user-id": "1", "x-tokenhouse-secret": "x" * 32}):
            await service.no(401, "GET", f"{BASE}/quota", headers=headers)
        proven = {"x-user-id": "1", "x-tokenhouse-secret": self.SECRET}
        asked = {"token_amount": 1}
        await service.no(403, "POST", f"{BASE}/add-tokens", headers=proven, json=asked)
        await service.no(403, "POST", f"{BASE}/users", headers=proven, json={"user_id": 1})
        # The operator's key comes first: with it the header is an argument, whatever proxy it came through.
        told = await service.ok("POST", f"{BASE}/add-tokens", who="operator", headers=proven, json=asked)
        assert told["user_quota"]["user_id"] == 1
