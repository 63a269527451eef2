"""The house that figures are taken in: a durable embedded server in a folder of its own, and accounts."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.frame import Findings
from tokenhouse import Tokenhouse
from tokenhouse.edges.listening import settle_memory
from tokenhouse.rules.account import opened
from tokenhouse.settings import Settings
from tokenhouse.store import accounts
from tokenhouse.store.accounts import Address, Profile
from tokenhouse.store.embedded import open_embedded

PLAN = {
    "name": "bench",
    "unit": {"name": "token", "symbol": "", "decimals": 0},
    "allowance": [{"amount": 1_000_000_000_000, "every": "month"}],
    "limit": [{"what": "requests", "amount": 1_000_000_000, "every": "minute"}],
}
"""Enough for any bench; it renews, and it counts in a window, as plans do."""
STATED = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "wal_level")


@dataclass(frozen=True, slots=True)
class Place:
    """A running server: its address, and the settings of houses over it."""

    dsn: str
    settings: Settings

    @asynccontextmanager
    async def house(self, dsn: str | None = None) -> AsyncIterator[Tokenhouse]:
        """Open a house on a database of this server, with the bench's plan."""
        async with Tokenhouse.open(dsn or self.dsn, settings=self.settings) as house:
            await house.write_plan(PLAN)
            yield house


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """Start a server that keeps what it commits, in a temporary folder; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tokenhouse-bench-") as folder:
        lease = open_embedded(Path(folder) / "postgres")
        try:
            yield Place(lease.dsn, Settings(home=Path(folder), plan="chat-tokens"))
        finally:
            lease.close(wait=True)


async def seed(house: Tokenhouse, count: int) -> list[str]:
    """Open `count` accounts and return their names; this process knows where each of them is."""
    desk, plan = house.desk, house.desk.catalog.plan("bench")
    names = [f"u{number}" for number in range(count)]
    async with desk.pool.acquire() as connection:
        for first in range(0, count, 5_000):
            profiles = [Profile(ref=name, plan="bench") for name in names[first : first + 5_000]]
            now = desk.now()
            async with connection.transaction():
                made = await accounts.write_profiles(connection, profiles, now)
                fresh = [(one.cell, *opened(one.account, plan, now)) for one in made]
                await accounts.write_opened(connection, fresh, now)
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    await know(house)
    settle_memory()
    return names


async def know(house: Tokenhouse) -> None:
    """Fill this process's memory of addresses, as it would be after a while."""
    async with house.desk.pool.acquire() as connection:
        for row in await connection.fetch("select ref, cell, path from tokenhouse.directory"):
            house.desk.remember(Address(row["ref"], row["cell"], tuple(row["path"])))


async def state_settings(house: Tokenhouse, found: Findings) -> None:
    """Say what the server and the house are set to."""
    async with house.desk.pool.acquire() as connection:
        for name in STATED:
            found.surroundings[name] = await connection.fetchval(f"show {name}")
    settings = house.desk.settings
    found.surroundings |= {"lanes": str(settings.lanes), "batch": str(settings.batch_rows_max)}
