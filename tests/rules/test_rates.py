"""Rates: documents are read strictly, and the right rate holds at every instant."""

import json
import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.refusals import label, refused
from tokenhouse.messages import LOCALES
from tokenhouse.rules import rates
from tokenhouse.rules.periods import ALWAYS, AT_MAX, AT_MIN, instant
from tokenhouse.rules.rates import (
    FALLBACK,
    FLAT,
    Prices,
    Rate,
    RateTable,
    parse_prices,
    parse_rate,
    rate_document,
    suspicious,
)
from tokenhouse.rules.usage import KINDS

PLAIN = Prices(input=Decimal(1), output=Decimal(2))
EVERY_KIND = dict(zip(KINDS, ("1", "0.1", "1.25", "2", "5", "6", "7", "8"), strict=True))

decimals = st.decimals(0, 10**9, places=12).map(abs)
prices = st.builds(
    Prices,
    input=decimals,
    output=decimals,
    **dict.fromkeys(FALLBACK, st.none() | decimals),
    per=st.sampled_from([1, 3, 1_000, 1_000_000]),
    per_request=decimals,
    unit=st.sampled_from([None, "token", "point", "dollar"]),
)
names = st.text(st.sampled_from("ab-4o"), max_size=4)
patterns = (names.map(lambda name: name + "*")) | names.filter(bool)
rated = st.builds(
    Rate,
    model=patterns,
    prices=prices,
    starts_at=st.integers(AT_MIN, AT_MAX - 1),
    version=st.integers(0, 2**63 - 1),
)


def rate(model, starts_at=ALWAYS.start_at, version=1):
    return Rate(model=model, prices=PLAIN, starts_at=starts_at, version=version)


def test_a_rate_is_read_from_toml():
    document = tomllib.loads(
        """
        model = "gpt-4o*"
        starts_at = 2026-01-01T00:00:00+09:00
        version = 3
        unit = "dollar"
        input = 2.5
        cached_input = "1.25"
        output = 10
        per_request = "0.001"
        """,
        parse_float=Decimal,
    )
    assert parse_rate(document) == Rate(
        model="gpt-4o*",
        prices=Prices(
            input=Decimal("2.5"),
            cached_input=Decimal("1.25"),
            output=Decimal(10),
            per_request=Decimal("0.001"),
            unit="dollar",
        ),
        starts_at=instant(datetime(2025, 12, 31, 15, tzinfo=UTC)),
        version=3,
    )


@pytest.mark.parametrize(
    "starts_at", ["2026-01-01T00:00:00Z", "2026-01-01T09:00:00+09:00", datetime(2026, 1, 1, tzinfo=UTC)]
)
def test_a_start_is_an_instant_with_its_offset(starts_at):
    read = parse_rate({"model": "m", "input": 1, "output": 1, "starts_at": starts_at})
    assert read.starts_at == instant(datetime(2026, 1, 1, tzinfo=UTC))


@given(rate=rated)
def test_a_document_reads_back_to_an_equal_rate(rate):
    assert parse_rate(json.loads(json.dumps(rate_document(rate)))) == rate


def test_a_rate_that_always_held_says_no_start():
    assert "starts_at" not in rate_document(FLAT)
    assert parse_rate(rate_document(FLAT)) == FLAT


def test_prices_stand_alone_for_a_plan_s_default():
    assert parse_prices({"input": "1", "output": 2}) == PLAIN
    refused("field_unknown", parse_prices, {"input": 1, "output": 2, "model": "m"}, "rate.default")


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"inputs": "1"}, "rate", "field_unknown"),
        *(({kind: None}, f"rate.{kind}", "field_missing") for kind in ("model", "input", "output")),
        *(
            ({"model": bad}, "rate.model", "rate_pattern")
            for bad in ["", 5, "a*b", "**", "x" * 201, "a\x00", "a\n"]
        ),
        *(({"input": bad}, "rate.input", "number_float") for bad in [0.1, float("nan")]),
        *(
            ({"reasoning": bad}, "rate.reasoning", "number_unreadable")
            for bad in ["NaN", "", True, "1e-30", []]
        ),
        *(({"output": bad}, "rate.output", "number_out_of_range") for bad in ["-1", -1, "1e16"]),
        ({"per_request": "-0.1"}, "rate.per_request", "number_out_of_range"),
        *(({"per": bad}, "rate.per", "amount_out_of_range") for bad in [0, -1, 10**10]),
        *(({"per": bad}, "rate.per", "amount_not_integer") for bad in ["1", 1.5, True]),
        ({"version": -1}, "rate.version", "amount_out_of_range"),
        ({"version": "2"}, "rate.version", "amount_not_integer"),
        ({"unit": 5}, "rate.unit", "text_wanted"),
        *(
            ({"starts_at": bad}, "rate.starts_at", "instant_unreadable")
            for bad in ["soon", "", "2026-13-01T00:00:00Z", "\x00"]
        ),
        *(
            ({"starts_at": bad}, "rate.starts_at", "instant_naive")
            for bad in ["2026-01-01", date(2026, 1, 1), 5]
        ),
        ({"starts_at": datetime(2026, 1, 1)}, "rate.starts_at", "instant_naive"),  # noqa: DTZ001
        ({"starts_at": "9999-01-01T00:00:00Z"}, "rate.starts_at", "instant_out_of_range"),
    ],
    ids=label,
)
def test_a_wrong_document_is_refused_at_its_field(change, field, reason):
    document = {"model": "m", "input": "1", "output": "2", **change}
    document = {key: value for key, value in document.items() if value is not None}
    assert refused(reason, parse_rate, document).facts["field"] == field


