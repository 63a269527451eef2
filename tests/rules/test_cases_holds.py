"""TigerBeetle's two-phase sequences, vendors' and LiteLLM's examples, on our rules: equal, or listed."""

import json
from pathlib import Path

import pytest

from tests.ledger import Ledger, check_laws
from tokenhouse.rules.operations import (
    Adjust,
    Charge,
    Done,
    Grant,
    Mismatch,
    Refusal,
    Release,
    Reserve,
    Settle,
    Unknown,
)
from tokenhouse.rules.periods import HOUR, SECOND
from tokenhouse.rules.plans import parse_plan

CASES = Path(__file__).parents[3] / "shared/data/cases"
PAGE = Path(__file__).parents[2] / "docs/reference/peers-ledger.md"
ENDLESS = "3000d"
"""Their timeout of 0 never ends; ours ends after ten years at the latest."""
PLENTY = 10**9

DIFFERENT = {
    "exists_with_different_flags": "told by what it ends: a second end is a repeat or a mismatch",
    "exists_with_different_pending_id": "a settle has no id but its reservation's, and names no other",
    "id_already_failed": "a refused operation burns no key: asked again, it may pass",
    "exceeds_pending_transfer_amount": "charged above its reservation; it says what was not covered",
    "pending_transfer_expired": "usage after the lapse is charged, and says so",
    "pending_transfer_already_voided": "usage after the release is charged, and says so",
    "pending_transfer_has_different_amount": "a release gives back all, and names no amount",
    "pending_transfer_already_posted": "settled twice is a repeat, for there is no other id",
}
"""Their answer: why ours is another one; the page cites these words."""


def table(name):
    file = CASES / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def cases(name, part):
    found = table(name)
    if not found:
        return [
            pytest.param(
                None, marks=pytest.mark.skip(reason="the shared case tables are not beside the project")
            )
        ]
    return [pytest.param(case, id=case["id"]) for case in found[part]]


class Sequence:
    """One of their sequences on our rules; what was charged in ways that they refuse is kept apart."""

    def __init__(self, opening):
        self.ledger = Ledger()
        self.ledger.open("user")
        credit = PLENTY if opening.get("unlimited") else opening["credits_posted"]
        self.ledger.do("user", Grant(id="opening", amount=credit))
        if opening.get("debits_posted"):
            self.ledger.do("user", Charge(id="opening charge", charge=opening["debits_posted"]))
        if opening.get("debits_pending"):
            self.hold("opening hold", opening["debits_pending"], 0)

    def hold(self, name, amount, timeout_s, least=None):
        lapse = f"{timeout_s}s" if timeout_s else ENDLESS
        plan = parse_plan({"name": "plain", "reserve": {"lapse_after": lapse}})
        self.ledger.plans["plain"] = plan
        return self.ledger.do(
            "user", Reserve(id=name, amount=amount, least=amount if least is None else least)
        )

    @property
    def balance(self):
        return self.ledger.seen("user")[0].balance


@pytest.mark.row("E1", "E2", "E3")
@pytest.mark.parametrize("case", cases("tigerbeetle_two_phase", "sequences"))
def test_tigerbeetle_s_sequences_end_as_ours_or_differ_for_a_stated_reason(case):
    if "pools" in case:
        pools(case)
        return
    sequence = Sequence(case["opening"])
    beyond = 0
    for step in case["steps"]:
        if step.get("expect") in DIFFERENT:
            beyond += differently(sequence, step)
        else:
            equally(sequence, step, beyond)
    check_laws(sequence.ledger)


