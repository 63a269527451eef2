"""Works: what takes long, is started by a person and watched by others, one of a kind at a time.

Their state stands in the database, so that a page that is loaded again, or asks another node, sees it. The
node that does one says every second that it lives; one that was not heard of for a minute is lost, and so is
its work: another may be started. Each kind is a module of its own, which says what is asked for and done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from tokenhouse.errors import InvalidInput, NotFound, StillRunning, TokenhouseError
from tokenhouse.flow.cursors import cursor, place
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.under_way import Steps
from tokenhouse.rules.periods import AT_MAX, instant, moment
from tokenhouse.store import works as stored
from tokenhouse.store.pool import trouble_translated
from tokenhouse.store.works import Name, Row, State

log: Final = logging.getLogger("tokenhouse.works")

SAYS_EVERY_S: Final = 1.0
"""How often a work says how far it is."""
LOST_AFTER: Final = timedelta(minutes=1)
"""A work that said nothing for so long has lost its node."""
ABANDONED_AFTER: Final = timedelta(days=1)
"""For so long a work waits for a person, and what was sent for one that was lost is kept."""
ROWS_MAX: Final = 100
NEWEST: Final = (datetime(2200, 1, 1, tzinfo=UTC), "f" * 32)
ERROR: Final = {"reason", "facts"}
"""What is kept of an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of work: what is said of one that is not there and of one too many, and how long it is kept."""

    name: Name
    unknown: str
    busy: str
    kept: timedelta | None = None


class End(NamedTuple):
    """What came out of a work when it came to its end, or to where it waits for a person."""

    outcome: Any
    state: State = "done"


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A work: what was asked for, how far it is, and what came out; `problem` says why nothing did."""

    id: str
    asked: dict[str, Any]
    state: State
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    total: int
    done: int
    outcome: str | None
    """As JSON; its kind knows what it is."""
    problem: InvalidInput | None


class WorkPage(NamedTuple):
    """The latest works of a kind, newest first."""

    works: tuple[Work, ...]
    next: str | None


Does = Callable[[Steps], Awaitable[End]]
"""Carries a work out, counting its steps."""


async def start(
    desk: Desk,
    kind: Kind,
    asked: Mapping[str, Any],
    does: Does,
    *,
    actor: str,
    total: int = 0,
    file: bytes | None = None,
    work: str | None = None,
) -> Work:
    """Begin a work, under an id of its own or a given one, and return at once.

    Raises: StillRunning if one of its kind is under way somewhere.
    """
    checked_text(actor, "actor")
    work, now = work or desk.new_id(), desk.clock()
    with trouble_translated():
        async with desk.pool.acquire() as connection, connection.transaction():
            await stored.write_lost(connection, kind.name, now, now - LOST_AFTER)
            if kind.kept is not None:
                await stored.write_forgotten(connection, kind.name, now - kind.kept)
            begun = await stored.write_started(
                connection, work, kind.name, encoded(asked), at=now, actor=actor, total=total
            )
            if begun and file is not None:
                await stored.write_file(connection, work, file)
    if not begun:
        raise StillRunning(kind.busy, retry_after_s=5)
    desk.under_way.begin(work, total, lambda steps: _carry_out(desk, work, steps, does))
    return await find(desk, kind, work)


async def resume(desk: Desk, kind: Kind, work: str, total: int, does: Does) -> Work:
    """Go on with one that waits, or was lost while its file is kept. Raises: StillRunning for any other."""
    now = desk.clock()
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await stored.write_lost(connection, kind.name, now, now - LOST_AFTER)
            resumed = await stored.write_resumed(connection, work, now, total)
    if not resumed:
        raise StillRunning(kind.busy, retry_after_s=5)
    desk.under_way.begin(work, total, lambda steps: _carry_out(desk, work, steps, does))
    return await find(desk, kind, work)


async def find(desk: Desk, kind: Kind, work: str) -> Work:
    """Return a work. Raises: InvalidInput, NotFound."""
    wanted = checked_id(work, "id")
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            row = await stored.find(connection, kind.name, wanted)
    if row is None:
        raise NotFound(kind.unknown, id=wanted)
    return _shown(desk, row)


