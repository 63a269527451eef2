"""Periods: they tile the line of time in every zone, keep to the local calendar, and never drift."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rules.refusals import label, refused
from tokenhouse.rules.periods import (
    ALWAYS,
    AT_MAX,
    AT_MIN,
    DAY,
    DURATION_MAX,
    EVERY,
    FOREVER,
    HOUR,
    MINUTE,
    SECOND,
    Period,
    instant,
    moment,
    parse_duration,
    period_of,
    periods_between,
    show_duration,
    zone_of,
)

CASES = Path(__file__).parents[3] / "shared/data/cases/openmeter_periods.json"
HARD = (
    "Asia/Seoul",
    "America/New_York",
    "Africa/Cairo",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Antarctica/Troll",
    "UTC",
)

zones = st.sampled_from(HARD) | st.sampled_from(sorted(z for z in available_timezones() if z[0].isupper()))
instants = st.integers(instant(datetime(1850, 1, 1, tzinfo=UTC)), instant(datetime(2150, 1, 1, tzinfo=UTC)))
every = st.sampled_from(EVERY)
local_every = st.sampled_from([e for e in EVERY if e not in ("minute", "hour", "forever")])


def at(text, zone="UTC"):
    """Return the instant of a local date and time; the second one of two when marked by a final `*`."""
    wall = datetime.fromisoformat(text.rstrip("*"))
    return instant(
        wall.replace(tzinfo=ZoneInfo(zone), fold=text.endswith("*")) if wall.tzinfo is None else wall
    )


def local(instant, zone):
    return moment(instant).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("every", "zone", "within", "start", "end"),
    [
        ("minute", "Asia/Kathmandu", "2026-11-21T03:04:05Z", "2026-11-21T03:04:00Z", "2026-11-21T03:05:00Z"),
        ("hour", "Asia/Kathmandu", "2026-11-21T03:59:59Z", "2026-11-21T03:00:00Z", "2026-11-21T04:00:00Z"),
        ("hour", "UTC", "1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"),
        ("day", "Asia/Seoul", "2026-11-20T15:00:00Z", "2026-11-20T15:00:00Z", "2026-11-21T15:00:00Z"),
        ("day", "Asia/Kathmandu", "2026-11-20T18:14:59Z", "2026-11-19T18:15:00Z", "2026-11-20T18:15:00Z"),
        ("week", "Asia/Seoul", "2026-11-21T00:00:00Z", "2026-11-15T15:00:00Z", "2026-11-22T15:00:00Z"),
        ("month", "Asia/Seoul", "2026-10-31T15:00:00Z", "2026-10-31T15:00:00Z", "2026-11-30T15:00:00Z"),
        ("month", "UTC", "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("month", "UTC", "2026-12-31T23:59:59.999999Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("quarter", "UTC", "2026-06-30T23:59:59Z", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"),
        (
            "quarter",
            "America/New_York",
            "2026-10-01T04:00:00Z",
            "2026-10-01T04:00:00Z",
            "2027-01-01T05:00:00Z",
        ),
        ("year", "Asia/Seoul", "2026-12-31T15:00:00Z", "2026-12-31T15:00:00Z", "2027-12-31T15:00:00Z"),
        # 23 hours and 25 hours
        ("day", "America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("day", "America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        # clocks move by half an hour
        (
            "day",
            "Australia/Lord_Howe",
            "2024-04-07T00:00:00Z",
            "2024-04-06T13:00:00Z",
            "2024-04-07T13:30:00Z",
        ),
        # midnight does not exist: the day starts with the jump to one o'clock
        ("day", "America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        ("day", "Africa/Cairo", "2023-04-28T12:00:00Z", "2023-04-27T22:00:00Z", "2023-04-28T21:00:00Z"),
        # at midnight clocks go back into the day that ends
        ("day", "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"),
        # midnight comes twice: at 00:01 clocks go back to 23:01 of the day before
        ("day", "America/St_Johns", "2006-10-29T02:31:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"),
        ("day", "America/St_Johns", "2006-10-29T02:29:59Z", "2006-10-28T02:30:00Z", "2006-10-29T02:30:00Z"),
        # Samoa left out 30 December 2011
        ("day", "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("day", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"),
        ("week", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"),
        ("month", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"),
    ],
)
def test_a_calendar_period(every, zone, within, start, end):
    assert period_of(at(within), every, zone=zone) == Period(at(start), at(end))


@pytest.mark.parametrize(
    ("every", "zone", "anchor", "starts"),
    [
        ("minute", "UTC", "2026-01-01T00:00:30", ["2026-01-01T00:00:30", "2026-01-01T00:01:30"]),
        ("hour", "UTC", "2026-01-01T00:20:00", ["2026-01-01T00:20:00", "2026-01-01T01:20:00"]),
        ("day", "Asia/Seoul", "2026-01-01T09:30:00", ["2026-01-01T09:30:00", "2026-01-02T09:30:00"]),
        (
            "day",
            "America/New_York",
            "2026-03-07T02:30:00",
            ["2026-03-07T02:30:00", "2026-03-08T03:00:00", "2026-03-09T02:30:00"],
        ),
        (
            "day",
            "America/New_York",
            "2026-10-31T01:30:00",
            ["2026-10-31T01:30:00", "2026-11-01T01:30:00", "2026-11-02T01:30:00"],
        ),
        ("day", "America/New_York", "2026-11-01T01:30:00*", ["2026-11-01T01:30:00*", "2026-11-02T01:30:00"]),
        (
            "week",
            "Asia/Seoul",
            "2026-11-21T15:00:00",
            ["2026-11-21T15:00:00", "2026-11-28T15:00:00", "2026-12-05T15:00:00"],
        ),
        (
            "month",
            "Asia/Seoul",
            "2026-01-31T10:00:00",
            ["2026-01-31T10:00:00", "2026-02-28T10:00:00", "2026-03-31T10:00:00", "2026-04-30T10:00:00"],
        ),
        (
            "month",
            "UTC",
            "2024-01-30T00:00:00",
            ["2024-01-30T00:00:00", "2024-02-29T00:00:00", "2024-03-30T00:00:00"],
        ),
        (
            "quarter",
            "UTC",
            "2025-11-30T00:00:00",
            ["2025-11-30T00:00:00", "2026-02-28T00:00:00", "2026-05-30T00:00:00"],
        ),
        (
            "year",
            "UTC",
            "2024-02-29T08:00:00",
            [
                "2024-02-29T08:00:00",
                "2025-02-28T08:00:00",
                "2026-02-28T08:00:00",
                "2027-02-28T08:00:00",
                "2028-02-29T08:00:00",
            ],
        ),
        (
            "month",
            "Pacific/Apia",
            "2011-11-30T09:00:00",
            ["2011-11-30T09:00:00", "2011-12-31T00:00:00", "2012-01-30T09:00:00"],
        ),
        (
            "day",
            "Pacific/Apia",
            "2011-12-29T09:00:00",
            ["2011-12-29T09:00:00", "2011-12-31T00:00:00", "2011-12-31T09:00:00"],
        ),
    ],
)
def test_an_anniversary_keeps_the_local_day_and_time_of_its_anchor(every, zone, anchor, starts):
    anchor_at, starts = at(anchor, zone), [at(start, zone) for start in starts]
    found = list(periods_between(starts[0], starts[-1], every, "anniversary", zone, anchor_at))
    assert [period.start_at for period in found] == starts[:-1]
    assert found[-1].end_at == starts[-1]


def test_an_anniversary_also_counts_backwards():
    anchor_at = at("2026-03-31T00:00:00")
    found = period_of(at("2026-02-27T00:00:00"), "month", "anniversary", "UTC", anchor_at)
    assert found == Period(at("2026-01-31T00:00:00"), at("2026-02-28T00:00:00"))


def openmeter(part):
    """Return the cases of OpenMeter's own tests, or one that says why there are none."""
    if not CASES.exists():
        return [
            pytest.param(
                None, marks=pytest.mark.skip(reason="the shared case tables are not beside the project")
            )
        ]
    return [
        pytest.param(case, id=f"{part}-{n}") for n, case in enumerate(json.loads(CASES.read_text())[part])
    ]


