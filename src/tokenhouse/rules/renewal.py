"""Renewal: what the clock alone changes in an account.

Reservations lapse, lots expire, periods end, allowances come.

Derived from the clock whenever an account is touched, so that no job can be late. Many missed periods are
caught up in one step, recorded as their net effect.
"""

from tokenhouse.rules.balance import PURCHASE, Balance, Entry, Lot
from tokenhouse.rules.lots import draw
from tokenhouse.rules.periods import ALWAYS, FOREVER, Period, period_of, periods_between
from tokenhouse.rules.plans import Allowance, Plan

FIXED = ("minute", "hour")
"""Periods of one length, which are counted by dividing."""


def record(balance: Balance, entries: list[Entry], *, at: int, kind: str, **more: object) -> Entry:
    """Append the next entry of `balance`'s journal; its figures must already be in the balance."""
    balance.seq += 1
    entry = Entry(
        account=balance.account,
        seq=balance.seq,
        at=at,
        kind=kind,
        balance_after=balance.left - balance.debt,
        **more,  # type: ignore[arg-type]
    )
    entries.append(entry)
    return entry


def allowance_period(balance: Balance, plan: Plan, allowance: Allowance, at: int) -> Period:
    """Return the period of one allowance that contains `at`."""
    zone = allowance.time_zone or balance.zone or plan.zone
    return period_of(at, allowance.every, allowance.anchor, zone, balance.opened_at)


def main_period(balance: Balance, plan: Plan, at: int) -> Period:
    """Return the account's period at `at`: its first allowance's; for a plan without one, all of time."""
    if plan.allowance:
        return allowance_period(balance, plan, plan.allowance[0], at)
    return ALWAYS


def add_lot(
    balance: Balance,
    plan: Plan,
    entries: list[Entry],
    *,
    at: int,
    kind: str,
    amount: int,
    source: str,
    priority: int = 0,
    expires_at: int = FOREVER,
    **more: object,
) -> Entry:
    """Grant a new lot, and repay open debt from it at once (Invariant: debt = 0 or left = 0)."""
    lot = Lot(balance.seq + 1, amount, amount, source, priority, expires_at)
    balance.lots = (*balance.lots, lot)
    balance.left += amount
    balance.granted += amount
    if source == PURCHASE:
        balance.bought += amount
    move = (lot.id, amount, source, priority, expires_at)
    entry = record(balance, entries, at=at, kind=kind, amount=amount, lots=(move,), **more)
    balance.due_at = min(balance.due_at, expires_at)
    repay(balance, plan, entries, at)
    return entry


def owe(balance: Balance, amount: int) -> None:
    """Add to what the account owes."""
    balance.debt += amount
    balance.charged += amount


def repay(balance: Balance, plan: Plan, entries: list[Entry], at: int) -> None:
    """Pay open debt from what is left."""
    if balance.debt and balance.left:
        paid, moves = draw(balance, plan, min(balance.debt, balance.left))
        balance.debt -= paid
        balance.drawn += paid
        record(balance, entries, at=at, kind="repay", lots=moves)


def expire(balance: Balance, entries: list[Entry], now: int) -> None:
    """End every lot whose time has come."""
    gone = [lot for lot in balance.lots if lot.expires_at <= now]
    if not gone:
        return
    total = sum(lot.left for lot in gone)
    balance.lots = tuple(lot for lot in balance.lots if lot.expires_at > now)
    balance.left -= total
    balance.expired += total
    if total:
        moves = tuple((lot.id, -lot.left) for lot in gone if lot.left)
        record(balance, entries, at=now, kind="expire", amount=-total, lots=moves)


def renew(balance: Balance, plan: Plan, entries: list[Entry], now: int) -> None:
    """Bring lots, periods and allowances of `balance` (changed in place) forward to `now`.

    A clock set back changes nothing.
    """
    if now < balance.due_at:
        return
    before, balance.rolled_at = balance.rolled_at, now
    allowances = plan.allowance if balance.own_credit else ()
    carried = [rolled_over(balance, plan, allowance, before, now) for allowance in allowances]
    expire(balance, entries, now)
    period = main_period(balance, plan, now)
    if (period.start_at, period.end_at) != (balance.period_start_at, balance.period_end_at):
        start_period(balance, plan, entries, period, now)
    if balance.debt:
        carried = [repay_missed(balance, plan, entries, allowance, before, now) for allowance in allowances]
    for allowance, rest in zip(allowances, carried, strict=True):
        this = allowance_period(balance, plan, allowance, now)
        if this.start_at > before:
            give_allowance(balance, plan, entries, allowance, this, now, rest, kind="rollover")
            give_allowance(balance, plan, entries, allowance, this, now, allowance.amount)
    balance.due_at = next_due(balance, plan, now)


def rolled_over(balance: Balance, plan: Plan, allowance: Allowance, before: int, now: int) -> int:
    """Return what of an allowance lives on from the period of `before` into that of `now`."""
    ends = ends_between(balance, plan, allowance, before, now) if allowance.rollover else 0
    if not ends:
        return 0
    end_at = allowance_period(balance, plan, allowance, before).end_at
    mine = (lot for lot in balance.lots if lot.source == "allowance" and lot.priority == allowance.priority)
    return carried_over(allowance, sum(lot.left for lot in mine if lot.expires_at == end_at), ends)


