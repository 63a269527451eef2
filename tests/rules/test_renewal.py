"""Renewal: what the clock alone changes, the same whether somebody looked in between or not."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies as draws
from tests.ledger import NOON, Ledger, check_laws
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.operations import Charge, Grant, Reserve, Settle, Touch
from tokenhouse.rules.periods import DAY, HOUR, MINUTE
from tokenhouse.rules.plans import Allowance, parse_plan
from tokenhouse.rules.renewal import carried_over, ends_between


@pytest.mark.row("E5")
@pytest.mark.parametrize(
    ("rollover", "left", "ends", "carried"),
    [
        (0, 70, 1, 0),
        (0, 70, 9, 0),
        (150, 70, 1, 70),
        (150, 170, 1, 150),
        (150, 10, 2, 110),
        (150, 10, 3, 150),
        ("0.5", 70, 1, 35),
        ("0.5", 71, 1, 35),
        ("0.5", 70, 2, 67),
        ("0.5", 0, 100, 99),
        ("1.0", 5, 4, 305),
    ],
)
def test_what_is_carried_over(rollover, left, ends, carried):
    share = Decimal(rollover) if isinstance(rollover, str) else rollover
    plan = parse_plan({"name": "p", "allowance": [{"amount": 100, "rollover": share}]})
    assert carried_over(plan.allowance[0], left, ends) == carried


@pytest.mark.parametrize(
    ("every", "passed", "ends"),
    [
        ("minute", 59_999_999, 0),
        ("minute", 60_000_000, 1),
        ("minute", 400 * DAY, 400 * 24 * 60),
        ("hour", HOUR, 1),
        ("day", 12 * HOUR, 0),
        ("day", 400 * DAY, 400),
        ("month", 400 * DAY, 13),
        ("month", -DAY, 0),
        ("forever", 400 * DAY, 0),
    ],
)
def test_ends_are_counted(every, passed, ends):
    plan = parse_plan({"name": "p", "allowance": [{"amount": 1, "every": every}]})
    balance = Balance(account=1, plan="p", opened_at=NOON)
    assert ends_between(balance, plan, Allowance(amount=1, every=every), NOON, NOON + passed) == ends


def what_counts(ledger):
    """Return what an account has, without the totals of what came and went unseen: they are net."""
    balance = ledger.seen("one")[0].balance
    lots = sorted((lot.left, lot.source, lot.priority, lot.expires_at) for lot in balance.lots if lot.left)
    names = (
        "left",
        "debt",
        "held",
        "used",
        "used_total",
        "charged",
        "turns",
        "period_start_at",
        "period_end_at",
    )
    return {name: getattr(balance, name) for name in names} | {"lots": lots, "open": balance.open}


@pytest.mark.row("B1", "C8", "E5")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    document=draws.plan_documents(name="drawn", allowances_max=1),
    used=st.integers(0, 500),
    held=st.integers(0, 50),
    gift=st.tuples(st.integers(1, 100), st.integers(1, 900)),
    looks=st.lists(st.integers(0, 900), max_size=8),
    days=st.integers(0, 900),
    zone=st.sampled_from(["", "America/New_York"]),
)
def test_an_account_has_the_same_whether_somebody_looked_or_not(
    document, used, held, gift, looks, days, zone
):
    plan = parse_plan({**document, "limit": [], "reserve": {"lapse_after": "3000d"}})
    watched, unseen = Ledger(plan), Ledger(plan)
    for ledger in (watched, unseen):
        ledger.open("one", "drawn", zone=zone)
        ledger.do("one", Grant(id="g", amount=gift[0], expires_at=NOON + gift[1] * DAY))
        ledger.do("one", Reserve(id="r", amount=0, least=0))
        ledger.do("one", Settle(id="r", charge=used))
        ledger.do("one", Reserve(id="open", amount=held, least=0))
    for look in sorted(looks):
        if look <= days:
            watched.now = NOON + look * DAY + look * MINUTE
            watched.do("one", Touch(id=f"look {look}"))
    watched.now = unseen.now = NOON + days * DAY + 23 * HOUR
    assert what_counts(watched) == what_counts(unseen)
    for ledger in (watched, unseen):
        ledger.do("one", Touch(id="end"))
        check_laws(ledger)


@pytest.mark.row("E5")
def test_several_allowances_of_an_idle_account_come_once_each():
    plan = parse_plan(
        {
            "name": "both",
            "allowance": [
                {"amount": 100, "every": "month", "rollover": 30},
                {"amount": 7, "every": "day", "priority": 1},
            ],
        }
    )
    ledger = Ledger(plan)
    ledger.open("one", "both")
    ledger.do("one", Charge(id="c", charge=90))
    assert ledger.balances["one"].left == 17
    ledger.now = NOON + 200 * DAY
    ledger.do("one", Touch(id="t"))
    assert ledger.balances["one"].left == 30 + 100 + 7
    assert [entry.kind for entry in ledger.entries("one")[-5:]] == [
        "expire",
        "period",
        "rollover",
        "allowance",
        "allowance",
    ]
    check_laws(ledger)


def test_several_allowances_repay_debt_together():
    """Ten days of 7 and no month's end in between: 70 of 200 are repaid, then nothing is carried over."""
    plan = parse_plan(
        {
            "name": "both",
            "allowance": [{"amount": 7, "every": "day"}, {"amount": 50, "every": "week", "priority": 1}],
        }
    )
    ledger = Ledger(plan)
    ledger.open("one", "both")
    ledger.do("one", Reserve(id="r", amount=57, least=57))
    ledger.do("one", Settle(id="r", charge=257))
    assert ledger.balances["one"].debt == 200
    ledger.now = NOON + 10 * DAY
    ledger.do("one", Touch(id="t"))
    balance = ledger.balances["one"]
    assert balance.debt == 200 - 10 * 7 - 2 * 50
    assert balance.due_at == min(lot.expires_at for lot in balance.lots) > ledger.now, "nothing is overdue"
    check_laws(ledger)


