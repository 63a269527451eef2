"""A work whose node was lost: one other node takes it up, once; or else people are told that it is lost."""

import asyncio
from typing import Any

import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse
from tokenhouse.errors import StillRunning
from tokenhouse.flow import audit, simulating
from tokenhouse.flow.taking_up import take_up
from tokenhouse.settings import Settings

pytestmark = pytest.mark.row("A2", "E10")


async def stuck(*_: Any, **__: Any) -> None:
    """Come to no end."""
    await asyncio.Event().wait()


@pytest.fixture
async def lost(database: str, clock: Clock, monkeypatch: Any) -> str:
    """Return a verification whose node is gone in the middle of it."""
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        await house.account("alice")
        with monkeypatch.context() as held:
            held.setattr(audit, "verify", stuck)
            begun = await house.start_verification(actor="kim")
            assert begun.state == "running"
    clock.move(minutes=2)
    return begun.id


@pytest.fixture
async def nodes(database: str, clock: Clock) -> Any:
    async with (
        Tokenhouse.open(database, settings=Settings(), clock=clock) as one,
        Tokenhouse.open(database, settings=Settings(), clock=clock) as other,
    ):
        yield one, other


async def test_one_of_many_nodes_takes_it_up(lost: str, nodes: Any, monkeypatch: Any):
    begun, verify = 0, audit.verify

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal begun
        begun += 1
        return await verify(*args, **more)

    monkeypatch.setattr(audit, "verify", counted)
    taken = await asyncio.gather(*(take_up(house.desk) for house in nodes for _ in range(3)))
    assert (sum(one.works for one in taken), begun) == (1, 1)
    found = await nodes[0].verification(lost)
    assert (found.state, found.started_by) == ("clean", "kim")


async def test_what_loses_a_second_node_is_lost_for_good(
    lost: str, database: str, nodes: Any, clock: Clock, monkeypatch: Any
):
    begun = asyncio.Event()

    async def stuck_too(*_: Any, **__: Any) -> None:
        begun.set()
        await stuck()

    with monkeypatch.context() as held:
        held.setattr(audit, "verify", stuck_too)
        async with Tokenhouse.open(database, settings=Settings(), clock=clock) as third:
            job = asyncio.create_task(third.run_job("works"))
            await begun.wait()
            assert (await nodes[0].verification(lost)).state == "running"
            job.cancel()
            await asyncio.wait({job})
    assert (await nodes[0].verification(lost)).state == "lost"
    clock.move(minutes=2)
    assert (await nodes[1].run_job("works")).result == {"works": 0}
    assert (await nodes[0].verification(lost)).state == "lost"
    assert (await nodes[0].start_verification()).state == "running", "another may begin"


async def test_where_no_node_takes_it_up_it_is_lost_in_the_end(lost: str, nodes: Any, clock: Clock):
    assert (await nodes[0].verification(lost)).state == "running"
    clock.move(minutes=4)
    assert (await nodes[0].verification(lost)).state == "lost"
    assert (await nodes[1].run_job("works")).result == {"works": 0}
    assert (await nodes[0].verification(lost)).ended_at == clock()


async def test_whoever_starts_another_meanwhile_does_not_wait_for_it(lost: str, nodes: Any):
    assert (await nodes[0].start_verification()).id != lost
    assert (await nodes[1].verification(lost)).state == "lost"
    with pytest.raises(StillRunning):
        await nodes[1].start_verification()
    assert (await nodes[1].run_job("works")).result == {"works": 0}


async def test_a_simulation_is_lost_with_its_node(database: str, nodes: Any, clock: Clock, monkeypatch: Any):
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        with monkeypatch.context() as held:
            held.setattr(simulating, "simulated", stuck)
            begun = await house.start_simulation(["quota"])
    assert (await nodes[0].simulation(begun.id)).state == "lost"
    assert (await nodes[0].run_job("works")).result == {"works": 0}
