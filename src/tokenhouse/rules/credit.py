"""Credit: given as a lot, taken back from one, given back for a charge, corrected by hand."""

from typing import Any, Final

from tokenhouse.rules.balance import PURCHASE, Balance, Entry
from tokenhouse.rules.lots import Moves, draw, take
from tokenhouse.rules.operations import (
    Adjust,
    ClawBack,
    Done,
    Grant,
    Outcome,
    Refund,
    Refusal,
    Restore,
    Unknown,
)
from tokenhouse.rules.renewal import add_lot, owe, record, renew, repay
from tokenhouse.rules.repeats import CHARGES, REFUNDS, Ended, repeated
from tokenhouse.rules.verdict import Path, payer_of

MOVE: Final = 2
"""Fields of a move into or out of a lot that is there; a new one says more."""


def grant(path: Path, asked: Grant, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Give credit as a lot of its own.

    What a plan lets an account hold bounds gifts. A purchase was held against it before it was paid.
    """
    balance, plan = path[0]
    if ended:
        return repeated(asked.id, ended[0], ended[0].amount, asked.amount)
    if not balance.own_credit:
        return Refusal(code="no_own_credit", account=balance.account)
    if balance.state == "closed":
        return Refusal(code="account_closed", account=balance.account, state=balance.state)
    maximum = plan.credit.maximum
    if not asked.paid and maximum is not None and balance.left + asked.amount > maximum:
        return Refusal(
            code="credit_maximum",
            account=balance.account,
            amount=maximum,
            available=balance.left,
            short_by=balance.left + asked.amount - maximum,
        )
    add_lot(
        balance,
        plan,
        entries,
        at=now,
        kind="grant",
        amount=asked.amount,
        source=asked.source,
        priority=asked.priority,
        expires_at=asked.expires_at,
        operation=asked.id,
        actor=asked.actor,
        note=asked.note,
        facts=asked.facts,
    )
    if asked.expires_at <= now:
        renew(balance, plan, entries, now)
    return Done(id=asked.id, amount=asked.amount)


def claw_back(path: Path, asked: ClawBack, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Take back a grant: what is unspent of its lot.

    The rest becomes debt or is written off, as the plan says.
    """
    balance, plan = path[0]
    given = next((entry for entry in ended if entry.kind == "grant"), None)
    if given is None:
        return Unknown(id=asked.grant, what="grant")
    earlier = [entry for entry in ended if entry.kind == "claw_back"]
    same = next((entry for entry in earlier if entry.fact("id") == asked.id), None)
    if same is not None:
        return repeated(asked.id, same, same.fact("asked"), asked.amount)
    rest = given.amount - sum(entry.fact("asked") for entry in earlier)
    if asked.amount > rest:
        return Refusal(
            code="more_than_given", account=balance.account, amount=rest, short_by=asked.amount - rest
        )
    taken, moves = _take_back(balance, [given, *earlier], asked.amount)
    balance.clawed += taken
    if given.lots[0][2] == PURCHASE:
        balance.bought -= asked.amount
    uncovered = asked.amount - taken
    owed = uncovered if plan.stop.debt == "carry" else 0
    owe(balance, owed)
    record(
        balance,
        entries,
        at=now,
        kind="claw_back",
        amount=-(taken + owed),
        lots=moves,
        operation=asked.grant,
        actor=asked.actor,
        note=asked.note,
        facts={"id": asked.id, "asked": asked.amount, "owed": owed, "written_off": uncovered - owed},
    )
    repay(balance, plan, entries, now)
    return Done(id=asked.id, amount=asked.amount, uncovered=owed, written_off=uncovered - owed)


def _take_back(balance: Balance, given: Ended, amount: int) -> tuple[int, Moves]:
    """Take up to so much from the lots that a grant made, the last one first; return how much, and whence."""
    lots = [int(move[0]) for entry in given for move in entry.lots if len(move) > MOVE]
    taken = 0
    moves: list[tuple[int, int]] = []
    for lot in reversed(lots):
        part, move = take(balance, lot, amount - taken)
        taken += part
        moves += move
    return taken, tuple(moves)


def restore(path: Path, asked: Restore, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Undo what was taken back of a grant, as if only the rest had been: what was written off comes last.

    Its entry is a claw-back of less than nothing, with a lot of its own like the one that was granted.
    """
    balance, plan = path[0]
    given = next((entry for entry in ended if entry.kind == "grant"), None)
    if given is None:
        return Unknown(id=asked.grant, what="grant")
    earlier = [entry for entry in ended if entry.kind == "claw_back"]
    if any(entry.fact("id") == asked.id for entry in earlier):
        return Done(id=asked.id, amount=asked.amount, replayed=True)
    taken = sum(entry.fact("asked") for entry in earlier)
    if asked.amount > taken:
        return Refusal(
            code="more_than_given", account=balance.account, amount=taken, short_by=asked.amount - taken
        )
    spent = min(sum(entry.fact("written_off", 0) for entry in earlier), asked.amount)
    _, _, source, priority, expires_at = given.lots[0]
    line: dict[str, Any] = {
        "at": now,
        "kind": "claw_back",
        "operation": asked.grant,
        "actor": asked.actor,
        "note": asked.note,
        "facts": {"id": asked.id, "asked": -asked.amount, "owed": 0, "written_off": -spent},
    }
    if source == PURCHASE:
        balance.bought += spent
    if asked.amount > spent:
        terms = {"source": source, "priority": priority, "expires_at": expires_at}
        add_lot(balance, plan, entries, amount=asked.amount - spent, **terms, **line)
    else:
        record(balance, entries, **line)
    if expires_at <= now:
        renew(balance, plan, entries, now)
    return Done(id=asked.id, amount=asked.amount)


def refund(path: Path, asked: Refund, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Give back a charge, wholly or in part, to whoever paid it."""
    charged = next((entry for entry in ended if entry.kind in CHARGES), None)
    if charged is None:
        return Unknown(id=asked.charge_of, what="charge")
    earlier = [entry for entry in ended if entry.kind in REFUNDS]
    same = next((entry for entry in earlier if entry.fact("id") == asked.id), None)
    if same is not None:
        return repeated(asked.id, same, -same.charge, asked.amount)
    rest = sum(entry.charge for entry in ended)
    if asked.amount > rest:
        return Refusal(
            code="more_than_charged",
            account=path[0].balance.account,
            amount=rest,
            short_by=asked.amount - rest,
        )
    payer, part = payer_of(path), asked.amount
    for member in path:
        balance, plan = member
        balance.used = max(balance.used - part, 0)
        balance.used_total -= part
        line: dict[str, Any] = {
            "at": now,
            "charge": -part,
            "operation": asked.charge_of,
            "actor": asked.actor,
            "note": asked.note,
            "facts": {"id": asked.id},
        }
        if member is payer:
            add_lot(balance, plan, entries, kind="refund", amount=asked.amount, source="refund", **line)
            part = 0  # Who stands above the payer had no part in the charge either.
        else:
            record(balance, entries, kind="unuse", **line)
    return Done(id=asked.id, amount=asked.amount)


def adjust(path: Path, asked: Adjust, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Correct a balance by hand."""
    balance, plan = path[0]
    if ended:
        return repeated(asked.id, ended[0], ended[0].amount, asked.amount)
    if not balance.own_credit:
        return Refusal(code="no_own_credit", account=balance.account)
    line: dict[str, Any] = {"at": now, "operation": asked.id, "actor": asked.actor, "note": asked.note}
    if asked.amount > 0:
        add_lot(balance, plan, entries, kind="adjust", amount=asked.amount, source="adjustment", **line)
        return Done(id=asked.id, amount=asked.amount)
    taken, moves = draw(balance, plan, -asked.amount)
    uncovered = -asked.amount - taken
    balance.clawed += taken
    owe(balance, uncovered)
    facts = {"uncovered": uncovered} if uncovered else None
    record(balance, entries, kind="adjust", amount=asked.amount, lots=moves, facts=facts, **line)
    return Done(id=asked.id, amount=asked.amount, uncovered=uncovered)
