"""The greatest users are those of a sum over everybody, however few were looked at."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse
from tokenhouse.flow import greatest
from tokenhouse.flow.greatest import beyond, greatest_users, months_of
from tokenhouse.flow.rollups import fold
from tokenhouse.flow.stretches import last_stretches
from tokenhouse.settings import Settings
from tokenhouse.store import rollups
from tokenhouse.store.rollups import Charged, UserUse

WIDE = {"name": "wide", "allowance": [{"amount": 10_000_000, "every": "month"}]}


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    settings = Settings(time_zone="America/Los_Angeles")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as opened:
        await opened.write_plan(WIDE)
        yield opened


async def both(house: Tokenhouse, days: int, users: int) -> tuple[list[UserUse], list[UserUse]]:
    """Return the greatest users as they are found out, and as a sum over everybody has them."""
    stretches = last_stretches(house.desk, "day", days)
    async with house.desk.pool.acquire() as connection:
        found = await greatest_users(connection, stretches, users, one_to_one=True)
        whole = await rollups.list_users_by_use(connection, stretches.span, users, one_to_one=True)
    return found, [one.use for one in whole]


@pytest.mark.row("D11", "C9")
@pytest.mark.parametrize("seed", range(3))
async def test_a_look_at_the_first_finds_those_of_a_look_at_all(
    house: Tokenhouse, clock: Clock, monkeypatch: pytest.MonkeyPatch, seed: int
):
    monkeypatch.setattr(greatest, "LEAST", 1)
    chance = random.Random(seed)
    clock.now = datetime(2026, 10, 20, tzinfo=UTC)
    refs = [f"u{number}" for number in range(25)]
    for ref in refs:
        await house.account(ref, plan="wide")
    few = [10, 20, 300] if seed else [50]  # Many that were charged the same, and all of them.
    for day in range(36):
        for ref in chance.sample(refs, 4):
            paid = await house.charge(ref, chance.choice(few), model=chance.choice("mn"))
            if chance.random() < 0.2:
                await house.refund(ref, paid.id, 5)
        if day % 5 == seed:
            await fold(house.desk)
        clock.move(hours=22, minutes=17)
        if day % 6 == 0:
            for users in (1, 3, 10):
                found, whole = await both(house, chance.choice([1, 7, 28, 31]), users)
                assert found == whole
    await fold(house.desk)
    for days in (1, 10, 31):
        found, whole = await both(house, days, 4)
        assert found == whole
        assert len(whole) <= 4
    assert await both(house, 28, 0) == ([], [])


async def test_few_are_looked_at_where_some_use_much_more(house: Tokenhouse, monkeypatch: pytest.MonkeyPatch):
    """Otherwise the test above would hold of a sum over everybody."""
    monkeypatch.setattr(greatest, "LEAST", 1)
    for number in range(12):
        await house.account(f"u{number}", plan="wide")
        await house.charge(f"u{number}", 100 if number % 4 else 1_000 + number)
    await fold(house.desk)
    asked = []

    async def among(connection, span, rows_max, places, **how):
        asked.append(len(places))
        return await real(connection, span, rows_max, places, **how)

    async def everybody(*_asked, **_how):
        pytest.fail("everybody was added up")

    real = rollups.list_users_among
    monkeypatch.setattr(rollups, "list_users_among", among)
    monkeypatch.setattr(rollups, "list_users_by_use", everybody)
    stretches = last_stretches(house.desk, "day", 28)
    async with house.desk.pool.acquire() as connection:
        found = await greatest_users(connection, stretches, 3, one_to_one=True)
    assert [one.account for one in found] == ["u8", "u4", "u0"]
    assert asked == [6]


async def test_everybody_is_added_up_where_the_first_of_each_month_do_not_settle_it(
    house: Tokenhouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(greatest, "LEAST", 1)
    monkeypatch.setattr(greatest, "LOOKED_AT", (1,))
    clock.now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for ref, charged in (("early", 900), ("late", 5)):
        await house.account(ref, plan="wide")
        await house.charge(ref, charged)
    clock.now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    await house.charge("late", 30)
    await fold(house.desk)
    found, whole = await both(house, 3, 1)
    assert [(one.account, one.charged) for one in found] == [("late", 30)]
    assert found == whole


def test_months_are_those_that_a_span_touches():
    assert months_of(date(2026, 1, 31), date(2026, 3, 2)) == [
        date(2026, 1, 1),
        date(2026, 2, 1),
        date(2026, 3, 1),
    ]
    assert months_of(date(2026, 12, 5), date(2026, 12, 31)) == [date(2026, 12, 1)]
    assert months_of(date(2026, 11, 1), date(2026, 12, 1)) == [date(2026, 11, 1)]


def test_who_is_among_the_first_of_no_month_was_charged_at_most_the_last_of_all():
    def first(month: int, *charged: int) -> list[Charged]:
        return [
            Charged(month=date(2026, month, 1), cell=3, account=nth, charged=one)  # type: ignore[arg-type]
            for nth, one in enumerate(charged)
        ]

    assert beyond([], 2) is None
    assert beyond(first(10, 9) + first(11, 5), 2) is None  # All are known.
    assert beyond(first(10, 9, 7) + first(11, 5), 2) == (-7, 3, 1)
    assert beyond(first(10, 9, 7) + first(11, 6, 5), 2) == (-12, -1, -1)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Seoul"])
async def test_a_month_holds_at_least_what_was_charged_in_it_in_any_zone(
    database: str, clock: Clock, zone: str
):
    clock.now = datetime(2026, 10, 31, 8, tzinfo=UTC)
    async with Tokenhouse.open(database, settings=Settings(time_zone=zone), clock=clock) as house:
        await house.write_plan(WIDE)
        await house.account("a", plan="wide")
        for _ in range(40):
            await house.charge("a", 1)
            clock.move(hours=1)
        await fold(house.desk)
        stretches = last_stretches(house.desk, "month", 2)
        async with house.desk.pool.acquire() as connection:
            months = months_of(*stretches.days)
            bounds = {
                one.month: one.charged for one in await rollups.list_months_by_charge(connection, months, 5)
            }
            used = await rollups.list_usage(connection, stretches.span, one_to_one=True)
    assert sum(one.charged for one in used) == 40
    for one in used:
        local = stretches.bounds[stretches.nth(one.start_at)] + timedelta(days=16)
        assert bounds[local.date().replace(day=1)] >= one.charged
