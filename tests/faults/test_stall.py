"""A database that takes connections and says nothing: who waits is told, and nothing needs a restart."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.faults.books import assert_sound
from tests.faults.wire import Wire
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow import bus
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.store import loans, pool, writer
from tokenhouse.store.pool import open_pool, trouble_translated

pytestmark = [pytest.mark.fault, pytest.mark.row("E2")]
SOON_S = 5.0
"""Much longer than anything here may take, and much shorter than what nobody bounds."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everybody wait for a tenth of a second or so, where it is ten seconds and more."""
    for name, seconds in {"FREE_WITHIN_S": 0.4, "LONG_S": 0.2, "LOOK_EVERY_S": 0.05}.items():
        monkeypatch.setattr(loans, name, seconds)
    monkeypatch.setattr(loans, "ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(pool, "CONNECT_WAIT_S", 0.3)
    monkeypatch.setattr(pool, "CLOSE_WAIT_S", 0.2)
    monkeypatch.setattr(writer, "COMMIT_WAIT_S", 0.3)
    monkeypatch.setattr(bus, "ALIVE_WITHIN_S", 0.3)


@pytest.fixture
async def wire(database: str) -> AsyncIterator[Wire]:
    async with Wire(database) as one:
        yield one


async def told(work: object) -> DatabaseTrouble:
    """Return the trouble that comes of some work, and comes soon."""
    with pytest.raises(DatabaseTrouble) as caught:
        async with asyncio.timeout(SOON_S):
            await work
    assert caught.value.reason == "postgres_away"
    return caught.value


async def test_what_waits_for_a_silent_database_is_told_and_goes_on_when_it_speaks(database: str, wire: Wire):
    settings = Settings(plan="points", lanes=1, retry_s=1)
    async with Tokenhouse.open(wire.dsn, settings=settings) as house:
        await house.account("alice")
        await house.charge("alice", 1)
        wire.stall()
        reading = [told(house.history("alice")) for _ in range(20)]
        writing = [told(house.charge("alice", 1)) for _ in range(5)]
        await asyncio.gather(*reading, *writing, told(house.describe("alice")))
        wire.flow()
        assert (await house.history("alice"))[0].kind == "charge"
        assert (await house.charge("alice", 1)).amount == 1
    await assert_sound(database)


async def test_who_comes_behind_a_stalled_batch_waits_no_longer_than_those_before(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(writer, "COMMIT_WAIT_S", 1.0)
    async with Tokenhouse.open(wire.dsn, settings=Settings(plan="points", lanes=1, retry_s=1)) as house:
        await house.account("alice")
        await house.charge("alice", 1)
        wire.stall()
        first = asyncio.create_task(told(house.charge("alice", 1)))
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(first, *(told(house.charge("alice", 1)) for _ in range(3)))
        assert asyncio.get_running_loop().time() - began < 2
        wire.flow()


async def test_a_house_closes_though_its_database_is_silent(wire: Wire):
    async with asyncio.timeout(SOON_S):
        async with Tokenhouse.open(wire.dsn, settings=Settings(plan="points", retry_s=1)) as house:
            await house.account("alice")
            wire.stall()


async def test_a_statement_that_takes_long_is_let_alone(database: str):
    opened = await open_pool(database)
    async with opened.acquire() as connection:
        assert await connection.fetchval("select 1 from pg_sleep(0.8)") == 1
    await opened.close()


async def test_a_server_that_refuses_to_be_asked_is_there(database: str, wire: Wire):
    """It has no connection left, or asks for another password by now: that is an answer."""
    asked = []

    async def refused() -> None:
        asked.append(1)
        raise asyncpg.TooManyConnectionsError("sorry, too many clients already")

    lines = await asyncpg.create_pool(database, min_size=0, max_size=1)
    opened = pool.Pool(lines, loans.Loans(refused))
    async with opened.acquire() as connection:
        assert await connection.fetchval("select 1 from pg_sleep(0.6)") == 1
    assert asked
    await opened.close()


async def test_the_bus_hears_again_after_a_silence_right_at_its_start(database: str, wire: Wire):
    async with (
        Tokenhouse.open(database, settings=Settings(plan="points")) as one,
        Tokenhouse.open(wire.dsn, settings=Settings(plan="points", retry_s=1)) as other,
    ):
        heard = asyncio.Event()
        wire.stall()
        other.desk.bus.hear("words", lambda _: heard.set())
        await asyncio.sleep(0.5)
        wire.flow()
        async with asyncio.timeout(SOON_S):
            await other.desk.bus.attentive.wait()
            await one.desk.bus.tell("words")
            await heard.wait()


async def test_a_connection_that_was_ended_is_not_lent_again(wire: Wire):
    opened = await open_pool(wire.dsn, size_max=1)
    async with opened.acquire():
        pass
    wire.stall()

    async def asked() -> None:
        with trouble_translated():
            async with opened.acquire() as connection:
                await connection.fetchval("select 1")

    await told(asked())
    wire.flow()
    async with opened.acquire() as connection:
        assert await connection.fetchval("select 2") == 2
    await opened.close()
