"""The trend: each day's sign-ups, renewed periods and use, and which accounts would never renew."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse, Usage
from tokenhouse.errors import InvalidInput
from tokenhouse.settings import Settings

MONTHLY = {"name": "monthly", "allowance": [{"amount": 10_000, "every": "month"}], "stop": {"block": 2}}
SEOUL = Settings(time_zone="Asia/Seoul")
USE = ("signups", "waiting", "renewed", "turns", "tokens", "charged")


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=SEOUL, clock=clock) as opened:
        await opened.write_plan(MONTHLY)
        yield opened


@pytest.fixture
async def sql(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def busy(house: Tokenhouse, days: int) -> list[tuple[int, ...]]:
    """Return the figures of the last days, the oldest first."""
    found = await house.trend(days=days)
    return [tuple(getattr(day, name) for name in USE) for day in found.days]


@pytest.mark.row("A7", "D11")
async def test_each_day_s_use_counts_each_call_once(house: Tokenhouse, clock: Clock):
    clock.now = datetime(2026, 11, 21, 3, tzinfo=UTC)
    await house.account("company", kind="company", plan="monthly")
    await house.account("user", parent="company", plan="monthly")
    await house.charge("user", 500, usage=Usage(input=300, output=50, reasoning=20))
    clock.now = datetime(2026, 11, 21, 14, 59, 59, tzinfo=UTC)
    await house.charge("company", 30)
    clock.now = datetime(2026, 11, 21, 15, tzinfo=UTC)  # Midnight in Seoul.
    late = await house.reserve("user", 900)
    await house.settle("user", late.id, 700, usage=Usage(input=600, cached_input=100))
    await house.refund("user", late.id, 200)
    clock.move(days=2)
    found = await house.trend(days=4)
    assert [day.start_at for day in found.days] == [
        datetime(2026, 11, day, 15, tzinfo=UTC) for day in (20, 21, 22, 23)
    ]
    assert await busy(house, 4) == [
        (2, 0, 0, 2, 400, 530),
        (0, 0, 0, 1, 700, 500),
        (0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 0),
    ]
    assert await busy(house, 1) == [(0, 0, 0, 0, 0, 0)]


@pytest.mark.row("A7")
async def test_a_sign_up_that_was_not_initialised_shows_on_its_day(
    house: Tokenhouse, sql: asyncpg.Connection, clock: Clock
):
    await house.account("old", plan="monthly")
    clock.move(days=1)
    await house.account("new", plan="monthly")
    await sql.execute(
        "insert into tokenhouse.accounts (cell, id, ref, kind, created_at) "
        "values (3, 3000, 'lost', 'user', $1)",
        clock.now,
    )
    await sql.execute("insert into tokenhouse.directory values ('lost', 3, 3000, array[3000])")
    found = await house.trend(days=2)
    assert [(day.signups, day.waiting) for day in found.days] == [(1, 0), (2, 1)]
    assert (found.signups, found.waiting) == (3, 1)
    await house.initialise()
    assert (await house.trend(days=2)).waiting == 0


@pytest.mark.row("A7")
async def test_the_month_s_renewal_is_seen_as_accounts_come_back(house: Tokenhouse, clock: Clock):
    clock.now = datetime(2026, 11, 21, 3, tzinfo=UTC)
    for ref in ("a", "b", "c"):
        await house.account(ref, plan="monthly")
        await house.charge(ref, 9_000)
    renewal = (await house.trend()).renewal
    assert (renewal.renewed, renewal.first, renewal.idle, renewal.stuck) == (0, 3, 0, 0)
    clock.now = datetime(2026, 11, 30, 15, tzinfo=UTC)  # December in the plan's zone.
    clock.move(days=1)
    renewal = (await house.trend()).renewal
    assert (renewal.renewed, renewal.first, renewal.idle, renewal.stuck) == (0, 0, 3, 0)
    await house.charge("a", 100)
    renewal = (await house.trend()).renewal
    assert (renewal.renewed, renewal.first, renewal.idle, renewal.stuck) == (1, 0, 2, 0)
    await house.account("d", plan="monthly")
    await house.sweep()
    found = await house.trend(days=2)
    assert [(day.signups, day.renewed) for day in found.days] == [(0, 0), (1, 3)]
    renewal = found.renewal
    assert (renewal.renewed, renewal.first, renewal.idle, renewal.stuck) == (3, 1, 0, 0)


@pytest.mark.row("A7")
@pytest.mark.parametrize("damage", ["due_at = 2::bigint ^ 62", "rolled_at = period_end_at"])
async def test_an_account_that_would_never_renew_is_counted(
    house: Tokenhouse, sql: asyncpg.Connection, damage: str
):
    await house.account("a", plan="monthly")
    await house.account("b", plan="monthly")
    assert (await house.trend()).renewal.stuck == 0
    await sql.execute(
        f"update tokenhouse.balances set {damage} "
        "where account = (select account from tokenhouse.directory where ref = 'a')"
    )
    assert (await house.trend()).renewal.stuck == 1


async def test_a_charge_in_another_unit_is_no_number_of_tokens(database: str, clock: Clock):
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        await house.account("a")
        await house.grant("a", 100_000)
        await house.charge("a", 500)
        await house.charge("a", 30, usage=Usage(input=7))
        (today,) = (await house.trend(days=1)).days
        assert (today.turns, today.tokens, today.charged) == (2, 7, 530)


@pytest.mark.row("A7")
async def test_what_is_folded_is_not_read_in_the_journal_again(
    house: Tokenhouse, sql: asyncpg.Connection, clock: Clock
):
    await house.account("a", plan="monthly")
    for _ in range(3):
        await house.charge("a", 100)
        clock.move(days=31)
    before = await busy(house, 100)
    await house.fold()
    assert (await house.fold()).entries == 0
    for row in await sql.fetch("select inhrelid::regclass::text as month from pg_inherits"):
        if "entries" in row["month"] and "idx" not in row["month"] and "pkey" not in row["month"]:
            await sql.execute(f"drop table {row['month']}")  # As retention does.
    assert await busy(house, 100) == before
    assert sum(day[5] for day in before) == 300


@pytest.mark.parametrize("days", [0, 367, True, 1.5, "7"])
async def test_how_many_days_is_checked(house: Tokenhouse, days):
    with pytest.raises(InvalidInput):
        await house.trend(days=days)
