"""Connections to PostgreSQL: one way to open them, and one place where its troubles become ours."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg

from tokenhouse.errors import DatabaseTrouble, StartRefused, TokenhouseError
from tokenhouse.store.loans import Loan, Loans

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

VERSION_MIN = 15
"""The oldest PostgreSQL that we are tested on; it brought MERGE and `nulls not distinct`."""

CONNECT_WAIT_S = 10.0
CLOSE_WAIT_S = 5.0
"""How long connections may take to say goodbye; nothing is under way on them by then."""
STATEMENTS_KEPT = 512
"""Prepared statements that a connection keeps: more than we have, so that each is planned once."""

_REASONS = {
    "25006": "postgres_read_only",
    "26000": "postgres_behind_pooler",
    "42P05": "postgres_behind_pooler",
    "28000": "postgres_login_refused",
    "28P01": "postgres_login_refused",
    "3D000": "postgres_no_database",
    "40001": "postgres_conflict",
    "40P01": "postgres_conflict",
    "42501": "postgres_not_allowed",
    "53100": "postgres_disk_full",
    "53200": "postgres_out_of_memory",
    "53300": "postgres_too_many_connections",
    "55P03": "postgres_locked",
    "57014": "postgres_too_slow",
    # The server ended the session or is not ready to begin one.
    "57P01": "postgres_away",
    "57P02": "postgres_away",
    "57P03": "postgres_away",
    "57P05": "postgres_away",
    "25P03": "postgres_away",
}
"""SQLSTATE (PostgreSQL, appendix A) -> sentence. Class 08 is `postgres_away`; the rest is our fault."""


def trouble(caught: BaseException, where: str = "") -> TokenhouseError | None:
    """Return the trouble that an exception of the driver means, or None if it is a fault of ours.

    `reason` tells the cases apart; `postgres_away` alone means that the connection is gone and a commit under
    way may or may not have happened.
    """
    problem = f"{caught}".strip().partition("\n")[0] or type(caught).__name__
    problem = f"{problem} ({where})" if where else problem
    if isinstance(caught, asyncpg.PostgresError):
        state = caught.sqlstate or ""
        reason = "postgres_away" if state.startswith("08") else _REASONS.get(state)
        return DatabaseTrouble(reason, problem=problem) if reason else None
    if isinstance(caught, asyncpg.ClientConfigurationError):
        return StartRefused("postgres_url_invalid", problem=problem)
    if isinstance(caught, asyncpg.InterfaceError):
        # The driver has no class of its own for a call on a connection that broke a moment before.
        gone = "closed" in problem or "closing" in problem
        return DatabaseTrouble("postgres_away", problem=problem) if gone else None
    if isinstance(caught, OSError | asyncpg.InternalClientError):
        # The second: the server's farewell came between two calls, and the driver still waits for its end.
        return DatabaseTrouble("postgres_away", problem=problem)
    return None


@dataclass(slots=True)
class _Together:
    """What a task writes in one transaction: over which connection, and what is told when it is done."""

    pool: Pool
    task: asyncio.Task[Any] | None
    connection: Connection
    afterwards: list[Callable[[], Awaitable[object]]] = field(default_factory=list)


_together: ContextVar[_Together | None] = ContextVar("together", default=None)


class Pool:
    """A few connections that are borrowed; by a task that writes `together` always the same one."""

    def __init__(self, lines: asyncpg.Pool[asyncpg.Record], loans: Loans) -> None:
        self._lines, self._loans = lines, loans
        self.get_size, self.get_idle_size = lines.get_size, lines.get_idle_size

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Borrow a connection for a block; a database that answers nobody ends it.

        Keep the block to calls of the database: an `OSError` of anything else would be taken for its absence.
        Raises: DatabaseTrouble, also where no connection is free in time.
        """
        joined = self._joined()
        with trouble_translated():
            if joined is not None:
                yield joined.connection
            else:
                async with Loan(self._lines, self._loans) as connection:
                    yield connection

    async def close(self) -> None:
        """Let all connections go when they have come back; those that cannot say goodbye are cut."""
        await self._loans.all_back()
        try:
            async with asyncio.timeout(CLOSE_WAIT_S):
                await self._lines.close()
        except TimeoutError:
            self._lines.terminate()
        finally:
            self._loans.close()

    def terminate(self) -> None:
        """Cut all connections."""
        self._lines.terminate()
        self._loans.close()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Have all that this task writes within written in one transaction: at once, or not at all.

        Tasks that it starts write for themselves. Within, nothing may wait for what another connection writes
        of the same rows: no operation on the ledger, no provider. Raises: DatabaseTrouble.
        """
        with trouble_translated():
            async with Loan(self._lines, self._loans) as connection:
                joined = _Together(self, asyncio.current_task(), connection)
                before = _together.set(joined)
                try:
                    async with connection.transaction():
                        yield
                finally:
                    _together.reset(before)
        for told in joined.afterwards:
            await told()

    def afterwards(self, told: Callable[[], Awaitable[object]]) -> bool:
        """Have something done when what is written together is there; False where nothing is."""
        joined = self._joined()
        if joined is not None:
            joined.afterwards.append(told)
        return joined is not None

    def _joined(self) -> _Together | None:
        """Return what the current task writes together, if it does."""
        joined = _together.get()
        if joined is None or joined.pool is not self or joined.task is not asyncio.current_task():
            return None
        return joined


@contextmanager
def trouble_translated(where: str = "") -> Iterator[None]:
    """Raise `DatabaseTrouble` (or `StartRefused`, for a wrong address) instead of what the driver raises.

    What is no trouble of the world, such as a constraint that says no, passes as it is: that is a broken law.
    Keep the body to calls of the database: an `OSError` from anything else would be taken for its absence.
    """
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as caught:
        translated = trouble(caught, where)
        if translated is None:
            raise
        raise translated from caught


def address(dsn: str) -> str:
    """Return host, port and database of a DSN, for messages: never its password."""
    try:
        parts = urlsplit(dsn)
        asked = parse_qs(parts.query)
        host = asked.get("host", [parts.netloc.rpartition("@")[2]])[0] or "localhost"
        return f"{host}{parts.path}"
    except ValueError:
        return "the given address"


async def connect(dsn: str, *, application_name: str = "tokenhouse") -> asyncpg.Connection[asyncpg.Record]:
    """Open one connection that is not of a pool: the lanes of the writer and migrations hold theirs.

    Args:
        dsn: any `postgresql://` URL of libpq's: TCP or unix socket, `sslmode` and certificates included.
            PgBouncer in transaction mode must be 1.21 or newer, with `max_prepared_statements` above zero.
        application_name: what `pg_stat_activity` shows.

    Raises:
        StartRefused: the address cannot be understood, or the server is older than `VERSION_MIN`.
        DatabaseTrouble: the server cannot be reached or refuses us.
    """
    _refuse_other_addresses(dsn)
    with trouble_translated(address(dsn)):
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_WAIT_S,
            statement_cache_size=STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings={"application_name": application_name},
        )
    try:
        _refuse_old_server(connection)
    except StartRefused:
        await connection.close()
        raise
    return connection


async def open_pool(dsn: str, *, size_max: int = 4, application_name: str = "tokenhouse") -> Pool:
    """Open a pool of at most `size_max` connections; one is made at once, so that a wrong address shows here.

    A returned connection is not reset, which saves a round trip: who borrows one must leave nothing behind in
    the session (no SET without LOCAL, no session lock, no LISTEN). json and jsonb stay text.

    Raises: as `connect`.
    """
    _refuse_other_addresses(dsn)
    with trouble_translated(address(dsn)):
        lines = await asyncpg.create_pool(
            dsn,
            min_size=0,  # It would keep them open by itself, and tell of each time that it cannot.
            max_size=size_max,
            timeout=CONNECT_WAIT_S,
            reset=_nothing_to_reset,
            statement_cache_size=STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            server_settings={"application_name": application_name},
        )

    async def ask() -> None:
        (await asyncpg.connect(dsn, timeout=CONNECT_WAIT_S)).terminate()

    loans = Loans(ask)
    pool = Pool(lines, loans)
    try:
        with trouble_translated(address(dsn)):
            async with Loan(lines, loans) as connection:
                _refuse_old_server(connection)
    except TokenhouseError:
        pool.terminate()
        raise
    return pool


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """Borrow a connection whose statements all see the database as it stood at the first of them."""
    async with (
        pool.acquire() as connection,
        connection.transaction(readonly=True, isolation="repeatable_read"),
    ):
        yield connection


async def _nothing_to_reset(_connection: object) -> None:
    """Leave a returned connection as it is."""


def _refuse_other_addresses(dsn: str) -> None:
    """Raise when `dsn` is no PostgreSQL URL; the driver would take some of those for a host name."""
    if not dsn.startswith(("postgresql://", "postgres://")):
        raise StartRefused("postgres_url_invalid", problem="it must begin with postgresql://")
    try:
        urlsplit(dsn).port  # noqa: B018  # Reading it is what checks it.
    except ValueError as wrong:
        if "," not in dsn:  # A list of hosts is right for us, and no port for urlsplit.
            raise StartRefused("postgres_url_invalid", problem=f"{wrong}") from None


def _refuse_old_server(connection: Connection) -> None:
    """Raise when the server is older than we can work with."""
    version = connection.get_server_version()
    if version.major < VERSION_MIN:
        found = f"{version.major}.{version.minor}"
        raise StartRefused("postgres_too_old", found=found, needed=VERSION_MIN)
