"""Amounts: hostile input is refused, and what people write and read is exact."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.refusals import label, refused
from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import (
    AMOUNT_MAX,
    AMOUNT_MIN,
    DOLLAR,
    POINT,
    TOKEN,
    Unit,
    checked_amount,
    checked_number,
    checked_unit,
    digits,
    parse,
    show,
    shown,
)

WON = Unit("won", "₩", 0)
units = st.sampled_from(
    [TOKEN, POINT, DOLLAR, WON, Unit("cent", "", 2), Unit("tiny", "µ", 12), Unit("x", "", 1)]
)


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [
        ("0", TOKEN, 0),
        ("1,234", TOKEN, 1_234),
        (" 1234 ", POINT, 1_234),
        ("100.00", TOKEN, 100),
        ("1,234.5", DOLLAR, 1_234_500_000_000),
        ("$0.000000001", DOLLAR, 1),
        ("-$1.50", DOLLAR, -1_500_000_000),
        ("+$1", DOLLAR, 1_000_000_000),
        ("-0", TOKEN, 0),
        ("₩1,000", WON, 1_000),
        ("9223372036854775807", TOKEN, AMOUNT_MAX),
        ("-9,223,372,036.854775808", DOLLAR, AMOUNT_MIN),
    ],
)
def test_what_people_write_is_read_exactly(text, unit, amount):
    assert parse(text, unit) == amount


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(
            (bad, "amount_unreadable")
            for bad in ["", " ", "-", "$", "$$1", "1$", "€1", "NaN", "Infinity", "1e3", "0x10"]
        ),
        *(
            (bad, "amount_unreadable")
            for bad in ["1_000", "1,23", "12,34", "1234,567", ".5", "1.", "1.2.3", "--1", "१२"]
        ),
        *(
            (bad, "amount_unreadable")
            for bad in ["1\x00", "1 000", "9" * 65, "1" * 1_000_000, None, 5, 1.5, b"1"]
        ),
        ("0.0000000001", "amount_too_fine"),
        ("9223372036.854775808", "amount_out_of_range"),
        ("-9223372036.854775809", "amount_out_of_range"),
    ],
    ids=label,
)
def test_what_cannot_be_read_exactly_is_refused(text, reason):
    refused(reason, parse, text, DOLLAR, "price")


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (0, TOKEN, "0"),
        (1_234_567, TOKEN, "1,234,567"),
        (-1_234, WON, "-₩1,234"),
        (0, DOLLAR, "$0.00"),
        (1, DOLLAR, "$0.000000001"),
        (-1_500_000_000, DOLLAR, "-$1.50"),
        (15, Unit("x", "", 1), "1.5"),
        (AMOUNT_MIN, DOLLAR, "-$9,223,372,036.854775808"),
    ],
)
def test_an_amount_is_shown_exactly(amount, unit, text):
    assert show(amount, unit) == text
    assert show(amount, unit, symbol=False) == text.replace(unit.symbol, "")
    assert digits(amount, unit) == text.replace(unit.symbol, "").replace(",", "")


@given(amount=st.integers(AMOUNT_MIN, AMOUNT_MAX), unit=units, symbol=st.booleans())
def test_what_is_shown_is_read_back_to_the_same_amount(amount, unit, symbol):
    assert parse(show(amount, unit, symbol=symbol), unit) == amount


@given(
    text=st.one_of(st.text(max_size=70), st.from_regex(r"[-+$]{0,2}[0-9,.]{0,20}", fullmatch=True)),
    unit=units,
)
def test_any_text_is_an_exact_amount_or_refused(text, unit):
    with suppress(InvalidInput):
        amount = parse(text, unit)
        plain = text.strip().replace(",", "").replace(unit.symbol or " ", "")
        assert Decimal(plain) == Decimal(amount).scaleb(-unit.decimals)


@pytest.mark.parametrize("least", [0, 1])
def test_an_amount_within_its_range_is_taken(least):
    assert [checked_amount(value, least=least) for value in (least, 7, AMOUNT_MAX)] == [least, 7, AMOUNT_MAX]


@pytest.mark.parametrize(
    "value",
    [True, False, 1.0, float("nan"), float("inf"), "1", "x" * 1_000_000, "\x00", None, Decimal(1), [1], {}],
    ids=label,
)
def test_what_is_no_whole_number_is_no_amount(value):
    refused("amount_not_integer", checked_amount, value, "amount", least=0)


@pytest.mark.parametrize(
    ("value", "least"), [(0, 1), (-1, 0), (AMOUNT_MAX + 1, 0), (2**100_000, 1), (-(2**64), 0)], ids=label
)
def test_a_whole_number_out_of_range_is_no_amount(value, least):
    facts = refused("amount_out_of_range", checked_amount, value, "order.amount", least=least).facts
    assert (facts["least"], facts["most"]) == (least, AMOUNT_MAX)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, "0"),
        (3, "3"),
        ("2.50", "2.50"),
        ("2.5e-6", "0.0000025"),
        (Decimal("0.3"), "0.3"),
        (".5", "0.5"),
        ("1E3", "1000"),
    ],
)
def test_an_exact_number_is_taken_as_written(value, number):
    assert checked_number(value, "rate.input") == Decimal(number)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.1, "number_float"),
        (float("nan"), "number_float"),
        *(
            (bad, "number_unreadable")
            for bad in ["NaN", "inf", "", "1,000", "1e1000", "1e999", "0x1", "1" * 65, True, None]
        ),
        *(
            (bad, "number_unreadable")
            for bad in [[], Decimal("NaN"), Decimal("Infinity"), Decimal("1e999999"), 2**300]
        ),
        *((bad, "number_unreadable") for bad in ["1e-25", Decimal("1e-999999"), Decimal("0e999999")]),
        ("-0.1", "number_out_of_range"),
        (10**16, "number_out_of_range"),
    ],
    ids=label,
)
def test_a_number_that_is_not_exact_finite_and_short_is_refused(value, reason):
    refused(reason, checked_number, value, "rate.input")


def test_a_number_keeps_to_its_bounds():
    assert checked_number("1", "discount", most=Decimal(1)) == 1
    refused("number_out_of_range", checked_number, "1.01", "discount", most=Decimal(1))
    refused("number_out_of_range", checked_number, 0, "multiplier", least=Decimal("0.001"))


@pytest.mark.parametrize("unit", [TOKEN, DOLLAR, WON, Unit("x", "元", 12)])
def test_a_unit_that_can_be_counted_in_is_taken_as_it_is(unit):
    assert checked_unit(unit) is unit


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        *((Unit(bad), "unit_name") for bad in ["", "Won", "x" * 33, "a b", "\x00"]),
        *((Unit("won", bad), "unit_symbol") for bad in ["12", "a b", "-", "wonwon"]),
        *((Unit("won", "", bad), "amount_out_of_range") for bad in [13, -1, 2**70_000]),
    ],
)
def test_a_unit_that_cannot_be_counted_in_is_refused(unit, reason):
    refused(reason, checked_unit, unit)


@pytest.mark.parametrize(
    "value",
    [None, True, 2**300, -(2**70_000), "x" * 10**6, b"x", object(), Decimal("1e-9999"), 1e300],
    ids=label,
)
def test_a_hostile_value_is_shown_in_one_short_line(value):
    assert len(shown(value)) <= 70
    assert shown(value).isprintable()


def test_a_long_decimal_is_shown_by_its_beginning():
    assert shown(Decimal("1" * 500)) == "1" * 60 + "…"
