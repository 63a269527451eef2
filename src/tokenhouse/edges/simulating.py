"""A simulation in a process of its own, as `python -m tokenhouse.edges.simulating`: order in, figures out.

The rules run at full speed for seconds: within the server every call would wait for them. The process reads
one order on standard input, answers on standard output and ends; its parent ends it when it takes too long.
"""

import asyncio
import logging
import os
import sys
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

import msgspec

from tokenhouse.errors import Busy, InvalidInput, TokenhouseError
from tokenhouse.flow.simulate import OUTPUT_CAP, Assumptions, simulate
from tokenhouse.flow.tally import AccountTally, Tally
from tokenhouse.flow.traces import Trace, parse_trace, sample_trace
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.periods import moment
from tokenhouse.rules.plans import POINTS, Plan
from tokenhouse.rules.rates import Rate, RateTable

log: Final = logging.getLogger("tokenhouse.simulation")

TIME_MAX_S: Final = 60
NICE: Final = 10
"""Calls go before simulations: the process asks the system for so much less than the server."""


class Order(msgspec.Struct, kw_only=True):
    """What to simulate. Without a trace the sample that comes with tokenhouse is taken."""

    trace: str | None
    plans: list[Plan]
    own: list[Rate]
    listed: list[Rate]
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
    """What would happen on one day of the plan's zone."""

    start_at: datetime
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


class Simulated(msgspec.Struct, kw_only=True):
    """What was simulated, or the problem that its trace has."""

    trace: str = ""
    layout: str = ""
    requests: int = 0
    outcomes: list[Outcome] = []
    reason: str = ""
    facts: dict[str, Any] = {}


async def simulated(order: Order) -> Simulated:
    """Have an order carried out in a process of its own. Raises: InvalidInput; Busy where it takes long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    try:
        async with asyncio.timeout(TIME_MAX_S):
            answer, _ = await process.communicate(msgspec.json.encode(order))
    except TimeoutError:
        raise Busy("simulation_long", retry_after_s=60, seconds=TIME_MAX_S) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:  # It was killed, for want of memory most likely.
        log.error("a simulation ended with %d", process.returncode)
        raise Busy("simulation_broken", retry_after_s=60)
    told = msgspec.json.decode(answer, type=Simulated)
    if told.reason:
        raise InvalidInput(told.reason, **told.facts)
    return told


def carried_out(order: Order) -> Simulated:
    """Return what becomes of the trace under each plan. Raises: InvalidInput for a trace that is none."""
    trace = _trace(order)
    rates = RateTable(order.own, order.listed) if order.own or order.listed else None
    given = Assumptions(start_at=order.start_at, grant=order.grant, output_cap=order.output_cap, rates=rates)
    outcomes = [_outcome(simulate(trace, plan, given), order.top) for plan in order.plans]
    return Simulated(trace=trace.name, layout=trace.layout, requests=len(trace.requests), outcomes=outcomes)


def _trace(order: Order) -> Trace:
    """Return the trace of an order, scaled and pooled as was asked for."""
    trace = sample_trace() if order.trace is None else parse_trace(order.trace.encode(), "trace")
    factor = Fraction(order.scale)
    if factor != 1:
        trace = trace.scaled(factor)
    return trace.pooled() if order.one_account else trace


def _outcome(tally: Tally, top: int) -> Outcome:
    """Return a tally as it goes back to the server."""
    totals = tally.totals()
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
                allowed=day.allowed,
                refused=day.refused,
                accounts_blocked=len(day.blocked),
                charged=day.charged,
            )
            for day in tally.timeline()
        ],
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
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        told = carried_out(order)
    except TokenhouseError as wrong:
        told = Simulated(reason=wrong.reason, facts={name: str(fact) for name, fact in wrong.facts.items()})
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
