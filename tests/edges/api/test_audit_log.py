"""The audit log over REST."""

import asyncio
import csv
import io
import json

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.audit_trail import at_once


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


@pytest.mark.row("C10")
async def test_the_log_as_csv_is_the_log(service: Service):
    house = service.house
    for nth in range(3):
        await house.record("account.grant", f"acct{nth}", actor="person:a@example.com", after={"amount": nth})
    await house.record("plan.write", "tiny", actor="key:x", reason="=cmd()", before=None, after={"가": 1})
    answer = await service.call("GET", "/api/v1/audit-log.csv", who="auditor", params={"action": "account"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "audit-log.csv" in answer.headers["content-disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    listed = await service.ok("GET", "/api/v1/audit-log", who="auditor", params={"action": "account"})
    assert [(line["id"], line["subject"]) for line in lines] == [
        (str(one["id"]), one["subject"]) for one in listed["items"]
    ]
    assert json.loads(lines[0]["after"]) == {"amount": 2}
    whole = (await service.call("GET", "/api/v1/audit-log.csv", who="auditor")).content.decode()
    assert "'=cmd()" in whole
    assert "가" in whole
    await service.no(403, "GET", "/api/v1/audit-log.csv", who="alice")
    await service.no(400, "GET", "/api/v1/audit-log.csv?since=2026-01-01T00:00:00", who="auditor")


async def test_a_long_log_is_one_csv(service: Service):
    async with service.house.desk.pool.acquire() as connection:
        await connection.execute(
            "insert into tokenhouse.audit_log (at, actor, action, subject, reason, address)"
            " select now(), 'key:x', 'a.b', n::text, '', '' from generate_series(1, 2001) n"
        )
    answer = await service.call("GET", "/api/v1/audit-log.csv?action=a", who="auditor")
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [int(line["subject"]) for line in lines] == list(range(2001, 0, -1))


async def test_without_its_record_there_is_no_change(service: Service):
    house = service.house

    async def change() -> None:
        async with at_once(house.desk):
            await house.account("new", actor="operator")
            await house.create_key("", role="auditor", actor="operator")
            await house.record("key.create", "new", actor="operator", reason="r" * 10_000)

    with pytest.raises(InvalidInput):
        await change()
    await service.no(404, "GET", "/api/v1/accounts/new", who="operator")
    assert not [one for one in await house.keys("") if one.role == "auditor"]
    await house.account("new")
    assert (await house.balance("new")).account == "new", "nothing of the first attempt is remembered"


async def test_others_write_for_themselves_meanwhile(service: Service):
    house = service.house

    async def change() -> None:
        async with at_once(house.desk):
            await house.account("mine")
            await asyncio.create_task(house.account("theirs"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change()
    assert [one.ref for one in (await house.find_accounts("")).accounts] == ["theirs"]
