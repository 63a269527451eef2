"""What a lane remembers speeds it up and decides nothing: another process's writes are always seen."""

import asyncio
from typing import Any

import pytest

from tokenhouse import AccountClosed, InsufficientCredit, Tokenhouse
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings
from tokenhouse.store.memory import ACCOUNTS_MAX, PAUSE_MOST, Memory

PLAN = {"name": "small", "signup": {"amount": 100}}
ONE_LANE = Settings(lanes=1)


def balance(account: int) -> Balance:
    return Balance(account=account, plan="small", opened_at=0)


def test_it_forgets_what_was_longest_unused_and_never_grows_past_its_bound():
    memory = Memory()
    for account in range(1, ACCOUNTS_MAX * 3):
        memory.keep(account, balance(account))
        memory.keep(1, balance(1))
    assert memory.find(1) is not None
    assert memory.find(2) is None
    known = [account for account in range(ACCOUNTS_MAX * 3) if memory.find(account)]
    assert ACCOUNTS_MAX // 2 <= len(known) <= ACCOUNTS_MAX


def test_conflicts_make_it_rest_for_longer_each_time_and_quiet_makes_it_try_again():
    memory = Memory()
    rests = []
    for _ in range(12):
        memory.keep(1, balance(1))
        memory.conflict()
        assert memory.find(1) is None
        rests.append(sum(iter(memory.rests, False)))
    assert rests[:4] == [1, 2, 4, 8]
    assert rests[-1] == PAUSE_MOST
    for _ in range(12):
        memory.held()
    memory.conflict()
    assert sum(iter(memory.rests, False)) == 1


@pytest.fixture
async def two(database: str, clock: Any):
    """Yield two houses over one database, as two processes have them."""
    async with (
        Tokenhouse.open(database, settings=ONE_LANE, clock=clock) as one,
        Tokenhouse.open(database, settings=ONE_LANE, clock=clock) as other,
    ):
        await one.write_plan(PLAN)
        await one.account("a", plan="small")
        yield one, other


@pytest.mark.row("E3")
async def test_credit_that_another_process_gave_is_never_refused(two):
    one, other = two
    reservation = await one.reserve("a", 100)
    await other.grant("a", 50)
    with pytest.raises(InsufficientCredit):
        await one.reserve("a", 51)
    assert (await one.reserve("a", 50)).held == 50
    await one.settle("a", reservation.id, 100)
    assert (await one.verify()).findings == ()


@pytest.mark.row("E1")
async def test_credit_that_another_process_took_is_never_given_twice(two):
    one, other = two
    for house in (one, other) * 20:
        await house.settle("a", (await house.reserve("a", 1)).id, 1)
    asked = [house.reserve("a", 10) for house in two for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(not isinstance(answer, Exception) for answer in answers) == 6
    assert (await one.verify()).findings == ()


async def test_a_state_a_plan_and_a_rate_of_another_process_count_from_the_next_operation(two):
    one, other = two
    await one.settle("a", (await one.reserve("a", 1)).id, 1)
    await other.write_plan({**PLAN, "limit": [{"what": "tokens", "amount": 5, "every": "day"}]})
    with pytest.raises(Exception, match="tokens/day"):
        await one.reserve("a", 6, tokens=6)
    await other.amend("a", state="suspended")
    with pytest.raises(AccountClosed):
        await one.reserve("a", 1)
    await other.amend("a", state="active")
    await one.charge("a", 1, usage=Usage(input=1))
    assert (await one.verify()).findings == ()
