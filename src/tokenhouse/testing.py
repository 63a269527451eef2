"""Testing: for the tests of whoever uses tokenhouse: a throw-away house, and a clock that they move.

    from datetime import UTC, datetime

    from tokenhouse import testing

    async def test_a_month_renews():
        clock = testing.Clock(datetime(2026, 1, 31, 23, tzinfo=UTC))
        async with testing.throwaway_house(clock=clock) as house:
            await house.account("alice")
            await house.charge("alice", 70_000)
            clock.move(hours=2)
            assert (await house.balance("alice")).remaining == 100_000

Everything is real: the house, its PostgreSQL, its constraints. It takes about a second to open, so open one a
session (with pytest-asyncio: a fixture with `scope="session", loop_scope="session"`) and give each test
accounts of its own.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from tokenhouse.house import Clock as HouseClock
from tokenhouse.house import Tokenhouse, system_clock
from tokenhouse.settings import Settings
from tokenhouse.store.embedded import open_embedded

__all__ = ["Clock", "throwaway_house"]


class Clock:
    """A clock that stands until it is moved; call it for the time."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time at which it stands."""
        return self.now

    def move(self, **by: float) -> datetime:
        """Move by what `timedelta` takes (`minutes=15`, `days=-1`) and return the new time."""
        self.now += timedelta(**by)
        return self.now


@asynccontextmanager
async def throwaway_house(
    *, settings: Settings | None = None, clock: HouseClock = system_clock
) -> AsyncIterator[Tokenhouse]:
    """Open a house over a PostgreSQL of its own; at the end nothing is left of either.

    Its data lie in a temporary folder and nothing is flushed to disk, which makes it faster, not different.

    Args:
        settings: as for `Tokenhouse.open`; the surroundings are not read, `home` and `database_url` are ours.
        clock: the house's clock, such as a `Clock`.
    """
    with tempfile.TemporaryDirectory(prefix="tokenhouse-", ignore_cleanup_errors=True) as home:
        lease = await asyncio.to_thread(open_embedded, Path(home) / "postgres", throwaway=True)
        try:
            chosen = msgspec.structs.replace(settings or Settings(), home=Path(home), database_url=lease.dsn)
            async with Tokenhouse.open(settings=chosen, clock=clock) as house:
                yield house
        finally:
            await asyncio.to_thread(lease.close, wait=True)
