"""Simulations as works that somebody starts and others watch, one at a time in a deployment.

As with `verifications`, their state stands in the database. What is run is a trace that was sent, the sample
that comes along, or this deployment's own history: the calls in its journal, and the credit that came between
them. What was refused then left no call there, so no history says how much more would have been asked for.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput, NotFound, StillRunning, TokenhouseError
from tokenhouse.flow import simulating
from tokenhouse.flow.cursors import cursor, place
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.simulate import OUTPUT_CAP
from tokenhouse.flow.simulating import GIFT, REQUEST, Order, Simulated
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.flow.traces import Gift, Request
from tokenhouse.flow.works import Works
from tokenhouse.rules.amounts import TOKEN, checked_amount, checked_number
from tokenhouse.rules.periods import AT_MAX, FOREVER, instant, moment
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.usage import Usage
from tokenhouse.store import simulations
from tokenhouse.store.pool import trouble_translated
from tokenhouse.store.simulations import Happened, Row, Source, State

log: Final = logging.getLogger("tokenhouse.simulation")

SAYS_EVERY_S: Final = 1.0
"""How often a work says how far it is."""
LOST_AFTER: Final = timedelta(minutes=1)
"""A work that said nothing for so long has lost its node."""
KEPT: Final = timedelta(days=90)
HISTORY_MAX: Final = 300_000
"""Entries of the journal that are run at most, the newest ones."""
TOP_MAX: Final = 1_000
ROWS_MAX: Final = 100
NEWEST: Final = (datetime(2200, 1, 1, tzinfo=UTC), "f" * 32)
NEW_LOT: Final = 5
"""How many parts a lot has in an entry that made it; the last is when it ends."""

_encode: Final = msgspec.json.Encoder().encode
_usage: Final = msgspec.json.Decoder(Usage)


class What(msgspec.Struct, frozen=True, kw_only=True):
    """What is run: where from, from when to when and whose for a history, and what no trace says."""

    source: Source = "sample"
    trace: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    of_plan: str | None = None
    start_at: datetime | None = None
    grant: int = 0
    output_cap: int = OUTPUT_CAP
    scale: str = "1"
    one_account: bool = False
    top: int = 10


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation: what it runs, how far it is, and what came out; `problem` says why nothing did."""

    id: str
    source: Source
    plans: tuple[str, ...]
    state: State
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    steps_total: int
    steps_done: int
    outcome: Simulated | None
    problem: InvalidInput | None


class SimulationPage(msgspec.Struct, frozen=True, kw_only=True):
    """The latest simulations, newest first, without what came out of them."""

    simulations: tuple[Simulation, ...]
    next: str | None


