"""A Hypothesis state machine that writes ledger scripts and holds the model's answers against a house's."""

import asyncio
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests import strategies as draws
from tests.model import Model
from tests.script import Command, Runner, parse_command

ACCOUNTS = ("acme", "team", "ann", "bob")
accounts = st.sampled_from(ACCOUNTS)


class HouseAgainstModel(RuleBasedStateMachine):
    """Drive a house and the model with the same commands; every answer must be the same."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    house: Runner
    compared_always = frozenset(("outcome", "available", "held", "debt", "used", "charged", "level", "ends"))

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.house = self.new_house()
        self.script: list[str] = []
        self.differed = False
        self.latest = self.model.now
        self.aim = draws.Aim()
        self.orders: set[tuple[str, str]] = set()

    def new_house(self) -> Runner:
        """Return the house of one example."""
        raise NotImplementedError

    def step(self, command: Command) -> str:
        """Carry out a command on both, compare, and return the outcome."""
        self.script.append(str(command))
        predicted = self.loop.run_until_complete(self.model.answer(command))
        found = self.loop.run_until_complete(self.house.answer(command))
        if len(self.script) > 1 and self.script[-2].startswith("cut ") and predicted.get("outcome") == "ok":
            found |= {"outcome": "ok"} if found["outcome"] == "replay" else {}
        self.compare(predicted, found)
        return str(predicted.get("outcome"))

    def compare(self, predicted: dict[str, Any], found: dict[str, Any]) -> None:
        """Assert that model and house say the same of everything that both speak of."""
        both = predicted.keys() & found.keys() - {"lapsed"}
        wrong = {
            name: (predicted[name], found[name]) for name in sorted(both) if predicted[name] != found[name]
        }
        claims = " ".join(f"{name} {predicted[name]}" for name in sorted(both - {"outcome"}))
        script = "\n".join(self.script)
        self.differed = bool(wrong)
        assert not wrong, (
            f"model and house differ (predicted, found): {wrong}\nThe script that shows it:\n\n"
            f"{script} -> {predicted.get('outcome', '')} {claims}\n"
        )
        assert not found or found.keys() == {"lapsed"} or self.compared_always - {"outcome"} <= both

    @initialize(plans=st.tuples(*[st.sampled_from(draws.NAMES)] * 3), own=st.booleans(), deep=st.booleans())
    def open_accounts(self, plans: tuple[str, ...], own: bool, deep: bool) -> None:
        """Open a company, a team, a user below it, and a user of its own; on plans of any kind."""
        for document in draws.PLANS:
            self.step(parse_command(f"plan {document}"))
        zone = {"zone": "Asia/Seoul"} if deep else {}
        self.step(Command("account", ("acme",), {"plan": plans[0]}))
        self.step(
            Command("account", ("team",), {"plan": plans[1], "below": "acme", "own": "yes" if own else "no"})
        )
        below = "team" if deep else "acme"
        self.step(Command("account", ("ann",), {"plan": "limited" if own else "plain", "below": below}))
        self.step(Command("account", ("bob",), {"plan": plans[2], **zone}))

    @rule(account=accounts, command=draws.reserves())
    def reserve(self, account: str, command: Command) -> None:
        self.on(account, command)

    @rule(account=accounts, command=draws.settles())
    def settle(self, account: str, command: Command) -> None:
        self.on(account, command)

    @rule(account=accounts, command=draws.releases)
    def release(self, account: str, command: Command) -> None:
        self.on(account, command)

    @rule(account=accounts, command=draws.charges())
    def charge(self, account: str, command: Command) -> None:
        self.on(account, command)

    @rule(account=accounts, calls=st.lists(draws.calls, min_size=2, max_size=5))
    def work(self, account: str, calls: list[Command]) -> None:
        """Call after call of one account, as most of a house's life is: reserved, settled, reserved."""
        for command in calls:
            self.on(account, command)

    @rule(account=accounts, command=st.one_of(draws.refunds, draws.claw_backs, draws.adjusts))
    def correct(self, account: str, command: Command) -> None:
        self.on(account, command)

    @rule(account=accounts, label=draws.labels("g", 2), amount=st.integers(1, 300), source=draws.sources,
          priority=st.integers(0, 2), days=st.integers(0, 40))  # fmt: skip
    def grant(self, account: str, label: str, amount: int, source: str, priority: int, days: int) -> None:
        ends = {"ends": f"{self.model.now + timedelta(days=days):%Y-%m-%dT%H:%M:%S}"} if days else {}
        given = {"source": source, **({"priority": str(priority)} if priority else {}), **ends}
        self.on(account, Command("grant", (label, str(amount)), given))

    @precondition(lambda self: self.model.now >= self.latest)
    @rule(account=accounts, command=draws.plan_changes)
    def change_plan(self, account: str, command: Command) -> None:
        self.on(account, command)

    @rule(account=accounts, command=draws.state_changes)
    def change_state(self, account: str, command: Command) -> None:
        self.on(account, command)

    @rule(account=accounts, label=draws.labels("o", 3))
    def order(self, account: str, label: str) -> None:
        self.orders.add((account, label))
        self.on(account, Command("order", (label, "50"), {}))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), verb=st.sampled_from(["complete", "complete", "fail", "return_order"]))
    def end_order(self, data: st.DataObject, verb: str) -> None:
        account, label = data.draw(st.sampled_from(sorted(self.orders)))
        self.on(account, Command(verb, (label,), {}))

    @rule(tick=draws.ticks)
    def wait(self, tick: str) -> None:
        self.step(Command("tick", (tick,), {}))
        self.latest = max(self.latest, self.model.now)
        self.look()

    @rule(minutes=st.integers(1, 90))
    def step_back(self, minutes: int) -> None:
        self.step(Command("tick", (f"-{minutes}m",), {}))

    @rule(month=st.sampled_from(["2027-02-28", "2027-03-14", "2027-11-07", "2028-02-29", "2026-12-31"]),
          hour=st.integers(0, 23))  # fmt: skip
    def wait_until(self, month: str, hour: int) -> None:
        command = Command("at", (month, f"{hour:02d}:59"), {})
        if f"{self.latest:%Y-%m-%d}" < month:
            self.step(command)
            self.latest = self.model.now
            self.look()

    @rule()
    def upkeep(self) -> None:
        self.step(Command("upkeep", (), {}))
        self.look()

    @rule()
    def crash(self) -> None:
        self.step(Command("crash", (), {}))
        self.look()

    @rule(milliseconds=st.integers(0, 9), account=accounts, command=draws.interruptible)
    def cut_short(self, milliseconds: int, account: str, command: Command) -> None:
        """Crash in the middle of a write, and repeat it: it counts once, whether it had been done or not."""
        self.step(Command("cut", (str(milliseconds),), {}))
        self.on(account, command)

    def on(self, account: str, command: Command) -> None:
        """Carry out a command in the name of an account."""
        account, command = self.aim.aimed(account, command)
        outcome = self.step(Command(command.verb, command.words, command.options, account))
        self.aim.remember(account, command, outcome)

    def look(self) -> None:
        """Compare where everybody stands."""
        for account in ACCOUNTS:
            self.on(account, Command("show", (), {}))

    def teardown(self) -> None:
        """Let upkeep settle what is due, and look at everybody once more."""
        if not self.differed:
            self.upkeep()
