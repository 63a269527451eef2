"""The process of a simulation: an order and what happened in; how far it is, and what came out."""

import io
import os
import sys
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

import msgspec
import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import Busy, InvalidInput
from tokenhouse.flow import simulating
from tokenhouse.flow.simulating import GIFT, REQUEST, Order, Said, Simulated, main, simulated
from tokenhouse.flow.simulations import What
from tokenhouse.flow.traces import Gift, Request
from tokenhouse.rules.amounts import DOLLAR, TOKEN
from tokenhouse.rules.periods import FOREVER, HOUR
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

pytestmark = pytest.mark.row("E11")

TRACE = "time,account,model,input,output\n0,alice,m,60,30\n60,alice,m,60,30\n120,bora,m,10,5\n"
MONTHLY = {"amount": 100, "every": "month"}


def plan(name: str = "free", **terms: object) -> Plan:
    return parse_plan({"name": name, "allowance": [MONTHLY], **terms})


def order(*plans: Plan, **asked: object) -> Order:
    return Order(plans=list(plans or [plan()]), own=[], listed=[], unit=TOKEN, **{"trace": TRACE, **asked})


def happened(*lines: Request | Gift) -> list[bytes]:
    marks = {Request: REQUEST, Gift: GIFT}
    return [marks[type(one)] + msgspec.json.encode(one) + b"\n" for one in lines]


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch):
    """Run what the process runs, here, and return the lines that it says."""
    monkeypatch.setattr(os, "nice", lambda more: more)

    def run(asked: Order, lines: Sequence[bytes] = ()) -> list[Said]:
        told = io.BytesIO(b"".join([msgspec.json.encode(asked) + b"\n", *lines]))
        said = io.BytesIO()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=told))
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=said))
        main()
        return [msgspec.json.decode(line, type=Said) for line in said.getvalue().splitlines()]

    return run


def outcome(said: list[Said]) -> Simulated:
    assert said[-1].outcome is not None, said[-1].reason
    return said[-1].outcome


def test_it_says_how_far_it_is_and_then_what_came_out(process):
    said = process(order(output_cap=1))
    assert [(one.done, one.total) for one in said[:-1]] == [(0, 3), (3, 3)]
    found = outcome(said)
    assert (found.trace, found.requests, found.accounts, found.priced) == ("trace", 3, 2, False)
    (only,) = found.outcomes
    assert (only.allowed, only.refused, only.charged, only.change) == (2, 1, 105, None)
    (alice,) = only.blocked_first
    assert (alice.account, alice.refused, alice.peak_percent) == ("alice", 1, 90)
    assert alice.warned_at == found.first_at
    assert [(day.date, day.allowed, day.accounts_blocked) for day in only.days] == [("2026-10-25", 2, 1)]


def test_a_further_plan_is_compared_with_the_first(process):
    more = plan("more", allowance=[{"amount": 1_000, "every": "month"}])
    less = plan("less", allowance=[{"amount": 10, "every": "month"}])
    dollars = plan("dollars", unit={"name": "dollar", "symbol": "$", "decimals": 9})
    found = outcome(process(order(plan(), more, less, dollars, output_cap=1)))
    first, relieved, stricter, other = (one.change for one in found.outcomes)
    assert first is None
    assert (relieved.blocked_no_more, relieved.refused, relieved.charged) == (1, -1, 90)
    assert (stricter.blocked_newly, stricter.blocked_sooner, stricter.refused) == (1, 1, 2)
    assert [(one.account, one.refused_before, one.refused_after) for one in stricter.accounts] == [
        ("alice", 1, 2),
        ("bora", 0, 1),
    ]
    assert other.charged is None


def test_history_is_put_in_order_and_brings_the_credit_that_came_in_it(process):
    lines = happened(
        Request(3 * HOUR, "alice", "m", Usage(60, output=30)),
        Gift(9 * HOUR, "nobody", 5, "bonus", FOREVER),
        Gift(2 * HOUR, "alice", 200, "purchase", FOREVER),
        Gift(1 * HOUR, "carol", 5, "bonus", FOREVER),
        Request(1 * HOUR, "alice", "m", Usage(60, output=30)),
        Gift(1 * HOUR, "alice", 1, "bonus", 2 * HOUR),
    )
    dollars = plan("dollars", unit={"name": "dollar", "symbol": "$", "decimals": 9})
    found = outcome(process(order(plan(), dollars, trace=None, history=True, output_cap=1), lines))
    assert (found.trace, found.requests) == ("history", 2)
    with_it, without = found.outcomes
    assert (with_it.refused, with_it.unit) == (0, TOKEN)
    assert (without.refused, without.unit) == (1, DOLLAR)


def test_the_sample_is_scaled_and_pooled_as_asked(process):
    found = outcome(process(order(trace=None, scale="1/2", one_account=True, top=3)))
    assert (found.trace, found.accounts, found.requests) == ("servegen-sample.csv.gz", 1, 4_981)
    assert len(found.outcomes[0].blocked_first) == 1


@pytest.mark.parametrize(
    ("asked", "reason"),
    [({"trace": "a,b\n1,2\n"}, "trace_header"), ({"trace": None, "history": True}, "history_empty")],
)
def test_what_cannot_be_simulated_is_said_with_its_reason(process, asked, reason):
    (said,) = process(order(**asked))
    assert said.reason == reason
    assert said.facts["field"] in ("trace", "history")


async def test_a_simulation_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(simulating, "BEGIN", "import sys; sys.stdin.read(); import time; time.sleep(600)")
    monkeypatch.setattr(simulating, "TIME_MAX_S", 0.05)
    with pytest.raises(Busy) as no:
        await simulated(order(), None, lambda _done, _total: None)
    assert (no.value.reason, no.value.facts["seconds"]) == ("simulation_long", 0.05)


async def test_a_simulation_that_dies_is_said(monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(simulating, "BEGIN", "import os; os.close(0); os._exit(9)")

    async def lines() -> AsyncIterator[bytes]:
        while True:
            yield b"r" * 1_000_000 + b"\n"

    with pytest.raises(Busy) as no:
        await simulated(order(trace=None, history=True), lines(), lambda _done, _total: None)
    assert no.value.reason == "simulation_broken"
    assert "a simulation ended with 9" in caplog.text


async def test_a_trace_that_no_file_holds_is_refused(database: str, clock):
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
        with pytest.raises(InvalidInput) as no:
            await house.start_simulation(what=What(source="trace", trace="time,account\ud800"))
        assert (no.value.reason, no.value.facts["field"]) == ("trace_unreadable", "trace")
