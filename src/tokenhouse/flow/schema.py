"""The schema of a database: where it stands, and bringing it up to date without opening the house."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tokenhouse.settings import Settings
from tokenhouse.store import migrate
from tokenhouse.store.embedded import open_embedded
from tokenhouse.store.migrate import Migration, Standing
from tokenhouse.store.pool import Connection, connect


@asynccontextmanager
async def connected(settings: Settings, *, name: str) -> AsyncIterator[Connection]:
    """Give one connection to the settings' database, or to the embedded one, which runs for as long."""
    lease = None
    dsn = settings.database_url
    if dsn is None:
        lease = await asyncio.to_thread(open_embedded, settings.folder / "postgres")
        dsn = lease.dsn
    try:
        connection = await connect(dsn, application_name=name)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        if lease is not None:
            await asyncio.to_thread(lease.close)


async def standings(settings: Settings) -> tuple[Standing, ...]:
    """Return where each migration stands, changing nothing."""
    async with connected(settings, name="tokenhouse migrate") as connection:
        return await migrate.status(connection)


async def bring_up(settings: Settings) -> tuple[tuple[Standing, ...], tuple[Migration, ...]]:
    """Apply what is pending; return where each migration stands then, and what was applied. Idempotent."""
    async with connected(settings, name="tokenhouse migrate") as connection:
        applied = await migrate.migrate(connection)
        return await migrate.status(connection), applied
