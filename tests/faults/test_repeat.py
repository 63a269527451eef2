"""Everything twice: each write repeated, at once, from two houses, with another payload; late; too large."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.faults.books import assert_sound
from tokenhouse.errors import KeyReused, TokenhouseError
from tokenhouse.flow.fund import Price
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock

pytestmark = [pytest.mark.fault, pytest.mark.row("E2")]

Write = Callable[[Tokenhouse, dict[str, str], int], Awaitable[Any]]
"""Writes to the account of `alice` with what `prepared` returned and a figure, which is the payload."""

WRITES: dict[str, Write] = {
    "reserve": lambda house, _, n: house.reserve("alice", n, key="k"),
    "settle": lambda house, ids, n: house.settle("alice", ids["reservation"], n),
    "charge": lambda house, _, n: house.charge("alice", n, key="k"),
    "grant": lambda house, _, n: house.grant("alice", n, key="k"),
    "claw_back": lambda house, ids, n: house.claw_back("alice", ids["grant"], n, key="k"),
    "refund": lambda house, ids, n: house.refund("alice", ids["charge"], n, key="k"),
    "adjust": lambda house, _, n: house.adjust("alice", -n, key="k"),
    "amend": lambda house, _, n: house.amend("alice", state="suspended", key="k", note=f"{n}"),
    "release": lambda house, ids, _: house.release("alice", ids["reservation"]),
    "complete_order": lambda house, ids, _: house.complete_order("alice", ids["order"]),
    "refund_order": lambda house, ids, _: house.refund_order("alice", ids["completed"]),
}
WITHOUT_PAYLOAD = {"release", "complete_order", "refund_order"}


@pytest.fixture
async def houses(database: str, clock: Clock) -> AsyncIterator[tuple[Tokenhouse, Tokenhouse]]:
    """Two houses over one database: what one process is to another."""
    settings = Settings(plan="points")
    async with (
        Tokenhouse.open(database, settings=settings, clock=clock) as one,
        Tokenhouse.open(database, settings=settings, clock=clock) as other,
    ):
        yield one, other
    await assert_sound(database)


async def prepared(house: Tokenhouse) -> dict[str, str]:
    """Open an account on which every write has something to do, and return what they need to name."""
    await house.account("alice")
    order, completed = await house.order("alice", 300), await house.order("alice", 400)
    await house.complete_order("alice", completed.id)
    return {
        "reservation": (await house.reserve("alice", 500)).id,
        "grant": (await house.grant("alice", 1_000)).id,
        "charge": (await house.charge("alice", 1_000)).id,
        "order": order.id,
        "completed": completed.id,
    }


def told(answer: object) -> object:
    """Return what a caller sees of an answer, without whether it is a repeat."""
    if isinstance(answer, TokenhouseError):
        return answer.code
    return {
        name: getattr(answer, name) for name in ("id", "amount", "held", "state") if hasattr(answer, name)
    }


@pytest.mark.parametrize("verb", WRITES)
async def test_repeated_write_gets_the_first_answer_and_changes_nothing(houses, verb: str):
    one, other = houses
    ids, write = await prepared(one), WRITES[verb]
    first = await write(one, ids, 100)
    after = await one.history("alice", rows_max=50)
    for house in (one, other, one):
        again = await write(house, ids, 100)
        assert told(again) == told(first)
        assert getattr(again, "replayed", True)
    assert await one.history("alice", rows_max=50) == after


@pytest.mark.parametrize("verb", sorted(WRITES.keys() - WITHOUT_PAYLOAD))
async def test_repeat_with_another_payload_is_refused_and_changes_nothing(houses, verb: str):
    one, other = houses
    ids, write = await prepared(one), WRITES[verb]
    await write(one, ids, 100)
    before = await one.balance("alice")
    for house in houses:
        with pytest.raises(KeyReused):
            await write(house, ids, 101)
    assert await other.balance("alice") == before


@pytest.mark.parametrize("verb", WRITES)
async def test_write_that_comes_many_times_at_once_happens_once(houses, verb: str):
    ids, write = await prepared(houses[0]), WRITES[verb]
    before = len(await houses[0].history("alice", rows_max=100))
    answers = await asyncio.gather(*(write(houses[n % 2], ids, 100) for n in range(24)))
    assert all(told(answer) == told(answers[0]) for answer in answers)
    assert len(await houses[0].history("alice", rows_max=100)) == before + (verb != "reserve")
    if hasattr(answers[0], "replayed"):
        assert sum(not answer.replayed for answer in answers) == 1


@pytest.mark.parametrize("verb", sorted(WRITES.keys() - WITHOUT_PAYLOAD))
async def test_of_different_payloads_at_once_one_stands(houses, verb: str):
    ids, write = await prepared(houses[0]), WRITES[verb]
    answers = await asyncio.gather(
        *(write(houses[n % 2], ids, 100 + n % 4) for n in range(24)), return_exceptions=True
    )
    stand = [answer for answer in answers if not isinstance(answer, KeyReused)]
    assert len(stand) == 6
    assert all(told(answer) == told(stand[0]) for answer in stand)


async def test_payment_that_is_announced_twice_opens_one_order(houses):
    await houses[0].account("alice")
    price = Price(minor=9_900, currency="KRW", method="card", transaction_id="t-1")
    opened = await asyncio.gather(*(houses[n % 2].order("alice", 500, price=price) for n in range(10)))
    assert {order.id for order in opened} == {opened[0].id}
    assert len(await houses[0].orders("alice")) == 1


async def test_settle_larger_than_its_reservation_is_charged_in_full(houses):
    house = houses[0]
    await house.account("alice")
    reservation = await house.reserve("alice", 100_000)
    assert (await house.settle("alice", reservation.id, 130_000)).uncovered == 30_000
    balance = await house.balance("alice")
    assert (balance.available, balance.debt, balance.held) == (-30_000, 30_000, 0)


@pytest.mark.parametrize("swept", [True, False])
async def test_settle_after_its_lapse_is_charged_and_says_so(houses, clock: Clock, swept: bool):
    one, other = houses
    await one.account("alice")
    reservation = await one.reserve("alice", 1_000)
    clock.move(days=1)
    if swept:
        await other.sweep()
    receipts = await asyncio.gather(*(houses[n % 2].settle("alice", reservation.id, 1_200) for n in range(6)))
    assert {receipt.late for receipt in receipts} == {"lapsed"}
    assert [receipt.amount for receipt in receipts] == [1_200] * 6
    assert (await other.balance("alice")).remaining == 98_800


@pytest.mark.parametrize("swept", [True, False])
async def test_release_after_its_lapse_is_harmless(houses, clock: Clock, swept: bool):
    await houses[0].account("alice")
    reservation = await houses[0].reserve("alice", 1_000)
    clock.move(days=1)
    if swept:
        await houses[1].sweep()
    for house in houses:
        await house.release("alice", reservation.id)
    assert (await houses[1].balance("alice")).available == 100_000


async def test_reserve_repeated_after_its_lapse_finds_the_first(houses, clock: Clock):
    one, other = houses
    await one.account("alice")
    first = await one.reserve("alice", 1_000, key="k")
    clock.move(days=1)
    again = await other.reserve("alice", 1_000, key="k")
    assert (again.id, again.held, again.replayed) == (first.id, 1_000, True)
    assert (await one.balance("alice")).held == 0
