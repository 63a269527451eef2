"""The caretaker: the part of the house that does by itself what the clock asks for."""

import asyncio
from typing import TYPE_CHECKING

from tokenhouse.flow import schedule
from tokenhouse.flow.clockwork import Clockwork
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.ending import end
from tokenhouse.flow.schedule import JobState
from tokenhouse.store.jobs import Run

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Caretaker:
    """Jobs: when they run, how they went, and to run one by hand. Each method is one flow."""

    _desk: Desk
    _clockwork: Clockwork | None = None
    _scheduling: asyncio.Task[None] | None = None

    if TYPE_CHECKING:

        def ready(self) -> "Awaitable[str]":
            """Return the version of the database, started if need be."""

    async def jobs(self) -> list[JobState]:
        """Return where every job stands: when it runs next, its last run, the one at work."""
        return await schedule.states(self._desk)

    async def job_runs(self, name: str, *, before: str | None = None, rows_max: int = 20) -> list[Run]:
        """Return a page of a job's runs, newest first. Pass the last `id` as `before` for the next page."""
        return await schedule.history(self._desk, name, before=before, rows_max=rows_max)

    async def run_job(self, name: str, *, actor: str = "hand") -> Run:
        """Run a job now, whatever the time, and return how it went; its `outcome` says whether well.

        Raises: NotFound; StillRunning while it is at work, on whichever node.
        """
        return await self._jobs.run_now(name, checked_text(actor, "actor", least=1))

    def keep_schedule(self) -> Clockwork:
        """See to it that jobs run when they are due from now on, here or on another node."""
        if self._scheduling is None:
            self._scheduling = asyncio.create_task(self._jobs.run(), name="tokenhouse jobs")
        return self._jobs

    @property
    def _jobs(self) -> Clockwork:
        """Return this node's share of the schedule."""
        if self._clockwork is None:
            self._clockwork = Clockwork(self._desk, self.ready)
        return self._clockwork

    async def _close_schedule(self) -> None:
        """Begin no more jobs, and leave those at work to another node."""
        if self._scheduling is not None:
            await end(self._scheduling)
        if self._clockwork is not None:
            await self._clockwork.close()
