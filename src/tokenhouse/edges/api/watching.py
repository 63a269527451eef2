"""Watching: the pace of the last minutes, what waits for a person, and the figures of `tokenhouse check`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House
from tokenhouse.edges.api.shapes import Shape, unit_of
from tokenhouse.edges.api.statistics import AccountLine, Buckets, Sums, shown_line, shown_sums
from tokenhouse.edges.api.trends import Percent, percent
from tokenhouse.flow.attention import What

router = APIRouter(prefix="/api/v1", tags=["statistics"])


class PaceSlot(Shape):
    """Ten seconds: calls that were charged in them, and calls that were refused."""

    start_at: datetime
    allowed: int
    refused: int


class Pace(Shape):
    """The last five minutes, the oldest slot first; the last one is not over yet."""

    start_at: datetime
    end_at: datetime
    allowed: int
    refused: int
    allowed_percent: Percent
    per_minute: Annotated[float, Field(description="Calls a minute on average, whatever came of them.")]
    slots: list[PaceSlot]


class Concern(Shape):
    """One kind of what may wait for a person; `count` is 0 where nothing does."""

    what: What
    count: int
    names: Annotated[
        list[str],
        Field(
            description="Jobs that failed; of findings, the verification and its state; of refunds that came"
            " to nothing, their orders."
        ),
    ]
    at: Annotated[datetime | None, Field(description="When it was last seen or found out.")]


class Attention(Shape):
    """What waits for somebody who runs the deployment: every kind, in the order of the documentation."""

    items: list[Concern]


class StrayAccount(Shape):
    """An account that has chat sessions and no balance."""

    account: str
    email: str
    sessions: int
    tokens: int


class CheckReport(Shape):
    """What is there: who lacks a balance, figures, active accounts, anomalies."""

    overview: Sums
    without_balance: int
    without_balance_percent: Percent
    distribution: Buckets
    active: list[AccountLine]
    anomalies: Annotated[int, Field(description="Accounts that chat without a balance.")]
    strays: Annotated[list[StrayAccount], Field(description="Some of them.")]


@router.get("/statistics/live")
async def show_pace(_caller: Auditor, house: House) -> Pace:
    """Return how many calls went through and were refused in the last five minutes, by ten seconds.

    Processes count and tell each other every few seconds; what one of them had not told when it was killed is
    missing here, and in the journal all the same.
    """
    found = await house.lately()
    return Pace(
        start_at=found.start_at,
        end_at=found.end_at,
        allowed=found.allowed,
        refused=found.refused,
        allowed_percent=percent(found.allowed_share),
        per_minute=float(found.per_minute),
        slots=[
            PaceSlot(start_at=one.start_at, allowed=one.allowed, refused=one.refused) for one in found.slots
        ],
    )


@router.get("/attention")
async def show_attention(_caller: Auditor, house: House) -> Attention:
    """Return what waits for a person: dead deliveries, held prices, failed jobs, findings, odd payments.

    It is what jobs and verifications have found out already, so asking costs little. Payment events that fit
    no order are told of for seven days.
    """
    return Attention(
        items=[
            Concern(what=one.what, count=one.count, names=list(one.names), at=one.at)
            for one in await house.attention()
        ]
    )


@router.get("/check")
async def show_check(
    _caller: Auditor, house: House, rows: Annotated[int, Query(ge=0, le=1_000)] = 20
) -> CheckReport:
    """Return what is there, as `tokenhouse check` does: in one look at all accounts, changing nothing."""
    found, unit = await house.check(rows_max=rows), unit_of(house)
    overview = found.overview
    return CheckReport(
        overview=shown_sums(overview, unit),
        without_balance=overview.without_balance,
        without_balance_percent=percent(overview.waiting_share),
        distribution=Buckets(**{name: getattr(found.distribution, name) for name in Buckets.model_fields}),
        active=[shown_line(line, unit) for line in found.active],
        anomalies=found.anomalies,
        strays=[
            StrayAccount(account=one.account, email=one.email, sessions=one.sessions, tokens=one.tokens)
            for one in found.strays
        ],
    )