def carried_over(allowance: Allowance, left: int, ends: int) -> int:
    """Return what lives on after `ends` periods, of which only the first was drawn on, down to `left`.

    A cap gives min(cap, first + (ends - 1) x amount); a share is applied period by period, and soon stands
    still.
    """
    carried = allowance.carried(left)
    if isinstance(allowance.rollover, int):
        return min(allowance.rollover, carried + (ends - 1) * allowance.amount)
    for _ in range(ends - 1):
        more = allowance.carried(carried + allowance.amount)
        if more == carried:
            break
        carried = more
    return carried


def ends_between(balance: Balance, plan: Plan, allowance: Allowance, before: int, now: int) -> int:
    """Return how many periods of an allowance have ended after `before`, up to `now`."""
    then = allowance_period(balance, plan, allowance, before)
    this = allowance_period(balance, plan, allowance, now)
    if this.start_at < then.end_at:
        return 0
    if allowance.every in FIXED:
        return (this.start_at - then.start_at) // (then.end_at - then.start_at)
    zone = allowance.time_zone or balance.zone or plan.zone
    terms = (allowance.every, allowance.anchor, zone, balance.opened_at)
    return sum(1 for _ in periods_between(before, this.start_at, *terms))


def repay_missed(
    balance: Balance, plan: Plan, entries: list[Entry], allowance: Allowance, before: int, now: int
) -> int:
    """Repay debt from the allowances of periods in which nobody looked; return what of them is carried over.

    So an account owes the same whether it was touched in every period or only now. Of several allowances, the
    missed ones all come before the present ones.
    """
    ends = ends_between(balance, plan, allowance, before, now)
    if not ends:
        return 0
    whole = min(-(-balance.debt // allowance.amount), ends - 1)
    paid = min(balance.debt, whole * allowance.amount)
    if paid:
        give_allowance(balance, plan, entries, allowance, Period(before, now), now, paid)
        balance.lots = tuple(lot for lot in balance.lots if lot.expires_at > now)
    return carried_over(allowance, whole * allowance.amount - paid, ends - whole)


def withdraw_allowances(balance: Balance, entries: list[Entry], now: int) -> None:
    """Take what is left of every allowance; its emptied lot says, as its amount, what was spent of it."""
    taken = [lot for lot in balance.lots if lot.source == "allowance" and lot.left]
    total = sum(lot.left for lot in taken)
    balance.lots = tuple(
        Lot(lot.id, 0, lot.amount - lot.left, lot.source, lot.priority, lot.expires_at)
        if lot.source == "allowance"
        else lot
        for lot in balance.lots
        if lot.source != "allowance" or lot.amount > lot.left
    )
    balance.left -= total
    balance.expired += total
    if total:
        moves = tuple((lot.id, -lot.left) for lot in taken)
        record(balance, entries, at=now, kind="expire", amount=-total, lots=moves)


def replace_allowances(balance: Balance, plan: Plan, entries: list[Entry], now: int) -> None:
    """Give a new plan's allowances in place of the old one's, less what those have spent.

    Emptied lots stay listed until their ends, so that the next change still knows what they spent.
    """
    spent = sum(lot.amount - lot.left for lot in balance.lots if lot.source == "allowance")
    withdraw_allowances(balance, entries, now)
    for allowance in plan.allowance if balance.own_credit else ():
        this = allowance_period(balance, plan, allowance, balance.rolled_at)
        part = max(allowance.amount - spent, 0)
        spent -= allowance.amount - part
        give_allowance(balance, plan, entries, allowance, this, now, part)
    balance.due_at = next_due(balance, plan, balance.rolled_at)


def start_period(balance: Balance, plan: Plan, entries: list[Entry], period: Period, now: int) -> None:
    """Begin a new period: nothing is used in it yet, and the plan may forgive what is owed."""
    if balance.debt and plan.stop.debt == "forgive":
        forgiven, balance.debt = balance.debt, 0
        balance.forgiven += forgiven
        record(balance, entries, at=now, kind="forgive", amount=forgiven)
    balance.used = 0
    balance.period_start_at, balance.period_end_at = period.start_at, period.end_at
    record(
        balance, entries, at=now, kind="period", facts={"start_at": period.start_at, "end_at": period.end_at}
    )


def give_allowance(
    balance: Balance,
    plan: Plan,
    entries: list[Entry],
    allowance: Allowance,
    period: Period,
    now: int,
    amount: int,
    *,
    kind: str = "allowance",
) -> None:
    """Grant one period's allowance, or what was rolled over into it."""
    if amount:
        add_lot(
            balance,
            plan,
            entries,
            at=now,
            kind=kind,
            amount=amount,
            source="allowance",
            priority=allowance.priority,
            expires_at=period.end_at,
        )


def next_due(balance: Balance, plan: Plan, now: int) -> int:
    """Return the next instant at which `renew` will have something to do."""
    due = min((lot.expires_at for lot in balance.lots), default=FOREVER)
    due = min(due, balance.period_end_at)
    for allowance in plan.allowance if balance.own_credit else ():
        due = min(due, allowance_period(balance, plan, allowance, now).end_at)
    return due
