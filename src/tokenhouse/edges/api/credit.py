"""Credit: what an account was given and still has; giving, taking back, correcting, refunding a charge."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import House, IdempotencyKey, Operator, User
from tokenhouse.edges.api.shapes import AN_ID, Amount, Digits, Moment, Reason, Shape, amount, parsed
from tokenhouse.flow.fund import Source
from tokenhouse.flow.settle import Receipt as Moved

router = APIRouter(prefix="/api/v1/accounts/{ref}", tags=["credit"])

Operation = Annotated[str, Path(max_length=36, description="Its id.", examples=[AN_ID])]


class Grant(Shape):
    """Credit that an account still has: one lot, and the line of the journal that made it."""

    id: Annotated[
        str, Field(description="By this it is taken back; empty for what no grant gave: an allowance.")
    ]
    seq: Annotated[int, Field(description="The number of the entry that made it.")]
    kind: Annotated[str, Field(examples=["grant", "allowance", "signup", "rollover", "refund"])]
    source: Annotated[str, Field(examples=["purchase"])]
    given: Amount
    left: Amount
    priority: int
    granted_at: datetime | None
    expires_at: datetime | None
    note: str


class Grants(Shape):
    """The credit that an account still has, the oldest first."""

    items: list[Grant]


class NewGrant(Shape):
    """Credit to be given. Open debt is repaid from it first."""

    amount: Digits
    source: Source = "bonus"
    priority: Annotated[int, Field(ge=0, le=1_000, description="Lower is drawn first.")] = 0
    expires_at: Annotated[Moment | None, Field(description="Null: never.")] = None
    reason: Reason


class Movement(Shape):
    """How much is moved, and why."""

    amount: Digits
    reason: Reason


class Correction(Shape):
    """By how much a balance is corrected: up, or with a minus down."""

    amount: Annotated[Digits, Field(examples=["-250"])]
    reason: Reason


class Standing(Shape):
    """Where the account stood afterwards, in short."""

    remaining: Amount
    available: Amount
    used_percent: float
    level: Annotated[str, Field(examples=["normal", "buy", "warning", "critical", "blocked"])]


class Receipt(Shape):
    """What an operation moved."""

    id: Annotated[str, Field(description="The operation's id.")]
    account: str
    amount: Amount
    uncovered: Annotated[Amount, Field(description="The part of it that no credit covered: debt, mostly.")]
    written_off: Annotated[Amount, Field(description="The part of a claw-back that nobody owes.")]
    replayed: Annotated[
        bool, Field(description="True: it had happened before, and this is its first answer.")
    ]
    balance: Standing


@router.get("/grants")
async def list_grants(ref: Ref, caller: User, house: House) -> Grants:
    """List the credit that an account still has, each with the id by which it can be taken back."""
    unit, found = await house.grants(caller.account_of(ref))
    return Grants(
        items=[
            Grant(
                id=one.id,
                seq=one.seq,
                kind=one.kind,
                source=one.source,
                given=amount(one.given, unit),
                left=amount(one.left, unit),
                priority=one.priority,
                granted_at=one.granted_at,
                expires_at=one.expires_at,
                note=one.note,
            )
            for one in found
        ]
    )


@router.post("/grants", status_code=201)
async def give_grant(
    ref: Ref, asked: NewGrant, caller: Operator, house: House, key: IdempotencyKey = None
) -> Receipt:
    """Give credit to an account, as a lot of its own."""
    account = caller.account_of(ref)
    with caller.moving(house, "account.grant", account, reason=asked.reason, source=asked.source):
        moved = await house.grant(
            account,
            parsed(asked.amount, house),
            source=asked.source,
            priority=asked.priority,
            expires_at=asked.expires_at,
            key=key,
            actor=caller.actor,
            note=asked.reason,
        )
    return shown(moved)


@router.post("/grants/{grant}/claw-back")
async def claw_back_grant(
    ref: Ref, grant: Operation, asked: Movement, caller: Operator, house: House, key: IdempotencyKey = None
) -> Receipt:
    """Take back what is unspent of a grant; the rest becomes debt or is written off, as the plan says."""
    account = caller.account_of(ref)
    with caller.moving(house, "account.claw_back", account, reason=asked.reason, grant=grant):
        moved = await house.claw_back(
            account,
            grant,
            parsed(asked.amount, house),
            key=key,
            actor=caller.actor,
            note=asked.reason,
        )
    return shown(moved)


@router.post("/adjustments", status_code=201)
async def adjust_balance(
    ref: Ref, asked: Correction, caller: Operator, house: House, key: IdempotencyKey = None
) -> Receipt:
    """Correct a balance by hand, up or down. The journal keeps who did it and why."""
    account = caller.account_of(ref)
    with caller.moving(house, "account.adjust", account, reason=asked.reason):
        moved = await house.adjust(
            account,
            parsed(asked.amount, house),
            key=key,
            actor=caller.actor,
            note=asked.reason,
        )
    return shown(moved)


@router.post("/charges/{charge}/refunds", status_code=201)
async def refund_charge(
    ref: Ref, charge: Operation, asked: Movement, caller: Operator, house: House, key: IdempotencyKey = None
) -> Receipt:
    """Give back a charge, wholly or in part; never more than was charged."""
    account = caller.account_of(ref)
    with caller.moving(house, "account.refund", account, reason=asked.reason, charge=charge):
        moved = await house.refund(
            account,
            charge,
            parsed(asked.amount, house),
            key=key,
            actor=caller.actor,
            note=asked.reason,
        )
    return shown(moved)


def shown(moved: Moved) -> Receipt:
    """Return a receipt as the API says it."""
    view = moved.balance
    unit = view.unit
    return Receipt(
        id=moved.id,
        account=moved.account,
        amount=amount(moved.amount, unit),
        uncovered=amount(moved.uncovered, unit),
        written_off=amount(moved.written_off, unit),
        replayed=moved.replayed,
        balance=Standing(
            remaining=amount(view.remaining, unit),
            available=amount(view.available, unit),
            used_percent=view.used_percent,
            level=view.level,
        ),
    )
