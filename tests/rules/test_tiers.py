"""Prices of long inputs: beyond so many tokens read, every token of the call costs another price."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.refusals import label, refused
from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.charges import Terms, tariff
from tokenhouse.rules.quotes import within
from tokenhouse.rules.rates import Above, Prices, Rate, parse_rate, rate_document, suspicious
from tokenhouse.rules.usage import KINDS, Usage

DOLLAR = Unit(name="dollar", symbol="$", decimals=9)
GEMINI = {
    "model": "gemini-2.5-pro",
    "unit": "dollar",
    "input": "1.25",
    "cached_input": "0.125",
    "output": 10,
    "above": [{"tokens": 200_000, "input": "2.5", "cached_input": "0.25", "output": 15}],
}

decimals = st.decimals(0, 1_000, places=4).map(abs)
kinds = st.fixed_dictionaries({"input": decimals, "output": decimals}, optional={"cached_input": decimals})
steps = st.lists(st.integers(1, 5_000), unique=True, max_size=4).map(sorted)
usages = st.builds(Usage, **dict.fromkeys(KINDS, st.integers(0, 3_000)))


@st.composite
def rates(draw):
    document = {"model": "m", **draw(kinds), "per": draw(st.sampled_from([1, 1_000, 1_000_000]))}
    named = st.dictionaries(st.sampled_from(["input", "output", "reasoning", "cached_input"]), decimals)
    below, document["above"] = parse_rate(document).prices, []
    for tokens in draw(steps):
        dearer = {kind: below.price(kind) + more for kind, more in draw(named).items()}
        below = msgspec.structs.replace(below, **dearer)
        document["above"].append({"tokens": tokens, **dearer})
    return parse_rate(document)


@pytest.mark.row("E4")
@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        pytest.param(Usage(200_000, output=1_000), 260_000_000, id="at the step the ordinary price holds"),
        pytest.param(Usage(200_001, output=1_000), 515_002_500, id="beyond it every token is dearer"),
        pytest.param(Usage(100_000, 100_001), 275_000_250, id="cached tokens count towards the step"),
        pytest.param(Usage(1, output=900_000), 9_000_001_250, id="output does not"),
    ],
)
def test_the_step_is_of_the_whole_input(usage, nano):
    assert tariff(parse_rate(GEMINI), DOLLAR).charge(usage) == nano


@given(rate=rates())
def test_tiers_read_back(rate):
    assert parse_rate(json.loads(json.dumps(rate_document(rate)))) == rate


@given(rate=rates(), usage=usages, multiplier=st.decimals(0, 3, places=2).map(abs))
def test_a_call_is_charged_as_its_tier_alone_would_be(rate, usage, multiplier):
    prices = rate.prices
    for tier in rate.prices.above:
        if usage.tokens_input > tier.tokens:
            prices = tier.prices
    alone = Rate(
        model="m",
        prices=Prices(
            **{name: getattr(prices, name) for name in prices.__struct_fields__ if name != "above"}
        ),
    )
    unit, terms = Unit(name="token", symbol="", decimals=0), Terms(multiplier, minimum=2)
    whole, plain = tariff(rate, unit, terms), tariff(alone, unit, terms)
    assert whole.charge(usage) == plain.charge(usage)
    assert whole.exact(usage) == plain.exact(usage)
    told = whole.explain(usage)
    assert told.lines == plain.explain(usage).lines
    assert told.above == max(
        (tier.tokens for tier in rate.prices.above if usage.tokens_input > tier.tokens), default=0
    )
    assert told.charge == plain.charge(usage)


@given(rate=rates(), usage=usages, held=st.integers(0, 10_000))
def test_what_is_held_pays_the_part_at_the_price_of_the_tier(rate, usage, held):
    price = tariff(rate, Unit(name="token", symbol="", decimals=0))
    part = within(price, usage, held)
    assert part.tokens_input == usage.tokens_input
    least = price.charge(
        Usage(
            **{kind: getattr(usage, kind) for kind in KINDS if "output" not in kind and kind != "reasoning"}
        )
    )
    assert price.charge(part) <= max(held, least)


def test_a_kind_that_a_tier_does_not_name_costs_what_it_costs_below():
    rate = parse_rate(
        {
            "model": "m",
            "input": 1,
            "output": 2,
            "above": [{"tokens": 5, "input": 3}, {"tokens": 9, "output": 7}],
        }
    )
    assert [(tier.tokens, tier.prices.input, tier.prices.output) for tier in rate.prices.above] == [
        (5, 3, 2),
        (9, 3, 7),
    ]


@pytest.mark.parametrize(
    ("above", "field", "reason"),
    [
        (5, "rate.above", "rate_tiers"),
        ([{"tokens": nth} for nth in range(1, 10)], "rate.above", "rate_tiers"),
        ([{"tokens": 5}, {"tokens": 5}], "rate.above[1].tokens", "rate_tiers"),
        ([{"tokens": 0}], "rate.above[0].tokens", "amount_out_of_range"),
        ([{"input": 1}], "rate.above[0].tokens", "field_missing"),
        ([{"tokens": 1, "per": 5}], "rate.above[0]", "field_unknown"),
        ([5], "rate.above[0]", "table_wanted"),
        ([{"tokens": 1, "input": -1}], "rate.above[0].input", "number_out_of_range"),
    ],
    ids=label,
)
def test_a_wrong_tier_is_refused_at_its_field(above, field, reason):
    document = {"model": "m", "input": 1, "output": 1, "above": above}
    assert refused(reason, parse_rate, document).facts["field"] == field


def test_an_absurd_tier_is_suspicious():
    sound = Prices(input=Decimal(1), output=Decimal(1), unit="dollar")
    absurd = Above(tokens=9, prices=Prices(input=Decimal(996_000), output=Decimal(1), unit="dollar"))
    assert suspicious(Rate(model="m", prices=sound)) is None
    caught = suspicious(
        Rate(model="m", prices=Prices(input=Decimal(1), output=Decimal(1), unit="dollar", above=(absurd,)))
    )
    assert caught.facts["field"] == "input"


def test_a_tier_that_falls_is_refused_for_a_bound_must_cost_at_least_what_it_bounds():
    falling = {"model": "m", "input": 10, "output": 1, "above": [{"tokens": 100, "input": 1}]}
    with pytest.raises(InvalidInput) as no:
        parse_rate(falling)
    assert (no.value.reason, no.value.facts["field"]) == ("rate_tier_falls", "rate.above[0].input")
