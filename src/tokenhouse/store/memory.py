"""A lane's memory: accounts as its own last batches left them, so that a busy one is not read again.

A memory decides nothing. A batch that used it writes only if every account still has the version that was
remembered; and what it makes a no is asked of the database before anybody is told.
"""

from typing import Final

from tokenhouse.rules.balance import Balance

ACCOUNTS_MAX: Final = 10_000
"""Accounts that one lane remembers at most; each takes one to two kilobytes."""
PAUSE_MOST: Final = 256
"""Batches at most that take locks, after others were faster again and again, before memory is tried anew."""


class Memory:
    """Two generations of balances: one that is read moves to the young; a full young one becomes the old."""

    def __init__(self) -> None:
        self._young: dict[int, Balance] = {}
        self._old: dict[int, Balance] = {}
        self._pause = 1
        self._resting = 0

    def find(self, account: int) -> Balance | None:
        """Return an account as this lane last left it."""
        return self._young.get(account) or self._old.get(account)

    def keep(self, account: int, balance: Balance) -> None:
        """Remember what has been committed."""
        if len(self._young) >= ACCOUNTS_MAX // 2 and account not in self._young:
            self._old, self._young = self._young, {}
        self._young[account] = balance

    def forget(self, account: int) -> None:
        """Read this account anew when it is next wanted."""
        self._young.pop(account, None)
        self._old.pop(account, None)

    def clear(self) -> None:
        """Read every account anew."""
        self._young, self._old = {}, {}

    def conflict(self) -> None:
        """Another process writes the same accounts: take locks for a while, longer each time."""
        self.clear()
        self._resting = self._pause
        self._pause = min(self._pause * 2, PAUSE_MOST)

    def rests(self) -> bool:
        """Whether this batch had better take its locks first; asked once for each batch."""
        if self._resting:
            self._resting -= 1
            return True
        return False

    def held(self) -> None:
        """A batch went through without a lock: nobody else is at these accounts now."""
        self._pause = max(self._pause // 2, 1)
