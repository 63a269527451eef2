"""Jobs over several nodes: each slot once, whoever dies; missed ones caught up once; by hand at any time."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble, InvalidInput, NotFound, StillRunning
from tokenhouse.flow import clockwork, payments, retention, schedule
from tokenhouse.flow.schedule import JOBS, Job
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock


@dataclass(frozen=True)
class Told:
    """What the job of these tests returns."""

    on: str
    nth: int


class Work:
    """A job that counts, and that can be told to wait or to fail."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.failures: list[Exception] = []

    async def __call__(self, desk) -> Told:
        self.begun.set()
        await self.go_on.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(desk.clock().isoformat()[11:16])
        return Told("here", len(self.done))


@pytest.fixture
def work(monkeypatch) -> Work:
    """Put one job on the schedule: every hour, on the hour."""
    made = Work()
    monkeypatch.setattr(schedule, "JOBS", (Job(name="count", when="0 * * * *", work=made),))
    return made


@asynccontextmanager
async def node(database: str, clock: Clock, **chosen) -> AsyncIterator[Tokenhouse]:
    """Open a node of its own."""
    async with Tokenhouse.open(database, settings=Settings(**chosen), clock=clock) as house:
        yield house


@pytest.fixture
async def nodes(database, clock):
    async with node(database, clock) as one, node(database, clock) as other:
        yield one, other


async def turn(*houses: Tokenhouse) -> None:
    """Let nodes look at their clocks at the same time, and finish what they begin."""
    await asyncio.gather(*(house._jobs.turn() for house in houses))
    await asyncio.gather(*(house._jobs.idle() for house in houses))


@pytest.mark.row("B4", "E13")
async def test_each_slot_is_run_once_over_two_nodes(nodes, work, clock):
    for _ in range(3):
        for _ in range(3):
            await turn(*nodes)
        clock.move(hours=1)
    assert work.done == ["03:00", "04:00", "05:00"]
    runs = await nodes[0].job_runs("count")
    assert [(run.slot.hour, run.outcome, run.attempt) for run in runs] == [
        (5, "done", 1),
        (4, "done", 1),
        (3, "done", 1),
    ]
    assert runs[0].result == {"on": "here", "nth": 3}


async def test_the_nodes_ask_the_database_only_when_something_may_be_due(nodes, work, clock, monkeypatch):
    await turn(*nodes)
    monkeypatch.setattr(nodes[0]._jobs, "_claim", None)
    clock.move(minutes=59)
    await turn(nodes[0])
    assert work.done == ["03:00"]


async def test_what_was_missed_for_a_week_is_caught_up_once(nodes, work, clock):
    await turn(nodes[0])
    clock.move(days=7, minutes=20)
    await turn(*nodes)
    await turn(*nodes)
    assert work.done == ["03:00", "03:20"]
    [caught_up, _] = await nodes[0].job_runs("count")
    assert caught_up.slot == clock().replace(minute=0)


async def test_nobody_begins_what_is_at_work_elsewhere(nodes, work, clock):
    one, other = nodes
    work.go_on.clear()
    await one._jobs.turn()
    await work.begun.wait()
    clock.move(seconds=30)
    await turn(other)
    [state] = await other.jobs()
    assert (state.running.node, state.last) == (one._jobs.node, None)
    with pytest.raises(StillRunning) as no:
        await other.run_job("count")
    assert no.value.facts["node"] == one._jobs.node
    work.go_on.set()
    await one._jobs.idle()
    assert len(work.done) == 1


async def test_a_node_that_is_at_work_says_so_and_one_that_lost_its_run_stops(
    nodes, work, clock, monkeypatch, caplog
):
    monkeypatch.setattr(clockwork, "LEASE_S", 0.03)
    one, other = nodes
    work.go_on.clear()
    await one._jobs.turn()
    await work.begun.wait()
    [before] = [state.running.lease_until for state in await one.jobs()]
    clock.move(seconds=0.02)
    while (await one.jobs())[0].running.lease_until == before:  # noqa: ASYNC110 -- the database tells nobody
        await asyncio.sleep(0.01)
    woken, lease = asyncio.Event(), one._jobs._lease

    async def asleep(run, until):
        await woken.wait()
        return await lease(run, until)

    monkeypatch.setattr(one._jobs, "_lease", asleep)
    work.begun.clear()
    clock.move(hours=2)
    await other._jobs.turn()
    await work.begun.wait()
    woken.set()
    await one._jobs.idle()
    work.go_on.set()
    await other._jobs.idle()
    assert "another node's by now" in caplog.text
    runs = await one.job_runs("count")
    assert [(run.outcome, run.node == other._jobs.node) for run in runs] == [("done", True), ("lost", False)]


async def test_a_lease_that_cannot_be_renewed_now_is_tried_again(nodes, work, clock, monkeypatch, caplog):
    monkeypatch.setattr(clockwork, "LEASE_S", 0.03)
    one = nodes[0]._jobs
    troubles, kept, renewed = [DatabaseTrouble()], one._lease, asyncio.Event()

    async def lease(run, until):
        if troubles:
            raise troubles.pop()
        renewed.set()
        return await kept(run, until)

    monkeypatch.setattr(one, "_lease", lease)
    work.go_on.clear()
    await one.turn()
    await asyncio.wait_for(renewed.wait(), 10)
    work.go_on.set()
    await one.idle()
    assert "lease of job count" in caplog.text
    assert (await nodes[0].job_runs("count"))[0].outcome == "done"


