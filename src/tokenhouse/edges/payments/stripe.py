"""Stripe: a checkout session for an order, and its signed webhooks, through Stripe's own library.

The library is an extra, and imported when Stripe is set up. The signature is checked by it; the time is held
against the house's clock. https://docs.stripe.com/webhooks
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import aiohttp
import msgspec

from tokenhouse.edges.credentials import checked_secret
from tokenhouse.edges.payments.message import (
    Message,
    checked_url,
    document,
    is_fresh,
    turn_away,
    unreadable,
)
from tokenhouse.errors import InvalidInput, StartRefused, UpstreamTrouble
from tokenhouse.flow.giving_back import Wanted
from tokenhouse.flow.payments import Heard, Told
from tokenhouse.flow.refunding import Returned
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.shop import Package
from tokenhouse.settings import Stripe
from tokenhouse.store.orders import Order
from tokenhouse.store.subscriptions import Subscription

log: Final = logging.getLogger("tokenhouse.payments.stripe")

PROVIDER: Final = "stripe"
SHOWN: Final = "Stripe"
TIMEOUT_S: Final = 30.0
INTERVALS: Final = {"week": ("week", 1), "month": ("month", 1), "quarter": ("month", 3), "year": ("year", 1)}
"""A subscription's period -> Stripe's interval and how many of them."""
INTENT: Final = "pi_"
"""How Stripe's name of a payment begins; a checkout's and an invoice's are names of the same payment."""
CAME_TO_NOTHING: Final = ("failed", "canceled")
"""A refund's states in which its money stays; one that waits for its receiver may still arrive."""
REFUNDS_MAX: Final = 100
"""Refunds of one payment that we look at: Stripe lists no more at once."""
OURS: Final = "tokenhouse"
"""What we call a refund, in its metadata."""
PAID: Final = ("paid", "no_payment_required")

Object = dict[str, Any]
Facts = dict[str, Any]


