"""Works: what takes long, is started by a person and watched by others, one of a kind at a time.

Their state stands in the database, so that a page that is loaded again, or asks another node, sees it. The
node that does one says every second that it lives. One that was not heard of for a minute is lost: another
node takes its work up, soon and once, if what is stored of it is enough; or else the work is lost too, and
another may be started. Each kind is a module of its own, which says what is asked for and done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from tokenhouse.errors import InvalidInput, NotFound, StillRunning, TokenhouseError
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.cursors import cursor, place
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.under_way import Steps
from tokenhouse.rules.periods import AT_MAX, instant, moment
from tokenhouse.store import works as stored
from tokenhouse.store.works import Name, Row, State

T = TypeVar("T")

log: Final = logging.getLogger("tokenhouse.works")

SAYS_EVERY_S: Final = 1.0
"""How often a work says how far it is."""
LOST_AFTER: Final = timedelta(minutes=1)
"""A work that said nothing for so long has lost its node."""
TAKEN_UP_WITHIN: Final = timedelta(minutes=5)
"""For so long another node may take one up. After that it is for people to say whether it is to go on."""
TAKEN_UP: Final = "taken_up"
"""In what was asked for: that it was taken up once."""
ABANDONED_AFTER: Final = timedelta(days=1)
"""For so long a work waits for a person, and what was sent for one that was lost is kept."""
ROWS_MAX: Final = 100
NEWEST: Final = (datetime(2200, 1, 1, tzinfo=UTC), "f" * 32)
ERROR: Final = {"reason", "facts"}
"""What is kept of an error."""


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


Does = Callable[[Steps], Awaitable[End]]
"""Carries a work out, counting its steps."""
Again = Callable[[Desk, Work], Awaitable[Does | None]]
"""Returns what carries out a work whose node was lost; None where what is stored of it is not enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """A kind of work: what is said of one that is not there and of one too many, and how long it is kept.

    `shown` is how its people see one, `again` how it is taken up after its node was lost; `told` is whether
    lists tell what came out, which may be long.
    """

    name: Name
    unknown: str
    busy: str
    shown: Callable[[Work], T]
    again: Again | None = None
    kept: timedelta | None = None
    told: bool = True


