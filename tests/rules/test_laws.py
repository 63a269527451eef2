"""The laws of the design, over long sequences of every operation, on trees, plans and clocks of any kind."""

import asyncio
import os

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies as draws
from tests.ledger import check_laws
from tests.on_rules import OnRules
from tests.script import Command, parse_command
from tokenhouse.rules.operations import Charge, Done, Refusal, Release, Reserve, Settle, Unknown
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.verdict import headroom, payer_of

RANDOM = "FAULT_ROUNDS" in os.environ
"""`make faults` looks where nobody has looked; a default run looks at the same sequences each time."""
NAMES = ("root", "middle", "leaf", "alone")
ticks = draws.ticks.map(lambda tick: Command("tick", (tick,), {}))
steps_back = st.integers(1, 90).map(lambda minutes: Command("tick", (f"-{minutes}m",), {}))
steps = st.lists(
    st.tuples(st.sampled_from(NAMES), st.one_of(draws.writes, draws.writes, draws.writes, ticks, steps_back)),
    min_size=10,
    max_size=60,
)


class Judge(OnRules):
    """Carries commands out on the rules, and judges every answer by the laws.

    Purity is asked of every step by the ledger itself: inputs stay as they were; a no and a repeat write
    nothing.
    """

    def do(self, account, operation):
        facts = super().do(account, operation)
        outcome = self.outcome
        if isinstance(operation, Settle):
            assert not isinstance(outcome, Refusal), "a settle is never refused"
        if isinstance(outcome, Done) and not outcome.replayed:
            again = self.ledger.ask(account, operation)[2]
            assert again == msgspec.structs.replace(outcome, replayed=True), (
                "repeated, the first answer comes"
            )
        if isinstance(operation, Reserve | Charge):
            self.judge_call(account, operation, outcome)
        return facts

    def facts(self, account, outcome):
        self.outcome = outcome
        return super().facts(account, outcome)

    def judge_call(self, account, operation, outcome):
        """Never overspent; and a refusal says which law, by how much, and when it lifts."""
        if isinstance(outcome, Done):
            if outcome.amount and not outcome.replayed:
                assert headroom(payer_of(self.ledger.path(account))) >= 0, "never beyond the overdraft"
            return
        if not isinstance(outcome, Refusal) or outcome.code not in {"insufficient_credit", "limit_reached"}:
            return
        assert outcome.short_by > 0
        asked = operation.least if isinstance(operation, Reserve) else operation.charge
        if outcome.limit.startswith("tokens/"):
            less = {"amount": asked, "least": asked, "tokens": operation.tokens - outcome.short_by}
        else:
            rest = max(asked - outcome.short_by, 0) if not outcome.limit.startswith("requests/") else asked
            less = {"amount": rest, "least": rest, "tokens": operation.tokens}
        if not outcome.limit.startswith("requests/"):
            assert not self.same_no(outcome, self.try_call(account, operation, less)), "short_by is exact"
        if outcome.code == "limit_reached" and self.ledger.now < outcome.resets_at < FOREVER:
            whole = {"amount": asked, "least": asked, "tokens": operation.tokens}
            later = self.try_call(account, operation, whole, now=outcome.resets_at)
            assert not self.same_no(outcome, later), "a limit lifts when it says"

    def try_call(self, account, operation, terms, now=None):
        """Return what a reservation of these terms would be told, now or later."""
        before = self.ledger.now
        self.ledger.now = now or before
        asked = Reserve(id="try", model=operation.model, key=operation.key, **terms)
        outcome = self.ledger.ask(account, asked)[2]
        self.ledger.now = before
        return outcome

    def same_no(self, first, second):
        """Whether the same law of the same account says no again."""
        return isinstance(second, Refusal) and (first.code, first.limit, first.account) == (
            second.code,
            second.limit,
            second.account,
        )


async def carried_out(judge, documents, own, work):
    """Open a tree of three and one that is alone, and carry out the work."""
    for document in draws.PLANS:
        await judge.answer(parse_command(f"plan {document}"))
    for document in documents:
        judge.ledger.plans[document["name"]] = parse_plan(document)
    await judge.answer(Command("account", ("root",), {"plan": "first"}))
    middle = {"plan": "second", "below": "root", "own": "yes" if own else "no"}
    await judge.answer(Command("account", ("middle",), middle))
    await judge.answer(Command("account", ("leaf",), {"plan": "plain", "below": "middle"}))
    await judge.answer(Command("account", ("alone",), {"plan": "second", "zone": "America/New_York"}))
    aim = draws.Aim()
    for drawn in work:
        account, command = aim.aimed(*drawn)
        facts = await judge.answer(Command(command.verb, command.words, command.options, account))
        aim.remember(account, command, facts.get("outcome"))


@pytest.mark.row("E1", "E2", "E3", "E5", "E8")
@settings(derandomize=not RANDOM, max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=draws.plan_documents(name="first"),
    second=draws.plan_documents(name="second"),
    own=st.booleans(),
    work=steps,
)
def test_the_laws_hold_whatever_is_done_and_whenever(first, second, own, work):
    judge = Judge()
    asyncio.run(carried_out(judge, (first, second), own, work))
    check_laws(judge.ledger)
    for name in NAMES:
        judge.ledger.ask(name, Release(id="nobody's"))
        free = judge.ledger.ask(name, Reserve(id="free", amount=0, least=0))[2]
        asked_often = isinstance(free, Refusal) and free.limit.startswith("requests/")
        closed = isinstance(free, Refusal) and free.code == "account_closed"
        assert isinstance(free, Done) or asked_often or closed, "a call that costs nothing is always allowed"


def test_what_was_never_reserved_is_unknown_and_no_refusal():
    judge = Judge()
    judge.ledger.open("alone")
    assert judge.ledger.do("alone", Settle(id="r", charge=1)) == Unknown(id="r", what="reservation")
    assert judge.ledger.do("alone", Release(id="r")) == Unknown(id="r", what="reservation")
