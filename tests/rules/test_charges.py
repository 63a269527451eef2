"""Charges: exact fractions rounded once, up; the laws of charging, and what a charge says about itself."""

from decimal import Decimal
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.rules.refusals import refused
from tests.rules.test_rates import decimals, prices
from tokenhouse.rules.amounts import AMOUNT_MAX, DOLLAR, POINT, TOKEN, show
from tokenhouse.rules.charges import PLAIN, REQUEST, Terms, exact_text, tariff
from tokenhouse.rules.rates import FLAT, Prices, Rate, parse_rate
from tokenhouse.rules.usage import KINDS, NOTHING, Usage

POINTS = Terms(multiplier=Decimal(2), minimum=1)

small = st.integers(0, 10_000_000)
usages = st.builds(Usage, **dict.fromkeys(KINDS, small))
terms = st.builds(
    Terms,
    multiplier=st.decimals(0, 100, places=4).map(abs) | st.fractions(0, 100, max_denominator=1_000),
    discount=st.decimals(0, 1, places=4).map(abs) | st.fractions(0, 1, max_denominator=1_000),
    minimum=st.integers(0, 1_000),
)
units = {None: POINT, "token": TOKEN, "point": POINT, "dollar": DOLLAR}


@st.composite
def tariffs(draw):
    rate = Rate(model="*", prices=draw(prices))
    return tariff(rate, units[rate.prices.unit], draw(terms))


def priced(**document):
    return parse_rate({"model": "m", "input": 0, "output": 0, **document})


@pytest.mark.parametrize(
    ("rate", "unit", "terms", "usage", "charge"),
    [
        pytest.param(
            FLAT, TOKEN, PLAIN, Usage(11, 1, 2, 3, 4, 5, 6, 7), 39, id="a token of any kind is one unit"
        ),
        pytest.param(FLAT, POINT, POINTS, Usage(16, output=20), 72, id="36 tokens are 72 points"),
        pytest.param(FLAT, POINT, Terms(Decimal("0.3"), minimum=1), Usage(1), 1, id="0.3 points are 1 point"),
        pytest.param(FLAT, POINT, POINTS, NOTHING, 0, id="no usage costs nothing, minimum or not"),
        pytest.param(FLAT, POINT, Terms(Decimal(2), minimum=100), Usage(1), 100, id="the minimum"),
        pytest.param(
            FLAT, POINT, Terms(Decimal(2), Decimal(1), 5), Usage(9), 0, id="a full discount is free"
        ),
        pytest.param(
            FLAT, POINT, Terms(Decimal("1.5"), Decimal("0.1")), Usage(100), 135, id="multiplier, discount"
        ),
        pytest.param(FLAT, POINT, Terms(Fraction(1, 3)), Usage(10), 4, id="thirds are rounded up"),
        pytest.param(FLAT, POINT, Terms(Fraction(1, 3)), Usage(9), 3, id="and whole amounts are not"),
        pytest.param(priced(), POINT, POINTS, Usage(5), 0, id="a free model is free, minimum or not"),
        pytest.param(priced(output=1), POINT, POINTS, Usage(5), 0, id="so is a kind that costs nothing"),
        pytest.param(priced(per_request=3), POINT, POINTS, NOTHING, 6, id="a request may cost by itself"),
        pytest.param(priced(input="2.5", unit="dollar"), DOLLAR, PLAIN, Usage(1), 2_500, id="nano-dollars"),
        pytest.param(priced(input="0.0001", unit="dollar"), DOLLAR, PLAIN, Usage(1), 1, id="a tenth is one"),
        pytest.param(
            priced(input=10**15, per=1), TOKEN, PLAIN, Usage(10**12), AMOUNT_MAX, id="stops at the largest"
        ),
    ],
)
def test_what_is_charged(rate, unit, terms, usage, charge):
    assert tariff(rate, unit, terms).charge(usage) == charge


@given(tariff=tariffs(), usage=usages)
def test_a_charge_is_exact_arithmetic_rounded_up_once(tariff, usage):
    prices, terms = tariff.rate.prices, tariff.terms
    scale = 1 if prices.unit is None else 10**tariff.unit.decimals
    exact = sum(getattr(usage, kind) * Fraction(prices.price(kind)) / prices.per for kind in KINDS)
    exact = (
        (exact + Fraction(prices.per_request))
        * scale
        * Fraction(terms.multiplier)
        * (1 - Fraction(terms.discount))
    )
    assert tariff.exact(usage) == exact
    charge = tariff.charge(usage)
    assert type(charge) is int
    assert charge == (min(max(ceil(exact), terms.minimum), AMOUNT_MAX) if exact else 0)