@pytest.mark.parametrize("case", openmeter("periods"))
def test_openmeter_s_periods_are_ours(case):
    found = period_of(at(case["t"]), case["interval"], "anniversary", "UTC", at(case["anchor"]))
    assert found == Period(at(case["from"]), at(case["to"]))


@pytest.mark.parametrize("case", openmeter("add"))
def test_openmeter_s_sums_are_ours(case):
    start_at, (every, count) = (
        at(case["start"]),
        {"P1M": ("month", 1), "P6M": ("month", 6), "P1Y": ("year", 1)}[case["add"]],
    )
    line = periods_between(start_at, FOREVER, every, "anniversary", "UTC", start_at)
    assert next(islice(line, count - 1, None)).end_at == at(case["expect"])


@given(now=instants, every=every, zone=zones, anchor_at=st.none() | instants)
@example(now=at("2011-12-30T10:00:00Z"), every="day", zone="Pacific/Apia", anchor_at=None)
@example(
    now=at("2011-12-30T10:00:00Z"), every="day", zone="Pacific/Apia", anchor_at=at("2011-12-30T09:00:00Z")
)
@example(
    now=at("2006-10-29T02:31:00Z"),
    every="week",
    zone="America/St_Johns",
    anchor_at=at("2006-10-29T02:31:00Z"),
)
def test_periods_tile_the_line_without_gap_or_overlap(now, every, zone, anchor_at):
    terms = (every, "calendar" if anchor_at is None else "anniversary", zone, anchor_at)
    period = period_of(now, *terms)
    assert period.contains(now)
    assert not period.contains(period.end_at)
    assert period_of(period.start_at, *terms) == period == period_of(period.end_at - 1, *terms)
    if every != "forever":
        assert period_of(period.start_at - 1, *terms).end_at == period.start_at
        following = period_of(period.end_at, *terms)
        assert following.start_at == period.end_at
        assert list(periods_between(now, period.end_at + 1, *terms)) == [period, following]


