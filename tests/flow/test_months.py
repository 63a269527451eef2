"""The month is that of a stated time zone, and a new one comes by itself, whoever looks first."""

from datetime import UTC, datetime

import pytest

from tokenhouse import InsufficientCredit, Settings, Tokenhouse


@pytest.mark.row("B1", "B7", "C8")
@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("UTC", datetime(2026, 12, 1, tzinfo=UTC)),
        ("Asia/Seoul", datetime(2026, 11, 30, 15, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 12, 1, 5, tzinfo=UTC)),
    ],
)
async def test_the_month_ends_at_midnight_of_its_zone(database, clock, zone, midnight):
    settings = Settings(plan="quota", time_zone=zone)
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.account("alice")
        await house.charge("alice", 10_000)
        clock.now = midnight.replace(microsecond=0)
        clock.move(microseconds=-1)
        with pytest.raises(InsufficientCredit) as caught:
            await house.reserve("alice", 1)
        assert caught.value.facts["resets_at"] == midnight
        assert (await house.balance("alice")).level == "blocked"
        clock.now = midnight
        balance = await house.balance("alice")
        assert (balance.used, balance.available, balance.level) == (0, 10_000, "normal")
        assert (await house.reserve("alice", 1)).held == 1


@pytest.mark.row("B7")
async def test_an_account_s_own_zone_goes_before_the_deployment_s(database, clock):
    settings = Settings(plan="quota", time_zone="UTC")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.account("seoul", time_zone="Asia/Seoul")
        await house.account("here")
        ends = [(await house.balance(ref)).period_end_at for ref in ("seoul", "here")]
        assert ends == [datetime(2026, 11, 30, 15, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)]


@pytest.mark.row("B1", "E5")
async def test_bought_credit_goes_first_and_outlives_the_month(database, clock):
    async with Tokenhouse.open(database, settings=Settings(plan="chat-tokens"), clock=clock) as house:
        await house.account("alice")
        await house.grant("alice", 30_000, source="purchase")
        await house.charge("alice", 20_000)
        assert {lot.source: lot.left for lot in (await house.balance("alice")).lots} == {
            "allowance": 100_000,
            "purchase": 10_000,
        }
        clock.move(days=365 * 3)
        balance = await house.balance("alice")
        assert {lot.source: lot.left for lot in balance.lots} == {"allowance": 100_000, "purchase": 10_000}
        assert (balance.used, balance.available) == (0, 110_000)
