"""Periods: which minute, day, month … holds an instant, in a time zone, by the calendar or by an anniversary.

A period is half open: it holds `start_at` and not `end_at`. Periods of one kind tile the line of time: each
ends where the next one starts, whatever the clocks of the zone do.

- minute and hour have a fixed length and are aligned to the Unix epoch in UTC, in every zone: a limit of 60
  requests an hour must neither be skipped nor doubled when clocks change. By anniversary they count from the
  anchor.
- day, week (from Monday), month, quarter and year follow the zone's local calendar. One begins at the first
  instant at which the local clock shows its first midnight *or later*: where clocks jump over midnight, that
  is the jump; where midnight comes twice, the first; a day that a zone left out (Pacific/Apia, 2011-12-30)
  is no period.
- by anniversary they keep the local date and time of the anchor instead; a month without that day ends on its
  last day, always counted from the anchor, so that 31 January, 28 February, 31 March do not drift.
- forever is one period.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import shown

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""
Every: TypeAlias = Literal["minute", "hour", "day", "week", "month", "quarter", "year", "forever"]
Anchor: TypeAlias = Literal["calendar", "anniversary"]

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
DURATION_MAX: Final = 3_660 * DAY
EVERY: Final[tuple[str, ...]] = get_args(Every)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_ONE: Final = _EPOCH.replace(year=1, tzinfo=None)
"""0001-01-01, which is a Monday."""
_MICROSECOND: Final = timedelta(microseconds=1)
_FIXED: Final[dict[str, int]] = {"minute": MINUTE, "hour": HOUR}
_MONTHS: Final[dict[str, int]] = {"month": 1, "quarter": 3, "year": 12}
_DAYS: Final[dict[str, int]] = {"day": 1, "week": 7}
_LENGTHS: Final = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_WRITTEN: Final = re.compile(r"([0-9]{1,9})([smhd])")


class Period(msgspec.Struct, frozen=True, gc=False):
    """The instants from `start_at` up to, and without, `end_at`."""

    start_at: Instant
    end_at: Instant

    def contains(self, at: Instant) -> bool:
        """Say whether `at` lies in the period."""
        return self.start_at <= at < self.end_at


FOREVER: Final[Instant] = 2**62
"""The instant that never comes."""
ALWAYS: Final = Period(-FOREVER, FOREVER)
"""The one period of "forever"."""


def instant(at: object, field: str = "at") -> Instant:
    """Return the instant of an aware datetime, exactly.

    Raises: InvalidInput `instant_naive`: without a zone nobody knows which instant is meant.
    """
    if not isinstance(at, datetime) or at.utcoffset() is None:
        value = at.isoformat() if isinstance(at, date) else shown(at)
        raise InvalidInput("instant_naive", field=field, value=value)
    return (at - _EPOCH) // _MICROSECOND


def moment(at: Instant, field: str = "at") -> datetime:
    """Return the aware datetime, in UTC, of an instant of the years 1-9999.

    Raises: InvalidInput `instant_out_of_range`.
    """
    try:
        return _EPOCH + timedelta(microseconds=at)
    except OverflowError:
        raise InvalidInput("instant_out_of_range", field=field, value=shown(at)) from None


AT_MIN: Final = instant(datetime(2, 1, 1, tzinfo=UTC))
"""The first instant whose periods are known."""
AT_MAX: Final = instant(datetime(9990, 1, 1, tzinfo=UTC))
"""The instant from which periods are not known: their ends would leave Python's calendar."""


