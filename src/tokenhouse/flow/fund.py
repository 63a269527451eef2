"""Fund: give credit, take it back, correct it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.settle import Receipt, receipt
from tokenhouse.rules.amounts import AMOUNT_MAX, checked_amount, shown
from tokenhouse.rules.operations import Adjust, ClawBack, Grant, Refund
from tokenhouse.rules.periods import AT_MAX, FOREVER, instant

Source = Literal["purchase", "bonus", "refund", "coupon", "adjustment", "import"]
SOURCES: Final[tuple[Source, ...]] = get_args(Source)
PRIORITY_MAX = 1_000


async def grant(
    desk: Desk,
    ref: str,
    amount: int,
    *,
    source: str,
    priority: int,
    expires_at: datetime | None,
    key: str | None,
    actor: str,
    note: str,
) -> Receipt:
    """Give credit as a lot of its own; open debt is repaid from it first."""
    address = await desk.address(ref)
    if source not in SOURCES:
        raise InvalidInput("choice_unknown", field="source", value=shown(source), known=", ".join(SOURCES))
    checked_whole(priority, "priority", 0, PRIORITY_MAX)
    end_at = FOREVER if expires_at is None else instant(expires_at, "expires_at")
    if AT_MAX <= end_at < FOREVER:
        raise InvalidInput("instant_out_of_range", field="expires_at", value=str(expires_at))
    if end_at <= desk.now():
        raise InvalidInput("expires_in_past", field="expires_at", value=str(expires_at))
    operation = Grant(
        id=desk.new_id(),
        amount=checked_amount(amount, "amount"),
        source=source,
        priority=priority,
        expires_at=end_at,
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


async def claw_back(
    desk: Desk, ref: str, granted: str, amount: int, *, key: str | None, actor: str, note: str
) -> Receipt:
    """Take back a grant, wholly or in part: what is unspent; the rest as the plan's `debt` says."""
    address = await desk.address(ref)
    operation = ClawBack(
        id=desk.new_id(),
        grant=checked_id(granted, "grant"),
        amount=checked_amount(amount, "amount"),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


async def refund(
    desk: Desk, ref: str, charged: str, amount: int, *, key: str | None, actor: str, note: str
) -> Receipt:
    """Give back a charge, wholly or in part."""
    address = await desk.address(ref)
    operation = Refund(
        id=desk.new_id(),
        charge_of=checked_id(charged, "charge"),
        amount=checked_amount(amount, "amount"),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


async def adjust(desk: Desk, ref: str, amount: int, *, key: str | None, actor: str, note: str) -> Receipt:
    """Correct a balance by hand, up or down; the journal keeps who did it and why."""
    address = await desk.address(ref)
    checked_whole(amount, "amount", -AMOUNT_MAX, AMOUNT_MAX)
    operation = Adjust(
        id=desk.new_id(),
        amount=amount or checked_amount(amount, "amount"),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation, key=key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an order costs in money: whole minor units (won, cents, yen) of a currency."""

    minor: int = 0
    currency: str = "KRW"
    method: str = ""
    transaction_id: str = ""
