"""Refunds in the database: what providers gave back of orders, and what they were asked to give back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from tokenhouse.store.orders import Order
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_REFUND: Final = sql("write_refund")
FIND_REFUND: Final = sql("find_refund")
LIST_REFUNDS: Final = sql("list_refunds")
WRITE_REFUND_CORRECTED: Final = sql("write_refund_corrected")
WRITE_REFUND_TRY: Final = sql("write_refund_try")
FIND_REFUND_TRY: Final = sql("find_refund_try")
WRITE_REFUND_TRY_ENDED: Final = sql("write_refund_try_ended")

TryEnd = Literal["given", "refused", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund that a provider told of: `made`, `failed` and still counted, or `corrected`."""

    provider: str
    ref: str
    minor: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTry:
    """One time that a provider is asked to give so much back, to bring an order's refunds to a total."""

    nth: int
    minor: int
    total: int
    note: str
    at: datetime


async def write_refund(
    connection: Connection, provider: str, ref: str, order: Order, minor: int, at: datetime, *, failed: bool
) -> tuple[str, bool]:
    """Keep a refund, or that it came to nothing.

    Return the order that it is of - perhaps another one - and whether it was not known before.
    """
    place = (order.cell, UUID(order.id))
    row: Any = await connection.fetchrow(WRITE_REFUND, provider, ref, *place, minor, failed, at)
    return str(row["order_id"].hex), bool(row["fresh"])


async def find_refund(connection: Connection, provider: str, ref: str) -> str | None:
    """Return the order that a refund is of, by its provider's name of it."""
    row = await connection.fetchrow(FIND_REFUND, provider, ref)
    return row["order_id"].hex if row else None


async def list_refunds(connection: Connection, order: Order) -> list[Refund]:
    """Return the refunds of an order that its provider told of, the first one first."""
    return [Refund(**dict(row)) for row in await connection.fetch(LIST_REFUNDS, UUID(order.id))]


async def write_refund_corrected(connection: Connection, provider: str, ref: str) -> bool:
    """Note that an order no longer counts a refund that came to nothing; return whether that was news."""
    return await connection.fetchrow(WRITE_REFUND_CORRECTED, provider, ref) is not None


async def write_refund_try(
    connection: Connection, order: Order, *, minor: int, total: int, note: str, at: datetime
) -> RefundTry | None:
    """Begin to give money of an order back; None where another try is open."""
    place = (order.cell, UUID(order.id))
    row = await connection.fetchrow(WRITE_REFUND_TRY, *place, minor, total, note, at)
    return RefundTry(**dict(row)) if row else None


async def find_refund_try(connection: Connection, order: Order) -> RefundTry | None:
    """Return the try of an order of which nobody knows what became of it."""
    row = await connection.fetchrow(FIND_REFUND_TRY, order.cell, UUID(order.id))
    return RefundTry(**dict(row)) if row else None


async def write_refund_try_ended(
    connection: Connection, order: Order, nth: int, state: TryEnd, at: datetime
) -> bool:
    """Note what became of a try; return whether that was news."""
    place = (order.cell, UUID(order.id))
    return await connection.fetchrow(WRITE_REFUND_TRY_ENDED, *place, nth, state, at) is not None
