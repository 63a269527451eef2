"""The shop's rules: what a package may be, what it costs, and what a refund of it takes back."""

from typing import Any

import pytest

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.shop import bill, clawed_by, money, normalised, parse_package

pytestmark = pytest.mark.row("C2", "B8")

LARGE = {"name": "large", "credit": 1_000, "bonus": "0.1", "prices": {"KRW": 9_900, "USD": 799}}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Large"},
        {"credit": 0},
        {"credit": "many"},
        {"prices": {}},
        {"prices": {"XAU": 1}},
        {"prices": {"KRW": 0}},
        {"prices": {"KRW": 10**13}},
        {"bonus": "-0.1"},
        {"bonus": "NaN"},
        {"bonus": "11"},
        {"credit_days": -1},
        {"title": {"fr": "Grand"}},
        {"title": {"en": ""}},
        {"title": {"en": "a\nb"}},
        {"colour": "red"},
    ],
)
def test_a_package_that_cannot_be_is_refused(wrong: dict[str, Any]):
    with pytest.raises(InvalidInput):
        parse_package(LARGE | wrong)


def test_a_bill_is_exact_and_its_discount_is_rounded_down():
    package = parse_package(LARGE)
    one = bill(package, "USD", discount=3_333)
    assert (one.credit, one.bonus, one.price, one.discount) == (1_100, 100, 533, 266)
    many = bill(package, "KRW", quantity=7)
    assert (many.credit, many.bonus, many.price) == (7_700, 700, 69_300)
    with pytest.raises(InvalidInput):
        bill(package, "JPY")
    with pytest.raises(InvalidInput):
        bill(parse_package(LARGE | {"prices": {"KRW": 10**12}}), "KRW", quantity=2)


def test_a_refund_in_parts_takes_back_the_whole_and_no_more():
    assert [clawed_by(10, 3, refunded) for refunded in (1, 2, 3)] == [4, 7, 10]
    assert clawed_by(5, 0, 0) == 5
    assert clawed_by(0, 10, 5) == 0


def test_money_is_shown_in_its_own_decimals():
    assert [money(1_250, name) for name in ("KRW", "USD", "EUR", "JPY")] == [
        "₩1,250",
        "$12.50",
        "€12.50",
        "¥1,250",
    ]
    assert money(-5, "USD") == "-$0.05"


def test_a_code_is_the_same_however_it_is_typed():
    assert {normalised(code) for code in ("welcome-2026", "WELCOME 2026", "Wel_come2026")} == {"WELCOME2026"}
    for wrong in ("abc", "a" * 41, "코드코드", "ab!cd", 7, None):
        with pytest.raises(InvalidInput):
            normalised(wrong)
