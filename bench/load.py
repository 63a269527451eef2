"""Load: callers that each reserve, settle and begin again; only answered operations count."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tokenhouse import Tokenhouse
from tokenhouse.rules.usage import Usage

HELD, CHARGED = 100, 80
USAGE = Usage(input=50, output=30)
MODEL = "gpt-4o"


@dataclass(slots=True)
class Load:
    """So many callers over these accounts; `keyed`: with an idempotency key of their own each time."""

    house: Tokenhouse
    names: Sequence[str]
    callers: int
    seconds: float
    keyed: bool = False
    chance: Random = field(default_factory=lambda: Random(1))
    waits: list[float] = field(default_factory=list)

    async def rate(self) -> float:
        """Return pairs a second over one turn. The first callers' warm-up is not counted."""
        await self._all_call(self.seconds / 10)
        self.waits = []
        begin = time.perf_counter()
        await self._all_call(self.seconds)
        return len(self.waits) / (time.perf_counter() - begin)

    def wait_ms(self, share: float) -> float:
        """Return how long that share of the last turn's pairs took at most."""
        return sorted(self.waits)[int(len(self.waits) * share)] * 1_000

    async def _all_call(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(self._call(until) for _ in range(self.callers)))

    async def _call(self, until: float) -> None:
        while (begin := time.perf_counter()) < until:
            name = self.chance.choice(self.names)
            key = f"{self.chance.getrandbits(64):x}" if self.keyed else None
            reservation = await self.house.reserve(name, HELD, tokens=HELD, model=MODEL, key=key)
            await self.house.settle(name, reservation.id, CHARGED, usage=USAGE, model=MODEL)
            self.waits.append(time.perf_counter() - begin)
