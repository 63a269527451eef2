"""The account: `apply` is every change there is, a pure step from balances and an operation.

`apply(path, operation, now, ended)` copies the balances on the path before it changes them, so a refusal
costs nothing and leaves nothing. `ended` is what the journal already says about the operation: it makes
repeats harmless.
"""

from collections.abc import Callable
from typing import Any, Final

from tokenhouse.rules.balance import Balance, Entry
from tokenhouse.rules.calls import charge, lapse, release, reserve, settle
from tokenhouse.rules.credit import adjust, claw_back, grant, refund, restore
from tokenhouse.rules.operations import (
    Adjust,
    Amend,
    Charge,
    ClawBack,
    Done,
    Grant,
    Operation,
    Outcome,
    Refund,
    Release,
    Reserve,
    Restore,
    Settle,
    Touch,
    subject_of,
)
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.renewal import (
    add_lot,
    allowance_period,
    give_allowance,
    main_period,
    next_due,
    record,
    renew,
    replace_allowances,
)
from tokenhouse.rules.repeats import UNENDED, Ended
from tokenhouse.rules.verdict import Member, Path


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
    if type(outcome) is not Done or outcome.replayed:
        return [balance for balance, _ in path], [], outcome
    for balance, _ in fresh:
        balance.version += 1
    return [balance for balance, _ in fresh], entries, outcome


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
        facts["plan"] = [balance.plan, asked.plan]
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
    Restore: restore,
    Refund: refund,
    Adjust: adjust,
    Amend: amend,
    Touch: touch,
}


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
