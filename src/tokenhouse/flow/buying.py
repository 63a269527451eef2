"""Buying: a package becomes a pending order, a coupon becomes credit; each once, however often it is asked.

Whether the credit could be given at all is asked before anybody pays for it: an account that is closed, that
draws on another or that would hold more than its plan allows buys nothing. Once it is paid, how much it may
hold is not asked again.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn

from tokenhouse.errors import AccountClosed, InvalidInput, KeyReused, NotFound, TokenhouseError
from tokenhouse.flow import orders as step
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.desk import Desk, checked_text, checked_whole
from tokenhouse.flow.packages import find_coupon, find_package
from tokenhouse.flow.report import read_path
from tokenhouse.flow.settle import Receipt
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.shop import QUANTITY_MAX, Package, bill
from tokenhouse.rules.verdict import Member
from tokenhouse.store import orders, shop, subscriptions
from tokenhouse.store.accounts import Address
from tokenhouse.store.orders import NewOrder, Order
from tokenhouse.store.pool import Connection
from tokenhouse.store.shop import Coupon

ONLY_KRW: Final = "toss"
RENEWS: Final = ("callback", "stripe", "manual")
"""Providers over which a subscription can be paid for."""
CUT_AFTER: Final = timedelta(minutes=5)
"""After this long a coupon's order that is still pending was cut short."""
LEFT_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What became of orders that were left: failed for want of payment, or given what a coupon owed."""

    failed: int
    completed: int


class _KnownError(Exception):
    """The order is there already; what was begun for a second one is taken back."""


async def buy(
    desk: Desk,
    ref: str,
    package: str,
    *,
    currency: str,
    provider: str,
    quantity: int = 1,
    coupon: str = "",
    key: str = "",
    note: str = "",
) -> Order:
    """Open the order of a package, pending until its provider says that it is paid.

    Bought again under the same `key`, the first order comes. One that costs nothing is completed at once.

    Raises: InvalidInput, NotFound, AccountClosed, KeyReused.
    """
    address = await desk.address(ref)
    step.checked_currency(currency)
    checked_text(key, "key")
    one = await find_package(desk, package)
    off = await find_coupon(desk, coupon) if coupon != "" else None
    if key and (known := await _known(desk, address, key)) is not None:
        return _same(known, package=one.name, currency=currency, quantity=quantity, coupon=off)
    member = (await read_path(desk, address))[0]
    _may_buy(member, address, one)
    if off is not None:
        _fits(off, member, one)
    checked_whole(quantity, "quantity", 1, 1 if one.is_subscription else QUANTITY_MAX)
    total = bill(one, currency, quantity=quantity, discount=off.discount if off else 0)
    able_to_hold(member, address, total.credit)
    new = NewOrder(
        id=desk.new_id(),
        credit=total.credit,
        price_minor=total.price,
        currency=currency,
        note=checked_text(note, "note", most=1_000),
        provider=_provider(desk, provider, currency, one) if total.price else step.FREE,
        package=one.name,
        package_version=one.version,
        quantity=quantity,
        bonus=total.bonus,
        discount_minor=total.discount,
        coupon=off.code if off else "",
        credit_days=one.credit_days,
        subscription=desk.new_id() if one.is_subscription else "",
        request_key=key,
    )
    made = await _opened(desk, address, new, one, member.balance.plan)
    if made is None:
        known = await _known(desk, address, key)
        assert known is not None  # noqa: S101 -- only its key stood against the order
        return _same(known, package=one.name, currency=currency, quantity=quantity, coupon=off)
    if made.provider == step.FREE:
        await step.complete_order(desk, ref, made.id, actor="coupon")
        return await step.find_order(desk, ref, made.id)
    return made


async def redeem(desk: Desk, ref: str, code: str, *, key: str = "") -> Receipt:
    """Give an account the credit of a coupon, once.

    Redeemed again under the same `key`, or after it was cut short, its first answer comes.

    Raises: NotFound, InvalidInput, AccountClosed.
    """
    address = await desk.address(ref)
    coupon = await find_coupon(desk, code)
    if not coupon.credit:
        raise InvalidInput("coupon_no_credit", field="code", value=coupon.code)
    checked_text(key, "key")
    async with desk.pool.acquire() as connection:
        before = await shop.find_redemption(connection, coupon.code, address)
    if before is None:
        member = (await read_path(desk, address))[0]
        _owns(member, address)
        _fits(coupon, member, None)
        able_to_hold(member, address, coupon.credit)
        new = NewOrder(
            id=desk.new_id(),
            type="bonus",
            credit=coupon.credit,
            price_minor=0,
            currency="KRW",
            note=coupon.note,
            provider=step.FREE,
            coupon=coupon.code,
            credit_days=coupon.credit_days,
            request_key=key,
        )
        made = await _opened(desk, address, new, None, "")
        order = made or await _known(desk, address, key)
    else:
        order = await step.find_order(desk, ref, before)
        if order.state != "pending" and not (key and await _known(desk, address, key) == order):
            raise InvalidInput("coupon_used", field="code", value=coupon.code)
    if order is None or order.coupon != coupon.code:
        raise KeyReused(id=order.id if order else "", account=ref, first=order and order.coupon, second=code)
    return await step.complete_order(desk, ref, order.id, actor="coupon")


async def expire_orders(desk: Desk) -> Expired:
    """Fail the orders that nobody paid for in time, and give what a coupon owes that was cut short.

    Idempotent.
    """
    now = desk.clock()
    overdue = now - timedelta(days=desk.settings.payments.pending_days)
    async with desk.pool.acquire() as connection:
        left = await orders.list_orders_left(connection, overdue, now - CUT_AFTER, LEFT_ROWS)
    failed = completed = 0
    for one in left:
        try:
            if one.provider == step.FREE:
                await step.complete_order(desk, one.ref, one.id, actor="coupon")
                completed += 1
                continue
        except TokenhouseError:
            if one.created_at >= overdue:
                continue
        with suppress(NotFound):  # It was paid in the meantime.
            await step.fail_order(desk, one.ref, one.id, actor="tokenhouse", reason="expired")
            failed += 1
    return Expired(failed=failed, completed=completed)


async def _opened(
    desk: Desk, address: Address, new: NewOrder, package: Package | None, plan: str
) -> Order | None:
    """Open an order with its coupon and its subscription, all or none; None where its key is known."""
    try:
        async with desk.pool.acquire() as connection, connection.transaction():
            if package is not None and package.is_subscription:
                await _subscribe(connection, desk, address, new, package, plan)
            if new.coupon:
                no = await shop.write_coupon_used(connection, new.coupon, address, new.id, desk.clock())
                if no:
                    await _not_known(connection, address, new)
                    _refuse_coupon(no, new.coupon)
            made = await orders.write_order_bought(connection, address, new, desk.clock())
            if made is None:
                raise _KnownError
            await keep(connection, made)
            return made
    except _KnownError:
        return None


async def _not_known(connection: Connection, address: Address, new: NewOrder) -> None:
    """Return if the key of an order has not opened one meanwhile. Raises: _KnownError."""
    key = new.request_key
    if key and await orders.find_order_by_request(connection, address, key) is not None:
        raise _KnownError


async def _subscribe(
    connection: Connection, desk: Desk, address: Address, new: NewOrder, package: Package, plan: str
) -> None:
    """Open the subscription of an order. Raises: InvalidInput where the account has one."""
    opened = await subscriptions.write_subscription(
        connection,
        address,
        new.subscription,
        desk.clock(),
        package=package.name,
        plan=package.plan,
        former_plan=plan,
        every=package.every,
        price_minor=package.price(new.currency),
        currency=new.currency,
        provider=new.provider,
    )
    if not opened:
        await _not_known(connection, address, new)
        raise InvalidInput("subscription_alive", field="package", value=package.name, account=address.ref)


async def _known(desk: Desk, address: Address, key: str) -> Order | None:
    """Return the order that an account opened under a key."""
    async with desk.pool.acquire() as connection:
        return await orders.find_order_by_request(connection, address, key)


def _same(known: Order, *, package: str, currency: str, quantity: int, coupon: Coupon | None) -> Order:
    """Return the order of a key, if it was for the same. Raises: KeyReused."""
    wanted = (package, currency, quantity, coupon.code if coupon else "")
    first = (known.package, known.currency, known.quantity, known.coupon)
    if first != wanted:
        raise KeyReused(id=known.id, account=known.ref, first=str(first), second=str(wanted))
    return known


def _may_buy(member: Member, address: Address, package: Package) -> None:
    """Refuse what an account may not buy."""
    if not package.active:
        raise InvalidInput("package_not_sold", field="package", value=package.name)
    _owns(member, address)
    plan = member.balance.plan
    if package.plans and plan not in package.plans:
        raise InvalidInput("package_not_for", field="package", value=package.name, plan=plan)
    if package.plan == plan:
        raise InvalidInput("subscription_same", field="package", value=package.name, plan=plan)


def _owns(member: Member, address: Address) -> None:
    """Refuse an account that can hold no credit: it is closed, or draws on one above it."""
    if not member.balance.own_credit:
        raise InvalidInput("no_own_credit", field="account", value=address.ref, account=address.ref)
    if member.balance.state == "closed":
        raise AccountClosed(account=address.ref, state=member.balance.state)


def able_to_hold(member: Member, address: Address, credit: int) -> None:
    """Refuse credit that would bring an account above what its plan lets it hold."""
    maximum, left = member.plan.credit.maximum, member.balance.left
    if maximum is not None and left + credit > maximum:
        facts = {"amount": maximum, "unit": member.plan.unit.name, "short_by": left + credit - maximum}
        raise InvalidInput("credit_maximum", field="package", value=credit, account=address.ref, **facts)


def _fits(coupon: Coupon, member: Member, package: Package | None) -> None:
    """Refuse a coupon for what it is not meant for; without a package, its credit is wanted."""
    plan = member.balance.plan
    if coupon.plans and plan not in coupon.plans:
        raise InvalidInput("coupon_not_for", field="coupon", value=coupon.code, what=plan)
    if package is None:
        return
    if not coupon.discount:
        raise InvalidInput("coupon_no_discount", field="coupon", value=coupon.code)
    # A subscription's further periods cost what the first one did, which a discount would change.
    if package.is_subscription or (coupon.packages and package.name not in coupon.packages):
        raise InvalidInput("coupon_not_for", field="coupon", value=coupon.code, what=package.name)


def _refuse_coupon(no: str, code: str) -> NoReturn:
    """Say what stands against a coupon."""
    raise InvalidInput("coupon_used" if no == "again" else "coupon_over", field="coupon", value=code)


def _provider(desk: Desk, provider: str, currency: str, package: Package) -> str:
    """Return who must say that an order is paid. Raises: InvalidInput for one that is closed, or cannot."""
    known = desk.settings.payments.providers
    if package.is_subscription:
        known = tuple(name for name in known if name in RENEWS)
    if currency != "KRW":
        known = tuple(name for name in known if name != ONLY_KRW)
    if provider not in known:
        raise InvalidInput("choice_unknown", field="provider", value=shown(provider), known=", ".join(known))
    return provider
