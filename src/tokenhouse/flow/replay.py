"""Replay: a trace through the real engine, many callers at once, and then whether the books are right."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from os import urandom
from statistics import quantiles
from time import perf_counter
from typing import Any, Final

import msgspec

from tokenhouse.errors import ModelRefused, Refused
from tokenhouse.flow import audit, fund, identify, report, reserve, settle, terms
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.simulate import Assumptions, Prices, asked, delivered, simulate
from tokenhouse.flow.tally import Tally, Totals
from tokenhouse.flow.traces import Request, Trace
from tokenhouse.rules.periods import FOREVER, Instant, moment, period_of
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.quotes import quote

ACTOR: Final = "replay"
NAME_MAX: Final = 63
"""The longest name of a plan."""


class TraceClock:
    """The clock of a house that lives in a trace's time: it stands until it is set."""

    def __init__(self, at: Instant) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Return the trace's time."""
        return moment(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long callers waited for an answer, in milliseconds."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """What a replay found. Everything from `overspend` of its totals to `findings` must be 0 (see `sound`).

    `lost` and `double` compare the journal, charge by charge, with what the callers were told; both in the
    smallest unit. `false_refusals` and `false_allowances` count requests that the rules alone decide
    otherwise; None when the house kept its own time, so that there is nothing to compare with.
    """

    run: str
    plan: str
    unit: str
    callers: int
    seconds: float
    pairs: int
    reserve: Latency
    settle: Latency
    totals: Totals
    lost: int
    double: int
    false_refusals: int | None
    false_allowances: int | None
    findings: int
    entries: int
    """Entries of the journal that `verify` read."""
    overspend_stated: bool
    """Whether the plan lets calls through before it knows their price (`reserve` is not worst-case)."""

    @property
    def pairs_per_s(self) -> float:
        """Reservations made and settled, a second."""
        return self.pairs / self.seconds if self.seconds else 0.0

    @property
    def sound(self) -> bool:
        """Whether the books are right."""
        overspend = 0 if self.overspend_stated else self.totals.overspend
        wrong = (self.false_refusals or 0) + (self.false_allowances or 0)
        return not (self.lost or self.double or self.findings or overspend or wrong)


@dataclass(kw_only=True)
class Replay:
    """One replay, from `prepare` over `drive` to `audit`; a display may read its figures at any time.

    The house's clock follows the trace: it stands within a slice, in which no day, period or window of the
    plan ends, and moves on when every call of the slice has ended. So requests of different accounts may
    overtake each other, and yet each is decided as at its own time. Without `clock` the house keeps its own.
    """

    desk: Desk
    trace: Trace
    plan: Plan
    given: Assumptions
    callers: int
    clock: TraceClock | None
    heard: Callable[[int], None] | None = None
    """Told of requests that were made."""
    run: str = field(default_factory=lambda: urandom(4).hex())
    tally: Tally = field(init=False)
    known: dict[str, dict[str, int]] = field(default_factory=dict)
    """What the callers were told: charge by account and reservation."""
    reserve_s: list[float] = field(default_factory=list)
    settle_s: list[float] = field(default_factory=list)
    began: float = 0.0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.shift = self.given.shift(self.trace)
        self.tally = Tally(self.plan)

    @property
    def elapsed(self) -> float:
        """Return the seconds for which it has been driving, or has driven."""
        return self.seconds or (perf_counter() - self.began if self.began else 0.0)

    def ref(self, account: str) -> str:
        """Return the ref in the house of one of the trace's accounts, apart from every other run's."""
        return f"replay/{self.run}/{account}"

    async def prepare(self) -> None:
        """Write a copy of the plan under a name of its own, and open every account under it."""
        self.plan = await terms.write_plan(self.desk, _copy(self.plan), actor=ACTOR)
        self.tally = Tally(self.plan)
        self.given = replace(self.given, rates=self.desk.catalog.rates)
        self._prices = Prices(self.plan, self.given.rates)
        names = iter(self.trace.accounts)

        async def opener() -> None:
            for name in names:
                await self._open(name)

        await _together(opener, self.callers)

    async def drive(self) -> None:
        """Make every request of the trace: those of one account in their order, of several at once."""
        self.began = perf_counter()
        for requests in self._slices():
            if self.clock is not None:
                self.clock.at = requests[0].at + self.shift
            await self._slice(requests)
        self.seconds = self.elapsed

    async def audit(self) -> ReplayReport:
        """Compare what the callers were told with the journal, with the rules alone, and with itself."""
        lost, double = 0, 0
        for ref, known in self.known.items():
            missing, surplus = await self._compare(ref, known)
            lost, double = lost + missing, double + surplus
        false_refusals, false_allowances = self._misjudged() if self.clock is not None else (None, None)
        verdict = await audit.verify(self.desk)
        return ReplayReport(
            run=self.run,
            plan=self.plan.name,
            unit=self.plan.unit.name,
            callers=self.callers,
            seconds=self.seconds,
            pairs=len(self.settle_s),
            reserve=latency(self.reserve_s),
            settle=latency(self.settle_s),
            totals=self.tally.totals(),
            lost=lost,
            double=double,
            false_refusals=false_refusals,
            false_allowances=false_allowances,
            findings=verdict.found,
            entries=verdict.entries,
            overspend_stated=self.plan.reserve.how != "worst-case",
        )

    def _slices(self) -> Iterator[list[Request]]:
        """Yield the trace, cut where a day, a period or a window of the plan ends; whole without a clock."""
        if self.clock is None:
            yield self.trace.requests
            return
        opened_at = self.clock.at
        end_at = -FOREVER

        def slice_of(request: Request) -> Instant:
            nonlocal end_at
            at = request.at + self.shift
            if at >= end_at:
                end_at = next_end(self.plan, at, opened_at)
            return end_at

        for _, requests in groupby(self.trace.requests, key=slice_of):
            yield list(requests)

    async def _slice(self, requests: list[Request]) -> None:
        """Make the requests of one slice: each caller takes an account's, the longest line first."""
        by_account = sorted(requests, key=attrgetter("account"))
        lines = sorted((list(line) for _, line in groupby(by_account, key=attrgetter("account"))), key=len)

        async def caller() -> None:
            while lines:
                for request in lines.pop():
                    await self._call(request)
                    if self.heard is not None:
                        self.heard(1)

        await _together(caller, min(self.callers, len(lines)))

    async def _call(self, request: Request) -> None:
        """Make one request: quote, reserve, take the provider's answer as known, settle what it used."""
        ref, model, used = self.ref(request.account), request.model, request.usage
        at = self.desk.now() if self.clock is None else request.at + self.shift
        price = self._prices.of(model, at)
        if price is None:
            self.tally.refused(request, at, ModelRefused.code)
            return
        offer = quote(self.plan, price, model, asked(used, self.given.output_cap), used)
        began = perf_counter()
        try:
            reservation = await reserve.reserve(
                self.desk,
                ref,
                offer.amount,
                least=offer.least,
                tokens=offer.tokens,
                model=model,
                api_key="",
                lapse_charge=offer.input_charge,
                key=None,
            )
        except Refused as no:
            self.reserve_s.append(perf_counter() - began)
            self.tally.refused(request, at, no.facts["limit"] or no.code)
            return
        reserved = perf_counter()
        used = delivered(self.plan, price, offer, used, reservation.held)
        charge = price.charge(used)
        line: dict[str, Any] = {"usage": used, "model": model, "rate": offer.rate, "source": "provider"}
        done = await settle.settle(self.desk, ref, reservation.id, charge, actor=ACTOR, note="", **line)
        self.settle_s.append(perf_counter() - reserved)
        self.reserve_s.append(reserved - began)
        self.known[ref][reservation.id] = charge
        cost = self._prices.cost(model, at, used)
        self.tally.allowed(request, at, used, charge, cost, done.answer.path[0].balance)

    async def _open(self, name: str) -> None:
        """Open one account with what it has bought."""
        ref = self.ref(name)
        profile = identify.checked_profile(ref=ref, plan=self.plan.name, name=name)
        await identify.open_account(self.desk, profile, actor=ACTOR)
        if self.given.grant:
            await fund.grant(
                self.desk,
                ref,
                self.given.grant,
                source="purchase",
                priority=0,
                expires_at=None,
                key="replay",
                actor=ACTOR,
                note="",
            )
        self.known[ref] = {}
        path = await report.read_path(self.desk, await self.desk.address(ref))
        self.tally.opened(name, path[0].balance)

    async def _compare(self, ref: str, known: dict[str, int]) -> tuple[int, int]:
        """Return what one account's journal lacks of what its callers know, and what it has beyond that."""
        missing, surplus, before = dict(known), 0, None
        while page := await report.history(
            self.desk, ref, before=before, kinds=("charge",), rows_max=report.PAGE_MAX
        ):
            for entry in page:
                told = missing.pop(entry.operation, 0)
                surplus += entry.charge - told
            before = page[-1].seq
        return sum(missing.values()), surplus

    def _misjudged(self) -> tuple[int, int]:
        """Return how many requests were refused, and how many allowed, where the rules decide otherwise."""
        predicted = simulate(self.trace, self.plan, self.given)
        refused, allowed = 0, 0
        for name, line in self.tally.accounts.items():
            here, there = set(line.refusals), set(predicted.accounts[name].refusals)
            refused += len(here - there)
            allowed += len(there - here)
        return refused, allowed


def next_end(plan: Plan, at: Instant, opened_at: Instant) -> Instant:
    """Return when, after `at`, the next day, allowance or window ends for accounts opened together."""
    ends = [period_of(at, "day", "calendar", plan.zone).end_at]
    for allowance in plan.allowance:
        zone = allowance.time_zone or plan.zone
        ends.append(period_of(at, allowance.every, allowance.anchor, zone, opened_at).end_at)
    ends += [
        period_of(at, limit.every, "calendar", limit.time_zone or plan.zone).end_at for limit in plan.limit
    ]
    return min(ends)


def start_of(trace: Trace, given: Assumptions) -> Instant:
    """Return the instant of a trace's first request."""
    return trace.requests[0].at + given.shift(trace)


def latency(seconds: list[float]) -> Latency:
    """Return the median and the 99th percentile of waiting times."""
    if len(seconds) < 2:
        one = seconds[0] * 1000 if seconds else 0.0
        return Latency(p50_ms=one, p99_ms=one)
    shares = quantiles(seconds, n=100, method="inclusive")
    return Latency(p50_ms=shares[49] * 1000, p99_ms=shares[98] * 1000)


def _copy(plan: Plan) -> dict[str, Any]:
    """Return the document of a plan's copy for replays, under a name that touches no plan in use."""
    document: dict[str, Any] = msgspec.to_builtins(plan, builtin_types=(Decimal,))
    del document["version"]
    document["name"] = f"replay-{plan.name.removeprefix('replay-')}"[:NAME_MAX]
    return document


async def _together(work: Any, count: int) -> None:
    """Run `count` of the same worker at once; the first failure ends them all and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
