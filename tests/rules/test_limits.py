"""Limits: which is full, by how much, until when; and what a call took in place of what it asked for."""

import pytest

from tokenhouse.rules import limits
from tokenhouse.rules.balance import Balance, Counter, Open
from tokenhouse.rules.operations import Refusal
from tokenhouse.rules.periods import DAY, FOREVER, HOUR, MINUTE
from tokenhouse.rules.plans import parse_plan

NOW = 20_000 * DAY


def plan_of(*given):
    names = ("what", "amount", "every", "per", "time_zone")
    return parse_plan({"name": "p", "limit": [dict(zip(names, one, strict=False)) for one in given]})


def admitted(plan, counters=None, now=NOW, **asked):
    balance = Balance(account=7, plan="p", opened_at=0, counters=counters or {})
    asked = {"model": "m", "key": "k", "tokens": 10, "amount": 50, "least": 20, **asked}
    return limits.admit(balance, plan, now, **asked)


@pytest.mark.row("E8")
@pytest.mark.parametrize(
    ("given", "used", "short", "lifts"),
    [
        (("requests", 3, "minute"), 3, 1, NOW + MINUTE),
        (("requests", 0, "minute"), 0, 1, FOREVER),
        (("tokens", 15, "hour"), 6, 1, NOW + HOUR),
        (("tokens", 10, "hour"), 1, 1, NOW + HOUR),
        (("tokens", 9, "hour"), 0, 1, FOREVER),
        (("credit", 100, "day"), 81, 1, NOW + DAY),
        (("credit", 100, "day"), 130, 20, NOW + DAY),
        (("credit", 19, "day"), 0, 1, FOREVER),
        (("credit", 100, "forever"), 100, 20, FOREVER),
    ],
    ids=str,
)
def test_a_full_limit_says_by_how_much_and_until_when(given, used, short, lifts):
    plan = plan_of(given)
    name = plan.limit[0].name
    start, end = (
        (-FOREVER, FOREVER) if given[2] == "forever" else (NOW, lifts if lifts < FOREVER else NOW + 1)
    )
    no = admitted(plan, {name: Counter(start, end, used)})
    assert isinstance(no, Refusal)
    assert (no.code, no.limit, no.account, no.amount, no.used) == ("limit_reached", name, 7, given[1], used)
    assert (no.short_by, no.resets_at) == (short, lifts)


@pytest.mark.row("E8")
def test_the_first_full_limit_answers_and_credit_caps_what_may_be_held():
    plan = plan_of(("credit", 40, "day"), ("credit", 30, "hour"), ("requests", 5, "minute"))
    allowed, counted = admitted(plan)
    assert allowed == 30
    assert set(counted) == {"credit/day", "credit/hour", "requests/minute"}
    full = {"credit/hour": Counter(NOW, NOW + HOUR, 30), "requests/minute": Counter(NOW, NOW + MINUTE, 5)}
    assert admitted(plan, full).limit == "credit/hour"


@pytest.mark.row("E8")
@pytest.mark.parametrize(
    ("first", "second", "amount", "allowed"),
    [(40, 30, 50, 30), (30, 40, 50, 30), (30, 40, 25, 25), (60, 70, 50, 50)],
)
def test_the_tightest_limit_of_credit_says_how_much_in_whatever_order_they_stand(
    first, second, amount, allowed
):
    plan = plan_of(("credit", first, "day"), ("credit", second, "hour"))
    assert admitted(plan, amount=amount)[0] == allowed


@pytest.mark.row("E3")
def test_what_asks_for_nothing_passes_limits_that_an_overrun_has_passed():
    plan = plan_of(("credit", 40, "day"), ("tokens", 40, "day"))
    over = {name: Counter(NOW, NOW + DAY, 90) for name in ("credit/day", "tokens/day")}
    assert admitted(plan, over, tokens=0, amount=0, least=0)[0] == 0


def test_each_model_and_key_is_counted_apart():
    plan = plan_of(("requests", 1, "day", "model"), ("requests", 1, "day", "key"))
    full = {
        "requests/day/model:m": Counter(NOW, NOW + DAY, 1),
        "requests/day/key:k": Counter(NOW, NOW + DAY, 1),
    }
    no = admitted(plan, full)
    assert (no.limit, no.model) == ("requests/day/model", "m")
    no = admitted(plan, full, model="other")
    assert (no.limit, no.model) == ("requests/day/key", "")
    assert not isinstance(admitted(plan, full, model="other", key="other"), Refusal)


def test_a_window_follows_the_zone_of_limit_account_and_plan_in_this_order():
    balance = Balance(account=7, plan="p", opened_at=0, zone="Asia/Seoul")
    for zone, account_zone, starts in (
        ("America/New_York", "Asia/Seoul", 4 * HOUR),
        (None, "Asia/Seoul", 15 * HOUR),
        (None, "", 0),
    ):
        plan = plan_of(("requests", 1, "day", "account", zone))
        balance.zone = account_zone
        found = limits.window(balance, plan, plan.limit[0], "requests/day", NOW + 20 * HOUR)
        assert found.start_at % DAY == starts
        assert found.end_at - found.start_at == DAY


def test_a_clock_set_back_keeps_the_window():
    plan = plan_of(("requests", 1, "hour"))
    full = {"requests/hour": Counter(NOW, NOW + HOUR, 1)}
    assert isinstance(admitted(plan, full, now=NOW - MINUTE), Refusal)


def test_counting_forgets_windows_that_have_passed():
    plan = plan_of(("requests", 9, "hour"), ("credit", 99, "day"))
    balance = Balance(account=7, plan="p", opened_at=0, counters={"requests/minute": Counter(0, NOW, 4)})
    _, counted = limits.admit(balance, plan, NOW, model="", key="", tokens=3, amount=5, least=5)
    limits.count(balance, plan, counted, model="", key="", tokens=3, amount=5, now=NOW)
    assert {name: one.used for name, one in balance.counters.items()} == {"requests/hour": 1, "credit/day": 5}


@pytest.mark.parametrize(
    ("reserved_at", "used", "tokens", "amount", "expected"),
    [
        (NOW, 50, 12, 30, (32, 40)),
        (NOW, 50, 40, 45, (60, 55)),
        (NOW - HOUR, 5, 12, 30, (5, 5)),
        (NOW - HOUR, 5, 40, 45, (15, 10)),
        (NOW, 5, 0, 0, (0, 0)),
    ],
    ids=["less", "more", "less, of an hour gone", "more, of an hour gone", "never below nothing"],
)
def test_what_was_taken_replaces_what_was_asked(reserved_at, used, tokens, amount, expected):
    """30 tokens and 40 of credit were counted: a passed window keeps them, a new one counts what is more."""
    plan = plan_of(("tokens", 99, "hour"), ("credit", 99, "hour"), ("requests", 9, "hour"))
    counters = {name: Counter(NOW, NOW + HOUR, used) for name in ("tokens/hour", "credit/hour")}
    balance = Balance(account=7, plan="p", opened_at=0, counters=counters)
    limits.correct(balance, plan, Open(40, 30, reserved_at, 0), tokens=tokens, amount=amount, now=NOW)
    found = balance.counters["tokens/hour"].used, balance.counters["credit/hour"].used
    assert found == expected
    assert "requests/hour" not in balance.counters
