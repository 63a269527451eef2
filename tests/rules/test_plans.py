"""Plans: what a document may say, and the one clear refusal of each that says something else."""

import tomllib
from decimal import Decimal

import pytest

from tests.rules.refusals import refused
from tokenhouse.rules.plans import overlaid, parse_plan


def document(text):
    return tomllib.loads(f'name = "free"\n{text}', parse_float=Decimal)


def test_the_plan_of_the_design_is_read_as_it_stands_there():
    plan = parse_plan(
        document(
            """
            signup = { amount = 0 }
            spend = { order = ["purchase", "bonus", "allowance"] }
            stop = { warn = 0.90, critical = 0.95, block = 1.05, status = 402, debt = "forgive" }
            reserve = { how = "worst-case", cap_output = true, lapse_after = "15m" }
            models = { allow = ["gpt-*", "claude-4"], unknown = "refuse" }
            rate = { multiplier = 2.5, minimum = 1, discount = 0.1 }
            [[allowance]]
            amount = 100_000
            every = "month"
            time_zone = "Asia/Seoul"
            rollover = 0.5
            [[limit]]
            what = "requests"
            amount = 10
            every = "minute"
            per = "key"
            """
        )
    )
    assert (plan.buy, plan.warn, plan.critical, plan.block) == (8_000, 9_000, 9_500, 10_500)
    assert plan.lapse_after == 15 * 60 * 1_000_000
    assert plan.spend_rank == {"purchase": 0, "bonus": 1, "allowance": 2}
    assert plan.limit[0].name == "requests/minute/key"
    assert plan.multiplier == Decimal("2.5") * Decimal("0.9")
    assert [plan.allows(model) for model in ("gpt-5", "claude-4", "claude-45", "gpt", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("rollover", "left", "carried"),
    [(0, 50, 0), (30, 50, 30), (30, 20, 20), (Decimal("0.5"), 51, 25), (Decimal("1.0"), 51, 51)],
)
def test_a_whole_number_caps_what_is_carried_and_a_decimal_is_its_share(rollover, left, carried):
    plan = parse_plan(
        {"name": "free", "allowance": [{"amount": 100, "every": "month", "rollover": rollover}]}
    )
    assert plan.allowance[0].carried(left) == carried


@pytest.mark.row("C6")
def test_the_part_for_an_environment_is_laid_over_the_plan():
    text = """
    stop = { warn = 0.8, block = 1.0 }
    [environment.production]
    stop = { warn = 0.9 }
    """
    development, production = (
        parse_plan(document(text), environment=one) for one in ("development", "production")
    )
    assert [(one.warn, one.block) for one in (development, production)] == [(8_000, 10_000), (9_000, 10_000)]
    assert "environment" not in overlaid(document(text), "production")


REFUSED = {
    "two names": ('name2 = "x"', "plan_invalid"),
    "no number": ('allowance = [{ amount = "lots" }]', "plan_invalid"),
    "unknown period": ('allowance = [{ amount = 5, every = "fortnight" }]', "plan_invalid"),
    "unknown table": ("shoes = { size = 44 }", "plan_invalid"),
    "unknown key": ("stop = { wran = 0.9 }", "plan_invalid"),
    "unknown status": ("stop = { status = 500 }", "plan_invalid"),
    "unknown zone": ('allowance = [{ amount = 5, time_zone = "Mars/Olympus" }]', "zone_unknown"),
    "nothing allowed": ("allowance = [{ amount = 0 }]", "amount_out_of_range"),
    "too much": ("signup = { amount = 9223372036854775808 }", "amount_out_of_range"),
    "less than nothing": ("signup = { amount = -1 }", "amount_out_of_range"),
    "levels fall": ("stop = { warn = 0.9, critical = 0.8 }", "plan_stops"),
    "blocks at once": ("stop = { buy = 0, warn = 0, critical = 0, block = 0 }", "plan_stops"),
    "too fine a share": ("stop = { block = 1.00001 }", "share_invalid"),
    "no share": ("stop = { block = nan }", "share_invalid"),
    "endless discount": ("rate = { discount = inf }", "number_unreadable"),
    "discount above all": ("rate = { discount = 1.5 }", "number_out_of_range"),
    "negative multiplier": ("rate = { multiplier = -2 }", "number_out_of_range"),
    "rolls over too much": ("allowance = [{ amount = 5, rollover = 1.5 }]", "rollover_invalid"),
    "rolls over less": ("allowance = [{ amount = 5, rollover = -1 }]", "rollover_invalid"),
    "rolls over nan": ("allowance = [{ amount = 5, rollover = nan }]", "rollover_invalid"),
    "rolls by the minute": (
        'allowance = [{ amount = 5, every = "minute", rollover = 3 }]',
        "rollover_too_short",
    ),
    "the same allowance twice": ("allowance = [{ amount = 5 }, { amount = 6 }]", "plan_allowance_twice"),
    "the same limit twice": (
        2 * '[[limit]]\nwhat = "tokens"\namount = 1\nevery = "day"\n',
        "plan_limit_twice",
    ),
    "lapses never": ('reserve = { lapse_after = "soon" }', "duration_unreadable"),
    "no default": ('models = { unknown = "default-rate" }\nrate = { by = "rates" }', "plan_default_rate"),
    "half a default": ("rate = { default = { input = 1 } }", "field_missing"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_no_plan_says_is_refused_by_name(text, reason):
    refused(reason, parse_plan, document(text))


@pytest.mark.parametrize("name", ["", "Free", "a" * 64, "-a", "free plan", "자유"])
def test_a_plan_s_name_is_short_and_plain(name):
    refused("plan_name", parse_plan, {"name": name})


def test_an_environment_is_a_table():
    refused("table_wanted", parse_plan, {"name": "free", "environment": "production"})


def test_allowances_that_roll_over_have_priorities_of_their_own():
    """What is left of one cannot be told from what is left of another, where they end at the same instant."""
    both = '[[allowance]]\namount = 100\nrollover = 50\n[[allowance]]\namount = 5\nevery = "day"\n'
    refused("plan_rollover_shared", parse_plan, document(both))
    assert len(parse_plan(document(both + "priority = 1")).allowance) == 2


def test_a_plan_that_names_no_model_allows_every_one():
    assert parse_plan(document("")).allows("any")
    picky = parse_plan(document('models = { allow = ["small", "big-*"] }'))
    assert [picky.allows(model) for model in ("small", "smaller", "big-", "big-2", "big")] == [
        True,
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("nothing", [None, [], "free", 5])
def test_what_is_no_table_is_no_plan(nothing):
    refused("table_wanted", parse_plan, nothing)
