"""Coupons: codes that give credit or take something off a price, and redeeming one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import Auditor, House, IdempotencyKey, Operator, User
from tokenhouse.edges.api.money import Money, money_of
from tokenhouse.edges.api.shapes import (
    Amount,
    Cursor,
    Digits,
    Limit,
    Moment,
    Page,
    Reason,
    Shape,
    amount,
    parsed,
    unit_of,
)
from tokenhouse.edges.api.sheets import csv_answer
from tokenhouse.flow import audited
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.packages import find_coupon
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import digits
from tokenhouse.rules.notices import percents
from tokenhouse.rules.plans import POINTS
from tokenhouse.store.orders import State as OrderState
from tokenhouse.store.shop import Coupon as Stored
from tokenhouse.store.shop import Redemption as Used
from tokenhouse.store.shop import State

router = APIRouter(prefix="/api/v1", tags=["coupons"])

Wanted = Annotated[State | None, Query(description="Only those in a state.")]
Search = Annotated[str, Query(max_length=100, description="Only those whose code or note holds this.")]
InPath = Annotated[
    str,
    Path(
        max_length=100,
        description="The code; dashes and small letters do not matter.",
        examples=["WELCOME-2026"],
    ),
]
COLUMNS: Final = (
    "code",
    "state",
    "credit",
    "discount_percent",
    "credit_days",
    "uses",
    "uses_max",
    "valid_from",
    "valid_until",
    "note",
    "created_at",
    "created_by",
    "ended_at",
)
"""What a sheet of coupons says of each."""
SHEET_ROWS: Final = 1_000
"""Coupons that are read for a sheet at once."""
Code = Annotated[str, Field(min_length=4, max_length=100, examples=["WELCOME-2026"])]


class Coupon(Shape):
    """A code, what it is good for, and how often it was used. Each account can use it once."""

    code: str
    state: State
    credit: Amount
    discount: Annotated[float, Field(description="Share of the price that it takes off.", examples=[0.2])]
    discount_percent: Annotated[str, Field(examples=["20"], description="The same in percent.")]
    credit_days: Annotated[int, Field(description="For how many days its credit lives; 0 is for ever.")]
    uses: int
    uses_max: Annotated[int | None, Field(description="Null: any number of accounts.")]
    valid_from: datetime
    valid_until: datetime | None
    plans: list[str]
    packages: list[str]
    note: str
    created_at: datetime
    created_by: str
    ended_at: datetime | None


class Coupons(Shape):
    """Coupons that were just made."""

    items: list[Coupon]


class NewCoupons(Shape):
    """Coupons to be made: one with a code of its own, or several whose codes nobody guesses."""

    code: Annotated[
        Code | None, Field(description="Null: a code that nobody guesses.", examples=["WELCOME-2026"])
    ] = None
    count: Annotated[int, Field(ge=1, le=1_000)] = 1
    credit: Annotated[
        Digits | None, Field(description="Credit that it gives; or else a discount.", examples=["5000"])
    ] = None
    discount: Annotated[
        str,
        Field(
            max_length=20,
            description="What it takes off a price: a share such as `0.20`, or percent: `20%`.",
        ),
    ] = "0"
    credit_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    uses_max: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="Null: any number.")] = 1
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    plans: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    packages: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    note: Annotated[str, Field(max_length=1_000)] = ""


class CouponEnd(Shape):
    """Why a coupon ends."""

    reason: Reason


class CouponUse(Shape):
    """An account that used a coupon, and the order that it was used for."""

    account: str
    order: str
    at: datetime
    state: Annotated[OrderState, Field(description="Where the order stands; a failed one gives it back.")]
    credit: Annotated[Amount, Field(description="The credit of the order.")]
    price: Annotated[Money, Field(description="What was paid, after the discount.")]
    discount: Annotated[Money, Field(description="What the coupon took off.")]


class Redemption(Shape):
    """A code to be redeemed; spaces, dashes and small letters do not matter."""

    code: Code


class Redeemed(Shape):
    """What a coupon gave, and where the account then stood."""

    account: str
    order: str
    credit: Amount
    replayed: bool
    remaining: Amount


@router.get("/coupons")
async def list_coupons(
    _: Auditor,
    house: House,
    state: Wanted = None,
    search: Search = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Coupon]:
    """List coupons in order of their code. For auditors."""
    found = await house.coupons(after=cursor or "", state=state or "", search=search, rows_max=limit)
    more = found[-1].code if len(found) == limit else None
    return Page[Coupon](items=[shown(one, house) for one in found], next=more)


@router.get(
    "/coupons.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_coupons(
    _: Auditor, house: House, state: Wanted = None, search: Search = ""
) -> StreamingResponse:
    """Return coupons as CSV in order of their code, all or those that are wanted. For auditors."""

    async def page(after: str) -> list[Stored]:
        return await house.coupons(after=after, state=state or "", search=search, rows_max=SHEET_ROWS)

    first = await page("")  # What is wrong with the question is said before the answer begins.

    async def lines() -> AsyncIterator[list[str]]:
        found = first
        while found:
            for one in found:
                yield _cells(one, house)
            found = await page(found[-1].code) if len(found) == SHEET_ROWS else []

    return csv_answer("coupons", COLUMNS, lines())


@router.get("/coupons/{code}/redemptions")
async def list_redemptions(
    code: InPath, _: Auditor, house: House, cursor: Cursor = None, limit: Limit = 20
) -> Page[CouponUse]:
    """List who used a coupon, for which order, and what it brought them; the newest first. For auditors."""
    found = await house.redemptions(code, before=cursor, rows_max=limit)
    more = found[-1].order if len(found) == limit else None
    return Page[CouponUse](items=[_use(one, house) for one in found], next=more)


@router.post("/coupons", status_code=201)
async def create_coupons(asked: NewCoupons, caller: Operator, house: House) -> Coupons:
    """Make coupons. A code that is taken is refused, so that nothing is made twice."""
    async with at_once(house.desk):
        made = await house.write_coupons(
            code=asked.code or "",
            count=asked.count,
            credit=parsed(asked.credit, house, "credit") if asked.credit is not None else 0,
            discount=_share(asked.discount),
            credit_days=asked.credit_days,
            uses_max=asked.uses_max,
            valid_from=asked.valid_from,
            valid_until=asked.valid_until,
            only_plans=asked.plans,
            only_packages=asked.packages,
            note=asked.note,
            actor=caller.actor,
        )
        after = audited.coupons(made, unit_of(house))
        await caller.record(house, "coupon.make", made[0].code, after=after, reason=asked.note)
    return Coupons(items=[shown(one, house) for one in made])


@router.post("/coupons/{code}/end")
async def end_coupon(code: InPath, asked: CouponEnd, caller: Operator, house: House) -> Coupon:
    """End a coupon: nobody can use it any more; what it gave stays. Idempotent."""
    known = (await find_coupon(house.desk, code)).code
    with caller.changing(house, "coupon.end", known, lambda one: {"uses": one.uses}, reason=asked.reason):
        return shown(await house.end_coupon(known), house)


@router.post("/accounts/{ref}/coupons", status_code=201)
async def redeem_coupon(
    ref: Ref, asked: Redemption, caller: User, house: House, key: IdempotencyKey = None
) -> Redeemed:
    """Redeem a coupon that gives credit: once for each account."""
    account = caller.account_to_change(ref)
    with caller.deciding(house, "coupon.redeem", account, lambda one: {"code": one.coupon, "order": one.id}):
        receipt = await house.redeem(account, asked.code, key=key or "")
    unit = unit_of(house)
    return Redeemed(
        account=receipt.account,
        order=receipt.id,
        credit=amount(receipt.amount, unit),
        replayed=receipt.replayed,
        remaining=amount(receipt.balance.remaining, unit),
    )


def shown(one: Stored, house: Tokenhouse) -> Coupon:
    """Return a coupon as the API says it."""
    return Coupon(
        code=one.code,
        state=one.state(house.desk.clock()),  # type: ignore[arg-type]
        credit=amount(one.credit, unit_of(house)),
        discount=one.discount / POINTS,
        discount_percent=percents(one.discount)[0],
        credit_days=one.credit_days,
        uses=one.uses,
        uses_max=one.uses_max,
        valid_from=one.valid_from,
        valid_until=one.valid_until,
        plans=list(one.plans),
        packages=list(one.packages),
        note=one.note,
        created_at=one.created_at,
        created_by=one.actor,
        ended_at=one.ended_at,
    )


def _use(one: Used, house: Tokenhouse) -> CouponUse:
    """Return a use of a coupon as the API says it."""
    return CouponUse(
        account=one.account,
        order=one.order,
        at=one.at,
        state=one.state,  # type: ignore[arg-type]  # A constraint of its column says so.
        credit=amount(one.credit, unit_of(house)),
        price=money_of(one.price_minor, one.currency),
        discount=money_of(one.discount_minor, one.currency),
    )


def _share(text: str) -> Decimal | str:
    """Return the share that somebody wrote as one, or as percent; what is neither comes back as it is."""
    if not text.endswith("%"):
        return text
    try:
        return Decimal(text[:-1].strip()).scaleb(-2)
    except ArithmeticError:
        return text


def _cells(one: Stored, house: Tokenhouse) -> list[str]:
    """Return what a sheet says of a coupon, as COLUMNS has it; amounts as their plain digits."""
    told = (
        one.code,
        one.state(house.desk.clock()),
        digits(one.credit, unit_of(house)),
        percents(one.discount)[0],
        one.credit_days,
        one.uses,
        one.uses_max,
        one.valid_from,
        one.valid_until,
        one.note,
        one.created_at,
        one.actor,
        one.ended_at,
    )
    return [_cell(value) for value in told]


def _cell(value: object) -> str:
    """Return a value as a sheet has it: times of UTC, and nothing where there is none."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)
