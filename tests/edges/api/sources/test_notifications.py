"""The notification batch of the chat's source: run by hand, listed, marked as read."""

import pytest

from tests.edges.api.conftest import Service


@pytest.fixture
def settings():
    return {"purchase_url": "https://tokens.example.com/buy", "locale": "ko"}


@pytest.mark.row("B4")
async def test_the_batch_writes_what_the_source_lists(service: Service):
    await service.key("1")
    tell, service.house.desk.bell.tell = service.house.desk.bell.tell, None
    await service.ok(
        "POST", "/api/ai-usage/test-usage", who="operator", json={"userId": 1, "usagePercent": 90}
    )
    service.house.desk.bell.tell = tell
    empty = await service.ok("GET", "/api/notifications", who="1")
    assert empty == {"notifications": [], "unreadCount": 0, "totalCount": 0}
    for _ in range(2):
        await service.ok("POST", "/api/v1/jobs/notify/run", who="operator")
    listed = await service.ok("GET", "/api/notifications", who="1")
    (one,) = listed["notifications"]
    assert listed["unreadCount"] == 1
    assert (one["userId"], one["type"], one["level"]) == (1, "TOKEN_WARNING", "WARNING")
    assert (one["usagePercent"], one["remainingTokens"], one["isRead"]) == (90.0, 10_000, False)
    assert one["link"] == "https://tokens.example.com/buy"
    assert one["title"] == "90% 사용, 10% 남음"
    read = await service.ok("PATCH", f"/api/notifications/{one['id']}/read", who="1")
    assert read["isRead"]
    unread = await service.ok("GET", "/api/notifications", who="1", params={"unreadOnly": True})
    assert unread == {"notifications": [], "unreadCount": 0, "totalCount": 1}
    assert await service.ok("POST", "/api/notifications/read-all", who="1") == {"count": 0}


async def test_a_caller_without_an_account_has_none(service: Service):
    await service.no(400, "GET", "/api/notifications", who="operator")
    await service.no(401, "GET", "/api/notifications")
    await service.key("2")
    await service.no(404, "PATCH", f"/api/notifications/{'0' * 32}/read", who="2")
