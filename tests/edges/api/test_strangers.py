"""What belongs to one account is nobody else's: things are looked for by their ids, and not found."""

import pytest

from tests.edges.api.conftest import Service

ACCOUNTS = "/api/v1/accounts"


@pytest.mark.row("D9")
async def test_ids_of_somebody_else_s_things_open_nothing(service: Service):
    house = service.house
    await service.key("bob")
    key = (await service.ok("POST", f"{ACCOUNTS}/me/keys", who="alice", json={}))["id"]
    order = (await house.order("alice", 100)).id
    chat = (await service.ok("POST", "/api/v1/chat/sessions", who="alice", json={}))["id"]
    (entry, *_) = await house.history("alice")
    for method, path in (
        ("DELETE", f"{ACCOUNTS}/me/keys/{key}"),
        ("GET", f"{ACCOUNTS}/me/orders/{order}"),
        ("GET", f"{ACCOUNTS}/me/orders/{order}/receipt"),
        ("GET", f"/api/v1/chat/sessions/{chat}"),
        ("DELETE", f"/api/v1/chat/sessions/{chat}"),
        ("GET", f"/api/v1/chat/sessions/{chat}/messages"),
        ("GET", f"/api/v1/chat/sessions/{chat}/export"),
    ):
        await service.no(404, method, path, who="bob")
    for method, path in (
        ("GET", f"{ACCOUNTS}/alice/entries/{entry.seq}"),
        ("GET", f"{ACCOUNTS}/alice/orders/{order}"),
        ("DELETE", f"{ACCOUNTS}/alice/keys/{key}"),
    ):
        await service.no(403, method, path, who="bob")
    assert (await service.ok("GET", f"/api/v1/chat/sessions/{chat}", who="alice"))["id"] == chat
    assert (await house.keys("alice"))[0].revoked_at is None
