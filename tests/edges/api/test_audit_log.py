"""The audit log over REST."""

from tests.edges.api.conftest import Service


async def test_an_auditor_pages_through_the_log(service: Service):
    for number in range(3):
        await service.house.record("account.grant", f"a{number}", actor="root", after={"credit": number})
    page = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"limit": 2})
    assert [(one["subject"], one["after"]) for one in page["items"]] == [
        ("a2", {"credit": 2}),
        ("a1", {"credit": 1}),
    ]
    rest = await service.ok(
        "GET", "/api/v1/audit-log", who="auditor", params={"limit": 2, "cursor": page["next"]}
    )
    assert [one["subject"] for one in rest["items"]] == ["a0"]
    assert rest["next"] is None
    await service.no(403, "GET", "/api/v1/audit-log", who="alice")
    await service.no(401, "GET", "/api/v1/audit-log")
    for wrong in ("0", "-1", "x", str(2**63)):
        await service.no(400, "GET", "/api/v1/audit-log", who="auditor", params={"cursor": wrong})
    await service.no(400, "GET", "/api/v1/audit-log", who="auditor", params={"since": "2026-11-21T00:00:00"})
