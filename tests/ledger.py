"""The rules with a journal beside them, in memory: what the writer does, without a database; and the laws."""

from itertools import pairwise
from typing import Any

import msgspec

from tokenhouse.rules.account import apply, opened
from tokenhouse.rules.balance import CHAIN_START, Balance, Entry
from tokenhouse.rules.chain import seal
from tokenhouse.rules.operations import Amend, Done, Operation, Outcome, Touch, subject_of
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.verdict import Member, payer_of

PLAIN = parse_plan({"name": "plain"})
NOON = 1_795_230_000_000_000
"""2026-11-21 03:00 UTC, noon in Seoul."""


class Ledger:
    """Accounts, their journal and a clock. `do` is one operation, kept; `ask` the same, forgotten."""

    def __init__(self, *plans: Plan, now: int = NOON) -> None:
        self.plans = {plan.name: plan for plan in (PLAIN, *plans)}
        self.now = now
        self.balances: dict[str, Balance] = {}
        self.above: dict[str, list[str]] = {}
        self.journal: list[Entry] = []

    def open(
        self, name: str, plan: str = "plain", *, below: str = "", own: bool | None = None, zone: str = ""
    ) -> None:
        """Open an account; one below another draws on it unless it has credit of its `own`."""
        own = not below if own is None else own
        number = len(self.balances) + 1
        balance, entries = opened(number, self.plans[plan], self.now, own_credit=own, zone=zone)
        self.above[name] = [name, *self.above.get(below, ())]
        self.keep([balance], entries, [name])

    def path(self, name: str) -> list[Member]:
        """Return an account and all above it, with their terms."""
        return [Member(self.balances[one], self.plans[self.balances[one].plan]) for one in self.above[name]]

    def ended(self, name: str, operation: Operation) -> list[Entry]:
        """Return what the journal of an account says of an operation's subject."""
        account, subject = self.balances[name].account, subject_of(operation)
        return [one for one in self.journal if subject and (one.account, one.operation) == (account, subject)]

    def ask(self, name: str, operation: Operation) -> tuple[list[Balance], list[Entry], Outcome]:
        """Return what the rules make of an operation. They must leave what they were given as it was."""
        path, ended = self.path(name), self.ended(name, operation)
        before = msgspec.json.encode([path, ended])
        new = self.plans[operation.plan] if isinstance(operation, Amend) and operation.plan else None
        balances, entries, outcome = apply(path, operation, self.now, ended, new)
        assert msgspec.json.encode([path, ended]) == before, "the rules changed what they were given"
        if not isinstance(outcome, Done) or outcome.replayed:
            assert not entries, "a no, or a repeat, wrote to the journal"
            assert all(one is given for one, (given, _) in zip(balances, path, strict=True))
        return balances, entries, outcome

    def do(self, name: str, operation: Operation) -> Outcome:
        """Carry out an operation and keep what follows from it."""
        balances, entries, outcome = self.ask(name, operation)
        if isinstance(outcome, Done) and not outcome.replayed:
            self.keep(balances, entries, self.above[name])
        return outcome

    def keep(self, balances: list[Balance], entries: list[Entry], names: list[str]) -> None:
        """Take over balances and chain their entries."""
        by_number = {balance.account: balance for balance in balances}
        for entry in entries:
            balance = by_number[entry.account]
            balance.chain = seal(balance.chain, entry).hash
        self.journal += entries
        self.balances |= dict(zip(names, balances, strict=True))

    def seen(self, name: str) -> list[Member]:
        """Return an account's path as it stands now, without writing anything."""
        balances, _, _ = self.ask(name, Touch(id=""))
        return [Member(one, plan) for one, (_, plan) in zip(balances, self.path(name), strict=True)]

    def entries(self, name: str) -> list[Entry]:
        """Return the journal of one account."""
        return [entry for entry in self.journal if entry.account == self.balances[name].account]


def check_laws(ledger: Ledger) -> None:
    """Assert every law of the design that can be seen in balances and journal."""
    for name, balance in ledger.balances.items():
        check_account(balance, ledger.entries(name))
        payer = payer_of(ledger.path(name)).balance
        assert payer.own_credit, "the root of a tree pays"
    for name, balance in ledger.balances.items():
        drawing = [one for one in ledger.balances if payer_of(ledger.path(one)).balance is balance]
        held = sum(one.amount for child in drawing for one in ledger.balances[child].open.values())
        assert balance.held == held, f"held of {name} is the sum of open reservations"


def check_account(balance: Balance, entries: list[Entry]) -> None:
    """Assert the laws that hold of one account and its journal."""
    assert balance.granted == balance.left + balance.drawn + balance.expired + balance.clawed
    assert balance.charged == balance.drawn + balance.debt + balance.forgiven
    assert balance.debt == 0 or balance.left == 0
    assert balance.left == sum(lot.left for lot in balance.lots)
    assert all(0 <= lot.left <= lot.amount for lot in balance.lots)
    assert min(balance.left, balance.held, balance.debt, balance.used, balance.used_total) >= 0
    assert min(balance.turns, balance.drawn, balance.expired, balance.clawed, balance.forgiven) >= 0
    assert balance.lapses_at == min((one.lapses_at for one in balance.open.values()), default=FOREVER)
    assert balance.period_start_at < balance.period_end_at
    assert balance.available == balance.left - balance.held - balance.debt
    assert [entry.seq for entry in entries] == list(range(1, balance.seq + 1))
    assert all(later.balance_after == one.balance_after + later.amount for one, later in pairwise(entries))
    figures = folded(entries)
    assert figures == {name: getattr(balance, name) for name in figures if name != "lots"} | {
        "lots": {lot.id: lot.left for lot in balance.lots if lot.left}
    }, "the journal rebuilds the balance"
    chain = CHAIN_START
    for entry in entries:
        chain = seal(chain, entry).hash
    assert chain == balance.chain


def folded(entries: list[Entry]) -> dict[str, Any]:
    """Return the figures of an account as its journal tells them: the simplest fold that can be written."""
    lots: dict[int, int] = {}
    sums = dict.fromkeys(("granted", "drawn", "expired", "clawed", "charged", "forgiven", "used", "turns"), 0)
    sums["used_total"] = sums["bought"] = debt = 0
    purchases = set()
    for entry in entries:
        given = sum(move[1] for move in entry.lots if move[1] > 0)
        taken = -sum(move[1] for move in entry.lots if move[1] < 0)
        for lot, change, *terms in entry.lots:
            lots[lot] = lots.get(lot, 0) + change
            if terms and terms[0] == "purchase":
                sums["bought"] += change
                purchases.add(entry.operation)
        if entry.kind == "claw_back" and entry.operation in purchases:
            sums["bought"] -= entry.facts["asked"]
        owed = given - taken - entry.amount
        debt += owed
        assert debt >= 0
        assert entry.balance_after == sum(lots.values()) - debt
        sums["granted"] += given
        total = {"charge": "drawn", "repay": "drawn", "expire": "expired"}.get(entry.kind, "clawed")
        sums[total] += taken
        if entry.kind == "forgive":
            sums["forgiven"] -= owed
        elif entry.kind != "repay":
            sums["charged"] += owed + (taken if entry.kind == "charge" else 0)
        sums["used"] = 0 if entry.kind == "period" else max(sums["used"] + entry.charge, 0)
        sums["used_total"] += entry.charge
        if entry.kind in {"charge", "use"}:
            sums["turns"] += (entry.facts or {}).get("turns", 1) if (entry.facts or {}).get("part", 1) else 0
    return {**sums, "left": sum(lots.values()), "debt": debt, "lots": {k: v for k, v in lots.items() if v}}
