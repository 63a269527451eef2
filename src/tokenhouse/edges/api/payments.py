"""Payments: the paths at which providers speak, and the record of everything that was said there."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House
from tokenhouse.edges.api.money import Money, Order, TakenBack, money_of, shown, taken_back
from tokenhouse.edges.api.shapes import Cursor, Limit, Page, Shape
from tokenhouse.edges.payments import Providers as PaymentProviders
from tokenhouse.edges.payments.message import BYTES_MAX, PROVEN, Message
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.payments import Heard
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.shop import CURRENCIES
from tokenhouse.store.payments import Verdict

router = APIRouter(prefix="/api/v1", tags=["payments"])


def providers_of(request: Request) -> PaymentProviders:
    """Return the providers that a deployment has set up."""
    found: PaymentProviders = request.app.state.payments
    return found


Providers = Annotated[PaymentProviders, Depends(providers_of)]

CALLBACK_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["type"],
                    "additionalProperties": False,
                    "properties": {
                        "type": {
                            "type": "string",
                            "enum": ["payment.completed", "payment.failed", "payment.refunded"],
                        },
                        "order": {"type": "string", "description": "The order that was opened here."},
                        "payment": {"type": "string", "description": "What the shop calls the payment."},
                        "amount": {"type": "integer", "description": "The price in minor units."},
                        "currency": {"type": "string", "enum": list(CURRENCIES)},
                        "refunded": {"type": "integer", "description": "The total of its refunds."},
                        "method": {"type": "string"},
                        "account": {"type": "string"},
                        "credit": {"type": "string"},
                        "note": {"type": "string"},
                    },
                }
            }
        },
    }
}
PROVIDER_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
"""What the provider itself documents."""


class PaymentHeard(Shape):
    """What was made of a message: its verdict and why, the order, and what a refund took back."""

    verdict: Annotated[
        Verdict,
        Field(
            description="`duplicate`: it was known. `ignored`: it is true and changes nothing, for it is out "
            "of order or of no concern. `refused`: it does not fit its order; an operator should look."
        ),
    ]
    reason: str
    order: Order | None
    taken_back: TakenBack | None


class PaymentEvent(Shape):
    """One time that somebody spoke as a payment provider, and what was made of it."""

    id: str
    provider: str
    event: Annotated[str, Field(description="The provider's own id of it, as it was claimed.")]
    kind: Annotated[str, Field(examples=["paid", "failed", "refunded", "ended", "late", "other", ""])]
    verdict: Verdict
    reason: str
    ref: Annotated[str, Field(description="What it says the order or the payment is called.")]
    order: str
    price_minor: int | None
    currency: str
    price: Annotated[Money | None, Field(description="Both as a person reads them; null: none was told.")]
    digest: Annotated[str, Field(description="SHA-256 of the message; nothing else of it is kept.")]
    received_at: datetime
    decided_at: Annotated[
        datetime | None, Field(description="Null: it was cut short, and its provider comes again.")
    ]


async def message_of(request: Request) -> Message:
    """Return a request as it came. Raises: InvalidInput for one that no provider sends."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BYTES_MAX:
            raise InvalidInput("body_too_large", field="body", value="", most=BYTES_MAX)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Message(headers=headers, body=body, believed=lambda: setattr(request.state, PROVEN, True))


@router.post("/payments/callback", openapi_extra=CALLBACK_BODY)
async def hear_shop(request: Request, house: House, providers: Providers) -> PaymentHeard:
    """Hear from a shop of your own what was paid. Its signature stands for a login.

    Standard Webhooks: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`. The same message
    again, in any order, any number at once, changes nothing. One that does not fit its order is a problem.
    """
    door = providers.callback
    return await told(house, await door.hear(house, await message_of(request)), strict=True)


@router.post("/payments/stripe", openapi_extra=PROVIDER_BODY)
async def hear_stripe(request: Request, house: House, providers: Providers) -> PaymentHeard:
    """Hear from Stripe: the address of its webhook. Its signature stands for a login.

    What does not fit its order is answered with 200 and refused: Stripe telling it again would not help.
    """
    door = providers.stripe
    return await told(house, await door.hear(house, await message_of(request)))


@router.post("/payments/toss", openapi_extra=PROVIDER_BODY)
async def hear_toss(request: Request, house: House, providers: Providers) -> PaymentHeard:
    """Hear from Toss Payments: the address of its webhook, which is unsigned.

    Nothing that it says is believed: Toss itself is asked how the payment stands.
    """
    door = providers.toss
    return await told(house, await door.hear(house, await message_of(request)))


@router.get("/payment-events")
async def list_payment_events(
    _: Auditor,
    house: House,
    provider: Annotated[str | None, Query(max_length=50)] = None,
    verdict: Verdict | None = None,
    order: Annotated[str | None, Query(max_length=36)] = None,
    unmatched: Annotated[
        bool,
        Query(description="Only what was truly said and wants a look: it fits no order, or a refund failed."),
    ] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PaymentEvent]:
    """List what was said in providers' names, newest first: forged, repeated, refused and accepted."""
    found = await house.payment_events(
        provider=provider,
        verdict=verdict,
        order=order or "",
        unmatched=unmatched,
        before=cursor or "",
        rows_max=limit,
    )
    items = [
        PaymentEvent(
            id=one.id,
            provider=one.provider,
            event=one.event,
            kind=one.kind,
            verdict=one.verdict,  # type: ignore[arg-type]  # A constraint of its column says so.
            reason=one.reason,
            ref=one.ref,
            order=one.order_id,
            price_minor=one.price_minor,
            currency=one.currency,
            price=None
            if one.price_minor is None or one.currency not in CURRENCIES
            else money_of(one.price_minor, one.currency),
            digest=one.digest.hex(),
            received_at=one.received_at,
            decided_at=one.decided_at,
        )
        for one in found
    ]
    return Page[PaymentEvent](items=items, next=found[-1].id if len(found) == limit else None)


async def told(house: Tokenhouse, heard: Heard, *, strict: bool = False) -> PaymentHeard:
    """Return what was made of a message; `strict`: what was refused is raised, for its sender must know."""
    if strict and heard.error is not None:
        raise heard.error
    back = heard.receipt if heard.receipt is not None and heard.order and heard.order.refunded_minor else None
    return PaymentHeard(
        verdict=heard.verdict,
        reason=heard.reason,
        order=shown(heard.order, house) if heard.order else None,
        taken_back=taken_back(back, house) if back else None,
    )
