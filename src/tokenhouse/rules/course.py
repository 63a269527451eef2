"""Course: which version of a plan holds when. Decided by an instant, so that no job can be late for it."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from tokenhouse.rules.periods import ALWAYS, Instant
from tokenhouse.rules.plans import Plan

State = Literal["in_force", "planned", "past", "withdrawn"]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a plan: its terms, and from when on they are to hold."""

    plan: Plan
    written_at: Instant
    starts_at: Instant | None = None
    """None: it held from its writing on, whatever the clock of a process says that hears of it."""
    withdrawn: bool = False

    @property
    def since(self) -> tuple[Instant, int]:
        """Where it stands in time; of two that start at once the later one counts."""
        return self.written_at if self.starts_at is None else self.starts_at, self.plan.version


class Course:
    """The versions of one plan in the order in which they hold.

    The last that was written to hold at once comes first, and then each that was planned to start after that.
    What came before it never holds again.
    """

    __slots__ = ("_plans", "_starts")

    def __init__(self, versions: Iterable[Version]) -> None:
        standing = [one for one in versions if not one.withdrawn]
        first = max((one for one in standing if one.starts_at is None), key=_number)
        ahead = {
            one.starts_at: one.plan
            for one in sorted(standing, key=_since)
            if one.starts_at is not None and one.starts_at > first.written_at
        }
        self._starts: Final = [ALWAYS.start_at, *ahead]
        self._plans: Final = (first.plan, *ahead.values())

    def at(self, now: Instant) -> Plan:
        """Return the terms that hold at an instant."""
        if len(self._plans) == 1:
            return self._plans[0]
        return self._plans[max(bisect_right(self._starts, now) - 1, 0)]

    def after(self, now: Instant) -> list[tuple[Instant, Plan]]:
        """Return the terms that are to hold later: each with its start."""
        return [one for one in zip(self._starts[1:], self._plans[1:], strict=True) if one[0] > now]

    def state(self, version: Version, now: Instant) -> State:
        """Tell how one of its versions stands at an instant."""
        if version.withdrawn:
            return "withdrawn"
        number = version.plan.version
        if self.at(now).version == number:
            return "in_force"
        return "planned" if any(plan.version == number for _, plan in self.after(now)) else "past"


def before(version: Version, versions: Sequence[Version]) -> Version | None:
    """Return the version that held, or is to hold, until this one starts."""
    earlier = [one for one in versions if not one.withdrawn and one.since < version.since]
    return max(earlier, key=_since, default=None)


def _number(version: Version) -> int:
    return version.plan.version


def _since(version: Version) -> tuple[Instant, int]:
    return version.since
