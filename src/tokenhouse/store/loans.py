"""Loans: connections that are lent out, and the end of those whose database answers nobody any more.

A statement may take minutes, so that time alone says nothing about it. When one is out for long, the database
is asked something that it answers at once, over a connection of its own. One that says nothing is as good as
away, though its connections stand: whoever waits for it is told so, and is not left waiting for ever.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Lent = PoolConnectionProxy[asyncpg.Record]
    Lines = asyncpg.Pool[asyncpg.Record]

log: Final = logging.getLogger("tokenhouse.database")

FREE_WITHIN_S: Final = 30.0
"""How long one may wait for a connection that others have, or that is to be opened."""
LONG_S: Final = 10.0
"""How long a connection is out before the database is asked, and between two times that it is."""
LOOK_EVERY_S: Final = 2.5
ANSWER_WITHIN_S: Final = 8.0
"""How long the database may take to open a connection and answer: more than a busy one needs."""


class Loans:
    """The connections of a pool that are lent. `ask` opens one more, has it answer, and lets it go."""

    def __init__(self, ask: Callable[[], Awaitable[object]]) -> None:
        self._ask = ask
        self._lent: dict[Lent, float] = {}
        self._look_at: asyncio.TimerHandle | None = None
        self._all_back = asyncio.Event()
        self._all_back.set()
        self._asked_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    def begin(self, connection: "Lent") -> None:
        """Keep an eye on a connection."""
        loop = asyncio.get_running_loop()
        self._lent[connection] = loop.time()
        self._all_back.clear()
        if self._look_at is None:
            self._look_at = loop.call_later(LOOK_EVERY_S, self._look)

    def end(self, connection: "Lent") -> None:
        """Let a connection out of sight."""
        self._lent.pop(connection, None)
        if not self._lent:
            self._all_back.set()

    async def all_back(self) -> None:
        """Return when none is out."""
        await self._all_back.wait()

    def close(self) -> None:
        """Look no more."""
        if self._look_at is not None:
            self._look_at.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _look(self) -> None:
        """Ask the database if a connection has been out for long; look again while any is out."""
        loop = asyncio.get_running_loop()
        self._look_at = loop.call_later(LOOK_EVERY_S, self._look) if self._lent else None
        late = self._out_since(loop.time() - LONG_S)
        if late and loop.time() - self._asked_at > LONG_S and (self._asking is None or self._asking.done()):
            self._asked_at = loop.time()
            self._asking = asyncio.create_task(self._end_unless_answered(late), name="tokenhouse loans")

    def _out_since(self, at: float) -> "list[Lent]":
        """Return the connections that were out at a time."""
        return [connection for connection, since in self._lent.items() if since <= at]

    async def _end_unless_answered(self, late: "list[Lent]") -> None:
        """End connections that are still out if the database says nothing; an error is an answer."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._ask()
        except OSError as silence:
            ended = [connection for connection in late if connection in self._lent]
            why = str(silence) or f"no answer in {ANSWER_WITHIN_S:.0f} s"
            log.warning("database says nothing (%s): %d calls of it are ended", why, len(ended))
            for connection in ended:
                connection.terminate()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            log.debug("database answered with an error, and so is there", exc_info=True)


class Loan:
    """A block that has a connection. Raises: TimeoutError if none is free in time."""

    __slots__ = ("_connection", "_lines", "_loans")

    def __init__(self, lines: "Lines", loans: Loans) -> None:
        self._lines, self._loans = lines, loans

    async def __aenter__(self) -> "Lent":
        wait = asyncio.timeout(FREE_WITHIN_S)
        try:
            async with wait:
                self._connection = await self._lines.acquire()
        except TimeoutError:
            why = f"no connection was free in {FREE_WITHIN_S:.0f} s" if wait.expired() else "no answer"
            raise TimeoutError(why) from None
        self._loans.begin(self._connection)
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loans.end(self._connection)
        await self._lines.release(self._connection, timeout=FREE_WITHIN_S)
