"""The four plans that come with tokenhouse, and the one table in the docs that shows how they differ.

`python -m tests.test_presets` writes the table anew.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tokenhouse.flow.terms import PRESETS, preset
from tokenhouse.rules.amounts import show
from tokenhouse.rules.plans import Plan, parse_plan

PAGE = Path(__file__).parent.parent / "docs" / "concepts" / "presets.md"
START, END = "<!-- table: written by `python -m tests.test_presets` -->", "<!-- /table -->"


def plan(name: str, environment: str = "development") -> Plan:
    return parse_plan(preset(name), environment=environment)


def both(name: str, said: Callable[[Plan], str]) -> str:
    """Say it once, or for each environment where they differ."""
    development, production = (said(plan(name, one)) for one in ("development", "production"))
    return (
        development
        if development == production
        else f"{development} (development), {production} (production)"
    )


def percent(points: int) -> str:
    return f"{points / 100:g} %"


def recurring(one: Plan) -> str:
    return ", ".join(f"{show(a.amount, one.unit)} every {a.every}" for a in one.allowance) or "none"


def order(one: Plan) -> str:
    return "soonest expiry" if isinstance(one.spend.order, str) else ", then ".join(one.spend.order)


def price(one: Plan) -> str:
    by = "1 a token" if one.rate.by == "tokens" else "list price of the model"
    times = "" if one.multiplier == 1 else f" x {float(one.multiplier):g}"
    return f"{by}{times}" + (f", at least {one.rate.minimum}" if one.rate.minimum else "")


ROWS: dict[str, Callable[[Plan], str]] = {
    "for": lambda one: one.title,
    "unit": lambda one: (
        one.unit.name if not one.unit.decimals else f"10^-{one.unit.decimals} {one.unit.name}"
    ),
    "comes by itself": recurring,
    "at sign-up": lambda one: show(one.signup.amount, one.unit) if one.signup.amount else "nothing",
    "spent first": order,
    "offer more from": lambda one: percent(one.buy),
    "warning from": lambda one: percent(one.warn),
    "critical from": lambda one: percent(one.critical),
    "refused from": lambda one: percent(one.block),
    "refusal": lambda one: f"{one.stop.status} `{one.stop.code}`",
    "debt at the period's end": lambda one: {"carry": "carried over", "forgive": "forgiven"}[one.stop.debt],
    "set aside before a call": lambda one: {"none": "nothing", "worst-case": "the worst case"}[
        one.reserve.how
    ],
    "output capped to what can be paid": lambda one: "yes" if one.reserve.cap_output else "no",
    "price": price,
    "most that can be held": lambda one: (
        show(one.credit.maximum, one.unit) if one.credit.maximum else "no cap"
    ),
}


def table() -> str:
    lines = [f"| | {' | '.join(f'`{name}`' for name in PRESETS)} |", f"|---|{'---|' * len(PRESETS)}"]
    lines += [f"| {row} | {' | '.join(both(name, said) for name in PRESETS)} |" for row, said in ROWS.items()]
    return "\n".join(lines)


def page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return f"{text.partition(START)[0]}{START}\n\n{table()}\n\n{END}{text.partition(END)[2]}"


def test_the_docs_show_how_the_presets_differ():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.test_presets`"


@pytest.mark.row("B1", "B2")
def test_chat_tokens_are_the_chat_reports_policy():
    one = plan("chat-tokens")
    assert [(a.amount, a.every) for a in one.allowance] == [(100_000, "month")]
    assert one.spend.order == ["purchase", "bonus", "allowance"]
    assert (one.warn, one.critical, one.block) == (9_000, 9_500, 10_500)
    assert (one.stop.code, one.reserve.how) == ("TOKEN_EXHAUSTED", "none")


@pytest.mark.row("C1", "C6")
@pytest.mark.parametrize(
    ("environment", "default", "maximum", "warn"),
    [("development", 10_000, 100_000, 8_000), ("production", 5_000, 50_000, 9_000)],
)
def test_quota_has_its_figures_for_each_environment(environment: str, default: int, maximum: int, warn: int):
    one = plan("quota", environment)
    assert ([a.amount for a in one.allowance], one.credit.maximum, one.warn) == ([default], maximum, warn)
    assert (one.stop.status, one.block) == (429, 10_000)


@pytest.mark.row("D2", "D3")
def test_points_are_twice_the_tokens_after_a_gift_at_sign_up():
    one = plan("points")
    assert (one.signup.amount, one.multiplier, one.rate.minimum, one.stop.status) == (100_000, 2, 1, 402)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} written\n")
