"""Payments: what a provider tells is heard, bound to its order and carried out: once, or not at all.

    record the attempt -> known? -> find its order -> provider, currency, price -> carry it out -> verdict

Whoever speaks has been proven before (`edges.payments`). What it tells is a state of a payment and not a
command, so that the order of messages does not matter: "refunded" implies "paid", a total of refunds implies
the lower ones. The ledger itself sees to "once": a grant carries the order's id, and comes with the order's
end. Where the database is away nothing is said, and the provider comes again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal, get_args

from tokenhouse.errors import Busy, DatabaseTrouble, InvalidInput, KeyReused, NotFound, TokenhouseError
from tokenhouse.flow import identify, refunding, subscriptions
from tokenhouse.flow import orders as step
from tokenhouse.flow.desk import (
    HEX_ID,
    Desk,
    checked_choice,
    checked_flag,
    checked_id,
    checked_text,
    checked_whole,
)
from tokenhouse.flow.refunding import Returned
from tokenhouse.flow.settle import Receipt
from tokenhouse.rules.amounts import checked_amount, shown
from tokenhouse.rules.shop import PRICE_MAX
from tokenhouse.store import orders, payments
from tokenhouse.store.orders import NewOrder, Order
from tokenhouse.store.payments import PaymentEvent

Kind = Literal["paid", "failed", "refunded", "ended", "late", "other"]
Verdict = Literal["accepted", "duplicate", "ignored", "refused"]

TRIES: Final = 5
"""How often an order is looked at again that somebody else changed meanwhile."""
STALE: Final = ("order_not_in_state", "more_than_given", "refund_passed")
"""What is said to whoever goes by an order as it was before somebody else changed it."""
PAGE_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a shop of our own wants for a payment for which nobody opened an order here."""

    account: str
    credit: int
    note: str = ""
    opens_account: bool = False
    """Whether an account that is not there is opened for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a provider says of a payment, or ("ended", "late") of a subscription; "other" concerns us not."""

    provider: str
    event: str
    """Its own id of this message; the same message may come again under it."""
    kind: Kind
    digest: bytes
    """SHA-256 of the message as it came."""
    order: str = ""
    """Our order's id, as it was given to the provider."""
    payments: tuple[str, ...] = ()
    """What the provider calls the payment; none of these may be for another order."""
    price_minor: int | None = None
    currency: str = ""
    refunded_minor: int | None = None
    """The total of its refunds; None is all, or what `refunds` come to."""
    refunds: tuple[Returned, ...] = ()
    """Its refunds one by one, where the provider names them."""
    method: str = ""
    subscription: str = ""
    """What the provider calls the subscription that it is for."""
    renewal: bool = False
    """Whether it is for a further period, for which the provider itself asked."""
    opening: Opening | None = None
    verbatim: bool = False
    """Whether the same message comes again to the letter, so that another one under its id is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was made of a message, and why; the order as it now stands; what it moved in the ledger."""

    verdict: Verdict
    reason: str = ""
    order: Order | None = None
    receipt: Receipt | None = None
    error: TokenhouseError | None = None
    """What to tell whoever must know that it was refused."""


async def hear(desk: Desk, told: Told) -> Heard:
    """Carry out what a proven provider tells, and keep a record of it.

    Idempotent, in any order, and any number at once. Raises: DatabaseTrouble, Busy: it must be told again.
    """
    _checked(told)
    event = PaymentEvent(
        id=desk.new_id(),
        provider=told.provider,
        event=told.event,
        kind=told.kind,
        ref=told.order or next(iter(told.payments), told.subscription),
        price_minor=told.price_minor,
        currency=told.currency,
        digest=told.digest,
        received_at=desk.clock(),
    )
    async with desk.pool.acquire() as connection:
        await payments.write_payment_event(connection, event)
        known = await payments.find_payment_event(connection, told.provider, told.event)
    try:
        heard = await _known(desk, told, *known) if known is not None else await _carried_out(desk, told)
    except (DatabaseTrouble, Busy):
        raise
    except TokenhouseError as no:
        heard = Heard(verdict="refused", reason=no.reason, order=await _seen(desk, told), error=no)
    decided = replace(
        event,
        verdict=heard.verdict,
        reason=heard.reason,
        order_id=heard.order.id if heard.order else "",
        decided_at=desk.clock(),
    )
    async with desk.pool.acquire() as connection:
        after = await payments.write_payment_verdict(connection, decided)
    return replace(heard, verdict="duplicate") if after.verdict == "duplicate" else heard


