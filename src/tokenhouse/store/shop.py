"""What can be bought, in the database: packages in versions, coupons and who used them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

import msgspec

from tokenhouse.rules.shop import Package
from tokenhouse.store.accounts import Address
from tokenhouse.store.orders import Order
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_PACKAGES: Final = sql("list_packages")
FIND_PACKAGE: Final = sql("find_package")
WRITE_PACKAGE: Final = sql("write_package")
WRITE_COUPON: Final = sql("write_coupon")
FIND_COUPON: Final = sql("find_coupon")
LIST_COUPONS: Final = sql("list_coupons")
LIST_REDEMPTIONS: Final = sql("list_redemptions")
WRITE_COUPON_ENDED: Final = sql("write_coupon_ended")
WRITE_COUPON_USED: Final = sql("write_coupon_used")
WRITE_REDEMPTION: Final = sql("write_redemption")
FIND_REDEMPTION: Final = sql("find_redemption")
WRITE_REDEMPTION_AGAIN: Final = sql("write_redemption_again")
WRITE_REDEMPTION_UNDONE: Final = sql("write_redemption_undone")

State: TypeAlias = Literal["active", "waiting", "expired", "used up", "ended"]
"""What a coupon can be."""
STATES: Final[tuple[State, ...]] = get_args(State)

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_package: Final = msgspec.json.Decoder(Package).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A code that gives `credit`, or takes `discount` ten-thousandths off a price. Once for each account."""

    code: str
    credit: int
    discount: int
    credit_days: int
    """For how many days its credit lives; 0 is for ever."""
    uses_max: int | None
    """How many accounts may use it; None is any number."""
    uses: int
    valid_from: datetime
    valid_until: datetime | None
    plans: tuple[str, ...]
    packages: tuple[str, ...]
    note: str
    created_at: datetime
    actor: str
    ended_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return "active", "waiting" (not yet valid), "expired", "used up" or "ended"."""
        if self.ended_at is not None:
            return "ended"
        if self.valid_until is not None and self.valid_until <= now:
            return "expired"
        if self.uses_max is not None and self.uses >= self.uses_max:
            return "used up"
        return "waiting" if now < self.valid_from else "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redemption:
    """Who used a coupon, for which order: what it gave, or what was paid and what was taken off."""

    account: str
    order: str
    at: datetime
    state: str
    credit: int
    price_minor: int
    discount_minor: int
    currency: str


async def list_packages(connection: Connection) -> list[Package]:
    """Return the newest version of every package."""
    return [_read(row) for row in await connection.fetch(LIST_PACKAGES)]


async def find_package(connection: Connection, name: str, version: int | None = None) -> Package | None:
    """Return a package in one version, or in its newest."""
    row = await connection.fetchrow(FIND_PACKAGE, name, version)
    return _read(row) if row else None


async def write_package(connection: Connection, package: Package, at: datetime, actor: str) -> Package:
    """Add a package, or a newer version of one; one that says the same as before adds nothing."""
    plain = msgspec.structs.replace(package, version=0)
    row: Any = await connection.fetchrow(WRITE_PACKAGE, package.name, _encode(plain).decode(), at, actor)
    return msgspec.structs.replace(package, version=row["version"])


async def write_coupon(connection: Connection, coupon: Coupon) -> Coupon | None:
    """Add a coupon; None where its code is taken."""
    row = await connection.fetchrow(
        WRITE_COUPON,
        coupon.code,
        coupon.credit,
        coupon.discount,
        coupon.credit_days,
        coupon.uses_max,
        coupon.valid_from,
        coupon.valid_until,
        list(coupon.plans),
        list(coupon.packages),
        coupon.note,
        coupon.created_at,
        coupon.actor,
    )
    return _coupon(row) if row else None


async def find_coupon(connection: Connection, code: str) -> Coupon | None:
    """Return a coupon."""
    row = await connection.fetchrow(FIND_COUPON, code)
    return _coupon(row) if row else None


async def list_coupons(
    connection: Connection,
    after: str,
    rows_max: int,
    *,
    now: datetime,
    state: str = "",
    noted: str = "",
    coded: str = "",
) -> list[Coupon]:
    """Return the coupons whose code comes after one, in order: in a state, or all.

    Of them those whose note holds `noted` or whose code holds `coded`, where something is wanted.
    """
    found = await connection.fetch(LIST_COUPONS, after, rows_max, state, now, noted, coded)
    return [_coupon(row) for row in found]


async def list_redemptions(
    connection: Connection, code: str, before: str | None, rows_max: int
) -> list[Redemption]:
    """Return who used a coupon, newest first; below an order for the next page."""
    found = await connection.fetch(LIST_REDEMPTIONS, code, UUID(before) if before else None, rows_max)
    return [Redemption(**{**_but(row, "order_id"), "order": row["order_id"].hex}) for row in found]


async def write_coupon_ended(connection: Connection, code: str, at: datetime) -> Coupon | None:
    """End a coupon; what it gave stays. None where it had ended."""
    row = await connection.fetchrow(WRITE_COUPON_ENDED, code, at)
    return _coupon(row) if row else None


async def write_coupon_used(
    connection: Connection, code: str, address: Address, order_id: str, at: datetime
) -> str:
    """Use a coupon for an order, within the caller's transaction; return what stands against it, or "".

    "again": the account has used it before; "over": it is used up, expired, ended or not yet valid.
    """
    redeemed = (address.cell, address.account, code, UUID(order_id), at)
    if await connection.fetchrow(WRITE_REDEMPTION, *redeemed) is None:
        return "again"
    return "" if await connection.fetchrow(WRITE_COUPON_USED, code, at) else "over"


async def write_redemption_again(connection: Connection, order: Order, at: datetime) -> None:
    """Use an order's coupon again that it had given back, unless the account or others have used it up."""
    await connection.execute(
        WRITE_REDEMPTION_AGAIN, order.cell, order.account, order.coupon, UUID(order.id), at
    )


async def find_redemption(connection: Connection, code: str, address: Address) -> str | None:
    """Return the order for which an account used a coupon."""
    row = await connection.fetchrow(FIND_REDEMPTION, address.cell, address.account, code)
    return row["order_id"].hex if row else None


async def write_redemption_undone(
    connection: Connection, code: str, cell: int, account: int, order_id: str
) -> None:
    """Give a coupon back that was used for an order that came to nothing."""
    await connection.execute(WRITE_REDEMPTION_UNDONE, cell, account, code, UUID(order_id))


def _read(row: Any) -> Package:
    """Return a package of its row."""
    return msgspec.structs.replace(_package(row["document"]), version=row["version"])


def _but(row: Any, name: str) -> dict[str, Any]:
    """Return the columns of a row without one."""
    return {key: value for key, value in dict(row).items() if key != name}


def _coupon(row: Any) -> Coupon:
    """Return a coupon of its row."""
    return Coupon(**{**dict(row), "plans": tuple(row["plans"]), "packages": tuple(row["packages"])})