class StripePayments:
    """Stripe's API and its webhooks."""

    provider = PROVIDER
    shown = SHOWN

    def __init__(self, settings: Stripe, tolerance_s: int) -> None:
        try:
            import stripe
        except ImportError:
            raise StartRefused("stripe_absent") from None
        self._library: Any = stripe
        self._key = checked_secret(settings.key, "payments.stripe.key")
        self._secret = checked_secret(settings.secret, "payments.stripe.secret")
        self._url = checked_url(settings.url, "payments.stripe.url")
        self._success_url, self._cancel_url = settings.success_url, settings.cancel_url
        self._tolerance_s = tolerance_s
        self._http: Any = None
        self._client: Any = None

    async def open(self) -> None:
        """Make the client; it connects when it is asked."""
        self._http = self._library.AIOHTTPClient(timeout=TIMEOUT_S)
        self._client = self._library.StripeClient(
            self._key, base_addresses={"api": self._url}, http_client=self._http, max_network_retries=1
        )

    async def close(self) -> None:
        """Let the connections go."""
        if self._http is not None:
            await self._http.close_async()
            self._http = self._client = None

    async def checkout(self, house: Tokenhouse, order: Order, package: Package, locale: str) -> str:
        """Return the page of Stripe on which an order is paid; asked again, the same one.

        Raises: InvalidInput, UpstreamTrouble.
        """
        ours = {"order": order.id}
        price: Facts = {
            "currency": order.currency.lower(),
            "unit_amount": order.price_minor,
            "product_data": {"name": package.called(locale)},
        }
        asked: Facts = {"mode": "payment", "payment_intent_data": {"metadata": ours}}
        if package.is_subscription:
            interval, several = INTERVALS[package.every]
            price["recurring"] = {"interval": interval, "interval_count": several}
            asked = {"mode": "subscription", "subscription_data": {"metadata": ours}}
        asked |= {
            "client_reference_id": order.id,
            "metadata": ours,
            "line_items": [{"quantity": 1, "price_data": price}],
            "locale": locale,
        }
        here = f"{house.desk.settings.place}/app/buy/{order.id}?came="
        asked["success_url"] = self._success_url.replace("{order}", order.id) or f"{here}paid"
        asked["cancel_url"] = self._cancel_url.replace("{order}", order.id) or f"{here}back"
        session = await self._ask(
            lambda: self._client.v1.checkout.sessions.create_async(
                asked, {"idempotency_key": f"order-{order.id}"}
            )
        )
        await house.bind_payment(order.id, str(session.id))
        return str(session.url)

    async def cancel(self, subscription: Subscription, *, at_once: bool) -> None:
        """Tell Stripe that a subscription ends, with its period or at once."""
        ref = subscription.provider_ref
        if not ref:
            return
        if at_once:
            await self._ask(lambda: self._client.v1.subscriptions.cancel_async(ref))
        else:
            ends = {"cancel_at_period_end": True}
            await self._ask(lambda: self._client.v1.subscriptions.update_async(ref, ends))

    def took(self, payments: list[str]) -> str | None:
        """Return Stripe's name of what it took, of all names of an order's payments."""
        return next((name for name in payments if name.startswith(INTENT)), None)

    async def refunds(self, payment: str) -> list[Returned]:
        """Return what Stripe has given back of a payment. Raises: InvalidInput, UpstreamTrouble."""
        asked: Facts = {"payment_intent": payment, "limit": REFUNDS_MAX}
        found = await self._ask(lambda: self._client.v1.refunds.list_async(asked))
        return [_returned(one.to_dict()) for one in found.data]

    async def refund(self, wanted: Wanted) -> list[Returned]:
        """Have Stripe give money back; return that refund.

        Idempotent by the key, which the refund carries. Raises: InvalidInput for its no, UpstreamTrouble
        where nobody knows.
        """
        asked: Facts = {
            "payment_intent": wanted.payment,
            "amount": wanted.minor,
            "metadata": {"order": wanted.order.id, "reason": wanted.note[:500], OURS: wanted.key},
        }
        key = {"idempotency_key": f"refund-{wanted.key}"}
        made = await self._ask(lambda: self._client.v1.refunds.create_async(asked, key))
        return [replace(_returned(made.to_dict()), ours=wanted.key)]

    async def hear(self, house: Tokenhouse, message: Message) -> Heard:
        """Carry out what a signed event tells. Raises: Unauthenticated, InvalidInput for one unreadable."""
        header = message.headers.get("stripe-signature", "")
        if not header:
            await turn_away(house, PROVIDER, message, "signature_missing")
        try:
            self._library.WebhookSignature.verify_header(message.body, header, self._secret)
        except (self._library.SignatureVerificationError, UnicodeError):
            await turn_away(house, PROVIDER, message, "signature_wrong")
        sent_s = next((part[2:] for part in header.split(",") if part.startswith("t=")), "")
        if not is_fresh(sent_s, house.desk.clock(), self._tolerance_s):
            await turn_away(house, PROVIDER, message, "signature_stale")
        message.believed()
        try:
            event = told(document(message.body), message)
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as trouble:
            await unreadable(house, PROVIDER, message, trouble)
        return await house.hear_payment(await self._with_refunds(event))

    async def _with_refunds(self, event: Told) -> Told:
        """Return what an event of a refund tells, with all refunds of its payment as Stripe has them now.

        A total in an event may be older than a refund that came to nothing; the refunds by name never are.
        """
        intent = self.took(list(event.payments)) if event.kind == "refunded" else None
        refunds = tuple(await self.refunds(intent)) if intent else ()
        if not refunds:
            return event
        return replace(event, refunds=refunds, refunded_minor=None)

    async def _ask(self, work: Callable[[], Any]) -> Any:
        """Return what Stripe answers. Raises: InvalidInput for its no, UpstreamTrouble for none."""
        try:
            return await work()
        except (self._library.InvalidRequestError, self._library.CardError) as no:
            problem = str(no.user_message or no.code or "")[:200]
            raise InvalidInput(
                "payment_refused", field="order", value="", provider=SHOWN, problem=problem
            ) from None
        except self._library.StripeError as trouble:
            log.warning("Stripe: %s (request %s)", type(trouble).__name__, trouble.request_id)
            raise UpstreamTrouble("payment_unreachable", provider=SHOWN) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:  # While the library read the answer.
            log.warning("Stripe: %s", type(trouble).__name__)
            raise UpstreamTrouble("payment_unreachable", provider=SHOWN) from None