async def refuse(desk: Desk, provider: str, event: str, digest: bytes, reason: str) -> None:
    """Keep a record of somebody who could not prove to be a provider. What it claims is not looked at."""
    if not isinstance(event, str):
        raise InvalidInput("text_expected", field="event", value=type(event).__name__)
    now = desk.clock()
    claimed = "".join(letter for letter in event[:255] if letter.isprintable())
    attempt = PaymentEvent(
        id=desk.new_id(),
        provider=checked_text(provider, "provider", least=1),
        event=claimed,
        kind="",
        verdict="refused",
        reason=checked_text(reason, "reason", least=1),
        digest=_checked_digest(digest),
        received_at=now,
        decided_at=now,
    )
    async with desk.pool.acquire() as connection:
        await payments.write_payment_event(connection, attempt)


async def bind(desk: Desk, order: str, payment: str) -> Order:
    """Note what an order's provider calls its payment. Raises: NotFound, InvalidInput if it is another's."""
    one = await step.find_anywhere(desk, order)
    ref = checked_text(payment, "payment", least=1, most=255)
    async with desk.pool.acquire() as connection:
        if await payments.write_payment(connection, one.provider, ref, one, desk.clock()) != one.id:
            raise InvalidInput("payment_of_another_order", field="payment", value=ref)
        await orders.write_order_provider_ref(connection, one, ref, "")
    return await step.find_anywhere(desk, order)


async def payments_of(desk: Desk, order: Order) -> list[str]:
    """Return what its provider calls the payments that are for an order."""
    async with desk.pool.acquire() as connection:
        return await payments.list_payments_of_order(connection, order)


async def events(
    desk: Desk,
    *,
    before: str = "",
    provider: str | None = None,
    verdict: str | None = None,
    order: str = "",
    unmatched: bool = False,
    rows_max: int = 100,
) -> list[PaymentEvent]:
    """Return what was said in providers' names, newest first; `unmatched`: true, and fitting no order."""
    checked_flag(unmatched, "unmatched")
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    if verdict is not None and verdict not in payments.VERDICTS:
        known = ", ".join(payments.VERDICTS)
        raise InvalidInput("choice_unknown", field="verdict", value=shown(verdict), known=known)
    if provider is not None:
        checked_text(provider, "provider")
    below = checked_id(before, "before") if before != "" else ""
    of = checked_id(order, "order") if order != "" else ""
    async with desk.pool.acquire() as connection:
        return await payments.list_payment_events(
            connection,
            rows_max,
            before=below,
            provider=provider,
            verdict=verdict,
            order_id=of,
            unmatched=unmatched,
        )


def _checked(told: object) -> None:
    """Return if what was handed in can be a provider's message. Raises: InvalidInput."""
    if not isinstance(told, Told):
        raise InvalidInput("table_wanted", field="told", value=shown(told))
    checked_text(told.provider, "provider", least=1)
    checked_text(told.event, "event", least=1, most=255)
    checked_choice(told.kind, "kind", get_args(Kind))
    _checked_digest(told.digest)


def _checked_digest(digest: object) -> bytes:
    """Return a SHA-256. Raises: InvalidInput."""
    if not isinstance(digest, bytes) or len(digest) != sha256().digest_size:
        raise InvalidInput("choice_unknown", field="digest", value=shown(digest), known="SHA-256")
    return digest


async def forget(desk: Desk, before: datetime) -> int:
    """Forget those who proved nothing before a time; return how many. Idempotent."""
    async with desk.pool.acquire() as connection:
        return await payments.write_attempts_pruned(connection, before)


async def _known(desk: Desk, told: Told, order: str, digest: bytes) -> Heard:
    """Return what to make of a message that was accepted before. Raises: KeyReused for another one."""
    if told.verbatim and digest != told.digest:
        raise KeyReused("event_differs", id=told.event)
    return Heard(
        verdict="duplicate",
        reason="event_known",
        order=await step.find_anywhere(desk, order) if order else None,
    )


async def _carried_out(desk: Desk, told: Told) -> Heard:
    """Bind a message to its order, and carry it out; look again where somebody else was faster."""
    if told.kind == "other":
        return Heard(verdict="ignored", reason="not_ours")
    if told.kind in ("ended", "late"):
        return await _of_subscription(desk, told)
    one = await _order(desk, told)
    _bound(told, one)
    if told.kind != "failed":
        await _claimed(desk, told, one)
    for _ in range(TRIES):
        try:
            return await _applied(desk, told, one)
        except (NotFound, InvalidInput) as no:
            before, one = one, await step.find_anywhere(desk, one.id)
            if no.reason not in STALE or one == before:
                raise
    raise Busy("busy", retry_after_s=1, waiting=TRIES)