@given(tariff=tariffs(), usage=usages, more=usages)
def test_more_usage_never_costs_less_and_splitting_never_pays(tariff, usage, more):
    both = tariff.charge(usage + more)
    assert both >= tariff.charge(usage)
    assert both <= tariff.charge(usage) + tariff.charge(more)


@given(tariff=tariffs(), usage=usages)
def test_a_charge_explains_itself(tariff, usage):
    told = tariff.explain(usage)
    products = [Fraction(line.product) for line in told.lines]
    for line, product in zip(told.lines, products, strict=True):
        scale = 1 if tariff.rate.prices.unit is None else 10**tariff.unit.decimals
        assert product == line.tokens * Fraction(line.price) * scale / line.per
    exact = sum(products) * Fraction(told.multiplier) * (1 - Fraction(told.discount))
    assert Fraction(told.exact) == exact == tariff.exact(usage)
    assert told.charge == tariff.charge(usage)
    kinds = [line.kind for line in told.lines]
    assert kinds == [k for k in KINDS if getattr(usage, k)] + [REQUEST] * bool(tariff.rate.prices.per_request)


def test_an_explanation_reads_as_tokens_times_rate_times_multiplier():
    rate = parse_rate(
        {
            "model": "gpt-4o*",
            "version": 7,
            "input": "2.5",
            "output": 10,
            "per_request": "0.001",
            "unit": "dollar",
        }
    )
    told = tariff(rate, DOLLAR, Terms(Decimal("1.1"), Decimal("0.05"), 1)).explain(Usage(1_000, output=3))
    assert [(line.kind, line.tokens, line.price, line.per, line.product) for line in told.lines] == [
        ("input", 1_000, "2.5", 1_000_000, "2500000"),
        ("output", 3, "10", 1_000_000, "30000"),
        ("request", 1, "0.001", 1, "1000000"),
    ]
    assert (told.multiplier, told.discount, told.exact, told.minimum) == ("1.1", "0.05", "3688850", 1)
    assert (told.charge, told.unit, told.model, told.version) == (3_688_850, "dollar", "gpt-4o*", 7)
    assert show(told.charge, DOLLAR) == "$0.00368885"


def test_a_tariff_is_made_once():
    assert tariff(FLAT, POINT, POINTS) is tariff(FLAT, POINT, Terms(multiplier=Decimal(2), minimum=1))


def test_prices_in_another_unit_than_the_deployment_s_are_refused():
    refused("rate_unit", tariff, priced(unit="dollar"), POINT)


@pytest.mark.parametrize(
    "terms",
    [
        Terms(multiplier=Decimal(-1)),
        Terms(discount=Decimal("-0.1")),
        Terms(discount=Decimal("1.1")),
        Terms(minimum=-1),
        Terms(minimum=2**63),
    ],
)
def test_terms_that_would_pay_the_caller_are_refused(terms):
    refused("terms_out_of_range", tariff, FLAT, POINT, terms)


def test_terms_go_up_to_the_largest_minimum_and_the_whole_discount():
    assert tariff(FLAT, POINT, Terms(minimum=AMOUNT_MAX)).charge(Usage(1)) == AMOUNT_MAX
    assert tariff(FLAT, POINT, Terms(discount=Decimal(1))).charge(Usage(1)) == 0
    refused("terms_out_of_range", tariff, FLAT, POINT, Terms(minimum=AMOUNT_MAX + 1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(3), "3"),
        (Fraction(1447, 10), "144.7"),
        (Fraction(-1, 8), "-0.125"),
        (Fraction(1, 20), "0.05"),
        (Fraction(1, 3), "1/3"),
        (Fraction(-7, 6), "-7/6"),
    ],
)
def test_a_fraction_is_written_without_loss(value, text):
    assert exact_text(value) == text
    assert Fraction(text) == value


@given(value=st.fractions() | decimals.map(Fraction))
def test_any_fraction_is_written_without_loss(value):
    assert Fraction(exact_text(value)) == value


@given(usage=usages, factor=st.fractions(0, 3, max_denominator=100))
def test_one_rounding_never_charges_more_than_a_rounding_a_kind(usage, factor):
    assume(factor)
    apart = sum(ceil(getattr(usage, kind) * factor) for kind in KINDS)
    assert tariff(FLAT, TOKEN, Terms(factor)).charge(usage) <= apart


def test_a_price_keeps_every_digit_it_was_given():
    fine = Prices(input=Decimal("0.000000000000000000000001"), output=Decimal(0), per=1)
    assert tariff(Rate(model="*", prices=fine), TOKEN).exact(Usage(10**12)) == Fraction(1, 10**12)
