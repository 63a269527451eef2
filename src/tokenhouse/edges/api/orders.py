"""Orders: buying, what became of it, receipts; and for operators all orders, and ending one by hand."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from tokenhouse.edges.api import receipts
from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import Auditor, House, IdempotencyKey, Operator, User
from tokenhouse.edges.api.money import Money, Order, TakenBack, money_of, shown, taken_back
from tokenhouse.edges.api.payments import Providers, message_of
from tokenhouse.edges.api.shapes import AN_ID, Cursor, Limit, Page, Reason, Shape, Since, Until
from tokenhouse.flow import audited
from tokenhouse.rules.shop import Currency, Provider
from tokenhouse.store.orders import Order as Stored
from tokenhouse.store.orders import State

router = APIRouter(prefix="/api/v1", tags=["orders"])

OrderId = Annotated[str, Path(max_length=36, description="The order's id.", examples=[AN_ID])]


class NewOrder(Shape):
    """What to buy, and over whom it will be paid."""

    package: Annotated[str, Field(min_length=1, max_length=63, examples=["large"])]
    currency: Currency
    provider: Annotated[
        Provider,
        Field(
            examples=["manual"],
            description="`manual`: an operator completes it by hand, after a transfer say.",
        ),
    ]
    quantity: Annotated[int, Field(ge=1, le=10_000)] = 1
    coupon: Annotated[str, Field(max_length=100, description="A code that takes something off.")] = ""
    note: Annotated[str, Field(max_length=1_000)] = ""


class Checkout(Shape):
    """How to pay: for Stripe or a shop, the page to go to; for Toss Payments, what its window asks for."""

    provider: str
    url: str | None = None
    client_key: str | None = None
    order_name: str = ""
    price: Money


class Bought(Shape):
    """An order that waits for its payment, and how to pay it; null where nothing is to be paid."""

    order: Order
    checkout: Checkout | None


class TossConfirmation(Shape):
    """What Toss Payments' window brought back to the page."""

    payment_key: Annotated[str, Field(min_length=6, max_length=200, examples=["tgen_20261121abcDE"])]
    amount: Annotated[
        int,
        Field(ge=0, le=10**12, description="The price that the person was shown, in won.", examples=[9_900]),
    ]


class OrderEnding(Shape):
    """Why an order is ended by hand."""

    reason: Reason


class OrderRefund(Shape):
    """Why, and how much, is given back."""

    reason: Reason
    refunded_minor: Annotated[
        int | None,
        Field(
            ge=1, le=10**12, description="The total of its refunds, in minor units; null: all of its price."
        ),
    ] = None

    give_back: Annotated[
        bool,
        Field(
            description="Also give the money back over Stripe or Toss Payments, where it was paid there. "
            "False: it was given back already, or will be by other means."
        ),
    ] = True


class RefundedOrder(Shape):
    """An order after a refund, what was taken back of its credit, and who gave the money back."""

    order: Order
    taken_back: TakenBack
    money: Annotated[
        Literal["given_back", "elsewhere"],
        Field(description="`elsewhere`: it is for somebody else to give it back, where it was paid."),
    ]


class RefundPreview(Shape):
    """What a refund would come to."""

    money: Annotated[Money, Field(description="What is given back now, on top of earlier refunds.")]
    taken_back: TakenBack
    over: Annotated[
        Literal["stripe", "toss", ""],
        Field(description="Over whom the money would be given back; empty: somebody has to do it elsewhere."),
    ]


@router.get("/accounts/{ref}/orders")
async def list_orders(
    ref: Ref, caller: User, house: House, limit: Limit = 100, cursor: Cursor = None
) -> Page[Order]:
    """List an account's orders, newest first."""
    found = await house.orders(caller.account_of(ref), before=cursor or "", rows_max=limit)
    more = found[-1].id if len(found) == limit else None
    return Page[Order](items=[shown(one, house) for one in found], next=more)


