"""Roll-ups: each entry of the journal counts once, whoever writes and folds at the same time, and dies."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse, Usage
from tokenhouse.errors import TokenhouseError
from tokenhouse.flow import rollups, usage
from tokenhouse.flow.months import months_of
from tokenhouse.flow.rollups import Folded, fold
from tokenhouse.settings import Settings
from tokenhouse.store import rollups as stored

SEOUL = Settings(time_zone="Asia/Seoul")
WIDE = {"name": "wide", "allowance": [{"amount": 10_000_000, "every": "month"}]}
IN_THE_JOURNAL = """
select sum(coalesce((facts ->> 'turns')::bigint, 1)) filter (where kind = 'charge') as turns,
       sum(charge) filter (where kind in ('charge', 'refund')) as charged,
       count(*) filter (where kind = 'period') as renewed
from tokenhouse.entries
"""
SUMS = ("turns", "tokens_input", "tokens_output", "tokens", "charged")
IN_THE_ROLL_UP = "select sum(turns) as turns, sum(charged) as charged, sum(renewed) as renewed from {}"


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=SEOUL, clock=clock) as opened:
        await opened.write_plan(WIDE)
        yield opened


@pytest.fixture
async def sql(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def agrees(sql: asyncpg.Connection) -> dict[str, int]:
    """Return the sums of the journal, which those of the roll-ups must be."""
    journal = {name: int(value or 0) for name, value in (await sql.fetchrow(IN_THE_JOURNAL)).items()}
    totals = await sql.fetchrow(IN_THE_ROLL_UP.format("tokenhouse.usage_totals"))
    assert {name: int(value or 0) for name, value in totals.items()} == journal
    ahead = "select count(*) from tokenhouse.usage_marks m join tokenhouse.balances b using (cell, account) "
    assert await sql.fetchval(ahead + "where m.seq > b.seq") == 0
    return journal


@pytest.mark.row("D11", "C9")
async def test_what_is_folded_is_what_the_journal_says(
    house: Tokenhouse, sql: asyncpg.Connection, clock: Clock
):
    clock.now = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
    await house.account("company", kind="company", plan="wide")
    await house.account("user", parent="company", plan="wide")
    await house.charge("user", 500, usage=Usage(input=300, output=50, reasoning=20), model="m")
    clock.move(minutes=40)
    paid = await house.charge("user", 300, model="m", actor="key th_abc")
    await house.refund("user", paid.id, 100)
    assert (await fold(house.desk)).accounts == 2
    assert await fold(house.desk) == Folded(entries=0, accounts=0)
    user = await house.desk.address("user")
    columns = "hour, model, api_key, turns, tokens_input, tokens_output, tokens, charged"
    query = f"select {columns} from tokenhouse.usage_hourly where account = $1 order by hour"
    found = [tuple(row) for row in await sql.fetch(query, user.account)]
    assert found == [
        (datetime(2026, 11, 21, 14, tzinfo=UTC), "m", "", 1, 300, 70, 370, 500),
        (datetime(2026, 11, 21, 15, tzinfo=UTC), "m", "th_abc", 1, 0, 0, 300, 200),
    ]
    above = [tuple(row) for row in await sql.fetch(query, user.path[1])]
    assert above == found
    assert await agrees(sql) == {"turns": 2, "charged": 700, "renewed": 0}


@pytest.mark.row("D11", "D8")
async def test_a_call_is_counted_once_where_more_than_one_above_could_pay(
    house: Tokenhouse, sql: asyncpg.Connection
):
    await house.account("company", kind="company", plan="wide")
    await house.account("team", parent="company", plan="wide", own_credit=True)
    await house.account("user", parent="team", plan="wide")
    await house.charge("user", 500, usage=Usage(input=300, output=50), model="m")
    paid = await house.charge("user", 300, model="m")
    await house.refund("user", paid.id, 100)
    for _ in range(2):  # What is not folded counts as what is.
        [point] = (await usage.curve(house.desk, every="hour", last=1)).points
        assert (point.turns, point.tokens, point.charged) == (2, 650, 700)
        for ref, charged in (("user", 700), ("team", 700), ("company", 0)):
            [use] = await house.usage(ref, every="hour", last=1)
            assert (use.turns, use.tokens, use.charged) == (2, 650, charged), ref
            [month] = (await months_of(house.desk, ref, 1)).months
            assert (month.turns, month.used) == (2, charged), ref
        stats = await house.stats()
        assert (stats.overview.turns, stats.overview.used) == (2, 700)
        await fold(house.desk)
    assert await agrees(sql) == {"turns": 2, "charged": 700, "renewed": 0}


async def test_hours_begin_as_the_zone_s_do(database: str, sql: asyncpg.Connection, clock: Clock):
    clock.now = datetime(2026, 11, 21, 18, 40, tzinfo=UTC)  # Ten past midnight in Kolkata.
    settings = Settings(time_zone="Asia/Kolkata")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.account("a")
        await house.charge("a", 5)
        await fold(house.desk)
    hours = await sql.fetch("select distinct hour from tokenhouse.usage_hourly")
    assert [row["hour"] for row in hours] == [datetime(2026, 11, 21, 18, 30, tzinfo=UTC)]


@pytest.mark.row("C9")
async def test_an_entry_that_commits_late_is_not_missed(
    house: Tokenhouse, sql: asyncpg.Connection, database: str, clock: Clock
):
    """A writer takes its time: its entry is dated before those that are folded while it is under way."""
    await house.account("slow", plan="wide")
    await house.account("quick", plan="wide")
    await fold(house.desk)
    blocker = await asyncpg.connect(database)
    held = blocker.transaction()
    await held.start()
    await blocker.execute(
        "select 1 from tokenhouse.balances where account = "
        "(select account from tokenhouse.directory where ref = 'slow') for update"
    )
    late = asyncio.create_task(house.charge("slow", 70))
    async with Tokenhouse.open(database, settings=SEOUL, clock=clock) as other:
        while not await sql.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        clock.move(hours=3)
        await other.charge("quick", 30)
        assert (await fold(other.desk)).entries == 1
        await held.rollback()
        await late
        assert (await fold(other.desk)).entries == 1
    await blocker.close()
    assert await agrees(sql) == {"turns": 2, "charged": 100, "renewed": 0}
    dated = await sql.fetch("select charge from tokenhouse.entries where charge > 0 order by at")
    assert [row["charge"] for row in dated] == [70, 30]  # What was folded second is dated first.


@pytest.mark.row("A4", "C9")
async def test_an_import_of_years_ago_is_folded_where_it_belongs(
    house: Tokenhouse, sql: asyncpg.Connection, clock: Clock
):
    await house.account("a", plan="wide")
    await house.charge("a", 10)
    await fold(house.desk)
    clock.move(days=-400)  # As an import dates its entries, and as a clock does that was set back.
    await house.charge("a", 20)
    clock.move(days=400)
    await fold(house.desk)
    hours = await sql.fetch("select hour, charged from tokenhouse.usage_totals order by hour")
    assert [int(row["charged"]) for row in hours] == [20, 10]
    assert (await agrees(sql))["charged"] == 30


@pytest.mark.row("E2")
async def test_nodes_that_write_and_fold_at_once_count_each_entry_once(
    database: str, sql: asyncpg.Connection, clock: Clock
):
    chance = random.Random(4)
    refs = [f"u{number}" for number in range(30)]
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(Tokenhouse.open(database, settings=SEOUL, clock=clock))
            for _ in range(3)
        ]
        await nodes[0].write_plan(WIDE)
        for ref in refs:
            await nodes[0].account(ref, plan="wide")
        charging = True

        async def charge(node: Tokenhouse) -> int:
            total = 0
            for _ in range(60):
                amount = chance.randint(1, 900)
                await node.charge(chance.choice(refs), amount, model=chance.choice("mno"))
                total += amount
            return total

        async def fold_on(node: Tokenhouse) -> None:
            while charging:
                await fold(node.desk)

        folding = [asyncio.create_task(fold_on(node)) for node in nodes]
        charged = sum(await asyncio.gather(*(charge(node) for node in nodes for _ in range(4))))
        charging = False
        await asyncio.gather(*folding)
        await fold(nodes[0].desk)
    assert await agrees(sql) == {"turns": 720, "charged": charged, "renewed": 0}
    hourly = await sql.fetchrow("select sum(turns) as t, sum(charged) as c from tokenhouse.usage_hourly")
    assert (hourly["t"], hourly["c"]) == (720, charged)


@pytest.mark.row("E2")
async def test_a_fold_that_is_killed_leaves_nothing_half_done(
    house: Tokenhouse, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rollups, "ENTRIES_MAX", 40)
    for number in range(25):
        await house.account(f"u{number}", plan="wide")
        for _ in range(4):
            await house.charge(f"u{number}", 7)
    for patience in range(40):
        killed = asyncio.create_task(fold(house.desk))
        await asyncio.sleep(0.0005 * patience)
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
    await fold(house.desk)
    assert await agrees(sql) == {"turns": 100, "charged": 700, "renewed": 0}


async def test_a_long_journal_is_folded_in_steps(
    house: Tokenhouse, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rollups, "ENTRIES_MAX", 10)
    monkeypatch.setattr(rollups, "FOUND_MAX", 2)
    for ref in ("a", "b", "c"):
        await house.account(ref, plan="wide")
    for _ in range(35):
        await house.charge("a", 3)
    monkeypatch.setattr(rollups, "NEWS_MAX", 3)
    done = await fold(house.desk)
    assert await all_told(sql) == await sql.fetchval("select count(*) from tokenhouse.usage_waiting") == 0
    assert done.entries == await sql.fetchval("select sum(seq) from tokenhouse.balances")
    assert await agrees(sql) == {"turns": 35, "charged": 105, "renewed": 0}


WAITING = """
select b.account from tokenhouse.balances b
left join tokenhouse.usage_marks m on m.cell = b.cell and m.account = b.account
where b.seq > coalesce(m.seq, 0)
"""
TOLD = "select account from tokenhouse.usage_tails"


async def all_told(sql: asyncpg.Connection) -> int:
    """Return how many accounts wait, all of whom the roll-ups have been told of."""
    waiting = {row["account"] for row in await sql.fetch(WAITING)}
    assert {row["account"] for row in await sql.fetch(TOLD)} == waiting
    return len(waiting)


@pytest.mark.row("C9")
async def test_whatever_writes_entries_gives_news_of_them(
    house: Tokenhouse, sql: asyncpg.Connection, clock: Clock, tmp_path: Path
):
    await house.account("company", kind="company", plan="wide")
    await house.account("user", parent="company", plan="wide")
    assert await all_told(sql) == 2
    (tmp_path / "u.csv").write_text("ref,remaining,used\n" + "".join(f"i{n},70,30\n" for n in range(30)))
    await house.import_users(tmp_path / "u.csv")
    await house.initialise()
    assert await all_told(sql) == 32
    await fold(house.desk)
    assert await all_told(sql) == 0
    held = await house.reserve("user", 100)
    assert await all_told(sql) == 0  # Nothing stands in the journal yet.
    await house.settle("user", held.id, 50)
    assert await all_told(sql) == 2
    await fold(house.desk)
    for work in (
        lambda: house.grant("user", 100, source="bonus"),
        lambda: house.amend("user", state="suspended"),
        lambda: house.amend("user", state="active"),
        lambda: house.release("user", held.id),
    ):
        with suppress(TokenhouseError):
            await work()
        await all_told(sql)
    clock.move(days=40)
    await house.run_job("periods")
    assert await all_told(sql)
    await fold(house.desk)
    assert await all_told(sql) == 0
    assert await sql.fetchval("select count(*) from tokenhouse.usage_waiting") == 0


async def test_news_of_a_late_commit_are_not_taken_away(
    house: Tokenhouse, sql: asyncpg.Connection, database: str
):
    """Ids are given before commits: the smaller one may come to light after the larger one is done."""
    await house.account("slow", plan="wide")
    await fold(house.desk)
    slow = await house.desk.address("slow")
    writer = await asyncpg.connect(database)
    under_way = writer.transaction()
    await under_way.start()
    await writer.execute(
        "insert into tokenhouse.usage_waiting (cells, accounts) values ($1, $2)", [slow.cell], [slow.account]
    )
    await house.account("quick", plan="wide")
    assert (await fold(house.desk)).accounts == 1
    await under_way.commit()
    await writer.close()
    assert await sql.fetchval("select accounts from tokenhouse.usage_waiting") == [slow.account]


async def test_entries_of_which_nobody_gave_news_are_found_within_the_hour(
    house: Tokenhouse, sql: asyncpg.Connection, clock: Clock
):
    clock.now = clock.now.replace(minute=rollups.LOOK_AT_MINUTE - 2)
    await house.account("a", plan="wide")
    await house.account("b", plan="wide")
    await house.charge("a", 5)
    await sql.execute("delete from tokenhouse.usage_waiting")  # As a program of an older release would.
    await house.charge("b", 7)
    clock.move(minutes=1)
    assert (await fold(house.desk)).accounts == 1
    clock.move(minutes=1)
    assert (await fold(house.desk)).accounts == 1
    assert await agrees(sql) == {"turns": 2, "charged": 12, "renewed": 0}


@pytest.mark.row("C9")
async def test_figures_are_the_same_whenever_the_last_fold_was(house: Tokenhouse, clock: Clock):
    span = stored.Span(
        start_at=clock.now - timedelta(days=2),
        end_at=clock.now + timedelta(days=2),
        grain="day",
        zone="Asia/Seoul",
    )

    async def read() -> tuple[Any, ...]:
        async with house.desk.pool.acquire() as connection:
            address = await house.desk.address("user")
            mine = await stored.list_usage_of_account(connection, address, span, one_to_one=True)
            return (
                await stored.list_usage(connection, span, one_to_one=True),
                {
                    model: [sum(getattr(one, name) for one in mine if one.model == model) for name in SUMS]
                    for model in ("m", "n")
                },
                await stored.list_users_by_use(connection, span, 10, one_to_one=True),
            )

    await house.account("company", kind="company", plan="wide")
    await house.account("user", parent="company", plan="wide")
    for hours in range(6):
        await house.charge("user", 100 + hours, usage=Usage(input=60, output=9), model="m")
        paid = await house.charge("user", 50, model="n")
        await house.refund("user", paid.id, 20)
        if hours == 3:
            await fold(house.desk)
        clock.move(hours=1)
    half = await read()
    await fold(house.desk)
    assert await read() == half
    assert sum(one.charged for one in half[0]) == 615 + 6 * 30
    assert [one.use.account for one in half[2]] == ["company", "user"]
