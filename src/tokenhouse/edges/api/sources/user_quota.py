"""The back end's quota: a user's month, the months before it, and credit added by hand.

A back end shows the key of an operator and names the user in `x-user-id`: there the header is an argument.
Shown alone, it names the caller itself, and is believed only from a peer that proves itself
(`[trusted_header]`).
"""

from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Query
from pydantic import Field

from tokenhouse import messages
from tokenhouse.edges.api.caller import Caller, House, IdempotencyKey, Operator, User
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.edges.api.sources.names import UserId, user_id
from tokenhouse.errors import InvalidInput, KeyReused, NotFound
from tokenhouse.flow import audited
from tokenhouse.flow.fund import Price
from tokenhouse.flow.months import Month, Months
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.alerts import percent_of
from tokenhouse.rules.amounts import AMOUNT_MAX, show
from tokenhouse.rules.shop import DECIMALS, Currency
from tokenhouse.store.orders import Order, Type

router = APIRouter(prefix="/api/v1/user-quota", tags=["sources"])

HISTORY_MAX: Final = 120
METHOD: Final = "by hand"
"""How an order was paid that names no other way."""


class UserQuota(Shape):
    """A user's month. `allocated_quota` is all that it has to offer: so used + remaining = allocated."""

    user_id: UserId
    plan_month: Annotated[date, Field(description="The month's first day, by the account's calendar.")]
    allocated_quota: int
    used_tokens: int
    remaining_tokens: int
    purchased_tokens: Annotated[int, Field(description="Bought in this month; part of what is allocated.")]
    usage_percentage: float
    is_quota_exceeded: bool
    created_at: datetime
    updated_at: datetime


class MonthUsed(Shape):
    """One month of the history."""

    plan_month: date
    allocated_quota: int
    used_tokens: int
    remaining_tokens: int
    purchased_tokens: int
    usage_percentage: float


class Summary(Shape):
    """The months added up; the average is that of their percentages."""

    total_allocated: int
    total_used: int
    total_purchased: int
    average_usage_percentage: float


class UsageHistory(Shape):
    """The last months, this one first; none from before the account was opened."""

    user_id: UserId
    total_months: int
    usage_history: list[MonthUsed]
    summary: Summary


class NewTokens(Shape):
    """What to add, and why."""

    token_amount: Annotated[int, Field(ge=1, le=AMOUNT_MAX, examples=[5000])]
    purchase_type: Type = "purchase"
    reason: Annotated[str, Field(max_length=1_000, examples=["Customer service compensation"])] = ""
    payment_method: Annotated[str, Field(max_length=40)] = ""
    amount: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2, examples=["5000"])] = Decimal(0)
    currency: Currency = "KRW"
    transaction_id: Annotated[str, Field(max_length=100)] = ""


class PurchaseRecord(Shape):
    """The order behind added tokens."""

    id: str
    user_id: UserId
    plan_month: date
    token_amount: int
    purchase_type: Annotated[str, Field(examples=["purchase", "bonus", "refund"])]
    payment_method: str | None
    amount: Annotated[str, Field(description="The price, in the currency itself.", examples=["5000", "9.99"])]
    currency: str
    status: Annotated[str, Field(examples=["pending", "completed", "failed", "refunded"])]
    transaction_id: str | None
    reason: str
    processed_at: datetime | None
    created_at: datetime


class AddedTokens(Shape):
    """Tokens are there: where the user stands now, and the record of it."""

    success: Literal[True] = True
    message: str
    user_quota: UserQuota
    purchase_record: PurchaseRecord


UserHeader = Annotated[
    str | None,
    Header(
        alias="x-user-id",
        max_length=200,
        description="Which user; a caller with an account of its own may leave it out.",
        examples=["123"],
    ),
]


async def subject(caller: User, x_user_id: UserHeader = None) -> str:
    """Return which user a request is about. Raises: Forbidden for somebody else's, InvalidInput for none."""
    return _named(caller, x_user_id)


async def subject_of_operator(caller: Operator, x_user_id: UserHeader = None) -> str:
    """Return which user an operator's request is about."""
    return _named(caller, x_user_id)


def _named(caller: Caller, named: str | None) -> str:
    """Return the account that a header names to this caller, or its own."""
    if named:
        return caller.account_of(named)
    if not caller.account:
        raise InvalidInput("user_unnamed", field="x-user-id", value="")
    return caller.account


Subject = Annotated[str, Depends(subject)]
SubjectOfOperator = Annotated[str, Depends(subject_of_operator)]
MonthsAsked = Annotated[int, Query(ge=1, le=HISTORY_MAX, description="How many months, this one included.")]


@router.get("/quota")
async def show_user_quota(ref: Subject, caller: User, house: House) -> UserQuota:
    """Return a user's month: allocated, used, remaining, bought.

    A user who is new here gets an account, if whoever asks may open one: the user itself, or an operator.
    """
    return _quota(ref, await _months(house, ref, 1, caller))