@router.post("/accounts/{ref}/orders", status_code=201)
async def buy_package(
    ref: Ref, asked: NewOrder, caller: User, house: House, providers: Providers, key: IdempotencyKey = None
) -> Bought:
    """Buy a package. Its credit comes when the provider says that it is paid, and not before.

    Bought again under the same Idempotency-Key, the first order comes, and the same page to pay it on. Credit
    that is bought for a company is shared by all accounts below it.
    """
    account = caller.account_to_change(ref)
    if asked.provider in ("stripe", "toss"):
        getattr(providers, asked.provider)
    with caller.deciding(house, "order.open", account, lambda one: {"order": one.id, **audited.order(one)}):
        one = await house.buy(
            account,
            asked.package,
            currency=asked.currency,
            provider=asked.provider,
            quantity=asked.quantity,
            coupon=asked.coupon,
            key=key or "",
            note=asked.note,
        )
    return await _bought(house, providers, one, caller.locale)


@router.get("/accounts/{ref}/orders/{order}")
async def show_order(ref: Ref, order: OrderId, caller: User, house: House) -> Order:
    """Return one order of an account."""
    return shown(await house.find_order(order, ref=caller.account_of(ref)), house)


@router.post("/accounts/{ref}/orders/{order}/checkout")
async def check_out_order(
    ref: Ref, order: OrderId, caller: User, house: House, providers: Providers
) -> Bought:
    """Say once more how an order is paid: for who left before, and comes back. Idempotent."""
    one = await house.find_order(order, ref=caller.account_to_change(ref))
    return await _bought(house, providers, one, caller.locale)


@router.post("/accounts/{ref}/orders/{order}/confirm")
async def confirm_toss_payment(
    ref: Ref,
    order: OrderId,
    asked: TossConfirmation,
    caller: User,
    house: House,
    providers: Providers,
    request: Request,
) -> Order:
    """Take the money of a payment that a person has agreed to in Toss Payments' window.

    Toss is asked for the order's own price; a page that showed another one is refused before. Idempotent.
    """
    one = await house.find_order(order, ref=caller.account_to_change(ref))
    message = await message_of(request)
    heard = await providers.toss.confirm(house, one, asked.payment_key, asked.amount, message)
    if heard.error is not None:
        raise heard.error
    return shown(await house.find_order(one.id), house)


@router.get(
    "/accounts/{ref}/orders/{order}/receipt",
    response_model=receipts.SalesReceipt,
    responses={200: {"content": {"text/html": {}, "text/plain": {}}}},
)
async def show_order_receipt(
    ref: Ref,
    order: OrderId,
    caller: User,
    house: House,
    form: Annotated[receipts.Form, Query(alias="format", description="For programs, or to print.")] = "json",
    language: Annotated[Literal["en", "ko"] | None, Query(description="Else the caller's own.")] = None,
) -> Response | receipts.SalesReceipt:
    """Return the receipt of an order that was paid, to read by a program or to print."""
    account, locale = caller.account_of(ref), language or caller.locale
    return receipts.answer(await house.sales_receipt(account, order, locale=locale), form)


@router.get("/orders")
async def list_all_orders(
    _: Auditor,
    house: House,
    state: State | None = None,
    provider: Annotated[str | None, Query(max_length=50)] = None,
    account: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Order]:
    """List everybody's orders, newest first."""
    found = await house.all_orders(
        state=state,
        provider=provider,
        account=account,
        since=since,
        until=until,
        before=cursor or "",
        rows_max=limit,
    )
    more = found[-1].id if len(found) == limit else None
    return Page[Order](items=[shown(one, house) for one in found], next=more)


@router.get("/orders/{order}")
async def show_any_order(order: OrderId, _: Auditor, house: House) -> Order:
    """Return one order, whosever it is."""
    return shown(await house.find_order(order), house)


