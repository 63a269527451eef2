"""Usage of one account: hour by hour, day by day, month by month; by model, by API key; and its forecast."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import House, User
from tokenhouse.edges.api.shapes import Amount, Moment, Shape, amount, unit_of
from tokenhouse.edges.api.trends import Every, Forecast, Last, shown_outlook
from tokenhouse.flow.usage import Part, UsePart
from tokenhouse.rules.amounts import Unit

router = APIRouter(prefix="/api/v1/accounts", tags=["usage"])


class UsageLine(Shape):
    """What an account used in one stretch of time, and what was used below it."""

    start_at: datetime
    end_at: datetime
    model: Annotated[str | None, Field(description="Where usage is told apart by model.")]
    api_key: Annotated[
        str | None, Field(description="A key's prefix, where it is told apart by key; empty for no key.")
    ]
    turns: int
    refused: Annotated[
        int | None,
        Field(description="Calls that were turned away; by day and month, where nothing is told apart."),
    ]
    tokens: int
    tokens_input: int
    tokens_output: int
    charged: Annotated[Amount, Field(description="Less what was refunded.")]


class UsagePart(Shape):
    """The sum over all stretches: of one model, of one API key, or of everything."""

    model: str | None
    api_key: str | None
    turns: int
    tokens: int
    tokens_input: int
    tokens_output: int
    charged: Amount


class AccountUsage(Shape):
    """The oldest stretch first."""

    items: list[UsageLine]
    time_zone: Annotated[str, Field(description="By whose clock time is cut.", examples=["Asia/Seoul"])]
    starts: Annotated[list[datetime], Field(description="When each stretch begins, used or not.")]
    parts: Annotated[list[UsagePart], Field(description="Each model or key, the most charged first.")]
    total: UsagePart


@router.get("/{ref}/usage")
async def show_account_usage(
    ref: Ref,
    caller: User,
    house: House,
    every: Every = "day",
    last: Last = 30,
    by: Annotated[Part, Query(description="What is told apart.")] = "all",
    model: Annotated[str | None, Query(max_length=200, description="This model alone.")] = None,
    key: Annotated[
        str | None, Query(max_length=200, description="What was used with the API key of this prefix alone.")
    ] = None,
    since: Annotated[
        Moment | None, Query(description="From the stretch that holds this moment on; then no `last`.")
    ] = None,
    until: Annotated[Moment | None, Query(description="Up to here; otherwise up to now.")] = None,
) -> AccountUsage:
    """Return what an account used, up to this moment or until another.

    Stretches in which nothing was used are there as well, unless usage is told apart by model or by key.
    """
    found = await house.use_between(
        caller.account_of(ref),
        every=every,
        last=last,
        by=by,
        model=model,
        api_key=key,
        since=since,
        until=until,
    )
    unit = unit_of(house)
    return AccountUsage(
        time_zone=found.zone,
        starts=list(found.starts),
        parts=[_part(one, unit) for one in found.parts],
        total=_part(found.total, unit),
        items=[
            UsageLine(
                start_at=one.start_at,
                end_at=one.end_at,
                model=one.model,
                api_key=one.api_key,
                turns=one.turns,
                refused=one.refused,
                tokens=one.tokens,
                tokens_input=one.tokens_input,
                tokens_output=one.tokens_output,
                charged=amount(one.charged, unit),
            )
            for one in found.lines
        ],
    )


@router.get("/{ref}/forecast")
async def show_account_forecast(ref: Ref, caller: User, house: House) -> Forecast:
    """Return when an account's credit will be used up, with a range, if none is added.

    An account that draws on one above it is told about that one's credit.
    """
    return shown_outlook(await house.forecast(caller.account_of(ref)), unit_of(house))


def _part(part: UsePart, unit: Unit) -> UsagePart:
    """Return a sum as the API says it."""
    return UsagePart(
        model=part.model,
        api_key=part.api_key,
        turns=part.turns,
        tokens=part.tokens,
        tokens_input=part.tokens_input,
        tokens_output=part.tokens_output,
        charged=amount(part.charged, unit),
    )
