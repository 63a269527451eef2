"""Simulations: a usage trace under plans that nobody is on yet: who would be blocked, when, at what cost."""

import asyncio
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from tokenhouse.edges import simulating
from tokenhouse.edges.api.caller import Auditor, House
from tokenhouse.edges.api.plans import Document
from tokenhouse.edges.api.shapes import Amount, Shape, amount
from tokenhouse.edges.simulating import Order, Outcome
from tokenhouse.errors import Busy, InvalidInput, NotFound
from tokenhouse.flow.simulate import COST_UNIT, OUTPUT_CAP
from tokenhouse.flow.terms import PRESETS, preset
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import checked_amount, checked_number, parse
from tokenhouse.rules.periods import instant
from tokenhouse.rules.plans import Plan

router = APIRouter(prefix="/api/v1/simulations", tags=["simulations"])

TRACE_MAX: Final = 8_000_000
PLANS_MAX: Final = 4
CSV: Final = "time,account,model,input,output\n0,alice,gpt-4o,1200,340\n60,bora,gpt-4o,90000,4000\n"


class NewSimulation(Shape):
    """A trace, and the plans under which it is to be run."""

    trace: Annotated[
        str | None,
        Field(
            max_length=TRACE_MAX,
            description="CSV with a header: time,account,model,input,output. Null: the sample.",
            examples=[CSV],
        ),
    ] = None
    plans: Annotated[
        list[Annotated[str, Field(max_length=63)]],
        Field(max_length=PLANS_MAX, description="Plans of this house, or presets.", examples=[["quota"]]),
    ] = Field(default_factory=list)
    documents: Annotated[
        list[Document], Field(max_length=PLANS_MAX, description="Plans that are nowhere yet.")
    ] = Field(default_factory=list)
    start_at: Annotated[AwareDatetime | None, Field(description="When the first request comes.")] = None
    grant: Annotated[str, Field(max_length=64, description="Bought credit of every account.")] = "0"
    output_cap: Annotated[int, Field(ge=1, le=10**9, description="What requests ask for at most.")] = (
        OUTPUT_CAP
    )
    scale: Annotated[str, Field(max_length=40, description="Every token count times this.")] = "1"
    one_account: Annotated[bool, Field(description="As if one account had made all requests.")] = False
    top: Annotated[int, Field(ge=0, le=1_000, description="Blocked accounts that are listed.")] = 10


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
    allowed: int
    refused: int
    accounts_blocked: int
    charged: Amount


class SimulatedPlan(Shape):
    """What would become of the trace under one plan."""

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


class Simulation(Shape):
    """What would become of a trace."""

    layout: Annotated[str, Field(examples=["plain"])]
    requests: int
    plans: list[SimulatedPlan]


_turn: Final = asyncio.Semaphore(1)


@router.post("")
async def simulate_plans(asked: NewSimulation, _caller: Auditor, house: House) -> Simulation:
    """Run a usage trace against plans before they go live. Changes nothing. For auditors.

    One runs at a time in a node, in a process of its own, for a minute at most; while it does, this answers
    503 with `Retry-After`.
    """
    plans = await _plans(house, asked)
    order = Order(
        trace=asked.trace,
        plans=plans,
        own=list(house.desk.catalog.own),
        listed=list(house.desk.catalog.listed),
        start_at=asked.start_at,
        grant=_grant(asked.grant, plans[0]),
        output_cap=asked.output_cap,
        scale=_scale(asked.scale),
        one_account=asked.one_account,
        top=asked.top,
    )
    if asked.start_at is not None:
        instant(asked.start_at, "start_at")
    if _turn.locked():
        raise Busy("simulation_running", retry_after_s=5)
    async with _turn:
        told = await simulating.simulated(order)
    priced = bool(order.own or order.listed)
    return Simulation(
        layout=told.layout,
        requests=told.requests,
        plans=[_shown(one, priced=priced) for one in told.outcomes],
    )


async def _plans(house: Tokenhouse, asked: NewSimulation) -> list[Plan]:
    """Return the plans that are asked for, or else the deployment's own. Raises: NotFound, InvalidInput."""
    known = await house.plans()
    names = asked.plans or ([] if asked.documents else [house.desk.settings.plan])
    found = []
    for name in names:
        if name not in known and name not in PRESETS:
            raise NotFound("plan_unknown", plan=name)
        found.append(known[name] if name in known else house.desk.catalog.parse(preset(name)))
    return found + [house.desk.catalog.parse(one) for one in asked.documents]


def _grant(text: str, plan: Plan) -> int:
    """Return the credit that every account is to have bought."""
    return checked_amount(parse(text, plan.unit, "grant"), "grant", least=0)


def _scale(text: str) -> str:
    """Return by what token counts are multiplied, as exact text."""
    factor = checked_number(text, "scale")
    if not 0 < factor <= 1_000_000:
        raise InvalidInput("number_out_of_range", field="scale", value=text, least=0, most=1_000_000)
    return f"{factor:f}"


def _shown(one: Outcome, *, priced: bool) -> SimulatedPlan:
    """Return an outcome as the API says it."""
    same = ("plan", "accounts", "accounts_blocked", "requests", "allowed", "refused", "refused_by", "tokens")
    line = tuple(BlockedAccount.model_fields)
    return SimulatedPlan(
        **{name: getattr(one, name) for name in same},
        shortened=one.shortened,
        charged=amount(one.charged, one.unit),
        cost=amount(one.cost, COST_UNIT) if priced else None,
        blocked_first=[
            BlockedAccount(**{name: getattr(row, name) for name in line}) for row in one.blocked_first
        ],
        days=[
            SimulatedDay(
                start_at=day.start_at,
                allowed=day.allowed,
                refused=day.refused,
                accounts_blocked=day.accounts_blocked,
                charged=amount(day.charged, one.unit),
            )
            for day in one.days
        ],
    )