@router.get("/usage-history")
async def list_usage_history(
    ref: Subject, caller: User, house: House, months: MonthsAsked = 3
) -> UsageHistory:
    """Return a user's last months, and what they add up to."""
    found = (await _months(house, ref, months, caller)).months
    lines = [MonthUsed(**_figures(one)) for one in found]
    return UsageHistory(
        user_id=user_id(ref),
        total_months=len(lines),
        usage_history=lines,
        summary=Summary(
            total_allocated=sum(one.allocated for one in found),
            total_used=sum(one.used for one in found),
            total_purchased=sum(one.bought for one in found),
            average_usage_percentage=_mean([one.used_percent for one in found]),
        ),
    )


@router.post("/add-tokens")
async def add_tokens(
    asked: NewTokens, ref: SubjectOfOperator, caller: Operator, house: House, key: IdempotencyKey = None
) -> AddedTokens:
    """Add tokens to a user by hand: bought, as a bonus, or as a refund; an order records it.

    Operators only: a user cannot give itself credit. Under an Idempotency-Key, or a `transaction_id`, tokens
    are added once.
    """
    await _opened(house, ref, caller)
    with caller.changing(house, "order.open", ref, _told, reason=asked.reason):
        opened = await _ordered(house, ref, asked, key)
    facts = {"order": opened.id, "type": opened.type}
    with caller.moving(house, "account.grant", ref, reason=asked.reason, **facts):
        order = await _completed(house, ref, opened, caller)
    found = await house.months(ref, count=1)
    amount = show(asked.token_amount, found.balance.unit)
    return AddedTokens(
        message=messages.say(f"add_tokens.{asked.purchase_type}", caller.locale, amount=amount),
        user_quota=_quota(ref, found),
        purchase_record=_record(ref, order, found.months[0].first_day),
    )


async def _months(house: Tokenhouse, ref: str, count: int, caller: Caller) -> Months:
    """Return a user's months; one that is new here is opened by itself and by operators."""
    try:
        return await house.months(ref, count=count)
    except NotFound as no:
        if no.reason != "account_unknown" or caller.role == "auditor":
            raise
    await _opened(house, ref, caller)
    return await house.months(ref, count=count)


async def _opened(house: Tokenhouse, ref: str, caller: Caller) -> None:
    """Open a user's account if it is new; what an operator opens stands in the audit log."""
    with caller.deciding(house, "account.open", ref, audited.account):
        await house.account(ref, actor=caller.actor)


def _told(order: Order) -> dict[str, Any]:
    return {"order": order.id, **audited.order(order)}


async def _ordered(house: Tokenhouse, ref: str, asked: NewTokens, key: str | None) -> Order:
    """Return the order behind added tokens; under the same key or payment it is the first one."""
    minor = asked.amount.scaleb(DECIMALS[asked.currency])
    if minor != int(minor):
        raise InvalidInput("price_too_fine", field="amount", value=str(asked.amount), currency=asked.currency)
    repeat = f"key {blake2b(f'{ref} {key}'.encode(), digest_size=16).hexdigest()}" if key else ""
    price = Price(
        minor=int(minor),
        currency=asked.currency,
        method=asked.payment_method or METHOD,
        transaction_id=asked.transaction_id or repeat,
    )
    try:
        return await house.order(
            ref, asked.token_amount, order_type=asked.purchase_type, price=price, note=asked.reason
        )
    except InvalidInput as no:
        if no.reason == "order_differs" and price.transaction_id == repeat:
            raise KeyReused(**no.facts) from None
        raise


async def _completed(house: Tokenhouse, ref: str, order: Order, caller: Caller) -> Order:
    """Return an order with its credit given; where the account may not hold that much, it has failed."""
    try:
        await house.complete_order(ref, order.id, actor=caller.actor)
    except InvalidInput:
        await house.fail_order(ref, order.id)
        raise
    newest = await house.orders(ref, rows_max=1_000)
    return next(one for one in newest if one.id == order.id)


def _quota(ref: str, found: Months) -> UserQuota:
    """Return a user's present month."""
    this, stands = found.months[0], found.balance
    return UserQuota(
        user_id=user_id(ref),
        **_figures(this),
        is_quota_exceeded=stands.level == "blocked",
        created_at=max(this.start_at, found.created_at),
        updated_at=max(this.start_at, found.changed_at),
    )


def _figures(month: Month) -> dict[str, Any]:
    """Return the figures of a month under the names that the document has for them."""
    return {
        "plan_month": month.first_day,
        "allocated_quota": month.allocated,
        "used_tokens": month.used,
        "remaining_tokens": max(month.remaining, 0),
        "purchased_tokens": month.bought,
        "usage_percentage": month.used_percent,
    }


def _record(ref: str, order: Order, month: date) -> PurchaseRecord:
    """Return an order as the record of a purchase."""
    return PurchaseRecord(
        id=order.id,
        user_id=user_id(ref),
        plan_month=month,
        token_amount=order.credit,
        purchase_type=order.type,
        payment_method=order.method or None,
        amount=f"{Decimal(order.price_minor).scaleb(-DECIMALS[order.currency]):f}",
        currency=order.currency,
        status=order.state,
        transaction_id=order.transaction_id or None,
        reason=order.note,
        processed_at=order.ended_at,
        created_at=order.created_at,
    )


def _mean(percents: list[float]) -> float:
    """Return the mean of percentages, to two decimals."""
    return percent_of(sum(round(one * 100) for one in percents), len(percents) * 10_000)
