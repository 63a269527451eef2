"""Refunding: what a provider says that it gave back of a payment, each refund counted once, and undone once.

A provider names its refunds. One stands until it comes to nothing - a card is closed, a bank sends the money
back - and never stands again after that, so that no message that comes late makes it count again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tokenhouse.errors import InvalidInput
from tokenhouse.flow import orders as step
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.settle import Receipt
from tokenhouse.store import refunds
from tokenhouse.store.orders import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A refund as its provider tells of it."""

    ref: str
    """What the provider calls it."""
    minor: int
    failed: bool = False
    """Whether it came to nothing: the money stayed."""
    ours: str = ""
    """What we called it, where we asked for it."""
    problem: str = ""
    """Why it came to nothing, in the provider's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an order is after its refunds that came to nothing: what was given again, and what stands."""

    order: Order
    given: Receipt | None
    made: int
    """The total of the refunds that stand, in minor units."""


async def order_of(desk: Desk, provider: str, refund: str) -> str | None:
    """Return the order that a refund is of, by its provider's name of it; None where nobody told of it."""
    names = checked_text(provider, "provider", least=1), checked_text(refund, "refund", least=1, most=255)
    async with desk.pool.acquire() as connection:
        return await refunds.find_refund(connection, *names)


async def note(desk: Desk, provider: str, told: Sequence[Returned], one: Order) -> bool:
    """Keep the refunds that a provider tells of; return whether one came to nothing before we knew of it.

    Raises: InvalidInput for one of another order.
    """
    now, lost = desk.clock(), False
    async with desk.pool.acquire() as connection:
        for each in told:
            line = (connection, provider, each.ref, one, each.minor, now)
            order, fresh = await refunds.write_refund(*line, failed=each.failed)
            if order != one.id:
                raise InvalidInput("payment_of_another_order", field="refund", value=each.ref)
            lost |= fresh and each.failed
    return lost


async def undo(desk: Desk, one: Order, *, actor: str) -> Undone:
    """Correct an order for each of its refunds that came to nothing and that it still counts.

    Order: `one` was read before its refunds are, and whatever ends it goes by how many of them had failed
    then: who was told of a refund before it came to nothing cannot count it after that. Raises: NotFound
    where somebody else was faster.
    """
    given = None
    while True:
        async with desk.pool.acquire() as connection:
            known = await refunds.list_refunds(connection, one)
        made = sum(each.minor for each in known if each.state == "made")
        failed = next((each for each in known if each.state == "failed"), None)
        if failed is None:
            return Undone(order=one, given=given, made=made)
        given = await step.undo_refund(desk, one, failed, made, actor=actor)
        one = await step.find_anywhere(desk, one.id)
