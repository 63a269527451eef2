"""The account: `apply` is every change there is, a pure step from balances and an operation.

`apply(path, operation, now, ended)` copies the balances on the path before it changes them, so a refusal
costs nothing and leaves nothing. `ended` is what the journal already says about the operation: it makes
repeats harmless.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

from tokenhouse.rules import limits
from tokenhouse.rules.balance import Balance, Counter, Entry, Open
from tokenhouse.rules.lots import draw, take
from tokenhouse.rules.operations import (
    Adjust,
    Amend,
    Charge,
    ClawBack,
    Done,
    Grant,
    Mismatch,
    Operation,
    Outcome,
    Refund,
    Refusal,
    Release,
    Reserve,
    Settle,
    Touch,
    Unknown,
    subject_of,
)
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.renewal import (
    add_lot,
    allowance_period,
    give_allowance,
    main_period,
    next_due,
    record,
    renew,
    repay,
    replace_allowances,
)
from tokenhouse.rules.verdict import Member, Path, payer_of, verdict

Ended = Sequence[Entry]
"""The entries that the journal already holds for an operation, oldest first, of the caller's account."""

UNENDED: Final[Ended] = ()
_LAPSES_AT: Final = attrgetter("lapses_at")


def apply(
    path: Path, operation: Operation, now: int, ended: Ended = UNENDED, successor: Plan | None = None
) -> tuple[list[Balance], list[Entry], Outcome]:
    """Return the balances of `path` after `operation`, the entries that explain the change, and the answer.

    The accounts are first brought forward to `now`: reservations lapse, lots expire, periods end, allowances
    come. `path` runs from the operation's account up to the root of its tree. Nothing of it is changed in
    place. `successor` is the plan that an Amend changes to: until now the old terms hold.
    """
    fresh = [Member(balance.copy(), plan) for balance, plan in path]
    entries: list[Entry] = []
    for balance, plan in fresh:
        renew(balance, plan, entries, now)
    if now >= fresh[0].balance.lapses_at:
        lapse(fresh, entries, now)
        subject, account = subject_of(operation), fresh[0].balance.account
        ended = [*ended, *(one for one in entries if (one.operation, one.account) == (subject, account))]
    if successor is not None:
        fresh[0] = Member(fresh[0].balance, successor)
    outcome = STEPS[type(operation)](fresh, operation, now, ended, entries)
    if not isinstance(outcome, Done) or outcome.replayed:
        return [balance for balance, _ in path], [], outcome
    for balance, _ in fresh:
        balance.version += 1
    return [balance for balance, _ in fresh], entries, outcome