async def _order(desk: Desk, told: Told) -> Order:
    """Return the order that a message is about. Raises: NotFound."""
    if told.renewal:
        first = await _seen(desk, told)
        one = await subscriptions.find(desk, told.provider, told.subscription, first)
        if one is None or one.state == "ended":
            raise NotFound("payment_order_unknown", order=told.subscription)
        return await subscriptions.open_renewal(desk, one, f"renewal {told.payments[0]}")
    found = await _seen(desk, told)
    if found is not None:
        return found
    callback = desk.settings.payments.callback
    if told.opening is None or callback is None or not callback.opens_orders or not told.payments:
        raise NotFound("payment_order_unknown", order=told.order or next(iter(told.payments), ""))
    return await _opened(desk, told, told.opening)


async def _seen(desk: Desk, told: Told) -> Order | None:
    """Return the order that a message names, in our words or the provider's; None where there is none."""
    order = told.order.replace("-", "").lower() or None
    if order is not None and not HEX_ID.fullmatch(order):
        return None
    async with desk.pool.acquire() as connection:
        for ref in told.payments if order is None else ():
            order = order or await payments.find_payment(connection, told.provider, ref)
        return await orders.find_order_anywhere(connection, order) if order else None


async def _opened(desk: Desk, told: Told, opening: Opening) -> Order:
    """Open the order that a shop of our own tells of, once for each payment."""
    if told.price_minor is None:
        raise InvalidInput("field_missing", field="amount", value="")
    if opening.opens_account:
        profile = identify.checked_profile(ref=opening.account, above=None)
        await identify.open_account(desk, profile, actor=_actor(told))
    address = await desk.address(opening.account)
    new = NewOrder(
        id=desk.new_id(),
        credit=checked_amount(opening.credit, "credit"),
        price_minor=checked_whole(told.price_minor, "amount", 0, PRICE_MAX),
        currency=step.checked_currency(told.currency),
        method=checked_text(told.method, "method", most=50),
        note=checked_text(opening.note, "note", most=1_000),
        provider=told.provider,
        request_key=f"{told.provider} {told.payments[0]}",
    )
    async with desk.pool.acquire() as connection, connection.transaction():
        made = await orders.write_order_bought(connection, address, new, desk.clock())
        one = made or await orders.find_order_by_request(connection, address, new.request_key)
        assert one is not None  # noqa: S101 -- made here, or by the one who was faster
        bound = await payments.write_payment(connection, told.provider, told.payments[0], one, desk.clock())
        if bound != one.id:
            raise InvalidInput("payment_of_another_order", field="payment", value=told.payments[0])
    return one


def _bound(told: Told, one: Order) -> None:
    """Refuse a message about an order of another provider, currency, price or credit."""
    if one.provider != told.provider:
        raise InvalidInput("payment_provider_differs", field="provider", value=told.provider, order=one.id)
    if told.opening is not None and (one.ref, one.credit) != (told.opening.account, told.opening.credit):
        raise InvalidInput("order_differs", field="payment", value=told.payments[0], order=one.id)
    if told.kind == "failed" and told.price_minor is None:
        return
    if told.currency != one.currency:
        facts = {"order": one.id, "expected": one.currency}
        raise InvalidInput("payment_currency_differs", field="currency", value=told.currency, **facts)
    if told.price_minor != one.price_minor and not (told.price_minor is None and told.refunds):
        facts = {"order": one.id, "expected": str(one.price_minor)}
        raise InvalidInput("payment_amount_differs", field="amount", value=told.price_minor, **facts)
    if told.refunded_minor is not None and not 0 < told.refunded_minor <= one.price_minor:
        facts = {"order": one.id, "expected": str(one.price_minor)}
        raise InvalidInput("payment_refund_differs", field="refunded", value=told.refunded_minor, **facts)


async def _claimed(desk: Desk, told: Told, one: Order) -> None:
    """Bind the payment to its order, over all accounts. Raises: InvalidInput if it is another one's."""
    now = desk.clock()
    async with desk.pool.acquire() as connection:
        for ref in told.payments:
            if await payments.write_payment(connection, told.provider, ref, one, now) != one.id:
                raise InvalidInput("payment_of_another_order", field="payment", value=ref)
        if told.payments and step.can_be_paid(one):
            method = checked_text(told.method, "method", most=50)
            await orders.write_order_provider_ref(connection, one, told.payments[0], method)


