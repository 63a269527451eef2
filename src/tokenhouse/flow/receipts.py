"""Receipts: what was sold to whom, for how much, and what of it was given back."""

from datetime import datetime

import msgspec

from tokenhouse import messages
from tokenhouse.errors import NotFound
from tokenhouse.flow import identify
from tokenhouse.flow import orders as step
from tokenhouse.flow.desk import Desk, checked_choice
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import TOKEN, named
from tokenhouse.rules.shop import Package, money
from tokenhouse.store import shop
from tokenhouse.store.orders import Order


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a receipt: money in minor units, and as a person reads it."""

    text: str
    quantity: int
    unit_minor: int
    amount_minor: int
    shown: str


class SalesReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt in one language."""

    number: str
    locale: str
    title: str
    order: str
    state: str
    account: str
    buyer: str
    seller: str
    issued_at: datetime
    currency: str
    lines: tuple[Line, ...]
    total_minor: int
    total_shown: str
    refunded_minor: int
    refunded_shown: str
    refunded_at: datetime | None
    credit: str
    """The credit that it brought, as a person reads it."""
    paid_over: str
    payment: str


async def sales_receipt(desk: Desk, ref: str, order_id: str, locale: str) -> SalesReceipt:
    """Return the receipt of an order that was paid. Raises: NotFound."""
    checked_choice(locale, "locale", messages.LOCALES)
    one = await step.find_order(desk, ref, order_id)
    if one.state not in ("completed", "refunded"):
        raise NotFound("receipt_unpaid", order=one.id)
    account = await identify.describe(desk, ref)
    package = None
    if one.package:
        async with desk.pool.acquire() as connection:
            package = await shop.find_package(connection, one.package, one.package_version)
    issued_at = one.completed_at or one.ended_at or one.created_at
    buyer = ", ".join(part for part in (account.name or account.ref, account.email) if part)
    return SalesReceipt(
        number=f"{issued_at:%Y%m%d}-{one.id[-12:].upper()}",
        locale=locale,
        title=messages.say("receipt.title", locale),
        order=one.id,
        state=one.state,
        account=ref,
        buyer=buyer,
        seller=desk.settings.payments.seller,
        issued_at=issued_at,
        currency=one.currency,
        lines=_lines(desk, one, package, locale),
        total_minor=one.price_minor,
        total_shown=money(one.price_minor, one.currency),
        refunded_minor=one.refunded_minor,
        refunded_shown=money(one.refunded_minor, one.currency),
        refunded_at=one.ended_at if one.refunded_minor else None,
        credit=named(one.credit, deployment_unit(desk) or TOKEN, locale),
        paid_over=one.method or one.provider,
        payment=one.provider_ref or one.transaction_id,
    )


def _lines(desk: Desk, one: Order, package: Package | None, locale: str) -> tuple[Line, ...]:
    """Return what was sold, what came on top, and what a coupon took off."""
    unit = deployment_unit(desk) or TOKEN
    whole = one.price_minor + one.discount_minor
    paid_for = named(one.credit - one.bonus, unit, locale)
    text = messages.say("receipt.credit", locale, credit=paid_for)
    if package is not None:
        text = package.called(locale) + (f" ({paid_for})" if one.credit else "")
    lines = [_line(text, one.quantity, whole // one.quantity, whole, one.currency)]
    if one.bonus:
        bonus = messages.say("receipt.bonus", locale, credit=named(one.bonus, unit, locale))
        lines.append(_line(bonus, 1, 0, 0, one.currency))
    if one.discount_minor:
        off = messages.say("receipt.discount", locale, code=one.coupon)
        lines.append(_line(off, 1, -one.discount_minor, -one.discount_minor, one.currency))
    return tuple(lines)


def _line(text: str, quantity: int, unit_minor: int, amount_minor: int, currency: str) -> Line:
    """Return a line."""
    return Line(
        text=text,
        quantity=quantity,
        unit_minor=unit_minor,
        amount_minor=amount_minor,
        shown=money(amount_minor, currency),
    )


def written(receipt: SalesReceipt) -> list[tuple[str, str]]:
    """Return a receipt as names and values, in the order in which a person reads it."""

    def name(field: str) -> str:
        return messages.say(f"receipt.{field}", receipt.locale)

    pairs = [
        (name("number"), receipt.number),
        (name("issued_at"), f"{receipt.issued_at:%Y-%m-%d %H:%M} UTC"),
        (name("seller"), receipt.seller),
        (name("buyer"), receipt.buyer),
        *(
            (line.text if line.quantity == 1 else f"{line.text} x {line.quantity}", line.shown)
            for line in receipt.lines
        ),
        (name("total"), receipt.total_shown),
        (name("brought"), receipt.credit),
        (name("paid_over"), receipt.paid_over),
        (name("payment"), receipt.payment),
        (name("order"), receipt.order),
    ]
    if receipt.refunded_minor:
        when = f"{receipt.refunded_at:%Y-%m-%d}" if receipt.refunded_at else ""
        pairs.append((name("refunded"), f"{receipt.refunded_shown} ({when})"))
    return [(field, value) for field, value in pairs if value]
