"""The keyring: API keys that this process has just seen, for a few seconds, and when they were used."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from tokenhouse.errors import DatabaseTrouble
from tokenhouse.rules.periods import Instant
from tokenhouse.store.keys import Key

log: Final = logging.getLogger("tokenhouse.keys")

TOPIC: Final = "keys"
"""What nodes tell each other about on the bus: the id of a key that no longer is what it was."""
KEPT_S: Final = 5
"""How long a key that was found is not asked for again: so long a revoked one can live on in a process that
the word of it did not reach. One that hears the others forgets the key within a second."""
KEPT_MAX: Final = 50_000
"""Keys that a process remembers; one more, and it begins anew."""
USED_EVERY_S: Final = 60
"""How often, at most, it is written that a key was used."""

Write = Callable[[dict[str, Instant]], Awaitable[None]]


@dataclass(slots=True)
class Keyring:
    """What one process remembers of keys, by the SHA-256 of their secrets. Losing it costs a query a key.

    Only keys that exist are remembered: whoever tries secrets at random fills nothing up, and a key works
    everywhere as soon as it is made.
    """

    seen: dict[bytes, tuple[Key, Instant]] = field(default_factory=dict)
    used: dict[str, Instant] = field(default_factory=dict)
    """When this process last wrote, or is about to write, that a key was used."""
    waiting: dict[str, Instant] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    revoked: int = 0
    """How many keys were forgotten: what was asked for before the last of them is not remembered."""

    def find(self, digest: bytes, now: Instant) -> Key | None:
        """Return a key that was seen a moment ago."""
        seen = self.seen.get(digest)
        fresh = seen is not None and abs(now - seen[1]) < KEPT_S * 1_000_000
        return seen[0] if seen is not None and fresh else None

    def keep(self, digest: bytes, key: Key, now: Instant, revoked: int) -> None:
        """Remember a key as it stood at `now`, unless one was forgotten since `revoked` of them were."""
        if revoked != self.revoked:
            return
        if len(self.seen) >= KEPT_MAX:
            self.seen.clear()
        self.seen[digest] = key, now

    def forget(self, key_id: str) -> None:
        """Remember one key no longer, so that the next call sees how it stands."""
        self.revoked += 1
        for digest in [digest for digest, (key, _) in self.seen.items() if key.id == key_id]:
            del self.seen[digest]

    def forget_all(self) -> None:
        """Remember no key any longer: words about some of them may have gone by unheard."""
        self.revoked += 1
        self.seen.clear()

    def note(self, key: Key, now: Instant, write: Write) -> None:
        """Note that a key is used now; once a minute that is written, beside the call and not within it."""
        last = self.used.get(key.id)
        if last is not None and now - last < USED_EVERY_S * 1_000_000:
            return
        if len(self.used) >= KEPT_MAX:
            self.used.clear()
        self.used[key.id] = self.waiting[key.id] = now
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._write(write), name="tokenhouse keys")

    async def close(self) -> None:
        """Return when what was noted is written."""
        if self.task is not None:
            await self.task

    async def _write(self, write: Write) -> None:
        """Write what waits. A database that is away loses a time of use, and no call waits for it."""
        while self.waiting:
            used, self.waiting = self.waiting, {}
            try:
                await write(used)
            except DatabaseTrouble as trouble:
                log.warning("last use of %d keys not written: %s", len(used), trouble)
