"""Coupons: codes that give credit or take something off a price, and redeeming one."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import Auditor, House, IdempotencyKey, Operator, User
from tokenhouse.edges.api.shapes import Amount, Cursor, Digits, Limit, Page, Shape, amount, parsed, unit_of
from tokenhouse.flow import audited
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.plans import POINTS
from tokenhouse.store.shop import Coupon as Stored

router = APIRouter(prefix="/api/v1", tags=["coupons"])

Code = Annotated[str, Field(min_length=4, max_length=100, examples=["WELCOME-2026"])]


class Coupon(Shape):
    """A code, what it is good for, and how often it was used. Each account can use it once."""

    code: str
    state: Literal["active", "waiting", "expired", "used up", "ended"]
    credit: Amount
    discount: Annotated[float, Field(description="Share of the price that it takes off.", examples=[0.2])]
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

    code: Annotated[Code | None, Field(description="Null: a code that nobody guesses.")] = None
    count: Annotated[int, Field(ge=1, le=1_000)] = 1
    credit: Annotated[Digits | None, Field(description="Credit that it gives; or else a discount.")] = None
    discount: Annotated[
        str, Field(max_length=20, examples=["0.20"], description="Share that it takes off a price.")
    ] = "0"
    credit_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    uses_max: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="Null: any number.")] = 1
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    plans: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    packages: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    note: Annotated[str, Field(max_length=1_000)] = ""


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
async def list_coupons(_: Auditor, house: House, limit: Limit = 100, cursor: Cursor = None) -> Page[Coupon]:
    """List coupons in order of their code."""
    found = await house.coupons(after=cursor or "", rows_max=limit)
    more = found[-1].code if len(found) == limit else None
    return Page[Coupon](items=[shown(one, house) for one in found], next=more)


@router.post("/coupons", status_code=201)
async def create_coupons(asked: NewCoupons, caller: Operator, house: House) -> Coupons:
    """Make coupons. A code that is taken is refused, so that nothing is made twice."""
    made = await house.write_coupons(
        code=asked.code or "",
        count=asked.count,
        credit=parsed(asked.credit, house, "credit") if asked.credit is not None else 0,
        discount=asked.discount,
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
async def end_coupon(code: Annotated[str, Path(max_length=100)], caller: Operator, house: House) -> Coupon:
    """End a coupon: nobody can use it any more; what it gave stays. Idempotent."""
    ended = await house.end_coupon(code)
    await caller.record(house, "coupon.end", ended.code, after={"uses": ended.uses})
    return shown(ended, house)


@router.post("/accounts/{ref}/coupons", status_code=201)
async def redeem_coupon(
    ref: Ref, asked: Redemption, caller: User, house: House, key: IdempotencyKey = None
) -> Redeemed:
    """Redeem a coupon that gives credit: once for each account."""
    receipt = await house.redeem(caller.account_to_change(ref), asked.code, key=key or "")
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