def equally(sequence, step, beyond):
    """Carry out a step whose answer must be theirs."""
    ledger, name = sequence.ledger, step.get("id")
    match step["op"]:
        case "tick":
            ledger.now += step["seconds"] * SECOND
        case "check":
            balance = sequence.balance
            assert (balance.held, balance.used_total - beyond) == (step["pending"], step["posted"])
        case "hold":
            answer = sequence.hold(name, step["amount"], step["timeout_s"])
            if step["expect"] == "created":
                assert answer == Done(id=name, amount=step["amount"])
            else:
                assert step["expect"] == "exceeds_credits"
                assert isinstance(answer, Refusal)
                assert answer.code == "insufficient_credit"
        case "hold_up_to":
            assert sequence.hold(name, step["amount"], 0, least=0).amount == step["held"]
        case "charge_up_to":
            charged_up_to(sequence, step)
        case "direct":
            assert ledger.do("user", Charge(id=name, charge=step["amount"])) == Done(
                id=name, amount=step["amount"]
            )
        case "settle":
            settled(sequence, step)
        case "void":
            answer = ledger.do("user", Release(id=step["hold"]))
            created = step["expect"] == "created"
            assert isinstance(answer, Done if created else Unknown | Mismatch), step


def settled(sequence, step):
    """Settle, and hold the answer against created, exists, exists with another amount."""
    ledger, name = sequence.ledger, step["hold"]
    held = sequence.balance.open.get(name)
    amount = held.amount if step["amount"] == "FULL" else step["amount"]
    answer = ledger.do("user", Settle(id=name, charge=amount))
    match step["expect"]:
        case "created":
            assert answer == Done(id=name, amount=step.get("posted_amount", amount))
        case "exists":
            assert answer == Done(id=name, amount=amount, replayed=True)
        case "exists_with_different_amount":
            assert isinstance(answer, Mismatch)


def charged_up_to(sequence, step):
    """Charge as much as there is: a reservation down to nothing, settled in full."""
    ledger, name = sequence.ledger, step["id"]
    held = sequence.hold(name, step["amount"], 0, least=0)
    if step["expect"] == "created":
        assert held.amount == step["charged"]
        assert ledger.do("user", Settle(id=name, charge=held.amount)).amount == held.amount
    else:
        assert held.replayed


def differently(sequence, step):
    """Carry out a step whose answer is ours, and return what was charged that they had refused."""
    ledger, before = sequence.ledger, sequence.balance.used_total
    name, amount = step.get("hold", step["id"]), step["amount"]
    match step["expect"]:
        case "pending_transfer_expired" | "pending_transfer_already_voided" if step["op"] == "settle":
            answer = ledger.do("user", Settle(id=name, charge=amount))
            assert answer.late == ("lapsed" if "expired" in step["expect"] else "released")
        case "exceeds_pending_transfer_amount" if step["op"] == "settle":
            _, _, answer = ledger.ask("user", Settle(id=name, charge=amount))
            assert answer == Done(id=name, amount=amount)
        case "pending_transfer_already_posted":
            assert ledger.do("user", Settle(id=name, charge=amount)).replayed
        case "id_already_failed":
            assert isinstance(ledger.ask("user", Charge(id=step["id"], charge=amount))[2], Done)
        case "pending_transfer_expired":
            assert ledger.do("user", Release(id=name)).replayed
        case _:
            pass  # What they refuse there has no way to be said to us.
    return sequence.balance.used_total - before


def pools(case):
    """Draw a target from pools in their order: lots of rising priority, one charge."""
    ledger = Ledger()
    ledger.open("user")
    for priority, (name, amount) in enumerate(case["pools"]):
        ledger.do("user", Grant(id=name, amount=amount, priority=priority))
    ledger.do("user", Charge(id="all", charge=case["target"]))
    taken = {entry.operation: entry.lots[0][0] for entry in ledger.entries("user") if entry.kind == "grant"}
    moves = dict(next(entry.lots for entry in ledger.journal if entry.kind == "charge"))
    assert {name: -moves[lot] for name, lot in taken.items()} == case["expect"]
    answer = ledger.ask("user", Charge(id="more", charge=sum(amount for _, amount in case["pools"])))[2]
    assert isinstance(answer, Refusal)


