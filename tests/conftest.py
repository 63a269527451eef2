"""What every test may ask for: a database of its own on a real PostgreSQL, and a clock that it moves."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
from argon2 import PasswordHasher

from tokenhouse.flow import passwords
from tokenhouse.flow.identify import months_ahead
from tokenhouse.store import accounts
from tokenhouse.store.embedded import open_embedded
from tokenhouse.store.migrate import migrate
from tokenhouse.store.pool import connect
from tokenhouse.testing import Clock

hypothesis.settings.register_profile("patient", deadline=None)  # A busy machine is not a broken law.
hypothesis.settings.load_profile("patient")

T = TypeVar("T")

NOON: Final = datetime(2026, 11, 21, 3, tzinfo=UTC)
MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- a folder with a name of our own is made in it
"""Where Linux keeps files in memory. A database there is made and dropped in a fifth of the time."""
ROOMY: Final = 2 << 30
"""What must be free there: containers often have 64 MB."""
DEAR: Final = passwords.HASHER
CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""What hashes passwords, and what does it in tests: the same algorithm at a thousandth of its price."""


class Postgres:
    """A PostgreSQL to test on: makes databases as copies of one that was migrated once, and drops them."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._loop = asyncio.new_event_loop()
        self._admin: asyncpg.Connection | None = None
        self._names = (f"tokenhouse_test_{os.getpid()}_{number}" for number in count())
        self._template: str | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run database work from a test or fixture that is not a coroutine."""
        return self._loop.run_until_complete(work)

    def make(self, *, migrated: bool = True) -> str:
        """Make a database and return its address."""
        if migrated and self._template is None:
            self._template = self._create("template0")
            self.run(self._migrate(self.at(self._template)))
        return self.at(self._create(self._template if migrated and self._template else "template0"))

    def drop(self, dsn: str) -> None:
        """Drop a database, whoever is still connected."""
        self.execute(f'drop database if exists "{urlsplit(dsn).path[1:]}" with (force)')

    def at(self, database: str) -> str:
        """Return the address of a database of this server."""
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{database}"))

    def execute(self, sql: str) -> None:
        """Run one statement as the superuser, outside of any transaction."""
        if self._admin is None or self._admin.is_closed():
            self._admin = self.run(connect(self.dsn, application_name="tokenhouse tests"))
        self.run(self._admin.execute(sql))

    def close(self) -> None:
        """Drop the template and let go."""
        if self._template is not None:
            self.drop(self.at(self._template))
        if self._admin is not None:
            self.run(self._admin.close())
        self._loop.close()

    def _create(self, template: str) -> str:
        name = next(self._names)
        # Copying files is twice as fast as writing the copy to the log; nobody restores one of these by it.
        self.execute(f'create database "{name}" template "{template}" strategy file_copy')
        return name

    async def _migrate(self, dsn: str) -> None:
        connection = await connect(dsn)
        try:
            await migrate(connection)
            await accounts.write_months(connection, months_ahead(NOON))  # Otherwise each house makes them.
        finally:
            await connection.close()


@contextmanager
def throwaway_folder() -> Iterator[Path]:
    """Return a new folder for a server, in memory where there is room; a run that was killed left its own."""
    place = MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY else None
    for left in place.glob("tokenhouse-test-*-*") if place else ():
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"tokenhouse-test-{os.getpid()}-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server a test process: throw-away, or the one of TEST_DATABASE_URL (as superuser)."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        server = Postgres(given)
        yield server
        server.close()
        return
    with throwaway_folder() as folder, open_embedded(folder / "postgres", throwaway=True) as lease:
        server = Postgres(lease.dsn)
        yield server
        server.close()
        lease.close(wait=True)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """Return the address of a fresh, migrated database; it is dropped after the test."""
    dsn = postgres.make()
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """Return the address of a fresh database that was never migrated."""
    dsn = postgres.make(migrated=False)
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands at noon in Seoul, three in the morning UTC, on 2026-11-21."""
    return Clock(NOON)


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a home that is nobody's: no test touches what the person who runs it keeps in theirs."""
    home = tempfile.TemporaryDirectory(prefix="tokenhouse-home-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setenv("HOME", home.name)
    patch.setattr(passwords, "HASHER", CHEAP)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have recorded as `shown`: figures, and what other programs said of their tests."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    shown = {
        text
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, text in report.user_properties
        if name == "shown"
    }
    for text in sorted(map(str, shown)):
        terminalreporter.write_line(text)
