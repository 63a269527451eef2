"""`tokenhouse forecast`: an account's end, and that of all together, for people and for programs."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse


def use(database: str, clock: Clock, amount: int, days: int) -> None:
    """Let alice use as much on each of these days, up to now."""

    async def work() -> None:
        async with Tokenhouse.open(database, clock=clock) as house:
            await house.account("alice")
            for _ in range(days):
                await house.charge("alice", amount)
                clock.move(days=1)

    asyncio.run(work())


@pytest.mark.row("B8", "C9")
def test_an_account_s_end_is_shown_with_a_range(cli, database, clock):
    clock.now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    use(database, clock, 4_000, 8)
    found = cli("forecast", "alice", "--json").document
    assert (found["account"], found["available"], found["per_day"]) == ("alice", 68_000, 4_000)
    assert found["exhausted_at"] == found["earliest_at"] == found["latest_at"] == "2026-11-27T12:00:00Z"
    assert not found["lasts_until_renewal"]
    shown = cli("forecast", "alice").out
    assert "2026-11-27" in shown
    assert "Lasts until then" in shown
    assert "예상 소진 시점" in cli("forecast", "alice", "--locale", "ko").out


@pytest.mark.row("C9")
def test_all_accounts_have_one_outlook(cli, database, clock):
    use(database, clock, 100, 3)
    found = cli("forecast", "--json").document
    assert (found["account"], found["per_day"], found["exhausted_at"]) == (None, 100, None)
    shown = cli("forecast").out
    assert "all accounts" in shown
    assert "not within a year" in shown


def test_an_account_that_is_not_there_is_named(cli):
    assert "nobody" in cli("forecast", "nobody", code=4).err
