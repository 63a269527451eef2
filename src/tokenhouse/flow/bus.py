"""The bus: short words from one node to all of them, within a second, over the database that they share.

    desk.bus.hear("keys", keyring.forget)
    await desk.bus.tell("keys", key.id)

A word is a hint that something has changed, and never the change itself: one that is lost, for a connection
breaks and nothing is kept, must cost no more than a moment of an old answer. A node that hears nothing opens
no connection for it; the first listener opens one, which is opened again for as long as the house is open.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from secrets import token_hex
from typing import Final, TypeAlias

import msgspec

from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow.ending import end
from tokenhouse.store import bus, doctor
from tokenhouse.store.bus import BYTES_MAX, Ear
from tokenhouse.store.pool import Pool, trouble_translated

log: Final = logging.getLogger("tokenhouse.bus")

PAUSE_S: Final = 0.5
"""Between two attempts to reach a database that is away."""
ALIVE_EVERY_S: Final = 20.0
"""How often a silent connection is asked whether it is there: a cut cable says nothing."""
ALIVE_WITHIN_S: Final = 5.0

Told: TypeAlias = Callable[[str], None]
Missed: TypeAlias = Callable[[], None]

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[str, str, str]).decode


class Bus:
    """One node's mouth and ear. `dial` opens the connection on which it hears."""

    def __init__(self, pool: Pool, dial: Callable[[], Awaitable[Ear]]) -> None:
        self._pool, self._dial = pool, dial
        self._node = token_hex(8)
        self._listeners: dict[str, dict[Told, Missed | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self.attentive = asyncio.Event()
        """Set while this node hears the others."""

    def hear(self, topic: str, told: Told, *, missed: Missed | None = None) -> None:
        """Have `told` called with the text of every word about a topic, whichever node says it.

        `missed` is called whenever words may have gone by unheard: each time that the connection is there
        (again), and for a listener that comes later. Both must be quick and must not raise. Idempotent.
        """
        listeners = self._listeners.setdefault(topic, {})
        if told in listeners:
            return
        listeners[told] = missed
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name="tokenhouse bus")
        elif missed is not None:
            missed()

    async def tell(self, topic: str, text: str = "") -> bool:
        """Say a word: this node has heard it when this returns, every other one hears it within a second.

        Of what is written together with more, everybody hears when it is there. False if the database cannot
        be reached: then only this node knows.
        """
        if self._pool.afterwards(partial(self.tell, topic, text)):
            return True
        word = _encode((self._node, topic, text))
        assert len(word) <= BYTES_MAX, topic  # noqa: S101 -- a word is a hint and says an id at most
        self._pass_on(topic, text)
        try:
            async with self._pool.acquire() as connection:
                await bus.write_word(connection, word.decode())
        except DatabaseTrouble as trouble:
            log.warning("%s not told to other nodes: %s", topic, trouble)
            return False
        return True

    async def close(self) -> None:
        """Hear nothing more."""
        if self._task is not None:
            await end(self._task)

    def _pass_on(self, topic: str, text: str) -> None:
        """Tell this node's listeners."""
        for told in tuple(self._listeners.get(topic, ())):
            try:
                told(text)
            except Exception:
                log.exception("a listener of %s failed", topic)

    def _heard(self, word: str) -> None:
        """Take a word of another node; what is not one of ours is let go by."""
        try:
            node, topic, text = _decode(word)
        except msgspec.DecodeError:
            log.warning("a word that is not ours: %.40r", word)
            return
        if node != self._node:
            self._pass_on(topic, text)

    async def _listen(self) -> None:
        """Hear the other nodes, for ever; a lost connection is replaced."""
        reachable = True
        while True:
            try:
                with trouble_translated():
                    await self._attend()
            except DatabaseTrouble as trouble:
                (log.warning if reachable else log.debug)("other nodes not heard: %s", trouble)
                reachable = False
            except Exception:
                log.exception("other nodes not heard")
            else:
                reachable = True
            await asyncio.sleep(PAUSE_S)

    async def _attend(self) -> None:
        """Hear the other nodes over one connection, until it ends."""
        ended = asyncio.Event()
        connection = await self._dial()
        try:
            async with asyncio.timeout(ALIVE_WITHIN_S):
                await bus.listen(connection, self._heard, ended.set)
            self.attentive.set()
            self._catch_up()
            while not ended.is_set():
                try:
                    async with asyncio.timeout(ALIVE_EVERY_S):
                        await ended.wait()
                except TimeoutError:
                    async with asyncio.timeout(ALIVE_WITHIN_S):
                        await doctor.find_version(connection)
        finally:
            self.attentive.clear()
            connection.terminate()

    def _catch_up(self) -> None:
        """Tell every listener that words may have gone by."""
        for listeners in tuple(self._listeners.values()):
            for missed in tuple(listeners.values()):
                if missed is not None:
                    missed()
