"""Rates are added many at once, once each; suspicious ones hold only when a person has said so."""

import asyncio
from datetime import UTC, datetime

import pytest

from tokenhouse import InvalidInput, NotFound, Tokenhouse
from tokenhouse.rules.usage import Usage

CHEAP = {"model": "m", "input": 1, "output": 2, "per": 1}
DEAR = {"model": "m", "input": 10**7, "output": 2, "per": 1}
LATER = {**CHEAP, "input": 5, "starts_at": "2030-01-01T00:00:00Z"}


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        yield house


async def test_the_same_prices_again_write_nothing(house):
    first = await house.add_rates([CHEAP, LATER, CHEAP], actor="me")
    assert ([rate.starts_at > 0 for rate in first.written], first.kept) == ([False, True], 1)
    again = await house.add_rates([LATER, {**CHEAP, "input": "1.00"}])
    assert (again.written, again.kept, again.held) == ((), 2, ())


async def test_a_price_that_changes_back_is_new_again(house):
    for price in (1, 3, 1):
        added = await house.add_rates([{**CHEAP, "input": price}])
        assert len(added.written) == 1
    (found,) = await house.rates("m")
    assert (found.rate.prices.input, found.listed) == (1, False)


async def test_an_earlier_start_that_is_added_later_does_not_win(house):
    await house.add_rates([{**CHEAP, "input": 3, "starts_at": "2020-01-01T00:00:00Z"}])
    await house.add_rates([CHEAP])
    (found,) = await house.rates()
    assert found.rate.prices.input == 3


async def test_only_a_list_of_bearable_length_is_taken(house):
    for documents in (CHEAP, [CHEAP] * 100_001):
        with pytest.raises(InvalidInput) as refused:
            await house.add_rates(documents)
        assert refused.value.reason == "rates_list"


async def test_own_and_listed_prices_are_layers_apart(house):
    await house.add_rates([{**CHEAP, "input": 7}], listed=True)
    assert len((await house.add_rates([{**CHEAP, "input": 7}])).written) == 1
    assert [one.listed for one in await house.rates()] == [False, True]


async def test_a_dry_run_writes_nothing(house):
    told = await house.add_rates([CHEAP, {**DEAR, "model": "n"}], dry_run=True)
    assert (len(told.written), len(told.held), told.dry_run) == (1, 1, True)
    assert await house.rates() == []
    assert await house.held_rates() == []


async def test_one_bad_price_stops_all_and_is_named_by_its_place(house):
    with pytest.raises(InvalidInput) as wrong:
        await house.add_rates([CHEAP, {"model": "x", "input": 1}])
    assert wrong.value.facts["field"] == "rate[1].output"
    assert await house.rates() == []


@pytest.mark.row("E4")
async def test_a_suspicious_price_holds_when_it_is_accepted_and_not_before(house):
    await house.add_rates([CHEAP])
    added = await house.add_rates([DEAR], actor="list")
    assert (added.written, len(added.held)) == ((), 1)
    (held,) = await house.held_rates()
    assert (held.rate.prices.input, held.actor, held.decided_at) == (10**7, "list", None)
    assert [one.listing.rate.prices.input for one in await house.rate_history("m")] == [1]
    rate = await house.decide_rate(held.id, accept=True, actor="boss")
    assert [one.listing.rate for one in await house.rate_history("m")] == [rate]
    assert await house.held_rates() == []
    with pytest.raises(InvalidInput):
        await house.decide_rate(held.id, accept=True)


async def test_a_discarded_price_is_not_asked_again(house):
    await house.add_rates([DEAR])
    (held,) = await house.held_rates()
    assert await house.decide_rate(held.id, accept=False) is None
    again = await house.add_rates([DEAR])
    assert (again.kept, again.held) == (1, ())
    assert await house.held_rates() == await house.rates() == []


async def test_what_was_never_held_cannot_be_decided(house):
    with pytest.raises(NotFound):
        await house.decide_rate(1, accept=False)


async def test_a_model_shows_its_prices_over_time(house, clock):
    await house.add_rates([CHEAP, LATER])
    history = await house.rate_history("m")
    assert [one.listing.rate.prices.input for one in history] == [1, 5]
    assert [one.rate.prices.input for one in await house.rates()] == [1]
    clock.move(days=365 * 5)
    assert datetime(2030, 1, 1, tzinfo=UTC) < clock()
    assert [one.rate.prices.input for one in await house.rates()] == [5]
    assert await house.rate_history("other") == []


async def test_other_houses_see_new_rates(database, clock):
    async with Tokenhouse.open(database, clock=clock) as one, Tokenhouse.open(database, clock=clock) as other:
        await asyncio.gather(*(house.add_rates([CHEAP, DEAR]) for house in (one, other)))
        assert await one.rates() == await other.rates()
        assert len(await one.rates()) == len(await other.held_rates()) == 1


async def test_an_amount_is_explained_by_its_tier(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan({"name": "by-rates", "rate": {"by": "rates"}})
        await house.account("alice")
        await house.amend("alice", plan="by-rates")
        await house.add_rates([{**CHEAP, "above": [{"tokens": 100, "input": 3}]}])
        short, long = [await house.explain("alice", "m", Usage(count, output=1)) for count in (100, 101)]
        assert (short.charge, short.above) == (102, 0)
        assert (long.charge, long.above) == (305, 100)