async def _applied(desk: Desk, told: Told, one: Order) -> Heard:
    """Bring an order to the state that a message tells of. Raises: NotFound `order_not_in_state`."""
    match told.kind, one.state:
        case "failed", "pending":
            failed = await step.fail_order(desk, one.ref, one.id, actor=_actor(told), reason="payment_failed")
            return Heard(verdict="accepted", order=failed)
        case "failed", _:
            return Heard(verdict="ignored", reason=f"order_{one.state}", order=one)
        case "paid", "failed" if not step.can_be_paid(one):
            raise InvalidInput("payment_order_failed", field="order", value=one.id, order=one.id)
        case "paid", "pending" | "failed":
            receipt = await step.complete_order(desk, one.ref, one.id, actor=_actor(told))
            return await _begun(desk, told, one, Heard(verdict="accepted", receipt=receipt))
        case "paid", "completed":
            heard = Heard(verdict="duplicate", reason="order_completed")
            return await _begun(desk, told, one, heard)
        case "paid", _:
            return Heard(verdict="ignored", reason="order_refunded", order=one)
        case _:
            return await _refunded(desk, told, one)


async def _begun(desk: Desk, told: Told, one: Order, heard: Heard) -> Heard:
    """Begin the period that a paid order is for, if it is a subscription's."""
    if one.subscription:
        begun = await subscriptions.carry(desk, await step.find_anywhere(desk, one.id))
        if begun is not None and told.subscription and begun.provider_ref != told.subscription:
            await subscriptions.named(desk, begun, told.subscription)
    return replace(heard, order=await step.find_anywhere(desk, one.id))


async def _refunded(desk: Desk, told: Told, one: Order) -> Heard:
    """Take back what a refund is for; of an order that gave nothing yet, see that it never does."""
    total = one.price_minor if told.refunded_minor is None else told.refunded_minor
    undone, lost = None, False
    if told.refunds:
        lost = await refunding.note(desk, told.provider, told.refunds, one)
        if not step.is_given_back(one):
            undone = await refunding.undo(desk, one, actor=_actor(told))
            one, total = undone.order, max(undone.made, told.refunded_minor or 0)
        elif all(each.failed for each in told.refunds):
            raise InvalidInput("payment_order_failed", field="order", value=one.id, order=one.id)
    if step.is_given_back(one):
        return Heard(verdict="duplicate", reason="refund_known", order=one)
    if step.can_be_paid(one) and total == one.price_minor:
        reason = step.GIVEN_BACK
        failed = await step.fail_order(desk, one.ref, one.id, actor=_actor(told), reason=reason)
        return Heard(verdict="accepted", reason=reason, order=failed)
    late = step.can_be_paid(one)
    if late:  # A part of it was given back, or came to nothing, so all of it had been paid.
        await step.complete_order(desk, one.ref, one.id, actor=_actor(told))
        one = await subscriptions.follow(desk, await step.find_anywhere(desk, one.id))
    if undone is not None and total <= one.refunded_minor and (undone.given or lost or late):
        return Heard(verdict="accepted", reason=step.CAME_TO_NOTHING, order=one, receipt=undone.given)
    if total <= one.refunded_minor and one.price_minor:
        reason = "refund_known" if total == one.refunded_minor else "refund_passed"
        return Heard(verdict="duplicate" if reason == "refund_known" else "ignored", reason=reason, order=one)
    receipt = await step.refund_order(
        desk,
        one.ref,
        one.id,
        actor=_actor(told),
        note="",
        refunded_minor=total,
        failed_before=one.refunds_failed,
    )
    after = await subscriptions.follow(desk, await step.find_anywhere(desk, one.id))
    return Heard(verdict="accepted", order=after, receipt=receipt)


async def _of_subscription(desk: Desk, told: Told) -> Heard:
    """Carry out what a provider tells of a subscription. Raises: NotFound."""
    first = await _seen(desk, told)
    one = await subscriptions.find(desk, told.provider, told.subscription, first)
    if one is None or one.provider != told.provider:
        raise NotFound("payment_order_unknown", order=told.subscription)
    if one.state == "ended":
        return Heard(verdict="ignored", reason="subscription_ended", order=first)
    if told.kind == "ended":
        await subscriptions.end(desk, one, "ended_by_provider")
    else:
        await subscriptions.late(desk, one)
    return Heard(verdict="accepted", order=first)


def _actor(told: Told) -> str:
    """Return what entries and orders say of who it was."""
    return f"payment:{told.provider}"
