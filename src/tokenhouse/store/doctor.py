"""What a server says about itself, and how long it takes to write something there for good."""

from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Final

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

FIND_SERVER: Final = sql("find_server")
FIND_VERSION: Final = sql("find_version")
LIST_PARTITIONS: Final = sql("list_partitions")
FIND_DEFAULT_USED: Final = sql("find_default_used")
WRITE_PROBE: Final = sql("write_probe")
FIND_PROBE: Final = sql("find_probe")
WRITE_WAL_MARK: Final = sql("write_wal_mark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A PostgreSQL as it describes itself."""

    version: str
    now: datetime
    fsync: str
    synchronous_commit: str
    full_page_writes: str
    connections_max: int
    connections: int
    bytes: int


async def find_server(connection: Connection) -> Server:
    """Return what the server says about itself."""
    row = await connection.fetchrow(FIND_SERVER)
    assert row is not None  # noqa: S101 -- one row, always
    return Server(**row)


async def find_version(connection: Connection) -> str:
    """Return the version of the server, which thereby shows that it answers."""
    return str(await connection.fetchval(FIND_VERSION))


async def list_partitions(connection: Connection) -> list[str]:
    """Return the names of the journal's partitions."""
    return [row["name"] for row in await connection.fetch(LIST_PARTITIONS)]


async def find_default_used(connection: Connection) -> bool:
    """Tell whether entries lie in the default partition."""
    return bool(await connection.fetchval(FIND_DEFAULT_USED))


async def write_probe(connection: Connection, key: str) -> float:
    """Write a row, read it back, roll back; return the seconds. Nothing stays."""
    start = perf_counter()
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(WRITE_PROBE, key)
        found = await connection.fetchval(FIND_PROBE, key)
    finally:
        await transaction.rollback()
    assert found == key  # noqa: S101 -- what was written a moment ago in this transaction
    return perf_counter() - start


async def write_wal_mark(connection: Connection) -> float:
    """Commit a transaction that changes no table but must reach the disk; return the seconds."""
    start = perf_counter()
    await connection.execute(WRITE_WAL_MARK)
    return perf_counter() - start
