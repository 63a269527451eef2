"""Fund: give credit, take it back, correct it; orders, and the credit that they bring."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.settle import Receipt, receipt
from tokenhouse.rules.amounts import AMOUNT_MAX, checked_amount, shown
from tokenhouse.rules.operations import Adjust, ClawBack, Grant, Refund
from tokenhouse.rules.periods import AT_MAX, FOREVER, instant
from tokenhouse.store import orders
from tokenhouse.store.batch import OrderEnd
from tokenhouse.store.orders import Order
from tokenhouse.store.pool import trouble_translated

SOURCES = ("purchase", "bonus", "refund", "coupon", "adjustment", "import")
PRIORITY_MAX = 1_000
ORDERS_MAX = 1_000


async def grant(
    desk: Desk,
    ref: str,
    amount: int,
    *,
    source: str,
    priority: int,
    expires_at: datetime | None,
    key: str | None,
    actor: str,
    note: str,
) -> Receipt:
    """Give credit as a lot of its own; open debt is repaid from it first."""
    address = await desk.address(ref)
    if source not in SOURCES:
        raise InvalidInput("choice_unknown", field="source", value=shown(source), known=", ".join(SOURCES))
    checked_whole(priority, "priority", 0, PRIORITY_MAX)
    end_at = FOREVER if expires_at is None else instant(expires_at, "expires_at")
    if AT_MAX <= end_at < FOREVER:
        raise InvalidInput("instant_out_of_range", field="expires_at", value=str(expires_at))
    if end_at <= desk.now():
        raise InvalidInput("expires_in_past", field="expires_at", value=str(expires_at))
    operation = Grant(
        id=desk.new_id(),
        amount=checked_amount(amount, "amount"),
        source=source,
        priority=priority,
        expires_at=end_at,
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


async def claw_back(
    desk: Desk, ref: str, granted: str, amount: int, *, key: str | None, actor: str, note: str
) -> Receipt:
    """Take back a grant, wholly or in part: what is unspent; the rest as the plan's `debt` says."""
    address = await desk.address(ref)
    operation = ClawBack(
        id=desk.new_id(),
        grant=checked_id(granted, "grant"),
        amount=checked_amount(amount, "amount"),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


async def refund(
    desk: Desk, ref: str, charged: str, amount: int, *, key: str | None, actor: str, note: str
) -> Receipt:
    """Give back a charge, wholly or in part."""
    address = await desk.address(ref)
    operation = Refund(
        id=desk.new_id(),
        charge_of=checked_id(charged, "charge"),
        amount=checked_amount(amount, "amount"),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


async def adjust(desk: Desk, ref: str, amount: int, *, key: str | None, actor: str, note: str) -> Receipt:
    """Correct a balance by hand, up or down; the journal keeps who did it and why."""
    address = await desk.address(ref)
    checked_whole(amount, "amount", -AMOUNT_MAX, AMOUNT_MAX)
    operation = Adjust(
        id=desk.new_id(),
        amount=amount or checked_amount(amount, "amount"),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an order costs in money: whole minor units (won, cents, yen) of a currency."""

    minor: int = 0
    currency: str = "KRW"
    method: str = ""
    transaction_id: str = ""


async def order(desk: Desk, ref: str, credit: int, *, type_: str, price: Price, note: str) -> Order:
    """Open a pending order: no credit comes before it is completed.

    Idempotent by the payment's own (method, transaction id): the same payment finds the order that it opened.
    """
    address = await desk.address(ref)
    if not isinstance(price, Price):
        raise InvalidInput("table_wanted", field="price", value=shown(price))
    if type_ not in orders.TYPES:
        raise InvalidInput("choice_unknown", field="type", value=shown(type_), known=", ".join(orders.TYPES))
    if price.currency not in orders.CURRENCIES:
        known = ", ".join(orders.CURRENCIES)
        raise InvalidInput("choice_unknown", field="currency", value=shown(price.currency), known=known)
    line: dict[str, Any] = {
        "credit": checked_amount(credit, "credit"),
        "type_": type_,
        "price_minor": checked_amount(price.minor, "price", least=0),
        "currency": price.currency,
        "method": checked_text(price.method, "method", most=50),
        "transaction_id": checked_text(price.transaction_id, "transaction_id", most=100),
        "note": checked_text(note, "note", most=1_000),
    }
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            made = await orders.write_order(connection, address, desk.new_id(), desk.clock(), **line)
    if (made.account, made.credit, made.price_minor, made.currency) != (
        address.account,
        line["credit"],
        line["price_minor"],
        line["currency"],
    ):
        raise InvalidInput("order_differs", field="transaction_id", value=price.transaction_id, order=made.id)
    return made


async def complete_order(desk: Desk, ref: str, order_id: str, *, actor: str) -> Receipt:
    """Complete a pending order: its credit comes, and the order's state changes, in one transaction.

    Idempotent: completed again, the first answer comes. Raises: NotFound for one that failed or was refunded.
    """
    address = await desk.address(ref)
    one = await find_order(desk, ref, order_id, from_state="pending", never=("failed",))
    source = {"purchase": "purchase", "bonus": "bonus", "refund": "refund"}[one.type]
    operation = Grant(
        id=one.id,
        amount=one.credit,
        source=source,
        actor=checked_text(actor, "actor"),
        note=one.note,
        facts={"order": one.id, "method": one.method} if one.method else {"order": one.id},
    )
    end = OrderEnd(id=one.id, was="pending", state="completed")
    return receipt(ref, await desk.carry_out(address, operation, order=end))


async def refund_order(desk: Desk, ref: str, order_id: str, *, actor: str, note: str) -> Receipt:
    """Refund a completed order: unspent credit is taken back, the rest as the plan's `debt` says."""
    address = await desk.address(ref)
    one = await find_order(desk, ref, order_id, from_state="completed", never=("pending", "failed"))
    operation = ClawBack(
        id=one.id,
        grant=one.id,
        amount=min(one.credit, AMOUNT_MAX),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    end = OrderEnd(id=one.id, was="completed", state="refunded")
    return receipt(ref, await desk.carry_out(address, operation, order=end))


async def fail_order(desk: Desk, ref: str, order_id: str) -> Order:
    """Mark a pending order as failed: no credit came and none will. Idempotent."""
    one = await find_order(desk, ref, order_id)
    address = await desk.address(ref)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            await orders.write_order_failed(connection, address.cell, one.id, desk.clock())
    after = await find_order(desk, ref, order_id)
    if after.state != "failed":
        raise NotFound("order_not_in_state", order=one.id, state="pending")
    return after


async def find_order(
    desk: Desk, ref: str, order_id: str, *, from_state: str = "", never: tuple[str, ...] = ()
) -> Order:
    """Return an order of an account.

    Raises: NotFound, also for one in a state of `never`, from which no way leads on as from `from_state`.
    """
    address = await desk.address(ref)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            found = await orders.find_order(connection, address.cell, checked_id(order_id, "order"))
    if found is None or found.account != address.account:
        raise NotFound("order_unknown", id=order_id, account=ref)
    if found.state in never:
        raise NotFound("order_not_in_state", order=found.id, state=from_state)
    return found


async def list_orders(desk: Desk, ref: str, rows_max: int) -> list[Order]:
    """Return an account's newest orders."""
    checked_whole(rows_max, "rows_max", 1, ORDERS_MAX)
    address = await desk.address(ref)
    with trouble_translated():
        async with desk.pool.acquire() as connection:
            return await orders.list_orders(connection, address, rows_max)