class WorkPage(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """The latest works of a kind, newest first."""

    items: tuple[T, ...]
    next: str | None


async def start(
    desk: Desk,
    kind: Kind[T],
    asked: Mapping[str, Any],
    does: Does,
    *,
    actor: str,
    total: int = 0,
    file: bytes | None = None,
    work: str | None = None,
) -> T:
    """Begin a work, under an id of its own or a given one, and return at once.

    Raises: StillRunning if one of its kind is under way somewhere.
    """
    checked_text(actor, "actor")
    work, now = work or desk.new_id(), desk.clock()
    async with desk.pool.acquire() as connection, connection.transaction():
        await stored.write_lost(connection, kind.name, now, now - LOST_AFTER)
        if kind.kept is not None:
            await stored.write_forgotten(connection, kind.name, now - kind.kept)
        begun = await stored.write_started(
            connection, work, kind.name, encoded(asked), at=now, actor=actor, total=total
        )
        if begun and file is not None:
            await stored.write_file(connection, work, file)
        if begun:
            await keep(connection, work)
    if not begun:
        raise StillRunning(kind.busy, retry_after_s=5)
    _begin(desk, kind, work, total, does, returns=kind.again is not None)
    return await find(desk, kind, work)


async def resume(desk: Desk, kind: Kind[T], work: str, total: int, does: Does, *, outcome: Any = None) -> T:
    """Go on with one that waits, or was lost while its file is kept. Raises: StillRunning for any other.

    `outcome` is what is kept of it from now on, if that is more than before.
    """
    now = desk.clock()
    async with desk.pool.acquire() as connection:
        await stored.write_lost(connection, kind.name, now, now - LOST_AFTER)
        so_far = None if outcome is None else encoded(outcome)
        resumed = await stored.write_resumed(connection, work, now, total, so_far)
    if not resumed:
        raise StillRunning(kind.busy, retry_after_s=5)
    _begin(desk, kind, work, total, does, returns=kind.again is not None)
    return await find(desk, kind, work)


async def find(desk: Desk, kind: Kind[T], work: str) -> T:
    """Return a work as its people see it. Raises: InvalidInput, NotFound."""
    return kind.shown(await known(desk, kind, work))


async def known(desk: Desk, kind: Kind[Any], work: str) -> Work:
    """Return a work. Raises: InvalidInput, NotFound."""
    wanted = checked_id(work, "id")
    async with desk.pool.acquire() as connection:
        row = await stored.find(connection, kind.name, wanted)
    if row is None:
        raise NotFound(kind.unknown, id=wanted)
    return _work(desk, kind, row)


async def page(desk: Desk, kind: Kind[T], after: str | None, rows_max: int) -> WorkPage[T]:
    """Return a page of the latest of a kind."""
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    before = NEWEST
    if after is not None:
        at, name = place(after, int, str)
        before = (moment(min(int(at), AT_MAX - 1)), checked_id(name, "cursor"))
    async with desk.pool.acquire() as connection:
        found = await stored.list_latest(connection, kind.name, before, rows_max, outcomes=kind.told)
    last = found[-1] if len(found) == rows_max else None
    more = None if last is None else cursor(instant(last.started_at), last.id)
    return WorkPage(items=tuple(kind.shown(_work(desk, kind, one)) for one in found), next=more)


async def cancel(desk: Desk, kind: Kind[T], work: str) -> T:
    """Call one off; the node that does it hears of it when it next says how far it is. Raises: NotFound."""
    found = await known(desk, kind, work)
    async with desk.pool.acquire() as connection, connection.transaction():
        if await stored.write_cancelled(connection, found.id, desk.clock()):
            await keep(connection, found.id)
    return await find(desk, kind, found.id)


async def take_up(desk: Desk, kinds: Sequence[Kind[Any]]) -> int:
    """Do, here, what a node that is lost has left; return how many there were. Any number of nodes may.

    Each is taken up once: what takes its node with it a second time is lost for good. So is what cannot be
    done from what is stored of it.
    """
    now, taken = desk.clock(), list[str]()
    async with desk.pool.acquire() as connection:
        found = await stored.list_unheard(connection, now - LOST_AFTER)
    for name, row in found:
        kind = next(one for one in kinds if one.name == name)
        work = _work(desk, kind, row)
        does = None
        if work.state == "running" and _may_return(kind, work.asked) and work.id not in desk.under_way.tasks:
            assert kind.again is not None  # noqa: S101 -- or else it might not
            does = await kind.again(desk, work)
        asked = encoded({**work.asked, TAKEN_UP: True})
        async with desk.pool.acquire() as connection:
            if does is None:
                await stored.write_lost(connection, name, now, now - LOST_AFTER)
            elif await stored.write_taken_up(connection, row, asked, now):
                log.warning("work %s (%s) is taken up: its node was lost", work.id, name)
                _begin(desk, kind, work.id, work.total, does, returns=False)
                taken.append(work.id)
    if tasks := [desk.under_way.tasks[one] for one in taken if one in desk.under_way.tasks]:
        await asyncio.wait(tasks)
    return len(taken)


async def forget(desk: Desk) -> int:
    """Call off what waits for a person who did not come back, and let go of files; return how many."""
    now = desk.clock()
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


def _begin(desk: Desk, kind: Kind[Any], work: str, total: int, does: Does, *, returns: bool) -> None:
    """Carry a work out on the side; `returns` is whether another node would take it up."""
    desk.under_way.begin(work, total, lambda steps: _carry_out(desk, work, steps, does, returns=returns))


async def _carry_out(desk: Desk, work: str, steps: Steps, does: Does, *, returns: bool) -> None:
    """Do a work, saying every second how far it is, and write what came out.

    When this process closes, it leaves the work as if it had been killed: another node takes it up, or it is
    lost. One that was called off, given up for lost, or has written its end itself stays as it is.
    """
    ours = asyncio.current_task()
    saying = asyncio.create_task(_say(desk, work, steps, ours), name="tokenhouse work's progress")
    state: State | None = None if returns else "lost"
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
        if state is not None:
            ended = {"done": steps.done, "total": steps.total, "problem": problem}
            with suppress(TokenhouseError):
                await halt(desk, work, state, outcome, **ended)


async def halt(desk: Desk, work: str, state: State, outcome: Any, **ended: Any) -> None:
    """Write that a work has ended, or waits, and the record that somebody wants of it, if it has not before.

    `ended`: how many steps of how many were done, and its `problem`, as JSON.
    """
    told = None if outcome is None else encoded(outcome)
    async with desk.pool.acquire() as connection, connection.transaction():
        line = {"problem": None, **ended, "outcome": told}
        if await stored.write_halted(connection, work, state, desk.clock(), **line):
            await keep(connection, outcome)


async def _say(desk: Desk, work: str, steps: Steps, ours: asyncio.Task[None] | None) -> None:
    """Say every second how far a work is; stop it when it was called off, or given up for lost."""
    while True:
        await asyncio.sleep(SAYS_EVERY_S)
        with suppress(TokenhouseError):
            async with desk.pool.acquire() as connection:
                wanted = await stored.write_progress(connection, work, desk.clock(), steps.done, steps.total)
            if not wanted and ours is not None:
                ours.cancel()


def _may_return(kind: Kind[Any], asked: Mapping[str, Any]) -> bool:
    """Whether a node takes a work up again whose own was lost."""
    return kind.again is not None and TAKEN_UP not in asked


def _work(desk: Desk, kind: Kind[Any], row: Row) -> Work:
    """Return a work as it stands; one of which nobody hears any more, and that nobody takes up, is lost."""
    running, asked = row.state == "running", msgspec.json.decode(row.asked)
    patience = TAKEN_UP_WITHIN if _may_return(kind, asked) else LOST_AFTER
    lost = running and desk.clock() - row.seen_at > patience
    steps = desk.under_way.steps.get(row.id) if running else None
    return Work(
        id=row.id,
        asked=asked,
        state="lost" if lost else row.state,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        total=row.total if steps is None else steps.total,
        done=row.done if steps is None else steps.done,
        outcome=row.outcome,
        problem=None if row.problem is None else error(msgspec.json.decode(row.problem)),
    )
