"""Pace: how many calls went through in the last minutes, and how many were refused; for who watches.

Each process counts, which is adding one to a number, and every few seconds adds what it counted to what all
have. A process that is killed takes its last seconds with it; the journal knows what was charged.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tokenhouse.errors import DatabaseTrouble
from tokenhouse.rules.costs import share
from tokenhouse.rules.operations import Charge, Done, Operation, Outcome, Settle
from tokenhouse.rules.periods import SECOND, Instant, instant, moment
from tokenhouse.store import pace
from tokenhouse.store.pool import Pool

log: Final = logging.getLogger("tokenhouse.pace")

SLOT_S: Final = 10
"""How long a slot is."""
SLOTS: Final = 30
"""How many slots are told of."""
EVERY_S: Final = 5.0
"""How long what was counted may wait in this process."""
KEPT: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Ten seconds: calls that were charged in them, and calls that were refused."""

    start_at: datetime
    allowed: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """The last minutes, the oldest slot first; the last one is not over yet."""

    start_at: datetime
    end_at: datetime
    slots: tuple[Slot, ...]

    @property
    def allowed(self) -> int:
        """Calls that were charged."""
        return sum(one.allowed for one in self.slots)

    @property
    def refused(self) -> int:
        """Calls that were refused."""
        return sum(one.refused for one in self.slots)

    @property
    def allowed_share(self) -> Decimal | None:
        """Calls that were charged, of those and the refused ones; None where there were none."""
        return share(self.allowed, self.allowed + self.refused)

    @property
    def per_minute(self) -> Decimal:
        """Calls a minute on average, whatever came of them; to a tenth."""
        minutes = Decimal(SLOT_S * SLOTS) / 60
        return (Decimal(self.allowed + self.refused) / minutes).quantize(Decimal("0.1"))


class Pace:
    """The counts of one process."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool, self._clock = pool, clock
        self._counted: dict[Instant, list[int]] = {}
        self._due: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    def heed(self, operation: Operation, outcome: Outcome) -> None:
        """Count an operation that charged a call."""
        kind = type(operation)
        if (kind is Settle or kind is Charge) and type(outcome) is Done and not outcome.replayed:
            self._add(0)

    def refused(self) -> None:
        """Count a call that was refused."""
        self._add(1)

    async def write(self) -> None:
        """Add what was counted until now to what all have; where the database is away, it is let go."""
        counted, self._counted = self._counted, {}
        if not counted:
            return
        try:
            async with self._pool.acquire() as connection:
                lines = {moment(at): (allowed, refused) for at, (allowed, refused) in counted.items()}
                await pace.write_pace(connection, lines)
                await pace.write_pace_pruned(connection, self._clock() - KEPT)
        except DatabaseTrouble as trouble:
            log.warning("the pace of the last seconds is not told: %s", trouble)

    async def close(self) -> None:
        """Write what is left, once; what is counted from now on is told to nobody."""
        self._closed = True
        if self._due is not None:
            self._due.cancel()
        if self._writing is not None:
            await self._writing
        await self.write()

    def _add(self, which: int) -> None:
        slot = slot_of(instant(self._clock()))
        counts = self._counted.get(slot)
        if counts is None:
            counts = self._counted[slot] = [0, 0]
        counts[which] += 1
        if self._due is None and not self._closed:
            self._due = asyncio.get_running_loop().call_later(EVERY_S, self._write_now)

    def _write_now(self) -> None:
        """Begin to write; the next call sets the clock anew."""
        self._due = None
        self._writing = asyncio.create_task(self.write(), name="tokenhouse pace")


async def lately(own: Pace, pool: Pool, now: Instant) -> Lately:
    """Return the last five minutes of all nodes; those of others a few seconds late."""
    await own.write()
    last = slot_of(now)
    starts = [moment(last - nth * SLOT_S * SECOND) for nth in reversed(range(SLOTS))]
    end_at = starts[-1] + timedelta(seconds=SLOT_S)
    async with pool.acquire() as connection:
        found = await pace.list_pace(connection, starts[0], end_at)
    slots = [(at, *found.get(at, (0, 0))) for at in starts]
    return Lately(
        start_at=starts[0],
        end_at=end_at,
        slots=tuple(Slot(start_at=at, allowed=allowed, refused=refused) for at, allowed, refused in slots),
    )


def slot_of(at: Instant) -> Instant:
    """Return when the slot of an instant begins."""
    return at - at % (SLOT_S * SECOND)
