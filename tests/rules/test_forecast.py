"""The forecast: when credit ends, how sure that is, and that it says the same of the same."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.rules.forecast import DAYS_AHEAD, Forecast, forecast

HISTORIES = st.lists(st.integers(0, 1_000_000), max_size=40)
LEFT = st.integers(1, 10**8)
EVEN = [700] * 28


def order(found: Forecast) -> list[float]:
    """Return early, point and late end; a day beyond all for never."""
    ends = (found.days_earliest, found.days, found.days_latest)
    return [DAYS_AHEAD + 1 if end is None else end for end in ends]


@pytest.mark.row("B8", "C9")
def test_even_use_ends_on_the_day_that_anybody_can_reckon():
    assert forecast(EVEN, 7_000) == Forecast(per_day=700, days=10, days_earliest=10, days_latest=10)


@pytest.mark.row("C9")
@pytest.mark.parametrize(
    ("history", "left", "found"),
    [
        ([], 100, (0, None, None, None)),
        ([0] * 28, 100, (0, None, None, None)),
        (EVEN, 0, (700, 0.0, 0.0, 0.0)),
        (EVEN, -5, (700, 0.0, 0.0, 0.0)),
        (EVEN, 700 * 1_000, (700, None, None, None)),
        ([-700] * 28, 100, (0, None, None, None)),
    ],
)
def test_what_needs_no_draw(history, left, found):
    names = ("per_day", "days", "days_earliest", "days_latest")
    assert tuple(getattr(forecast(history, left), name) for name in names) == found


def test_a_first_day_says_little_and_says_so():
    found = forecast([1_000], 10_000)
    assert found.days == 10
    assert found.days_earliest < 6
    assert found.days_latest > 16


@pytest.mark.row("B8")
def test_a_change_of_level_widens_the_range_to_both_sides():
    doubled = forecast([500] * 21 + [1_000] * 7, 20_000)
    assert doubled.days == 20
    assert doubled.days_earliest < 19
    assert doubled.days_latest > 26


def test_a_week_without_use_says_that_it_may_go_on_and_that_it_may_not():
    found = forecast([1_000] * 21 + [0] * 7, 10_000)
    assert (found.per_day, found.days, found.days_latest) == (0, None, None)
    assert 10 <= found.days_earliest < 40


def test_a_weekday_is_drawn_from_its_own_kind():
    weekends_off = [1_000, 1_000, 1_000, 1_000, 1_000, 0, 0] * 4
    assert forecast(weekends_off, 5_000).days_earliest == pytest.approx(5, abs=0.01)
    assert forecast(weekends_off, 5_001).days_latest > 7


@given(HISTORIES, LEFT)
def test_the_range_holds_the_point(history, left):
    early, point, late = order(forecast(history, left))
    assert 0 <= early <= point <= late


@given(HISTORIES, LEFT)
def test_the_same_history_gives_the_same_answer(history, left):
    assert forecast(history, left) == forecast(list(history), left)


@given(HISTORIES, LEFT)
def test_days_of_long_ago_count_for_nothing(history, left):
    known = [*history, *[3] * 28][-28:]
    assert forecast([9_999, *known], left) == forecast(known, left)


@given(HISTORIES, LEFT, st.integers(1, 10**8))
def test_more_credit_lasts_no_shorter(history, left, more):
    assert all(
        a <= b + 1e-9
        for a, b in zip(order(forecast(history, left)), order(forecast(history, left + more)), strict=True)
    )


@given(HISTORIES, LEFT, st.integers(2, 1_000))
def test_another_unit_changes_no_date(history, left, scale):
    here = forecast(history, left)
    there = forecast([used * scale for used in history], left * scale)
    assert order(there) == pytest.approx(order(here))


@pytest.mark.row("B8", "C9")
def test_four_of_five_ends_lie_within_the_range():
    """Accounts whose use wobbles by day and week: the range is neither a guess nor everything."""
    chance = random.Random(7)
    within = 0
    for _ in range(150):
        level = chance.uniform(500, 5_000)
        days = [
            int(level * (0.4 if nth % 7 in (5, 6) else 1.2) * chance.lognormvariate(0, 0.5))
            for nth in range(28 + 60)
        ]
        left, true = int(level * chance.uniform(8, 25)), 0.0
        rest = left
        for used in days[28:]:
            if used >= rest:
                true += rest / used
                break
            rest -= used
            true += 1
        found = forecast(days[:28], left)
        within += found.days_earliest <= true <= found.days_latest
    assert 0.65 <= within / 150 <= 0.98
