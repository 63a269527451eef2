"""Toss Payments: confirmed from server to server, and never believed without asking.

A person pays in Toss' window and comes back with a payment key; only our confirmation takes the money, and
it names the order's own price. Toss' webhooks are unsigned: of one we take nothing but the name of a payment,
of its order or of a cancel, and ask Toss how that stands. https://docs.tosspayments.com/reference
"""

import asyncio
import base64
import re
from typing import Any, Final, NoReturn

import aiohttp
import msgspec

from tokenhouse.edges.credentials import checked_secret
from tokenhouse.edges.payments.message import Message, checked_url, document, unreadable
from tokenhouse.errors import Busy, InvalidInput, NotFound, UpstreamTrouble
from tokenhouse.flow.giving_back import Wanted
from tokenhouse.flow.payments import Heard, Kind, Told
from tokenhouse.flow.refunding import Returned
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Toss
from tokenhouse.store.orders import Order

PROVIDER: Final = "toss"
SHOWN: Final = "Toss Payments"
TIMEOUT_S: Final = 60.0
"""Toss asks for so much: a card's bank may take its time."""
ANSWER_BYTES_MAX: Final = 256 * 1024
ASKED_AT_ONCE: Final = 8
"""Questions under way that anybody can cause by sending us a webhook."""
NAME: Final = re.compile(r"[A-Za-z0-9_=-]{6,200}")
OURS: Final = re.compile(r"\[(([0-9a-f]{32})-[0-9]+)\]$")
"""What we call a refund, at the end of the reason that Toss keeps: its order, and its number."""
REASON_MAX: Final = 150
"""Characters of a person's reason: Toss keeps 200 with our name of it."""
UNDER_WAY: Final = "IN_PROGRESS"
"""A cancel's status before its end: those of wallets abroad end later, and a webhook tells of it."""
CAME_TO_NOTHING: Final = "ABORTED"
"""A cancel's status where its money stayed."""
AGAIN_S: Final = 60
"""When Toss tells a webhook again that was not taken, for the first time."""
UNKNOWN: Final = (401, 408, 409, 425, 429)
"""Statuses that are no answer to what was asked: no key, too slow, the same is at work, too many."""
OUR_FAULT: Final = ("FORBIDDEN_REQUEST", "INCORRECT_BASIC_AUTH_FORMAT")
"""Codes of status 403 that say something of our key, and nothing of the payment."""
DONE_BEFORE: Final = "ALREADY_PROCESSED_PAYMENT"

KINDS: Final[dict[str, Kind]] = {
    "DONE": "paid",
    "CANCELED": "refunded",
    "PARTIAL_CANCELED": "refunded",
    "ABORTED": "failed",
    "EXPIRED": "failed",
}
"""A payment's status -> what it tells; the others are on their way."""


class Cancel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One time that money of a payment was given back."""

    transaction_key: str
    cancel_amount: int
    cancel_reason: str | None = None
    cancel_status: str = "DONE"


class Payment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What of a payment concerns us; card and account numbers are not read."""

    payment_key: str
    order_id: str
    status: str
    total_amount: int
    balance_amount: int = 0
    currency: str = "KRW"
    method: str | None = None
    cancels: list[Cancel] | None = None


