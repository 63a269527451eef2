"""The rules, and the real house with crashes between steps, against a house of plain dictionaries."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.on_house import OnHouse
from tests.on_rules import OnRules
from tests.simulation.machine import HouseAgainstModel

CALM = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": False}


def drive(new_house, *, examples, steps):
    """Let Hypothesis write scripts until it finds one on which house and model differ."""
    loop = asyncio.new_event_loop()

    class Machine(HouseAgainstModel):
        def new_house(self):
            return new_house(loop)

    Machine.loop = loop
    try:
        run_state_machine_as_test(
            Machine, settings=settings(max_examples=examples, stateful_step_count=steps, **CALM)
        )
    finally:
        loop.close()


@pytest.mark.row("E1", "E2", "E3", "E5", "E8")
def test_rules_answer_as_the_model_predicts():
    drive(lambda _: OnRules(), examples=60, steps=40)
