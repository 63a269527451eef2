"""Slots: when a job is due, through both changes of the clock, and who may run it."""

from datetime import UTC, datetime, timedelta

import pytest

from tokenhouse.rules.periods import MINUTE, SECOND, instant, moment
from tokenhouse.rules.slots import AHEAD_MAX, ATTEMPTS_MAX, Begin, Past, Wait, claim, last_slot, next_slot

BERLIN, HOWE, SEOUL = "Europe/Berlin", "Australia/Lord_Howe", "Asia/Seoul"
HOURLY, DAILY = "0 * * * *", "30 2 * * *"


def at(text: str) -> int:
    return instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


def slots(when, zone: str, start: str, end: str) -> list[str]:
    """Return all slots after `start` up to `end`, in UTC."""
    found, now = [], at(start)
    while (now := next_slot(when, zone, now)) <= at(end):
        found.append(moment(now).isoformat()[:16])
    return found


@pytest.mark.row("B7", "B4")
def test_on_the_hour_is_the_hour_of_the_zone():
    assert next_slot(HOURLY, SEOUL, at("2026-11-21T03:00:00")) == at("2026-11-21T04:00:00")
    assert next_slot(DAILY, SEOUL, at("2026-11-21T03:00:00")) == at("2026-11-21T17:30:00")
    assert next_slot(HOURLY, "Asia/Kolkata", at("2026-11-21T03:00:00")) == at("2026-11-21T03:30:00")


@pytest.mark.row("B7")
@pytest.mark.parametrize(
    ("start", "end", "hours", "days"),
    [
        # Forward at 2:00 on 29 March: 2:30 does not come, so the day's run follows the gap, at 3:00.
        ("2026-03-28T12:00", "2026-03-30T12:00", 48, ["2026-03-29T01:00", "2026-03-30T00:30"]),
        # Back at 3:00 on 25 October: 2:30 comes twice, and the day's run once.
        ("2026-10-24T12:00", "2026-10-26T12:00", 48, ["2026-10-25T00:30", "2026-10-26T01:30"]),
    ],
)
def test_changing_clocks_neither_skip_nor_double(start: str, end: str, hours: int, days: list[str]):
    hourly = slots(HOURLY, BERLIN, start, end)
    assert len(hourly) == len(set(hourly)) == hours
    assert slots(DAILY, BERLIN, start, end) == days


@pytest.mark.row("B7")
@pytest.mark.parametrize("zone", [BERLIN, HOWE, SEOUL, "UTC", "America/Sao_Paulo"])
@pytest.mark.parametrize("day", ["2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-11-20"])
@pytest.mark.parametrize("when", [HOURLY, DAILY, "17 3 * * *", "*/5 * * * *", 5])
def test_the_last_slot_is_the_one_before_the_next(zone: str, day: str, when):
    now, end = at(f"{day}T12:00"), at(f"{day}T12:00") + 30 * 60 * MINUTE
    while now < end:
        now += 7 * MINUTE + 13 * SECOND + 1
        last, following = last_slot(when, zone, now), next_slot(when, zone, now)
        assert last <= now < following
        assert next_slot(when, zone, last) == following
        assert last_slot(when, zone, following) == following
        assert last_slot(when, zone, following - 1) == last


NOW = at("2026-11-21T04:00:30")
SLOT, FOLLOWING = at("2026-11-21T04:00:00"), at("2026-11-21T05:00:00")
BEFORE = at("2026-11-21T03:00:00")


def past(outcome: str, *, lease: int = 0, attempt: int = 1, scheduled: bool = True, ended: int = NOW) -> Past:
    return Past(
        scheduled=scheduled, outcome=outcome, attempt=attempt, lease_until=NOW + lease, ended_at=ended
    )


@pytest.mark.parametrize(
    ("begun", "runs", "said"),
    [
        (None, [], Begin(again=False)),
        (BEFORE, [past("done")], Begin(again=False)),
        (at("2026-11-14T04:00:00"), [past("done")], Begin(again=False)),
        (SLOT, [past("done")], Wait(FOLLOWING)),
        (SLOT, [], Wait(FOLLOWING)),
        # At work, here or elsewhere: nobody else begins, not even the next slot.
        (SLOT, [past("running", lease=MINUTE)], Wait(NOW + MINUTE)),
        (BEFORE, [past("running", lease=MINUTE)], Wait(NOW + MINUTE)),
        (BEFORE, [past("running", lease=MINUTE, scheduled=False)], Wait(NOW + MINUTE)),
        (SLOT, [past("running", lease=FOLLOWING)], Wait(FOLLOWING)),
        # The node is gone: taken over; if the slot has passed, the latest one is run instead.
        (SLOT, [past("running")], Begin(again=True)),
        (BEFORE, [past("running")], Begin(again=False)),
        (SLOT, [past("running", attempt=ATTEMPTS_MAX)], Wait(FOLLOWING)),
        # Failed: tried again, later each time, a few times.
        (SLOT, [past("failed")], Wait(NOW + MINUTE)),
        (SLOT, [past("failed", ended=NOW - MINUTE)], Begin(again=True)),
        (SLOT, [past("failed", ended=NOW - MINUTE, attempt=2)], Wait(NOW + MINUTE)),
        (SLOT, [past("lost", ended=NOW - MINUTE)], Begin(again=True)),
        (SLOT, [past("failed", ended=NOW - MINUTE, attempt=ATTEMPTS_MAX)], Wait(FOLLOWING)),
        # Another node's clock is a little ahead, or went wrong altogether.
        (FOLLOWING - (FOLLOWING - NOW) + MINUTE, [past("done")], Wait(FOLLOWING)),
        (NOW + AHEAD_MAX + 1, [past("done")], Begin(again=False)),
    ],
)
def test_who_runs_a_slot(begun, runs, said):
    assert claim(SLOT, FOLLOWING, begun, runs, NOW) == said


def test_a_week_that_was_missed_is_one_slot():
    now = datetime(2026, 11, 21, 4, 0, 30, tzinfo=UTC)
    week_ago = instant(now - timedelta(days=7))
    assert claim(last_slot(HOURLY, "UTC", instant(now)), FOLLOWING, week_ago, [], instant(now)) == Begin(
        again=False
    )
