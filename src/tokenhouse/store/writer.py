"""The writer: lanes that gather waiting operations into batches, one transaction each.

While one batch commits, the next one gathers: no timer, no added wait; alone, an operation costs one small
transaction. Laws: one bad operation fails alone; a lost connection is retried, and a commit of which nobody
knows whether it happened is resolved by the operations' own ids; the queue has a limit; closing drains.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final, TypeAlias

import asyncpg

from tokenhouse.errors import Busy, DatabaseTrouble, InvalidInput, TokenhouseError
from tokenhouse.rules.counts import COMMIT_SECONDS, ROWS, Histogram
from tokenhouse.store import batch
from tokenhouse.store.batch import Answer, Ask
from tokenhouse.store.catalog import Catalog
from tokenhouse.store.memory import Memory
from tokenhouse.store.pool import trouble

log: Final = logging.getLogger("tokenhouse.writer")

BUSY_RETRY_S: Final = 1
"""How soon a caller whom a full queue turned away may come back, in seconds."""
BACKOFF_FIRST_S: Final = 0.02
BACKOFF_MOST_S: Final = 1.0
COMMIT_WAIT_S: Final = 30.0
"""How long one batch may take before its connection counts as lost."""
ABREAST_FROM_ROWS: Final = 56
"""Operations in a batch of a single lane from which on all lanes work; before, larger batches are faster."""
ABREAST_UNTIL_ROWS: Final = 16
"""Operations in a batch of one of several lanes below which a single one does the work again."""
SMOOTHING: Final = 1 / 16
"""What one batch adds to the mean size that those two are held against."""

LaneConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connect: TypeAlias = Callable[[], Awaitable[LaneConnection]]


class Lane:
    """One connection and one queue: the operations of its cells, in order of arrival."""

    def __init__(
        self,
        connect: Connect,
        catalog: Catalog,
        now: Callable[[], int],
        *,
        rows_max: int,
        queue_max: int,
        retry_s: float,
    ) -> None:
        self._connect, self._catalog, self._now = connect, catalog, now
        self._rows_max, self._queue_max, self._retry_s = rows_max, queue_max, retry_s
        self._waiting: deque[Ask] = deque()
        self._work = asyncio.Event()
        self._closing = False
        self._connection: LaneConnection | None = None
        self.memory = Memory()
        self.batches = 0
        self.operations = 0
        self.rows_mean = 0.0
        self.sizes = Histogram(ROWS)
        self.took = Histogram(COMMIT_SECONDS)
        """Seconds that batches took, with every try."""
        self.waits = Histogram(COMMIT_SECONDS)
        """Seconds that the first operation of each batch had waited for its turn."""

    @property
    def waiting(self) -> int:
        """Return how many operations wait for their turn."""
        return len(self._waiting)

    def submit(self, ask: Ask) -> None:
        """Put an operation in line. Raises: Busy when the queue is full or the writer closes.

        Nothing was taken.
        """
        if self._closing or len(self._waiting) >= self._queue_max:
            raise Busy(
                "closing" if self._closing else "busy", retry_after_s=BUSY_RETRY_S, waiting=len(self._waiting)
            )
        ask.since = perf_counter()
        self._waiting.append(ask)
        self._work.set()

    async def run(self) -> None:
        """Work until closed, then until the queue is empty."""
        try:
            while True:
                if not self._waiting:
                    if self._closing:
                        return
                    self._work.clear()
                    await self._work.wait()
                    continue
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._rows_max))]
                asks = [ask for ask in taken if not ask.answer.done()]
                if asks:
                    self.waits.add(perf_counter() - asks[0].since)
                    await self._carry_out(asks)
                    await asyncio.sleep(0)  # Who was just answered may come again: one batch for all.
        finally:
            await self._drop_connection()

    def close(self) -> None:
        """Take nothing more; `run` ends when the queue is empty."""
        self._closing = True
        self._work.set()

    async def _carry_out(self, asks: list[Ask]) -> None:
        """Answer every one of `asks`; a batch that fails is halved until the culprit stands by itself."""
        began = perf_counter()
        try:
            answers = await self._commit(asks)
        except Exception as failure:  # whatever it is, its callers must be told
            if len(asks) > 1 and not isinstance(failure, DatabaseTrouble):
                middle = len(asks) // 2
                await self._carry_out(asks[:middle])
                await self._carry_out(asks[middle:])
                return
            if not isinstance(failure, TokenhouseError):
                log.exception("operation failed alone")
            for ask in asks:
                if not ask.answer.done():
                    ask.answer.set_exception(_told(failure))
            return
        self.batches += 1
        self.operations += len(asks)
        self.sizes.add(len(asks))
        self.took.add(perf_counter() - began)
        self.rows_mean += (len(asks) - self.rows_mean) * SMOOTHING
        for ask, answer in zip(asks, answers, strict=True):
            if ask.answer.done():
                continue
            if isinstance(answer, Exception):
                ask.answer.set_exception(answer)
            else:
                ask.answer.set_result(answer)

    async def _commit(self, asks: list[Ask]) -> list[Answer | TokenhouseError]:
        """Commit one batch, trying again while the database is away, until its callers waited `retry_s`."""
        deadline, wait_s = asks[0].since + self._retry_s, BACKOFF_FIRST_S
        while True:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
                    async with asyncio.timeout(COMMIT_WAIT_S):
                        await batch.begin(self._connection)
                async with asyncio.timeout(COMMIT_WAIT_S):
                    return await batch.run(self._connection, asks, self._catalog, self._now(), self.memory)
            except Exception as failure:
                away = _away(failure)
                if away is None:
                    raise
                for ask in asks:
                    ask.retried = True
                if away.reason != "postgres_conflict":
                    await self._drop_connection()
                if perf_counter() + wait_s > deadline:
                    raise away from failure
                log.warning("database away, trying again in %.2f s: %s", wait_s, away)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, BACKOFF_MOST_S)

    async def _drop_connection(self) -> None:
        """Let the connection go, whatever state it is in, and what was remembered with it."""
        self.memory.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


class Writer:
    """The lanes of one process; an account's cell picks its lane, so no two want the same rows.

    While batches are small, one lane does all the work: two would make twice as many of half the size, and a
    batch costs more than its operations. An account that changes its lane is safe: versions guard each write.
    """

    def __init__(
        self, connect: Connect, catalog: Catalog, now: Callable[[], int], *, lanes: int, **limits: Any
    ) -> None:
        self.lanes = [Lane(connect, catalog, now, **limits) for _ in range(lanes)]
        self.abreast = 1
        self._tasks: list[asyncio.Task[None]] = []
        self.future: Callable[[], asyncio.Future[Answer]]
        """Makes what a caller awaits; the loop is looked up once, for that asks the operating system."""

    def start(self) -> None:
        """Begin to work, in the running loop."""
        self.future = asyncio.get_running_loop().create_future
        self._tasks = [asyncio.create_task(lane.run(), name="tokenhouse lane") for lane in self.lanes]

    def submit(self, ask: Ask) -> None:
        """Put an operation in its lane. Raises: Busy."""
        if len(self.lanes) > 1 and self._is_misplaced():
            self._share()
        self.lanes[ask.cell % self.abreast].submit(ask)

    def _is_misplaced(self) -> bool:
        """Whether batches have become too large for one lane, or too small for several."""
        rows_mean = self.lanes[0].rows_mean
        return rows_mean >= ABREAST_FROM_ROWS if self.abreast == 1 else rows_mean < ABREAST_UNTIL_ROWS

    def _share(self) -> None:
        """Share the accounts out anew; what one lane remembers may now be another's."""
        self.abreast = len(self.lanes) if self.abreast == 1 else 1
        for lane in self.lanes:
            lane.memory.clear()

    async def close(self) -> None:
        """Take nothing more, carry out what waits, and let the connections go."""
        for lane in self.lanes:
            lane.close()
        await asyncio.gather(*self._tasks)
        self._tasks = []


def _away(failure: BaseException) -> DatabaseTrouble | None:
    """Return the trouble that is worth another try.

    The database gone, slow, or two batches in each other's way.
    """
    if isinstance(failure, TimeoutError):
        return DatabaseTrouble("postgres_away", problem=f"no answer in {COMMIT_WAIT_S:.0f} s")
    found = failure if isinstance(failure, TokenhouseError) else trouble(failure)
    retryable = isinstance(found, DatabaseTrouble) and found.reason in (
        "postgres_away",
        "postgres_conflict",
        "postgres_too_many_connections",
        "postgres_locked",
    )
    return found if retryable and isinstance(found, DatabaseTrouble) else None


def _told(failure: Exception) -> Exception:
    """Return what a caller is told of a failure that is its own.

    A value that the database cannot hold is its input.
    """
    if isinstance(failure, TokenhouseError):
        return failure
    if isinstance(failure, asyncpg.DataError):
        problem = str(failure).partition("\n")[0]
        return InvalidInput("value_unstorable", field="operation", value="", problem=problem)
    return trouble(failure) or failure
