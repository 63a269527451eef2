"""The pace of the last minutes: what went through and what was refused, of all nodes, as in the journal."""

import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble, InsufficientCredit
from tokenhouse.settings import Settings


@pytest.mark.row("C9")
async def test_the_last_minutes_are_what_the_journal_says(database: str, clock: Clock):
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        await house.account("alice")
        held = await house.reserve("alice", 10)
        await house.settle("alice", held.id, 7)
        await house.settle("alice", held.id, 7)
        clock.move(seconds=25)
        await house.charge("alice", 5)
        await house.charge("alice", 5, key="once")
        await house.charge("alice", 5, key="once")
        with pytest.raises(InsufficientCredit):
            await house.reserve("alice", 10**9)
        unused = await house.reserve("alice", 10)
        await house.release("alice", unused.id)
        found = await house.lately()
        entries = await house.history("alice", rows_max=100)
    charged = [entry for entry in entries if entry.kind == "charge"]
    assert (found.allowed, found.refused) == (len(charged), 1) == (3, 1)
    assert [(one.allowed, one.refused) for one in found.slots[-3:]] == [(1, 0), (0, 0), (2, 1)]
    assert len(found.slots) == 30
    assert (found.end_at - found.start_at).total_seconds() == 300
    assert (str(found.allowed_share), str(found.per_minute)) == ("0.7500", "0.8")


@pytest.mark.row("C9")
async def test_nodes_add_up_and_old_slots_go(database: str, clock: Clock):
    settings = Settings(plan="points")
    async with (
        Tokenhouse.open(database, settings=settings, clock=clock) as one,
        Tokenhouse.open(database, settings=settings, clock=clock) as other,
    ):
        await one.account("alice")
        await one.charge("alice", 1)
        await other.charge("alice", 1)
        await other.desk.pace.write()
        assert (await one.lately()).slots[-1].allowed == 2
        clock.move(minutes=6)
        assert ((await one.lately()).allowed, (await one.lately()).allowed_share) == (0, None)
        clock.move(hours=1)
        await one.charge("alice", 1)
        await one.lately()
        async with one.desk.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from tokenhouse.calls_recent") == 1


async def test_what_a_closed_house_had_counted_is_told(database: str, clock: Clock):
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        await house.account("alice")
        await house.charge("alice", 1)
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        assert (await house.lately()).allowed == 1


async def test_a_pace_that_cannot_be_told_costs_nothing_but_itself(database: str, clock: Clock, caplog):
    class Away:
        """A pool whose database is away."""

        def acquire(self) -> None:
            raise DatabaseTrouble("postgres_away", problem="away")

    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        await house.account("alice")
        await house.charge("alice", 5)
        house.desk.pace._pool = Away()
    assert "the pace of the last seconds is not told" in caplog.text
