"""Calls: credit is set aside before one, then settled, released, or lapses; or it is charged at once."""

from operator import attrgetter
from typing import Any, Final

from tokenhouse.rules import limits
from tokenhouse.rules.balance import Balance, Counter, Entry, Open
from tokenhouse.rules.lots import draw
from tokenhouse.rules.operations import (
    Charge,
    Done,
    Mismatch,
    Outcome,
    Release,
    Reserve,
    Settle,
    Unknown,
)
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.renewal import owe, record
from tokenhouse.rules.repeats import CHARGES, Ended, repeated
from tokenhouse.rules.verdict import Admission, Path, payer_of, verdict

_LAPSES_AT: Final = attrgetter("lapses_at")
"""By which an account's open reservations are kept in order: the soonest lapse is the first one's."""


def reserve(path: Path, asked: Reserve, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Set credit aside; see `rules.verdict` for the order in which a no is found."""
    balance, plan = path[0]
    before = balance.open.get(asked.id)
    if before is not None:
        return Done(id=asked.id, amount=before.amount, tokens=before.tokens, replayed=True)
    if ended:
        return Done(id=asked.id, amount=ended[0].fact("reserved", 0), tokens=asked.tokens, replayed=True)
    yes = verdict(path, asked, now)
    if not isinstance(yes, Admission):
        return yes
    _count(path, yes.counted, asked, yes.held, now)
    lapses_at = now + plan.lapse_after
    reservation = Open(
        yes.held,
        asked.tokens,
        now,
        lapses_at,
        asked.model,
        asked.key,
        min(asked.lapse_charge, yes.held) if plan.reserve.on_lapse == "charge-input" else 0,
    )
    _open(balance, asked.id, reservation)
    payer_of(path).balance.held += yes.held
    return Done(id=asked.id, amount=yes.held, tokens=asked.tokens)


def settle(path: Path, asked: Settle, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """End a reservation with a charge: what the lots do not cover becomes debt.

    Late usage is charged all the same.

    A reservation that lapsed with a charge for its input is charged what its usage costs beyond that.
    """
    reservation = _close(path, asked.id)
    cost, late, facts = asked.charge, "", dict(asked.facts)
    if reservation is None:
        if not ended:
            return Unknown(id=asked.id, what="reservation")
        end = next((entry for entry in ended if entry.kind in CHARGES and not entry.fact("lapsed")), None)
        if end is not None:
            return repeated(asked.id, end, end.fact("settled", end.charge), asked.charge)
        late = "released" if any(entry.kind == "release" for entry in ended) else "lapsed"
        cost = max(cost - sum(entry.charge for entry in ended), 0)
        facts |= {"late": late, "settled": asked.charge}
        reservation = Open(0, 0, now, now, asked.model)
    else:
        facts["reserved"] = reservation.amount
    told = asked.tokens or asked.usage is not None
    _correct(path, reservation, tokens=asked.tokens if told else reservation.tokens, amount=cost, now=now)
    uncovered = _charge(path, asked, cost, now, entries, facts)
    return Done(id=asked.id, amount=asked.charge, uncovered=uncovered, late=late)


def release(path: Path, asked: Release, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """End a reservation without a charge."""
    reservation = _close(path, asked.id)
    if reservation is None:
        if not ended:
            return Unknown(id=asked.id, what="reservation")
        end = next((entry for entry in ended if entry.kind in CHARGES), None)
        if end is not None:
            return Mismatch(id=asked.id, first=end.charge, second=0)
        return Done(id=asked.id, amount=ended[0].fact("reserved", 0), replayed=True)
    _correct(path, reservation, tokens=0, amount=0, now=now)
    record(
        path[0].balance,
        entries,
        at=now,
        kind="release",
        operation=asked.id,
        model=reservation.model,
        actor=asked.actor,
        note=asked.note,
        facts={"reserved": reservation.amount},
    )
    return Done(id=asked.id, amount=reservation.amount)


def lapse(path: Path, entries: list[Entry], now: int) -> None:
    """End every reservation of the path's first account whose time is over, as its plan says."""
    balance = path[0].balance
    for reservation_id in [one for one, reservation in balance.open.items() if reservation.lapses_at <= now]:
        reservation = balance.open[reservation_id]
        _close(path, reservation_id)
        cost = reservation.lapse_charge
        _correct(path, reservation, tokens=0, amount=cost, now=now)
        facts = {"reserved": reservation.amount, "lapsed": True}
        if cost:
            asked = Charge(
                id=reservation_id, charge=cost, model=reservation.model, source="estimated", turns=0
            )
            _charge(path, asked, cost, now, entries, facts)
        else:
            line: dict[str, Any] = {"operation": reservation_id, "model": reservation.model, "facts": facts}
            record(balance, entries, at=now, kind="lapse", **line)


def charge(path: Path, asked: Charge, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Charge at once what the account can pay; usage that has already happened (`forced`) in any case."""
    if ended:
        return repeated(asked.id, ended[0], ended[0].charge, asked.charge)
    if not asked.forced:
        yes = verdict(path, asked, now)
        if not isinstance(yes, Admission):
            return yes
        _count(path, yes.counted, asked, asked.charge, now)
    uncovered = _charge(path, asked, asked.charge, now, entries, {})
    return Done(id=asked.id, amount=asked.charge, uncovered=uncovered)


def _open(balance: Balance, reservation_id: str, reservation: Open) -> None:
    """Put a reservation into its account, in order of lapse: at the end, unless clock or plan went back."""
    latest = next(reversed(balance.open.values()), reservation).lapses_at
    balance.open = {**balance.open, reservation_id: reservation}
    if reservation.lapses_at < latest:
        balance.open = dict(sorted(balance.open.items(), key=lambda one: _LAPSES_AT(one[1])))
    balance.lapses_at = min(balance.lapses_at, reservation.lapses_at)


def _close(path: Path, reservation_id: str) -> Open | None:
    """Take a reservation out of its account, and what it held off its payer; None when it is not open."""
    balance = path[0].balance
    if reservation_id not in balance.open:
        return None
    balance.open = dict(balance.open)
    reservation = balance.open.pop(reservation_id)
    payer_of(path).balance.held -= reservation.amount
    balance.lapses_at = next(map(_LAPSES_AT, balance.open.values()), FOREVER)
    return reservation


def _count(
    path: Path, counted: list[dict[str, Counter]], asked: Reserve | Charge, amount: int, now: int
) -> None:
    """Add an admitted call to every limit on its path."""
    for (balance, plan), counters in zip(path, counted, strict=True):
        if plan.limit:
            limits.count(
                balance,
                plan,
                counters,
                model=asked.model,
                key=asked.key,
                tokens=asked.tokens,
                amount=amount,
                now=now,
            )


def _correct(path: Path, reservation: Open, *, tokens: int, amount: int, now: int) -> None:
    """Put what a call really took in place of what its reservation counted, in every limit on its path."""
    for balance, plan in path:
        if plan.limit:
            limits.correct(balance, plan, reservation, tokens=tokens, amount=amount, now=now)


def _charge(
    path: Path, asked: Settle | Charge, cost: int, now: int, entries: list[Entry], facts: dict[str, Any]
) -> int:
    """Charge the payer, and record the use with all others on the path; return what no lot covered.

    Whoever stands above the payer had no part in it: its own use, whose share its levels are, stays the same.
    """
    payer = payer_of(path)
    drawn, moves = draw(payer.balance, payer.plan, cost)
    uncovered = cost - drawn
    payer.balance.drawn += drawn
    payer.balance.charged += drawn
    owe(payer.balance, uncovered)
    own = {**facts, "uncovered": uncovered} if uncovered else facts
    if asked.turns != 1:
        own = {**own, "turns": asked.turns}
    above = own
    if "session" in own:  # A conversation is its account's own: those above it pay, and read nothing of it.
        above = {name: fact for name, fact in own.items() if name != "session"}
    part, turns = cost, asked.turns
    for member in path:
        balance = member.balance
        balance.used += part
        balance.used_total += part
        balance.turns += turns
        balance.seq += 1
        pays = member is payer
        # What `record` does, written out: every settled call comes by, and passing names on costs it a tenth.
        entry = Entry(
            account=balance.account,
            seq=balance.seq,
            at=now,
            kind="charge" if pays else "use",
            amount=-cost if pays else 0,
            balance_after=balance.left - balance.debt,
            charge=part,
            lots=moves if pays else (),
            operation=asked.id,
            model=asked.model,
            usage=asked.usage,
            rate=asked.rate,
            source=asked.source,
            actor=asked.actor,
            note=asked.note,
            facts=(own if member is path[0] else above) or None,
        )
        entries.append(entry)
        if pays:
            part, turns, above = 0, 0, {**above, "settled": cost, "part": 0}
    return uncovered
