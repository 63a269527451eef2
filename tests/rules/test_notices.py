"""Levels that an account has reached, the round in which one counts, and percents as people write them."""

from decimal import Decimal

import pytest

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.notices import hundredths, level_of, percents, reached, round_of, standing
from tokenhouse.rules.plans import parse_plan

MONTHLY = parse_plan({"name": "monthly", "allowance": [{"amount": 1_000, "every": "month"}]})
PREPAID = parse_plan({"name": "prepaid"})
LEVELS = (9_000, 9_500, 10_500)


def account(used: int = 0, left: int = 0, debt: int = 0, **more: int) -> Balance:
    return Balance(account=1, plan="monthly", opened_at=0, used=used, left=left, debt=debt, **more)


@pytest.mark.row("B4")
@pytest.mark.parametrize(
    ("balance", "share"),
    [
        (account(899, 101), None),
        (account(900, 100), 9_000),
        (account(949, 51), 9_000),
        (account(950, 50), 9_500),
        (account(1_000, 0), 9_500),
        (account(1_050, 0, 50), 10_500),
        (account(0, 1_000), None),
        (account(0, 0), None),
        (account(0, 0, 10), 10_500),
        (account(10**18 * 9, 10**18 - 1), 9_000),
        (account(10**18 * 9 - 1, 10**18), None),
    ],
)
def test_the_highest_level_that_is_reached(balance: Balance, share: int | None):
    assert reached(balance, LEVELS) == share


def test_without_levels_none_is_reached():
    assert reached(account(1_000, 0), ()) is None


def test_a_round_is_the_period_or_the_credit_given_so_far():
    balance = account(period_start_at=5, granted=700)
    assert round_of(balance, MONTHLY) == 5
    assert round_of(balance, PREPAID) == 700


def test_levels_are_named_by_the_plan():
    named = [level_of(share, MONTHLY) for share in (5_000, 8_000, 9_000, 9_500, 10_000)]
    assert named == ["normal", "buy", "warning", "critical", "blocked"]


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (8_000, ("80", "20")),
        (9_325, ("93.25", "6.75")),
        (9_050, ("90.5", "9.5")),
        (10_500, ("105", "0")),
        (0, ("0", "100")),
        (9_999, ("99.99", "0.01")),
    ],
)
@pytest.mark.row("B4")
def test_both_shares_are_said_and_make_a_hundred(used: int, said: tuple[str, str]):
    assert percents(used) == said
    if used <= 10_000:
        assert Decimal(said[0]) + Decimal(said[1]) == 100


def test_what_is_said_of_a_standing():
    balance = account(900, 100, period_end_at=9)
    assert hundredths(balance) == 9_000
    assert standing(balance, MONTHLY)["resets_at"] == 9
    assert standing(balance, PREPAID)["resets_at"] is None
    assert standing(account(1_050, 0, 50), MONTHLY)["remaining"] == 0


def test_a_plan_s_levels_are_its_stops_unless_it_names_others():
    assert MONTHLY.told_at == (9_000, 9_500, 10_000)
    named = {"name": "early", "notify": {"levels": [Decimal("0.95"), Decimal("0.5"), Decimal("0.5")]}}
    assert parse_plan(named).told_at == (5_000, 9_500)
    assert parse_plan({"name": "silent", "notify": {"levels": []}}).told_at == ()
    for wrong in ("0", "-1", "101", "0.00001", "NaN"):
        with pytest.raises(InvalidInput):
            parse_plan({"name": "wrong", "notify": {"levels": [Decimal(wrong)]}})
    with pytest.raises(InvalidInput):
        parse_plan({"name": "wrong", "notify": {"levels": [Decimal(n) / 100 for n in range(1, 12)]}})
