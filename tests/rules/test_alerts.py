"""Alerts: levels at their very figures, percentages for people, turns to go."""

import pytest

from tokenhouse.rules.alerts import LEVELS, estimated_turns, level, overdraft, used_percent
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.plans import parse_plan

CHAT = parse_plan({"name": "chat", "stop": {"block": "1.05"}})


def account(used, left, debt=0, **more):
    return Balance(account=1, plan="p", opened_at=0, used=used, left=left, debt=debt, **more)


@pytest.mark.row("B2", "B3")
@pytest.mark.parametrize(
    ("used", "left", "debt", "expected"),
    [
        (0, 100_000, 0, "normal"),
        (79_999, 20_001, 0, "normal"),
        (80_000, 20_000, 0, "buy"),
        (89_999, 10_001, 0, "buy"),
        (90_000, 10_000, 0, "warning"),
        (94_999, 5_001, 0, "warning"),
        (95_000, 5_000, 0, "critical"),
        (100_000, 0, 0, "critical"),
        (104_999, 0, 4_999, "critical"),
        (105_000, 0, 5_000, "blocked"),
        (0, 1, 0, "normal"),
        (0, 0, 0, "blocked"),
        (5, 0, 9, "blocked"),
    ],
)
def test_a_level_is_reached_at_its_figure(used, left, debt, expected):
    assert level(account(used, left, debt), CHAT) == expected
    assert expected in LEVELS


@pytest.mark.parametrize(
    ("used", "left", "debt", "percent"),
    [
        (0, 7, 0, 0.0),
        (0, 1, 0, 0.0),
        (1, 2, 0, 33.33),
        (2, 1, 0, 66.67),
        (1, 0, 0, 100.0),
        (105, 0, 5, 105.0),
        (0, 0, 0, 100.0),
    ],
)
def test_used_percent_is_rounded_to_hundredths(used, left, debt, percent):
    assert used_percent(account(used, left, debt)) == percent


def test_percent_is_exact_at_the_largest_amounts():
    assert used_percent(account(2**62, 2**62)) == 50.0


@pytest.mark.parametrize(("block", "amount"), [("1.00", 0), ("1.05", 5), ("0.90", -10), ("2", 100)])
def test_the_overdraft_is_a_share_of_the_capacity(block, amount):
    plan = parse_plan({"name": "p", "stop": {"buy": 0, "warn": 0, "critical": 0, "block": block}})
    assert overdraft(account(40, 60), plan) == amount
    assert overdraft(account(0, 0, 7), plan) == 0


@pytest.mark.parametrize(
    ("turns", "used", "free", "left"),
    [
        (0, 0, 50, None),
        (3, 0, 50, None),
        (0, 10, 50, None),  # a reservation that lapsed was charged for, and is no turn
        (1, 10, 50, 5),
        (3, 10, 49, 14),
        (3, 3, 0, 0),
        (3, 10, -5, 0),
    ],
)
def test_turns_to_go_by_the_mean_so_far(turns, used, free, left):
    assert estimated_turns(account(used, 0, turns=turns, used_total=used), free) == left
