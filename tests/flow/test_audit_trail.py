"""Who changed what: kept for good, found again page by page."""

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import InvalidInput


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        yield house


@pytest.mark.row("C10")
async def test_a_change_is_kept_with_what_stood_there_before_and_why(house, clock):
    written = await house.record(
        "plan.write",
        "quota",
        actor="person:jisu@example.com",
        before={"version": 1, "since": clock()},
        after={"version": 2, "limits": [1, None]},
        reason="가격 인상",
        address="10.0.3.7",
    )
    (found,) = await house.audit_log()
    assert found.id > 0
    assert (found.at, found.actor, found.action, found.subject) == (
        clock(),
        "person:jisu@example.com",
        "plan.write",
        "quota",
    )
    assert found.before == {"version": 1, "since": "2026-11-21T03:00:00Z"}
    assert found.after == {"version": 2, "limits": [1, None]}
    assert (found.reason, found.address) == ("가격 인상", "10.0.3.7")
    assert (written.at, written.action) == (found.at, found.action)


async def test_changes_come_newest_first_page_by_page(house):
    for number in range(5):
        await house.record("account.grant", f"a{number}", actor="root")
    first = await house.audit_log(rows_max=3)
    rest = await house.audit_log(before=first[-1].id, rows_max=3)
    assert [one.subject for one in (*first, *rest)] == ["a4", "a3", "a2", "a1", "a0"]


async def test_changes_are_found_by_what_who_and_when(house, clock):
    await house.record("key.create", "alice", actor="root")
    clock.move(hours=1)
    await house.record("key.revoke", "bob", actor="jisu")
    await house.record("keyring", "bob", actor="root")

    async def found(**wanted):
        return [one.action for one in await house.audit_log(**wanted)]

    assert await found(subject="bob") == ["keyring", "key.revoke"]
    assert await found(actor="root") == ["keyring", "key.create"]
    assert await found(action="key") == ["key.revoke", "key.create"]
    assert await found(action="key.revoke") == ["key.revoke"]
    assert await found(since=clock()) == ["keyring", "key.revoke"]
    assert await found(until=clock(), actor="root") == ["key.create"]
    assert await found(subject="nobody") == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"action": ""}, "action"),
        ({"actor": "a\nb"}, "actor"),
        ({"subject": 5}, "subject"),
        ({"reason": "x" * 1_001}, "reason"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_field(house, wrong, field):
    change = {"action": "key.create", "subject": "alice", "actor": "root", **wrong}
    with pytest.raises(InvalidInput) as no:
        await house.record(change.pop("action"), change.pop("subject"), **change)
    assert no.value.facts["field"] == field
    for page in ({"rows_max": 0}, {"before": 0}, {"before": 2**63}, {"since": "today"}):
        with pytest.raises(InvalidInput):
            await house.audit_log(**page)
