"""The policy simulator: who is blocked, when, by which law, at what cost; by the rules of the house."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.simulate import Assumptions, simulate
from tokenhouse.flow.terms import PRESETS, preset
from tokenhouse.flow.traces import Request, Trace, parse_trace, read_trace, sample_trace
from tokenhouse.rules.periods import DAY, instant
from tokenhouse.rules.plans import parse_plan
from tokenhouse.rules.rates import RateTable, parse_rate
from tokenhouse.rules.usage import Usage

pytestmark = pytest.mark.row("E11")

SHARED = Path(__file__).parents[3] / "shared" / "data" / "traces"
MONTH_END = datetime(2026, 10, 31, 12, tzinfo=UTC)


def plan(**terms):
    return parse_plan({"name": "test", **terms})


def trace(*lines: str) -> Trace:
    text = "time,account,model,input,output\n" + "".join(f"{line}\n" for line in lines)
    return parse_trace(text.encode(), "trace.csv")


def test_who_is_blocked_when_and_by_which_law():
    terms = plan(
        allowance=[{"amount": 100, "every": "month"}],
        limit=[{"what": "requests", "amount": 2, "every": "hour"}],
    )
    tally = simulate(
        trace("0,a,m,40,16", "60,a,m,20,10", "120,a,m,1,1", "3600,a,m,10,16", "3660,b,m,1,1"),
        terms,
        Assumptions(start_at=MONTH_END, output_cap=16),
    )
    line = tally.accounts["a"]
    assert line.refused_by == {"requests/hour": 1, "insufficient_credit": 1}
    assert line.first_refused_at == instant(MONTH_END) + 120_000_000
    assert line.first_refused_by == "requests/hour"
    assert (line.allowed, line.charged, line.left, line.peak) == (2, 86, 14, 8_600)
    assert line.levels == {"buy": instant(MONTH_END) + 60_000_000}
    assert [one.account for one in tally.blocked_first()] == ["a"]
    assert tally.accounts["b"].refused == 0
    assert tally.totals().refused_by == {"requests/hour": 1, "insufficient_credit": 1}
    assert tally.totals().tokens_refused == 28


def test_a_month_end_lifts_the_block():
    terms = plan(allowance=[{"amount": 50, "every": "month"}])
    half_a_day = 12 * 3_600
    tally = simulate(
        trace("0,a,m,49,0", "60,a,m,10,0", f"{half_a_day},a,m,49,0"),
        terms,
        Assumptions(start_at=MONTH_END, output_cap=1),
    )
    assert tally.accounts["a"].refusals == [1]
    assert [(day.allowed, day.refused, len(day.blocked)) for day in tally.timeline()] == [
        (1, 1, 1),
        (1, 0, 0),
    ]


def test_days_follow_the_plans_zone():
    terms = plan(zone="Asia/Seoul", allowance=[{"amount": 50, "every": "month"}])
    tally = simulate(trace("0,a,m,1,0", "14399,a,m,1,0", "14400,a,m,1,0"), terms, Assumptions(output_cap=1))
    start_at = instant(datetime(2026, 10, 24, 15, tzinfo=UTC))
    assert list(tally.days) == [start_at]
    later = Assumptions(start_at=datetime(2026, 10, 31, 11, tzinfo=UTC), output_cap=1)
    assert [
        day.allowed for day in simulate(trace("0,a,m,1,0", "14400,a,m,1,0"), terms, later).timeline()
    ] == [1, 1]


def test_an_answer_ends_where_the_credit_ends():
    terms = plan(allowance=[{"amount": 100, "every": "month"}])
    tally = simulate(trace("0,a,m,50,80", "1,a,m,50,80"), terms, Assumptions())
    line = tally.accounts["a"]
    assert (line.charged, line.tokens, line.shortened, line.left, line.overspend) == (100, 100, 1, 0, 0)
    assert line.refused_by == {"insufficient_credit": 1}


def test_a_plan_that_reserves_nothing_overspends_and_says_so():
    terms = plan(allowance=[{"amount": 100, "every": "month"}], reserve={"how": "none"})
    line = simulate(trace("0,a,m,50,80", "1,a,m,50,80"), terms, Assumptions()).accounts["a"]
    assert (line.allowed, line.charged, line.overspend, line.left) == (1, 130, 30, -30)
    assert list(line.levels) == ["buy", "warning", "critical", "blocked"]


def test_what_accounts_have_bought_counts():
    terms = plan(allowance=[{"amount": 10, "every": "month"}])
    tally = simulate(trace("0,a,m,50,0"), terms, Assumptions(grant=100, output_cap=1))
    assert tally.accounts["a"].left == 60
    with pytest.raises(InvalidInput) as told:
        simulate(trace("0,a,m,1,0"), plan(credit={"maximum": 5}), Assumptions(grant=6))
    assert told.value.reason == "credit_maximum"
    assert told.value.message()


def test_the_cost_at_the_provider_needs_rates_in_dollars():
    rates = RateTable([parse_rate({"model": "m*", "input": "2.50", "output": "10", "unit": "dollar"})])
    terms = plan(allowance=[{"amount": 10_000, "every": "month"}])
    calls = trace("0,a,m-1,1000,100", "1,a,other,1000,100")
    assert simulate(calls, terms, Assumptions(rates=rates)).totals().cost == 3_500_000
    assert simulate(calls, terms, Assumptions()).totals().cost == 0


def test_prepaid_money_refuses_a_model_that_nobody_prices():
    rates = RateTable([parse_rate({"model": "m", "input": "2.50", "output": "10", "unit": "dollar"})])
    tally = simulate(
        trace("0,a,m,1000,100", "1,a,other,1000,100"),
        parse_plan(preset("money")),
        Assumptions(rates=rates, grant=10**9, output_cap=100),
    )
    assert tally.accounts["a"].charged == 4_200_000
    assert tally.accounts["a"].refused_by == {"model_refused": 1}


def test_a_model_that_nobody_prices_has_the_plans_own_price():
    terms = plan(
        signup={"amount": 10_000},
        models={"unknown": "default-rate"},
        rate={"by": "rates", "default": {"input": 2, "output": 5, "per": 1}},
    )
    tally = simulate(trace("0,a,m,100,10", "1,b,m,10,10"), terms, Assumptions(output_cap=10))
    assert tally.accounts["a"].charged == 250
    assert [line.account for line in tally.top(1)] == ["a"]


def test_a_trace_begins_where_it_says_unless_told():
    dated = trace("2026-05-01T00:00:00+00:00,a,m,1,0")
    assert Assumptions().shift(dated) == 0
    assert Assumptions().shift(trace("5,a,m,1,0")) == instant(datetime(2026, 10, 25, tzinfo=UTC))
    assert dated.requests[0].at + Assumptions(start_at=MONTH_END).shift(dated) == instant(MONTH_END)
    with pytest.raises(InvalidInput) as told:
        Assumptions(start_at=datetime(9989, 12, 31, 23, tzinfo=UTC)).shift(trace("0,a,m,1,0", "7200,a,m,1,0"))
    assert told.value.reason == "instant_out_of_range"


def test_the_document_says_everything_in_plain_values():
    document = simulate(trace("0,a,m,40,16", "1,a,m,90,16"), plan(), Assumptions(grant=100)).document()
    assert document["totals"]["refused"] == 1
    [line] = document["accounts"]
    assert line["first_refused_at"] == "2026-10-25T00:00:01+00:00"
    assert line["peak_percent"] == 56.0
    assert document["days"][0]["accounts_blocked"] == 1


requests = st.lists(
    st.builds(
        Request,
        st.integers(0, 70 * DAY),
        st.sampled_from("abc"),
        st.sampled_from(["m", "n"]),
        st.builds(Usage, st.integers(0, 400), output=st.integers(0, 400), reasoning=st.integers(0, 100)),
    ),
    min_size=1,
    max_size=40,
)
limits = st.lists(
    st.builds(
        lambda what, amount, every: {"what": what, "amount": amount, "every": every},
        st.sampled_from(["requests", "tokens", "credit"]),
        st.integers(0, 3_000),
        st.sampled_from(["hour", "day", "month"]),
    ),
    max_size=2,
    unique_by=lambda limit: (limit["what"], limit["every"]),
)


@given(requests, limits, st.integers(0, 5_000), st.sampled_from(["1", "2", "0.37"]), st.integers(1, 600))
def test_no_account_ever_overspends_and_every_token_is_accounted_for(calls, caps, allowance, multiplier, cap):
    calls.sort(key=lambda request: request.at)
    terms = plan(
        allowance=[{"amount": allowance + 1, "every": "month", "rollover": 100}],
        limit=caps,
        rate={"multiplier": Decimal(multiplier)},
    )
    tally = simulate(Trace(name="x", layout="x", requests=calls), terms, Assumptions(output_cap=cap))
    totals = tally.totals()
    assert totals.overspend == 0
    assert totals.requests == len(calls) == totals.allowed + totals.refused
    assert totals.refused == sum(totals.refused_by.values())
    assert sum(day.charged for day in tally.timeline()) == totals.charged
    if not totals.shortened:
        assert totals.tokens + totals.tokens_refused == sum(request.usage.total for request in calls)
    months = 4
    given_at_most = len(tally.accounts) * months * (allowance + 101)
    assert totals.charged <= given_at_most


@pytest.mark.parametrize("name", PRESETS)
def test_the_sample_runs_under_every_preset(name):
    rates = RateTable([parse_rate({"model": "*", "input": "1", "output": "3", "unit": "dollar"})])
    grant = 10**8 if name == "money" else 0
    totals = simulate(
        sample_trace(), parse_plan(preset(name)), Assumptions(rates=rates, grant=grant)
    ).totals()
    assert totals.refused > 0
    assert totals.cost > 0
    assert (totals.overspend > 0) == (name == "chat-tokens"), "only the plan that reserves nothing overspends"


def test_the_published_trace_runs_under_a_quota():
    file = SHARED / "servegen_sampled_requests.csv.gz"
    if not file.exists():
        pytest.skip("the published traces lie beside the project, in ../shared/data")
    whole = read_trace(file)
    part = replace(whole, requests=whole.requests[::10])
    tally = simulate(part, parse_plan(preset("quota")), Assumptions())
    assert tally.totals().overspend == 0
    assert tally.totals().accounts_blocked > 100
    assert max(day.start_at for day in tally.timeline()) - min(tally.days) == 13 * DAY
