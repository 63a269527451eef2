"""The bell: hears every operation as it is answered, and has somebody told when a level is crossed.

The answer already says where the payer stands, so a call pays for one comparison and no more. What was
crossed waits here for a task that writes the notice, guarded, beside the calls. A crash may lose what waits:
the hourly look at all accounts finds each level again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from tokenhouse.errors import TokenhouseError
from tokenhouse.rules.balance import PURCHASE
from tokenhouse.rules.notices import Kind, reached, round_of
from tokenhouse.rules.operations import Amend, Done, Grant, Operation, Refund, Restore
from tokenhouse.rules.plans import POINTS
from tokenhouse.rules.verdict import Member
from tokenhouse.store.batch import Answer

log: Final = logging.getLogger("tokenhouse.bell")

GIVING: Final[frozenset[type]] = frozenset((Grant, Refund, Restore))
"""Operations after which an account stands farther from its end.

After any other it may stand nearer: whichever comes next, a mere touch included, ends reservations that have
lapsed, which may cost something, and lots whose time is over.
"""
WAITING_MAX: Final = 10_000
"""Accounts and events that wait to be told, at most; more are left to the hourly look."""
ROWS: Final = 500
"""Accounts that are told in one transaction."""
CLOSING_S: Final = 5.0
"""How long a closing house waits for what is still to be written."""
REMEMBERED_MAX: Final = 100_000
"""Accounts whose last crossing a process remembers; forgetting one costs a guarded query and nothing else."""


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that has happened to an account, which its person is told."""

    cell: int
    account: int
    kind: Kind
    subject: str
    facts: dict[str, Any]


Waiting = tuple[list[tuple[int, int]], list[Event]]
"""Accounts that crossed a level, each a cell and an id, and events."""
Tell = Callable[[Waiting], Awaitable[object]]


class Bell:
    """One process's ear for crossings. `own` are the levels of accounts that have levels of their own."""

    def __init__(self) -> None:
        self.own: dict[int, tuple[int, ...]] = {}
        self.tell: Tell | None = None
        """Writes the notices of what waits; without it nothing is heard."""
        self._seen: dict[int, tuple[int, int]] = {}
        self._crossed: dict[tuple[int, int], None] = {}
        self._events: list[Event] = []
        self._task: asyncio.Task[None] | None = None

    def heed(self, cell: int, operation: Operation, answer: Answer) -> None:
        """Take note of an operation that was carried out."""
        kind, done = type(operation), answer.outcome
        if type(done) is not Done or done.replayed or self.tell is None:
            return
        if kind not in GIVING:
            for member in answer.path:
                if member.balance.own_credit:
                    self._heed_level(cell, member)
        if isinstance(operation, Grant) and operation.source == PURCHASE:
            payer = answer.path[0].balance.account
            self._note(cell, payer, "bought", operation.id, {"amount": operation.amount})
        elif isinstance(operation, Amend) and operation.state == "suspended":
            self._note(cell, answer.path[0].balance.account, "suspended", operation.id, {})

    def _heed_level(self, cell: int, member: Member) -> None:
        """Have an account told if it has reached a level that this process has not seen it reach."""
        balance, plan = member
        levels = self.own.get(balance.account)
        levels = plan.told_at if levels is None else levels
        if not levels or balance.used * POINTS < levels[0] * balance.capacity:
            return
        share = reached(balance, levels)
        if share is None or balance.state != "active":
            return
        mark = (round_of(balance, plan), share)
        if self._seen.get(balance.account) == mark or len(self._crossed) >= WAITING_MAX:
            return
        if len(self._seen) >= REMEMBERED_MAX:
            self._seen.clear()
        self._seen[balance.account] = mark
        self._crossed[cell, balance.account] = None
        self._ring()

    def _note(self, cell: int, account: int, kind: Kind, subject: str, facts: dict[str, Any]) -> None:
        """Have an account told of an event."""
        if len(self._events) < WAITING_MAX:
            event = Event(cell=cell, account=account, kind=kind, subject=subject, facts=facts)
            self._events.append(event)
            self._ring()

    def _ring(self) -> None:
        """See to it that somebody writes down what waits."""
        if self._task is None or self._task.done():
            assert self.tell is not None  # noqa: S101 -- without it nothing is heard
            self._task = asyncio.create_task(self._work(self.tell), name="tokenhouse bell")

    async def _work(self, tell: Tell) -> None:
        """Write notices until none waits; what fails is left to the hourly look."""
        while self._crossed or self._events:
            crossed, events = sorted(self._crossed)[:ROWS], self._events[:ROWS]
            del self._events[:ROWS]
            for place in crossed:
                del self._crossed[place]
            try:
                await tell((crossed, events))
            except TokenhouseError as trouble:
                log.warning("notices put off to the next hour: %s", trouble)
            except Exception:
                log.exception("notices failed")

    async def settled(self) -> None:
        """Return when nothing waits any more."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def close(self) -> None:
        """Hear nothing more; what waits is written, if the database takes it within a few seconds."""
        self.tell = None
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=CLOSING_S)
            for task in late:
                task.cancel()
