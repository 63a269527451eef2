"""Stretches: the last hours, days or months of the deployment's zone, and which of them a moment lies in."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.periods import instant, moment, period_of, zone_of
from tokenhouse.store.rollups import Span

Grain = Literal["hour", "day", "month"]
GRAINS: Final[tuple[str, ...]] = get_args(Grain)
MOST: Final[dict[str, int]] = {"hour": 24 * 31, "day": 366, "month": 60}
"""How many stretches of a kind one question may be about."""
HOUR: Final = timedelta(hours=1)
EARLIEST: Final = instant(datetime(2000, 1, 1, tzinfo=UTC))
"""Before any journal."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches that follow upon each other, the oldest first: the n-th from bound n up to bound n + 1."""

    grain: Grain
    zone: str
    bounds: tuple[datetime, ...]

    @property
    def span(self) -> Span:
        """All of them together."""
        return Span(start_at=self.bounds[0], end_at=self.bounds[-1], grain=self.grain, zone=self.zone)

    @property
    def days(self) -> tuple[date, date]:
        """The first day, and the one after the last, by the calendar of the zone."""
        zone = zone_of(self.zone)
        last = self.bounds[-1].astimezone(zone) - timedelta(microseconds=1)
        return self.bounds[0].astimezone(zone).date(), last.date() + timedelta(days=1)

    @property
    def starts(self) -> tuple[datetime, ...]:
        """When each of them begins."""
        return self.bounds[:-1]

    def nth(self, at: datetime) -> int:
        """Return in which of them a moment of the span lies."""
        return bisect_right(self.bounds, at) - 1

    def nth_of_day(self, day: date) -> int:
        """Return in which of them a day of the zone begins."""
        return self.nth(datetime(day.year, day.month, day.day, tzinfo=zone_of(self.zone)))


def checked_stretches(grain: object, last: object) -> tuple[Grain, int]:
    """Return a kind of stretch and how many, if one question may be about so many. Raises: InvalidInput."""
    if grain not in GRAINS:
        raise InvalidInput("choice_unknown", field="every", value=shown(grain), known=", ".join(GRAINS))
    kind: Grain = grain  # type: ignore[assignment]  # It is one of them.
    return kind, checked_whole(last, "last", 1, MOST[kind])


def last_stretches(desk: Desk, grain: object, last: object, until: datetime | None = None) -> Stretches:
    """Return the `last` hours, days or months of the deployment's zone; the last of them is not over yet.

    With `until`, the last of them is the one in which the moment before it lies.

    Raises: InvalidInput.
    """
    kind, count = checked_stretches(grain, last)
    zone = desk.settings.time_zone
    end = desk.now()
    if until is not None:
        end = min(max(instant(until, "until") - 1, EARLIEST), end)
    if kind == "hour":
        return Stretches(kind, zone, tuple(_hours(moment(end), count, zone_of(zone))))
    periods = [period_of(end, kind, zone=zone)]
    while len(periods) < count:
        periods.append(period_of(periods[-1].start_at - 1, kind, zone=zone))
    bounds = [moment(period.start_at) for period in reversed(periods)]
    return Stretches(kind, zone, (*bounds, moment(periods[0].end_at)))


def _hours(end: datetime, count: int, zone: ZoneInfo) -> list[datetime]:
    """Return the bounds of the last hours as the clock of a zone strikes them, up to the one under way.

    Where a clock is changed by half an hour, as on Lord Howe Island, the hour around it has 90 minutes.
    """

    def struck(at: datetime) -> datetime:
        return at.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)

    first = struck(end)
    next_at = first + HOUR if struck(first + HOUR) > first else first + HOUR * 3 / 2
    bounds = [next_at, first]
    while len(bounds) <= count:
        bounds.append(struck(bounds[-1] - HOUR))
    return bounds[::-1]


def stretches_between(
    desk: Desk, grain: Grain, last: int, since: datetime | None, until: datetime | None
) -> Stretches:
    """Return those that hold the time from `since` to `until`, or the `last` ones before `until`.

    Where there are more than one question may be about, the oldest are left out. Raises: InvalidInput.
    """
    if since is None:
        return last_stretches(desk, grain, last, until)
    instant(since, "since")
    checked_stretches(grain, last)
    whole = last_stretches(desk, grain, MOST[grain], until)
    first = min(max(whole.nth(since), 0), len(whole.starts) - 1)
    return Stretches(whole.grain, whole.zone, whole.bounds[first:])
