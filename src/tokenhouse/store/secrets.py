"""Keys of the deployment's own signatures in the database, where every node finds the same."""

from typing import Final

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_SECRET: Final = sql("write_secret")
FIND_SECRET: Final = sql("find_secret")


async def write_secret(connection: Connection, name: str, value: bytes) -> bytes:
    """Keep a new key, unless there is one; return the one that stands."""
    await connection.execute(WRITE_SECRET, name, value)
    row = await connection.fetchrow(FIND_SECRET, name)
    assert row is not None  # noqa: S101 -- just written
    kept: bytes = row["value"]
    return kept
