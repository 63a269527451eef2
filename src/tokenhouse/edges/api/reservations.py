"""Reservations and quotes, as people look at them: what is set aside now, and what a request can cost."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import House, User
from tokenhouse.edges.api.entries import Reckoning, reckoning
from tokenhouse.edges.api.shapes import AccountRef, Amount, Shape, amount
from tokenhouse.rules.usage import TOKENS_MAX, Usage

router = APIRouter(prefix="/api/v1", tags=["calls"])

Count = Annotated[int, Field(ge=0, le=TOKENS_MAX)]


class OpenReservation(Shape):
    """Credit that is set aside for a call under way."""

    id: str
    held: Amount
    tokens: int
    model: str
    api_key: Annotated[str, Field(description="The id of the key by whose limits it counts, if any.")]
    reserved_at: datetime
    lapses_at: datetime | None


class OpenReservations(Shape):
    """All that is set aside for calls of one account, the oldest first."""

    items: list[OpenReservation]


class TokenCounts(Shape):
    """Tokens by kind, each counted in exactly one."""

    input: Count = 0
    cached_input: Count = 0
    cache_write: Count = 0
    cache_write_1h: Count = 0
    output: Count = 0
    reasoning: Count = 0
    audio_input: Count = 0
    audio_output: Count = 0


class QuoteWanted(Shape):
    """A request that somebody thinks of: its input, and its output at the cap."""

    account: AccountRef
    model: Annotated[str, Field(max_length=200, examples=["gpt-4o"])] = ""
    usage: TokenCounts
    expected: Annotated[
        TokenCounts | None, Field(description="What it will use, where the plan reserves that.")
    ] = None


class Quote(Shape):
    """The most that a request can cost, and whether the account can pay that now."""

    account: str
    model: str
    amount: Annotated[Amount, Field(description="What would be set aside.")]
    least: Annotated[Amount, Field(description="With its output capped, as little as this would do.")]
    input_charge: Annotated[Amount, Field(description="What it costs if only its input is used.")]
    tokens: int
    affordable: Annotated[bool, Field(description="Whether `amount` is free now.")]
    reckoning: Reckoning


@router.get("/accounts/{ref}/reservations")
async def list_reservations(ref: Ref, caller: User, house: House) -> OpenReservations:
    """List the open reservations of an account, the oldest first."""
    unit, found = await house.open_reservations(caller.account_of(ref))
    return OpenReservations(
        items=[
            OpenReservation(
                id=one.id,
                held=amount(one.held, unit),
                tokens=one.tokens,
                model=one.model,
                api_key=one.api_key,
                reserved_at=one.reserved_at,
                lapses_at=one.lapses_at,
            )
            for one in found
        ]
    )


@router.post("/quotes")
async def quote_call(asked: QuoteWanted, caller: User, house: House) -> Quote:
    """Return the most that a request can cost an account, and how that comes about. Changes nothing."""
    account = caller.account_of(asked.account)
    usage = Usage(**asked.usage.model_dump())
    expected = None if asked.expected is None else Usage(**asked.expected.model_dump())
    found = await house.quote(account, asked.model, usage, expected=expected)
    explained = await house.explain(account, asked.model, usage)
    standing = await house.balance(account)
    unit = standing.unit
    return Quote(
        account=account,
        model=asked.model,
        amount=amount(found.amount, unit),
        least=amount(found.least, unit),
        input_charge=amount(found.input_charge, unit),
        tokens=found.tokens,
        affordable=found.amount <= standing.spendable,
        reckoning=reckoning(explained, unit, "", 0),
    )
