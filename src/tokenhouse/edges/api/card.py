"""The usage card on other people's pages: a token of some minutes, and what it opens.

A site's back end asks for the token, its page shows the card with it. It is safe in a browser: it opens one
account's card, nothing else, and soon nothing at all.
"""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Body, Request
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import House, User
from tokenhouse.edges.api.marks import ANY_SITE
from tokenhouse.edges.api.shapes import Amount, Shape, amount
from tokenhouse.edges.credentials import bearer
from tokenhouse.errors import Unauthenticated
from tokenhouse.flow.card_tokens import MINUTES, MINUTES_MAX
from tokenhouse.rules.alerts import Level

router = APIRouter(tags=["card"])

BUY: Final = "/app/buy"


class CardWanted(Shape):
    """For how long a page shows the card before it asks for another token."""

    minutes: Annotated[int, Field(ge=1, le=MINUTES_MAX)] = MINUTES


class CardToken(Shape):
    """A token for `<tokenhouse-card>`."""

    token: Annotated[str, Field(examples=["tc_WyJhbGljZSIsMTc5NTIxNDQwMDAwMDAwMF0.5bq…"])]
    expires_at: datetime


class Card(Shape):
    """What the usage card shows."""

    plan: str
    plan_title: Annotated[str, Field(description="What people call the plan.", examples=["Chat tokens"])]
    state: Annotated[str, Field(examples=["active", "suspended", "closed"])]
    level: Annotated[Level, Field(description="One of the card's five states.")]
    remaining: Amount
    used: Amount
    used_percent: float
    estimated_turns: int | None
    period_end_at: datetime | None
    time_zone: str
    purchase_url: Annotated[str, Field(description="Where more is bought.")]
    expires_at: Annotated[datetime, Field(description="When the token ends.")]


@router.post("/api/v1/accounts/{ref}/card-tokens", status_code=201)
async def create_card_token(
    ref: Ref, caller: User, house: House, asked: Annotated[CardWanted, Body(default_factory=CardWanted)]
) -> CardToken:
    """Make a token that shows an account's usage card on any site. It cannot be revoked, so it ends soon."""
    made = await house.card_token(caller.account_to_change(ref), minutes=asked.minutes)
    return CardToken(token=made.token, expires_at=made.expires_at)


@router.get(
    "/api/v1/card",
    responses={401: {"description": "The token is unknown, or has ended."}},
    openapi_extra={ANY_SITE: True},
)
async def show_card(request: Request, house: House) -> Card:
    """Return what the usage card shows, to whoever brings a card token as `Authorization: Bearer tc_…`.

    Pages of every site may ask this (CORS): the token alone says whose card it is.
    """
    token = bearer(request.scope)
    if token is None:
        raise Unauthenticated("card_token_unknown")
    ref, expires_at = await house.card_account(token)
    view, settings = await house.balance(ref), house.desk.settings
    return Card(
        plan=view.plan,
        plan_title=view.plan_title,
        state=view.state,
        level=view.level,
        remaining=amount(view.remaining, view.unit),
        used=amount(view.used, view.unit),
        used_percent=view.used_percent,
        estimated_turns=view.estimated_turns,
        period_end_at=view.period_end_at,
        time_zone=settings.time_zone,
        purchase_url=settings.purchase_url or settings.place + BUY,
        expires_at=expires_at,
    )
