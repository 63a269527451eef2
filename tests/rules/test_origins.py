"""Origins: every source that a lot may have is free, bought or a bonus."""

import pytest

from tokenhouse.flow.fund import SOURCES
from tokenhouse.rules.origins import ORIGINS, origin


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("signup", "free"),
        ("allowance", "free"),
        ("rollover", "free"),
        ("purchase", "bought"),
        ("bonus", "bonus"),
        ("coupon", "bonus"),
        ("refund", "bonus"),
        ("adjustment", "bonus"),
    ],
)
def test_a_source_has_an_origin(source: str, told: str):
    assert origin(source) == told


def test_every_source_that_credit_is_given_from_has_one_of_the_three():
    assert {origin(source) for source in SOURCES} <= set(ORIGINS)
