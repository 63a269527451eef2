"""The shop: the part of the house that sells credit, and hears who has paid for it."""

from tokenhouse.flow import orders
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.fund import Price
from tokenhouse.flow.settle import Receipt
from tokenhouse.store.orders import Order


class Shop:
    """Orders. Each method is one flow."""

    _desk: Desk

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

    async def complete_order(self, ref: str, order: str, *, actor: str = "") -> Receipt:
        """Complete an order: its credit and its state in one transaction. Idempotent."""
        return await orders.complete_order(self._desk, ref, order, actor=actor)

    async def fail_order(self, ref: str, order: str) -> Order:
        """Mark a pending order as failed. Idempotent."""
        return await orders.fail_order(self._desk, ref, order)

    async def refund_order(self, ref: str, order: str, *, actor: str = "", note: str = "") -> Receipt:
        """Refund a completed order: what is unspent of it is taken back. Idempotent."""
        return await orders.refund_order(self._desk, ref, order, actor=actor, note=note)

    async def orders(self, ref: str, *, rows_max: int = 100) -> list[Order]:
        """Return an account's newest orders."""
        return await orders.list_orders(self._desk, ref, rows_max)
