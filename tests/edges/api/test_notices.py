"""Notices, deliveries and endpoints over REST: who sees what, pages, marks, and secrets that never show."""

import pytest

from tests.edges.api.conftest import Service

ACCOUNT = "/api/v1/accounts/alice"


@pytest.fixture
def settings():
    return {"purchase_url": "https://tokens.example.com/buy"}


async def cross(service: Service, clock, *amounts: int, who: str = "alice") -> None:
    await service.key(who)
    for amount in amounts or (91_000,):
        await service.house.charge(who, amount)
        await service.house.desk.bell.settled()
        clock.move(seconds=1)


@pytest.mark.row("B4")
async def test_a_user_lists_counts_and_reads_its_notices(service: Service, clock):
    await cross(service, clock, 91_000, 5_000, 9_000)
    count = await service.ok("GET", f"{ACCOUNT}/notices/count", who="alice")
    assert count == {"unread": 3, "total": 3}
    first = await service.ok("GET", f"{ACCOUNT}/notices", who="alice", params={"limit": 2})
    rest = await service.ok("GET", f"{ACCOUNT}/notices", who="alice", params={"cursor": first["next"]})
    levels = [one["level"] for one in first["items"] + rest["items"]]
    assert levels == ["blocked", "critical", "warning"]
    assert rest["next"] is None
    oldest = rest["items"][0]
    assert (oldest["used_percent"], oldest["left_percent"]) == ("91", "9")
    assert oldest["remaining"]["value"] == "9000"
    assert oldest["link"] == "https://tokens.example.com/buy"
    read = await service.ok("POST", f"/api/v1/accounts/me/notices/{oldest['id']}/read", who="alice")
    assert read["read_at"]
    unread = await service.ok("GET", f"{ACCOUNT}/notices", who="alice", params={"unread": True})
    assert [one["level"] for one in unread["items"]] == ["blocked", "critical"]
    assert await service.ok("POST", f"{ACCOUNT}/notices/read", who="alice") == {"read": 2}
    everybody = await service.ok("GET", "/api/v1/notices", who="auditor", params={"kind": "level"})
    assert [one["account"] for one in everybody["items"]] == ["alice"] * 3


@pytest.mark.row("B4", "E10")
async def test_a_reader_s_language_counts_where_the_account_has_none(service: Service, clock):
    await cross(service, clock)
    for language, word in (("ko", "9%만 남았습니다"), ("en", "only 9 % is left")):
        page = await service.ok(
            "GET", f"{ACCOUNT}/notices", who="alice", headers={"accept-language": language}
        )
        assert word in page["items"][0]["text"]


@pytest.mark.row("E7")
async def test_a_user_sees_and_changes_only_its_own(service: Service, clock):
    await cross(service, clock)
    await service.key("bora")
    page = await service.ok("GET", f"{ACCOUNT}/notices", who="alice")
    notice = page["items"][0]["id"]
    for method, path, body in (
        ("GET", f"{ACCOUNT}/notices", None),
        ("GET", f"{ACCOUNT}/notices/count", None),
        ("GET", f"{ACCOUNT}/notice-settings", None),
        ("PATCH", f"{ACCOUNT}/notice-settings", {}),
        ("POST", f"{ACCOUNT}/notices/read", None),
        ("POST", f"{ACCOUNT}/notices/{notice}/read", None),
        ("GET", "/api/v1/notices", None),
        ("GET", "/api/v1/deliveries", None),
        ("GET", "/api/v1/deliveries/count", None),
        ("POST", f"/api/v1/deliveries/{notice}/resend", None),
        ("POST", "/api/v1/deliveries/resend", None),
        ("GET", "/api/v1/endpoints", None),
        ("POST", "/api/v1/endpoints", {"url": "https://example.com", "reason": "x"}),
        ("POST", f"/api/v1/endpoints/{notice}/rotate", {"reason": "x"}),
        ("POST", f"/api/v1/endpoints/{notice}/disable", {"reason": "x"}),
        ("POST", f"/api/v1/endpoints/{notice}/enable", {"reason": "x"}),
        ("POST", f"/api/v1/endpoints/{notice}/test", None),
    ):
        await service.no(403, method, path, who="bora", json=body)
        if method != "GET":
            await service.no(403, method, path, who="auditor", json=body)
    await service.no(404, "POST", f"/api/v1/accounts/bora/notices/{notice}/read", who="bora")


