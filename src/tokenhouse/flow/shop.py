"""The shop: the part of the house that sells credit, and hears who has paid for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tokenhouse.flow import buying, orders, packages, payments, receipts, refunding, subscriptions
from tokenhouse.flow.buying import Expired, expire_orders
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.fund import Price
from tokenhouse.flow.giving_back import Decision, Door, give_back
from tokenhouse.flow.orders import RefundPreview
from tokenhouse.flow.payments import Heard, Told
from tokenhouse.flow.receipts import SalesReceipt
from tokenhouse.flow.settle import Receipt
from tokenhouse.flow.subscriptions import Renewed, renew_subscriptions
from tokenhouse.rules.shop import Package
from tokenhouse.store.orders import Order
from tokenhouse.store.payments import PaymentEvent
from tokenhouse.store.shop import Coupon, Redemption
from tokenhouse.store.subscriptions import Subscription


class Shop:
    """Orders, packages, coupons, subscriptions and payments. Each method is one flow."""

    _desk: Desk

    # Orders

    async def order(
        self,
        ref: str,
        credit: int,
        *,
        order_type: str = "purchase",
        price: Price | None = None,
        note: str = "",
    ) -> Order:
        """Open a pending order of credit (purchase, bonus, refund).

        It gives nothing before it is completed.
        """
        price = Price() if price is None else price
        return await orders.order(self._desk, ref, credit, type_=order_type, price=price, note=note)

    async def complete_order(
        self, ref: str, order: str, *, actor: str = "", reason: str = "", address: str | None = None
    ) -> Receipt:
        """Complete an order, also one that was bought and failed before it was paid. Idempotent.

        Its credit and its state are one transaction. With an `address` somebody decided it, from there (""
        for nowhere), and the audit log keeps it in the same transaction.
        """
        receipt = await orders.complete_order(
            self._desk, ref, order, actor=actor, reason=reason, address=address
        )
        await subscriptions.follow(self._desk, await orders.find_order(self._desk, ref, order))
        return receipt

    async def fail_order(
        self, ref: str, order: str, *, actor: str = "", reason: str = "", address: str | None = None
    ) -> Order:
        """Mark a pending order as failed; paid late, it still brings its credit. Idempotent.

        With an `address` somebody decided it, and the audit log keeps it in the same transaction.
        """
        return await orders.fail_order(self._desk, ref, order, actor=actor, reason=reason, address=address)

    async def refund_order(
        self,
        ref: str,
        order: str,
        *,
        refunded_minor: int | None = None,
        actor: str = "",
        note: str = "",
        address: str | None = None,
    ) -> Receipt:
        """Refund a completed order: what is unspent of it is taken back. Idempotent.

        `refunded_minor` is the total of its refunds in money, where only a part of its price is given back.
        With an `address` somebody decided it, and the audit log keeps it in the same transaction.
        """
        receipt = await orders.refund_order(
            self._desk,
            ref,
            order,
            actor=actor,
            note=note,
            refunded_minor=refunded_minor,
            address=address,
        )
        await subscriptions.follow(self._desk, await orders.find_order(self._desk, ref, order))
        return receipt

    async def orders(self, ref: str, *, before: str = "", rows_max: int = 100) -> list[Order]:
        """Return an account's orders, newest first; pass the last one's id as `before` for the next page."""
        return await orders.list_orders(self._desk, ref, rows_max, before)

    async def find_order(self, order: str, *, ref: str | None = None) -> Order:
        """Return an order: of an account, or whosever it is. Raises: NotFound."""
        if ref is None:
            return await orders.find_anywhere(self._desk, order)
        return await orders.find_order(self._desk, ref, order)

    async def all_orders(
        self,
        *,
        state: str | None = None,
        provider: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        account: str | None = None,
        before: str = "",
        rows_max: int = 100,
    ) -> list[Order]:
        """Return everybody's orders, newest first; pass the last one's id as `before` for the next page."""
        return await orders.list_anywhere(
            self._desk,
            rows_max,
            before=before,
            state=state,
            provider=provider,
            since=since,
            until=until,
            account=account,
        )

    async def preview_refund(self, order: str, *, refunded_minor: int | None = None) -> RefundPreview:
        """Return what a refund of an order would take back, and what would be owed; nothing changes."""
        return await orders.preview_refund(self._desk, order, refunded_minor=refunded_minor)

    async def payments_of(self, order: str) -> list[str]:
        """Return what its provider calls the payments that are for an order. Raises: NotFound."""
        return await payments.payments_of(self._desk, await orders.find_anywhere(self._desk, order))

    async def order_of_refund(self, provider: str, refund: str) -> str | None:
        """Return the id of the order that a refund is of, by its provider's name of it; None for no known."""
        return await refunding.order_of(self._desk, provider, refund)

    async def sales_receipt(self, ref: str, order: str, *, locale: str = "en") -> SalesReceipt:
        """Return the receipt of an order that was paid. Raises: NotFound."""
        return await receipts.sales_receipt(self._desk, ref, order, locale)

    # Packages and coupons

    async def packages(self) -> list[Package]:
        """Return the newest version of every package, whether it is sold now or not."""
        return await packages.packages(self._desk)

    async def write_package(self, document: Mapping[str, Any], *, actor: str = "") -> Package:
        """Add a package, or a newer version of one; orders under way keep theirs."""
        return await packages.write_package(self._desk, document, actor=actor)

    async def write_coupons(
        self,
        *,
        code: str = "",
        count: int = 1,
        credit: int = 0,
        discount: Decimal | str | int = 0,
        credit_days: int = 0,
        uses_max: int | None = 1,
        valid_from: datetime | None = None,
        valid_until: datetime | None = None,
        only_plans: Sequence[str] = (),
        only_packages: Sequence[str] = (),
        note: str = "",
        actor: str = "",
    ) -> list[Coupon]:
        """Make coupons: one with a `code` of its own, or `count` whose codes nobody guesses.

        Each gives `credit`, or takes a share of `discount` off a price; once for each account, and
        `uses_max` times in all (None: any number).
        """
        return await packages.write_coupons(
            self._desk,
            code=code,
            count=count,
            credit=credit,
            discount=discount,
            credit_days=credit_days,
            uses_max=uses_max,
            valid_from=valid_from,
            valid_until=valid_until,
            only_plans=only_plans,
            only_packages=only_packages,
            note=note,
            actor=actor,
        )

    async def coupons(
        self, *, after: str = "", state: str = "", search: str = "", rows_max: int = 100
    ) -> list[Coupon]:
        """Return the coupons whose code comes after one, in order: all, or those in a `state`.

        `search`: only those whose code or note holds it.
        """
        return await packages.coupons(self._desk, after=after, state=state, search=search, rows_max=rows_max)

    async def redemptions(
        self, code: str, *, before: str | None = None, rows_max: int = 100
    ) -> list[Redemption]:
        """Return who used a coupon, newest first; `before`: the `order` of the last one. Raises: NotFound."""
        return await packages.redemptions(self._desk, code, before=before, rows_max=rows_max)

    async def end_coupon(self, code: str) -> Coupon:
        """End a coupon: nobody can use it any more, and what it gave stays. Idempotent."""
        return await packages.end_coupon(self._desk, code)

    # Buying

    async def buy(
        self,
        ref: str,
        package: str,
        *,
        currency: str,
        provider: str = "manual",
        quantity: int = 1,
        coupon: str = "",
        key: str = "",
        note: str = "",
    ) -> Order:
        """Open the order of a package, pending until its `provider` says that it is paid."""
        return await buying.buy(
            self._desk,
            ref,
            package,
            currency=currency,
            provider=provider,
            quantity=quantity,
            coupon=coupon,
            key=key,
            note=note,
        )

    async def redeem(self, ref: str, code: str, *, key: str = "") -> Receipt:
        """Give an account the credit of a coupon, once."""
        return await buying.redeem(self._desk, ref, code, key=key)

    async def expire_orders(self) -> Expired:
        """Fail the orders that nobody paid for in time. Idempotent."""
        return await expire_orders(self._desk)

    # Subscriptions

    async def subscription(self, ref: str) -> Subscription:
        """Return the subscription that an account has, or had last. Raises: NotFound."""
        return await subscriptions.subscription(self._desk, ref)

    async def cancel_subscription(self, ref: str, *, at_once: bool = False) -> Subscription:
        """End an account's subscription with its period, or at once. Raises: NotFound."""
        return await subscriptions.cancel(self._desk, ref, at_once=at_once)

    async def renew_subscriptions(self) -> Renewed:
        """Look after subscriptions whose period is over: the next order opens, or they end. Idempotent."""
        return await renew_subscriptions(self._desk)

    # Payments

    async def hear_payment(self, told: Told) -> Heard:
        """Carry out what a proven provider tells of a payment: once, or not at all. Idempotent."""
        return await payments.hear(self._desk, told)

    async def give_back(
        self, order: str, door: Door, *, total: int, reason: str, actor: str = "", address: str = ""
    ) -> Heard | None:
        """Have a provider give money of an order back until so much of it is, once; then its credit goes.

        None where the provider never took anything for it. The audit log keeps the decision before it asks.
        """
        decision = Decision(total=total, actor=actor, reason=reason, address=address)
        return await give_back(self._desk, door, order, decision)

    async def refuse_payment(self, provider: str, event: str, digest: bytes, reason: str) -> None:
        """Keep a record of somebody who could not prove to be a provider."""
        await payments.refuse(self._desk, provider, event, digest, reason)

    async def bind_payment(self, order: str, payment: str) -> Order:
        """Note what an order's provider calls its payment, over all accounts. Raises: InvalidInput."""
        return await payments.bind(self._desk, order, payment)

    async def payment_events(
        self,
        *,
        provider: str | None = None,
        verdict: str | None = None,
        order: str = "",
        unmatched: bool = False,
        before: str = "",
        rows_max: int = 100,
    ) -> list[PaymentEvent]:
        """Return what was said in providers' names, newest first, and what was made of it.

        `unmatched`: only what a provider truly said, and what fits no order.
        """
        return await payments.events(
            self._desk,
            before=before,
            provider=provider,
            verdict=verdict,
            order=order,
            unmatched=unmatched,
            rows_max=rows_max,
        )
