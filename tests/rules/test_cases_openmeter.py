"""OpenMeter's own burn-down cases on our rules: equal, or listed here with the reason."""

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from tests.ledger import Ledger, check_laws
from tokenhouse.rules.alerts import level
from tokenhouse.rules.balance import Balance, Lot
from tokenhouse.rules.lots import spend_order
from tokenhouse.rules.operations import Charge, ClawBack, Grant, Touch
from tokenhouse.rules.periods import FOREVER, HOUR, instant
from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.verdict import payer_of

CASES = Path(__file__).parents[3] / "shared/data/cases"
SKIPPED = pytest.param(
    None, marks=pytest.mark.skip(reason="the shared case tables are not beside the project")
)

RESET = "no reset is an operation of ours: a period ends by the clock and takes its allowance, not the grants"
DIFFERENT = {
    "om-16": "a refill from a later day of its own on is no lot: an allowance runs from the opening on",
    "om-20": RESET,
    "om-30": "overage is dropped by a reset; our debt is forgiven at a period's end, if the plan says so",
    "om-31": RESET,
    "om-32": RESET,
    "om-35": RESET,
}
"""Case: why ours differs; the page cites these words."""


def table(name):
    """Return one of the shared tables; None where they are not beside the project."""
    file = CASES / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def burn_down_cases():
    found = table("openmeter_burndown")
    return [pytest.param(case, id=case["id"]) for case in found["cases"]] if found else [SKIPPED]


def at(text):
    return instant(datetime.fromisoformat(text))


def plan_of(case):
    """Return the plan under which the case runs: their recurring grant is our allowance."""
    recurring = [grant for grant in case["grants"] if "recurrence" in grant]
    every = {grant["recurrence"]["interval"] for grant in recurring}
    allowance = [{"amount": grant["amount"], "every": every.pop()} for grant in recurring]
    return parse_plan({"name": "case", "allowance": allowance})


def events_of(case):
    """Yield (instant, order, account of what happens): grants come before usage of the same instant."""
    start = at(case["start"]["at"])
    for grant in case["grants"]:
        begins = max(at(grant["effective_at"]), start)
        if "recurrence" not in grant and at(grant["expires_at"]) > begins:
            yield (
                begins,
                0,
                Grant(
                    id=grant["id"],
                    amount=case["start"]["balances"].get(grant["id"]) or grant["amount"],
                    priority=grant["priority"],
                    expires_at=at(grant["expires_at"]),
                ),
            )
        for gone in filter(None, (grant.get("deleted_at"), grant.get("voided_at"))):
            yield at(gone), 1, ClawBack(id=f"void {grant['id']}", grant=grant["id"], amount=grant["amount"])
    for nth, usage in enumerate(case["usage"]):
        yield at(usage["at"]), 2, Charge(id=f"use {nth}", charge=usage["amount"], forced=True)


@pytest.mark.row("E5")
@pytest.mark.parametrize("case", burn_down_cases())
def test_openmeter_s_grants_burn_down_as_ours_or_differ_for_a_stated_reason(case):
    if case["id"] in DIFFERENT:
        pytest.skip(DIFFERENT[case["id"]])
    until = at(case["until"])
    ledger = Ledger(plan_of(case), now=at(case["start"]["at"]))
    ledger.open("case", "case")
    for when, _, operation in sorted(events_of(case), key=lambda event: event[:2]):
        if when < until:
            ledger.now = max(when, ledger.now)
            ledger.do("case", unspent(ledger, operation) if isinstance(operation, ClawBack) else operation)
    ledger.now = max(until, ledger.now)
    ledger.do("case", Touch(id="until"))
    check_laws(ledger)
    compare(case, ledger)


def unspent(ledger, operation):
    """Return the claw-back of what is left: a voided grant loses that, and what it paid for stays paid."""
    grant = ledger.ended("case", operation)[0]
    lot = next(lot for lot in ledger.balances["case"].lots if lot.id == grant.lots[0][0])
    return msgspec.structs.replace(operation, amount=lot.left)


