"""Replay: the real engine decides and charges a trace as the simulator says, and the books are right."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.documents import sample_plan
from tokenhouse.flow.replay import Replay, TraceClock, latency, next_end, start_of
from tokenhouse.flow.simulate import Assumptions, simulate
from tokenhouse.flow.terms import preset
from tokenhouse.flow.traces import Trace, sample_trace
from tokenhouse.house import Tokenhouse, system_clock
from tokenhouse.rules.periods import DAY, HOUR, MINUTE, instant
from tokenhouse.rules.plans import parse_plan
from tokenhouse.settings import Settings

pytestmark = pytest.mark.row("E1", "E3", "E11", "E12")

SETTINGS = Settings(plan="quota", lanes=2)

WINDOWS = parse_plan(
    {
        "name": "windows",
        "zone": "Asia/Seoul",
        "allowance": [
            {"amount": 9_000, "every": "week", "anchor": "anniversary", "rollover": Decimal("0.5")},
            {"amount": 3_000, "every": "day", "priority": 1},
        ],
        "limit": [
            {"what": "requests", "amount": 8, "every": "hour"},
            {"what": "tokens", "amount": 20_000, "every": "day", "per": "model"},
            {"what": "credit", "amount": 15_000, "every": "day"},
        ],
        "rate": {"multiplier": Decimal("1.5")},
    }
)
PLANS = {
    "sample": sample_plan("UTC"),
    "chat-tokens": parse_plan(preset("chat-tokens")),
    "windows": WINDOWS,
}


def part(count: int) -> Trace:
    """Return the sample's first and last requests: both sides of the month's end."""
    whole = sample_trace()
    return Trace(
        name="part", layout="plain", requests=whole.requests[: count // 2] + whole.requests[-count // 2 :]
    )


async def replayed(database: str, trace: Trace, plan, *, callers: int, grant: int = 0, wall: bool = False):
    given = Assumptions(grant=grant, output_cap=2_000)
    clock = None if wall else TraceClock(start_of(trace, given))
    async with Tokenhouse.open(database, settings=SETTINGS, clock=clock or system_clock) as house:
        replay = Replay(desk=house.desk, trace=trace, plan=plan, given=given, callers=callers, clock=clock)
        await replay.prepare()
        await replay.drive()
        return replay, await replay.audit(), simulate(trace, plan, given)


@pytest.mark.parametrize("callers", [1, 48])
@pytest.mark.parametrize("name", PLANS)
async def test_replay_and_simulation_agree_on_every_request(database, name, callers):
    trace = part(300)
    replay, report, simulated = await replayed(database, trace, PLANS[name], callers=callers, grant=500)
    assert report.sound, report
    assert (report.lost, report.double, report.false_refusals, report.false_allowances) == (0, 0, 0, 0)
    assert report.findings == 0
    assert replay.tally.totals() == simulated.totals()
    assert replay.tally.accounts == simulated.accounts
    assert [day.charged for day in replay.tally.timeline()] == [day.charged for day in simulated.timeline()]
    assert 0 < report.totals.refused < report.totals.requests


async def test_a_second_run_stands_apart_from_the_first(database):
    trace = part(60)
    first, _, _ = await replayed(database, trace, PLANS["sample"], callers=8)
    second, report, _ = await replayed(database, trace, PLANS["sample"], callers=8)
    assert first.run != second.run
    assert report.sound
    assert first.tally.totals() == second.tally.totals()


async def test_a_plan_in_use_is_not_touched(database):
    async with Tokenhouse.open(database, settings=SETTINGS) as house:
        before = (await house.plans())["quota"]
    await replayed(
        database, part(10), parse_plan({"name": "quota", "zone": "Asia/Seoul"}), callers=2, grant=10**6
    )
    async with Tokenhouse.open(database, settings=SETTINGS) as house:
        plans = await house.plans()
        assert plans["quota"] == before
        assert plans["replay-quota"].zone == "Asia/Seoul"


async def test_without_a_clock_the_house_keeps_its_own_time(database):
    replay, report, _ = await replayed(database, part(40), PLANS["sample"], callers=8, wall=True)
    assert report.sound
    assert (report.false_refusals, report.false_allowances) == (None, None)
    assert len(replay.tally.days) <= 2, "the trace's two weeks happened now"


async def test_a_model_without_a_rate_is_refused_as_the_simulator_says(database):
    money = parse_plan({**preset("money"), "unit": {"name": "token", "symbol": "", "decimals": 0}})
    replay, report, simulated = await replayed(database, part(10), money, callers=2, grant=10**6)
    assert report.sound
    assert replay.tally.totals().refused_by == {"model_refused": 10} == simulated.totals().refused_by


async def test_a_plan_in_another_unit_is_refused(database):
    with pytest.raises(InvalidInput) as told:
        await replayed(database, part(10), parse_plan(preset("money")), callers=2)
    assert told.value.reason == "unit_differs"


async def test_a_failure_ends_every_caller_and_is_raised_as_it_is(database):
    tight = parse_plan({"name": "tight", "credit": {"maximum": 5}})
    with pytest.raises(InvalidInput) as told:
        await replayed(database, part(20), tight, callers=4, grant=6)
    assert told.value.reason == "credit_maximum"


async def test_the_audit_finds_a_charge_too_few_and_one_too_many(database):
    trace, given = part(40), Assumptions()
    clock = TraceClock(start_of(trace, given))
    async with Tokenhouse.open(database, settings=SETTINGS, clock=clock) as house:
        replay = Replay(
            desk=house.desk, trace=trace, plan=PLANS["sample"], given=given, callers=4, clock=clock
        )
        await replay.prepare()
        await replay.drive()
        ref, charges = next((ref, charges) for ref, charges in replay.known.items() if charges)
        forgotten, amount = charges.popitem()
        charges["f" * 32] = 77
        report = await replay.audit()
        assert (report.lost, report.double, report.sound) == (77, amount, False)
        del charges["f" * 32]
        charges[forgotten] = amount
        replay.tally.accounts[ref.split("/", 2)[2]].refusals.append(10_000)
        report = await replay.audit()
        assert (report.lost, report.double, report.false_refusals, report.sound) == (0, 0, 1, False)


def test_slices_end_where_anything_of_the_plan_ends():
    at = instant(datetime(2026, 10, 31, 14, 59, 30, tzinfo=UTC))
    assert next_end(parse_plan({"name": "plain"}), at, at) == instant(datetime(2026, 11, 1, tzinfo=UTC))
    assert next_end(WINDOWS, at, at) - at == MINUTE // 2
    assert next_end(WINDOWS, at + MINUTE, at) - at == HOUR + MINUTE // 2
    weekly = parse_plan({"name": "w", "allowance": [{"amount": 1, "every": "week", "anchor": "anniversary"}]})
    assert next_end(weekly, at + 7 * DAY - 1, at) == at + 7 * DAY


def test_percentiles_of_few_and_none():
    assert latency([]).p99_ms == 0
    assert latency([0.002]).p50_ms == 2
    assert round(latency([0.001] * 99 + [0.1]).p50_ms, 3) == 1