@given(now=instants, every=local_every, zone=zones)
def test_a_calendar_period_starts_when_the_local_clock_first_reaches_its_first_midnight(now, every, zone):
    start_at = period_of(now, every, zone=zone).start_at
    shown, before = local(start_at, zone), local(start_at - 1, zone)
    first = {
        "day": shown.date(),
        "week": shown.date() - timedelta(days=shown.weekday()),
        "month": shown.date().replace(day=1),
        "quarter": date(shown.year, (shown.month - 1) // 3 * 3 + 1, 1),
        "year": date(shown.year, 1, 1),
    }[every]
    assert before.date() < first <= shown.date()


@given(nth=st.integers(-40, 40), every=local_every, zone=zones, anchor_at=instants)
def test_an_anniversary_never_drifts(nth, every, zone, anchor_at):
    """The nth start is the anchor's own local day and time, clamped; counted here by the calendar alone."""
    anchor = local(anchor_at, zone)
    months = {"month": 1, "quarter": 3, "year": 12}.get(every)
    if months is None:
        wall = anchor + timedelta(days=nth * {"day": 1, "week": 7}[every])
    else:
        year, month = divmod(anchor.year * 12 + anchor.month - 1 + nth * months, 12)
        day = anchor.day
        while True:
            try:
                wall = anchor.replace(year=year, month=month + 1, day=day)
                break
            except ValueError:
                day -= 1
    start_at = anchor_at if nth == 0 else at(wall.isoformat(), zone)
    if local(start_at, zone) == wall:
        assert period_of(start_at, every, "anniversary", zone, anchor_at).start_at == start_at


@given(now=instants, zone=zones, every=st.sampled_from(["minute", "hour"]))
def test_minutes_and_hours_are_the_same_in_every_zone(now, zone, every):
    period = period_of(now, every, zone=zone)
    length = {"minute": MINUTE, "hour": HOUR}[every]
    assert (period.start_at % length, period.end_at - period.start_at) == (0, length)


def test_forever_is_one_period():
    assert period_of(0, "forever") == period_of(AT_MAX, "forever", "anniversary", "UTC", 5) == ALWAYS
    assert ALWAYS.end_at == FOREVER
    assert list(periods_between(0, DAY, "forever")) == [ALWAYS]
    assert list(periods_between(5, 5, "day")) == []


def test_instants_that_databases_hold_are_what_they_were():
    assert FOREVER == 4_611_686_018_427_387_904
    assert at("0002-01-01T00:00:00Z") == AT_MIN
    assert at("9990-01-01T00:00:00Z") == AT_MAX


@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("now", [AT_MIN, AT_MAX - 1])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_first_and_the_last_instant_have_periods(every, now, zone):
    assert period_of(now, every, zone=zone).contains(now)
    for anchor_at in (AT_MIN, AT_MAX - 1):
        assert period_of(now, every, "anniversary", zone, anchor_at).contains(now)


@pytest.mark.parametrize(
    ("reason", "terms"),
    [
        ("instant_out_of_range", (AT_MIN - 1, "day")),
        ("instant_out_of_range", (AT_MAX, "year")),
        ("instant_out_of_range", (2**63, "month")),
        ("instant_out_of_range", (0, "month", "anniversary", "UTC", AT_MAX)),
        ("every_unknown", (0, "fortnight")),
        ("every_unknown", (0, "")),
        ("anchor_unknown", (0, "day", "birthday")),
        ("anchor_missing", (0, "day", "anniversary")),
        *(
            ("zone_unknown", (0, "day", "calendar", zone))
            for zone in ["", "KST+9", "Asia", "../etc/passwd", "\x00", "x" * 10**6]
        ),
        ("zone_unknown", (0, "day", "calendar", "Asia/\ud800")),
    ],
    ids=label,
)
def test_a_period_that_nobody_can_reckon_is_refused(reason, terms):
    refused(reason, period_of, *terms)


@pytest.mark.parametrize("value", [5, None])
def test_what_is_no_text_is_no_zone(value):
    refused("zone_unknown", zone_of, value)


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_is_exact(when):
    assert moment(instant(when)) == when.astimezone(UTC)


def test_an_instant_tells_the_two_halves_of_a_repeated_hour_apart():
    assert (
        at("2026-11-01T01:30:00*", "America/New_York") - at("2026-11-01T01:30:00", "America/New_York") == HOUR
    )
    assert instant(datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))) == at("2026-01-01T00:00:00Z")


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize("value", [NAIVE, date(2026, 1, 1), "2026-01-01", None, 5], ids=label)
def test_a_time_without_its_zone_is_no_instant(value):
    refused("instant_naive", instant, value)


