"""Quotes: the most that a request can cost, and the least that it must be able to pay."""

from decimal import Decimal

import pytest

from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.quotes import OUTPUT_LEAST, quote, tariff_of
from tokenhouse.rules.rates import RateTable, parse_rate
from tokenhouse.rules.usage import Usage

AT = 1_795_230_000_000_000
RATES = RateTable(
    [
        parse_rate({"model": "small", "input": 2, "output": 10, "per": 1}),
        parse_rate({"model": "gift", "input": 0, "output": 0}),
    ]
)
ASKED = Usage(input=100, output=1_000)


def quoted(model="small", *, asked=ASKED, expected=None, **terms):
    plan = parse_plan({"name": "p", "rate": {"by": "rates"}, **terms})
    price = tariff_of(plan, RATES, model, AT)
    return quote(plan, price, model, asked, expected) if price else None


def test_the_worst_case_is_the_input_and_all_of_the_output_that_was_asked_for():
    found = quoted()
    assert (found.amount, found.tokens, found.input_charge, found.model) == (10_200, 1_100, 200, "small")


def test_a_capped_call_needs_its_input_and_a_few_tokens_of_answer():
    assert quoted().least == 200 + OUTPUT_LEAST * 10


def test_a_call_that_may_not_be_capped_needs_it_all():
    assert quoted(reserve={"cap_output": False}).least == 10_200
    assert quoted(asked=Usage(input=100, output=OUTPUT_LEAST)).least == 200 + OUTPUT_LEAST * 10


def test_expected_usage_is_set_aside_where_the_plan_says_so():
    expected = Usage(input=100, output=50)
    assert quoted(expected=expected).amount == 10_200
    assert quoted(expected=expected, reserve={"how": "expected"}).amount == 700


def test_a_plan_that_sets_nothing_aside_still_asks_for_one_unit_of_credit():
    found = quoted(reserve={"how": "none"})
    assert (found.amount, found.least) == (0, 1)


@pytest.mark.row("E3")
@pytest.mark.parametrize("how", ["worst-case", "expected", "none"])
def test_a_free_model_asks_for_nothing(how):
    found = quoted("gift", reserve={"how": how})
    assert (found.amount, found.least) == (0, 0)


@pytest.mark.row("E4")
def test_a_model_without_a_price_has_the_plan_s_default_or_none():
    assert quoted("unheard-of") is None
    terms = {
        "models": {"unknown": "default-rate"},
        "rate": {"by": "rates", "default": {"input": 1, "output": 1}},
    }
    assert quoted("unheard-of", **terms).amount == 1


def test_a_plan_of_tokens_prices_every_model_alike():
    plan = parse_plan({"name": "p", "rate": {"multiplier": Decimal(2)}})
    price = tariff_of(plan, RATES, "anything", AT)
    assert quote(plan, price, "anything", ASKED).amount == 2_200