def test_an_allowance_whose_periods_have_not_ended_repays_nothing():
    plan = parse_plan(
        {
            "name": "both",
            "allowance": [{"amount": 7, "every": "day"}, {"amount": 50, "every": "year", "priority": 1}],
        }
    )
    ledger = Ledger(plan)
    ledger.open("one", "both")
    ledger.do("one", Reserve(id="r", amount=57, least=57))
    ledger.do("one", Settle(id="r", charge=100))
    ledger.now = NOON + 2 * DAY
    ledger.do("one", Touch(id="t"))
    assert ledger.balances["one"].debt == 43 - 2 * 7


def test_a_touch_before_anything_is_due_changes_nothing():
    ledger = Ledger()
    ledger.open("one")
    ledger.now += 1
    before = ledger.balances["one"]
    assert ledger.do("one", Touch(id="t")).replayed
    assert ledger.balances["one"] is before


def test_an_account_that_was_due_for_nothing_is_due_no_more():
    """A lot was spent before its end: then nothing happens, and upkeep must not come back for it."""
    ledger = Ledger()
    ledger.open("one")
    ledger.do("one", Grant(id="g", amount=5, expires_at=NOON + DAY))
    ledger.do("one", Charge(id="c", charge=5))
    ledger.now = NOON + DAY
    assert ledger.balances["one"].due_at == ledger.now
    ledger.do("one", Touch(id="t"))
    assert ledger.balances["one"].due_at > ledger.now
    check_laws(ledger)


def test_a_lot_that_ended_before_it_came_is_gone_at_once():
    ledger = Ledger()
    ledger.open("one")
    ledger.do("one", Grant(id="g", amount=5, expires_at=NOON))
    balance = ledger.balances["one"]
    assert (balance.left, balance.expired, balance.lots) == (0, 5, ())
    check_laws(ledger)
