"""The bell: it costs a call nothing to be heard, and what it cannot hold or write is left to the hour."""

import asyncio

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow import bell


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        yield house


async def test_a_crossing_is_heard_once_while_it_lasts(house):
    heard = []

    async def count(waiting):
        heard.append(waiting)

    house.desk.bell.tell = count
    await house.account("alice")
    for _ in range(5):
        await house.charge("alice", 18_100)
        await house.desk.bell.settled()
    for _ in range(5):
        await house.charge("alice", 100)
        await house.desk.bell.settled()
    ((crossed, events),) = heard
    assert len(crossed) == 1
    assert events == []


async def test_a_full_bell_leaves_the_rest_to_the_hour(house, monkeypatch):
    monkeypatch.setattr(bell, "WAITING_MAX", 2)
    monkeypatch.setattr(bell, "REMEMBERED_MAX", 1)
    for nth in range(4):
        await house.account(f"user{nth}")
    await asyncio.gather(*(house.charge(f"user{nth}", 91_000) for nth in range(4)))
    await asyncio.gather(*(house.grant(f"user{nth}", 1, source="purchase") for nth in range(4)))
    await house.desk.bell.settled()
    told = [one.kind for one in await house.all_notices(rows_max=100)]
    assert 2 <= told.count("level") < 4
    assert 2 <= told.count("bought") < 4
    await house.notify()
    told = [one.kind for one in await house.all_notices(rows_max=100)]
    assert told.count("level") == 4


async def test_many_who_cross_at_once_are_told_in_several_transactions(house, monkeypatch):
    monkeypatch.setattr(bell, "ROWS", 3)
    told = []
    tell = house.desk.bell.tell

    async def count(waiting):
        told.append(len(waiting[0]))
        return await tell(waiting)

    house.desk.bell.tell = count
    for nth in range(8):
        await house.account(f"user{nth}")
    await asyncio.gather(*(house.charge(f"user{nth}", 91_000) for nth in range(8)))
    await house.desk.bell.settled()
    assert sum(told) == 8
    assert max(told) <= 3
    assert len(await house.all_notices(rows_max=100)) == 8


@pytest.mark.parametrize("trouble", [DatabaseTrouble("postgres_away", problem="x"), ZeroDivisionError()])
async def test_a_bell_that_cannot_write_disturbs_no_call(house, trouble, caplog):
    async def fail(_waiting):
        raise trouble

    house.desk.bell.tell = fail
    await house.account("alice")
    assert (await house.charge("alice", 91_000)).amount == 91_000
    await house.desk.bell.settled()
    assert "notices" in caplog.text


async def test_a_house_closes_though_the_bell_hangs(database, clock, monkeypatch):
    monkeypatch.setattr(bell, "CLOSING_S", 0.05)

    async def hang(_waiting):
        await asyncio.Event().wait()

    async with Tokenhouse.open(database, clock=clock) as house:
        house.desk.bell.tell = hang
        await house.account("alice")
        await house.charge("alice", 91_000)
    async with Tokenhouse.open(database, clock=clock) as house:
        assert (await house.notify()).levels == 1


async def test_what_waits_is_written_when_a_house_closes(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.account("alice")
        await house.charge("alice", 91_000)
    async with Tokenhouse.open(database, clock=clock) as house:
        assert len(await house.notices("alice")) == 1


async def test_a_zone_that_no_clock_knows_is_told_in_utc(house, database):
    await house.account("alice")
    async with house.desk.pool.acquire() as connection:
        await connection.execute("update tokenhouse.accounts set time_zone = 'Mars/Olympus'")
    await house.charge("alice", 91_000)
    await house.desk.bell.settled()
    (notice,) = await house.notices("alice")
    assert "(UTC)" in notice.text