@router.post("/orders/{order}/complete")
async def complete_order(order: OrderId, asked: OrderEnding, caller: Operator, house: House) -> Order:
    """Complete an order by hand: its credit comes. Idempotent.

    It is pending, or was bought and failed before it was paid.
    """
    one = await house.find_order(order)
    decided = {"actor": caller.actor, "reason": asked.reason, "address": caller.address}
    await house.complete_order(one.ref, one.id, **decided)
    return shown(await house.find_order(one.id), house)


@router.post("/orders/{order}/fail")
async def fail_order(order: OrderId, asked: OrderEnding, caller: Operator, house: House) -> Order:
    """Mark a pending order as failed: no credit came. Paid late, it still brings it. Idempotent."""
    one = await house.find_order(order)
    decided = {"actor": caller.actor, "reason": asked.reason, "address": caller.address}
    return shown(await house.fail_order(one.ref, one.id, **decided), house)


@router.get("/orders/{order}/refund")
async def preview_order_refund(
    order: OrderId,
    _: Auditor,
    house: House,
    providers: Providers,
    refunded_minor: Annotated[
        int | None, Query(ge=1, le=10**12, description="The total of its refunds; none: all of its price.")
    ] = None,
) -> RefundPreview:
    """Return what a refund of an order would take back, by the rules that would. Changes nothing."""
    one = await house.find_order(order)
    told = await house.preview_refund(one.id, refunded_minor=refunded_minor)
    return RefundPreview(
        money=money_of(told.minor, one.currency),
        taken_back=taken_back(told, house),
        over=one.provider if await providers.gives_back(house, one) else "",  # type: ignore[arg-type]
    )


@router.post("/orders/{order}/refund")
async def refund_order(
    order: OrderId, asked: OrderRefund, caller: Operator, house: House, providers: Providers
) -> RefundedOrder:
    """Refund a completed order, or a part of its price: its money and its credit. Idempotent.

    First Stripe or Toss Payments gives the money back, where the order was paid there and it is set up; if it
    does not, nothing changes. Then the credit goes as when the provider had told of it: what is unspent is
    taken back; the rest becomes debt or is written off, as the account's plan says and the answer tells.
    """
    one = await house.find_order(order)
    before = await house.preview_refund(one.id, refunded_minor=asked.refunded_minor)
    total = one.price_minor if asked.refunded_minor is None else asked.refunded_minor
    decided = {"actor": caller.actor, "address": caller.address}
    heard = None
    if asked.give_back and before.minor:
        heard = await providers.give_back(house, one, total, reason=asked.reason, **decided)
    if heard is not None and heard.error is not None:  # The money has gone all the same.
        raise heard.error
    receipt = heard.receipt if heard is not None else None
    if heard is not None and heard.order is not None:  # Its provider may have told of more meanwhile.
        total = max(total, heard.order.refunded_minor)
    if receipt is None:
        receipt = await house.refund_order(
            one.ref, one.id, refunded_minor=total, note=asked.reason, **decided
        )
    after = await house.find_order(one.id)
    return RefundedOrder(
        order=shown(after, house),
        taken_back=taken_back(receipt, house),
        money="elsewhere" if heard is None else "given_back",
    )


async def _bought(house: House, providers: Providers, one: Stored, locale: str) -> Bought:
    """Return an order, and while it waits how it is paid."""
    if one.state != "pending" or not one.package:
        return Bought(order=shown(one, house), checkout=None)
    package = next(package for package in await house.packages() if package.name == one.package)
    chosen = house.desk.settings.payments
    url = client_key = None
    if one.provider == "stripe":
        url = await providers.stripe.checkout(house, one, package, locale)
        one = await house.find_order(one.id)
    elif one.provider == "toss" and chosen.toss:
        client_key = chosen.toss.client_key
    elif one.provider == "callback" and chosen.callback:
        url = chosen.callback.checkout_url.replace("{order}", one.id) or None
    checkout = Checkout(
        provider=one.provider,
        url=url,
        client_key=client_key,
        order_name=package.called(locale),
        price=money_of(one.price_minor, one.currency),
    )
    return Bought(order=shown(one, house), checkout=checkout)