def test_a_refused_time_is_told_as_people_write_it():
    for value, told in ((NAIVE, "2026-01-01T00:00:00"), (NAIVE.date(), "2026-01-01")):
        assert refused("instant_naive", instant, value).facts["value"] == told


@pytest.mark.parametrize("value", [FOREVER, -FOREVER, 2**100])
def test_an_instant_outside_the_calendar_has_no_date(value):
    refused("instant_out_of_range", moment, value)


@pytest.mark.parametrize(
    ("text", "length"),
    [("90s", 90 * SECOND), ("15m", 15 * MINUTE), ("1h", HOUR), ("7d", 7 * DAY), ("3660d", DURATION_MAX)],
)
def test_a_duration_is_a_number_and_a_unit(text, length):
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(
            (bad, "duration_unreadable")
            for bad in ["", "15", "m", "-1m", "1.5h", "1h30m", "15 m", "15M", "1w", "१m", 15, None]
        ),
        *((bad, "duration_unreadable") for bad in ["9" * 10 + "s", "1m" * 10**6, "\x00"]),
        *((bad, "duration_out_of_range") for bad in ["0s", "0d", "3661d", "999999999d"]),
    ],
    ids=label,
)
def test_a_duration_that_is_none_is_refused(text, reason):
    refused(reason, parse_duration, text, "reserve.lapse_after")


@given(st.integers(1, DURATION_MAX // SECOND))
def test_a_duration_is_shown_as_it_is_read(seconds):
    assert parse_duration(show_duration(seconds * SECOND)) == seconds * SECOND


def test_a_duration_is_shown_in_its_largest_unit():
    assert [show_duration(n * SECOND) for n in (1, 60, 90, 3_600, 86_400)] == ["1s", "1m", "90s", "1h", "1d"]


def test_a_year_of_idle_minutes_is_walked_lazily():
    line = periods_between(0, 365 * DAY, "minute")
    assert all(one.end_at == two.start_at for one, two in pairwise(islice(line, 1_000)))
