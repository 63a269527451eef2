"""A simulation in a process of its own: order in, figures out.

The rules run at full speed for seconds: within the server every call would wait for them. The process reads
one order on standard input, a line of JSON, and where it says so a line for everything that happened; it says
in lines how far it is, then what came out, and ends. Its parent ends it when it takes too long.
"""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

import msgspec

from tokenhouse.errors import Busy, InvalidInput, TokenhouseError
from tokenhouse.flow.compared import Change, compared
from tokenhouse.flow.progress import Far
from tokenhouse.flow.simulate import OUTPUT_CAP, Assumptions, simulate
from tokenhouse.flow.tally import AccountTally, Tally
from tokenhouse.flow.traces import Gift, Request, Trace, parse_trace, sample_trace
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.periods import moment, zone_of
from tokenhouse.rules.plans import POINTS, Plan
from tokenhouse.rules.rates import Rate, RateTable

log: Final = logging.getLogger("tokenhouse.simulation")

TIME_MAX_S: Final = 600
NICE: Final = 10
"""Calls go before simulations: the process asks the system for so much less than the server."""
LINE_MAX: Final = 1 << 26
REQUEST, GIFT = b"r", b"g"
"""How a line of history begins, before its JSON."""
HISTORY: Final = "history"
BEGIN: Final = "from tokenhouse.flow.simulating import main; main()"
"""What the process runs; with `-m` it would be this module a second time, for the house has it too."""

_encode: Final = msgspec.json.Encoder().encode


class Order(msgspec.Struct, kw_only=True):
    """What to simulate. Without a trace the sample that comes with tokenhouse is taken, or `history` follows.

    `unit` is the deployment's: credit that came in its history means nothing to a plan in another one.
    """

    trace: str | None
    plans: list[Plan]
    own: list[Rate]
    listed: list[Rate]
    unit: Unit
    history: bool = False
    start_at: datetime | None = None
    grant: int = 0
    output_cap: int = OUTPUT_CAP
    scale: str = "1"
    one_account: bool = False
    top: int = 10


class Blocked(msgspec.Struct, kw_only=True):
    """An account that would be refused: since when, by which law, how often."""

    account: str
    first_refused_at: datetime
    first_refused_by: str
    requests: int
    refused: int
    tokens: int
    peak_percent: float
    warned_at: datetime | None


class Day(msgspec.Struct, kw_only=True):
    """What would happen on one day of the plan's zone, which calls it `date`."""

    start_at: datetime
    date: str
    allowed: int
    refused: int
    accounts_blocked: int
    charged: int


class Outcome(msgspec.Struct, kw_only=True):
    """What would become of the trace under one plan; amounts in its smallest unit, costs in nano-dollars."""

    plan: str
    unit: Unit
    accounts: int
    accounts_blocked: int
    requests: int
    allowed: int
    refused: int
    refused_by: dict[str, int]
    tokens: int
    shortened: int
    charged: int
    cost: int
    blocked_first: list[Blocked]
    days: list[Day]
    change: Change | None
    """Against the first plan; None for the first itself."""


class Simulated(msgspec.Struct, kw_only=True):
    """What was simulated."""

    trace: str
    layout: str
    requests: int
    accounts: int
    first_at: datetime
    last_at: datetime
    priced: bool
    """Whether prices were known, so that costs mean something."""
    outcomes: list[Outcome]


class Said(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the process: how far it is, or what came out, or the problem that its trace has."""

    done: int = 0
    total: int = 0
    outcome: Simulated | None = None
    reason: str = ""
    facts: dict[str, Any] = {}


async def simulated(order: Order, lines: AsyncIterator[bytes] | None, progress: Far) -> Simulated:
    """Have an order carried out in a process of its own; `lines` are the history that follows it.

    Raises: InvalidInput; Busy where it takes long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        BEGIN,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_MAX,
    )
    assert process.stdin is not None  # noqa: S101 -- both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        async with asyncio.timeout(TIME_MAX_S):
            telling = asyncio.create_task(_tell(process.stdin, order, lines))
            try:
                told = await _heard(process.stdout, progress)
                await telling
            finally:
                telling.cancel()
            await process.wait()
    except TimeoutError:
        raise Busy("simulation_long", retry_after_s=60, seconds=TIME_MAX_S) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if told is None:  # It was killed, for want of memory most likely.
        log.error("a simulation ended with %s", process.returncode)
        raise Busy("simulation_broken", retry_after_s=60)
    if told.outcome is None:
        raise InvalidInput(told.reason, **told.facts)
    return told.outcome


async def _tell(stdin: asyncio.StreamWriter, order: Order, lines: AsyncIterator[bytes] | None) -> None:
    """Give the order to the process, and what happened, as fast as it reads."""
    try:
        stdin.write(_encode(order) + b"\n")
        if lines is not None:
            async for line in lines:
                stdin.write(line)
                await stdin.drain()
        await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # It ended before it had read everything: what it said tells why, or that it said nothing.
    finally:
        stdin.close()  # Whatever happened, it waits for nothing more.


