"""Usage of one account: hour by hour, day by day, month by month; by model, by API key; and its forecast."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import House, User
from tokenhouse.edges.api.shapes import Amount, Shape, amount, unit_of
from tokenhouse.edges.api.trends import Every, Forecast, Last, shown_outlook

router = APIRouter(prefix="/api/v1/accounts", tags=["usage"])


class Usage(Shape):
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


class AccountUsage(Shape):
    """The oldest stretch first."""

    items: list[Usage]


@router.get("/{ref}/usage")
async def show_account_usage(
    ref: Ref,
    caller: User,
    house: House,
    every: Every = "day",
    last: Last = 30,
    by: Annotated[Literal["all", "model", "key"], Query(description="What is told apart.")] = "all",
) -> AccountUsage:
    """Return what an account used, up to this moment.

    Stretches in which nothing was used are there as well, unless usage is told apart by model or by key.
    """
    found = await house.usage(caller.account_of(ref), every=every, last=last, by=by)
    unit = unit_of(house)
    return AccountUsage(
        items=[
            Usage(
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
            for one in found
        ]
    )


@router.get("/{ref}/forecast")
async def show_account_forecast(ref: Ref, caller: User, house: House) -> Forecast:
    """Return when an account's credit will be used up, with a range, if none is added.

    An account that draws on one above it is told about that one's credit.
    """
    return shown_outlook(await house.forecast(caller.account_of(ref)), unit_of(house))
