"""Remembered: answers about the whole deployment are found out once in ten minutes, and say when that was.

Each process keeps its own; where a Redis or Valkey is set, all nodes share what one of them found out. Who
has them forgotten has them forgotten everywhere, within a second.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

import msgspec

from tokenhouse.flow.bus import Bus
from tokenhouse.store.shelf import Shelf

KEPT_S: Final = 600
"""For how long an answer is given again."""
TOPIC: Final = "statistics"
ATTENTIVE_WITHIN_S: Final = 2.0
ANSWERS_MAX: Final = 1_000
"""Different questions whose answers a process keeps."""
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated(Generic[T]):
    """An answer, and when it was found out."""

    value: T
    cached_at: datetime


class Remembered:
    """The answers that one process keeps, and the way to those of the others."""

    def __init__(self, clock: Callable[[], datetime], bus: Bus, shelf: Shelf | None) -> None:
        self._clock, self._bus, self._shelf = clock, bus, shelf
        self._kept: dict[str, Dated[Any]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._forgotten_at, self._times_forgotten = LONG_AGO, 0
        self._clearing: set[asyncio.Task[None]] = set()

    async def of(self, name: str, kind: type[T], work: Callable[[], Awaitable[T]]) -> Dated[T]:
        """Return the answer to the question called `name`, at most ten minutes old; `work` finds it out.

        Those who ask meanwhile wait for the same answer.
        """
        known = self._fresh(self._kept.get(name))
        if known is None:
            await self._listen()
            if len(self._turns) >= ANSWERS_MAX:
                self._turns.clear()  # Who waits keeps waiting; the next to ask may find out the same again.
            async with self._turns.setdefault(name, asyncio.Lock()):
                known = self._fresh(self._kept.get(name)) or await self._on_shelf(name, kind)
                if known is None:
                    known = await self._found_out(name, work)
        return known

    async def forget(self) -> None:
        """Forget every answer, on every node, and what all of them share."""
        await self._bus.tell(TOPIC, self._clock().isoformat())
        await asyncio.gather(*self._clearing)

    async def close(self) -> None:
        """Let the shared ones go."""
        await asyncio.gather(*self._clearing)
        if self._shelf is not None:
            await self._shelf.close()

    async def _listen(self) -> None:
        """Hear when answers are to be forgotten, before any is kept; who hears nothing asks all the same."""
        self._bus.hear(TOPIC, self._forget, missed=self._forget)
        if not self._bus.attentive.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(ATTENTIVE_WITHIN_S):
                    await self._bus.attentive.wait()

    def _fresh(self, answer: Dated[T] | None) -> Dated[T] | None:
        """Return an answer that is not too old; nor one that a clock which went back has dated ahead."""
        if answer is None:
            return None
        age = self._clock() - answer.cached_at
        return answer if timedelta(0) <= age < timedelta(seconds=KEPT_S) else None

    async def _found_out(self, name: str, work: Callable[[], Awaitable[T]]) -> Dated[T]:
        """Find an answer out and keep it, unless all were to be forgotten meanwhile."""
        times = self._times_forgotten
        cached_at = self._clock()
        answer = Dated(value=await work(), cached_at=cached_at)
        if times == self._times_forgotten:
            if len(self._kept) >= ANSWERS_MAX:
                self._kept.clear()
            self._kept[name] = answer
            if self._shelf is not None:
                await self._shelf.put(name, msgspec.json.encode((cached_at, answer.value)), KEPT_S)
        return answer

    async def _on_shelf(self, name: str, kind: type[T]) -> Dated[T] | None:
        """Return another node's answer, if it is there, not too old, and younger than what was forgotten."""
        document = await self._shelf.find(name) if self._shelf is not None else None
        if document is None:
            return None
        shape = tuple[datetime, kind]  # type: ignore[valid-type]  # It is known when it is asked for.
        try:
            cached_at, value = msgspec.json.decode(document, type=shape)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None  # Of another release, or of somebody else.
        found = self._fresh(Dated(value=value, cached_at=cached_at))
        if found is None or found.cached_at <= self._forgotten_at:
            return None
        self._kept[name] = found
        return found

    def _forget(self, told: str = "") -> None:
        """Forget all; `told` says when somebody asked for it, and is empty where a word may have gone by."""
        self._times_forgotten += 1
        self._kept.clear()
        if not told:
            return
        self._forgotten_at = self._clock()
        if self._shelf is not None:
            clearing = asyncio.create_task(self._shelf.clear(), name="tokenhouse cache")
            self._clearing.add(clearing)
            clearing.add_done_callback(self._clearing.discard)
