"""The verdict: one order of noes, one answer of who pays, and how much may be held."""

import msgspec
import pytest

from tokenhouse.rules.balance import Balance, Counter
from tokenhouse.rules.operations import Charge, Refusal, Reserve
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.verdict import Member, headroom, payer_of, verdict

NOW = 10**15
STRICT = parse_plan(
    {
        "name": "strict",
        "models": {"allow": ["small"]},
        "limit": [{"what": "requests", "amount": 1, "every": "forever"}],
    }
)
PLAIN = parse_plan({"name": "plain"})


def account(number, plan=PLAIN, **figures):
    return Member(Balance(account=number, plan=plan.name, opened_at=0, **figures), plan)


@pytest.mark.row("E8")
def test_state_goes_before_model_before_limit_before_credit():
    """Each no in turn, on the upper account of a path whose lower one has none of these troubles."""
    full = {"requests/forever": Counter(-FOREVER, FOREVER, 1)}
    upper = account(2, STRICT, state="suspended", counters=full)
    path = [account(1, own_credit=False), upper]
    asked = Reserve(id="r", amount=5, least=5, model="large")
    assert (verdict(path, asked, NOW).code, verdict(path, asked, NOW).state) == (
        "account_closed",
        "suspended",
    )
    upper.balance.state = "active"
    assert verdict(path, asked, NOW) == Refusal(code="model_refused", account=2, model="large")
    asked = msgspec.structs.replace(asked, model="small")
    assert (verdict(path, asked, NOW).code, verdict(path, asked, NOW).account) == ("limit_reached", 2)
    upper.balance.counters = {}
    no = verdict(path, asked, NOW)
    assert no == Refusal(code="insufficient_credit", account=2, short_by=5)
    upper.balance.left = 5
    assert verdict(path, asked, NOW).held == 5


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    ("left", "amount", "least", "held"),
    [(100, 30, 30, 30), (20, 30, 10, 20), (10, 30, 10, 10), (0, 0, 0, 0), (0, 30, 0, 0), (5, 0, 1, 0)],
)
def test_as_much_is_held_as_there_is_down_to_the_least(left, amount, least, held):
    assert verdict([account(1, left=left)], Reserve(id="r", amount=amount, least=least), NOW).held == held


@pytest.mark.row("E7")
@pytest.mark.parametrize(
    ("figures", "least", "short", "available"),
    [
        ({"left": 9}, 10, 1, 9),
        ({"left": 50, "held": 45}, 10, 5, 5),
        ({"left": 1}, 2, 1, 1),
        ({"debt": 7}, 1, 8, 0),
        ({}, 1, 1, 0),
    ],
)
def test_a_refusal_says_by_how_much_and_what_there_is(figures, least, short, available):
    no = verdict([account(1, **figures)], Reserve(id="r", amount=99, least=least), NOW)
    assert (no.code, no.short_by, no.resets_at) == ("insufficient_credit", short, FOREVER)
    assert no.available == available


def test_a_refusal_lifts_when_the_next_allowance_comes():
    plan = parse_plan({"name": "monthly", "allowance": [{"amount": 5}]})
    no = verdict([account(1, plan, period_end_at=NOW + 9)], Charge(id="c", charge=1), NOW)
    assert no.resets_at == NOW + 9
    without = verdict([account(1, PLAIN, period_end_at=NOW + 9)], Charge(id="c", charge=1), NOW)
    assert without.resets_at == FOREVER, "a period's end brings nothing where nothing is given"


@pytest.mark.row("E8")
@pytest.mark.parametrize(("lower", "upper", "held"), [(30, 60, 30), (60, 30, 30), (80, 90, 70)])
def test_as_much_is_held_as_the_limits_of_the_whole_path_leave(lower, upper, held):
    plans = [
        parse_plan({"name": f"p{most}", "limit": [{"what": "credit", "amount": most, "every": "forever"}]})
        for most in (lower, upper)
    ]
    path = [account(1, plans[0], own_credit=False), account(2, plans[1], left=500)]
    assert verdict(path, Reserve(id="r", amount=70, least=1), NOW).held == held


@pytest.mark.row("B2")
def test_the_overdraft_is_a_share_of_what_the_period_has_to_offer():
    soft = parse_plan({"name": "soft", "stop": {"block": "1.05"}})
    strict = parse_plan({"name": "strict", "stop": {"buy": 0, "warn": 0, "critical": 0, "block": "0.8"}})
    assert headroom(account(1, soft, left=100_000)) == 105_000
    assert headroom(account(1, soft, used=104_999, debt=4_999)) == 1
    assert headroom(account(1, soft, used=105_000, debt=5_000)) == 0
    assert headroom(account(1, strict, left=100)) == 80
    assert headroom(account(1, strict, left=20, used=80)) == 0


def test_the_nearest_account_with_credit_of_its_own_pays_at_the_latest_the_root():
    path = [account(1, own_credit=False), account(2), account(3)]
    assert payer_of(path).balance.account == 2
    path[1].balance.own_credit = False
    assert payer_of(path).balance.account == 3
    path[2].balance.own_credit = False
    assert payer_of(path).balance.account == 3
