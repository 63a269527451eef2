"""Restore: what a refund took back comes again as if it had never been asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.rules.account import apply, opened
from tokenhouse.rules.balance import Balance, Entry
from tokenhouse.rules.operations import Charge, ClawBack, Done, Grant, Operation, Refusal, Restore, Unknown
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.verdict import Member

pytestmark = pytest.mark.row("E9")

NOW = 1_700_000_000_000_000
UNIT = {"name": "point", "symbol": "P", "decimals": 0}
PLANS = {
    debt: parse_plan({"name": debt, "unit": UNIT, "stop": {"debt": debt}}) for debt in ("carry", "forgive")
}


class Book:
    """One account and its journal."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.balance, self.entries = opened(1, plan, NOW)

    def do(self, operation: Operation, now: int = NOW) -> object:
        ended = [one for one in self.entries if one.operation == "order"]
        [self.balance], more, outcome = apply([Member(self.balance, self.plan)], operation, now, ended)
        self.entries += more
        return outcome

    def bought(self, amount: int, source: str = "purchase", **terms: int) -> None:
        self.do(Grant(id="order", amount=amount, source=source, paid=True, **terms))


def figures(one: Balance) -> tuple[int, ...]:
    return one.left, one.debt, one.bought, one.used_total


def law(one: Balance) -> bool:
    conserved = one.granted == one.left + one.drawn + one.expired + one.clawed
    return conserved and one.charged == one.drawn + one.debt + one.forgiven and not (one.debt and one.left)


@given(
    debt=st.sampled_from(["carry", "forgive"]),
    credit=st.integers(1, 1_000),
    spent=st.integers(0, 1_000),
    asked=st.lists(st.integers(1, 400), min_size=1, max_size=4),
    again=st.integers(1, 1_000),
)
def test_an_account_is_as_if_only_the_rest_had_been_taken_back(
    debt: str, credit: int, spent: int, asked: list[int], again: int
):
    book, other = Book(PLANS[debt]), Book(PLANS[debt])
    for one in (book, other):
        one.bought(credit)
        if 0 < spent <= credit:
            one.do(Charge(id="call", charge=spent))
    taken = 0
    for nth, amount in enumerate(asked):
        if taken + amount <= credit:
            assert isinstance(book.do(ClawBack(id=f"claw {nth}", grant="order", amount=amount)), Done)
            taken += amount
    again = min(again, taken)
    if not again:
        return
    outcome = book.do(Restore(id="restore", grant="order", amount=again))
    assert outcome == Done(id="restore", amount=again)
    if taken > again:
        other.do(ClawBack(id="claw", grant="order", amount=taken - again))
    assert figures(book.balance) == figures(other.balance)
    assert law(book.balance)
    before = book.balance
    repeat = book.do(Restore(id="restore", grant="order", amount=again))
    assert (repeat, book.balance) == (Done(id="restore", amount=again, replayed=True), before)
    rest = credit - taken + again
    assert isinstance(book.do(ClawBack(id="last", grant="order", amount=rest)), Done)
    other.do(ClawBack(id="last", grant="order", amount=rest))
    assert figures(book.balance) == figures(other.balance)
    assert law(book.balance)


def test_what_was_not_taken_back_cannot_come_again():
    book = Book(PLANS["carry"])
    assert book.do(Restore(id="r", grant="order", amount=1)) == Unknown(id="order", what="grant")
    book.bought(100, "bonus")
    book.do(ClawBack(id="c", grant="order", amount=40))
    no = book.do(Restore(id="r", grant="order", amount=41))
    assert isinstance(no, Refusal)
    assert (no.code, no.short_by) == ("more_than_given", 1)
    book.do(Restore(id="r", grant="order", amount=40))
    assert figures(book.balance) == (100, 0, 0, 0)


def test_credit_that_has_ended_meanwhile_comes_again_and_ends():
    book = Book(PLANS["carry"])
    book.bought(100, expires_at=NOW + 10)
    book.do(ClawBack(id="c", grant="order", amount=100))
    book.do(Restore(id="r", grant="order", amount=100), NOW + 20)
    assert (book.balance.left, book.balance.expired) == (0, 100)
    kinds = [(one.kind, one.amount) for one in book.entries[-2:]]
    assert kinds == [("claw_back", 100), ("expire", -100)]
    assert all(isinstance(one, Entry) for one in book.entries)
