"""Throttle: how often one caller may do something, as a bucket that fills up again while it waits.

A number for each name and no more: the moment at which its bucket will be full (the generic cell rate
algorithm, ITU-T I.371). It lives in one process: N nodes allow N times as much.
"""

from typing import Final

from tokenhouse.rules.periods import Instant

MINUTE: Final = 60_000_000
NAMES_MAX: Final = 100_000
"""Names that are remembered; whoever was not seen for longest is forgotten first."""


class Throttle:
    """At most `per_minute` in a minute for each name, all of them at once if need be; 0 stands for any."""

    def __init__(self, per_minute: int, *, names_max: int = NAMES_MAX) -> None:
        self.per_minute = per_minute
        self._each = MINUTE // per_minute if per_minute else 0
        self._full_at: dict[object, Instant] = {}
        self._names_max = names_max

    def take(self, name: object, now: Instant) -> int:
        """Take one out of a bucket and return 0, or return the seconds after which there is one again."""
        wait_s = self.wait(name, now)
        if wait_s or not self._each:
            return wait_s
        self._full_at[name] = max(self._full_at.pop(name, now), now) + self._each
        if len(self._full_at) > self._names_max:
            del self._full_at[next(iter(self._full_at))]
        return 0

    def wait(self, name: object, now: Instant) -> int:
        """Return after how many seconds there is one in a bucket; 0 for now."""
        if not self._each:
            return 0
        # A clock that was set back must not keep anybody waiting for more than a minute.
        full_at = min(self._full_at.get(name, now), now + MINUTE)
        empty_for = full_at + self._each - now - MINUTE
        return max(-(-empty_for // 1_000_000), 0)

    def give_back(self, name: object) -> None:
        """Put back what was taken: it turned out to be none of what is counted."""
        if name in self._full_at:
            self._full_at[name] -= self._each
