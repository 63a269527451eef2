"""Upkeep: a sweep goes through all that is due, yields to callers, ends with its house, and is done once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tokenhouse import Settings, Tokenhouse
from tokenhouse.errors import Busy, DatabaseTrouble, InsufficientCredit
from tokenhouse.flow import upkeep

PLAN = {"name": "prepaid", "signup": {"amount": 100}}


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        await house.write_plan(PLAN)
        await house.account("team", plan="prepaid")
        for nth in range(5):
            await house.account(f"user{nth}", parent="team")
        yield house


def busy(house, monkeypatch, times):
    """Let the queue be full so many times."""
    submit, told = house.desk.writer.submit, []

    def refuse(ask):
        if len(told) < times:
            told.append(ask)
            raise Busy("busy", retry_after_s=1, waiting=1)
        submit(ask)

    monkeypatch.setattr(house.desk.writer, "submit", refuse)
    return told


@pytest.mark.row("E3")
async def test_a_sweep_ends_what_lapsed_however_many_pages_it_is(house, clock, monkeypatch):
    monkeypatch.setattr(upkeep, "ROWS", 2)
    for nth in range(5):
        await house.reserve(f"user{nth}", 20)
    clock.move(minutes=15)
    assert (await house.sweep()).lapsed == 5
    assert (await house.balance("team")).held == 0
    assert (await house.sweep()).lapsed == 0


@pytest.mark.row("E3")
async def test_many_who_wait_for_lapsed_credit_share_a_sweep(house, clock, monkeypatch):
    swept, sweep_lapsed = [], upkeep.sweep_lapsed

    async def counted(*what):
        swept.append(what)
        return await sweep_lapsed(*what)

    monkeypatch.setattr(upkeep, "sweep_lapsed", counted)
    await house.reserve("user0", 100)
    clock.move(minutes=15)
    held = await asyncio.gather(*(house.reserve(f"user{nth}", 25) for nth in range(1, 5)))
    assert [one.held for one in held] == [25] * 4
    assert len(swept) <= 2  # The first one's, and one for all who came while it was under way.
    with pytest.raises(InsufficientCredit):
        await house.reserve("user0", 1)


async def test_a_sweep_waits_where_callers_fill_the_queue(house, clock, monkeypatch):
    await house.reserve("user0", 20)
    clock.move(minutes=15)
    told = busy(house, monkeypatch, 2)
    assert (await house.sweep()).lapsed == 1
    assert len(told) == 2


async def test_a_sweep_ends_with_its_house(house, clock):
    await house.reserve("user0", 20)
    clock.move(minutes=15)
    await house.desk.writer.close()
    async with asyncio.timeout(5):
        with pytest.raises(Busy) as no:
            await house.sweep()
    assert no.value.reason == "closing"


async def test_a_house_says_whether_its_database_answers(house, database, postgres):
    assert (await house.ready())[:2].isdigit()
    name = urlsplit(database).path[1:]
    ended = ThreadPoolExecutor(1)
    for statement in (
        f'alter database "{name}" with allow_connections false',
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
    ):
        ended.submit(postgres.execute, statement).result()
    with pytest.raises(DatabaseTrouble):
        await house.ready()
    ended.submit(postgres.execute, f'alter database "{name}" with allow_connections true').result()
    assert (await house.ready())[:2].isdigit()
