"""Allowances: at which instant they come, what several bring together, and what a change of plan leaves."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies as draws
from tests.ledger import NOON, Ledger, check_laws
from tokenhouse.rules.balance import PURCHASE
from tokenhouse.rules.operations import Amend, Charge, Done, Grant, Reserve, Settle, Touch
from tokenhouse.rules.periods import DAY, FOREVER, HOUR, MINUTE, instant
from tokenhouse.rules.plans import parse_plan


def at(text, zone="UTC"):
    """Return the instant of a local date and time."""
    return instant(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def on(*allowances, now=NOON, **more):
    """Return a ledger with `ann` on a plan of these allowances: amount, period, and what else they say."""
    terms = [{"amount": amount, "every": every, **given} for amount, every, given in allowances]
    ledger = Ledger(parse_plan({"name": "p", "allowance": terms, **more}), now=now)
    ledger.open("ann", "p")
    return ledger


def left(ledger, now=None):
    """Return what `ann` has left, now or later, without touching the account."""
    ledger.now = now or ledger.now
    return ledger.seen("ann")[0].balance.left


CALENDAR, BIRTHDAY = {"anchor": "calendar"}, {"anchor": "anniversary"}
COMES = {
    "months end": ("month", CALENDAR, "UTC", "2027-01-31T23:59", ["2027-02-01", "2027-03-01", "2027-04-01"]),
    "a leap February": ("month", CALENDAR, "Asia/Seoul", "2028-02-28T12:00", ["2028-03-01", "2028-04-01"]),
    "a year's end": ("week", CALENDAR, "UTC", "2026-12-31T12:00", ["2027-01-04", "2027-01-11"]),
    "quarters": ("quarter", CALENDAR, "UTC", "2026-11-21T03:00", ["2027-01-01", "2027-04-01", "2027-07-01"]),
    "leap years": ("year", CALENDAR, "Asia/Seoul", "2027-12-31T23:59", ["2028-01-01", "2029-01-01"]),
    "opened on the 31st": (
        "month", BIRTHDAY, "UTC", "2027-01-31T10:00",
        ["2027-02-28T10:00", "2027-03-31T10:00", "2027-04-30T10:00", "2027-05-31T10:00"],
    ),
    "opened on the 31st of a leap year": (
        "month", BIRTHDAY, "Asia/Seoul", "2028-01-31T10:00", ["2028-02-29T10:00", "2028-03-31T10:00"],
    ),
    "opened on a leap day": (
        "year", BIRTHDAY, "UTC", "2028-02-29T08:00",
        ["2029-02-28T08:00", "2030-02-28T08:00", "2031-02-28T08:00", "2032-02-29T08:00"],
    ),
    "a day of 23 hours": (
        "day", CALENDAR, "America/New_York", "2027-03-13T12:00", ["2027-03-14", "2027-03-15", "2027-03-16"],
    ),
    "a day of 25 hours": (
        "day", CALENDAR, "America/New_York", "2027-11-06T12:00", ["2027-11-07", "2027-11-08", "2027-11-09"],
    ),
    "an hour that clocks leave out": (
        "day", BIRTHDAY, "America/New_York", "2027-03-13T02:30",
        ["2027-03-14T03:00", "2027-03-15T02:30"],
    ),
    "an hour that comes twice": (
        "day", BIRTHDAY, "America/New_York", "2027-11-06T01:30",
        ["2027-11-07T01:30", "2027-11-08T01:30"],
    ),
    "a day without midnight": (
        "day", CALENDAR, "Africa/Cairo", "2027-04-29T12:00", ["2027-04-30T01:00", "2027-05-01"],
    ),
}  # fmt: skip


@pytest.mark.row("B1", "B7", "E5")
@pytest.mark.parametrize(("every", "anchor", "zone", "opened", "comes"), COMES.values(), ids=COMES)
def test_an_allowance_comes_at_its_instant_and_not_a_microsecond_before(every, anchor, zone, opened, comes):
    ledger = on((100, every, {**anchor, "time_zone": zone}), now=at(opened, zone))
    for spent, instant_of_it in enumerate((at(one, zone) for one in comes), 1):
        ledger.do("ann", Charge(id=f"c{spent}", charge=spent))
        assert ledger.balances["ann"].due_at == ledger.balances["ann"].period_end_at == instant_of_it
        assert left(ledger, instant_of_it - 1) == 100 - spent
        assert left(ledger, instant_of_it) == 100
        ledger.do("ann", Touch(id=f"t{spent}"))
    check_laws(ledger)


def test_an_allowance_that_came_at_its_very_instant_does_not_come_again():
    ledger = on((100, "month", {}))
    ledger.now = at("2026-12-01")
    ledger.do("ann", Grant(id="g", amount=9, expires_at=ledger.now + HOUR))
    assert left(ledger) == 109
    assert left(ledger, ledger.now + HOUR) == 100
    ledger.do("ann", Touch(id="t"))
    check_laws(ledger)


@pytest.mark.parametrize("rollover", [500, Decimal("1.0")])
def test_what_else_ends_with_the_month_does_not_roll_over(rollover):
    ledger = on((100, "month", {"rollover": rollover}))
    ledger.do("ann", Grant(id="g", amount=30, expires_at=at("2026-12-01")))
    assert left(ledger) == 130
    assert left(ledger, at("2026-12-01")) == 200


def test_only_the_first_allowance_s_end_begins_a_period():
    """Days end and lots end within a month: what was used of the month stays used."""
    ledger = on((100, "month", {}), (5, "day", {"priority": 1}))
    ledger.do("ann", Grant(id="g", amount=9, expires_at=NOON + HOUR))
    ledger.do("ann", Charge(id="c", charge=30))
    for now in (NOON + HOUR, at("2026-11-22"), at("2026-11-30")):
        ledger.now = now
        ledger.do("ann", Touch(id=f"t{now}"))
        assert (ledger.balances["ann"].used, ledger.balances["ann"].period_end_at) == (30, at("2026-12-01"))
    ledger.now = at("2026-12-01")
    ledger.do("ann", Touch(id="end"))
    assert ledger.balances["ann"].used == 0
    assert [entry.kind for entry in ledger.journal].count("period") == 1
    check_laws(ledger)


@pytest.mark.parametrize(
    ("spent", "kinds"),
    [(100, ["period", "allowance"]), (99, ["expire", "period", "allowance"])],
)
def test_an_allowance_ends_with_a_line_only_where_something_is_left_of_it(spent, kinds):
    ledger = on((100, "month", {}), stop={"debt": "forgive"})
    ledger.do("ann", Charge(id="c", charge=spent))
    ledger.now = at("2026-12-01")
    ledger.do("ann", Touch(id="t"))
    assert [entry.kind for entry in ledger.journal[3:]] == kinds


def test_an_hour_is_an_hour_while_clocks_change():
    """Between midnight and midnight of New York lie 25 hours: 25 allowances, none skipped, none doubled."""
    start, end = at("2027-11-07", "America/New_York"), at("2027-11-08", "America/New_York")
    ledger = on((10, "hour", {"time_zone": "America/New_York"}), now=start)
    for now in range(start, end, 30 * MINUTE):
        ledger.now = now
        ledger.do("ann", Charge(id=f"c{now}", charge=5))
    assert ledger.balances["ann"].granted == 25 * 10
    assert ledger.balances["ann"].drawn == 50 * 5
    check_laws(ledger)


@pytest.mark.row("E5")
@pytest.mark.parametrize(
    ("now", "month", "week", "day"),
    [
        ("2026-11-21T03:00", 90, 20, 5),
        ("2026-11-21T23:59", 90, 20, 5),
        ("2026-11-22T00:00", 90, 20, 2 + 5),
        ("2026-11-23T00:00", 90, 20, 2 + 5),
        ("2026-11-30T23:59", 90, 20, 2 + 5),
        ("2026-12-01T00:00", 30 + 100, 20, 2 + 5),
        ("2027-01-01T00:00", 30 + 100, 20, 2 + 5),
        ("2028-02-29T00:00", 30 + 100, 20, 2 + 5),
    ],
)
def test_several_allowances_each_keep_their_own_time_and_roll_over(now, month, week, day):
    """A month's rolls over up to 30, a week's not at all, a day's by a share of 0.4: 2 of 5, and 2 of 7."""
    ledger = on(
        (100, "month", {"rollover": 30}),
        (20, "week", {"priority": 1}),
        (5, "day", {"priority": 2, "rollover": Decimal("0.4")}),
    )
    ledger.do("ann", Charge(id="c", charge=10))
    for looked in (False, True):
        ledger.now = at(now)
        lots = ledger.seen("ann")[0].balance.lots
        assert [sum(lot.left for lot in lots if lot.priority == one) for one in range(3)] == [
            month,
            week,
            day,
        ]
        if not looked:
            for look in range(NOON, at(now), max((at(now) - NOON) // 7, 1)):
                ledger.now = look
                ledger.do("ann", Touch(id=f"t{look}"))
    check_laws(ledger)


@pytest.mark.row("B1", "E5")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    document=draws.plan_documents(name="p", allowances_max=3),
    used=st.integers(0, 300),
    looks=st.lists(st.integers(0, 300), max_size=6),
    days=st.integers(0, 300),
)
def test_several_allowances_are_the_same_whether_somebody_looked_or_not(document, used, looks, days):
    plan = parse_plan({**document, "limit": []})
    found = []
    for seen in (sorted(look for look in looks if look <= days), []):
        ledger = Ledger(plan)
        ledger.open("ann", "p")
        ledger.do("ann", Charge(id="c", charge=min(used, ledger.balances["ann"].left)))
        for look in seen:
            ledger.now = NOON + look * DAY
            ledger.do("ann", Touch(id=f"t{look}"))
        ledger.now = NOON + days * DAY + HOUR
        balance = ledger.seen("ann")[0].balance
        lots = sorted(
            (lot.left, lot.source, lot.priority, lot.expires_at) for lot in balance.lots if lot.left
        )
        found.append((lots, balance.left, balance.used, balance.period_end_at, balance.due_at))
        check_laws(ledger)
    assert found[0] == found[1]


@pytest.mark.row("D3")
def test_what_sign_up_gave_comes_once_and_never_ends():
    ledger = on((100, "month", {}), signup={"amount": 30})
    ledger.plans["q"] = parse_plan({"name": "q", "signup": {"amount": 500}})
    for months in (1, 2, 50):
        assert left(ledger, NOON + months * 31 * DAY) == 130
        ledger.do("ann", Touch(id=f"t{months}"))
    ledger.do("ann", Amend(id="m", plan="q"))
    assert [(lot.source, lot.left, lot.expires_at) for lot in ledger.balances["ann"].lots] == [
        ("signup", 30, FOREVER)
    ]
    assert left(ledger, NOON + 4_000 * DAY) == 30
    check_laws(ledger)


MONTH, WEEK, DAILY = (
    {"amount": 100, "every": "month"},
    {"amount": 40, "every": "week", "priority": 1},
    {"amount": 7, "every": "day", "priority": 2},
)
CHANGES = {
    "the same again": ([MONTH], 60, [MONTH], [40], "2026-12-01"),
    "more": ([MONTH], 60, [{"amount": 1_000}], [940], "2026-12-01"),
    "less": ([MONTH], 60, [{"amount": 70}], [10], "2026-12-01"),
    "more, all being spent": ([MONTH], 100, [{"amount": 1_000}], [900], "2026-12-01"),
    "less than was spent": ([MONTH], 60, [{"amount": 60}], [], "2026-12-01"),
    "by the day": ([MONTH], 4, [DAILY], [3], "2026-11-22"),
    "by the year": ([DAILY], 5, [{"amount": 90, "every": "year"}], [85], "2027-01-01"),
    "one of two, in their order": ([MONTH], 60, [MONTH, WEEK], [40, 40], "2026-12-01"),
    "two of three": ([{"amount": 200}], 110, [MONTH, WEEK, DAILY], [30, 7], "2026-12-01"),
    "two for one": ([MONTH, WEEK], 120, [{"amount": 300}], [180], "2026-12-01"),
    "none any more": ([MONTH], 60, [], [], None),
    "none any more, nothing being spent": ([MONTH], 0, [], [], None),
    "the first": ([], 0, [WEEK], [40], "2026-11-23"),
}


@pytest.mark.row("E5")
@pytest.mark.parametrize(("old", "spent", "new", "lots", "ends"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_plan_gives_the_new_allowances_less_what_was_spent(old, spent, new, lots, ends):
    ledger = Ledger(
        *(parse_plan({"name": name, "allowance": one}) for name, one in (("old", old), ("new", new)))
    )
    ledger.open("ann", "old")
    ledger.do("ann", Charge(id="c", charge=spent))
    ledger.do("ann", Grant(id="g", amount=11, source=PURCHASE))
    ledger.now += HOUR
    ledger.do("ann", Amend(id="m", plan="new"))
    balance = ledger.balances["ann"]
    assert [lot.left for lot in balance.lots if lot.left and lot.source == "allowance"] == lots
    assert [lot.left for lot in balance.lots if lot.source == PURCHASE] == [11]
    assert balance.used == spent
    assert balance.period_end_at == (at(ends) if ends else FOREVER)
    check_laws(ledger)
    assert balance.due_at == min(balance.period_end_at, *(lot.expires_at for lot in balance.lots))
    assert all(entry.amount for entry in ledger.journal if entry.kind == "expire"), "no line for nothing"
    assert all(change for entry in ledger.journal for _, change, *_ in entry.lots), "no move of nothing"
    left_before = balance.left
    ledger.do("ann", Amend(id="back", plan="old"))
    ledger.do("ann", Amend(id="forth", plan="new"))
    assert ledger.balances["ann"].left == left_before, "to and fro yields nothing"
    check_laws(ledger)


def test_a_change_of_plan_gives_nothing_to_an_account_that_draws_on_another():
    ledger = on((100, "month", {}), (5, "day", {"priority": 1}))
    ledger.open("bob", "p", below="ann")
    ledger.do("bob", Amend(id="m", plan="p"))
    bob = ledger.balances["bob"]
    assert bob.lots == ()
    assert bob.due_at == bob.period_end_at == at("2026-12-01"), "nor do the days of an allowance wake it"
    assert [entry.kind for entry in ledger.entries("bob")] == ["open", "amend"]
    check_laws(ledger)


def test_an_allowance_that_was_spent_before_it_came_comes_again_in_its_time():
    """110 were spent: more than a month's 100 and a day's 7; tomorrow there are 7 again."""
    ledger = on((200, "month", {}))
    ledger.plans["q"] = parse_plan({"name": "q", "allowance": [MONTH, DAILY]})
    ledger.do("ann", Charge(id="c", charge=110))
    ledger.do("ann", Amend(id="m", plan="q"))
    assert (left(ledger), ledger.balances["ann"].due_at) == (0, at("2026-11-22"))
    assert left(ledger, at("2026-11-22")) == 7
    check_laws(ledger)


def test_a_change_of_plan_ends_what_was_rolled_over_too():
    """50 of 100 lived on into the new month; 60 of 150 are spent; 1,000 then come less 60."""
    ledger = on((100, "month", {"rollover": 50}))
    ledger.plans["q"] = parse_plan({"name": "q", "allowance": [{"amount": 1_000}]})
    ledger.now = at("2026-12-15")
    ledger.do("ann", Charge(id="c", charge=60))
    assert ledger.balances["ann"].left == 90
    ledger.do("ann", Amend(id="m", plan="q"))
    assert ledger.balances["ann"].left == 940
    check_laws(ledger)


def test_a_change_of_plan_repays_what_is_owed():
    ledger = on((100, "month", {}))
    ledger.plans["q"] = parse_plan({"name": "q", "allowance": [{"amount": 1_000}]})
    ledger.do("ann", Reserve(id="r", amount=100, least=100))
    ledger.do("ann", Settle(id="r", charge=170))
    ledger.do("ann", Amend(id="m", plan="q"))
    balance = ledger.balances["ann"]
    assert (balance.left, balance.debt, balance.used) == (1_000 - 100 - 70, 0, 170)
    check_laws(ledger)


@pytest.mark.row("E5")
@pytest.mark.parametrize("back", [1, MINUTE, DAY, 31 * DAY, 400 * DAY, 5_000 * DAY])
def test_a_clock_set_back_takes_nothing_and_gives_nothing_twice(back):
    ledger = on((100, "month", {"rollover": 50}), (7, "day", {"priority": 1}))
    ledger.do("ann", Charge(id="c1", charge=30))
    ledger.now = now = at("2026-12-01")
    ledger.do("ann", Charge(id="c2", charge=20))
    before = ledger.balances["ann"]
    assert before.left == 50 + 100 + 7 - 20
    ledger.now = now - back
    assert ledger.do("ann", Touch(id="t1")).replayed
    assert ledger.do("ann", Charge(id="c3", charge=5)) == Done(id="c3", amount=5)
    ledger.do("ann", Amend(id="m", plan="p"))
    balance = ledger.balances["ann"]
    assert (balance.left, balance.used) == (100 - 25 + 7, 25), "what rolled over ended with the change"
    assert (balance.rolled_at, balance.due_at) == (now, at("2026-12-02"))
    assert (balance.period_start_at, balance.period_end_at) == (now, at("2027-01-01"))
    ledger.now = now + DAY - 1
    assert ledger.do("ann", Touch(id="t2")).replayed
    check_laws(ledger)
