"""Orders: credit that is bought, given or returned comes with its order's end, in one transaction.

Who ends an order is told apart by its `provider`: the callbacks of payment providers, an operator by hand, or
the house's own verbs. However often any of them comes, the ledger moves once: a grant carries its order's id.

An order that was bought and failed - nobody paid in time, or a first try came to nothing - can still be paid:
whoever's money came late gets what it is for. Only where the money was given back first, nothing comes.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow import audited, identify, report
from tokenhouse.flow.audit_trail import drafted, keep
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.fund import Price
from tokenhouse.flow.settle import Receipt, receipt
from tokenhouse.rules.account import apply
from tokenhouse.rules.amounts import checked_amount, shown
from tokenhouse.rules.operations import ClawBack, Done, Grant, Restore, Touch
from tokenhouse.rules.periods import DAY, FOREVER, instant
from tokenhouse.rules.shop import CURRENCIES, clawed_by
from tokenhouse.store import audit_log, orders, refunds, shop, subscriptions
from tokenhouse.store.accounts import Address
from tokenhouse.store.audit_log import Audited
from tokenhouse.store.batch import OrderEnd
from tokenhouse.store.orders import Order
from tokenhouse.store.refunds import Refund

ORDERS_MAX = 1_000
FREE: Final = "coupon"
"""The provider of an order for which nobody pays."""
GIVEN_BACK: Final = "refunded_before_completion"
"""Why an order failed whose money was given back before it came; `ledger.sql` knows the word too."""
CAME_TO_NOTHING: Final = "refund_failed"
"""Why an order is paid again: its money did not go back, though its provider had said so."""


async def order(desk: Desk, ref: str, credit: int, *, type_: str, price: Price, note: str) -> Order:
    """Open a pending order: no credit comes before it is completed.

    Idempotent by the payment's own (method, transaction id): the same payment finds the order that it opened.
    """
    address = await desk.address(ref)
    if not isinstance(price, Price):
        raise InvalidInput("table_wanted", field="price", value=shown(price))
    if type_ not in orders.TYPES:
        raise InvalidInput("choice_unknown", field="type", value=shown(type_), known=", ".join(orders.TYPES))
    line: dict[str, Any] = {
        "credit": checked_amount(credit, "credit"),
        "type_": type_,
        "price_minor": checked_amount(price.minor, "price", least=0),
        "currency": checked_currency(price.currency),
        "method": checked_text(price.method, "method", most=50),
        "transaction_id": checked_text(price.transaction_id, "transaction_id", most=100),
        "note": checked_text(note, "note", most=1_000),
    }
    fresh = desk.new_id()
    async with desk.pool.acquire() as connection, connection.transaction():
        made = await orders.write_order(connection, address, fresh, desk.clock(), **line)
        if made.id == fresh:
            await keep(connection, made)
    if (made.account, made.credit, made.price_minor, made.currency) != (
        address.account,
        line["credit"],
        line["price_minor"],
        line["currency"],
    ):
        raise InvalidInput("order_differs", field="transaction_id", value=price.transaction_id, order=made.id)
    return made


def checked_currency(currency: object) -> str:
    """Return a currency that we know. Raises: InvalidInput."""
    if not isinstance(currency, str) or currency not in CURRENCIES:
        known = ", ".join(CURRENCIES)
        raise InvalidInput("choice_unknown", field="currency", value=shown(currency), known=known)
    return currency


async def complete_order(
    desk: Desk, ref: str, order_id: str, *, actor: str, reason: str = "", address: str | None = None
) -> Receipt:
    """Complete a pending order: its credit comes, and the order's state changes, in one transaction.

    So does one that was bought, and paid after it had failed. Idempotent: completed again, the first answer
    comes. With an `address` somebody decided it, and the audit log keeps it in the same transaction. Raises:
    NotFound for one that failed for good; InvalidInput where a subscription is in its way.
    """
    place = await desk.address(ref)
    one = await find_order(desk, ref, order_id)
    if one.state == "failed":
        if not can_be_paid(one):
            raise NotFound("order_not_in_state", order=one.id, state="pending")
        one = await _subscribed_again(desk, one)
    end = OrderEnd(
        id=one.id,
        was="failed" if one.state == "failed" else "pending",
        state="completed",
        by=checked_text(actor, "actor"),
        reason=checked_text(reason, "reason", most=1_000),
        refunded_minor=one.refunded_minor,
        failed_before=one.refunds_failed,
    )
    end = replace(end, kept=_kept(desk, "order.complete", one, end, address))
    if not one.credit:
        return await _nothing_moved(desk, place, one, end, known=one.state != end.was)
    source = "coupon" if one.provider == FREE else one.type
    operation = Grant(
        id=one.id,
        amount=one.credit,
        source=source,
        expires_at=desk.now() + one.credit_days * DAY if one.credit_days else FOREVER,
        actor=actor,
        note=one.note,
        facts={"order": one.id, "method": one.method} if one.method else {"order": one.id},
        paid=one.provider not in ("", FREE),
    )
    given = receipt(ref, await desk.carry_out(place, operation, order=end))
    if one.state == "failed" and one.coupon:
        async with desk.pool.acquire() as connection:
            await shop.write_redemption_again(connection, one, desk.clock())
    return given


def can_be_paid(one: Order) -> bool:
    """Whether an order that is not paid, pending or failed, may still be."""
    late = one.state == "failed" and one.provider not in ("", FREE)
    return one.state == "pending" or (late and not is_given_back(one))


def is_given_back(one: Order) -> bool:
    """Whether an order failed because its money was given back before it came."""
    return one.state == "failed" and one.reason == GIVEN_BACK


async def _subscribed_again(desk: Desk, one: Order) -> Order:
    """Return an order that is paid late, with another subscription where its own is over.

    Raises: InvalidInput where its account has a subscription.
    """
    if not one.subscription:
        return one
    async with desk.pool.acquire() as connection:
        over = await subscriptions.find_subscription(connection, one.cell, one.account, one.subscription)
    if over is None or over.state != "ended":
        return one
    plan = (await identify.describe(desk, one.ref)).plan or over.former_plan
    async with desk.pool.acquire() as connection:
        await subscriptions.write_subscription_again(connection, one, desk.new_id(), plan, desk.clock())
    after = await find_order(desk, one.ref, one.id)
    if after == one:
        raise InvalidInput("payment_order_failed", field="order", value=one.id, order=one.id)
    return after


async def refund_order(
    desk: Desk,
    ref: str,
    order_id: str,
    *,
    actor: str,
    note: str,
    refunded_minor: int | None = None,
    failed_before: int | None = None,
    address: str | None = None,
) -> Receipt:
    """Refund a completed order: unspent credit is taken back, the rest as the plan's `debt` says.

    `refunded_minor` is the total of the order's refunds in money, less than its price for a part of it: so
    much of the credit is taken back. A total that was told before changes nothing. Otherwise all of it is.
    `failed_before` is how many of its refunds had come to nothing when that total was told: it holds only
    then. With an `address` somebody decided it, and the audit log keeps it in the same transaction.
    """
    place = await desk.address(ref)
    one = await find_order(desk, ref, order_id, from_state="completed", never=("pending", "failed"))
    if failed_before not in (None, one.refunds_failed):
        raise NotFound("order_not_in_state", order=one.id, state="completed")
    total, known = _refund_of(one, refunded_minor)
    whole = total == one.price_minor
    target = clawed_by(one.credit, one.price_minor, total)
    amount = target - one.refunded_credit
    if known and one.refunds_failed:
        amount = 0
    elif known:  # Releases before partial refunds noted no credit: theirs was all of it.
        amount = one.refunded_last if one.refunded_credit else one.credit
    end = OrderEnd(
        id=one.id,
        was="completed",
        state="refunded" if whole else "completed",
        by=checked_text(actor, "actor"),
        reason=checked_text(note, "note", most=1_000),
        refunded_before=one.refunded_minor,
        refunded_minor=total,
        refunded_credit=target,
        failed_before=one.refunds_failed,
    )
    end = replace(end, kept=_kept(desk, "order.refund", one, end, address))
    if not amount:
        return await _nothing_moved(desk, place, one, end, known=known)
    operation = ClawBack(id=_refund_id(one, total), grant=one.id, amount=amount, actor=actor, note=note)
    return receipt(ref, await desk.carry_out(place, operation, order=end))


async def undo_refund(desk: Desk, one: Order, failed: Refund, made: int, *, actor: str) -> Receipt:
    """Correct an order of which a refund came to nothing: it is paid again, and its credit comes again.

    `made` is what its provider has given back with all others; what of it is not counted yet is not counted
    here. What had been spent, and was written off, stays spent. Raises: NotFound where somebody else was
    faster.
    """
    total = min(max(one.refunded_minor - failed.minor, made, 0), one.refunded_minor)
    target = clawed_by(one.credit, one.price_minor, total)
    end = OrderEnd(
        id=one.id,
        was=one.state,
        state="refunded" if total == one.price_minor else "completed",
        by=actor,
        reason=CAME_TO_NOTHING,
        refunded_before=one.refunded_minor,
        refunded_minor=total,
        refunded_credit=target,
        failed_before=one.refunds_failed,
        undone=(failed.provider, failed.ref),
    )
    place, amount = await desk.address(one.ref), one.refunded_credit - target
    if amount <= 0:
        return await _nothing_moved(desk, place, one, end, known=False)
    name = blake2b(f"{one.id} {failed.provider} {failed.ref}".encode(), digest_size=16).hexdigest()
    operation = Restore(id=name, grant=one.id, amount=amount, actor=actor, note=failed.ref)
    return receipt(one.ref, await desk.carry_out(place, operation, order=end))


def _kept(desk: Desk, action: str, one: Order, end: OrderEnd, address: str | None) -> Audited | None:
    """Return what the audit log will hold of an order's end; None where nobody decided it."""
    if address is None:
        return None
    after = replace(one, state=end.state, refunded_minor=end.refunded_minor)
    line: dict[str, Any] = {"before": audited.order(one), "after": audited.order(after)}
    line |= {"reason": end.reason, "address": address}
    return drafted(desk, actor=end.by, action=action, subject=one.id, **line)


