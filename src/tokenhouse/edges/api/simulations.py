"""Simulations: real traffic under plans that nobody is on yet: who would be blocked, when, at what cost."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, Caller, House
from tokenhouse.edges.api.plans import Document
from tokenhouse.edges.api.shapes import Amount, Moment, Page, Shape, amount, unit_of
from tokenhouse.edges.api.works import Watched
from tokenhouse.flow.compared import Change as Compared
from tokenhouse.flow.planning import PLANS_MAX
from tokenhouse.flow.simulate import COST_UNIT, OUTPUT_CAP
from tokenhouse.flow.simulating import Outcome, Simulated
from tokenhouse.flow.simulations import KIND, What
from tokenhouse.flow.simulations import Simulation as Work
from tokenhouse.rules.amounts import checked_amount, parse

router = APIRouter(prefix="/api/v1/simulations", tags=["simulations"])

TRACE_MAX: Final = 8_000_000
CSV: Final = "time,account,model,input,output\n0,alice,gpt-4o,1200,340\n60,bora,gpt-4o,90000,4000\n"


class NewSimulation(Shape):
    """What is to be run, and the plans under which it is; the first one is what others are compared with."""

    source: Annotated[
        Literal["sample", "trace", "history"] | None,
        Field(description="Null: the trace if there is one, or else the sample. `history`: the journal."),
    ] = None
    trace: Annotated[
        str | None,
        Field(
            max_length=TRACE_MAX,
            description="CSV with a header: time,account,model,input,output. Null: the sample.",
            examples=[CSV],
        ),
    ] = None
    since: Annotated[
        Moment | None, Field(description="Of a history, from when; null: 30 days before its end.")
    ] = None
    until: Annotated[Moment | None, Field(description="Of a history, until when; null: now.")] = None
    of_plan: Annotated[
        str | None,
        Field(max_length=63, description="Of a history, only accounts that are under this plan now."),
    ] = None
    plans: Annotated[
        list[Annotated[str, Field(max_length=63)]],
        Field(max_length=PLANS_MAX, description="Plans of this house, or presets.", examples=[["quota"]]),
    ] = Field(default_factory=list)
    documents: Annotated[
        list[Document], Field(max_length=PLANS_MAX, description="Plans that are nowhere yet.")
    ] = Field(default_factory=list)
    start_at: Annotated[Moment | None, Field(description="When the first request comes.")] = None
    grant: Annotated[
        str, Field(max_length=64, description="Credit that every account has bought when it begins.")
    ] = "0"
    output_cap: Annotated[int, Field(ge=1, le=10**9, description="What requests ask for at most.")] = (
        OUTPUT_CAP
    )
    scale: Annotated[str, Field(max_length=40, description="Every token count times this.")] = "1"
    one_account: Annotated[bool, Field(description="As if one account had made all requests.")] = False
    top: Annotated[int, Field(ge=0, le=1_000, description="Accounts that are listed.")] = 10


class BlockedAccount(Shape):
    """An account that would be refused."""

    account: str
    first_refused_at: datetime
    first_refused_by: Annotated[str, Field(examples=["insufficient_credit", "requests/minute"])]
    requests: int
    refused: int
    tokens: int
    peak_percent: float
    warned_at: datetime | None


class SimulatedDay(Shape):
    """What would happen on one day of the plan's zone."""

    start_at: datetime
    date: Annotated[str, Field(description="The day as the plan's zone has it.", examples=["2026-10-25"])]
    allowed: int
    refused: int
    accounts_blocked: int
    charged: Amount


class ChangedAccount(Shape):
    """An account for which something would change against the first plan."""

    account: str
    refused_at_before: Annotated[datetime | None, Field(description="Null: it never was.")]
    refused_at_after: Annotated[datetime | None, Field(description="Null: it never would be.")]
    refused_before: int
    refused_after: int
    charged_before: Annotated[Amount, Field(description="In the first plan's unit.")]
    charged_after: Amount


class Change(Shape):
    """What would change against the first plan: more is above zero, less below."""

    accounts_blocked: int
    blocked_newly: Annotated[int, Field(description="Accounts that never were, and would be.")]
    blocked_no_more: Annotated[int, Field(description="Accounts that were, and never would be.")]
    blocked_sooner: int
    blocked_later: int
    refused: int
    allowed: int
    tokens: int
    shortened: int
    charged: Annotated[Amount | None, Field(description="Null: the two count in different units.")]
    cost: Amount | None
    accounts: Annotated[list[ChangedAccount], Field(description="Most refusals more or less first.")]


class SimulatedPlan(Shape):
    """What would become of the traffic under one plan."""

    plan: str
    accounts: int
    accounts_blocked: int
    requests: int
    allowed: int
    refused: int
    refused_by: Annotated[dict[str, int], Field(examples=[{"insufficient_credit": 12}])]
    tokens: int
    shortened: Annotated[int, Field(description="Answers whose output would be cut to what could be paid.")]
    charged: Amount
    cost: Annotated[Amount | None, Field(description="What the providers take; null: no prices are known.")]
    blocked_first: Annotated[list[BlockedAccount], Field(description="The longest blocked first.")]
    days: list[SimulatedDay]
    change: Annotated[Change | None, Field(description="Null for the first plan.")]


