"""Settle: the call is over; charge what it used, or nothing. Never refused, whatever happened in between."""

from typing import Any

import msgspec

from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.report import BalanceView, view
from tokenhouse.flow.upkeep import admitted
from tokenhouse.rules.amounts import checked_amount
from tokenhouse.rules.operations import Charge, Done, Release, Settle
from tokenhouse.rules.usage import Usage, checked_usage
from tokenhouse.store.batch import Answer
from tokenhouse.store.chat import TurnEnd

RATE_MAX = 2**31 - 1
"""The largest version of a rate that the journal can name."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation moved: `amount`; how much of it no lot covered.

    How its reservation had ended before, if so.
    """

    id: str
    account: str
    amount: int
    uncovered: int
    written_off: int
    late: str
    replayed: bool
    answer: Answer

    @property
    def balance(self) -> BalanceView:
        """Where the account stood afterwards."""
        return view(self.account, self.answer.path)


async def settle(
    desk: Desk,
    ref: str,
    reservation: str,
    charge: int,
    *,
    usage: Usage | None,
    model: str,
    rate: int,
    source: str,
    actor: str,
    note: str,
    facts: dict[str, Any] | None = None,
    turn: TurnEnd | None = None,
) -> Receipt:
    """End a reservation with a charge; `facts` go into its entry, and with a `turn` goes its answer.

    Idempotent by its id: repeated, the first answer comes again.
    """
    address = await desk.address(ref)
    used = checked_usage(usage) if usage is not None else None
    operation = Settle(
        id=checked_id(reservation, "reservation"),
        charge=checked_amount(charge, "charge", least=0),
        tokens=used.total if used is not None else 0,
        model=checked_text(model, "model"),
        usage=used,
        rate=checked_whole(rate, "rate", 0, RATE_MAX),
        source=checked_text(source, "source", most=20),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
        facts=facts or {},
    )
    return receipt(ref, await desk.carry_out(address, operation, turn=turn))


async def release(desk: Desk, ref: str, reservation: str, *, actor: str, note: str) -> Receipt:
    """End a reservation without a charge. Idempotent by its id."""
    address = await desk.address(ref)
    operation = Release(
        id=checked_id(reservation, "reservation"),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
    )
    return receipt(ref, await desk.carry_out(address, operation))


async def charge(
    desk: Desk,
    ref: str,
    amount: int,
    *,
    usage: Usage | None,
    model: str,
    rate: int,
    api_key: str,
    key: str | None,
    source: str,
    actor: str,
    note: str,
    turns: int = 1,
    forced: bool = False,
) -> Receipt:
    """Charge at once, without a reservation: refused when the account cannot pay it."""
    address = await desk.address(ref)
    used = checked_usage(usage) if usage is not None else None
    operation = Charge(
        id=desk.new_id(),
        charge=checked_amount(amount, "charge", least=0),
        tokens=used.total if used is not None else 0,
        model=checked_text(model, "model"),
        key=checked_text(api_key, "api_key"),
        usage=used,
        rate=checked_whole(rate, "rate", 0, RATE_MAX),
        source=checked_text(source, "source", most=20),
        actor=checked_text(actor, "actor"),
        note=checked_text(note, "note", most=1_000),
        turns=turns,
        forced=forced,
    )
    return receipt(ref, await admitted(desk, address, operation, key=key))


def receipt(ref: str, answer: Answer) -> Receipt:
    """Return what an operation that was done moved."""
    done = answer.outcome
    assert isinstance(done, Done)  # noqa: S101 -- carry_out raises for all others
    return Receipt(
        id=done.id,
        account=ref,
        amount=done.amount,
        uncovered=done.uncovered,
        written_off=done.written_off,
        late=done.late,
        replayed=done.replayed,
        answer=answer,
    )