def _refund_of(one: Order, refunded_minor: int | None) -> tuple[int, bool]:
    """Return the total of an order's refunds in money that is asked for, and whether it is there already.

    Raises: InvalidInput for less than was refunded before.
    """
    total = one.price_minor
    if refunded_minor is not None:
        total = checked_whole(refunded_minor, "refunded_minor", min(1, one.price_minor), one.price_minor)
    known = one.state == "refunded" if total == one.price_minor else total == one.refunded_minor
    if not known and (one.state == "refunded" or total < one.refunded_minor):
        raise InvalidInput("refund_passed", field="refunded_minor", value=total, order=one.id)
    return total, known


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPreview:
    """What a refund would come to: money, and credit; of that, what is owed and what nobody owes."""

    minor: int
    """The money that is given back now, on top of earlier refunds; 0: nothing is left to refund."""
    amount: int
    uncovered: int
    written_off: int


async def preview_refund(desk: Desk, order_id: str, *, refunded_minor: int | None = None) -> RefundPreview:
    """Return what a refund would take back, by the rules that would; nothing changes.

    Raises: NotFound for an order that is not completed; InvalidInput for less than was refunded before.
    """
    one = await find_anywhere(desk, order_id)
    if one.state not in ("completed", "refunded"):
        raise NotFound("order_not_in_state", order=one.id, state="completed")
    total, known = _refund_of(one, refunded_minor)
    amount = 0 if known else clawed_by(one.credit, one.price_minor, total) - one.refunded_credit
    minor = 0 if known else total - one.refunded_minor
    if not amount:
        return RefundPreview(minor=minor, amount=0, uncovered=0, written_off=0)
    path = await report.read_path(desk, await desk.address(one.ref))
    async with desk.pool.acquire() as connection:
        ended = await orders.list_order_entries(connection, one)
    _, _, outcome = apply(path, ClawBack(id=desk.new_id(), grant=one.id, amount=amount), desk.now(), ended)
    if not isinstance(outcome, Done):
        raise NotFound("grant_unknown", id=one.id, account=one.ref)
    return RefundPreview(
        minor=minor, amount=amount, uncovered=outcome.uncovered, written_off=outcome.written_off
    )


