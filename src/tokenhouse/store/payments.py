"""Payments in the database: which order each is for, and everything that was said in a provider's name."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

import asyncpg

from tokenhouse.store.orders import Order
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

Verdict: TypeAlias = Literal["received", "accepted", "duplicate", "ignored", "refused"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

WRITE_PAYMENT: Final = sql("write_payment")
FIND_PAYMENT: Final = sql("find_payment")
WRITE_PAYMENT_EVENT: Final = sql("write_payment_event")
WRITE_PAYMENT_VERDICT: Final = sql("write_payment_verdict")
FIND_PAYMENT_EVENT: Final = sql("find_payment_event")
WRITE_ATTEMPTS_PRUNED: Final = sql("write_attempts_pruned")
LIST_PAYMENT_EVENTS: Final = sql("list_payment_events")
LIST_PAYMENTS_OF_ORDER: Final = sql("list_payments_of_order")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """One time that somebody spoke as a payment provider, and what was made of it."""

    id: str
    provider: str
    event: str
    """The provider's own id of it, as claimed."""
    kind: str
    verdict: str = "received"
    reason: str = ""
    ref: str = ""
    """What it says the payment or the order is called."""
    order_id: str = ""
    price_minor: int | None = None
    currency: str = ""
    digest: bytes
    """SHA-256 of what came."""
    received_at: datetime
    decided_at: datetime | None = None


async def write_payment(connection: Connection, provider: str, ref: str, order: Order, at: datetime) -> str:
    """Bind a payment to an order, and return the order that it is bound to: perhaps another one."""
    row: Any = await connection.fetchrow(WRITE_PAYMENT, provider, ref, order.cell, UUID(order.id), at)
    return str(row["order_id"].hex)


async def find_payment(connection: Connection, provider: str, ref: str) -> str | None:
    """Return the order that a payment is for."""
    row = await connection.fetchrow(FIND_PAYMENT, provider, ref)
    return row["order_id"].hex if row else None


async def write_payment_event(connection: Connection, event: PaymentEvent) -> None:
    """Record an attempt."""
    await connection.execute(
        WRITE_PAYMENT_EVENT,
        UUID(event.id),
        event.provider,
        event.event,
        event.kind,
        event.verdict,
        event.reason,
        event.ref,
        UUID(event.order_id) if event.order_id else None,
        event.price_minor,
        event.currency,
        event.digest,
        event.received_at,
        event.decided_at,
    )


async def write_payment_verdict(connection: Connection, event: PaymentEvent) -> PaymentEvent:
    """Record what was made of an attempt.

    Of two that say the same at the same time one is accepted, and the other a duplicate.
    """
    order = UUID(event.order_id) if event.order_id else None
    said = (UUID(event.id), event.verdict, event.reason, order, event.decided_at)
    try:
        await connection.execute(WRITE_PAYMENT_VERDICT, *said)
    except asyncpg.UniqueViolationError:
        event = replace(event, verdict="duplicate")
        await connection.execute(WRITE_PAYMENT_VERDICT, said[0], event.verdict, *said[2:])
    return event


async def find_payment_event(connection: Connection, provider: str, event: str) -> tuple[str, bytes] | None:
    """Return the order and the digest of an event that was accepted; None for one that was not."""
    row = await connection.fetchrow(FIND_PAYMENT_EVENT, provider, event)
    return (row["order_id"].hex if row["order_id"] else "", row["digest"]) if row else None


async def write_attempts_pruned(connection: Connection, before: datetime) -> int:
    """Forget attempts before a time that nobody proved; return how many."""
    status = await connection.execute(WRITE_ATTEMPTS_PRUNED, before)
    return int(status.rpartition(" ")[2])


async def list_payment_events(
    connection: Connection,
    rows_max: int,
    *,
    before: str = "",
    provider: str | None = None,
    verdict: str | None = None,
    order_id: str = "",
    unmatched: bool = False,
) -> list[PaymentEvent]:
    """Return attempts, newest first, below the one called `before`.

    `unmatched`: only true messages that fit no order.
    """
    below, order = UUID(before) if before else None, UUID(order_id) if order_id else None
    found = await connection.fetch(LIST_PAYMENT_EVENTS, below, provider, verdict, order, unmatched, rows_max)
    return [_event(row) for row in found]


async def list_payments_of_order(connection: Connection, order: Order) -> list[str]:
    """Return what its provider calls the payments that are for an order, the first one first."""
    found = await connection.fetch(LIST_PAYMENTS_OF_ORDER, order.provider, order.cell, UUID(order.id))
    return [row["ref"] for row in found]


def _event(row: Any) -> PaymentEvent:
    """Return an attempt of its row."""
    order = row["order_id"].hex if row["order_id"] else ""
    return PaymentEvent(**{**dict(row), "id": row["id"].hex, "order_id": order})
