"""Trees: a company pays for its teams and users; every level is checked and counted in the same step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger import NOON, Ledger, check_laws
from tokenhouse.rules.operations import Charge, Done, Grant, Refund, Refusal, Release, Reserve, Settle, Touch
from tokenhouse.rules.periods import MINUTE
from tokenhouse.rules.plans import parse_plan

CREW = parse_plan({"name": "crew", "limit": [{"what": "credit", "amount": 100, "every": "forever"}]})


def company(credit=1_000, plan="plain"):
    ledger = Ledger(CREW)
    ledger.open("acme")
    ledger.open("team", plan, below="acme")
    for name in ("ann", "bob"):
        ledger.open(name, below="team")
    ledger.do("acme", Grant(id="credit", amount=credit))
    return ledger


@pytest.mark.row("E8")
def test_the_payer_is_charged_and_all_others_on_the_path_count_the_use():
    ledger = company()
    ledger.do("ann", Charge(id="c", charge=30))
    kinds = {name: ledger.entries(name)[-1] for name in ("ann", "team", "acme", "bob")}
    assert {name: entry.kind for name, entry in kinds.items()} == {
        "ann": "use",
        "team": "use",
        "acme": "charge",
        "bob": "open",
    }
    assert [kinds[name].charge for name in ("ann", "team", "acme")] == [30, 30, 30]
    assert [kinds[name].amount for name in ("ann", "team", "acme")] == [0, 0, -30]
    assert [ledger.balances[name].used for name in ("ann", "team", "acme", "bob")] == [30, 30, 30, 0]
    check_laws(ledger)


@pytest.mark.row("E1", "E8")
@given(
    asked=st.lists(
        st.tuples(st.sampled_from(["ann", "bob", "team", "acme"]), st.integers(1, 60)), max_size=20
    )
)
def test_no_more_is_held_than_company_and_team_have(asked):
    ledger = company(credit=150, plan="crew")
    held = {"acme": 0, "team": 0}
    for nth, (name, amount) in enumerate(asked):
        below_team = name != "acme"
        fits = held["acme"] + amount <= 150 and not (below_team and held["team"] + amount > 100)
        answer = ledger.do(name, Reserve(id=f"r{nth}", amount=amount, least=amount))
        assert isinstance(answer, Done if fits else Refusal)
        if fits:
            held["acme"] += amount
            held["team"] += amount * below_team
    assert ledger.balances["acme"].held == held["acme"]
    check_laws(ledger)


@pytest.mark.row("E3")
def test_what_lapses_below_comes_back_to_the_payer_when_its_account_is_touched():
    ledger = company(credit=50)
    ledger.do("ann", Reserve(id="r", amount=50, least=50))
    ledger.now = NOON + 15 * MINUTE
    assert isinstance(ledger.do("bob", Reserve(id="s", amount=1, least=1)), Refusal)
    ledger.do("ann", Touch(id="t"))
    assert ledger.do("bob", Reserve(id="s", amount=50, least=50)) == Done(id="s", amount=50)
    check_laws(ledger)


def test_the_first_no_of_the_way_up_names_its_account():
    ledger = company(credit=500, plan="crew")
    answer = ledger.do("ann", Reserve(id="r", amount=101, least=101))
    assert (answer.code, answer.account, answer.short_by) == (
        "limit_reached",
        ledger.balances["team"].account,
        1,
    )
    answer = ledger.do("acme", Reserve(id="r", amount=501, least=501))
    assert (answer.code, answer.account, answer.short_by) == (
        "insufficient_credit",
        ledger.balances["acme"].account,
        1,
    )


def test_an_overrun_below_says_the_same_when_it_is_repeated():
    ledger = company(credit=10)
    ledger.do("ann", Reserve(id="r", amount=10, least=10))
    first = ledger.do("ann", Settle(id="r", charge=25))
    assert first.uncovered == 15
    assert ledger.do("ann", Settle(id="r", charge=25)).uncovered == 15
    assert ledger.balances["acme"].debt == 15
    check_laws(ledger)


def test_a_refund_below_gives_the_credit_back_to_who_paid():
    ledger = company(credit=100)
    ledger.do("ann", Charge(id="c", charge=60))
    ledger.do("ann", Refund(id="b", charge_of="c", amount=25))
    assert ledger.balances["acme"].left == 65
    assert [ledger.balances[name].used for name in ("ann", "team", "acme")] == [35, 35, 35]
    assert ledger.entries("ann")[-1].kind == "unuse"
    check_laws(ledger)


def test_a_release_below_frees_what_the_payer_held():
    ledger = company(credit=100)
    ledger.do("ann", Reserve(id="r", amount=60, least=60))
    ledger.do("ann", Release(id="r"))
    assert ledger.balances["acme"].held == 0
    check_laws(ledger)
