"""The price list becomes our own table: the library's prices for its names, exactly, at every date."""

import csv
import gzip
import sys
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec
import pytest

from tokenhouse import Settings, Tokenhouse
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.pricelist import KINDS, _dearest, _literals, _sound, read_prices
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.charges import tariff
from tokenhouse.rules.periods import instant
from tokenhouse.rules.rates import RateTable, parse_rate, suspicious
from tokenhouse.rules.usage import Usage

genai_prices = pytest.importorskip("genai_prices", reason="the extra `prices` is not installed")

DOLLAR = Unit(name="dollar", symbol="$", decimals=9)
TRACE = Path(__file__).parents[3] / "shared" / "data" / "traces" / "aider_requests.csv.gz"
INSTANTS = [
    datetime(2024, 1, 1, 2, tzinfo=UTC),
    datetime(2025, 7, 1, 2, tzinfo=UTC),
    datetime(2026, 11, 21, 2, tzinfo=UTC),
]
"""At an hour at which no discount is on: what has several prices a day is listed at the dearest."""

REPRODUCED = {
    "anthropic/claude-sonnet-4-20250514": 31,
    "claude-3-5-sonnet-20240620": 7,
    "gemini/gemini-2.5-pro": 41,
    "gemini/gemini-2.5-pro-preview-05-06": 34,
    "gemini/gemini-3-flash-preview": 13,
    "gpt-4o": 21,
    "gpt-4o-2024-08-06": 6,
    "gpt-4o-mini": 45,
    "gpt-5": 17,
    "gpt-5.2": 9,
    "gpt-5.2-codex": 12,
    "gpt-5.4": 20,
    "o1": 11,
    "o1-preview": 20,
    "o3-mini": 98,
    "o3-pro": 6,
    "openai/gpt-5.2": 36,
    "openrouter/anthropic/claude-3.5-sonnet": 9,
    "openrouter/anthropic/claude-3.7-sonnet": 97,
    "openrouter/x-ai/grok-3-mini-beta": 6,
}
"""Models with five rows or more, every one of whose recorded costs is our charge."""
NEARLY = {
    "anthropic/claude-3-7-sonnet-20250219": (1_183, 1_184),
    "claude-3-5-sonnet-20241022": (1_557, 1_577),
    "deepseek/deepseek-reasoner": (18, 20),
    "gemini/gemini-2.5-pro-preview-03-25": (56, 57),
    "o3": (66, 69),
}
"""The rest is off as prompt caching would make it, which the trace does not tell; and the absurd row."""
DIFFERENT = {
    "claude-3-5-haiku-20241022": "a dollar a million until December 2024, 0.80 in the list",
    "deepseek/deepseek-chat": "cheaper before February 2025",
    "gemini/gemini-2.5-pro-exp-03-25": "free as an experiment",
    "gemini/gemini-1.5-flash-8b": "free as an experiment",
    "gemini/gemini-1.5-flash-8b-exp-0827": "free as an experiment",
    "gemini/gemini-1.5-pro-latest": "the client reckoned with other prices",
    "openrouter/deepseek/deepseek-r1": "a reseller's price of the day",
    "openrouter/openai/gpt-4o": "the price of May 2024, which the client still reckoned with",
    "openrouter/qwen/qwen-2.5-coder-32b-instruct": "a reseller's price of the day",
}
"""Models whose history the library does not have; docs/how-to/rates.md says what to do about it."""


@cache
def listed():
    return read_prices()


@cache
def table():
    lines = enumerate(listed().lines)
    return RateTable((), [msgspec.structs.replace(parse_rate(line), version=nth) for nth, line in lines])


def rows():
    if not TRACE.exists():
        pytest.skip("the published trace is not beside the project")
    with gzip.open(TRACE, "rt") as file:
        yield from csv.DictReader(file)


def charged(row):
    """Return our charge and the recorded cost in nano-dollars, and whether our list knows the model."""
    rate = table().find(row["main_model"], int(row["time_unix"]) * 10**6)
    if rate is None:
        return None
    used = Usage(int(row["prompt_tokens"]), output=int(row["completion_tokens"]))
    return tariff(rate, DOLLAR).charge(used), Decimal(row["cost_usd"]) * 10**9


@pytest.mark.row("E4")
def test_every_name_of_the_library_costs_what_the_library_says():
    providers = genai_prices.data_snapshot.get_snapshot().providers
    wrong, compared = [], 0
    for provider in providers:
        for name in dict.fromkeys(
            name for model in provider.models for name in (model.id, *_literals(model.match))
        ):
            model = provider.find_model(name, all_providers=providers)
            for at in INSTANTS:
                rate = table().find(f"{provider.id}/{name}", instant(at))
                price = model.get_prices(at) if model else None
                if price is None or (price.input_mtok is None and price.output_mtok is None):
                    wrong += [(provider.id, name, rate.model)] if rate else []
                    continue
                compared += 1
                if rate is None or not agree(price, rate.prices):
                    wrong.append((provider.id, name, rate and rate.model))
    assert wrong == []
    assert compared > 10_000


def agree(price, ours):
    """Return whether prices and tiers are the same, kind by kind."""
    for theirs, kind in KINDS.items():
        value = getattr(price, theirs)
        if value is None:
            continue
        if getattr(value, "base", value) != ours.price(kind):
            return False
        for tier in getattr(value, "tiers", ()):
            (above,) = [one for one in ours.above if one.tokens == tier.start]
            if above.prices.price(kind) != tier.price:
                return False
    return True


