"""Orders in the database: what was bought or given, for how much money, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

from tokenhouse.rules.balance import Entry
from tokenhouse.store import rows
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

Type: TypeAlias = Literal["purchase", "bonus", "refund"]
TYPES: Final[tuple[Type, ...]] = get_args(Type)
State: TypeAlias = Literal["pending", "completed", "failed", "refunded"]
STATES: Final[tuple[State, ...]] = get_args(State)

WRITE_ORDER: Final = sql("write_order")
WRITE_ORDER_BOUGHT: Final = sql("write_order_bought")
FIND_ORDER: Final = sql("find_order")
FIND_ORDER_ANYWHERE: Final = sql("find_order_anywhere")
FIND_ORDER_BY_TRANSACTION: Final = sql("find_order_by_transaction")
FIND_ORDER_BY_REQUEST: Final = sql("find_order_by_request")
LIST_ORDERS: Final = sql("list_orders")
LIST_ENTRIES_OF_OPERATIONS: Final = sql("list_entries_of_operations")
LIST_ORDERS_ANYWHERE: Final = sql("list_orders_anywhere")
LIST_ORDERS_LEFT: Final = sql("list_orders_left")
WRITE_ORDER_FAILED: Final = sql("write_order_failed")
WRITE_ORDER_ENDED: Final = sql("write_order_ended")
WRITE_ORDER_PROVIDER_REF: Final = sql("write_order_provider_ref")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order. `credit` in the deployment's smallest unit, `price_minor` in the currency's.

    `bonus` is part of `credit`; `price_minor` is what is paid, after `discount_minor`.
    """

    id: str
    ref: str
    cell: int
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
    provider: str
    """Who must say that it is paid; "" where only the house's own verbs end it."""
    provider_ref: str
    package: str
    package_version: int
    quantity: int
    bonus: int
    discount_minor: int
    coupon: str
    credit_days: int
    subscription: str
    refunded_minor: int
    """Money that was given back of it, in all."""
    refunded_credit: int
    refunded_last: int
    refunds_failed: int
    """How many refunds came to nothing after they were counted."""
    completed_at: datetime | None
    ended_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to be: pending, for a provider to say that it is paid."""

    id: str
    type: str = "purchase"
    credit: int
    price_minor: int
    currency: str
    method: str = ""
    transaction_id: str = ""
    note: str = ""
    provider: str
    package: str = ""
    package_version: int = 0
    quantity: int = 1
    bonus: int = 0
    discount_minor: int = 0
    coupon: str = ""
    credit_days: int = 0
    subscription: str = ""
    request_key: str = ""


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


async def write_order_bought(
    connection: Connection, address: Address, new: NewOrder, at: datetime
) -> Order | None:
    """Open a pending order and return it; None where its key or its payment has opened one before."""
    row = await connection.fetchrow(
        WRITE_ORDER_BOUGHT,
        address.cell,
        UUID(new.id),
        address.account,
        new.type,
        new.credit,
        new.price_minor,
        new.currency,
        new.method,
        new.transaction_id,
        new.note,
        at,
        new.provider,
        new.package,
        new.package_version,
        new.quantity,
        new.bonus,
        new.discount_minor,
        new.coupon,
        new.credit_days,
        UUID(new.subscription) if new.subscription else None,
        new.request_key,
    )
    return _order(row) if row else None


async def find_order(connection: Connection, cell: int, order_id: str) -> Order | None:
    """Return one order."""
    row = await connection.fetchrow(FIND_ORDER, cell, UUID(order_id))
    return _order(row) if row else None


async def find_order_anywhere(connection: Connection, order_id: str) -> Order | None:
    """Return one order, whosever it is."""
    row = await connection.fetchrow(FIND_ORDER_ANYWHERE, UUID(order_id))
    return _order(row) if row else None


async def find_order_by_request(connection: Connection, address: Address, key: str) -> Order | None:
    """Return the order that an account opened under a key of its own."""
    row = await connection.fetchrow(FIND_ORDER_BY_REQUEST, address.cell, address.account, key)
    return _order(row) if row else None


async def list_orders(
    connection: Connection, address: Address, rows_max: int, *, before: str = ""
) -> list[Order]:
    """Return an account's orders, newest first, below the order `before`."""
    below = UUID(before) if before else None
    return [
        _order(row)
        for row in await connection.fetch(LIST_ORDERS, address.cell, address.account, below, rows_max)
    ]


async def list_orders_anywhere(
    connection: Connection,
    rows_max: int,
    *,
    before: str = "",
    state: str | None = None,
    provider: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    address: Address | None = None,
) -> list[Order]:
    """Return everybody's orders, or one account's, newest first, below the order `before`."""
    below = UUID(before) if before else None
    cell, account = (address.cell, address.account) if address else (None, None)
    found = await connection.fetch(
        LIST_ORDERS_ANYWHERE, below, state, provider, since, until, cell, account, rows_max
    )
    return [_order(row) for row in found]


async def list_order_entries(connection: Connection, order: Order) -> list[Entry]:
    """Return what the journal says of an order's credit: that it came, and what was taken back."""
    found = await connection.fetch(LIST_ENTRIES_OF_OPERATIONS, [order.cell], [UUID(order.id)])
    return [entry for entry in map(rows.entry, found) if entry.account == order.account]


async def list_orders_left(
    connection: Connection, unpaid_since: datetime, cut_since: datetime, rows_max: int
) -> list[Order]:
    """Return pending orders from before `unpaid_since`, and coupons' from before `cut_since`."""
    found = await connection.fetch(LIST_ORDERS_LEFT, unpaid_since, cut_since, rows_max)
    return [_order(row) for row in found]


async def write_order_failed(
    connection: Connection, cell: int, order_id: str, at: datetime, *, by: str = "", reason: str = ""
) -> bool:
    """Mark an order as failed if it is still pending, or note why it is; return whether that was news."""
    return await connection.fetchrow(WRITE_ORDER_FAILED, cell, UUID(order_id), at, by, reason) is not None


async def write_order_ended(
    connection: Connection,
    one: Order,
    state: str,
    at: datetime,
    *,
    refunded_minor: int,
    refunds_failed: int,
    by: str,
    reason: str,
) -> bool:
    """Take an order that moves no credit to another state, if nobody was faster; return whether it went."""
    ended = await connection.fetchrow(
        WRITE_ORDER_ENDED,
        one.cell,
        UUID(one.id),
        one.state,
        state,
        at,
        by,
        reason,
        one.refunded_minor,
        refunded_minor,
        one.refunds_failed,
        refunds_failed,
    )
    return ended is not None


async def write_order_provider_ref(connection: Connection, one: Order, ref: str, method: str) -> None:
    """Note what the provider calls an order, and how it was paid."""
    await connection.execute(WRITE_ORDER_PROVIDER_REF, one.cell, UUID(one.id), ref, method)


def _order(row: Any) -> Order:
    """Return an order of its row."""
    subscription = row["subscription"].hex if row["subscription"] else ""
    return Order(**{**dict(row), "id": row["id"].hex, "subscription": subscription})