class SimulationResult(Shape):
    """What would become of the traffic."""

    layout: Annotated[str, Field(examples=["plain", "history"])]
    requests: int
    accounts: int
    first_at: datetime
    last_at: datetime
    plans: list[SimulatedPlan]


class Simulation(Shape):
    """A simulation: how far it is, and what came out once it has ended."""

    id: str
    source: Literal["sample", "trace", "history"]
    plans: list[str]
    state: Annotated[
        Literal["running", "done", "failed", "lost"],
        Field(description="Failed: `problem` says why. Lost: its node was."),
    ]
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    steps_total: Annotated[int, Field(description="0 while what is to be run is still being read.")]
    steps_done: int
    problem: str
    result: Annotated[SimulationResult | None, Field(description="Not in the list.")]


@router.post("", status_code=202)
async def simulate_plans(asked: NewSimulation, caller: Auditor, house: House) -> Simulation:
    """Begin to run traffic under plans before they go live, and answer at once: read on under its id.

    The traffic is a trace, the sample that comes along, or this deployment's history: what was called and
    charged, and which credit came meanwhile; the newest 300,000 entries of its journal at most. It changes
    nothing but its own record. One runs at a time, for ten minutes at most; while it does, this answers 409.
    For auditors.
    """
    what = What(
        source=asked.source or ("sample" if asked.trace is None else "trace"),
        trace=asked.trace or "",
        since=asked.since,
        until=asked.until,
        of_plan=asked.of_plan,
        start_at=asked.start_at,
        grant=checked_amount(parse(asked.grant, unit_of(house), "grant"), "grant", least=0),
        output_cap=asked.output_cap,
        scale=asked.scale,
        one_account=asked.one_account,
        top=asked.top,
    )
    begun = await house.start_simulation(
        asked.plans, documents=asked.documents, what=what, actor=caller.actor
    )
    return shown(begun, caller)


def shown(work: Work, caller: Caller) -> Simulation:
    """Return a simulation as the API says it."""
    same = ("id", "source", "state", "started_at", "started_by", "ended_at", "steps_total", "steps_done")
    return Simulation(
        **{name: getattr(work, name) for name in same},
        plans=list(work.plans),
        problem=work.problem.message(caller.locale) if work.problem else "",
        result=_result(work.outcome) if work.outcome else None,
    )


def _result(told: Simulated) -> SimulationResult:
    same = ("layout", "requests", "accounts", "first_at", "last_at")
    first = told.outcomes[0]
    plans = [_plan(one, first, priced=told.priced) for one in told.outcomes]
    return SimulationResult(**{name: getattr(told, name) for name in same}, plans=plans)


def _plan(one: Outcome, first: Outcome, *, priced: bool) -> SimulatedPlan:
    """Return what became of the traffic under one plan as the API says it."""
    same = ("plan", "accounts", "accounts_blocked", "requests", "allowed", "refused", "refused_by", "tokens")
    return SimulatedPlan(
        **_same(one, same),
        shortened=one.shortened,
        charged=amount(one.charged, one.unit),
        cost=amount(one.cost, COST_UNIT) if priced else None,
        blocked_first=[
            BlockedAccount(**_same(row, tuple(BlockedAccount.model_fields))) for row in one.blocked_first
        ],
        days=[
            SimulatedDay(
                **_same(day, ("start_at", "date", "allowed", "refused", "accounts_blocked")),
                charged=amount(day.charged, one.unit),
            )
            for day in one.days
        ],
        change=_change(one.change, first, one, priced=priced) if one.change else None,
    )


def _change(one: Compared, first: Outcome, then: Outcome, *, priced: bool) -> Change:
    """Return what would change as the API says it."""
    counts = ("accounts_blocked", "blocked_newly", "blocked_no_more", "blocked_sooner", "blocked_later")
    line = ("account", "refused_at_before", "refused_at_after", "refused_before", "refused_after")
    return Change(
        **_same(one, counts),
        refused=one.refused,
        **{name: getattr(then, name) - getattr(first, name) for name in ("allowed", "tokens", "shortened")},
        charged=None if one.charged is None else amount(one.charged, then.unit),
        cost=amount(one.cost, COST_UNIT) if priced else None,
        accounts=[
            ChangedAccount(
                **_same(row, line),
                charged_before=amount(row.charged_before, first.unit),
                charged_after=amount(row.charged_after, then.unit),
            )
            for row in one.accounts
        ],
    )


def _same(one: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what is said as it stands."""
    return {name: getattr(one, name) for name in names}


Watched(
    kind=KIND,
    one="simulation",
    many="simulations",
    parameter="simulation",
    shape=Simulation,
    listed=Page[Simulation],
    shown=lambda work, caller, _whole: shown(work, caller),
).watch(router)
