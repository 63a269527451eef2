"""new-api's own point cases against our usage and rates: equal, or listed here with the reason."""

import json
from fractions import Fraction
from math import floor
from pathlib import Path

import pytest

from tokenhouse.rules.amounts import AMOUNT_MAX, POINT, TOKEN
from tokenhouse.rules.charges import Terms, tariff
from tokenhouse.rules.rates import FLAT, Rate, parse_prices, parse_rate
from tokenhouse.rules.usage import NOTHING, TOKENS_MAX, Usage, from_beside, from_inside

CASES = Path(__file__).parents[3] / "shared/data/cases/newapi_points.json"
PAGE = Path(__file__).parents[2] / "docs/reference/peers-points.md"

EXACT = {
    "na-1": "1487.5",
    "na-3": "118",
    "na-4": "144.7",
    "na-5": "98",
    "na-6": "90",
    "na-7": "90",
    "na-8": "1623.9",
    "na-9": "1878.5",
    "na-10": "4884.1",
    "na-11": "798.2",
    "na-12": "3012",
}
"""The exact total before rounding, worked out by hand from each case's formula."""

DIFFERENT = {
    "na-2": (
        118,
        123,
        "they price cache writes of unsaid life apart from those of five minutes; we count both as one kind",
    ),
    "na-10": (4_884, 4_885, "they round half up, we round up: a charge is never below its exact price"),
    "na-11": (798, 799, "they round half up, we round up: a charge is never below its exact price"),
}
"""Case: their charge, ours, and why; the page cites these words."""


def cases(part):
    if not CASES.exists():
        return [
            pytest.param(
                None, marks=pytest.mark.skip(reason="the shared case tables are not beside the project")
            )
        ]
    return [pytest.param(case, id=case["id"]) for case in json.loads(CASES.read_text())[part]]


def usage_of(case):
    """Return the case's usage in our kinds."""
    given = case["usage"]
    if case["semantic"].startswith("gemini"):
        return from_inside(
            given["promptTokenCount"] + given["toolUsePromptTokenCount"],
            given["candidatesTokenCount"] + given["thoughtsTokenCount"],
            cached=given["cachedContentTokenCount"],
            reasoning=given["thoughtsTokenCount"],
        )
    hour = given.get("cache_write_1h", 0)
    written = max(given.get("cache_write", 0), given.get("cache_write_5m", 0) + hour)
    convention = from_beside if case["semantic"].startswith("anthropic") else from_inside
    return convention(
        given["input"],
        given["output"],
        cached=given.get("cache_read", 0),
        cache_write=written,
        cache_write_1h=hour,
    )


def tariff_of(case):
    """Return the case's multipliers as a rate in points for one token."""
    names = {
        "cached_input": "cache_read",
        "cache_write": "cache_write_5m",
        "cache_write_1h": "cache_write_1h",
    }
    rates = {"cache_write_5m": case["rates"].get("cache_write"), **case["rates"]}
    prices = {ours: str(rates[theirs]) for ours, theirs in names.items() if rates.get(theirs) is not None}
    prices |= {"input": str(rates["input"]), "output": str(rates["output"]), "per": 1}
    return tariff(Rate(model="*", prices=parse_prices(prices)), POINT, Terms())


@pytest.mark.row("E4")
@pytest.mark.parametrize("case", cases("cases"))
def test_new_api_s_points_are_ours_or_differ_for_a_stated_reason(case):
    usage, rate = usage_of(case), tariff_of(case)
    if case["id"] in EXACT:
        exact = Fraction(EXACT[case["id"]])
        assert rate.exact(usage) == exact
        assert floor(exact + Fraction(1, 2)) == case["expect_points"]
    theirs, ours, _ = DIFFERENT.get(case["id"], (case["expect_points"], case["expect_points"], ""))
    assert (case["expect_points"], rate.charge(usage)) == (theirs, ours)


@pytest.mark.parametrize("case", cases("missing_usage"))
def test_usage_decides_where_there_is_one_and_nothing_is_nothing(case):
    """Without usage but with output (nm-1) what was relayed is counted: the flow's work, not a rate's."""
    usage = NOTHING if case["usage"] is None else Usage(**case["usage"])
    if case["id"] != "nm-1":
        assert tariff(FLAT, TOKEN).charge(usage) == case["expect"]


def test_an_oversized_charge_stops_at_the_largest_amount_as_theirs_does():
    dear = parse_rate({"model": "*", "input": 10**15, "output": 1, "per": 1})
    assert tariff(dear, TOKEN).charge(Usage(TOKENS_MAX)) == AMOUNT_MAX


def test_a_request_s_own_price_is_charged_without_tokens_as_theirs_is():
    assert (
        tariff(parse_rate({"model": "*", "input": 1, "output": 1, "per_request": 7}), POINT).charge(NOTHING)
        == 7
    )


def test_the_page_names_every_case_and_every_difference():
    page = PAGE.read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| n")}
    for part in ("cases", "missing_usage", "other"):
        for param in cases(part):
            assert param.values[0] is None or param.values[0]["id"] in rows
    for case, (theirs, ours, why) in DIFFERENT.items():
        assert f"| {theirs:,} | {ours:,} | {why}" in rows[case]
