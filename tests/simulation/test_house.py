"""The rules, and the real house with crashes between steps, against a house of plain dictionaries."""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.on_house import OnHouse
from tests.on_rules import OnRules
from tests.script import START
from tests.simulation.machine import HouseAgainstModel

RANDOM = "FAULT_ROUNDS" in os.environ
"""`make faults` looks where nobody has looked; a default run looks at the same scripts each time."""
CALM = {
    "derandomize": not RANDOM,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": False,
    "database": None,
}
UNSHRUNK = (Phase.explicit, Phase.generate)
"""On a real database shrinking takes minutes; the script that a failure prints is short enough."""


def drive(new_house, *, examples, steps, close=lambda: None, **more):
    """Let Hypothesis write scripts until it finds one on which house and model differ."""
    loop = asyncio.new_event_loop()

    class Machine(HouseAgainstModel):
        def new_house(self):
            return new_house(loop)

    Machine.loop = loop
    try:
        run_state_machine_as_test(
            Machine, settings=settings(max_examples=examples, stateful_step_count=steps, **CALM, **more)
        )
    finally:
        close()
        loop.close()


@pytest.mark.row("E1", "E2", "E3", "E5", "E8")
def test_rules_answer_as_the_model_predicts():
    drive(lambda _: OnRules(checked=False), examples=60, steps=30)


class OneHouse:
    """One real house for all examples of a test; each has accounts of its own."""

    def __init__(self, dsn, loop):
        self.dsn, self.loop, self.examples = dsn, loop, 0
        self.house = OnHouse(dsn, key_days=3_650)
        loop.run_until_complete(self.house.__aenter__())

    def next_example(self):
        """Return the house as a new example finds it: nobody there, and the clock at its start."""
        self.examples += 1
        self.house.prefix, self.house.ids = f"{self.examples}/", {}
        self.house.now = START
        return self.house

    def close(self):
        self.loop.run_until_complete(self.house.__aexit__())


def drive_house(dsn, **size):
    """Drive one real house through many examples."""
    houses = []

    def example(loop):
        houses.append(houses[0] if houses else OneHouse(dsn, loop))
        return houses[0].next_example()

    def close():
        houses[0].close()

    drive(example, close=close, phases=UNSHRUNK, **size)


@pytest.mark.row("E1", "E2", "E3", "E5", "E8")
def test_the_house_answers_as_the_model_predicts_through_crashes(database):
    drive_house(database, examples=8, steps=25)


@pytest.mark.slow
def test_the_house_answers_as_the_model_predicts_for_long(database):
    drive_house(database, examples=60, steps=60)
