"""Under way: the works that one process does beside its calls, each with how far it is."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Steps:
    """How far a work is; whoever does it counts here."""

    total: int
    done: int = 0

    def count(self, more: int) -> None:
        """Count some more."""
        self.done += more

    def set(self, done: int, total: int) -> None:
        """Say how many of how many are done."""
        self.done, self.total = done, total


@dataclass(slots=True)
class UnderWay:
    """What is under way in one process, by the ids of the works."""

    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    steps: dict[str, Steps] = field(default_factory=dict)

    def begin(self, work: str, total: int, does: Callable[[Steps], Coroutine[Any, Any, None]]) -> None:
        """Carry a work out on the side."""
        self.steps[work] = Steps(total)
        self.tasks[work] = asyncio.create_task(does(self.steps[work]), name="tokenhouse work")
        self.tasks[work].add_done_callback(lambda _: self._ended(work))

    async def close(self) -> None:
        """Give up what is under way, and return when that is written."""
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, work: str) -> None:
        del self.tasks[work], self.steps[work]
