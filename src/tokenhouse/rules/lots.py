"""Lots: the order in which they are drawn, drawing, and what expires."""

from collections.abc import Iterable

from tokenhouse.rules.balance import PURCHASE, Balance, Lot
from tokenhouse.rules.plans import Plan

Moves = tuple[tuple[int, int], ...]
"""What a movement did to each lot: (lot, change)."""

UNRANKED = 1 << 16
"""Rank of a source that the spend order does not name: after all that it does."""


def spend_order(lots: Iterable[Lot], plan: Plan) -> list[Lot]:
    """Return lots in the order in which the plan draws them.

    By source where the plan ranks sources; then the field's common order: priority, soonest expiry, free
    before paid, oldest.
    """
    rank = plan.spend_rank
    return sorted(
        lots,
        key=lambda lot: (
            rank.get(lot.source, UNRANKED),
            lot.priority,
            lot.expires_at,
            lot.source == PURCHASE,
            lot.id,
        ),
    )


def keeps(lot: Lot) -> bool:
    """Whether an empty lot stays listed.

    An allowance does until its end, for its `amount` says what it was.
    """
    return lot.left > 0 or lot.source == "allowance"


def draw(balance: Balance, plan: Plan, amount: int) -> tuple[int, Moves]:
    """Take up to `amount` from the lots of `balance` (changed in place).

    Return what was taken, and from which.
    """
    lots = balance.lots
    if len(lots) == 1 and lots[0].left >= amount:
        lot = lots[0]
        rest = Lot(lot.id, lot.left - amount, lot.amount, lot.source, lot.priority, lot.expires_at)
        balance.lots = (rest,) if keeps(rest) else ()
        balance.left -= amount
        return amount, ((lot.id, -amount),) if amount else ()
    wanted, moves, left_of = amount, [], {}
    for lot in spend_order(lots, plan):
        if not wanted:
            break
        part = min(lot.left, wanted)
        if part:
            moves.append((lot.id, -part))
            left_of[lot.id] = lot.left - part
            wanted -= part
    if left_of:
        balance.lots = tuple(
            rest
            for lot in lots
            if keeps(
                rest := (
                    Lot(lot.id, left_of[lot.id], lot.amount, lot.source, lot.priority, lot.expires_at)
                    if lot.id in left_of
                    else lot
                )
            )
        )
    balance.left -= amount - wanted
    return amount - wanted, tuple(moves)


def take(balance: Balance, lot_id: int, amount: int) -> tuple[int, Moves]:
    """Take up to `amount` from one lot of `balance` (changed in place).

    Return what was taken, and the move.
    """
    lot = next((one for one in balance.lots if one.id == lot_id), None)
    part = min(lot.left, amount) if lot else 0
    if not lot or not part:
        return 0, ()
    rest = Lot(lot.id, lot.left - part, lot.amount, lot.source, lot.priority, lot.expires_at)
    balance.lots = tuple(
        one for one in (rest if one.id == lot_id else one for one in balance.lots) if keeps(one)
    )
    balance.left -= part
    return part, ((lot_id, -part),)