async def _heard(stdout: asyncio.StreamReader, progress: Far) -> Said | None:
    """Return the last word of the process; None if it said none."""
    async for line in stdout:
        said = msgspec.json.decode(line, type=Said)
        if said.outcome is not None or said.reason:
            return said
        progress(said.done, said.total)
    return None


def carried_out(order: Order, lines: Iterable[bytes], progress: Far) -> Simulated:
    """Return what becomes of the trace under each plan. Raises: InvalidInput for a trace that is none."""
    trace = _trace(order, lines)
    rates = RateTable(order.own, order.listed) if order.own or order.listed else None
    given = Assumptions(start_at=order.start_at, grant=order.grant, output_cap=order.output_cap, rates=rates)
    total, done = len(trace.requests) * len(order.plans), 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    progress(0, total)
    tallies = [simulate(_for(trace, plan, order.unit), plan, given, count) for plan in order.plans]
    shift = given.shift(trace)
    return Simulated(
        trace=trace.name,
        layout=trace.layout,
        requests=len(trace.requests),
        accounts=len(trace.accounts),
        first_at=moment(trace.requests[0].at + shift),
        last_at=moment(trace.requests[-1].at + shift),
        priced=rates is not None,
        outcomes=[
            _outcome(tally, order.top, compared(tallies[0], tally, order.top) if nth else None)
            for nth, tally in enumerate(tallies)
        ],
    )


def _trace(order: Order, lines: Iterable[bytes]) -> Trace:
    """Return the trace of an order, scaled and pooled as was asked for."""
    if order.history:
        trace = _history(lines)
    else:
        trace = sample_trace() if order.trace is None else parse_trace(order.trace.encode(), "trace")
    factor = Fraction(order.scale)
    if factor != 1:
        trace = trace.scaled(factor)
    return trace.pooled() if order.one_account else trace


def _history(lines: Iterable[bytes]) -> Trace:
    """Return the trace of what happened in a deployment, in whatever order it was told."""
    requests, gifts = msgspec.json.Decoder(Request), msgspec.json.Decoder(Gift)
    calls: list[Request] = []
    given: list[Gift] = []
    for line in lines:
        if line.startswith(REQUEST):
            calls.append(requests.decode(line[1:]))
        else:
            given.append(gifts.decode(line[1:]))
    if not calls:
        raise InvalidInput("history_empty", field="history", value="")
    calls.sort(key=lambda one: one.at)
    given.sort(key=lambda one: one.at)
    return Trace(name=HISTORY, layout=HISTORY, requests=calls, gifts=tuple(given))


def _for(trace: Trace, plan: Plan, unit: Unit) -> Trace:
    """Return a trace as a plan sees it: credit in another unit is none of its."""
    if not trace.gifts or plan.unit == unit:
        return trace
    return Trace(name=trace.name, layout=trace.layout, requests=trace.requests)


def _outcome(tally: Tally, top: int, change: Change | None) -> Outcome:
    """Return a tally as it goes back to the server."""
    totals, zone = tally.totals(), zone_of(tally.plan.zone, "zone")
    return Outcome(
        plan=tally.plan.name,
        unit=tally.plan.unit,
        accounts=totals.accounts,
        accounts_blocked=totals.accounts_blocked,
        requests=totals.requests,
        allowed=totals.allowed,
        refused=totals.refused,
        refused_by=totals.refused_by,
        tokens=totals.tokens,
        shortened=totals.shortened,
        charged=totals.charged,
        cost=totals.cost,
        blocked_first=[_blocked(line) for line in tally.blocked_first()[:top]],
        days=[
            Day(
                start_at=moment(day.start_at),
                date=moment(day.start_at).astimezone(zone).date().isoformat(),
                allowed=day.allowed,
                refused=day.refused,
                accounts_blocked=len(day.blocked),
                charged=day.charged,
            )
            for day in tally.timeline()
        ],
        change=change,
    )


def _blocked(line: AccountTally) -> Blocked:
    warned = line.levels.get("warning")
    return Blocked(
        account=line.account,
        first_refused_at=moment(line.first_refused_at or 0),
        first_refused_by=line.first_refused_by,
        requests=line.requests,
        refused=line.refused,
        tokens=line.tokens,
        peak_percent=line.peak * 100 / POINTS,
        warned_at=None if warned is None else moment(warned),
    )


def main() -> None:
    """Read the order, carry it out, answer."""
    os.nice(NICE)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    try:
        said = Said(outcome=carried_out(order, sys.stdin.buffer, _far))
    except TokenhouseError as wrong:
        said = Said(reason=wrong.reason, facts={name: str(fact) for name, fact in wrong.facts.items()})
    _say(said)


def _far(done: int, total: int) -> None:
    """Say how far it is."""
    _say(Said(done=done, total=total))


def _say(said: Said) -> None:
    """Write one line at once."""
    sys.stdout.buffer.write(_encode(said) + b"\n")
    sys.stdout.buffer.flush()
