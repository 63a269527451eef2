"""Refusals: each refused call is counted once, whichever way it came, and written every few seconds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse
from tokenhouse.errors import AccountClosed, InsufficientCredit, ModelRefused, NotFound
from tokenhouse.flow import refusals
from tokenhouse.settings import Settings

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    settings = Settings(time_zone="Asia/Seoul", plan="points")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as opened:
        await opened.account("alice")
        await opened.adjust("alice", -100_000)
        yield opened


@pytest.fixture
async def sql(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def counted(sql: asyncpg.Connection) -> dict[tuple[date, str], int]:
    rows = await sql.fetch("select day, code, refused from tokenhouse.refusals_daily")
    return {(row["day"], row["code"]): row["refused"] for row in rows}


@pytest.mark.row("C9")
async def test_every_way_in_counts_its_noes_once(house: Tokenhouse, clock: Clock):
    clock.now = datetime(2026, 11, 21, 14, 59, tzinfo=UTC)
    with pytest.raises(InsufficientCredit):
        await house.charge("alice", 10)
    with pytest.raises(InsufficientCredit):
        await house.reserve("alice", 10)
    with pytest.raises(InsufficientCredit):
        async with house.call("alice", CHAT):
            pass
    clock.move(minutes=1)  # Midnight in Seoul.
    await house.amend("alice", state="suspended")
    with pytest.raises(AccountClosed):
        await house.charge("alice", 10)
    with pytest.raises(NotFound):
        await house.charge("nobody", 10)
    found = (await house.refusals(days=2)).value
    assert [(one.day, one.code, one.refused) for one in found.lines] == [
        (date(2026, 11, 21), "insufficient_credit", 3),
        (date(2026, 11, 22), "account_closed", 1),
    ]
    assert (found.allowed, found.refused, found.allowed_share) == (0, 4, Decimal(0))


@pytest.mark.row("C9")
async def test_the_share_of_calls_that_went_through(house: Tokenhouse):
    await house.grant("alice", 30)
    for _ in range(3):
        await house.charge("alice", 10)
    with pytest.raises(InsufficientCredit):
        await house.charge("alice", 10)
    (today,) = (await house.curve(last=1)).value.points
    assert (today.turns, today.refused, today.allowed_share) == (3, 1, Decimal("0.75"))
    assert [one.refused for one in await house.usage("alice", last=2)] == [0, 1]
    assert [one.refused for one in await house.usage("alice", every="month", last=1)] == [1]
    assert {one.refused for one in await house.usage("alice", every="hour", last=2)} == {None}
    assert [one.refused for one in await house.usage("alice", last=1, by="model")] == [None]
    (hour,) = (await house.curve(every="hour", last=1)).value.points
    assert (hour.turns, hour.refused, hour.allowed_share) == (3, None, None)


async def test_what_was_counted_is_written_after_a_while(
    house: Tokenhouse, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refusals, "EVERY_S", 0.01)
    for times in (1, 2):
        with pytest.raises(InsufficientCredit):
            await house.charge("alice", 10)
        async with asyncio.timeout(5):
            while sum((await counted(sql)).values()) != times:  # noqa: ASYNC110 -- a timer's work is awaited
                await asyncio.sleep(0.01)


async def test_a_house_that_closes_writes_what_it_counted(
    database: str, sql: asyncpg.Connection, clock: Clock
):
    async with Tokenhouse.open(database, settings=Settings(plan="quota"), clock=clock) as house:
        await house.account("bob")
        for _ in range(5):
            with pytest.raises(InsufficientCredit):
                await house.reserve("bob", 10_000_000)
    assert sum((await counted(sql)).values()) == 5


async def test_a_database_that_is_away_is_told_later(
    house: Tokenhouse, sql: asyncpg.Connection, database: str
):
    with pytest.raises(InsufficientCredit):
        await house.charge("alice", 10)
    blocker = await asyncpg.connect(database)
    async with blocker.transaction():
        await blocker.execute("lock table tokenhouse.refusals_daily")
        writing = asyncio.create_task(house.desk.refusals.write())
        query = (
            "select pid from pg_stat_activity where query like '%refusals_daily as r%' "
            "and wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(5):
            while (pid := await sql.fetchval(query)) is None:  # noqa: ASYNC110 -- another session waits
                await asyncio.sleep(0.01)
        with pytest.raises(InsufficientCredit):
            await house.charge("alice", 10)
        await sql.execute("select pg_terminate_backend($1)", pid)
        await writing
    await blocker.close()
    with pytest.raises(InsufficientCredit):
        await house.charge("alice", 10)
    await house.desk.refusals.write()
    assert sum((await counted(sql)).values()) == 3


async def test_what_waits_has_a_limit(house: Tokenhouse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refusals, "KEYS_MAX", 1)
    for _ in range(2):
        with pytest.raises(InsufficientCredit):
            await house.charge("alice", 10)
    await house.amend("alice", state="suspended")
    with pytest.raises(AccountClosed):
        await house.charge("alice", 10)
    assert (await house.refusals(days=1)).value.refused == 2


async def test_a_model_that_nobody_prices_is_refused_and_counted(database: str, clock: Clock):
    async with Tokenhouse.open(database, settings=Settings(plan="money"), clock=clock) as house:
        await house.account("carol")
        with pytest.raises(ModelRefused):
            async with house.call("carol", {**CHAT, "model": "unheard-of"}):
                pass
        assert [one.code for one in (await house.refusals(days=1)).value.lines] == ["model_refused"]
