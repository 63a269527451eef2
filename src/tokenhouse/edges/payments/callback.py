"""The signed callback: a shop of our own says what was paid, in Standard Webhooks' way.

https://www.standardwebhooks.com: `webhook-id`, `webhook-timestamp`, and `webhook-signature`, which is
`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. The library makes the signature; the time is
held against the house's clock, and what is compared is compared in constant time.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from standardwebhooks import Webhook

from tokenhouse.edges.credentials import SECRET_LENGTH_MIN, checked_secret
from tokenhouse.edges.payments.message import Message, is_fresh, turn_away, unreadable
from tokenhouse.errors import InvalidInput, StartRefused
from tokenhouse.flow.payments import Heard, Kind, Opening, Told
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.house import Tokenhouse
from tokenhouse.rules import amounts
from tokenhouse.settings import Callback

PROVIDER: Final = "callback"
PREFIX: Final = "whsec_"
KEY_BYTES_MIN: Final = 24
"""What Standard Webhooks asks of a secret."""
NAME_MAX: Final = 200

KINDS: Final[dict[str, Kind]] = {
    "payment.completed": "paid",
    "payment.failed": "failed",
    "payment.refunded": "refunded",
}


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the shop says of a payment; an unknown field is refused, lest a misspelt one be ignored."""

    type: Literal["payment.completed", "payment.failed", "payment.refunded"]
    order: str = ""
    """The order's id, where it was opened here."""
    payment: str = ""
    """What the shop calls the payment."""
    amount: int | None = None
    """What the order costs, in minor units of the currency: won, yen, cents."""
    currency: str = ""
    refunded: int | None = None
    """The total of its refunds in minor units; without it, all was given back."""
    method: str = ""
    account: str = ""
    credit: str = ""
    """Account and credit of a payment for which nobody opened an order here."""
    note: str = ""


class ShopCallback:
    """The shop's door: nobody comes in without its signature."""

    def __init__(self, settings: Callback, tolerance_s: int) -> None:
        secret = checked_secret(settings.secret, "payments.callback.secret")
        if settings.checkout_url and not settings.checkout_url.startswith(("https://", "http://")):
            value = ascii(settings.checkout_url[:100])
            raise StartRefused("payment_url", name="payments.callback.checkout_url", value=value)
        self._webhook = Webhook(_key(secret))
        self._tolerance_s = tolerance_s

    async def hear(self, house: Tokenhouse, message: Message) -> Heard:
        """Carry out what a signed message tells. Raises: Unauthenticated, InvalidInput for one unreadable."""
        event = await self.proven(house, message)
        try:
            said = msgspec.json.decode(message.body, type=Said)
            told = _told(house, said, event, message)
        except (msgspec.MsgspecError, UnicodeDecodeError, InvalidInput) as trouble:
            await unreadable(house, PROVIDER, message, trouble, event)
        return await house.hear_payment(told)

    async def proven(self, house: Tokenhouse, message: Message) -> str:
        """Return the id of a message that the shop has signed. Raises: Unauthenticated, on record."""
        event = message.headers.get("webhook-id", "")
        sent_s = message.headers.get("webhook-timestamp", "")
        signatures = message.headers.get("webhook-signature", "")
        if not event or not sent_s or not signatures or len(event) > NAME_MAX or not event.isprintable():
            await turn_away(house, PROVIDER, message, "signature_missing", event)
        if not self._signed(event, sent_s, signatures, message.body):
            await turn_away(house, PROVIDER, message, "signature_wrong", event)
        if not is_fresh(sent_s, house.desk.clock(), self._tolerance_s):
            await turn_away(house, PROVIDER, message, "signature_stale", event)
        message.believed()
        return event

    def _signed(self, event: str, sent_s: str, signatures: str, body: bytes) -> bool:
        """Whether one of the signatures is the shop's; several come while it changes its secret."""
        if not sent_s.isascii() or not sent_s.isdigit() or len(sent_s) > 12:
            return False
        try:
            sent_at = datetime.fromtimestamp(int(sent_s), UTC)
            ours = self._webhook.sign(event, sent_at, body.decode())
        except (ValueError, OverflowError, OSError):
            return False
        given = [one.encode("utf-8", "replace") for one in signatures.split(" ")]
        return any(hmac.compare_digest(ours.encode(), one) for one in given)


def _told(house: Tokenhouse, said: Said, event: str, message: Message) -> Told:
    """Return what a message tells, in our words. Raises: InvalidInput."""
    opening = None
    if not said.order and said.account:
        unit = deployment_unit(house.desk) or amounts.TOKEN
        credit = amounts.parse(said.credit, unit, "credit")
        opening = Opening(account=said.account, credit=credit, note=said.note)
    for name in ("order", "payment", "account"):
        value = getattr(said, name)
        if len(value) > NAME_MAX or not value.isprintable():
            raise InvalidInput("text_unprintable", field=name, value=ascii(value[:40]))
    return Told(
        provider=PROVIDER,
        event=event,
        kind=KINDS[said.type],
        digest=message.digest,
        order=said.order,
        payments=(said.payment,) if said.payment else (),
        price_minor=said.amount,
        currency=said.currency,
        refunded_minor=said.refunded if said.type == "payment.refunded" else None,
        method=said.method[:50],
        opening=opening,
        verbatim=True,
    )


def _key(secret: str) -> bytes:
    """Return the key of a secret: base64 after `whsec_`, else its own bytes. Raises: StartRefused."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX) + "==")
    except binascii.Error:
        key = b""
    if len(key) < KEY_BYTES_MIN:
        facts = {"length": len(key), "least": SECRET_LENGTH_MIN}
        raise StartRefused("secret_short", name="payments.callback.secret", **facts)
    return key
