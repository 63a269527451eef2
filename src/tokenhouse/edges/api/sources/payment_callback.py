"""The quota report's callback of a Spring Boot shop: what was bought, signed as any other callback is.

The report shows the path and no body. Its fields are those of the report's purchase table, so that a shop
which fills that table has them at hand. Unlike there, nothing is believed without the shop's signature.
"""

from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Request
from pydantic import Field

from tokenhouse.edges.api.caller import House
from tokenhouse.edges.api.payments import Providers, message_of
from tokenhouse.edges.api.shapes import Shape, parsed
from tokenhouse.edges.api.sources.names import ref_of
from tokenhouse.edges.payments.callback import PROVIDER
from tokenhouse.edges.payments.message import Message, unreadable
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.payments import Kind, Opening, Told
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.shop import CURRENCIES, DECIMALS, PRICE_MAX, Currency
from tokenhouse.store.orders import State
from tokenhouse.store.payments import Verdict

router = APIRouter(prefix="/api/v1/user-quota", tags=["user-quota"])

KINDS: Final[dict[str, Kind]] = {
    "completed": "paid",
    "failed": "failed",
    "refunded": "refunded",
    "pending": "other",
}
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["user_id", "token_amount", "amount", "transaction_id", "status"],
                    "additionalProperties": False,
                    "properties": {
                        "user_id": {"type": ["integer", "string"], "examples": [123]},
                        "token_amount": {"type": "integer", "minimum": 1, "examples": [5000]},
                        "payment_method": {"type": "string", "examples": ["card"]},
                        "amount": {"type": ["number", "string"], "examples": [9900]},
                        "currency": {"type": "string", "enum": list(CURRENCIES)},
                        "transaction_id": {"type": "string", "examples": ["pay-2026-0001"]},
                        "status": {"type": "string", "enum": list(KINDS)},
                    },
                }
            }
        },
    }
}


class ToldPurchase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purchase as the shop tells it: whole tokens, money in whole units of the currency."""

    user_id: int | str
    token_amount: int
    amount: Decimal
    transaction_id: str
    status: State
    payment_method: str = ""
    currency: Currency = "KRW"


class CallbackHeard(Shape):
    """What was made of a callback."""

    success: bool = True
    message: Verdict
    order_id: str
    status: Annotated[str, Field(examples=["completed"])]
    transaction_id: str
    token_amount: int


@router.post("/payment-callback", openapi_extra=BODY)
async def hear_payment_callback(request: Request, house: House, providers: Providers) -> CallbackHeard:
    """Hear from a Spring Boot shop what was bought: its tokens come once for each transaction.

    Signed as at `/api/v1/payments/callback`; the settings must let the shop open orders. A user who is new
    here is opened, as where tokens are added by hand.
    """
    door, message = providers.callback, await message_of(request)
    event = await door.proven(house, message)
    try:
        purchase = msgspec.json.decode(message.body, type=ToldPurchase)
        told = _told(house, purchase, event, message)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidInput) as trouble:
        await unreadable(house, PROVIDER, message, trouble, event)
    heard = await house.hear_payment(told)
    if heard.error is not None:
        raise heard.error
    return CallbackHeard(
        message=heard.verdict,
        order_id=heard.order.id if heard.order else "",
        status=heard.order.state if heard.order else purchase.status,
        transaction_id=purchase.transaction_id,
        token_amount=purchase.token_amount,
    )


def _told(house: Tokenhouse, purchase: ToldPurchase, event: str, message: Message) -> Told:
    """Return a purchase in our words. Raises: InvalidInput."""
    if not 1 <= len(purchase.transaction_id) <= 100 or not purchase.transaction_id.isprintable():
        raise InvalidInput("field_missing", field="transaction_id", value="")
    minor = (
        purchase.amount.scaleb(DECIMALS[purchase.currency]) if purchase.amount.is_finite() else Decimal(-1)
    )
    if not 0 <= minor <= PRICE_MAX or minor != minor.to_integral_value():
        facts = {"value": str(purchase.amount)[:40], "low": 0, "high": PRICE_MAX}
        raise InvalidInput("out_of_range", field="amount", **facts)
    credit = parsed(str(purchase.token_amount), house, "token_amount")
    return Told(
        provider=PROVIDER,
        event=event,
        kind=KINDS[purchase.status],
        digest=message.digest,
        payments=(purchase.transaction_id,),
        price_minor=int(minor),
        currency=purchase.currency,
        method=purchase.payment_method[:50],
        opening=Opening(account=ref_of(purchase.user_id), credit=credit, opens_account=True),
        verbatim=True,
    )