def _refund_id(one: Order, total: int) -> str:
    """Return the id of the refund that brings an order's refunds to a total, whoever tells of it.

    After one came to nothing, the same total is another refund.
    """
    if not one.refunds_failed and total == one.price_minor:
        return one.id
    again = f" {one.refunds_failed}" if one.refunds_failed else ""
    return blake2b(f"{one.id} {total}{again}".encode(), digest_size=16).hexdigest()


async def _nothing_moved(desk: Desk, address: Address, one: Order, end: OrderEnd, *, known: bool) -> Receipt:
    """End an order that moves no credit, unless that is `known`; return where its account stands."""
    if not known:
        told: dict[str, Any] = {"refunded_minor": end.refunded_minor, "refunds_failed": end.failed_after}
        told |= {"by": end.by, "reason": end.reason}
        async with desk.pool.acquire() as connection, connection.transaction():
            ended = await orders.write_order_ended(connection, one, end.state, desk.clock(), **told)
            if ended and end.undone and not await refunds.write_refund_corrected(connection, *end.undone):
                raise NotFound("order_not_in_state", order=one.id, state=end.was)
            if ended and end.kept:
                await audit_log.write_audit(connection, end.kept)
        if end.undone and not ended:
            raise NotFound("order_not_in_state", order=one.id, state=end.was)
        known = not ended
        if known and (await find_order(desk, address.ref, one.id)).state != end.state:
            raise NotFound("order_not_in_state", order=one.id, state=end.was)
    touched = await desk.carry_out(address, Touch(id=one.id))
    return msgspec.structs.replace(receipt(address.ref, touched), replayed=known)


