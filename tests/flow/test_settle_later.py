"""Settle later: the answer was sent, the database is away, and the charge still lands, once."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
import threading

import pytest

from tests.store.processes import SURROUNDINGS
from tokenhouse import Tokenhouse, Usage
from tokenhouse.errors import DatabaseTrouble, NotFound
from tokenhouse.flow import settle_later
from tokenhouse.flow.settle_later import Owed, SettleLater
from tokenhouse.settings import Settings
from tokenhouse.store.spool import REFUSED, Spool

pytestmark = pytest.mark.row("D8", "E2")


@pytest.fixture
async def house(database, clock, tmp_path):
    settings = Settings(plan="points", home=tmp_path, retry_s=0)
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.account("alice")
        yield house


@pytest.fixture
async def later(house, tmp_path):
    later = SettleLater(house.desk, Spool(tmp_path / "spool"))
    yield later
    await later.close()


async def owed(house, charge=7, **more) -> Owed:
    reservation = await house.reserve("alice", 10)
    return Owed(account="alice", reservation=reservation.id, charge=charge, **more)


def away(house, monkeypatch):
    """Let the database refuse every operation, as if it were away; `monkeypatch.undo` brings it back."""

    def submit(ask):
        ask.answer.set_exception(DatabaseTrouble("postgres_away", problem="gone"))

    monkeypatch.setattr(house.desk.writer, "submit", submit)


def slow(house, monkeypatch, gate: asyncio.Event):
    """Let every operation wait for a gate."""
    submit = house.desk.writer.submit
    tasks = []

    async def wait(ask):
        await gate.wait()
        submit(ask)

    monkeypatch.setattr(house.desk.writer, "submit", lambda ask: tasks.append(asyncio.create_task(wait(ask))))


async def until(looked, number=1):
    """Return once a look finds so many."""
    async with asyncio.timeout(30):
        while True:
            if len(await looked()) == number:
                return
            await asyncio.sleep(0.01)


async def waiting(home):
    return await asyncio.to_thread(lambda: list((home / "spool").glob("*.jsonl")))


async def charges(house):
    return [entry.charge for entry in await house.history("alice", kinds=("charge",))]


async def test_with_a_database_nothing_touches_the_disk(house, later, tmp_path):
    receipt = await later.settle(await owed(house, usage=Usage(input=3, output=4), model="m", rate=2))
    assert receipt.amount == 7
    assert list((tmp_path / "spool").iterdir()) == []
    (entry,) = await house.history("alice", kinds=("charge",))
    assert (entry.model, entry.usage) == ("m", {"input": 3, "output": 4})


async def test_a_charge_waits_on_disk_and_lands_once(house, later, monkeypatch):
    debts = [await owed(house, charge=n, usage=Usage(input=n)) for n in range(1, 6)]
    away(house, monkeypatch)
    assert await asyncio.gather(*map(later.settle, debts)) == [None] * 5
    assert (await later.replay()).waiting == 5
    monkeypatch.undo()
    assert (await later.replay()).settled == 5
    assert await later.replay() == settle_later.Replayed()
    assert sorted(await charges(house)) == [1, 2, 3, 4, 5]
    assert (await house.balance("alice")).held == 0


async def test_a_charge_that_had_landed_already_lands_no_second_time(house, later):
    debt = await owed(house)
    await later.keep(debt)
    await later.settle(debt)
    assert (await later.replay()).settled == 1
    assert await charges(house) == [7]


async def test_a_reservation_that_lapsed_meanwhile_is_charged_late(house, later, clock):
    await later.keep(await owed(house))
    clock.move(minutes=16)
    await house.sweep()
    assert (await later.replay()).settled == 1
    assert await charges(house) == [7]


async def test_another_process_settles_what_a_dead_one_kept(house, later, tmp_path):
    dead = Spool(tmp_path / "spool")
    dead.write({"account": "alice", "reservation": (await owed(house)).reservation, "charge": 7})
    assert (await later.replay()).settled == 0
    dead.close()
    task = asyncio.create_task(later.run())
    await until(lambda: charges(house))
    task.cancel()
    assert await charges(house) == [7]


async def test_the_task_settles_as_soon_as_the_database_is_back(house, later, monkeypatch):
    monkeypatch.setattr(settle_later, "BACKOFF_FIRST_S", 0.01)
    task = asyncio.create_task(later.run())
    await asyncio.sleep(0)
    debts = [await owed(house), await owed(house, charge=8)]
    away(house, monkeypatch)
    for debt in debts:
        await later.settle(debt)
    await asyncio.sleep(0.05)
    assert not task.done()
    monkeypatch.undo()
    await until(lambda: charges(house), 2)
    task.cancel()


async def test_the_task_looks_again_after_a_while(house, later, monkeypatch, tmp_path):
    monkeypatch.setattr(settle_later, "LOOK_EVERY_S", 0.01)
    task = asyncio.create_task(later.run())
    await asyncio.sleep(0.05)
    dead = Spool(tmp_path / "spool")
    dead.write({"account": "alice", "reservation": (await owed(house)).reservation, "charge": 7})
    dead.close()
    await until(lambda: charges(house))
    task.cancel()


async def test_what_can_never_be_settled_is_put_aside_and_stops_nothing(house, later, tmp_path, caplog):
    gone = Owed(account="nobody", reservation="0" * 32, charge=1)
    with pytest.raises(NotFound):
        await later.settle(gone)
    await later.keep(gone)
    await later.keep(await owed(house))
    assert await later.replay() == settle_later.Replayed(settled=1, refused=1)
    aside = json.loads((tmp_path / "spool" / REFUSED).read_text())
    assert aside["record"] == {"account": "nobody", "reservation": "0" * 32, "charge": 1}
    assert "nobody" in aside["reason"]
    assert "can never be settled" in caplog.text


async def test_a_slow_settle_is_kept_meanwhile_and_taken_off_when_it_lands(
    house, later, monkeypatch, tmp_path
):
    monkeypatch.setattr(settle_later, "KEEP_AFTER_S", 0.01)
    debt, gate = await owed(house), asyncio.Event()
    slow(house, monkeypatch, gate)
    assert await later.settle(debt) is None
    await until(lambda: waiting(tmp_path))
    gate.set()
    await until(lambda: waiting(tmp_path), 0)
    assert await charges(house) == [7]


async def test_who_waits_for_a_slow_settle_is_told_no_sooner_than_it_is_on_disk(
    house, later, monkeypatch, tmp_path
):
    """The end of a stream goes out right after this: a process that is killed then has the charge kept."""
    monkeypatch.setattr(settle_later, "KEEP_AFTER_S", 0.01)
    write, may_write = later._spool.write, threading.Event()

    def slow_disk(*records):
        may_write.wait(10)
        return write(*records)

    monkeypatch.setattr(later._spool, "write", slow_disk)
    debt, gate = await owed(house), asyncio.Event()
    slow(house, monkeypatch, gate)
    call = asyncio.create_task(later.settle(debt))
    await asyncio.wait({call}, timeout=0.2)
    assert not call.done()
    may_write.set()
    assert await call is None
    assert len(await waiting(tmp_path)) == 1
    gate.set()
    await asyncio.gather(*later._slow)
    assert await charges(house) == [7]


async def test_a_slow_settle_that_fails_in_the_end_stays_kept(house, later, monkeypatch):
    monkeypatch.setattr(settle_later, "KEEP_AFTER_S", 0.01)
    debt, asks = await owed(house), []
    monkeypatch.setattr(house.desk.writer, "submit", asks.append)
    assert await later.settle(debt) is None
    await until(lambda: asyncio.sleep(0, asks), 2)
    asks[1].answer.set_exception(DatabaseTrouble("postgres_away", problem="gone"))
    await asyncio.gather(*later._slow)
    monkeypatch.undo()
    assert (await later.replay()).settled == 1


async def test_a_caller_that_goes_away_takes_nothing_back(house, later, monkeypatch):
    debt, gate = await owed(house), asyncio.Event()
    slow(house, monkeypatch, gate)
    call = asyncio.create_task(later.settle(debt))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    gate.set()
    await asyncio.gather(*later._slow)
    assert await charges(house) == [7]


async def test_neither_database_nor_disk_is_told_to_the_caller(house, later, monkeypatch, caplog):
    debt = await owed(house)
    full = DatabaseTrouble("spool_full", path="", size=1, most=1)

    def write(*_):
        raise full

    monkeypatch.setattr(later._spool, "write", write)
    away(house, monkeypatch)
    with pytest.raises(DatabaseTrouble) as no:
        await later.settle(debt)
    assert no.value is full
    asks = []
    monkeypatch.setattr(house.desk.writer, "submit", asks.append)
    monkeypatch.setattr(settle_later, "KEEP_AFTER_S", 0)
    slowly = asyncio.create_task(later.settle(debt))
    await until(lambda: asyncio.sleep(0, asks), 2)
    asks[1].answer.set_exception(DatabaseTrouble("postgres_away", problem="gone"))
    with pytest.raises(DatabaseTrouble, match="gone"):
        await slowly
    assert [one.levelno for one in caplog.records if one.levelno == logging.CRITICAL]


async def test_a_slow_settle_without_a_disk_may_still_land(house, later, monkeypatch):
    monkeypatch.setattr(settle_later, "KEEP_AFTER_S", 0)
    debt = await owed(house)

    def write(*_):
        raise DatabaseTrouble("spool_full", path="", size=1, most=1)

    monkeypatch.setattr(later._spool, "write", write)
    assert await later.settle(debt) is None
    await asyncio.gather(*later._slow)
    assert await charges(house) == [7]


async def test_after_a_pass_that_stopped_the_rest_still_waits(house, later, monkeypatch):
    monkeypatch.setattr(settle_later, "TOGETHER_MAX", 2)
    for n in range(5):
        await later.keep(await owed(house, charge=n))
    away(house, monkeypatch)
    assert await later.replay() == settle_later.Replayed(waiting=5)
    monkeypatch.undo()
    assert (await later.replay()).settled == 5


DYING = """
import asyncio, os, sys
from pathlib import Path
from tokenhouse import Tokenhouse, Usage
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow.settle_later import Owed, SettleLater
from tokenhouse.settings import Settings
from tokenhouse.store.spool import Spool

