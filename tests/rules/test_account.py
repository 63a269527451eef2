"""The account: its opening, its repeats, and amounts as large as they come. Scripts and laws say the rest."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import NOON, Ledger, check_laws
from tokenhouse.rules.amounts import AMOUNT_MAX
from tokenhouse.rules.operations import (
    Adjust,
    Amend,
    Charge,
    ClawBack,
    Done,
    Grant,
    Mismatch,
    Refund,
    Refusal,
    Release,
    Reserve,
    Settle,
    Touch,
)
from tokenhouse.rules.periods import FOREVER, MINUTE
from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.usage import Usage

MONTHLY = parse_plan({"name": "monthly", "signup": {"amount": 30}, "allowance": [{"amount": 100}]})


@pytest.mark.row("A6", "D3", "E5")
def test_an_account_opens_with_what_its_plan_gives():
    ledger = Ledger(MONTHLY)
    ledger.open("ann", "monthly")
    balance = ledger.balances["ann"]
    assert [entry.kind for entry in ledger.journal] == ["open", "signup", "allowance"]
    assert (balance.left, balance.version, balance.seq) == (130, 1, 3)
    assert [(lot.source, lot.expires_at) for lot in balance.lots] == [
        ("signup", FOREVER),
        ("allowance", balance.period_end_at),
    ]
    assert balance.due_at == balance.period_end_at
    check_laws(ledger)


def test_an_account_without_credit_of_its_own_opens_with_none_and_counts_the_same_periods():
    ledger = Ledger(MONTHLY)
    ledger.open("acme", "monthly")
    ledger.open("ann", "monthly", below="acme")
    assert [entry.kind for entry in ledger.entries("ann")] == ["open"]
    assert ledger.balances["ann"].period_end_at == ledger.balances["acme"].period_end_at
    ledger.now = ledger.balances["ann"].period_end_at
    ledger.do("ann", Touch(id="t"))
    assert [entry.kind for entry in ledger.entries("ann")] == ["open", "period"]
    assert ledger.balances["acme"].left == 130
    check_laws(ledger)


@given(st.lists(st.tuples(st.integers(1, 150), st.booleans()), min_size=1, max_size=8))
def test_what_a_plan_lets_an_account_hold_bounds_gifts_and_nothing_that_was_paid(grants):
    ledger = Ledger(parse_plan({"name": "small", "credit": {"maximum": 100}}))
    ledger.open("ann", "small")
    held = 0
    for nth, (amount, paid) in enumerate(grants):
        outcome = ledger.do("ann", Grant(id=f"g{nth}", amount=amount, paid=paid))
        fits = paid or held + amount <= 100
        assert isinstance(outcome, Done) if fits else outcome.code == "credit_maximum"
        held += amount if fits else 0
        assert ledger.balances["ann"].left == held
    check_laws(ledger)


REPEATS = [
    Reserve(id="r2", amount=10, least=5, tokens=3),
    Settle(id="r1", charge=90, usage=Usage(input=3)),
    Release(id="r1"),
    Charge(id="c2", charge=20),
    Charge(id="c3", charge=500, forced=True),
    Grant(id="g2", amount=15),
    ClawBack(id="x1", grant="g1", amount=40),
    Refund(id="b1", charge_of="c1", amount=7),
    Adjust(id="a1", amount=9),
    Adjust(id="a2", amount=-900),
    Amend(id="m1", state="suspended"),
    Amend(id="m2", plan="plain"),
]


@pytest.mark.row("E2")
@pytest.mark.parametrize("operation", REPEATS, ids=lambda one: f"{type(one).__name__} {one.id}")
def test_repeated_the_first_answer_comes_again_and_nothing_changes(operation):
    ledger = started()
    first = ledger.do("ann", operation)
    assert isinstance(first, Done)
    assert not first.replayed
    before = ledger.balances["ann"]
    assert ledger.do("ann", operation) == msgspec.structs.replace(first, replayed=True)
    assert ledger.balances["ann"] is before
    check_laws(ledger)


def started():
    ledger = Ledger(MONTHLY)
    ledger.open("ann", "monthly")
    ledger.do("ann", Grant(id="g1", amount=50, source="purchase"))
    ledger.do("ann", Charge(id="c1", charge=60))
    ledger.do("ann", Reserve(id="r1", amount=80, least=80))
    return ledger


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Settle(id="r1", charge=9), Settle(id="r1", charge=10)),
        (Settle(id="r1", charge=9), Release(id="r1")),
        (Charge(id="c2", charge=9), Charge(id="c2", charge=10)),
        (Grant(id="g2", amount=9), Grant(id="g2", amount=10)),
        (ClawBack(id="x", grant="g1", amount=9), ClawBack(id="x", grant="g1", amount=10)),
        (Refund(id="b", charge_of="c1", amount=9), Refund(id="b", charge_of="c1", amount=10)),
        (Adjust(id="a", amount=9), Adjust(id="a", amount=-9)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_repeated_with_another_payload_it_is_a_mismatch(first, second):
    ledger = started()
    ledger.do("ann", first)
    before = ledger.balances["ann"]
    assert isinstance(ledger.do("ann", second), Mismatch)
    assert ledger.balances["ann"] is before


@pytest.mark.row("E2", "E9")
@pytest.mark.parametrize(("debt", "owed", "written_off"), [("carry", 70, 0), ("forgive", 0, 70)])
def test_taking_back_what_was_spent_says_the_same_when_it_is_repeated(debt, owed, written_off):
    ledger = Ledger(parse_plan({"name": "p", "stop": {"debt": debt}}))
    ledger.open("ann", "p")
    ledger.do("ann", Grant(id="g", amount=100, source="purchase"))
    ledger.do("ann", Charge(id="c", charge=70))
    first = ledger.do("ann", ClawBack(id="x", grant="g", amount=100))
    assert first == Done(id="x", amount=100, uncovered=owed, written_off=written_off)
    again = ledger.do("ann", ClawBack(id="x", grant="g", amount=100))
    assert again == msgspec.structs.replace(first, replayed=True)
    assert (ledger.balances["ann"].debt, ledger.balances["ann"].bought) == (owed, 0)
    assert [entry.kind for entry in ledger.entries("ann")] == ["open", "grant", "charge", "claw_back"]
    check_laws(ledger)


def test_a_reservation_that_has_ended_still_answers_its_repeat():
    ledger = started()
    for end, name in ((Settle(id="r1", charge=9), "r1"), (Release(id="r2"), "r2")):
        ledger.do("ann", Reserve(id="r2", amount=10, least=10))
        held = ledger.balances["ann"].open[name].amount
        ledger.do("ann", end)
        again = ledger.do("ann", Reserve(id=name, amount=held, least=held))
        assert again == Done(id=name, amount=held, replayed=True)


def test_only_an_account_with_credit_of_its_own_takes_credit():
    ledger = started()
    ledger.open("bob", below="ann")
    for operation in (Grant(id="g", amount=5), Adjust(id="a", amount=5), Adjust(id="a", amount=-5)):
        answer = ledger.do("bob", operation)
        assert isinstance(answer, Refusal)
        assert answer.code == "no_own_credit"


def test_every_change_makes_one_new_version_of_each_account_on_the_path():
    ledger = started()
    ledger.open("bob", below="ann")

    def versions():
        return [ledger.balances[name].version for name in ("ann", "bob")]

    before = versions()
    ledger.do("bob", Charge(id="c", charge=1))
    assert versions() == [one + 1 for one in before]
    ledger.do("ann", Charge(id="own", charge=1))
    assert versions() == [before[0] + 2, before[1] + 1]
    ledger.do("bob", Charge(id="c", charge=1))
    ledger.do("bob", Charge(id="d", charge=9_999))
    assert versions() == [before[0] + 2, before[1] + 1], "a repeat and a no change nothing"


def test_what_is_given_without_a_rank_is_drawn_with_the_first():
    ledger = started()
    ledger.do("ann", Refund(id="b", charge_of="c1", amount=5))
    ledger.do("ann", Adjust(id="a", amount=5))
    assert {lot.source: lot.priority for lot in ledger.balances["ann"].lots} == dict.fromkeys(
        ("signup", "allowance", "purchase", "refund", "adjustment"), 0
    )


@pytest.mark.parametrize(
    ("amount", "left", "debt"), [(1, 51, 0), (-1, 49, 0), (-50, 0, 0), (-51, 0, 1), (-80, 0, 30)]
)
def test_a_correction_goes_up_as_a_lot_and_down_from_the_lots_then_into_debt(amount, left, debt):
    ledger = Ledger()
    ledger.open("ann")
    ledger.do("ann", Grant(id="g", amount=50))
    assert ledger.do("ann", Adjust(id="a", amount=amount)) == Done(id="a", amount=amount, uncovered=debt)
    balance = ledger.balances["ann"]
    assert (balance.left, balance.debt) == (left, debt)
    assert ledger.entries("ann")[-1].facts == ({"uncovered": debt} if debt else None)
    check_laws(ledger)


def test_a_change_of_state_alone_leaves_credit_as_it_is():
    ledger = started()
    before = ledger.balances["ann"]
    ledger.do("ann", Amend(id="m", state="suspended"))
    assert [(entry.kind, entry.facts) for entry in ledger.journal[before.seq :]] == [
        ("amend", {"state": ["active", "suspended"]})
    ]
    assert ledger.balances["ann"].lots == before.lots
    check_laws(ledger)


def test_limits_of_tokens_keep_what_was_reserved_where_nobody_says_what_was_used():
    plan = parse_plan({"name": "p", "limit": [{"what": "tokens", "amount": 100, "every": "forever"}]})
    ledger = Ledger(plan)
    ledger.open("ann", "p")
    for name, settle, used in (
        ("untold", Settle(id="untold", charge=0), 40),
        ("told", Settle(id="told", charge=0, usage=Usage(input=15)), 40),
        ("counted", Settle(id="counted", charge=0, tokens=15), 55),
    ):
        ledger.do("ann", Reserve(id=name, amount=0, least=0, tokens=40))
        ledger.do("ann", settle)
        assert ledger.balances["ann"].counters["tokens/forever"].used == used


@pytest.mark.parametrize("at", [NOON + 15 * MINUTE, NOON + 16 * MINUTE])
def test_a_reservation_lapses_at_its_very_instant(at):
    ledger = started()
    assert ledger.balances["ann"].lapses_at == NOON + 15 * MINUTE
    ledger.now = at
    assert ledger.seen("ann")[0].balance.held == 0
    ledger.now = NOON + 15 * MINUTE - 1
    assert ledger.seen("ann")[0].balance.held == 80


def test_amounts_as_large_as_they_come_are_exact():
    ledger = Ledger()
    ledger.open("ann")
    ledger.do("ann", Grant(id="g", amount=AMOUNT_MAX))
    ledger.do("ann", Reserve(id="r", amount=AMOUNT_MAX, least=AMOUNT_MAX))
    ledger.do("ann", Settle(id="r", charge=AMOUNT_MAX))
    balance = ledger.balances["ann"]
    assert (balance.left, balance.debt, balance.charged) == (0, 0, AMOUNT_MAX)
    check_laws(ledger)