def test_what_is_no_table_is_no_rate():
    refused("table_wanted", parse_rate, ["gpt-4o"], "rates[3]")
    refused("table_wanted", parse_prices, None)


@pytest.mark.parametrize(
    ("document", "kind", "price"),
    [
        *((EVERY_KIND, kind, price) for kind, price in EVERY_KIND.items()),
        *(
            ({"input": 1, "output": 5}, kind, 5 if kind in ("output", "reasoning", "audio_output") else 1)
            for kind in KINDS
        ),
        ({"input": 1, "output": 5, "cache_write": "1.25"}, "cache_write_1h", "1.25"),
        ({"input": 1, "output": 5, "cached_input": 0}, "cached_input", 0),
    ],
    ids=label,
)
def test_a_kind_without_a_price_falls_back(document, kind, price):
    assert parse_prices(document).price(kind) == Decimal(price)


TABLE = RateTable(
    [
        rate("gpt-4o", 100, 1),
        rate("gpt-4o", 200, 2),
        rate("gpt-4o", 200, 3),
        rate("gpt-4*", 50, 4),
        rate("gpt*", version=5),
    ],
    listed=[
        rate("gpt-4o-mini", version=1),
        rate("claude*", 300, 2),
        rate("claude*", 100, 1),
        rate("*", 500, 1),
    ],
)


@pytest.mark.parametrize(
    ("model", "at", "found"),
    [
        ("gpt-4o", 0, ("gpt*", 5)),
        ("gpt-4o", 50, ("gpt-4*", 4)),
        ("gpt-4o", 99, ("gpt-4*", 4)),
        ("gpt-4o", 100, ("gpt-4o", 1)),
        ("gpt-4o", 199, ("gpt-4o", 1)),
        ("gpt-4o", 200, ("gpt-4o", 3)),
        ("gpt-4o-mini", 200, ("gpt-4*", 4)),  # the operator's pattern goes before a listed exact name
        ("gpt", 0, ("gpt*", 5)),
        ("claude-x", 99, None),
        ("claude-x", 100, ("claude*", 1)),
        ("claude-x", 10**18, ("claude*", 2)),
        ("gp", 499, None),
        ("gp", 500, ("*", 1)),
        ("", 500, ("*", 1)),
        ("x" * 1_000_000, 500, ("*", 1)),
    ],
    ids=label,
)
def test_the_right_rate_holds(model, at, found):
    for _ in range(2):  # the second answer is the remembered one
        rate = TABLE.find(model, at)
        assert (rate and (rate.model, rate.version)) == found


def test_a_model_has_a_line_of_time():
    assert [(start, found.version) for start, found in TABLE.history("claude-x")] == [
        (100, 1),
        (300, 2),
        (500, 2),
    ]
    assert TABLE.history("gpt-4o")[0] == (ALWAYS.start_at, rate("gpt*", version=5))
    assert RateTable().history("gpt-4o") == []


@given(
    own=st.lists(rated, max_size=8),
    listed=st.lists(rated, max_size=8),
    model=names,
    at=st.integers(AT_MIN, AT_MAX),
)
def test_a_table_finds_what_reading_every_rate_finds(own, listed, model, at):
    own, listed = ({(r.model, r.version): r for r in layer}.values() for layer in (own, listed))
    best = max(
        (
            (ours, r.model == model, len(r.model), r.starts_at, r.version, r)
            for ours, layer in ((True, own), (False, listed))
            for r in layer
            if r.starts_at <= at
            and (r.model == model or (r.model[-1] == "*" and model.startswith(r.model[:-1])))
        ),
        key=lambda found: found[:5],
        default=None,
    )
    assert RateTable(own, listed).find(model, at) == (best and best[5])


def test_many_strange_models_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(rates, "_REMEMBERED_MAX", 3)
    table = RateTable([FLAT])
    assert all(table.find(f"model-{n}", 0) == FLAT for n in range(20))
    assert len(table._remembered) <= 3
    assert RateTable().find("model", 0) is None


def test_a_version_tells_the_rates_of_a_pattern_apart():
    refused("rate_twice", RateTable, [rate("a"), rate("b"), rate("a")])
    RateTable([rate("a")], listed=[rate("a")])


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ({"input": "2.5", "output": "10", "unit": "dollar"}, None),
        ({"input": "10000", "output": "10000", "per_request": "100", "unit": "dollar"}, None),
        ({"input": "10000.01", "output": "1", "unit": "dollar"}, "input"),
        ({"input": "0.996", "output": "0", "per": 1, "unit": "dollar"}, "input"),
        ({"input": "1", "output": "1", "reasoning": "20000", "unit": "dollar"}, "reasoning"),
        ({"input": "1", "output": "1", "per_request": "100.01", "unit": "dollar"}, "per_request"),
        ({"input": "1000", "output": "1", "per": 1}, None),
        ({"input": "1000.1", "output": "1", "per": 1}, "input"),
        ({"input": "1", "output": "1", "per_request": 1_000_001, "unit": "point"}, "per_request"),
    ],
    ids=label,
)
def test_an_absurd_price_is_pointed_out(prices, field):
    doubt = suspicious(Rate(model="m", prices=parse_prices(prices)))
    assert (doubt and doubt.facts["field"]) == field
    assert doubt is None or all("m" in doubt.message(locale) for locale in LOCALES)


@pytest.mark.parametrize("field", ["input", "output", "cached_input", "per_request"])
def test_a_negative_price_is_pointed_out(field):
    assert (
        suspicious(Rate(model="m", prices=msgspec.structs.replace(PLAIN, **{field: Decimal(-1)}))) is not None
    )
