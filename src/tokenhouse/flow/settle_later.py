"""Settle later: a charge that the database cannot take now is kept on disk, and settled when it can.

The answer has reached the user by then, so the charge must not be lost (row D8), nor come twice: a settle is
idempotent by its reservation, however often the spool brings it back.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tokenhouse.errors import Busy, DatabaseTrouble, TokenhouseError
from tokenhouse.flow import settle
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.settle import Receipt
from tokenhouse.flow.until import Until
from tokenhouse.rules.usage import Usage
from tokenhouse.store.chat import TurnEnd
from tokenhouse.store.spool import Kept, Record, Spool

log: Final = logging.getLogger("tokenhouse.settle")

KEEP_AFTER_S: Final = 1.0
"""A settle that takes longer is kept on disk as well, lest a crash in the meantime lose it."""
TOGETHER_MAX: Final = 500
"""Settles that are tried at once: a batch of a lane."""
BACKOFF_FIRST_S: Final = 0.2
BACKOFF_MOST_S: Final = 30.0
LOOK_EVERY_S: Final = 30.0
"""How often the folder is looked through for what other processes left when they died."""


class Owed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A charge that is owed: all that a settle needs, priced when the answer came."""

    account: str
    reservation: str
    charge: int
    usage: Usage | None = None
    model: str = ""
    rate: int = 0
    source: str = "provider"
    actor: str = ""
    note: str = ""
    facts: dict[str, Any] = {}
    turn: TurnEnd | None = None
    """The answer of a turn of the chat, which is kept where its charge is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What became of what was kept: settled now or before, refused for good, or still waiting."""

    settled: int = 0
    refused: int = 0
    waiting: int = 0


class SettleLater:
    """The settles of one process that must not be lost. Run `run` as a task beside the house."""

    def __init__(self, desk: Desk, spool: Spool) -> None:
        self._desk, self._spool = desk, spool
        self._queue: list[tuple[Record, asyncio.Future[Kept]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._slow: set[asyncio.Task[None]] = set()
        self._work = asyncio.Event()

    async def settle(self, owed: Owed) -> Receipt | None:
        """Settle now, or keep it on disk and settle later; None then.

        Raises: whatever says that it can never be settled (NotFound, KeyReused, InvalidInput), and
        DatabaseTrouble `spool_full` or `spool_failed` if neither database nor disk takes it.
        """
        try:
            with Until(KEEP_AFTER_S):
                return await self._settle(owed)
        except (DatabaseTrouble, Busy) as trouble:
            log.warning("charge of %s kept on disk: %s", owed.reservation, trouble)
            await self.keep(owed)
            self._work.set()
        except (TimeoutError, asyncio.CancelledError) as late:
            safe = asyncio.get_running_loop().create_future()
            safe.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            waiting = asyncio.create_task(self._follow(owed, safe))
            self._slow.add(waiting)
            waiting.add_done_callback(self._slow.discard)
            waiting.add_done_callback(lambda _ended: safe.cancel())  # So that nobody waits for ever.
            if isinstance(late, asyncio.CancelledError):
                raise
            await asyncio.shield(safe)  # Whoever is told that the answer is whole has it charged by then.
        return None

    async def keep(self, owed: Owed) -> Kept:
        """Keep a charge on disk; it is there when this returns. Whoever waits meanwhile shares one flush.

        A caller that is cancelled while it waits takes nothing back.
        """
        kept = asyncio.get_running_loop().create_future()
        self._queue.append((msgspec.to_builtins(owed), kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="tokenhouse spool")
        return await asyncio.shield(kept)

    def kept(self) -> tuple[int, int]:
        """Return how many charges wait on disk, and how many bytes they take there."""
        return self._spool.waiting, self._spool.size

    async def replay(self) -> Replayed:
        """Settle what is kept, until the database is away again. Idempotent."""
        settled = refused = 0
        pending = await asyncio.to_thread(self._spool.pending)
        for first in range(0, len(pending), TOGETHER_MAX):
            some = pending[first : first + TOGETHER_MAX]
            ended = await asyncio.gather(*(self._replay(kept) for kept in some))
            settled += ended.count("settled")
            refused += ended.count("refused")
            if "waiting" in ended:
                break
        return Replayed(settled=settled, refused=refused, waiting=len(pending) - settled - refused)

    async def run(self) -> None:
        """Settle what is kept whenever there is something, and look for what the dead have left; for ever."""
        wait_s = BACKOFF_FIRST_S
        while True:
            self._work.clear()
            await asyncio.to_thread(self._spool.adopt)
            ended = await self.replay()
            if ended.settled or ended.refused:
                log.warning("kept charges: %d settled, %d refused", ended.settled, ended.refused)
            if ended.waiting:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, BACKOFF_MOST_S)
                continue
            wait_s = BACKOFF_FIRST_S
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._work.wait()

    async def close(self) -> None:
        """Let settles under way end on disk or in the database, and let the spool go.

        Order: before the writer closes, which answers the slow ones. End the task of `run` first.
        """
        await asyncio.gather(*self._slow)
        if self._writing is not None:
            await self._writing
        await asyncio.to_thread(self._spool.close)

    async def _settle(self, owed: Owed) -> Receipt:
        """Settle one charge."""
        return await settle.settle(
            self._desk,
            owed.account,
            owed.reservation,
            owed.charge,
            usage=owed.usage,
            model=owed.model,
            rate=owed.rate,
            source=owed.source,
            actor=owed.actor,
            note=owed.note,
            facts=owed.facts,
            turn=owed.turn,
        )

    async def _follow(self, owed: Owed, safe: asyncio.Future[None]) -> None:
        """Keep a slow settle on disk while it goes on, and take it off again if it ends well.

        `safe` ends as soon as disk or database has it, or with the trouble that neither takes it.
        """
        trial = asyncio.create_task(self._settle(owed))  # Whatever became of the first, it is done once.
        kept: Kept | None = None
        try:
            kept = await self.keep(owed)
            safe.set_result(None)
        except DatabaseTrouble as trouble:
            log.critical("charge of %s is on no disk yet: %s", owed.reservation, trouble)
        try:
            await trial
        except TokenhouseError as trouble:
            log.log(logging.WARNING if kept else logging.CRITICAL, "%s not settled: %s", owed, trouble)
            self._work.set()
            if kept is None:
                safe.set_exception(trouble)
        else:
            if kept is None:
                safe.set_result(None)
            else:
                await asyncio.to_thread(self._spool.done, kept)

    async def _replay(self, kept: Kept) -> str:
        """Settle one kept charge and say how it ended."""
        try:
            await self._settle(msgspec.convert(kept.record, Owed))
        except (DatabaseTrouble, Busy):
            return "waiting"
        except (TokenhouseError, msgspec.ValidationError) as trouble:
            log.critical("kept charge %s can never be settled, put aside: %s", kept.record, trouble)
            await asyncio.to_thread(self._spool.refuse, kept, str(trouble))
            return "refused"
        await asyncio.to_thread(self._spool.done, kept)
        return "settled"

    async def _write(self) -> None:
        """Keep what waits, together, until nothing does."""
        while self._queue:
            queue, self._queue = self._queue, []
            try:
                written = await asyncio.to_thread(self._spool.write, *(record for record, _ in queue))
            except Exception as trouble:  # noqa: BLE001 -- whatever it is, who waits must be told
                for _, kept in queue:
                    kept.set_exception(trouble)
                continue
            for (_, kept), one in zip(queue, written, strict=True):
                kept.set_result(one)