class Kept(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What came out, as it is stored."""

    outcome: Simulated | None = None
    reason: str = ""
    facts: dict[str, Any] = {}


async def start(desk: Desk, works: Works, plans: list[Plan], what: What, *, actor: str) -> Simulation:
    """Begin a simulation and return at once, or after a short one has ended.

    Raises: InvalidInput; StillRunning if one is under way somewhere.
    """
    checked_text(actor, "actor")
    order = _order(desk, plans, what)
    simulation, now = desk.new_id(), desk.clock()
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await simulations.write_lost(connection, now, now - LOST_AFTER)
            await simulations.write_forgotten(connection, now - KEPT)
            names = [plan.name for plan in plans]
            begun = await simulations.write_started(connection, simulation, what.source, names, now, actor)
    if not begun:
        raise StillRunning("simulation_running", retry_after_s=5)
    read = asyncio.Event()
    work = works.begin(_carry_out(desk, simulation, order, what, read), "tokenhouse simulation")
    work.add_done_callback(lambda _: read.set())
    if what.source == "trace":  # Whoever sent it is told at once what is wrong with it.
        await read.wait()
    found = await find(desk, simulation)
    if what.source == "trace" and found.problem is not None:
        raise found.problem
    return found


async def find(desk: Desk, simulation: str) -> Simulation:
    """Return a simulation. Raises: NotFound."""
    wanted = checked_id(simulation, "simulation")
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            row = await simulations.find(connection, wanted)
    if row is None:
        raise NotFound("simulation_unknown", id=wanted)
    return _shown(desk, row)


async def page(desk: Desk, after: str | None, rows_max: int) -> SimulationPage:
    """Return a page of the latest simulations."""
    checked_whole(rows_max, "limit", 1, ROWS_MAX)
    before = NEWEST
    if after is not None:
        at, name = place(after, int, str)
        before = (moment(min(int(at), AT_MAX - 1)), checked_id(name, "cursor"))
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            found = await simulations.list_latest(connection, before, rows_max)
    last = found[-1] if len(found) == rows_max else None
    more = None if last is None else cursor(instant(last.started_at), last.id)
    return SimulationPage(simulations=tuple(_shown(desk, one) for one in found), next=more)


def _order(desk: Desk, plans: list[Plan], what: What) -> Order:
    """Return what the process is to do. Raises: InvalidInput."""
    checked_amount(what.grant, "grant", least=0)
    checked_whole(what.output_cap, "output_cap", 1, 10**9)
    checked_whole(what.top, "top", 0, TOP_MAX)
    if not 0 < (factor := checked_number(what.scale, "scale")) <= 1_000_000:
        raise InvalidInput("number_out_of_range", field="scale", value=what.scale, least=0, most=1_000_000)
    for name in ("start_at", "since", "until"):
        if (at := getattr(what, name)) is not None:
            instant(at, name)
    if what.since and what.until and what.since >= what.until:
        raise InvalidInput("times_reversed", field="until", value=str(what.until))
    return Order(
        trace=_trace(what.trace) if what.source == "trace" else None,
        history=what.source == "history",
        plans=plans,
        own=list(desk.catalog.own),
        listed=list(desk.catalog.listed),
        unit=deployment_unit(desk) or TOKEN,
        start_at=what.start_at,
        grant=what.grant,
        output_cap=what.output_cap,
        scale=f"{factor:f}",
        one_account=what.one_account,
        top=what.top,
    )


def _trace(text: object) -> str:
    """Return the text of a trace, if it can be written as bytes. Raises: InvalidInput."""
    try:
        if isinstance(text, str) and text.encode():
            return text
    except UnicodeEncodeError as trouble:
        raise InvalidInput("trace_unreadable", field="trace", value="", problem=trouble.reason) from None
    raise InvalidInput("trace_empty", field="trace", value=0)


async def _carry_out(desk: Desk, simulation: str, order: Order, what: What, read: asyncio.Event) -> None:
    """Simulate, saying every second how far it is, and write what came out."""
    steps = [0, 0]

    def heard(done: int, total: int) -> None:
        steps[:] = done, total
        read.set()

    async def say() -> None:
        while True:
            await asyncio.sleep(SAYS_EVERY_S)
            with suppress(TokenhouseError), trouble_translated():
                async with desk.pool.acquire() as connection:
                    await simulations.write_progress(connection, simulation, desk.clock(), *steps)

    saying = asyncio.create_task(say(), name="tokenhouse simulation's progress")
    state: State = "failed"
    kept = Kept()
    try:
        lines = _happened(desk, what) if order.history else None
        kept.outcome = await simulating.simulated(order, lines, heard)
        state = "done"
    except InvalidInput as wrong:
        kept.reason, kept.facts = wrong.reason, wrong.facts
    except TokenhouseError as trouble:
        log.warning("simulation %s failed: %s", simulation, trouble)
        kept.reason, kept.facts = trouble.reason, trouble.facts
    except Exception:
        log.exception("simulation %s failed", simulation)
    finally:
        saying.cancel()
        text = _encode(kept).decode()
        with suppress(TokenhouseError), trouble_translated():
            async with desk.pool.acquire() as connection:
                await simulations.write_ended(
                    connection, simulation, state, desk.clock(), done=steps[0], total=steps[1], outcome=text
                )


async def _happened(desk: Desk, what: What) -> AsyncIterator[bytes]:
    """Yield what happened in the deployment, as lines for the process."""
    until = what.until or desk.clock()
    since = what.since or until - timedelta(days=30)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            rows = simulations.list_history(connection, since, until, what.of_plan, HISTORY_MAX)
            async for some in rows:
                yield b"".join(map(_line, some))


def _line(one: Happened) -> bytes:
    """Return what happened as a line: a call, or credit that came and when it ends."""
    at = instant(one.at)
    if one.kind == "charge":
        call = Request(at, one.ref, one.model, _usage.decode(one.usage or "{}"))
        return REQUEST + _encode(call) + b"\n"
    lots = msgspec.json.decode(one.lots or "[]")
    ends = [lot[-1] for lot in lots if len(lot) == NEW_LOT]
    return GIFT + _encode(Gift(at, one.ref, one.amount, one.source, min(ends, default=FOREVER))) + b"\n"


def _shown(desk: Desk, row: Row) -> Simulation:
    """Return a simulation as people see it: one that nobody has heard of for a minute is lost."""
    lost = row.state == "running" and desk.clock() - row.seen_at > LOST_AFTER
    kept = Kept() if row.outcome is None else msgspec.json.decode(row.outcome, type=Kept)
    return Simulation(
        id=row.id,
        source=row.source,
        plans=tuple(row.plans),
        state="lost" if lost else row.state,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        steps_total=row.steps_total,
        steps_done=row.steps_done,
        outcome=kept.outcome,
        problem=InvalidInput(kept.reason, **kept.facts) if kept.reason else None,
    )
