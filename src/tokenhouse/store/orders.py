"""Orders in the database: what was bought or given, for how much money, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

TYPES: Final = ("purchase", "bonus", "refund")
CURRENCIES: Final = ("KRW", "USD", "EUR", "JPY")

WRITE_ORDER: Final = sql("write_order")
FIND_ORDER: Final = sql("find_order")
FIND_ORDER_BY_TRANSACTION: Final = sql("find_order_by_transaction")
LIST_ORDERS: Final = sql("list_orders")
WRITE_ORDER_FAILED: Final = sql("write_order_failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order. `credit` in the deployment's smallest unit, `price_minor` in the currency's."""

    id: str
    account: int
    type: str
    state: str
    credit: int
    price_minor: int
    currency: str
    method: str
    transaction_id: str
    note: str
    created_at: datetime
    ended_at: datetime | None


async def write_order(
    connection: Connection,
    address: Address,
    order_id: str,
    at: datetime,
    *,
    credit: int,
    type_: str,
    price_minor: int,
    currency: str,
    method: str,
    transaction_id: str,
    note: str,
) -> Order:
    """Open a pending order and return it; a payment that has one already gets that."""
    row = await connection.fetchrow(
        WRITE_ORDER,
        address.cell,
        UUID(order_id),
        address.account,
        type_,
        credit,
        price_minor,
        currency,
        method,
        transaction_id,
        note,
        at,
    )
    if row is None:
        row = await connection.fetchrow(FIND_ORDER_BY_TRANSACTION, address.cell, method, transaction_id)
    return _order(row)


async def find_order(connection: Connection, cell: int, order_id: str) -> Order | None:
    """Return one order."""
    row = await connection.fetchrow(FIND_ORDER, cell, UUID(order_id))
    return _order(row) if row else None


async def list_orders(connection: Connection, address: Address, rows_max: int) -> list[Order]:
    """Return an account's newest orders."""
    return [
        _order(row) for row in await connection.fetch(LIST_ORDERS, address.cell, address.account, rows_max)
    ]


async def write_order_failed(connection: Connection, cell: int, order_id: str, at: datetime) -> None:
    """Mark an order as failed if it is still pending."""
    await connection.execute(WRITE_ORDER_FAILED, cell, UUID(order_id), at)


def _order(row: Any) -> Order:
    """Return an order of its row."""
    return Order(**{**dict(row), "id": row["id"].hex})
