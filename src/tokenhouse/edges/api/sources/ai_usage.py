"""The chat's usage: what the usage card shows of its user, and a way to bring a test account near its end."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field

from tokenhouse.edges.api.caller import House, Operator, User
from tokenhouse.edges.api.near_end import Warned, warning
from tokenhouse.edges.api.shapes import CamelShape
from tokenhouse.edges.api.sources.names import UserId, ref_of, user_id
from tokenhouse.edges.headers import WARNED
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.report import BalanceView
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.alerts import Level

router = APIRouter(prefix="/api/ai-usage", tags=["sources"])

OFFERED: Final = ("buy", *WARNED)


class AiUsage(CamelShape):
    """Where the caller stands. Amounts are whole numbers of the deployment's smallest unit."""

    user_id: UserId
    plan: str
    used_tokens: Annotated[int, Field(description="Used in this period.")]
    free_tokens: Annotated[int, Field(description="Given by the plan for this period.")]
    purchased_tokens: Annotated[int, Field(description="Bought in all, less what was refunded.")]
    purchased_tokens_left: int
    available_tokens: Annotated[int, Field(description="All that this period has to offer, used or not.")]
    remaining_tokens: int
    usage_percent: float
    total_turns: int
    total_tokens: Annotated[int, Field(description="Used since the account was opened.")]
    average_tokens_per_turn: int | None
    estimated_turns: Annotated[int | None, Field(description="Turns that are left, as the last ones went.")]
    state: Annotated[Level, Field(description="One of the card's five states.")]
    chat_enabled: bool
    show_purchase: bool
    purchase_url: str | None
    warning: Warned | None
    monthly_reset_date: Annotated[datetime | None, Field(description="When the next allowance comes.")]


class Rehearsal(CamelShape):
    """Which account is to stand where."""

    user_id: UserId
    usage_percent: Annotated[Decimal, Field(ge=0, le=200, max_digits=6, examples=[90])]


@router.get("")
async def show_ai_usage(caller: User, house: House) -> AiUsage:
    """Return the caller's usage card: used, bought, left, turns, and which of the five states that is.

    A caller without an account of its own, an operator's key, asks `/api/v1/accounts/{ref}/balance` instead.
    """
    if not caller.account:
        raise InvalidInput("caller_without_account", field="userId", value="")
    return await shown(house, await house.balance(caller.account))


@router.post("/test-usage", responses={403: {"description": "Not in production, and operators only."}})
async def rehearse_usage(asked: Rehearsal, caller: Operator, house: House) -> AiUsage:
    """Bring an account to a used share by entries of its journal, so that warnings can be tried.

    More use is a charge, less use gives back the newest charges of the period. In production it is refused.
    Idempotent: an account that stands there already gets no entry.
    """
    ref = ref_of(asked.user_id)
    with caller.moving(house, "account.rehearse", ref, percent=f"{asked.usage_percent:f}"):
        stands = await house.rehearse(ref, asked.usage_percent, actor=caller.actor)
    return await shown(house, stands)


async def shown(house: Tokenhouse, view: BalanceView) -> AiUsage:
    """Return where an account stands as the usage card has it."""
    url = house.desk.settings.purchase_url
    free = sum(lot.amount for lot in view.lots if lot.source == "allowance")
    return AiUsage(
        user_id=user_id(view.account),
        plan=view.plan,
        used_tokens=view.used,
        free_tokens=free,
        purchased_tokens=view.bought,
        purchased_tokens_left=view.bought_left,
        available_tokens=max(view.used + view.available + view.held, 0),
        remaining_tokens=view.remaining,
        usage_percent=view.used_percent,
        total_turns=view.turns,
        total_tokens=view.used_total,
        average_tokens_per_turn=round(view.used_total / view.turns) if view.turns else None,
        estimated_turns=view.estimated_turns,
        state=view.level,
        chat_enabled=view.level != "blocked" and view.state == "active",
        show_purchase=view.level in OFFERED,
        purchase_url=url,
        warning=await warning(house, view),
        monthly_reset_date=view.period_end_at,
    )
