"""What one house decides counts in the next operation of every other: terms, states, shared credit."""

from collections.abc import AsyncIterator

import pytest

from tests.faults.books import assert_sound
from tokenhouse.errors import AccountClosed, InsufficientCredit, LimitReached, ModelRefused
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock

pytestmark = pytest.mark.fault
UNIT = {"name": "point", "symbol": "P"}


@pytest.fixture
async def houses(database: str, clock: Clock) -> AsyncIterator[tuple[Tokenhouse, Tokenhouse]]:
    settings = Settings(plan="points")
    async with (
        Tokenhouse.open(database, settings=settings, clock=clock) as one,
        Tokenhouse.open(database, settings=settings, clock=clock) as other,
    ):
        yield one, other
    await assert_sound(database)


def plan(**terms: object) -> dict[str, object]:
    return {"name": "team", "unit": UNIT, "signup": {"amount": 1_000}} | terms


@pytest.mark.row("E1")
async def test_new_version_of_a_plan_counts_at_once_everywhere(houses):
    one, other = houses
    await one.write_plan(plan())
    await other.account("alice", plan="team")
    await other.charge("alice", 1, model="large")
    await one.write_plan(plan(models={"allow": ["small*"]}))
    with pytest.raises(ModelRefused):
        await other.charge("alice", 1, model="large")
    await other.charge("alice", 1, model="small-2")
    await one.write_plan(plan(limit=[{"what": "requests", "amount": 0, "every": "day"}]))
    with pytest.raises(LimitReached):
        await other.reserve("alice", 1)


async def test_account_opens_under_the_newest_version_of_its_plan(houses):
    one, other = houses
    await one.write_plan(plan())
    await other.plans()
    await one.write_plan(plan(signup={"amount": 5_000}))
    await other.account("alice", plan="team")
    assert (await other.balance("alice")).available == 5_000


async def test_plan_that_another_process_wrote_can_be_given(houses):
    one, other = houses
    await other.account("alice")
    await one.write_plan(plan())
    assert (await other.amend("alice", plan="team")).plan == "team"


@pytest.mark.row("E4")
async def test_new_rate_prices_the_next_call_everywhere(houses):
    one, other = houses
    await one.write_plan(plan(rate={"by": "rates"}))
    await one.write_rate({"model": "m", "input": 1, "output": 1, "per": 1})
    await other.account("alice", plan="team")
    assert (await other.charge("alice", usage=Usage(input=10), model="m")).amount == 10
    await one.write_rate({"model": "m", "input": 3, "output": 1, "per": 1})
    assert (await other.charge("alice", usage=Usage(input=10), model="m")).amount == 30


async def test_suspended_account_is_refused_at_once_everywhere(houses):
    one, other = houses
    await one.account("company", kind="company")
    await one.account("alice", parent="company")
    await other.reserve("alice", 1)
    await one.amend("company", state="suspended")
    for ref in ("alice", "company"):
        with pytest.raises(AccountClosed) as no:
            await other.reserve(ref, 1)
        assert no.value.facts["account"] == "company"
    await other.amend("company", state="active")
    await one.reserve("alice", 1)


@pytest.mark.row("E3", "E8")
@pytest.mark.parametrize("caller", ["bora", "company", "newcomer"])
async def test_what_lapsed_below_a_company_refuses_nobody(houses, clock: Clock, caller: str):
    """A call of alice's died and nobody has touched her account since: her hold is over all the same."""
    one, other = houses
    await one.account("company", kind="company")
    for ref in ("alice", "bora"):
        await one.account(ref, parent="company")
    await one.reserve("alice", 100_000)
    with pytest.raises(InsufficientCredit):
        await other.reserve("bora", 100_000)
    clock.move(minutes=16)
    if caller == "newcomer":
        await other.account("newcomer", parent="company")
    assert (await other.reserve(caller, 100_000)).held == 100_000
    assert (await one.balance("company")).held == 100_000


@pytest.mark.row("E3", "E8")
async def test_what_the_company_itself_let_lapse_refuses_none_of_its_users(houses, clock: Clock):
    one, other = houses
    await one.account("company", kind="company")
    await one.account("alice", parent="company")
    await one.reserve("company", 100_000)
    clock.move(minutes=16)
    assert (await other.charge("alice", 100_000)).amount == 100_000


@pytest.mark.row("E3", "E8")
async def test_what_lapsed_gives_back_its_share_of_a_limit(houses, clock: Clock):
    one, other = houses
    await one.write_plan(plan(limit=[{"what": "credit", "amount": 100, "every": "day"}]))
    await one.account("company", kind="company", plan="team")
    for ref in ("alice", "bora"):
        await one.account(ref, parent="company")
    await one.reserve("alice", 100)
    clock.move(minutes=16)
    assert (await other.reserve("bora", 100)).held == 100
