"""Costs: the provider's price of what was used, without what a plan makes of it."""

from decimal import Decimal
from fractions import Fraction

import pytest

from tokenhouse.rules.amounts import DOLLAR, POINT, Unit
from tokenhouse.rules.costs import cost, share
from tokenhouse.rules.rates import Prices, Rate
from tokenhouse.rules.usage import Usage

USED = Usage(input=1_000_000, output=500_000)


@pytest.mark.row("B8", "C9")
def test_a_list_price_is_in_its_own_unit():
    prices = Prices(input=Decimal("2.5"), output=Decimal(10), per_request=Decimal("0.01"), unit="dollar")
    found = cost(Rate(model="m", prices=prices), USED, 3, POINT)
    assert (found.unit, found.amount) == (DOLLAR, 7_530_000_000)


def test_a_price_without_a_unit_is_in_the_deployment_s():
    found = cost(
        Rate(model="m", prices=Prices(input=Decimal(1), output=Decimal(3), per=1_000)), USED, 1, POINT
    )
    assert (found.unit, found.amount) == (POINT, 2_500)


def test_a_unit_that_is_not_ours_keeps_its_name():
    prices = Prices(input=Decimal(1), output=Decimal(0), unit="euro")
    assert cost(Rate(model="m", prices=prices), USED, 1, POINT).unit == Unit("euro", "", 9)


def test_parts_of_the_smallest_unit_are_added_before_they_are_rounded():
    prices = Prices(input=Decimal(1), output=Decimal(1), per=3)
    found = cost(Rate(model="m", prices=prices), Usage(input=1), 1, POINT)
    assert (found.exact, found.amount) == (Fraction(1, 3), 0)
    assert cost(Rate(model="m", prices=prices), Usage(input=2), 1, POINT).amount == 1


@pytest.mark.parametrize(("part", "whole", "found"), [(0, 0, None), (1, 3, "0.3333"), (2, 3, "0.6667")])
def test_a_share_has_four_decimals(part, whole, found):
    assert share(part, whole) == (None if found is None else Decimal(found))