async def main():
    dsn, home, away = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "away"
    settings = Settings(plan="points", home=home, retry_s=0)
    async with Tokenhouse.open(dsn, settings=settings) as house:
        later = SettleLater(house.desk, Spool(home / "spool"))
        task = asyncio.create_task(later.run())
        if away:
            submit = house.desk.writer.submit
            def refuse(ask):
                if type(ask.operation).__name__ != "Settle":
                    return submit(ask)
                ask.answer.set_exception(DatabaseTrouble("postgres_away", problem="gone"))
            house.desk.writer.submit = refuse
        async def caller(number):
            for _ in range(40):
                reservation = await house.reserve("alice", 1)
                await later.settle(Owed(account="alice", reservation=reservation.id, charge=1))
                os.write(1, reservation.id.encode() + b"\\n")
        await asyncio.gather(*map(caller, range(20)))
        await asyncio.sleep(600)

asyncio.run(main())
"""


def answered_until_killed(*words: str) -> set[str]:
    """Return the reservations whose settle a process answered for before it was killed."""
    command = [sys.executable, "-c", DYING, *words]
    with subprocess.Popen(command, env=SURROUNDINGS, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    return {line.strip() for line in lines if len(line.strip()) == 32}


@pytest.mark.fault
@pytest.mark.parametrize("how", ["away", "there"])
async def test_killed_between_answer_and_charge_every_charge_lands_once(database, tmp_path, how):
    async with Tokenhouse.open(database, settings=Settings(plan="points", home=tmp_path)) as house:
        await house.account("alice")
        answered = await asyncio.to_thread(answered_until_killed, database, str(tmp_path), how)
        assert bool(await waiting(tmp_path)) == (how == "away")
        later = SettleLater(house.desk, Spool(tmp_path / "spool"))
        ended = await later.replay()
        assert (ended.waiting, ended.refused) == (0, 0)
        assert await later.replay() == settle_later.Replayed()
        await later.close()
        await _compare(house, answered)
        assert (await house.verify()).clean


async def _compare(house: Tokenhouse, answered: set[str]) -> None:
    """Whatever was answered is charged once; more is only what was answered while nobody could hear it."""
    charged, before = [], None
    while page := await house.history("alice", kinds=("charge",), rows_max=1_000, before=before):
        charged += [entry.operation for entry in page]
        before = page[-1].seq
    assert len(charged) == len(set(charged))
    assert answered <= set(charged)
    assert len(charged) - len(answered) <= 20


def test_what_is_kept_is_what_is_owed():
    debt = Owed(account="a", reservation="b", charge=1, usage=Usage(input=2), rate=3, note="n")
    kept = settle_later.msgspec.to_builtins(debt)
    assert settle_later.msgspec.convert(kept, Owed) == debt
