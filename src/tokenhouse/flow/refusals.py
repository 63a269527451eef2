"""Refusals: how often each account was refused, and why. The journal does not know; this process counts.

Counting is adding one to a number; every few seconds what was counted goes to the database. A process that is
killed takes the last seconds of this statistic with it, and nothing else: no money depends on it.
"""

import asyncio
import logging
from datetime import date
from typing import Final

from tokenhouse.errors import DatabaseTrouble
from tokenhouse.rules.periods import Instant, Period, moment, period_of, zone_of
from tokenhouse.store import rollups
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Pool

log: Final = logging.getLogger("tokenhouse.refusals")

EVERY_S: Final = 5.0
"""How long what was counted may wait in this process."""
KEYS_MAX: Final = 100_000
"""Accounts, days and codes that wait at most while the database is away; what is beyond is not counted."""

Key = tuple[int, int, date, str]
"""Cell, account, day, and the error's code."""


class Refusals:
    """The counts of one process. `zone` says when a day ends."""

    def __init__(self, pool: Pool, zone: str) -> None:
        self._pool, self._zone = pool, zone
        self._counted: dict[Key, int] = {}
        self._day, self._period = date.min, Period(0, 0)
        self._due: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def count(self, address: Address, code: str, now: Instant) -> None:
        """Count one refused call of an account."""
        if not self._period.contains(now):
            self._period = period_of(now, "day", zone=self._zone)
            self._day = moment(now).astimezone(zone_of(self._zone)).date()
        key = (address.cell, address.account, self._day, code)
        known = self._counted.get(key, 0)
        if known or len(self._counted) < KEYS_MAX:
            self._counted[key] = known + 1
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(EVERY_S, self._write_now)

    async def write(self) -> None:
        """Write what was counted until now; what the database does not take waits for the next time."""
        counted, self._counted = self._counted, {}
        if not counted:
            return
        try:
            async with self._pool.acquire() as connection:
                await rollups.write_refusals(connection, counted)
        except DatabaseTrouble as trouble:
            log.warning("refusals are counted, and written later: %s", trouble)
            for key, refused in self._counted.items():
                counted[key] = counted.get(key, 0) + refused
            self._counted = counted

    async def close(self) -> None:
        """Write what is left, once."""
        if self._due is not None:
            self._due.cancel()
        if self._writing is not None:
            await self._writing
        await self.write()

    def _write_now(self) -> None:
        """Begin to write; the next refusal sets the clock anew."""
        self._due = None
        self._writing = asyncio.create_task(self.write(), name="tokenhouse refusals")
