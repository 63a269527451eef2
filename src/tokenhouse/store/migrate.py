"""Migrations: plain SQL files, forward only, one transaction each, applied once over any number of nodes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import asyncpg

from tokenhouse.errors import DatabaseTrouble, StartRefused
from tokenhouse.store.pool import trouble_translated
from tokenhouse.store.statements import sql

if TYPE_CHECKING:
    from datetime import datetime

    from tokenhouse.store.pool import Connection

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x746F6B656E68
"""Key of the advisory lock: "tokenh" in ASCII."""

State: TypeAlias = Literal["applied", "pending", "changed", "unknown"]

_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: `0001_ledger.sql` is version 1, named `ledger`."""

    version: int
    name: str
    text: str
    sha256: str

    @property
    def file(self) -> str:
        """Return the file's name."""
        return f"{self.version:04}_{self.name}.sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one migration stands in a database; `unknown` is one that a newer release applied."""

    version: int
    name: str
    state: State
    applied_at: datetime | None


@cache
def migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations of a folder in order.

    Raises: ValueError for a file that is named otherwise, and for two of one number.
    """
    found: dict[int, Migration] = {}
    for file in sorted(folder.glob("*.sql")):
        named = _FILE.fullmatch(file.name)
        if named is None:
            raise ValueError(f"{file.name} is not named NNNN_what.sql")
        text = file.read_text(
            encoding="utf-8"
        )  # Universal newlines: a checkout on Windows has the same checksum.
        version = int(named["version"])
        if version in found:
            raise ValueError(f"{file.name} and {found[version].file} have one number")
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        found[version] = Migration(version=version, name=named["name"], text=text, sha256=sha256)
    return tuple(found[version] for version in sorted(found))


async def status(connection: Connection, *, folder: Path = FOLDER) -> tuple[Standing, ...]:
    """Return where each migration stands, in order, changing nothing."""
    known = {each.version: each for each in migrations(folder)}
    with trouble_translated():
        recorded = {row["version"]: row for row in await _recorded(connection)}
    standings = []
    for version in sorted(known | recorded):
        migration, row = known.get(version), recorded.get(version)
        state: State = "applied"
        if row is None:
            state = "pending"
        elif migration is None:
            state = "unknown"
        elif row["sha256"] != migration.sha256:
            state = "changed"
        name = migration.name if migration else row["name"] if row else ""
        applied_at = row["applied_at"] if row else None
        standings.append(Standing(version=version, name=name, state=state, applied_at=applied_at))
    return tuple(standings)


async def migrate(
    connection: Connection, *, folder: Path = FOLDER, wait_s: float = 60.0, lock_s: float = 5.0
) -> tuple[Migration, ...]:
    """Bring the database to the newest version this program knows; return what this call applied.

    Idempotent: nodes that start at once wait for each other, and the later ones find nothing to do.
    Order: by number. Each file is one transaction with its own record, so a failed one leaves no trace and
    those before it stay.

    Args:
        connection: outside of any transaction; nothing is left behind in its session.
        folder: where the files are.
        wait_s: how long to wait for another node that is migrating.
        lock_s: how long a migration may wait for a table; the calls behind it wait as long.

    Raises:
        StartRefused: a file was changed or lost after it was applied, or the schema is newer than we know.
        DatabaseTrouble: another node took longer than `wait_s`, or a table was locked longer than `lock_s`.
    """
    applied: list[Migration] = []
    for migration in _pending(await status(connection, folder=folder)):
        by_version = {each.version: each for each in migrations(folder)}
        if await _apply(
            connection, by_version[migration.version], folder=folder, wait_s=wait_s, lock_s=lock_s
        ):
            applied.append(by_version[migration.version])
    return tuple(applied)


async def _apply(
    connection: Connection, migration: Migration, *, folder: Path, wait_s: float, lock_s: float
) -> bool:
    """Apply one migration and record it; False if another node did so while we waited."""
    with trouble_translated():
        async with connection.transaction():
            await connection.execute(sql("write_lock_timeout"), f"{round(wait_s * 1000)}ms")
            try:
                await connection.execute(sql("lock_migrations"), LOCK)
            except asyncpg.LockNotAvailableError:
                raise DatabaseTrouble("migration_busy", wait_s=wait_s) from None
            await connection.execute(sql("write_lock_timeout"), f"{round(lock_s * 1000)}ms")
            if not await connection.fetchval(sql("find_schema_versions_table")):
                await connection.execute(sql("write_schema"))
                await connection.execute(sql("write_schema_versions_table"))
            pending = {each.version for each in _pending(await status(connection, folder=folder))}
            if migration.version not in pending:
                return False
            try:
                await connection.execute(migration.text)
            except asyncpg.LockNotAvailableError:
                raise DatabaseTrouble("migration_locked_out", file=migration.file, lock_s=lock_s) from None
            await connection.execute(
                sql("write_schema_version"), migration.version, migration.name, migration.sha256
            )
    return True


async def _recorded(connection: Connection) -> list[asyncpg.Record]:
    """Return the rows of `schema_versions`, none if there is no such table yet."""
    if not await connection.fetchval(sql("find_schema_versions_table")):
        return []
    return await connection.fetch(sql("list_schema_versions"))


def _pending(standings: tuple[Standing, ...]) -> tuple[Standing, ...]:
    """Return what is to be applied. Raises: StartRefused if record and files contradict each other."""
    known_max = max((each.version for each in standings if each.state != "unknown"), default=0)
    recorded_max = max((each.version for each in standings if each.state != "pending"), default=0)
    for each in standings:
        file = f"{each.version:04}_{each.name}.sql"
        if each.state == "unknown" and each.version > known_max:
            raise StartRefused("schema_newer", found=recorded_max, known=known_max)
        if each.state == "unknown":
            raise StartRefused("migration_lost", file=file)
        if each.state == "changed":
            raise StartRefused("migration_changed", file=file)
        if each.state == "pending" and each.version < recorded_max:
            raise StartRefused("migration_out_of_order", file=file, newest=recorded_max)
    return tuple(each for each in standings if each.state == "pending")