async def fail_order(
    desk: Desk, ref: str, order_id: str, *, actor: str = "", reason: str = "", address: str | None = None
) -> Order:
    """Mark a pending order as failed: no credit came, and none comes unless it is paid late. Idempotent.

    A coupon that was used for it can be used again; a subscription that it was the first of is over. With an
    `address` somebody decided it, and the audit log keeps it in the same transaction.
    """
    one = await find_order(desk, ref, order_id)
    checked_text(actor, "actor")
    checked_text(reason, "reason", most=1_000)
    end = OrderEnd(id=one.id, was="pending", state="failed", by=actor, reason=reason)
    async with desk.pool.acquire() as connection, connection.transaction():
        failed = await orders.write_order_failed(
            connection, one.cell, one.id, desk.clock(), by=actor, reason=reason
        )
        if failed and one.coupon:
            await shop.write_redemption_undone(connection, one.coupon, one.cell, one.account, one.id)
        if failed and one.subscription:
            await subscriptions.write_subscription_dropped(connection, one, desk.clock())
        if failed and (kept := _kept(desk, "order.fail", one, end, address)):
            await audit_log.write_audit(connection, kept)
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
    async with desk.pool.acquire() as connection:
        found = await orders.find_order(connection, address.cell, checked_id(order_id, "order"))
    if found is None or found.account != address.account:
        raise NotFound("order_unknown", id=order_id, account=ref)
    if found.state in never:
        raise NotFound("order_not_in_state", order=found.id, state=from_state)
    return found


async def find_anywhere(desk: Desk, order_id: str) -> Order:
    """Return an order, whosever it is. Raises: NotFound."""
    wanted = checked_id(order_id, "order")
    async with desk.pool.acquire() as connection:
        found = await orders.find_order_anywhere(connection, wanted)
    if found is None:
        raise NotFound("order_nowhere", id=order_id)
    return found


async def list_orders(desk: Desk, ref: str, rows_max: int, before: str = "") -> list[Order]:
    """Return an account's orders, newest first, below the order `before`."""
    checked_whole(rows_max, "rows_max", 1, ORDERS_MAX)
    address = await desk.address(ref)
    below = checked_id(before, "before") if before != "" else ""
    async with desk.pool.acquire() as connection:
        return await orders.list_orders(connection, address, rows_max, before=below)


async def list_anywhere(
    desk: Desk,
    rows_max: int,
    *,
    before: str = "",
    state: str | None = None,
    provider: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    account: str | None = None,
) -> list[Order]:
    """Return everybody's orders, newest first, below the order `before`; any filter may be None."""
    address = await desk.address(account) if account is not None else None
    checked_whole(rows_max, "rows_max", 1, ORDERS_MAX)
    if state is not None and state not in orders.STATES:
        known = ", ".join(orders.STATES)
        raise InvalidInput("choice_unknown", field="state", value=shown(state), known=known)
    if provider is not None:
        checked_text(provider, "provider")
    for at, field in ((since, "since"), (until, "until")):
        if at is not None:
            instant(at, field)
    below = checked_id(before, "before") if before != "" else ""
    async with desk.pool.acquire() as connection:
        return await orders.list_orders_anywhere(
            connection,
            rows_max,
            before=below,
            state=state,
            provider=provider,
            since=since,
            until=until,
            address=address,
        )
