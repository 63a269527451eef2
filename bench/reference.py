"""The reference: the same house, schema, rules and statements, but a transaction for every operation.

It is what one would write without the lanes: 20 connections, a row lock, a commit a call.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from tokenhouse import Tokenhouse
from tokenhouse.store import batch
from tokenhouse.store.batch import Ask
from tokenhouse.store.catalog import Catalog
from tokenhouse.store.pool import Pool, open_pool

CONNECTIONS = 20


class OneByOne:
    """A writer that gathers nothing: each operation takes a connection and a transaction for itself."""

    def __init__(self, pool: Pool, catalog: Catalog, now: Callable[[], int]) -> None:
        self._pool, self._catalog, self._now = pool, catalog, now
        self._tasks: set[asyncio.Task[None]] = set()
        self.future = asyncio.get_running_loop().create_future

    def submit(self, ask: Ask) -> None:
        """Begin an operation at once."""
        task = asyncio.create_task(self._carry_out(ask))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, ask: Ask) -> None:
        async with self._pool.acquire() as connection:
            (answer,) = await batch.run_locked(connection, [ask], self._catalog, self._now())
        if isinstance(answer, Exception):
            ask.answer.set_exception(answer)
        else:
            ask.answer.set_result(answer)


@asynccontextmanager
async def one_by_one(house: Tokenhouse, dsn: str) -> AsyncIterator[Tokenhouse]:
    """Open the second way into a house."""
    pool = await open_pool(dsn, size_max=CONNECTIONS, application_name="bench reference")
    try:
        held = [await pool.acquire() for _ in range(CONNECTIONS)]
        for connection in held:
            await batch.begin(connection)
            await pool.release(connection)
        desk = house.desk
        yield Tokenhouse(replace(desk, writer=OneByOne(pool, desk.catalog, desk.now)), None, dsn)
    finally:
        await pool.close()