async def test_a_node_that_stops_hands_its_run_over(database, work, clock):
    async with node(database, clock) as other:
        work.go_on.clear()
        async with node(database, clock) as one:
            await one._jobs.turn()
            await work.begun.wait()
        work.go_on.set()
        await turn(other)
        [run] = await other.job_runs("count")
    assert (run.outcome, run.attempt, len(work.done)) == ("done", 2, 1)


async def test_what_failed_is_tried_again_later_each_time(nodes, work, clock, caplog):
    work.failures = [ZeroDivisionError("by hand"), DatabaseTrouble()]
    await turn(*nodes)
    [run] = await nodes[0].job_runs("count")
    assert (run.outcome, run.error, run.result) == ("failed", "ZeroDivisionError: by hand", None)
    assert "job count failed" in caplog.text
    clock.move(seconds=59)
    await turn(*nodes)
    assert (await nodes[0].job_runs("count"))[0].attempt == 1
    clock.move(seconds=1)
    await turn(*nodes)
    [run] = await nodes[0].job_runs("count")
    assert (run.outcome, run.attempt, run.error) == ("failed", 2, str(DatabaseTrouble()))
    clock.move(minutes=2)
    await turn(*nodes)
    [run] = await nodes[0].job_runs("count")
    assert (run.outcome, run.attempt, run.error, work.done) == ("done", 3, "", ["03:03"])


async def test_what_takes_too_long_has_failed(nodes, work, monkeypatch):
    monkeypatch.setattr(clockwork, "TAKES_MAX_S", 0.01)
    work.go_on.clear()
    await turn(nodes[0])
    [run] = await nodes[0].job_runs("count")
    assert (run.outcome, run.error) == ("failed", "TimeoutError: ")


async def test_a_clock_that_went_wrong_stops_nothing(database, work, clock):
    wrong = Clock(clock().replace(year=2030))
    async with node(database, wrong) as one:
        await turn(one)
    async with node(database, clock) as other:
        await turn(other)
        [run] = [run for run in await other.job_runs("count") if run.slot.year == 2026]
        assert run.outcome == "done"
        clock.move(hours=1)
        await turn(other)
    assert len(work.done) == 3


async def test_a_clock_that_is_set_back_is_looked_at_again(nodes, work, clock):
    clock.move(days=1)
    await turn(nodes[0])
    clock.move(days=-1)
    await turn(nodes[0])
    assert len(work.done) == 2


async def test_by_hand_it_runs_at_once_and_its_next_slot_stays(nodes, work, clock):
    await turn(nodes[0])
    clock.move(minutes=10)
    run = await nodes[1].run_job("count", actor="dana")
    assert (run.outcome, run.asked_by, run.result["nth"], run.took_s) == ("done", "dana", 2, 0.0)
    [state] = await nodes[0].jobs()
    assert state.last.id == run.id
    clock.move(minutes=50)
    await turn(*nodes)
    assert work.done == ["03:00", "03:10", "04:00"]
    work.failures = [InvalidInput("text_expected", field="x", value="y")]
    assert (await nodes[0].run_job("count")).outcome == "failed"


async def test_the_history_goes_by_pages(nodes, work, clock):
    for _ in range(5):
        await turn(nodes[0])
        clock.move(hours=1)
    first = await nodes[0].job_runs("count", rows_max=2)
    rest = await nodes[0].job_runs("count", before=first[-1].id, rows_max=10)
    assert [run.slot.hour for run in first + rest] == [7, 6, 5, 4, 3]
    with pytest.raises(NotFound, match="no run"):
        await nodes[0].job_runs("count", before="0" * 32)
    with pytest.raises(NotFound, match="There is no job dance"):
        await nodes[0].run_job("dance")
    with pytest.raises(InvalidInput):
        await nodes[0].job_runs("count", rows_max=0)


@pytest.mark.row("B7")
async def test_times_are_of_the_deployments_zone(database, work, clock):
    async with node(database, clock, time_zone="Asia/Kolkata") as house:
        [state] = await house.jobs()
        assert (state.zone, state.when) == ("Asia/Kolkata", "0 * * * *")
        assert state.next_at == datetime(2026, 11, 21, 3, 30, tzinfo=UTC)


async def test_it_runs_by_itself_and_outlives_troubles(database, work, clock, monkeypatch, caplog):
    monkeypatch.setattr(clockwork, "TICK_S", 0.01)
    monkeypatch.setattr(clockwork, "PAUSE", 0)
    async with node(database, clock) as house:
        troubles = [DatabaseTrouble()]

        async def awake() -> str:
            if troubles:
                raise troubles.pop()
            return "18"

        monkeypatch.setattr(house._jobs, "_awake", awake)
        assert house.keep_schedule() is house.keep_schedule()
        while not work.done:  # noqa: ASYNC110 -- its end is what is looked for
            await asyncio.sleep(0.01)
    assert "jobs put off" in caplog.text
    assert work.done == ["03:00"]


