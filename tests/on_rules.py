"""Ledger scripts on the rules alone: no database, and every law checked after every command."""

from typing import Any

from tests.ledger import Ledger, check_laws
from tests.script import Command, Facts, Runner, done, ends_of, plan_document, standing, until, usage_of
from tokenhouse.flow.desk import OF_THE_VALUE
from tokenhouse.flow.report import BalanceView, view
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
    Refusal,
    Release,
    Reserve,
    Settle,
    Touch,
)
from tokenhouse.rules.periods import FOREVER, instant, moment
from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.quotes import tariff_of
from tokenhouse.rules.rates import RateTable
from tokenhouse.rules.usage import Usage
from tokenhouse.rules.verdict import payer_of


def named(account: str, label: str) -> str:
    """Return the id of the operation that a script calls `label` of an account."""
    return f"{account}/{label}"


class OnRules(Runner):
    """Scripts on the rules alone; the laws are checked after every command, or only by upkeep."""

    def __init__(self, *, checked: bool = True) -> None:
        super().__init__()
        self.checked = checked
        self.ledger = Ledger(now=instant(self.now))
        self.keys: dict[tuple[str, str], Operation] = {}
        self.orders: dict[tuple[str, str], dict[str, Any]] = {}

    def plan(self, _account: str, command: Command) -> Facts:
        document = plan_document(command)
        self.ledger.plans[document["name"]] = parse_plan(document, environment="development")
        return {}

    def account(self, account: str, command: Command) -> Facts:
        self.ledger.now = instant(self.now)
        own = {"yes": True, "no": False, "": None}[command.get("own")]
        plan, below, zone = command.get("plan", "plain"), command.get("below"), command.get("zone")
        self.ledger.open(account, plan, below=below, own=own, zone=zone)
        if command.get("grant"):
            self.do(account, Grant(id=named(account, "opening"), amount=command.number("grant")))
        return self.facts(account, Done(id="", amount=0))

    def reserve(self, account: str, command: Command) -> Facts:
        operation = Reserve(
            id=named(account, command.label),
            amount=command.amount,
            least=command.number("least", command.amount),
            tokens=command.number("tokens"),
            model=command.get("model"),
            key=command.get("api_key"),
            lapse_charge=command.number("lapse_charge"),
        )
        return self.keyed(account, operation)

    def price(self, account: str, command: Command) -> tuple[int, Usage | None]:
        """Return the charge that a command names, and its usage: given, or by the payer's plan."""
        if not command.get("usage"):
            return command.amount, None
        usage = usage_of(command)
        plan = payer_of(self.ledger.path(account)).plan
        tariff = tariff_of(plan, RateTable(), command.get("model"), self.ledger.now)
        assert tariff is not None
        return (command.amount if len(command.words) > 1 else tariff.charge(usage)), usage

    def settle(self, account: str, command: Command) -> Facts:
        charge, usage = self.price(account, command)
        tokens = usage.total if usage else 0
        return self.do(
            account, Settle(id=named(account, command.label), charge=charge, tokens=tokens, usage=usage)
        )

    def release(self, account: str, command: Command) -> Facts:
        return self.do(account, Release(id=named(account, command.label)))

    def charge(self, account: str, command: Command) -> Facts:
        charge, usage = self.price(account, command)
        tokens, model, key = usage.total if usage else 0, command.get("model"), command.get("api_key")
        operation = Charge(
            id=named(account, command.label), charge=charge, tokens=tokens, usage=usage, model=model, key=key
        )
        return self.keyed(account, operation)

    def grant(self, account: str, command: Command) -> Facts:
        ends = ends_of(command)
        operation = Grant(
            id=named(account, command.label),
            amount=command.amount,
            source=command.get("source", "bonus"),
            priority=command.number("priority"),
            expires_at=instant(ends) if ends else FOREVER,
        )
        return self.keyed(account, operation)

    def claw_back(self, account: str, command: Command) -> Facts:
        operation = ClawBack(
            id=named(account, command.label), grant=named(account, command.get("of")), amount=command.amount
        )
        return self.keyed(account, operation)

    def refund(self, account: str, command: Command) -> Facts:
        operation = Refund(
            id=named(account, command.label),
            charge_of=named(account, command.get("of")),
            amount=command.amount,
        )
        return self.keyed(account, operation)

    def adjust(self, account: str, command: Command) -> Facts:
        return self.keyed(account, Adjust(id=named(account, command.label), amount=command.amount))

    def amend(self, account: str, command: Command) -> Facts:
        state, plan = command.get("state") or None, command.get("plan") or None
        facts = self.keyed(account, Amend(id=named(account, command.label), state=state, plan=plan))
        return facts | ({"outcome": "ok"} if facts["outcome"] == "replay" else {})

    def order(self, account: str, command: Command) -> Facts:
        order = {"amount": command.amount, "state": "pending"}
        repeated = self.orders.setdefault((account, command.label), order) is not order
        return {"outcome": "replay" if repeated else "ok", **standing(self.seen(account))}

    def complete(self, account: str, command: Command) -> Facts:
        order = self.orders[account, command.label]
        if order["state"] == "failed":
            return {"outcome": "unknown", **standing(self.seen(account))}
        facts = self.do(
            account, Grant(id=named(account, command.label), amount=order["amount"], source="purchase")
        )
        if facts["outcome"] == "ok":
            order["state"] = "completed"
        return facts

    def fail(self, account: str, command: Command) -> Facts:
        order = self.orders[account, command.label]
        if order["state"] in {"pending", "failed"}:
            order["state"] = "failed"
        outcome = "ok" if order["state"] == "failed" else "unknown"
        return {"outcome": outcome, **standing(self.seen(account))}

    def return_order(self, account: str, command: Command) -> Facts:
        order = self.orders[account, command.label]
        facts = self.do(
            account,
            ClawBack(
                id=named(account, command.label), grant=named(account, command.label), amount=order["amount"]
            ),
        )
        if facts["outcome"] == "ok":
            order["state"] = "refunded"
        return facts

    def upkeep(self, _account: str, _command: Command) -> Facts:
        self.ledger.now = now = instant(self.now)
        lapsed = [name for name, one in self.ledger.balances.items() if one.lapses_at <= now]
        for name in [*lapsed, *self.ledger.balances]:
            self.ledger.do(name, Touch(id=f"touch {name}"))
        check_laws(self.ledger)
        return {"lapsed": len(lapsed)}

    def show(self, account: str, _command: Command) -> Facts:
        return standing(self.seen(account))

    def keyed(self, account: str, operation: Operation) -> Facts:
        """Carry out an operation under its label as key: another payload under it is a mismatch."""
        first = self.keys.get((account, operation.id), operation)
        if first != operation:
            return {"outcome": "mismatch", **standing(self.seen(account))}
        facts = self.do(account, operation)
        if facts["outcome"] == "ok":
            self.keys[account, operation.id] = operation
        return facts

    def do(self, account: str, operation: Operation) -> Facts:
        """Carry out an operation, check the laws, and return its answer."""
        self.ledger.now = instant(self.now)
        outcome = self.ledger.do(account, operation)
        if isinstance(operation, Reserve | Charge) and self.neighbours_may_help(account, outcome):
            for name, one in self.ledger.balances.items():
                if (
                    self.ledger.above[name][-1] == self.ledger.above[account][-1]
                    and one.lapses_at <= self.ledger.now
                ):
                    self.ledger.do(name, Touch(id=f"touch {name}"))
            outcome = self.ledger.do(account, operation)
        if self.checked:
            check_laws(self.ledger)
        return self.facts(account, outcome)

    def neighbours_may_help(self, account: str, no: Outcome) -> bool:
        """Whether a no may come of lapsed reservations that others hold; the house's upkeep asks the same."""
        if not isinstance(no, Refusal) or no.code not in {"insufficient_credit", "limit_reached"}:
            return False
        own = sum(one.amount for one in self.ledger.balances[account].open.values())
        held = payer_of(self.ledger.path(account)).balance.held
        return held > own and not no.limit.startswith("requests/")

    def seen(self, account: str) -> BalanceView:
        """Return where an account stands."""
        self.ledger.now = instant(self.now)
        return view(account, self.ledger.seen(account))

    def facts(self, account: str, outcome: Outcome) -> Facts:
        """Return an answer in a script's words."""
        facts = standing(self.seen(account))
        if isinstance(outcome, Done):
            return facts | done(outcome)
        if isinstance(outcome, Refusal):
            names = {balance.account: name for name, balance in self.ledger.balances.items()}
            no = {"outcome": f"refused {outcome.code}", "short": outcome.short_by}
            if outcome.code in OF_THE_VALUE:
                return facts | no
            lifts = until(None if outcome.resets_at >= FOREVER else moment(outcome.resets_at))
            by = names[outcome.account]
            return facts | no | {"limit": outcome.limit, "until": lifts, "by": by}
        return facts | {"outcome": type(outcome).__name__.lower()}
