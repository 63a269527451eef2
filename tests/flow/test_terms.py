"""Terms: a deployment starts with a plan that is there, and every process goes by the newest."""

import pytest

from tests.conftest import Clock
from tokenhouse import StartRefused, Tokenhouse
from tokenhouse.settings import Settings


async def test_a_deployment_does_not_start_with_a_plan_that_is_not_there(database: str, clock: Clock):
    with pytest.raises(StartRefused) as no:
        async with Tokenhouse.open(database, settings=Settings(plan="gold"), clock=clock):
            pass
    message = no.value.message()
    assert "gold" in message
    assert "chat-tokens" in message
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.write_plan({"name": "gold", "signup": {"amount": 5}})
    async with Tokenhouse.open(database, settings=Settings(plan="gold"), clock=clock) as house:
        await house.account("a")
        assert (await house.balance("a")).remaining == 5


@pytest.mark.row("E13")
async def test_a_balance_is_read_by_the_newest_plan_whoever_wrote_it(database: str, clock: Clock):
    async with (
        Tokenhouse.open(database, clock=clock) as house,
        Tokenhouse.open(database, clock=clock) as other,
    ):
        prepaid = {"name": "prepaid", "signup": {"amount": 100}}
        await house.write_plan(prepaid)
        await house.account("a", plan="prepaid")
        await house.charge("a", 50)
        assert (await house.balance("a")).level == "normal"
        await other.write_plan({**prepaid, "stop": {"buy": 0.3, "warn": 0.5}})
        assert (await house.balance("a")).level == "warning"
