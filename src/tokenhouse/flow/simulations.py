"""Simulations as works that somebody starts and others watch.

What is run is a trace that was sent, the sample that comes along, or this deployment's own history: the calls
in its journal, and the credit that came between them. What was refused then left no call there, so no history
says how much more would have been asked for.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow import simulating, works
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.simulate import OUTPUT_CAP
from tokenhouse.flow.simulating import GIFT, REQUEST, Order, Simulated
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.flow.traces import Gift, Request
from tokenhouse.flow.under_way import Steps
from tokenhouse.flow.works import End, Kind, Work
from tokenhouse.rules.amounts import TOKEN, checked_amount, checked_number
from tokenhouse.rules.periods import FOREVER, instant
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.usage import Usage
from tokenhouse.store import simulations
from tokenhouse.store.simulations import Happened
from tokenhouse.store.works import State

HISTORY_MAX: Final = 300_000
"""Entries of the journal that are run at most, the newest ones."""
TOP_MAX: Final = 1_000
NEW_LOT: Final = 5
"""How many parts a lot has in an entry that made it; the last is when it ends."""

Source = Literal["sample", "trace", "history"]
"""The sample that comes along; a trace that was sent; this deployment's own journal."""

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


async def start(desk: Desk, plans: list[Plan], what: What, *, actor: str) -> Simulation:
    """Begin a simulation and return at once, or after a short one has ended.

    Raises: InvalidInput; StillRunning if one is under way somewhere.
    """
    order = _order(desk, plans, what)
    read = asyncio.Event()

    async def simulate(steps: Steps) -> End:
        def heard(done: int, total: int) -> None:
            steps.set(done, total)
            read.set()

        lines = _happened(desk, what) if order.history else None
        return End(await simulating.simulated(order, lines, heard))

    asked = {"source": what.source, "plans": [plan.name for plan in plans]}
    begun = await works.start(desk, KIND, asked, simulate, actor=actor)
    if what.source != "trace":
        return begun
    if (task := desk.under_way.tasks.get(begun.id)) is not None:
        task.add_done_callback(lambda _: read.set())
        await read.wait()  # Whoever sent a trace is told at once what is wrong with it.
    found = await works.find(desk, KIND, begun.id)
    if found.problem is not None:
        raise found.problem
    return found


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


async def _happened(desk: Desk, what: What) -> AsyncIterator[bytes]:
    """Yield what happened in the deployment, as lines for the process."""
    until = what.until or desk.clock()
    since = what.since or until - timedelta(days=30)
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


def _shown(work: Work) -> Simulation:
    """Return a work as a simulation."""
    return Simulation(
        id=work.id,
        source=work.asked["source"],
        plans=tuple(work.asked["plans"]),
        state=work.state,
        started_at=work.started_at,
        started_by=work.started_by,
        ended_at=work.ended_at,
        steps_total=work.total,
        steps_done=work.done,
        outcome=None if work.outcome is None else msgspec.json.decode(work.outcome, type=Simulated),
        problem=work.problem,
    )


KIND: Final = Kind(
    name="simulate",
    unknown="simulation_unknown",
    busy="simulation_running",
    shown=_shown,
    kept=timedelta(days=90),
    told=False,
)
"""What one needs is not stored, and another is soon begun: one whose node was lost is lost too."""