@lru_cache(maxsize=1024)
def zone_of(name: str, field: str = "time_zone") -> ZoneInfo:
    """Return the IANA time zone called `name`; the database of zones counts as a constant.

    Raises: InvalidInput `zone_unknown`.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        raise InvalidInput("zone_unknown", field=field, value=shown(name)) from None


_latest: Final[dict[tuple[str, str], Period]] = {}
"""The period found last, by kind and zone. It saves time and changes no answer; zones bound its size."""


def period_of(
    at: Instant,
    every: Every,
    anchor: Anchor = "calendar",
    zone: str = "UTC",
    anchor_at: Instant | None = None,
) -> Period:
    """Return the period that holds `at`. `anchor_at` is asked for with "anniversary" only.

    Raises: InvalidInput `instant_out_of_range`, `zone_unknown`, `every_unknown`, `anchor_unknown`,
    `anchor_missing`.
    """
    if anchor == "calendar":
        length = _FIXED.get(every)
        if length is not None:
            start_at = at - at % length
            return Period(start_at, start_at + length)
        found = _latest.get((every, zone))
        if found is not None and found.start_at <= at < found.end_at:
            return found
    elif anchor != "anniversary":
        raise InvalidInput("anchor_unknown", field="anchor", value=shown(anchor))
    if every == "forever":
        return ALWAYS
    if every not in EVERY:
        raise InvalidInput("every_unknown", field="every", value=shown(every), known=", ".join(EVERY))
    for instant_given in (at, at if anchor_at is None else anchor_at):
        if not AT_MIN <= instant_given < AT_MAX:
            raise InvalidInput("instant_out_of_range", field="at", value=shown(instant_given))
    if anchor == "calendar":
        period = _calendar(at, every, zone_of(zone))
        _latest[every, zone] = period
        return period
    if anchor_at is None:
        raise InvalidInput("anchor_missing", field="anchor_at", value="")
    return _anniversary(at, every, zone_of(zone), anchor_at)


def periods_between(
    start_at: Instant,
    end_at: Instant,
    every: Every,
    anchor: Anchor = "calendar",
    zone: str = "UTC",
    anchor_at: Instant | None = None,
) -> Iterator[Period]:
    """Yield, in order, every period that holds an instant of `start_at` ≤ t < `end_at`.

    One by one: an account that was idle for a year has half a million minutes behind it.
    """
    at = start_at
    while at < end_at:
        period = period_of(at, every, anchor, zone, anchor_at)
        yield period
        at = period.end_at


def parse_duration(text: object, field: str = "duration") -> int:
    """Return the microseconds of "90s", "15m", "1h" or "7d": one whole number above 0 and its unit.

    Raises: InvalidInput `duration_unreadable`, `duration_out_of_range` (more than ten years, or none).
    """
    match = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidInput("duration_unreadable", field=field, value=shown(text))
    length = int(match.group(1)) * _LENGTHS[match.group(2)]
    if not 0 < length <= DURATION_MAX:
        most = show_duration(DURATION_MAX)
        raise InvalidInput("duration_out_of_range", field=field, value=shown(text), most=most)
    return length


def show_duration(length: int) -> str:
    """Return whole seconds as `parse_duration` reads them, in the largest unit that divides them."""
    unit = next(unit for unit in reversed(_LENGTHS) if length % _LENGTHS[unit] == 0 or unit == "s")
    return f"{length // _LENGTHS[unit]}{unit}"


def _calendar(at: Instant, every: str, zone: ZoneInfo) -> Period:
    """Return the local day, week, month, quarter or year that holds `at`."""
    local = moment(at).astimezone(zone)
    if every in _DAYS:
        days = _DAYS[every]
        nth = (local.replace(tzinfo=None) - _DAY_ONE).days // days

        def boundary(n: int) -> Instant:
            return _first_at(_DAY_ONE + timedelta(days=n * days), zone)
    else:
        months = _MONTHS[every]
        nth = (local.year * 12 + local.month - 1) // months

        def boundary(n: int) -> Instant:
            return _first_at(_DAY_ONE.replace(year=n * months // 12, month=n * months % 12 + 1), zone)

    return _around(at, nth, boundary)


def _anniversary(at: Instant, every: str, zone: ZoneInfo, anchor_at: Instant) -> Period:
    """Return the period that holds `at`, counted from the anchor; the first one starts exactly there."""
    if every in _FIXED:
        length = _FIXED[every]
        start_at = at - (at - anchor_at) % length
        return Period(start_at, start_at + length)
    local, anchor = (moment(each).astimezone(zone).replace(tzinfo=None, fold=0) for each in (at, anchor_at))
    if every in _DAYS:
        days = _DAYS[every]
        nth = (local - anchor).days // days

        def wall(n: int) -> datetime:
            return anchor + timedelta(days=n * days)
    else:
        months = _MONTHS[every]
        nth = ((local.year - anchor.year) * 12 + local.month - anchor.month) // months

        def wall(n: int) -> datetime:
            return _clamped(anchor, n * months)

    def boundary(n: int) -> Instant:
        return _first_at(wall(n), zone) if n else anchor_at

    return _around(at, nth, boundary)


def _around(at: Instant, nth: int, boundary: Callable[[int], Instant]) -> Period:
    """Return the period that holds `at`, looked for from the `nth`; boundaries may coincide, not fall."""
    start_at = boundary(nth)
    while at < start_at:
        nth -= 1
        start_at = boundary(nth)
    end_at = boundary(nth + 1)
    while end_at <= at:
        nth += 1
        start_at, end_at = end_at, boundary(nth + 1)
    return Period(start_at, end_at)


def _clamped(anchor: datetime, months: int) -> datetime:
    """Return the anchor's local date and time so many months on, clamped to a shorter month's last day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    next_year, next_month = divmod(anchor.year * 12 + anchor.month + months, 12)
    last = (date(next_year, next_month + 1, 1) - date(year, month + 1, 1)).days
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last))


def _first_at(wall: datetime, zone: ZoneInfo) -> Instant:
    """Return the first instant at which the zone's clock shows `wall` or later.

    PEP 495: for a time that a zone skips, fold 0 reckons with the offset before the jump and lands after
    it, fold 1 the other way round, so the jump lies between the two.
    """
    before, after = (instant(wall.replace(tzinfo=zone, fold=fold)) for fold in (1, 0))
    if before >= after:
        return after
    while after - before > 1:  # the clock shows less than `wall` at `before`, and `wall` or more at `after`
        middle = (before + after) // 2
        if moment(middle).astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after