def told(event: Object, message: Message) -> Told:
    """Return what an event tells, in our words. Raises: KeyError, TypeError, AttributeError."""
    one = event["data"]["object"]
    read = READERS.get(event["type"])
    facts: Facts = {"kind": "other"} if read is None else read(one, event["type"])
    names = tuple(dict.fromkeys(name for name in facts.pop("payments", ()) if isinstance(name, str) and name))
    return Told(
        provider=PROVIDER, event=str(event["id"])[:255], digest=message.digest, payments=names, **facts
    )


def _session(one: Object, kind: str) -> Facts:
    """Read a checkout session: paid at once, paid later, or never."""
    came_to_nothing = kind in ("checkout.session.async_payment_failed", "checkout.session.expired")
    told_as = "paid" if one["payment_status"] in PAID else "other"
    return {
        "kind": "failed" if came_to_nothing else told_as,
        "order": one.get("client_reference_id") or _order(one),
        "payments": (one["id"], one.get("payment_intent"), one.get("invoice")),
        "price_minor": one["amount_total"],
        "currency": one["currency"].upper(),
        "method": "stripe",
        "subscription": one.get("subscription") or "",
    }


def _charge(one: Object, _: str) -> Facts:
    """Read a charge of which something was given back; the figure is the total of its refunds."""
    return {
        "kind": "refunded",
        "order": _order(one),
        "payments": (one.get("payment_intent"), one.get("invoice")),
        "price_minor": one["amount"],
        "currency": one["currency"].upper(),
        "refunded_minor": one["amount_refunded"],
    }


def _refund(one: Object, _: str) -> Facts:
    """Read a refund that was made, or that came to nothing; how it stands with all others is asked."""
    if not one.get("payment_intent"):
        return {"kind": "other"}
    return {
        "kind": "refunded",
        "order": _order(one),
        "payments": (one["payment_intent"],),
        "currency": one["currency"].upper(),
        "refunds": (_returned(one),),
    }


def _returned(one: Object) -> Returned:
    """Return a refund of Stripe's in our words."""
    return Returned(
        ref=one["id"],
        minor=one["amount"],
        failed=one["status"] in CAME_TO_NOTHING,
        ours=str((one.get("metadata") or {}).get(OURS) or ""),
        problem=str(one.get("failure_reason") or one["status"])[:200],
    )


def _invoice(one: Object, kind: str) -> Facts:
    """Read the invoice of a subscription's period: its first one is the order's own."""
    parent = (one.get("parent") or {}).get("subscription_details") or one.get("subscription_details") or {}
    subscription = one.get("subscription") or parent.get("subscription") or ""
    if not subscription:
        return {"kind": "other"}
    return {
        "kind": "paid" if kind == "invoice.paid" else "late",
        "order": _order(parent) or _order(one),
        "payments": (one["id"], one.get("payment_intent")),
        "price_minor": one["amount_paid"],
        "currency": one["currency"].upper(),
        "method": "stripe",
        "subscription": subscription,
        "renewal": one.get("billing_reason") != "subscription_create",
    }


def _subscription(one: Object, _: str) -> Facts:
    """Read a subscription that is over."""
    return {"kind": "ended", "order": _order(one), "subscription": one["id"]}


def _order(one: Object) -> str:
    """Return the order's id that we gave Stripe with the payment."""
    return str((one.get("metadata") or {}).get("order") or "")


READERS: Final[dict[str, Callable[[Object, str], Facts]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _session,
    "checkout.session.expired": _session,
    "charge.refunded": _charge,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "invoice.paid": _invoice,
    "invoice.payment_failed": _invoice,
    "customer.subscription.deleted": _subscription,
}
"""The events that concern us; all others are ignored, and on record."""
