"""The lanes under pressure: a poisonous operation, a full queue, callers that give up, a house closing."""

import asyncio

import pytest

from tests.faults.books import assert_sound, noted
from tests.faults.cutter import Cutter
from tokenhouse.errors import Busy, DatabaseTrouble
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import AMOUNT_MAX
from tokenhouse.rules.operations import Adjust, Charge
from tokenhouse.settings import Settings

pytestmark = [pytest.mark.fault, pytest.mark.row("E2")]
ONE_LANE = Settings(plan="points", lanes=1)


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(lambda: Adjust(id="7" * 32, amount=AMOUNT_MAX), id="a figure past the column's end"),
        pytest.param(lambda: Adjust(id="7" * 32, amount=2**70), id="a figure past the encoder's end"),
        pytest.param(lambda: Charge(id="7" * 32, charge=5, note="a\0b"), id="a text that cannot be stored"),
        pytest.param(lambda: Charge(id="no id", charge=5), id="an id that is none"),
        pytest.param(lambda: Charge(id="7" * 32, charge=-(10**6)), id="a law of the table"),
    ],
)
async def test_poisonous_operation_in_a_batch_fails_alone(database: str, poison):
    async with Tokenhouse.open(database, settings=ONE_LANE) as house:
        await house.account("alice")
        address = await house.desk.address("alice")
        work = [house.charge("alice", 1, note=f"{n}") for n in range(499)]
        work.insert(250, house.desk.carry_out(address, poison()))
        answers = await asyncio.gather(*work, return_exceptions=True)
        assert house.desk.writer.lanes[0].batches < 60
        failed = answers.pop(250)
        assert isinstance(failed, Exception)
        assert all(answer.amount == 1 for answer in answers)
        assert (await house.balance("alice")).used == 499
    assert await noted(database) == {f"{n}": ("charge", 1) for n in range(499)}
    await assert_sound(database)


async def test_lanes_share_the_work_under_load_and_one_does_it_otherwise(database: str):
    async with Tokenhouse.open(database, settings=Settings(plan="points", lanes=2)) as house:
        names = [f"user-{n}" for n in range(80)]
        await asyncio.gather(*(house.account(name) for name in names))
        writer = house.desk.writer

        async def rounds(callers: int, times: int) -> None:
            for _ in range(times):
                await asyncio.gather(*(house.charge(name, 1) for name in names[:callers]))

        assert writer.abreast == 1
        await rounds(callers=80, times=40)
        assert writer.abreast == 2
        assert writer.lanes[1].operations > 0
        await rounds(callers=4, times=60)
        assert writer.abreast == 1
        alone = writer.lanes[1].operations
        await rounds(callers=4, times=5)
        assert writer.lanes[1].operations == alone
        used = [(await house.balance(name)).used for name in names]
        assert used == [105] * 4 + [40] * 76
    await assert_sound(database)


async def test_full_queue_turns_away_and_loses_nothing(database: str):
    settings = Settings(plan="points", lanes=1, batch_rows_max=10, queue_rows_max=25)
    async with Tokenhouse.open(database, settings=settings) as house:
        await house.account("alice")
        answers = await asyncio.gather(
            *(house.charge("alice", 1, note=f"{n}") for n in range(200)), return_exceptions=True
        )
        busy = [one for one in answers if isinstance(one, Busy)]
        assert len(busy) == 175
        assert busy[0].retryable
        assert busy[0].facts["retry_after_s"] > 0
        assert (await house.balance("alice")).used == 25
        assert (await house.charge("alice", 1)).amount == 1
    assert len(await noted(database)) == 25


async def test_close_answers_everyone_who_waits_and_takes_no_more(database: str):
    opened = Tokenhouse.open(database, settings=Settings(plan="points", lanes=1, batch_rows_max=50))
    async with opened as house:
        await house.account("alice")
        waiting = [asyncio.create_task(house.charge("alice", 1, note=f"{n}")) for n in range(1_000)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*waiting)
    assert all(answer.amount == 1 for answer in answers)
    with pytest.raises(Busy) as no:
        await house.charge("alice", 1)
    assert no.value.reason == "closing"
    assert len(await noted(database)) == 1_000
    await assert_sound(database)


async def test_cancelled_callers_leave_whole_operations(database: str):
    """Each is done or not, never half; repeated under its key, it is done once."""
    async with Tokenhouse.open(database, settings=Settings(plan="points", batch_rows_max=20)) as house:
        for ref in ("alice", "bora"):
            await house.account(ref)

        async def work(number: int) -> None:
            await house.charge(("alice", "bora")[number % 2], 1, key=f"{number}", note=f"{number}")

        tasks = [asyncio.create_task(work(number)) for number in range(400)]
        for number in range(0, 400, 3):
            if number % 60 == 0:
                await asyncio.sleep(0.001)
            tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        done = await noted(database)
        assert done.keys() >= {f"{number}" for number in range(400) if number % 3}
        await asyncio.gather(*(work(number) for number in range(400)))
    assert await noted(database) == {f"{number}": ("charge", 1) for number in range(400)}
    await assert_sound(database)


async def test_database_that_stays_away_is_told_and_nothing_is_burnt(durable: str):
    """Once `retry_s` is over the callers hear of it; the same keys do the work when it is back."""
    settings = Settings(plan="points", retry_s=0)
    async with (
        Cutter(durable, "before", every=1) as wire,
        Tokenhouse.open(wire.dsn, settings=settings) as house,
    ):
        await house.account("alice")
        wire.cutting = True
        for _ in range(2):
            with pytest.raises(DatabaseTrouble) as no:
                await house.charge("alice", 1, key="k", note="k")
            assert no.value.retryable
        wire.cutting = False
        assert (await house.charge("alice", 1, key="k", note="k")).amount == 1
    assert await noted(durable) == {"k": ("charge", 1)}
