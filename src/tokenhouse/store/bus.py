"""What nodes say to each other through the database: LISTEN and NOTIFY on one channel, nothing kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

if TYPE_CHECKING:
    import asyncpg

WRITE_WORD: Final = sql("write_word")

CHANNEL: Final = "tokenhouse"
"""The one channel, of one database. Whoever else may connect there could speak on it: words are checked."""
BYTES_MAX: Final = 7_900
"""PostgreSQL takes less than 8,000 bytes at a time."""

Ear: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A connection of its own: what listens holds it for as long as it listens."""


async def write_word(connection: Connection, word: str) -> None:
    """Say a word to every node that listens."""
    await connection.execute(WRITE_WORD, CHANNEL, word)


async def listen(connection: Ear, heard: Callable[[str], None], ended: Callable[[], None]) -> None:
    """Have `heard` told every word from now on, and `ended` called once the connection is gone."""

    def word(_connection: Any, _pid: int, _channel: str, payload: Any) -> None:
        heard(payload)

    connection.add_termination_listener(lambda _connection: ended())
    await connection.add_listener(CHANNEL, word)
