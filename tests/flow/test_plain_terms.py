"""What a plan says in sentences: everything that stands in it, in both languages."""

import tomllib
from decimal import Decimal

import pytest

from tokenhouse.flow.plain_terms import TOPICS, plain_terms
from tokenhouse.flow.terms import PRESETS, preset
from tokenhouse.rules.plans import parse_plan

RICH = """
name = "rich"
unit = { name = "dollar", symbol = "$", decimals = 9 }
spend = { order = ["purchase", "gift-card", "allowance"] }
signup = { amount = 1_500_000_000 }
models = { allow = ["gpt-*", "claude-4"], unknown = "default-rate" }
credit = { maximum = 90_000_000_000 }
notify = { levels = [0.5, 0.9], channels = ["email"] }
[[allowance]]
amount = 5_000_000_000
every = "week"
anchor = "anniversary"
rollover = 0.25
[[limit]]
what = "requests"
amount = 6_000
every = "minute"
per = "key"
[[limit]]
what = "credit"
amount = 1_000_000_000
every = "day"
[stop]
block = 1.05
debt = "forgive"
[reserve]
how = "expected"
on_lapse = "charge-input"
[call]
on_disconnect = "drain"
stop_stream = true
[rate]
by = "rates"
multiplier = 1.2
discount = 0.25
default = { input = 1, output = 2 }
"""
WEEKLY = (
    "$5.00 every week, counted from the day on which the account was opened. "
    "25 % of what is left is carried over."
)
STOPS = (
    "More is offered from 80 % used, a warning comes from 90 %, an urgent one from 95 %. "
    "Calls are refused from 105 %."
)


def texts(document: dict, locale: str = "en") -> list[str]:
    return [one.text for one in plain_terms(parse_plan(document), locale)]


@pytest.mark.row("E4")
def test_every_term_of_a_rich_plan_is_said():
    said = texts(tomllib.loads(RICH, parse_float=Decimal))
    for sentence in (
        "$1.50 once, when an account is opened.",
        WEEKLY,
        "An account holds $90.00 at most.",
        "Spent first: bought credit, then gift-card, then the free allowance.",
        "A call costs what the rates say, times 0.9.",
        "A discount of 25 % is in it.",
        STOPS,
        "What a last call costs beyond the credit is written off.",
        "6,000 requests every minute for each key at most.",
        "$1.00 every day for each account at most.",
        "Only these models may be called: gpt-*, claude-4.",
        "A model without a rate costs the plan's own default.",
        "A stream is stopped when the credit is used up.",
        "A call that never reports its end is given up after 15m, and costs its input.",
        "People are told at 50 %, 90 % used.",
        "Also over: e-mail.",
    ):
        assert sentence in said


@pytest.mark.parametrize("name", PRESETS)
def test_presets_speak_both_languages_in_the_same_order(name):
    plan = parse_plan(preset(name))
    english, korean = plain_terms(plan, "en"), plain_terms(plan, "ko")
    assert [one.topic for one in english] == [one.topic for one in korean]
    assert {one.topic for one in english} <= set(TOPICS)
    assert not {one.text for one in english} & {one.text for one in korean}


def test_a_price_is_said_with_the_word_that_people_use_for_the_unit():
    points = parse_plan(preset("points"))
    assert "A token costs 2 points." in [one.text for one in plain_terms(points, "en")]
    assert "토큰 하나에 2 포인트입니다." in [one.text for one in plain_terms(points, "ko")]


def test_what_nothing_says_is_said_as_well():
    said = texts({"name": "bare", "notify": {"levels": []}, "rate": {"minimum": 0}})
    assert "Nothing is given: credit is bought or granted." in said
    assert "People are not told how much is used." in said
    assert "A token costs 1 token." in said
    assert not any("at least" in one for one in said)


def test_credit_that_is_carried_over_up_to_a_figure_and_notices_that_stay_in_the_house():
    allowance = {"amount": 100, "every": "month", "rollover": 30}
    said = texts({"name": "plain", "allowance": [allowance], "notify": {"channels": []}})
    assert any("Up to 30 tokens of what is left are carried over." in one for one in said)
    assert "People are told at 90 %, 95 %, 100 % used." in said
    assert not any("Also over" in one for one in said)