@pytest.mark.row("E4")
@pytest.mark.parametrize(
    ("model", "pattern_of"),
    [
        ("gpt-4o", "openai"),
        ("gpt-4o-2024-11-20", "openai"),
        ("claude-sonnet-4-5-20250929", "anthropic"),
        ("claude-opus-5-20260101", "anthropic"),
        ("gemini-2.5-pro", "google"),
        ("gemini/gemini-2.5-pro", "google"),
        ("grok-4", "x-ai"),
        ("xai/grok-4", "x-ai"),
        ("azure/gpt-4o", "azure"),
        ("openrouter/anthropic/claude-3.7-sonnet", "openrouter"),
    ],
)
def test_callers_names_are_found(model, pattern_of):
    rate = table().find(model, instant(INSTANTS[-1]))
    assert rate is not None
    bare = table().find(
        f"{pattern_of}/{model.removeprefix('gemini/').removeprefix('xai/')}", instant(INSTANTS[-1])
    )
    behind = table().find(model, instant(INSTANTS[-1])) if "/" in model else bare
    assert rate.prices == behind.prices


def test_a_name_that_nobody_knows_has_no_price():
    for model in ("", "my-own-model", "HCX-005", "openai/unheard-of", "gpt"):
        assert table().find(model, instant(INSTANTS[-1])) is None


def test_long_contexts_have_prices_of_their_own():
    price = tariff(table().find("gemini-2.5-pro", instant(INSTANTS[-1])), DOLLAR)
    assert price.charge(Usage(200_000, output=1_000)) == 260_000_000
    assert price.charge(Usage(200_001, output=1_000)) == 515_002_500


def test_a_price_by_the_hour_is_the_dearest_of_the_day():
    assert _dearest([{"unit": "dollar", "input": Decimal(1)}, {"unit": "dollar", "input": Decimal(2)}]) == {
        "unit": "dollar",
        "input": Decimal(2),
    }
    assert _dearest([]) == {}


def test_a_name_that_our_table_cannot_hold_is_left_out():
    assert [_sound(name) for name in ("gpt-4o", "gpt-4*", "a*b", "a\nb", "x" * 201)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_models_without_a_price_of_tokens_are_named_and_left_out():
    assert "groq/whisper-large-v3" in listed().unpriced
    assert table().find("groq/whisper-large-v3", instant(INSTANTS[-1])) is None
    assert listed().models > 2_000


def test_no_listed_price_is_absurd():
    assert [line["model"] for line in listed().lines if suspicious(parse_rate(line))] == []


@pytest.mark.row("E4")
def test_recorded_costs_are_reproduced():
    right, all_ = Counter(), Counter()
    for row in rows():
        found = charged(row)
        if found is not None:
            all_[row["main_model"]] += 1
            right[row["main_model"]] += abs(found[0] - found[1]) <= 1
    many = {model: (right[model], count) for model, count in all_.items() if count >= 5}
    whole = {model: right_ for model, (right_, count) in many.items() if right_ == count}
    assert {model: whole.get(model) for model in REPRODUCED} == REPRODUCED
    assert {model: many[model] for model in NEARLY} == NEARLY
    assert many.keys() - whole.keys() <= NEARLY.keys() | DIFFERENT.keys()
    assert sum(right.values()) / sum(all_.values()) > 0.72


@pytest.mark.row("E4")
async def test_the_row_of_9990_dollars_is_caught_by_the_guard(database, clock):
    (absurd,) = [row for row in rows() if float(row["cost_usd"]) > 1_000]
    charge, recorded = charged(absurd)
    assert (charge, int(recorded)) == (12_628_750, 9_990_012_528_750)
    each = Decimal(absurd["cost_usd"]) / int(absurd["total_tokens"])
    price = f"{each * 1_000_000:.6f}"
    line = {"model": absurd["main_model"], "unit": "dollar", "input": price, "output": price}
    async with Tokenhouse.open(database, settings=Settings(plan="money"), clock=clock) as house:
        with pytest.raises(InvalidInput) as refused:
            await house.write_rate(line)
        assert refused.value.reason == "rate_suspicious"
        added = await house.add_rates([line], listed=True)
        assert (len(added.written), len(added.held)) == (0, 1)
        assert await house.rate_history(absurd["main_model"]) == []


async def test_a_second_import_writes_nothing(database, clock):
    async with Tokenhouse.open(database, settings=Settings(plan="money"), clock=clock) as house:
        first = await house.import_rates(actor="me")
        version = house.desk.catalog.version
        again = await house.import_rates()
        assert (len(again.written), again.kept, len(again.held)) == (0, len(first.written), 0)
        assert house.desk.catalog.version == version
        assert len(await house.rates("gpt-4o")) > 3
        await house.account("alice")
        told = await house.explain("alice", "gpt-4o", Usage(1_000, output=100))
        assert told.charge == 4_200_000
        await house.write_rate({"model": "gpt-4o", "unit": "dollar", "input": 5, "output": 5})
        assert (await house.explain("alice", "gpt-4o", Usage(1_000))).charge == 6_000_000
    async with Tokenhouse.open(database, settings=Settings(plan="money"), clock=clock) as house:
        assert (await house.explain("alice", "o3-mini", Usage(1_000_000))).charge == 1_320_000_000


async def test_list_prices_are_no_points(database, clock):
    async with Tokenhouse.open(database, settings=Settings(plan="points"), clock=clock) as house:
        with pytest.raises(InvalidInput) as refused:
            await house.import_rates()
        assert refused.value.reason == "rate_unit"


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    with pytest.raises(InvalidInput) as absent:
        read_prices()
    assert "pip install 'tokenhouse[prices]'" in absent.value.message("en")
    assert "pip install 'tokenhouse[prices]'" in absent.value.message("ko")
