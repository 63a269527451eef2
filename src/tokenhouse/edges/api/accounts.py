"""Accounts: who pays, and where they stand."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from tokenhouse.edges.api.caller import House, User
from tokenhouse.edges.api.shapes import Amount, Shape, amount
from tokenhouse.flow.report import BalanceView
from tokenhouse.rules.alerts import Level

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])

Ref = Annotated[
    str, Path(max_length=255, description="The account's outside name; `me` is the caller's own.")
]


class Lot(Shape):
    """Credit with an origin and perhaps an end."""

    source: str
    left: Amount
    given: Amount
    expires_at: datetime | None


class Balance(Shape):
    """Where an account stands."""

    account: str
    plan: str
    state: Annotated[str, Field(examples=["active", "suspended", "closed"])]
    remaining: Amount
    available: Amount
    spendable: Amount
    held: Amount
    debt: Amount
    used: Amount
    used_percent: float
    level: Level
    estimated_turns: Annotated[int | None, Field(description="Turns that are left, as the last ones went.")]
    period_start_at: datetime | None
    period_end_at: datetime | None
    lots: list[Lot]


@router.get("/{ref}/balance")
async def balance(ref: Ref, caller: User, house: House) -> Balance:
    """Return where an account stands now."""
    return shown(await house.balance(caller.account_of(ref)))


def shown(view: BalanceView) -> Balance:
    """Return a balance as the API says it."""
    unit = view.unit
    return Balance(
        account=view.account,
        plan=view.plan,
        state=view.state,
        remaining=amount(view.remaining, unit),
        available=amount(view.available, unit),
        spendable=amount(view.spendable, unit),
        held=amount(view.held, unit),
        debt=amount(view.debt, unit),
        used=amount(view.used, unit),
        used_percent=view.used_percent,
        level=view.level,
        estimated_turns=view.estimated_turns,
        period_start_at=view.period_start_at,
        period_end_at=view.period_end_at,
        lots=[
            Lot(
                source=lot.source,
                left=amount(lot.left, unit),
                given=amount(lot.amount, unit),
                expires_at=lot.expires_at,
            )
            for lot in view.lots
        ],
    )
