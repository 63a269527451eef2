"""The rules against the model, a house of plain dictionaries, over long sequences of every operation.

The state machine in `tests/simulation/` looks for short scripts that surprise. Here calls come more often,
most settles find their reservation and most refunds their charge, and days pass in between.
"""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import strategies as draws
from tests.model import Model
from tests.on_rules import OnRules
from tests.script import Command, parse_command

RANDOM = "FAULT_ROUNDS" in os.environ
"""`make faults` looks where nobody has looked; a default run looks at the same sequences each time."""
NAMES = ("acme", "team", "ann", "bob")
ticks = draws.ticks.map(lambda tick: Command("tick", (tick,), {}))
steps_back = st.integers(1, 90).map(lambda minutes: Command("tick", (f"-{minutes}m",), {}))
upkeep = st.just(Command("upkeep", (), {}))
works = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.one_of(draws.writes, draws.writes, draws.writes, ticks, ticks, steps_back, upkeep),
    ),
    min_size=10,
    max_size=60,
)


class Twins:
    """Asks the rules and the model the same; where they differ, the failure is the script that shows it."""

    def __init__(self):
        self.model, self.rules = Model(), OnRules(checked=False)
        self.latest, self.script = self.model.now, []

    async def ask(self, command):
        """Return the outcome of a command, once both say the same of everything that both speak of."""
        self.script.append(str(command))
        predicted, found = await self.model.answer(command), await self.rules.answer(command)
        both = predicted.keys() & found.keys() - {"lapsed"}
        wrong = {name: (predicted[name], found[name]) for name in both if predicted[name] != found[name]}
        assert not wrong, f"(model, rules) differ: {wrong}\n" + "\n".join(self.script)
        self.latest = max(self.latest, self.model.now)
        return predicted.get("outcome")

    async def open(self, plans, own):
        """Open a company, a team, a user below it, and a user of its own in another zone."""
        for document in draws.PLANS:
            await self.ask(parse_command(f"plan {document}"))
        below = {"plan": plans[1], "below": "acme", "own": "yes" if own else "no"}
        await self.ask(Command("account", ("acme",), {"plan": plans[0]}))
        await self.ask(Command("account", ("team",), below))
        await self.ask(Command("account", ("ann",), {"plan": plans[3], "below": "team"}))
        await self.ask(Command("account", ("bob",), {"plan": plans[2], "zone": "America/New_York"}))

    async def work(self, work):
        """Carry out commands; after each all that can be seen of its account, at the end of everybody's."""
        aim = draws.Aim()
        for account, command in work:
            if command.verb in {"tick", "upkeep"}:
                await self.ask(command)
            elif "plan" not in command.options or self.model.now >= self.latest:
                name, aimed = aim.aimed(account, command)
                outcome = await self.ask(Command(aimed.verb, aimed.words, aimed.options, name))
                aim.remember(name, aimed, outcome)
            await self.ask(Command("show", (), {}, account))
        await self.ask(Command("upkeep", (), {}))
        for name in NAMES:
            await self.ask(Command("show", (), {}, name))


@pytest.mark.row("E1", "E2", "E3", "E5", "E8")
@settings(
    derandomize=not RANDOM,
    max_examples=150,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
@given(plans=st.tuples(*[st.sampled_from(draws.NAMES)] * 4), own=st.booleans(), work=works)
def test_rules_and_model_say_the_same_whatever_is_done_and_whenever(plans, own, work):
    async def both():
        twins = Twins()
        await twins.open(plans, own)
        await twins.work(work)

    asyncio.run(both())
