"""What people leaf through, where REST does not show it: cells, failures, months put away, progress."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble, InvalidInput, NotFound
from tokenhouse.flow import cursors, works
from tokenhouse.flow.verifications import Verification
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings
from tokenhouse.store.pool import connect


@pytest.fixture
async def house(database: str, clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as opened:
        await opened.account("mina")
        yield opened


async def ended(house: Tokenhouse, begun: Verification) -> Verification:
    """Return a verification once it has ended."""
    while True:
        found = await house.verification(begun.id)
        if found.state != "running":
            return found


def test_a_cursor_comes_back_as_it_was():
    for parts in ((0,), (-1, 2**63 - 1), (2, "김", 3, 4)):
        kinds = [type(part) for part in parts]
        assert cursors.place(cursors.cursor(*parts), *kinds) == parts
        with pytest.raises(InvalidInput):
            cursors.place(cursors.cursor(*parts), *kinds, int)
    with pytest.raises(InvalidInput):
        cursors.place("A" * (cursors.LENGTH_MAX + 1), int)


@pytest.mark.row("A2")
async def test_a_cell_is_verified_alone(house: Tokenhouse):
    cell = (await house.describe("mina")).address.cell
    for one, entries in ((cell, 2), ((cell + 1) % 64, 0)):
        found = await ended(house, await house.start_verification(cell=one))
        assert (found.state, found.cell, found.entries_read) == ("clean", one, entries)
    with pytest.raises(NotFound):
        await house.verification("0" * 32)


@pytest.mark.parametrize("trouble", [DatabaseTrouble("postgres_away", problem="gone"), ZeroDivisionError()])
async def test_a_verification_that_cannot_be_carried_out_has_failed(
    house: Tokenhouse, monkeypatch: pytest.MonkeyPatch, trouble: Exception
):
    async def verify(*_args, **_how):
        raise trouble

    monkeypatch.setattr("tokenhouse.flow.audit.verify", verify)
    found = await ended(house, await house.start_verification())
    assert (found.state, found.verdict) == ("failed", None)


async def test_how_far_a_verification_is_can_be_seen(house: Tokenhouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(works, "SAYS_EVERY_S", 0)
    going_on = asyncio.Event()

    async def verify(*_args, progress, **_how):
        progress(1)
        await going_on.wait()
        raise DatabaseTrouble("postgres_away", problem="gone")

    monkeypatch.setattr("tokenhouse.flow.audit.verify", verify)
    begun = await house.start_verification(actor="key:th_x")
    found = begun
    while found.entries_read == 0:
        found = await house.verification(begun.id)
    assert (found.state, found.entries_read, found.entries_total, found.started_by) == (
        "running",
        1,
        2,
        "key:th_x",
    )
    going_on.set()
    assert (await ended(house, begun)).state == "failed"


async def test_open_reservations_and_lots_are_those_of_now(house: Tokenhouse, clock):
    first = await house.reserve("mina", 5, model="m", tokens=7, api_key="k")
    clock.move(minutes=1)
    second = await house.reserve("mina", 6)
    unit, found = await house.open_reservations("mina")
    assert unit.name == "token"
    assert [(one.id, one.held, one.model, one.tokens, one.api_key) for one in found] == [
        (first.id, 5, "m", 7, "k"),
        (second.id, 6, "", 0, ""),
    ]
    clock.move(days=40)
    assert (await house.open_reservations("mina"))[1] == []
    _, lots = await house.grants("mina")
    assert [(lot.kind, lot.left, lot.id) for lot in lots] == [("", 100_000, "")], "not in the journal yet"


async def test_a_lot_outlives_the_month_of_its_line(house: Tokenhouse, database: str):
    await house.grant("mina", 50, source="purchase", note="kept")
    connection = await connect(database)
    await connection.execute("drop table tokenhouse.entries_2026_11")
    await connection.close()
    _, lots = await house.grants("mina")
    assert [(lot.source, lot.left, lot.kind, lot.granted_at) for lot in lots] == [
        ("allowance", 100_000, "", None),
        ("purchase", 50, "", None),
    ]
    page = await house.entries("mina")
    assert (page.entries, page.next) == ((), None)


async def test_a_line_without_an_operation_is_shown_in_full(house: Tokenhouse):
    seq = next(one.seq for one in await house.history("mina") if one.kind == "allowance")
    found = await house.entry("mina", seq)
    assert (found.explanation, found.related, found.plan) == (None, (), "")


async def test_a_late_usage_is_explained_by_what_it_cost_in_all(house: Tokenhouse, clock):
    held = await house.reserve("mina", 100)
    clock.move(minutes=20)
    await house.sweep()
    await house.settle("mina", held.id, usage=Usage(input=30), model="m")
    seq = (await house.history("mina", kinds=("charge",)))[0].seq
    found = await house.entry("mina", seq)
    assert found.entry.facts["late"] == "lapsed"
    assert found.explanation is not None
    assert found.explanation.charge == 30
    assert [one.kind for one in found.related] == ["lapse"]


@pytest.mark.row("E4")
async def test_a_use_is_explained_by_the_terms_of_whoever_paid(house: Tokenhouse):
    await house.write_plan({"name": "plain", "signup": {"amount": 1_000}, "rate": {"by": "tokens"}})
    dear = {"by": "tokens", "multiplier": 2}
    await house.write_plan({"name": "dear", "signup": {"amount": 1_000}, "rate": dear})
    await house.account("company", kind="company", plan="plain")
    await house.account("team", parent="company", plan="dear", own_credit=True)
    await house.account("user", parent="team", plan="plain")
    made = await house.charge("user", None, usage=Usage(input=30), model="m")
    for ref, charge in (("user", made.amount), ("team", made.amount), ("company", 0)):
        [line] = await house.history(ref, kinds=("charge", "use"))
        found = await house.entry(ref, line.seq)
        assert (line.charge, found.plan) == (charge, "dear")
        assert found.explanation is not None
        assert found.explanation.charge == made.amount
