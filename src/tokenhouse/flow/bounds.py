"""Bounds: the limits on an account and on those above it, and what another plan would change for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tokenhouse.flow import audited
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.report import BalanceView, read_path, view
from tokenhouse.rules import limits
from tokenhouse.rules.account import apply
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.operations import Amend, Touch
from tokenhouse.rules.periods import Every, Instant, moment
from tokenhouse.rules.plans import Limit, Per, Plan, What
from tokenhouse.rules.verdict import Member
from tokenhouse.store import accounts

UNITS: Final = {"requests": Unit("request"), "tokens": Unit("token")}
"""What a limit counts that is no credit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitView:
    """One limit in its present window. `of` is the model or the key that it counts, where it has one each."""

    account: str
    name: str
    what: What
    every: Every
    per: Per
    of: str
    unit: Unit
    amount: int
    used: int
    left: int
    start_at: datetime
    end_at: datetime

    @property
    def used_percent(self) -> float:
        """How much of it is used, in percent, to a tenth; a limit of nothing is used up."""
        return (1_000 * self.used // self.amount) / 10 if self.amount else 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TermChange:
    """One term that differs between two plans, as its document says it."""

    term: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Where an account stands, where it would stand under another plan, and which terms differ."""

    now: BalanceView
    then: BalanceView
    terms: tuple[TermChange, ...]


async def standing_limits(desk: Desk, ref: str) -> list[LimitView]:
    """Return every limit on calls of an account, its own first, then those of the accounts above it.

    One for each model or key is there once for each that it has counted in its present window.
    """
    address = await desk.address(ref)
    path = await read_path(desk, address)
    now = desk.now()
    balances, _, _ = apply(path, Touch(id=""), now)
    async with desk.pool.acquire() as connection:
        names = await accounts.list_refs(connection, address.cell, address.path)
    return [
        one
        for balance, (_, plan) in zip(balances, path, strict=True)
        for limit in plan.limit
        for one in _counted(names[balance.account], balance, plan, limit, now)
    ]


async def preview(desk: Desk, ref: str, plan: str) -> Preview:
    """Return what another plan would change for an account, if it were given it now. Changes nothing.

    Raises: NotFound, for the account or the plan.
    """
    address = await desk.address(ref)
    path = await read_path(desk, address)
    successor, now = desk.catalog.plan(checked_text(plan, "plan")), desk.now()
    balances, _, _ = apply(path, Touch(id=""), now)
    amended, _, _ = apply(path, Amend(id="", plan=plan), now, successor=successor)
    plans = [one.plan for one in path]
    return Preview(
        now=view(ref, _members(balances, plans)),
        then=view(ref, _members(amended, [successor, *plans[1:]])),
        terms=tuple(_differences(audited.plan(plans[0]), audited.plan(successor))),
    )


def _members(balances: list[Balance], plans: list[Plan]) -> list[Member]:
    return [Member(balance, plan) for balance, plan in zip(balances, plans, strict=True)]


def _counted(ref: str, balance: Balance, plan: Plan, limit: Limit, now: Instant) -> Iterator[LimitView]:
    """Yield a limit as it stands: once, or for each model or key that it has counted."""
    if limit.per == "account":
        yield _limit(ref, balance, plan, limit, "", now)
        return
    head = f"{limit.name}:"
    for name in sorted(balance.counters):
        if name.startswith(head) and now < balance.counters[name].end_at:
            yield _limit(ref, balance, plan, limit, name.removeprefix(head), now)


def _limit(ref: str, balance: Balance, plan: Plan, limit: Limit, of: str, now: Instant) -> LimitView:
    counter = limits.window(balance, plan, limit, limits.counter_name(limit, of, of), now)
    return LimitView(
        account=ref,
        name=limit.name,
        what=limit.what,
        every=limit.every,
        per=limit.per,
        of=of,
        unit=UNITS.get(limit.what, plan.unit),
        amount=limit.amount,
        used=counter.used,
        left=max(limit.amount - counter.used, 0),
        start_at=moment(counter.start_at),
        end_at=moment(counter.end_at),
    )


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[TermChange]:
    """Yield the terms of two documents that differ, the plan's name apart."""
    was, now = dict(_flat("", before)), dict(_flat("", after))
    for term in dict.fromkeys((*was, *now)):
        if term != "name" and was.get(term, "") != now.get(term, ""):
            yield TermChange(term=term, before=was.get(term, ""), after=now.get(term, ""))


def _flat(head: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield each term of a document under its dotted name."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _flat(f"{head}.{name}" if head else name, one)
    elif isinstance(value, list | tuple) and any(isinstance(one, dict) for one in value):
        for nth, one in enumerate(value):
            yield from _flat(f"{head}[{nth}]", one)
    elif isinstance(value, bool):
        yield head, "true" if value else "false"
    elif value is not None:
        yield head, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