async def test_a_person_says_where_and_when_it_is_told(service: Service, clock):
    before = await service.ok("GET", f"{ACCOUNT}/notice-settings", who="alice")
    assert before == {
        "email": "",
        "language": "",
        "time_zone": "",
        "levels": ["0.9", "0.95", "1.05"],
        "own_levels": False,
        "by_email": True,
    }
    wanted = {"email": "Alice@Example.com", "language": "ko", "time_zone": "Asia/Seoul", "levels": ["0.5"]}
    after = await service.ok("PATCH", f"{ACCOUNT}/notice-settings", who="alice", json=wanted)
    assert after == {**before, **wanted, "email": "alice@example.com", "own_levels": True}
    await cross(service, clock, 50_000)
    page = await service.ok("GET", f"{ACCOUNT}/notices", who="alice")
    assert page["items"][0]["title"] == "50% 사용, 50% 남음"
    await service.no(400, "PATCH", f"{ACCOUNT}/notice-settings", who="alice", json={"levels": ["2x"]})
    await service.no(400, "PATCH", f"{ACCOUNT}/notice-settings", who="alice", json={"time_zone": "Nowhere"})
    back = await service.ok("PATCH", f"{ACCOUNT}/notice-settings", who="operator", json={"levels": None})
    assert not back["own_levels"]
    log = await service.house.audit_log(subject="alice")
    assert [(one.action, one.after["levels"]) for one in log] == [
        ("account.notice_settings", ["0.9", "0.95", "1.05"])
    ]


@pytest.mark.row("E7")
async def test_a_secret_is_shown_once_and_an_address_never(service: Service, clock):
    url = "http://127.0.0.1:1/hooks/in-the-path?token=in-the-query"
    made = await service.ok(
        "POST", "/api/v1/endpoints", who="operator", json={"url": url, "reason": "our shop"}
    )
    assert made["secret"].startswith("whsec_")
    assert made["place"] == "http://127.0.0.1:1/…"
    where = f"/api/v1/endpoints/{made['id']}"
    rotated = await service.ok("POST", f"{where}/rotate", who="operator", json={"reason": "it leaked"})
    tried = await service.ok("POST", f"{where}/test", who="operator")
    assert (tried["state"], tried["error"]) == ("dead", "it cannot be reached")
    disabled = await service.ok("POST", f"{where}/disable", who="operator", json={"reason": "moving"})
    assert (disabled["state"], disabled["disabled_why"]) == ("disabled", "moving")
    enabled = await service.ok("POST", f"{where}/enable", who="operator", json={"reason": "moved"})
    assert enabled["state"] == "active"
    seen = [
        await service.call("GET", "/api/v1/endpoints", who="auditor"),
        await service.call("GET", "/api/v1/deliveries", who="auditor"),
    ]
    log = await service.house.audit_log(subject=made["id"])
    assert {one.action for one in log} == {
        f"endpoint.{name}" for name in ("create", "rotate", "test", "disable", "enable")
    }
    told = "".join([*(answer.text for answer in seen), *(str(one) for one in log), str(disabled), str(tried)])
    for hidden in (made["secret"], rotated["secret"], "in-the-path", "in-the-query"):
        assert hidden not in told


@pytest.mark.row("B4")
async def test_dead_letters_are_listed_and_sent_again_by_an_operator(service: Service, clock):
    url = "http://127.0.0.1:1/hooks"
    made = await service.ok("POST", "/api/v1/endpoints", who="operator", json={"url": url, "reason": "x"})
    await cross(service, clock)
    why = {"reason": "down"}
    await service.ok("POST", f"/api/v1/endpoints/{made['id']}/disable", who="operator", json=why)
    dead = await service.ok("GET", "/api/v1/deliveries", who="auditor", params={"state": "dead"})
    (one,) = dead["items"]
    assert (one["account"], one["state"], one["error"]) == ("alice", "dead", "down")
    assert one["document"]["used_percent"] == "91"
    assert await service.ok("GET", "/api/v1/deliveries/count", who="auditor") == {"pending": 0, "dead": 1}
    all_again = "/api/v1/deliveries/resend"
    assert await service.ok("POST", all_again, who="operator") == {"resent": 0, "dead": 1}, "it rests"
    await service.ok("POST", f"/api/v1/endpoints/{made['id']}/enable", who="operator", json=why)
    assert await service.ok("POST", all_again, who="operator") == {"resent": 1, "dead": 0}
    assert await service.ok("GET", "/api/v1/deliveries/count", who="auditor") == {"pending": 1, "dead": 0}
    again = await service.ok("POST", f"/api/v1/deliveries/{one['id']}/resend", who="operator")
    assert again["state"] == "pending"
    await service.no(404, "POST", f"/api/v1/deliveries/{'0' * 32}/resend", who="operator")
    await service.no(400, "POST", "/api/v1/deliveries/nonsense/resend", who="operator")
