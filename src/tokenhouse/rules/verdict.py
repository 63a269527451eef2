"""The verdict: may this call go ahead? One fixed order: account state, model access, limits, credit."""

from typing import NamedTuple

from tokenhouse.rules import limits
from tokenhouse.rules.alerts import overdraft
from tokenhouse.rules.balance import Balance, Counter
from tokenhouse.rules.operations import Charge, Refusal, Reserve
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import Plan


class Member(NamedTuple):
    """One account on the way from the caller up to the root of its tree, with its terms."""

    balance: Balance
    plan: Plan


Path = list[Member]
"""The caller's account first, its root last; all of them are locked and counted in the same step."""


class Admission(NamedTuple):
    """A yes: how much is held, and each member's counters as they stood."""

    held: int
    counted: list[dict[str, Counter]]


def payer_of(path: Path) -> Member:
    """Return who pays: the nearest account, from the caller up, that has credit of its own.

    At the latest the root.
    """
    for member in path:
        if member.balance.own_credit:
            return member
    return path[-1]


def headroom(member: Member) -> int:
    """Return the largest amount that may still be held.

    Available credit, and the overdraft that the plan grants.
    """
    return member.balance.available + overdraft(member.balance, member.plan)


def verdict(path: Path, asked: Reserve | Charge, now: int) -> Admission | Refusal:
    """Return whether `asked` may go ahead, for every account on its path, already brought forward to `now`.

    Order: every state, every model list, every limit, then the payer's credit. The first no is the answer.
    A call that costs nothing is not asked for credit.
    """
    bar = barred(path, asked.model)
    if bar is not None:
        return bar
    amount, least = (
        (asked.amount, asked.least) if isinstance(asked, Reserve) else (asked.charge, asked.charge)
    )
    held, counted = amount, list[dict[str, Counter]]()
    for balance, plan in path:
        if not plan.limit:
            counted.append({})
            continue
        room = limits.admit(
            balance,
            plan,
            now,
            model=asked.model,
            key=asked.key,
            tokens=asked.tokens,
            amount=amount,
            least=least,
        )
        if not isinstance(room, tuple):
            return room
        held = min(held, room[0])
        counted.append(room[1])
    payer = payer_of(path)
    free = headroom(payer)
    if least > 0 and free < least:
        return short_of_credit(payer, least, free)
    return Admission(min(held, max(free, 0)), counted)


def barred(path: Path, model: str) -> Refusal | None:
    """Return why no call of `model` may go ahead, whatever it costs; None if one may."""
    for balance, _ in path:
        if balance.state != "active":
            return Refusal(code="account_closed", account=balance.account, state=balance.state)
    if model:
        for balance, plan in path:
            if not plan.allows_any_model and not plan.allows(model):
                return Refusal(code="model_refused", account=balance.account, model=model)
    return None


def short_of_credit(payer: Member, least: int, free: int) -> Refusal:
    """Return the refusal for want of credit; it lifts when the next allowance comes, if the plan has one."""
    balance, plan = payer
    return Refusal(
        code="insufficient_credit",
        account=balance.account,
        short_by=least - free,
        available=max(free, 0),
        resets_at=balance.period_end_at if plan.allowance else FOREVER,
    )