def reserve(path: Path, asked: Reserve, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Set credit aside; see `rules.verdict` for the order in which a no is found."""
    balance, plan = path[0]
    before = balance.open.get(asked.id)
    if before is not None:
        return Done(id=asked.id, amount=before.amount, tokens=before.tokens, replayed=True)
    if ended:
        return Done(id=asked.id, amount=_fact(ended[0], "reserved", 0), tokens=asked.tokens, replayed=True)
    yes = verdict(path, asked, now)
    if isinstance(yes, Refusal):
        return yes
    _count(path, yes.counted, asked, yes.held, now)
    lapses_at = now + plan.lapse_after
    balance.open = {
        **balance.open,
        asked.id: Open(
            yes.held,
            asked.tokens,
            now,
            lapses_at,
            asked.model,
            asked.key,
            min(asked.lapse_charge, yes.held) if plan.reserve.on_lapse == "charge-input" else 0,
        ),
    }
    balance.lapses_at = min(balance.lapses_at, lapses_at)
    payer_of(path).balance.held += yes.held
    return Done(id=asked.id, amount=yes.held, tokens=asked.tokens)


def settle(path: Path, asked: Settle, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """End a reservation with a charge: what the lots do not cover becomes debt.

    Late usage is charged all the same.

    A reservation that lapsed with a charge for its input is charged what its usage costs beyond that.
    """
    reservation = _close(path, asked.id)
    cost, late, facts = asked.charge, "", {}
    if reservation is None:
        if not ended:
            return Unknown(id=asked.id, what="reservation")
        end = next((entry for entry in ended if entry.kind in CHARGES and not _fact(entry, "lapsed")), None)
        if end is not None:
            return _repeat(asked.id, end, _fact(end, "settled", end.charge), asked.charge)
        late = "released" if any(entry.kind == "release" for entry in ended) else "lapsed"
        cost = max(cost - sum(entry.charge for entry in ended), 0)
        facts = {"late": late, "settled": asked.charge}
        reservation = Open(0, 0, now, now, asked.model)
    else:
        facts = {"reserved": reservation.amount}
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
        return Done(id=asked.id, amount=_fact(ended[0], "reserved", 0), replayed=True)
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
        return _repeat(asked.id, ended[0], ended[0].charge, asked.charge)
    if not asked.forced:
        yes = verdict(path, asked, now)
        if isinstance(yes, Refusal):
            return yes
        _count(path, yes.counted, asked, asked.charge, now)
    uncovered = _charge(path, asked, asked.charge, now, entries, {})
    return Done(id=asked.id, amount=asked.charge, uncovered=uncovered)


def grant(path: Path, asked: Grant, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Give credit as a lot of its own."""
    balance, plan = path[0]
    if ended:
        return _repeat(asked.id, ended[0], ended[0].amount, asked.amount)
    if not balance.own_credit:
        return Refusal(code="no_own_credit", account=balance.account)
    if balance.state == "closed":
        return Refusal(code="account_closed", account=balance.account, state=balance.state)
    maximum = plan.credit.maximum
    if maximum is not None and balance.left + asked.amount > maximum:
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
    same = next((entry for entry in earlier if _fact(entry, "id") == asked.id), None)
    if same is not None:
        return _repeat(asked.id, same, _fact(same, "asked"), asked.amount)
    rest = given.amount - sum(_fact(entry, "asked") for entry in earlier)
    if asked.amount > rest:
        return Refusal(
            code="more_than_given", account=balance.account, amount=rest, short_by=asked.amount - rest
        )
    taken, moves = take(balance, int(given.lots[0][0]), asked.amount)
    balance.clawed += taken
    uncovered = asked.amount - taken
    owed = uncovered if plan.stop.debt == "carry" else 0
    _owe(balance, owed)
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


def refund(path: Path, asked: Refund, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Give back a charge, wholly or in part, to whoever paid it."""
    charged = next((entry for entry in ended if entry.kind in CHARGES), None)
    if charged is None:
        return Unknown(id=asked.charge_of, what="charge")
    earlier = [entry for entry in ended if entry.kind in REFUNDS]
    same = next((entry for entry in earlier if _fact(entry, "id") == asked.id), None)
    if same is not None:
        return _repeat(asked.id, same, -same.charge, asked.amount)
    rest = sum(entry.charge for entry in ended)
    if asked.amount > rest:
        return Refusal(
            code="more_than_charged",
            account=path[0].balance.account,
            amount=rest,
            short_by=asked.amount - rest,
        )
    payer = payer_of(path)
    for member in path:
        balance, plan = member
        balance.used = max(balance.used - asked.amount, 0)
        balance.used_total -= asked.amount
        line: dict[str, Any] = {
            "at": now,
            "charge": -asked.amount,
            "operation": asked.charge_of,
            "actor": asked.actor,
            "note": asked.note,
            "facts": {"id": asked.id},
        }
        if member is payer:
            add_lot(balance, plan, entries, kind="refund", amount=asked.amount, source="refund", **line)
        else:
            record(balance, entries, kind="unuse", **line)
    return Done(id=asked.id, amount=asked.amount)


def adjust(path: Path, asked: Adjust, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Correct a balance by hand."""
    balance, plan = path[0]
    if ended:
        return _repeat(asked.id, ended[0], ended[0].amount, asked.amount)
    if not balance.own_credit:
        return Refusal(code="no_own_credit", account=balance.account)
    line: dict[str, Any] = {"at": now, "operation": asked.id, "actor": asked.actor, "note": asked.note}
    if asked.amount > 0:
        add_lot(balance, plan, entries, kind="adjust", amount=asked.amount, source="adjustment", **line)
        return Done(id=asked.id, amount=asked.amount)
    taken, moves = draw(balance, plan, -asked.amount)
    uncovered = -asked.amount - taken
    balance.clawed += taken
    _owe(balance, uncovered)
    facts = {"uncovered": uncovered} if uncovered else None
    record(balance, entries, kind="adjust", amount=asked.amount, lots=moves, facts=facts, **line)
    return Done(id=asked.id, amount=asked.amount, uncovered=uncovered)


def amend(path: Path, asked: Amend, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Change an account's state or plan. The path's terms are already the new plan's.

    What is left of the old plan's allowance ends; the new allowance is given less what the old one had
    already spent, so that changing to and fro yields nothing.
    """
    balance, plan = path[0]
    if ended:
        return Done(id=asked.id, amount=0, replayed=True)
    facts: dict[str, Any] = {}
    if asked.state is not None:
        facts["state"] = [balance.state, asked.state]
        balance.state = asked.state
    if asked.plan is not None:
        period = main_period(balance, plan, now)
        facts |= {"plan": [balance.plan, asked.plan], "start_at": period.start_at, "end_at": period.end_at}
        balance.plan = asked.plan
        balance.rolled_at = max(now, balance.rolled_at)  # A clock set back brings no period back.
        period = main_period(balance, plan, balance.rolled_at)
        balance.period_start_at, balance.period_end_at = period.start_at, period.end_at
        facts |= {"start_at": period.start_at, "end_at": period.end_at}
    line: dict[str, Any] = {"at": now, "operation": asked.id, "actor": asked.actor, "note": asked.note}
    record(balance, entries, kind="amend", facts=facts, **line)
    if asked.plan is not None:
        replace_allowances(balance, plan, entries, now)
    return Done(id=asked.id, amount=0)


def touch(path: Path, asked: Touch, now: int, ended: Ended, entries: list[Entry]) -> Outcome:
    """Bring the account forward to now; the path already is. What was renewed without an entry counts too."""
    still = not entries and all(balance.rolled_at != now for balance, _ in path)
    return Done(id=asked.id, amount=0, replayed=still)


STEPS: Final[dict[type, Callable[..., Outcome]]] = {
    Reserve: reserve,
    Settle: settle,
    Release: release,
    Charge: charge,
    Grant: grant,
    ClawBack: claw_back,
    Refund: refund,
    Adjust: adjust,
    Amend: amend,
    Touch: touch,
}
CHARGES: Final = ("charge", "use")
REFUNDS: Final = ("refund", "unuse")


def opened(
    account: int, plan: Plan, now: int, *, own_credit: bool = True, zone: str = "", actor: str = ""
) -> tuple[Balance, list[Entry]]:
    """Return the balance of a new account, and its first entries: what its plan gives."""
    entries: list[Entry] = []
    balance = Balance(
        account=account, plan=plan.name, own_credit=own_credit, zone=zone, opened_at=now, rolled_at=now
    )
    period = main_period(balance, plan, now)
    balance.period_start_at, balance.period_end_at = period.start_at, period.end_at
    facts = {"plan": plan.name, "start_at": period.start_at, "end_at": period.end_at}
    record(balance, entries, at=now, kind="open", actor=actor, facts=facts)
    if own_credit:
        if plan.signup.amount:
            add_lot(balance, plan, entries, at=now, kind="signup", amount=plan.signup.amount, source="signup")
        for allowance in plan.allowance:
            this = allowance_period(balance, plan, allowance, now)
            give_allowance(balance, plan, entries, allowance, this, now, allowance.amount)
    balance.due_at = next_due(balance, plan, now)
    balance.version = 1
    return balance, entries


def _fact(entry: Entry, name: str, default: Any = None) -> Any:
    """Return one of an entry's facts."""
    return entry.facts.get(name, default) if entry.facts else default


def _repeat(operation: str, entry: Entry, first: int, second: int) -> Outcome:
    """Return the first answer to a repeated operation, or say that its payload differs."""
    if first != second:
        return Mismatch(id=operation, first=first, second=second)
    uncovered = _fact(entry, "owed", 0) or _fact(entry, "uncovered", 0)
    late = _fact(entry, "late", "")
    written_off = _fact(entry, "written_off", 0)
    return Done(
        id=operation, amount=first, uncovered=uncovered, written_off=written_off, late=late, replayed=True
    )


def _close(path: Path, reservation_id: str) -> Open | None:
    """Take a reservation out of its account, and what it held off its payer; None when it is not open."""
    balance = path[0].balance
    if reservation_id not in balance.open:
        return None
    balance.open = dict(balance.open)
    reservation = balance.open.pop(reservation_id)
    payer_of(path).balance.held -= reservation.amount
    if reservation.lapses_at <= balance.lapses_at:
        balance.lapses_at = min(map(_LAPSES_AT, balance.open.values()), default=FOREVER)
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


def _owe(balance: Balance, amount: int) -> None:
    """Add to what the account owes."""
    balance.debt += amount
    balance.charged += amount


def _charge(
    path: Path, asked: Settle | Charge, cost: int, now: int, entries: list[Entry], facts: dict[str, Any]
) -> int:
    """Charge the payer, and record the use with all others on the path; return what no lot covered."""
    payer = payer_of(path)
    drawn, moves = draw(payer.balance, payer.plan, cost)
    uncovered = cost - drawn
    payer.balance.drawn += drawn
    payer.balance.charged += drawn
    _owe(payer.balance, uncovered)
    own = {**facts, "uncovered": uncovered} if uncovered else facts
    if asked.turns != 1:
        own = {**own, "turns": asked.turns}
    for member in path:
        balance = member.balance
        balance.used += cost
        balance.used_total += cost
        balance.turns += asked.turns
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
            charge=cost,
            lots=moves if pays else (),
            operation=asked.id,
            model=asked.model,
            usage=asked.usage,
            rate=asked.rate,
            source=asked.source,
            actor=asked.actor,
            note=asked.note,
            facts=own or None,
        )
        entries.append(entry)
    return uncovered