@pytest.mark.row("E5")
def test_stigg_s_worked_example_of_the_order_is_ours():
    found = table("vendor_documented")
    if not found:
        pytest.skip("the shared case tables are not beside the project")
    example = next(one for one in found["examples"] if one["id"] == "stigg-1")
    ledger = Ledger()
    ledger.open("user")
    days = sorted({grant["expires"] for grant in example["grants"]})
    ends = {day: ledger.now + nth * HOUR for nth, day in enumerate(days, 1)}
    for grant in example["grants"]:
        source = "purchase" if grant["category"] == "paid" else "bonus"
        priority, expires_at = grant["priority"], ends[grant["expires"]]
        given = {"source": source, "priority": priority, "expires_at": expires_at}
        ledger.do("user", Grant(id=grant["id"], amount=grant["balance"], **given))
    ledger.do("user", Charge(id="spend", charge=example["spend"]))
    names = {entry.lots[0][0]: entry.operation for entry in ledger.journal if entry.kind == "grant"}
    moves = next(entry.lots for entry in ledger.journal if entry.kind == "charge")
    assert [[names[lot], -change] for lot, change in moves] == example["expect_ledger"]


@pytest.mark.row("E2", "E5")
def test_other_documented_examples_are_ours():
    """stigg-2: overdraft, settled by the next grant; kong-2 and 3: all or a no; zuora-1: the rest expires."""
    ledger = Ledger()
    ledger.open("stigg-2")
    ledger.do("stigg-2", Grant(id="A", amount=10))
    ledger.do("stigg-2", Reserve(id="call", amount=10, least=10))
    assert ledger.do("stigg-2", Settle(id="call", charge=25)) == Done(id="call", amount=25, uncovered=15)
    assert ledger.balances["stigg-2"].available == -15
    ledger.do("stigg-2", Grant(id="B", amount=20))
    assert ledger.balances["stigg-2"].available == 5
    for name, credit, passes in (("kong-2", 100, True), ("kong-3", 40, False)):
        ledger.open(name)
        ledger.do(name, Grant(id=f"{name} grant", amount=credit))
        answer = ledger.do(name, Charge(id=f"{name} charge", charge=100))
        assert isinstance(answer, Done) is passes
    ledger.open("zuora-1")
    ledger.do("zuora-1", Grant(id="prepaid", amount=1_200, expires_at=ledger.now + HOUR))
    ledger.do("zuora-1", Charge(id="consumed", charge=800))
    ledger.now += HOUR
    seen = ledger.seen("zuora-1")[0].balance
    assert (seen.expired, seen.left) == (400, 0)


@pytest.mark.row("E1", "E8")
def test_litellm_s_budget_behaviours_are_ours():
    """ll-1 and 3: refused when used up, passing once raised; ll-2; ll-5 to ll-8: sums exact on all."""
    ledger, price = Ledger(), 37_500
    ledger.open("organisation")
    ledger.open("team", below="organisation")
    ledger.open("user", below="team")
    first = ledger.do("user", Charge(id="zero budget", charge=1))
    assert isinstance(first, Refusal)
    ledger.do("organisation", Grant(id="budget", amount=34 * price))
    for nth in range(34):
        assert isinstance(ledger.do("user", Charge(id=f"call {nth}", charge=price)), Done)
    assert [ledger.balances[name].used for name in ("user", "team", "organisation")] == [34 * price] * 3
    refused = ledger.do("user", Charge(id="one more", charge=price))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.short_by) == ("insufficient_credit", price)
    ledger.do("organisation", Adjust(id="raise", amount=3 * price))
    for nth in range(3):
        ledger.do("user", Reserve(id=f"again {nth}", amount=price, least=price))
        assert isinstance(ledger.do("user", Settle(id=f"again {nth}", charge=price)), Done)
    for nth in range(5):
        ledger.do("user", Reserve(id=f"failed {nth}", amount=0, least=0))
        ledger.do("user", Release(id=f"failed {nth}"))
    assert ledger.balances["organisation"].used == 37 * price


def test_the_page_names_every_difference_in_these_words():
    from tests.rules.test_cases_openmeter import DIFFERENT as IN_OPENMETER

    page = PAGE.read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(" `"): line for line in page.splitlines() if line.startswith("| ")}
    for case, why in (DIFFERENT | IN_OPENMETER).items():
        assert why in rows[case], case
    for name, part in (("openmeter_burndown", "cases"), ("tigerbeetle_two_phase", "sequences")):
        for param in cases(name, part):
            assert param.values[0] is None or param.values[0]["id"] in page