async def page(
    desk: Desk, kind: Kind, after: str | None, rows_max: int, *, outcomes: bool = True
) -> WorkPage:
    """Return a page of the latest of a kind, with their outcomes or without."""
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    before = NEWEST
    if after is not None:
        at, name = place(after, int, str)
        before = (moment(min(int(at), AT_MAX - 1)), checked_id(name, "cursor"))
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            found = await stored.list_latest(connection, kind.name, before, rows_max, outcomes=outcomes)
    last = found[-1] if len(found) == rows_max else None
    more = None if last is None else cursor(instant(last.started_at), last.id)
    return WorkPage(tuple(_shown(desk, one) for one in found), more)


async def cancel(desk: Desk, kind: Kind, work: str) -> Work:
    """Call one off; the node that does it hears of it when it next says how far it is. Raises: NotFound."""
    found = await find(desk, kind, work)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await stored.write_cancelled(connection, found.id, desk.clock())
    return await find(desk, kind, found.id)


async def forget(desk: Desk) -> int:
    """Call off what waits for a person who did not come back, and let go of files; return how many."""
    now = desk.clock()
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            return await stored.write_abandoned(connection, now, now - ABANDONED_AFTER)


def encoded(value: Any) -> str:
    """Return what is kept of a value, as JSON: of an error, its reason and facts."""
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def error(document: Mapping[str, Any]) -> InvalidInput:
    """Return an error as it was kept; facts may be errors themselves."""
    facts = {
        name: error(fact) if isinstance(fact, dict) and fact.keys() == ERROR else fact
        for name, fact in document["facts"].items()
    }
    return InvalidInput(document["reason"], **facts)


def _plain(value: Any) -> Any:
    if isinstance(value, TokenhouseError):
        return {"reason": value.reason, "facts": value.facts}
    return str(value)


async def _carry_out(desk: Desk, work: str, steps: Steps, does: Does) -> None:
    """Do a work, saying every second how far it is, and write what came out.

    When this process closes, the work is lost as if it had been killed. One that was called off, given up for
    lost, or has written its end itself stays as it is.
    """
    ours = asyncio.current_task()
    saying = asyncio.create_task(_say(desk, work, steps, ours), name="tokenhouse work's progress")
    state: State = "lost"
    outcome = problem = None
    try:
        outcome, state = await does(steps)
    except TokenhouseError as trouble:
        state, problem = "failed", encoded(trouble)
        if not isinstance(trouble, InvalidInput):
            log.warning("work %s failed: %s", work, trouble)
    except Exception:
        state = "failed"
        log.exception("work %s failed", work)
    finally:
        saying.cancel()
        with suppress(TokenhouseError), trouble_translated():
            async with desk.pool.acquire() as connection:
                await stored.write_halted(
                    connection,
                    work,
                    state,
                    desk.clock(),
                    done=steps.done,
                    total=steps.total,
                    outcome=None if outcome is None else encoded(outcome),
                    problem=problem,
                )


async def _say(desk: Desk, work: str, steps: Steps, ours: asyncio.Task[None] | None) -> None:
    """Say every second how far a work is; stop it when it was called off, or given up for lost."""
    while True:
        await asyncio.sleep(SAYS_EVERY_S)
        with suppress(TokenhouseError), trouble_translated():
            async with desk.pool.acquire() as connection:
                wanted = await stored.write_progress(connection, work, desk.clock(), steps.done, steps.total)
            if not wanted and ours is not None:
                ours.cancel()


def _shown(desk: Desk, row: Row) -> Work:
    """Return a work as people see it: one that nobody has heard of for a minute is lost."""
    running = row.state == "running"
    lost = running and desk.clock() - row.seen_at > LOST_AFTER
    steps = desk.under_way.steps.get(row.id) if running else None
    return Work(
        id=row.id,
        asked=msgspec.json.decode(row.asked),
        state="lost" if lost else row.state,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        total=row.total if steps is None else steps.total,
        done=row.done if steps is None else steps.done,
        outcome=row.outcome,
        problem=None if row.problem is None else error(msgspec.json.decode(row.problem)),
    )
