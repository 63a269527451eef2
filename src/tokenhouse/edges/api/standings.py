"""Standings: accounts with the figures of the report, and what an operator asks of one of them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from tokenhouse.edges.api.accounts import Account, Balance, Ref, described
from tokenhouse.edges.api.accounts import shown as shown_balance
from tokenhouse.edges.api.caller import Auditor, House, User
from tokenhouse.edges.api.shapes import Amount, Cursor, Limit, Page, Shape, amount, unit_of
from tokenhouse.edges.api.statistics import AccountLine, shown_line
from tokenhouse.flow.identify import State
from tokenhouse.rules.plans import Per, What

router = APIRouter(prefix="/api/v1", tags=["accounts"])

TABLE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "A CSV, streamed."}
}


class AccountStanding(Shape):
    """An account and its figures: null while it waits for its balance."""

    account: Account
    figures: AccountLine | None


class StandingLimit(Shape):
    """A limit in its present window."""

    account: Annotated[str, Field(description="Whose limit it is: the account's, or one's above it.")]
    name: Annotated[str, Field(examples=["tokens/day"])]
    what: What
    every: Annotated[str, Field(examples=["day"])]
    per: Per
    of: Annotated[str, Field(description="The model or the key that it counts, where it has one each.")]
    limit: Amount
    used: Amount
    left: Amount
    used_percent: float
    start_at: datetime
    end_at: datetime


class StandingLimits(Shape):
    """The limits on an account's calls, its own first, then those of the accounts above it."""

    items: list[StandingLimit]


class ChatUse(Shape):
    """How much an account has chatted, over all its conversations."""

    sessions: int
    archived: int
    turns: int
    tokens: int
    charged: Amount
    last_at: datetime | None


class TermChange(Shape):
    """A term that differs between two plans."""

    term: Annotated[str, Field(examples=["allowance[0].amount"])]
    before: Annotated[str, Field(description="Empty: the plan before does not have it.")]
    after: Annotated[str, Field(description="Empty: the other plan does not have it.")]


class PlanPreview(Shape):
    """Where an account stands, where it would stand under another plan, and which terms differ."""

    now: Balance
    then: Balance
    terms: list[TermChange]


@router.get("/statistics/accounts")
async def list_standings(
    _caller: Auditor,
    house: House,
    search: Annotated[str, Query(max_length=200, description="As of `GET /api/v1/accounts`.")] = "",
    state: Annotated[State | None, Query(description="Those in this state alone.")] = None,
    plan: Annotated[str, Query(max_length=63, description="Those of this plan alone.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AccountStanding]:
    """List accounts with the figures of the report. For auditors.

    A page with a filter may be short, or empty, and not be the last: go on until `next` is null.
    """
    found = await house.standings(search, state=state or "", plan=plan, after=cursor, rows_max=limit)
    unit = unit_of(house)
    items = [
        AccountStanding(
            account=described(one.account), figures=shown_line(one.line, unit) if one.line else None
        )
        for one in found.standings
    ]
    return Page(items=items, next=found.next)


@router.get("/statistics/accounts.csv", response_class=Response, responses=TABLE)
async def export_standings(_caller: Auditor, house: House) -> Response:
    """Return the report of all accounts as CSV: free, bought, total, used, left, turns, state. For auditors.

    Amounts are exact, in whole units. A text that would be a formula has an apostrophe before it.
    """
    pieces = house.standings_table()
    first = await anext(pieces)

    async def whole() -> AsyncIterator[str]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {"content-disposition": 'attachment; filename="accounts.csv"'}
    return StreamingResponse(whole(), media_type="text/csv", headers=headers)


@router.get("/accounts/{ref}/limits")
async def list_account_limits(ref: Ref, caller: User, house: House) -> StandingLimits:
    """List the limits on an account's calls as they stand now, those of the accounts above it too."""
    found = await house.limits(caller.account_of(ref))
    return StandingLimits(
        items=[
            StandingLimit(
                account=one.account,
                name=one.name,
                what=one.what,
                every=one.every,
                per=one.per,
                of=one.of,
                limit=amount(one.amount, one.unit),
                used=amount(one.used, one.unit),
                left=amount(one.left, one.unit),
                used_percent=one.used_percent,
                start_at=one.start_at,
                end_at=one.end_at,
            )
            for one in found
        ]
    )


@router.get("/accounts/{ref}/chat")
async def show_chat_use(ref: Ref, caller: User, house: House) -> ChatUse:
    """Return how much an account has chatted: conversations, turns, tokens, and what they were charged."""
    found, unit = await house.chat_use(caller.account_of(ref)), unit_of(house)
    return ChatUse(
        sessions=found.sessions,
        archived=found.archived,
        turns=found.turns,
        tokens=found.tokens,
        charged=amount(found.charged, unit),
        last_at=found.last_at,
    )


@router.get("/accounts/{ref}/plan-preview")
async def preview_account_plan(
    ref: Ref,
    caller: Auditor,
    house: House,
    plan: Annotated[
        str, Query(max_length=63, description="The plan that it might be given.", examples=["chat-tokens"])
    ],
) -> PlanPreview:
    """Return what another plan would change for an account, if it were given it now. Changes nothing."""
    found = await house.preview_plan(caller.account_of(ref), plan)
    return PlanPreview(
        now=shown_balance(found.now),
        then=shown_balance(found.then),
        terms=[TermChange(term=one.term, before=one.before, after=one.after) for one in found.terms],
    )