async def test_a_claim_that_fails_is_put_off(nodes, work, clock, monkeypatch, caplog):
    one = nodes[0]._jobs
    kept = one._claim
    for trouble in (DatabaseTrouble(), ZeroDivisionError()):

        async def broken(job, trouble=trouble):
            raise trouble

        monkeypatch.setattr(one, "_claim", broken)
        await turn(nodes[0])
        clock.move(seconds=5)
    monkeypatch.setattr(one, "_claim", kept)
    assert "job count put off" in caplog.text
    assert "job count cannot be claimed" in caplog.text
    await turn(nodes[0])
    assert len(work.done) == 1


NODE = """
import asyncio, sys
from pathlib import Path
from tokenhouse import Tokenhouse
from tokenhouse.flow import schedule
from tokenhouse.settings import Settings

async def work(desk):
    print("begun", flush=True)
    await asyncio.sleep(600)

async def main():
    schedule.JOBS = (schedule.Job(name="count", when="0 * * * *", work=work),)
    async with Tokenhouse.open(sys.argv[1], settings=Settings(home=Path(sys.argv[2]))) as house:
        house.keep_schedule()
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.fault
@pytest.mark.row("B4", "E2")
async def test_a_killed_node_is_taken_over_once(database, work, tmp_path):
    killed = subprocess.Popen(  # noqa: ASYNC220 -- it is killed, not awaited
        [sys.executable, "-c", NODE, database, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with killed:
        assert await asyncio.to_thread(killed.stdout.readline) == "begun\n"
        clock = Clock(datetime.now(UTC))
        async with node(database, clock) as one, node(database, clock) as other:
            [state] = await one.jobs()
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            await turn(one, other)
            assert work.done == [], "it may only be slow"
            clock.now = state.running.lease_until
            for _ in range(3):
                await turn(one, other)
            runs = await one.job_runs("count")
            assert [(run.slot, run.outcome, run.attempt) for run in runs] == [(state.running.slot, "done", 2)]
            assert len(work.done) == 1
            # Had it taken until the next slots came, the lost one would not be made up for as well.
            clock.move(hours=3)
            await turn(one, other)
            assert len(work.done) == 2


async def test_every_job_of_the_schedule_runs_and_tells_what_it_did(database, clock):
    async with node(database, clock) as house:
        await house.account("alice")
        assert [state.name for state in await house.jobs()] == [job.name for job in JOBS]
        for job in JOBS:
            run = await house.run_job(job.name)
            assert run.outcome == "done", run.error
            assert isinstance(run.result, dict | None)
        states = {state.name: state for state in await house.jobs()}
        watched = states["watch"].last.result
        assert (watched["accounts"], watched["signups"], watched["signups_waiting"], watched["stuck"]) == (
            1,
            1,
            0,
            0,
        )
        assert (watched["left"], watched["accounts_reserving"]) == (100_000, 0)


@pytest.mark.row("B1", "E5")
async def test_lapse_and_periods_bring_idle_accounts_forward(database, clock):
    async with node(database, clock) as house:
        await house.account("alice")
        await house.reserve("alice", 100)
        clock.move(hours=1)
        assert (await house.run_job("lapse")).result == {"accounts": 1}
        assert [entry.kind for entry in await house.history("alice", rows_max=1)] == ["lapse"]
        clock.move(days=15)
        assert (await house.run_job("periods")).result == {"accounts": 1}
        assert (await house.run_job("periods")).result == {"accounts": 0}


async def test_retention_forgets_old_runs_and_keys_and_keeps_the_newest(database, clock, work, monkeypatch):
    monkeypatch.setattr(retention, "RUNS_NEWEST", 3)
    async with node(database, clock, key_days=1) as house:
        await house.account("alice")
        await house.grant("alice", 5, key="once")
        work.failures = [ZeroDivisionError()]
        for _ in range(6):
            await turn(house)
            clock.move(hours=1)
        assert (await retention.forget(house.desk)).keys == 0
        clock.move(days=3)
        told = await retention.forget(house.desk)
        assert (told.keys, told.runs) == (1, 2)
        assert [run.outcome for run in await house.job_runs("count")] == ["done", "done", "done", "failed"]
        clock.move(days=30)
        assert (await retention.forget(house.desk)).runs == 1


async def test_retention_forgets_forged_payments_and_keeps_what_providers_told(database, clock):
    async with node(database, clock) as house:
        await house.refuse_payment("callback", "forged", bytes(32), "signature_wrong")
        told = payments.Told(provider="callback", event="e", kind="paid", digest=bytes(32), order="0" * 32)
        assert (await house.hear_payment(told)).verdict == "refused"
        clock.move(days=retention.ATTEMPTS_DAYS)
        assert (await retention.forget(house.desk)).attempts == 0
        clock.move(seconds=1)
        assert (await retention.forget(house.desk)).attempts == 1
        assert [one.event for one in await house.payment_events()] == ["e"]
