"""Lots: the order in which they are drawn, and that drawing takes what it says and no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.rules.balance import Balance, Lot
from tokenhouse.rules.lots import draw, keeps, spend_order, take
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import parse_plan

SOONEST = parse_plan({"name": "soonest"})
BOUGHT_FIRST = parse_plan({"name": "first", "spend": {"order": ["purchase", "bonus", "allowance"]}})


def holding(*lots):
    return Balance(account=1, plan="p", opened_at=0, lots=tuple(lots), left=sum(lot.left for lot in lots))


@pytest.mark.row("B1", "E5")
@pytest.mark.parametrize(
    ("plan", "lots", "order"),
    [
        (SOONEST, [Lot(1, 5, 5, "bonus", 1), Lot(2, 5, 5, "bonus", 0)], [2, 1]),
        (SOONEST, [Lot(1, 5, 5, "bonus", 0, FOREVER), Lot(2, 5, 5, "bonus", 0, 9)], [2, 1]),
        (SOONEST, [Lot(1, 5, 5, "purchase"), Lot(2, 5, 5, "bonus")], [2, 1]),
        (SOONEST, [Lot(2, 5, 5, "bonus"), Lot(1, 5, 5, "coupon")], [1, 2]),
        (SOONEST, [Lot(1, 5, 5, "purchase", 0, 9), Lot(2, 5, 5, "bonus", 0, 10)], [1, 2]),
        (BOUGHT_FIRST, [Lot(1, 5, 5, "allowance", 0, 9), Lot(2, 5, 5, "purchase", 7)], [2, 1]),
        (BOUGHT_FIRST, [Lot(1, 5, 5, "coupon", 0, 9), Lot(2, 5, 5, "allowance")], [2, 1]),
    ],
    ids=[
        "priority",
        "soonest end",
        "free before bought",
        "oldest",
        "end before kind",
        "bought first",
        "unnamed last",
    ],
)
def test_lots_are_drawn_in_order(plan, lots, order):
    assert [lot.id for lot in spend_order(lots, plan)] == order


lots_held = st.lists(
    st.builds(
        lambda left, more, source, priority, ends: (left, left + more, source, priority, ends),
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(["purchase", "bonus", "allowance"]),
        st.integers(0, 2),
        st.sampled_from([10, 20, FOREVER]),
    ),
    max_size=6,
).map(lambda rows: [Lot(nth, *row) for nth, row in enumerate(rows, 1)])


@given(lots=lots_held, amount=st.integers(0, 200), plan=st.sampled_from([SOONEST, BOUGHT_FIRST]))
def test_a_draw_takes_what_there_is_from_the_first_lots_in_order(lots, amount, plan):
    balance = holding(*lots)
    had, was = balance.left, {lot.id: lot.left for lot in lots}
    taken, moves = draw(balance, plan, amount)
    assert taken == min(amount, had) == -sum(change for _, change in moves)
    assert balance.left == had - taken == sum(lot.left for lot in balance.lots)
    order = [lot.id for lot in spend_order(lots, plan) if lot.left]
    assert [lot for lot, _ in moves] == order[: len(moves)]
    assert all(-change == was[lot] for lot, change in moves[:-1]), "each but the last is emptied"
    assert all(change < 0 for _, change in moves)
    if taken:
        assert all(keeps(lot) for lot in balance.lots)


@given(lots=lots_held, amount=st.integers(0, 200), wanted=st.integers(1, 7))
def test_a_take_takes_from_its_lot_alone(lots, amount, wanted):
    balance = holding(*lots)
    had, others = balance.left, [lot for lot in lots if lot.id != wanted and keeps(lot)]
    taken, moves = take(balance, wanted, amount)
    assert taken == min(amount, next((lot.left for lot in lots if lot.id == wanted), 0))
    assert moves == (((wanted, -taken),) if taken else ())
    assert balance.left == had - taken
    assert [lot for lot in balance.lots if lot.id != wanted and keeps(lot)] == others


def test_an_emptied_allowance_stays_listed_for_its_amount_says_what_it_was():
    balance = holding(Lot(1, 5, 9, "allowance", 0, 10), Lot(2, 5, 5, "bonus", 1))
    draw(balance, SOONEST, 10)
    assert balance.lots == (Lot(1, 0, 9, "allowance", 0, 10),)
