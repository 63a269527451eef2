"""Reservations as their callers see them: when the credit comes back, and what cannot be asked for."""

from datetime import timedelta

import pytest

from tokenhouse import InvalidInput, Tokenhouse


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan(
            {"name": "short", "signup": {"amount": 100}, "reserve": {"lapse_after": "10m"}}
        )
        await house.account("a", plan="short")
        yield house


@pytest.mark.row("E3")
async def test_a_reservation_says_when_its_credit_comes_back(house, clock):
    reservation = await house.reserve("a", 60, key="once")
    assert reservation.lapses_at == clock() + timedelta(minutes=10)
    clock.move(minutes=10, microseconds=-1)
    assert (await house.balance("a")).available == 40
    clock.move(microseconds=1)
    assert (await house.balance("a")).available == 100


async def test_one_that_has_ended_lapses_no_more(house):
    reservation = await house.reserve("a", 60, key="once")
    await house.release("a", reservation.id)
    again = await house.reserve("a", 60, key="once")
    assert (again.id, again.replayed, again.lapses_at) == (reservation.id, True, None)


async def test_the_least_is_no_more_than_what_is_asked_for(house):
    with pytest.raises(InvalidInput) as no:
        await house.reserve("a", 10, least=11)
    assert (no.value.reason, no.value.facts["field"]) == ("least_above_amount", "least")
    assert (await house.reserve("a", 110, least=100)).held == 100
