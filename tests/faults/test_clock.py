"""The clock under load: over a month's end, back by seconds, and two houses that disagree about the time."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from tests.faults.books import assert_sound, noted
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock

pytestmark = [pytest.mark.fault, pytest.mark.row("E2", "E5")]
MONTH_END = datetime(2026, 12, 1, tzinfo=UTC)


async def test_month_end_under_load_renews_once_and_loses_nothing(database: str, round_: int):
    chance = random.Random(round_)
    clocks = [Clock(datetime(2026, 11, 30, 23, 59, 50, tzinfo=UTC)) for _ in range(2)]
    clocks[1].move(seconds=3)
    settings = Settings(plan="chat-tokens")
    async with (
        Tokenhouse.open(database, settings=settings, clock=clocks[0]) as one,
        Tokenhouse.open(database, settings=settings, clock=clocks[1]) as other,
    ):
        for ref in ("alice", "bora"):
            await one.account(ref)

        async def work(number: int) -> None:
            house, ref = (one, other)[number % 2], ("alice", "bora")[number // 2 % 2]
            reservation = await house.reserve(ref, 10)
            await asyncio.sleep(0)
            await house.settle(ref, reservation.id, 7, note=f"{number}")

        async def step() -> None:
            for _ in range(60):
                clock = chance.choice(clocks)
                clock.move(seconds=chance.choice([-4, -2, -0.5, 0.5, 1, 2, 4]))
                await asyncio.sleep(0.002)
            for clock in clocks:
                clock.now = max(clock.now, MONTH_END)

        stepping = asyncio.create_task(step())
        for begin in range(0, 600, 50):
            await asyncio.gather(*(work(number) for number in range(begin, begin + 50)))
        await stepping
        await work(600)
        await one.sweep()
        for ref in ("alice", "bora"):
            entries = await one.history(ref, rows_max=1_000)
            allowances = [entry for entry in entries if entry.kind == "allowance"]
            assert len(allowances) == 2, "November's and December's"
            balance = await one.balance(ref)
            spent = sum(entry.charge for entry in entries if entry.seq > allowances[0].seq)
            assert (balance.remaining, balance.held) == (100_000 - spent, 0)
            assert [entry.seq for entry in entries] == list(range(len(entries), 0, -1))
    assert await noted(database) == {f"{number}": ("charge", 7) for number in range(601)}
    await assert_sound(database, plan="chat-tokens")


async def test_clock_set_back_gives_no_second_allowance(database: str):
    clock = Clock(MONTH_END)
    async with Tokenhouse.open(database, settings=Settings(plan="chat-tokens"), clock=clock) as house:
        await house.account("alice")
        await house.charge("alice", 60_000)
        for hours in (-2, 1, 2, -1):
            clock.move(hours=hours)
            await house.charge("alice", 1)
            await house.sweep()
        assert (await house.balance("alice")).remaining == 100_000 - 60_004
    await assert_sound(database, plan="chat-tokens")


async def test_reservation_outlives_a_clock_that_is_set_back(database: str, clock: Clock):
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        await house.account("alice")
        reservation = await house.reserve("alice", 10)
        clock.move(seconds=-30)
        assert (await house.settle("alice", reservation.id, 10)).late == ""
        assert (await house.balance("alice")).available == 99_990
