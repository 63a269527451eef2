"""Shapes of what is bought: money, an order, and what an order's end moved."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from tokenhouse.edges.api.shapes import Amount, Shape, amount, unit_of
from tokenhouse.flow.orders import RefundPreview
from tokenhouse.flow.settle import Receipt
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.shop import Currency, money
from tokenhouse.store.orders import Order as Stored
from tokenhouse.store.orders import State, Type


class Money(Shape):
    """An amount of money in whole minor units of its currency: won, yen, cents."""

    minor: Annotated[int, Field(examples=[9900])]
    currency: Currency
    shown: Annotated[str, Field(examples=["₩9,900"], description="As a person reads it.")]


class Order(Shape):
    """One order: what was bought or given, for how much, and how it ended."""

    id: str
    account: str
    type: Type
    state: State
    credit: Amount
    bonus: Annotated[Amount, Field(description="The part of `credit` that came on top.")]
    price: Annotated[Money, Field(description="What is paid: after the discount.")]
    discount: Money
    refunded: Annotated[Money, Field(description="The total of its refunds.")]
    credit_taken_back: Annotated[
        Amount, Field(description="The credit that its refunds asked back, spent or not.")
    ]
    package: str
    quantity: int
    coupon: str
    provider: Annotated[str, Field(examples=["callback", "stripe", "toss", "manual", "coupon", ""])]
    payment: Annotated[str, Field(description="What the provider calls its payment.")]
    method: str
    subscription: Annotated[str, Field(description="The subscription that it is a period of.")]
    created_at: datetime
    completed_at: datetime | None
    ended_at: datetime | None
    ended_by: str
    reason: str
    note: str


class TakenBack(Shape):
    """What a refund took back: unspent credit, and of the rest what is now owed and what is written off."""

    asked: Amount
    unspent: Annotated[Amount, Field(description="Credit that was still there.")]
    debt: Annotated[Amount, Field(description="Spent credit that the account now owes: its plan says so.")]
    written_off: Annotated[Amount, Field(description="Spent credit that nobody owes: its plan says so.")]


def money_of(minor: int, currency: str) -> Money:
    """Return an amount of money as the API says it."""
    return Money(minor=minor, currency=currency, shown=money(minor, currency))  # type: ignore[arg-type]


def shown(one: Stored, house: Tokenhouse) -> Order:
    """Return an order as the API says it."""
    unit = unit_of(house)
    return Order(
        id=one.id,
        account=one.ref,
        type=one.type,  # type: ignore[arg-type]  # A constraint of its column says so.
        state=one.state,  # type: ignore[arg-type]
        credit=amount(one.credit, unit),
        bonus=amount(one.bonus, unit),
        price=money_of(one.price_minor, one.currency),
        discount=money_of(one.discount_minor, one.currency),
        refunded=money_of(one.refunded_minor, one.currency),
        credit_taken_back=amount(one.refunded_credit, unit),
        package=one.package,
        quantity=one.quantity,
        coupon=one.coupon,
        provider=one.provider,
        payment=one.provider_ref or one.transaction_id,
        method=one.method,
        subscription=one.subscription,
        created_at=one.created_at,
        completed_at=one.completed_at,
        ended_at=one.ended_at,
        ended_by=one.ended_by,
        reason=one.reason,
        note=one.note,
    )


def taken_back(receipt: Receipt | RefundPreview, house: Tokenhouse) -> TakenBack:
    """Return what a claw-back came to, or would come to."""
    unit = unit_of(house)
    return TakenBack(
        asked=amount(receipt.amount, unit),
        unspent=amount(receipt.amount - receipt.uncovered - receipt.written_off, unit),
        debt=amount(receipt.uncovered, unit),
        written_off=amount(receipt.written_off, unit),
    )
