"""Slots: when a job is due, by a cron expression in a time zone or every so many seconds; and who runs it.

A slot is the instant at which a job was due. Only the latest one counts: a job that was missed, once or for a
week, is caught up once. Clocks that change are cron's oldest trap; like Debian's cron, a job of a fixed hour
runs once on the day that has it twice and right after the gap on the day that lacks it, while one of every
hour or minute goes by the time that passes.
"""

from datetime import datetime
from typing import Final, Literal, TypeAlias

import msgspec
from cronsim import CronSim

from tokenhouse.rules.periods import MINUTE, SECOND, Instant, instant, moment, zone_of

When: TypeAlias = str | int
"""A cron expression of five fields, or a number of seconds."""
Outcome: TypeAlias = Literal["running", "done", "failed", "lost"]
"""At work; ended well; raised something; its node was gone before it ended."""

ATTEMPTS_MAX: Final = 5
"""How often one slot is tried; the next slot begins anew."""
RETRY_AFTER: Final = MINUTE
"""How long after a failure its slot is tried again: this, twice this, …"""
AHEAD_MAX: Final = 5 * MINUTE
"""A slot this far in the future was begun by a clock that went wrong, and does not count."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A run that a claim depends on. `scheduled`: it is of the last slot, and was not asked for by hand."""

    scheduled: bool
    outcome: Outcome
    attempt: int
    lease_until: Instant
    ended_at: Instant


class Begin(msgspec.Struct, frozen=True):
    """The slot may be run now; `again` if it is a new try of the run that it had."""

    again: bool


class Wait(msgspec.Struct, frozen=True):
    """There is nothing to run before `until`."""

    until: Instant


def last_slot(when: When, zone: str, now: Instant) -> Instant:
    """Return the latest instant, up to and with `now`, at which a job is due."""
    if isinstance(when, int):
        return now - now % (when * SECOND)
    backward = map(instant, CronSim(when, _whole(now + SECOND, zone), reverse=True))
    found = next(slot for slot in backward if slot <= now)
    while (following := next_slot(when, zone, found)) <= now:
        found = following
    return found


def next_slot(when: When, zone: str, now: Instant) -> Instant:
    """Return the first instant after `now` at which a job is due.

    Within an hour that a clock shows twice, the library may name a slot of its first time: that is over.
    """
    if isinstance(when, int):
        return now - now % (when * SECOND) + when * SECOND
    return next(slot for slot in map(instant, CronSim(when, _whole(now, zone))) if slot > now)


def claim(
    slot: Instant, following: Instant, begun: Instant | None, past: list[Past], now: Instant
) -> Begin | Wait:
    """Say whether a node may run `slot` now, or when to ask again.

    Args:
        slot: the latest one.
        following: the next one.
        begun: the slot that the schedule has begun last, whoever runs it; None if none.
        past: the run at work, and the schedule's run of `begun`, as far as they are there.
        now: the time.
    """
    working = next((run for run in past if run.outcome == "running"), None)
    if working is not None and working.lease_until > now:
        return Wait(min(working.lease_until, following))
    if begun is None or begun < slot or begun > now + AHEAD_MAX:
        return Begin(again=False)
    own = next((run for run in past if run.scheduled), None)
    if begun > slot or own is None or own.outcome == "done" or own.attempt >= ATTEMPTS_MAX:
        return Wait(following)
    if own is working:
        return Begin(again=True)
    due_at = own.ended_at + RETRY_AFTER * own.attempt
    return Begin(again=True) if due_at <= now else Wait(min(due_at, following))


def _whole(now: Instant, zone: str) -> datetime:
    """Return the second of an instant, as the clocks of a zone show it."""
    return moment(now - now % SECOND).astimezone(zone_of(zone))