def compare(case, ledger):
    """Hold our balance against what their case expects."""
    balance, expected = payer_of(ledger.path("case")).balance, case["expect"]
    if "overage" in expected:
        assert balance.debt == expected["overage"]
    left = {entry.operation: entry.lots[0][0] for entry in ledger.entries("case") if entry.kind == "grant"}
    lots = {lot.id: lot.left for lot in balance.lots}
    for name, amount in expected.get("balances", {}).items():
        recurring = any(grant["id"] == name and "recurrence" in grant for grant in case["grants"])
        found = balance.left if recurring else lots.get(left.get(name, 0), 0)
        assert found == amount, name
    if "balance" in expected:
        assert balance.left == expected["balance"]


def test_the_hourly_history_of_balances_is_ours():
    found = table("openmeter_burndown")
    if not found:
        pytest.skip("the shared case tables are not beside the project")
    case = next(case for case in found["cases"] if case["id"] == "om-44")
    start = at(case["start"]["at"])
    ledger = Ledger(plan_of(case), now=start)
    ledger.open("case", "case")
    waiting = sorted(events_of(case), key=lambda event: event[:2])
    balances, used = [], []
    for hour in range(12):
        while waiting and waiting[0][0] <= start + hour * HOUR:
            ledger.now, _, operation = waiting.pop(0)
            ledger.do("case", operation)
        balances.append(ledger.balances["case"].left)
        used.append(ledger.balances["case"].used_total)
    assert balances == case["expect"]["hourly_balance_at_start"]
    assert [later - one for one, later in pairwise(used)] == case["expect"]["hourly_usage"][:11]


def test_openmeter_s_order_of_consumption_is_ours():
    found = table("openmeter_order")
    if not found:
        pytest.skip("the shared case tables are not beside the project")
    lots = []
    for nth, grant in enumerate(sorted(found["grants"], key=lambda one: (one["created_h"], one["id"])), 1):
        hours = grant.get("expires_after_h")
        # Their ends are compared at the resolution of a second; ours to the microsecond, so we cut them.
        ends = grant.get("effective_ms", 0) // 1_000 * 1_000_000 + hours * HOUR if hours else FOREVER
        lots.append(Lot(nth, 1, 1, grant["id"], grant["priority"], ends))
    drawn = [lot.source for lot in spend_order(lots, parse_plan({"name": "case"}))]
    assert drawn == found["expect_order"]


@pytest.mark.row("B2")
@pytest.mark.parametrize("share", [50, 80, 90, 95, 99])
def test_a_threshold_is_reached_at_its_very_figure_where_openmeter_s_is_passed(share):
    """Their `usage_percentage` fires above its value, ours at it: 90 % used is a warning."""
    plan = parse_plan({"name": "case", "stop": {"buy": 0, "warn": 0, "critical": f"0.{share}"}})
    below, reached = (
        Balance(account=1, plan="case", opened_at=0, used=used, left=100 - used)
        for used in (share - 1, share)
    )
    assert (level(below, plan), level(reached, plan)) == ("warning", "critical")


def thresholds():
    found = table("openmeter_thresholds")
    return [pytest.param(case, id=case["name"]) for case in found["cases"]] if found else [SKIPPED]


@pytest.mark.row("B2")
@pytest.mark.parametrize("case", thresholds())
def test_percentages_that_openmeter_passes_are_reached_by_ours(case):
    """Of each case's percentage thresholds up to 100: those that theirs have passed, ours have reached."""
    total = case["total_granted"]
    if total is None:
        pytest.skip("nothing was ever granted: no period's capacity, which is `blocked` with us")
    used, left = case["usage"], case["balance"]
    balance = Balance(account=1, plan="case", opened_at=0, used=used, left=left, debt=case["overage"])
    for threshold in case["thresholds"]:
        share = threshold["value"]
        if threshold["type"] != "usage_percentage" or balance.capacity <= 0 or share > 100:
            continue
        plan = parse_plan({"name": "case", "stop": {"buy": 0, "warn": 0, "critical": f"{share / 100}"}})
        reached = level(balance, plan) in {"critical", "blocked"}
        assert reached == (used * 100 >= share * balance.capacity)
        if used * 100 != share * total:
            assert reached == (used * 100 > share * total)