class _RefusedError(Exception):
    """Toss says no: its code, and its words for the person."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text

    @property
    def facts(self) -> dict[str, str]:
        """Return what an error says of it."""
        return {"provider": SHOWN, "problem": self.text or self.code}


class TossPayments:
    """Toss' API, and what it says of our orders."""

    provider = PROVIDER
    shown = SHOWN

    def __init__(self, settings: Toss) -> None:
        key = checked_secret(settings.key, "payments.toss.key")
        self._url = checked_url(settings.url, "payments.toss.url")
        self._basic = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        self._session: aiohttp.ClientSession | None = None
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)

    async def open(self) -> None:
        """Make the pool of connections."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def confirm(
        self, house: Tokenhouse, order: Order, payment_key: str, amount: int, message: Message
    ) -> Heard:
        """Take the money of a payment for an order, which must cost what the person was shown.

        Idempotent: confirmed again, the payment is looked up. Raises: InvalidInput, UpstreamTrouble.
        """
        if not NAME.fullmatch(payment_key):
            raise InvalidInput(
                "payment_shape", field="payment_key", value="", problem=ascii(payment_key[:40])
            )
        if order.provider != PROVIDER or order.price_minor != amount:
            named = order.provider == PROVIDER
            reason = "payment_amount_differs" if named else "payment_provider_differs"
            await house.refuse_payment(PROVIDER, payment_key, message.digest, reason)
            facts = {"order": order.id, "expected": str(order.price_minor)} if named else {"order": order.id}
            raise InvalidInput(reason, field="amount", value=amount if named else PROVIDER, **facts)
        body = {"paymentKey": payment_key, "orderId": order.id, "amount": order.price_minor}
        try:
            found = await self._ask(
                "POST", "/v1/payments/confirm", body, key=f"{order.id}-{payment_key}"[:300]
            )
        except _RefusedError as no:
            if no.code != DONE_BEFORE:
                await self._no(house, message, payment_key, no)
            found = await self._fetch(house, message, payment_key)
        if found.order_id != order.id:
            await house.refuse_payment(PROVIDER, payment_key, message.digest, "payment_of_another_order")
            raise InvalidInput("payment_of_another_order", field="payment_key", value=payment_key)
        return await house.hear_payment(told(found, message))

    def took(self, payments: list[str]) -> str | None:
        """Return Toss' name of what it took, of all names of an order's payments."""
        return next(iter(payments), None)

    async def refunds(self, payment: str) -> list[Returned]:
        """Return what Toss has given back of a payment. Raises: InvalidInput, UpstreamTrouble."""
        try:
            return _refunds(await self._ask("GET", f"/v1/payments/{payment}"))
        except _RefusedError as no:
            raise InvalidInput("payment_refused", field="order", value="", **no.facts) from None

    async def refund(self, wanted: Wanted) -> list[Returned]:
        """Have Toss give money back; return all that it then has given back of the payment.

        Idempotent by the key, which ends the reason that Toss keeps. Raises: InvalidInput for its no,
        UpstreamTrouble where nobody knows.
        """
        reason = f"{wanted.note[:REASON_MAX]} [{wanted.key}]"
        body = {"cancelReason": reason, "cancelAmount": wanted.minor}
        path, key = f"/v1/payments/{wanted.payment}/cancel", f"refund-{wanted.key}"
        try:
            return _refunds(await self._ask("POST", path, body, key=key))
        except _RefusedError as no:
            raise InvalidInput("payment_refused", field="order", value=wanted.order.id, **no.facts) from None

    async def hear(self, house: Tokenhouse, message: Message) -> Heard:
        """Look up the payment that a webhook names, and carry out how it stands.

        Raises: InvalidInput for one that names none, or one that Toss does not know; NotFound for a cancel of
        which nobody knows the order; Busy where Toss does not know yet itself how it ended; UpstreamTrouble.
        """
        try:
            said = document(message.body)
            data = said.get("data", said)
            key, order, cancel = _names(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, InvalidInput) as trouble:
            await unreadable(house, PROVIDER, message, trouble)
        if cancel:
            order = await self._cancelled(house, message, cancel, data)
        found = await self._fetch(house, message, key or order, by_order=not key)
        for one in found.cancels or ():
            if one.transaction_key == cancel and one.cancel_status == UNDER_WAY != data.get("cancelStatus"):
                raise Busy("busy", retry_after_s=AGAIN_S, waiting=1)
        message.believed()
        return await house.hear_payment(told(found, message))

    async def _cancelled(self, house: Tokenhouse, message: Message, cancel: str, data: dict[str, Any]) -> str:
        """Return the order of a cancel: one that we were told of, or that we asked for. Raises: NotFound.

        Of neither Toss will have told us when it began; it tells again until that has come.
        """
        order = await house.order_of_refund(PROVIDER, cancel)
        if order is None and (mark := OURS.search(str(data.get("cancelReason", "")))):
            order = mark[2]
        if order is None:
            await house.refuse_payment(PROVIDER, cancel, message.digest, "payment_order_unknown")
            raise NotFound("payment_order_unknown", order=cancel)
        return order

    async def _fetch(
        self, house: Tokenhouse, message: Message, name: str, *, by_order: bool = False
    ) -> Payment:
        """Return how a payment stands. Raises: InvalidInput, on record, for one that Toss does not know."""
        path = f"/v1/payments/orders/{name}" if by_order else f"/v1/payments/{name}"
        try:
            async with self._asking:
                return await self._ask("GET", path)
        except _RefusedError as no:
            await self._no(house, message, name, no)

    async def _no(self, house: Tokenhouse, message: Message, name: str, no: _RefusedError) -> NoReturn:
        """Keep a record of a payment that Toss refuses, and raise InvalidInput with its words."""
        await house.refuse_payment(PROVIDER, name, message.digest, "payment_refused")
        raise InvalidInput(
            "payment_refused", field="payment_key", value="", provider=SHOWN, problem=no.text
        ) from None

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, key: str = ""
    ) -> Payment:
        """Return what Toss answers. Raises: _RefusedError, UpstreamTrouble."""
        assert self._session is not None  # noqa: S101 -- the server opens us before callers come
        headers = {"authorization": self._basic, "content-type": "application/json"}
        if key:
            headers["idempotency-key"] = key
        content = msgspec.json.encode(body) if body is not None else None
        try:
            async with self._session.request(
                method, self._url + path, data=content, headers=headers, allow_redirects=False
            ) as reply:
                answer = await reply.content.read(ANSWER_BYTES_MAX)
                status = reply.status
            if status == 200:
                return msgspec.json.decode(answer, type=Payment)
            if 400 <= status < 500 and status not in UNKNOWN:
                no = document(answer)
                code = str(no.get("code", status))[:100]
                if code not in OUR_FAULT:
                    raise _RefusedError(code, str(no.get("message", ""))[:200])
        except (
            aiohttp.ClientError,
            TimeoutError,
            OSError,
            msgspec.MsgspecError,
            UnicodeDecodeError,
        ) as trouble:
            raise UpstreamTrouble("payment_unreachable", provider=SHOWN) from trouble
        raise UpstreamTrouble("payment_unreachable", provider=SHOWN)


def told(found: Payment, message: Message) -> Told:
    """Return what a payment that Toss itself told of means for its order.

    What was given back of it is what it no longer holds, so the state alone tells all, in any order; where
    Toss names what it gave back, each is told by its name.
    """
    refunds = _refunds(found)
    kind = "refunded" if refunds else KINDS.get(found.status, "other")
    stands = "".join("-" if one.failed else "+" for one in refunds)
    cumulative = kind == "refunded" and not refunds
    return Told(
        provider=PROVIDER,
        event=f"{found.payment_key} {found.status} {found.balance_amount} {stands}"[:255].strip(),
        kind=kind,
        digest=message.digest,
        order=found.order_id,
        payments=(found.payment_key,),
        price_minor=found.total_amount,
        currency=found.currency,
        refunded_minor=found.total_amount - found.balance_amount if cumulative else None,
        refunds=tuple(refunds),
        method=(found.method or "")[:50],
    )


def _names(data: object) -> tuple[str, str, str]:
    """Return which payment, order or cancel a webhook names: one of them, the first that is there.

    `CANCEL_STATUS_CHANGED` holds the cancel alone, as a payment lists it: neither the payment nor its order.
    Raises: InvalidInput.
    """
    fields = ("paymentKey", "orderId", "transactionKey")
    named = [data.get(field) if isinstance(data, dict) else None for field in fields]
    first = next((nth for nth, name in enumerate(named) if name), 0)
    name = named[first]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInput("field_missing", field="data.paymentKey", value="")
    key, order, cancel = (name if nth == first else "" for nth in range(3))
    return key, order, cancel


def _refunds(found: Payment) -> list[Returned]:
    """Return what was given back of a payment, one by one."""
    return [
        Returned(
            ref=one.transaction_key,
            minor=one.cancel_amount,
            failed=one.cancel_status == CAME_TO_NOTHING,
            ours=mark[1] if (mark := OURS.search(one.cancel_reason or "")) else "",
            problem=one.cancel_status,
        )
        for one in found.cancels or ()
    ]
