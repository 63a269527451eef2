"""Clockwork: one node's share of the schedule: it claims slots, carries them out and marks how they ended.

Each job may be repeated without harm, so a node that dies between the work and its mark costs nothing: its
lease ends, and another one takes the slot over.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from os import getpid
from socket import gethostname
from typing import Any, Final

import msgspec

from tokenhouse.errors import DatabaseTrouble, StillRunning, TokenhouseError
from tokenhouse.flow import schedule
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.ending import end
from tokenhouse.flow.schedule import Job
from tokenhouse.rules.periods import SECOND, Instant, instant, moment
from tokenhouse.rules.slots import Begin, Outcome, Past, Wait, claim, last_slot, next_slot
from tokenhouse.store import jobs
from tokenhouse.store.jobs import Run
from tokenhouse.store.pool import Connection

log: Final = logging.getLogger("tokenhouse.jobs")

TICK_S: Final = 1.0
"""How often a node looks at its clock; it asks the database only when a job may be due."""
LEASE_S: Final = 60
"""How long a node that says nothing keeps its run; it says so three times in that time."""
TAKES_MAX_S: Final = 3_600
"""How long a run may take before it counts as failed."""
PAUSE: Final = 5 * SECOND
"""For how long a job is put off while the database is away."""
SET_BACK: Final = 60 * SECOND
ERROR_LENGTH_MAX: Final = 500


class Clockwork:
    """The jobs of one node. `run` it as a task; `run_now` runs a job that somebody asks for."""

    def __init__(self, desk: Desk, awake: Callable[[], Awaitable[Any]]) -> None:
        self._desk, self._awake = desk, awake
        self.node = f"{gethostname()[:80]}:{getpid()}:{desk.chance.digits()[:6]}"
        self._look_at: dict[str, Instant] = {}
        self._looked = 0
        self._at_work: dict[str, asyncio.Task[Run | None]] = {}

    async def run(self) -> None:
        """Do what is due, for ever. An embedded database that is down is woken by it."""
        while True:
            await self.turn()
            await asyncio.sleep(TICK_S)

    async def turn(self) -> None:
        """Begin whatever may be due now and is not at work here."""
        now = self._desk.now()
        if now < self._looked - SET_BACK:
            self._look_at.clear()  # The clock was set back.
        self._looked = now
        due = [job for job in schedule.JOBS if self._may_be_due(job, now)]
        if not due:
            return
        try:
            await self._awake()
        except TokenhouseError as trouble:
            log.warning("jobs put off: %s", trouble)
            self._look_at |= {job.name: now + PAUSE for job in due}
            return
        for job in due:
            task = asyncio.create_task(self._attempt(job), name=f"tokenhouse job {job.name}")
            self._at_work[job.name] = task
            task.add_done_callback(partial(self._ended, job.name))

    def _may_be_due(self, job: Job, now: Instant) -> bool:
        """Whether a job may have something to do, and is not at work here."""
        return job.name not in self._at_work and self._look_at.get(job.name, now) <= now

    def _ended(self, name: str, _: asyncio.Task[Run | None]) -> None:
        """Forget what is no longer at work."""
        del self._at_work[name]

    async def idle(self) -> None:
        """Return when nothing is at work here."""
        while self._at_work:
            await asyncio.wait(tuple(self._at_work.values()))

    async def close(self) -> None:
        """Break off what is at work; another node may take it over at once."""
        for task in tuple(self._at_work.values()):
            task.cancel()
        await self.idle()

    async def run_now(self, name: str, asked_by: str) -> Run:
        """Run a job because somebody asks for it, and return how it went. Its next slot stays as it is.

        Raises: NotFound; StillRunning where it is at work already, on whichever node.
        """
        job = schedule.job_of(name)
        async with self._desk.pool.acquire() as connection, connection.transaction():
            slot = await jobs.lock_job(connection, job.name)
            working = await self._working(connection, job, slot)
            if working is not None:
                raise StillRunning("job_running", job=name, node=working.node, retry_after_s=5)
            run = self._begun(job, self._desk.now(), asked_by)
            await jobs.write_run(connection, run)
            await keep(connection, run)
        return await self._carry_out(job, run)

    async def _attempt(self, job: Job) -> Run | None:
        """Run the slot of a job if it is to be run, and note when to look again."""
        now = self._desk.now()
        self._look_at[job.name] = now + PAUSE
        try:
            following = next_slot(job.when, self._desk.settings.time_zone, now)
            claimed = await self._claim(job)
            if isinstance(claimed, Wait):
                self._look_at[job.name] = claimed.until
                return None
            ended = await self._carry_out(job, claimed)
            self._look_at[job.name] = following if ended.outcome == "done" else now
        except TokenhouseError as trouble:
            log.warning("job %s put off: %s", job.name, trouble)
        except Exception:
            log.exception("job %s cannot be claimed", job.name)
        else:
            return ended
        return None

    async def _claim(self, job: Job) -> Run | Wait:
        """Claim the slot of a job for this node; otherwise say when to look again."""
        zone, now = self._desk.settings.time_zone, self._desk.now()
        slot = last_slot(job.when, zone, now)
        async with self._desk.pool.acquire() as connection, connection.transaction():
            begun = await jobs.lock_job(connection, job.name)
            found = await jobs.list_runs_open(connection, job.name, begun)
            past = [_past(run, begun) for run in found]
            said = claim(
                slot, next_slot(job.when, zone, now), None if begun is None else instant(begun), past, now
            )
            retaken = said == Begin(again=True)
            own = next((run for run in found if run.slot == begun and not run.asked_by), None)
            await self._write_off(connection, found, kept=own if retaken else None)
            if isinstance(said, Wait):
                return said
            if retaken and own is not None:
                run = replace(self._begun(job, instant(own.slot), ""), id=own.id, attempt=own.attempt + 1)
                await jobs.write_run_retaken(connection, run)
                return run
            run = self._begun(job, slot, "")
            await jobs.write_run(connection, run)
            await jobs.write_job_slot(connection, job.name, run.slot)
            return run

    async def _working(self, connection: Connection, job: Job, slot: datetime | None) -> Run | None:
        """Return the run of a job that is at work; one whose node is gone is written off."""
        found = await jobs.list_runs_open(connection, job.name, slot)
        await self._write_off(connection, found)
        now = self._desk.clock()
        return next((run for run in found if run.outcome == "running" and run.lease_until > now), None)

    async def _write_off(self, connection: Connection, found: list[Run], kept: Run | None = None) -> None:
        """Note as lost what nobody holds any more, but for the run that is taken over."""
        now = self._desk.clock()
        for run in found:
            if run.outcome == "running" and run.lease_until <= now and run is not kept:
                log.warning("job %s of %s was lost with %s", run.job, run.slot, run.node)
                await jobs.write_run_ended(connection, replace(run, ended_at=now, outcome="lost"))

    def _begun(self, job: Job, slot: Instant, asked_by: str) -> Run:
        """Return a run that this node begins now."""
        now = self._desk.clock()
        return Run(
            id=self._desk.new_id(),
            job=job.name,
            slot=moment(slot),
            attempt=1,
            node=self.node,
            asked_by=asked_by,
            started_at=now,
            lease_until=now + timedelta(seconds=LEASE_S),
        )

    async def _carry_out(self, job: Job, run: Run) -> Run:
        """Do the work of a run that is ours and note how it ended, while saying that we are alive."""
        work = asyncio.ensure_future(self._done(job))
        beat = asyncio.create_task(self._hold(run), name="tokenhouse job's lease")
        try:
            await asyncio.wait({work, beat}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                log.warning("job %s of %s is another node's by now", job.name, run.slot)
        except asyncio.CancelledError:
            await end(work)
            with suppress(DatabaseTrouble):
                await self._lease(run, self._desk.clock())
            raise
        finally:
            await end(beat)
            await end(work)
        if work.cancelled():
            return replace(run, ended_at=self._desk.clock(), outcome="lost")
        outcome, result, error = work.result()
        ended = replace(run, ended_at=self._desk.clock(), outcome=outcome, result=result, error=error)
        async with self._desk.pool.acquire() as connection:
            await jobs.write_run_ended(connection, ended)
        log.log(
            logging.DEBUG if outcome == "done" else logging.WARNING,
            "job %s of %s: %s %s %s",
            *(job.name, run.slot, outcome, result, error),
        )
        return ended

    async def _done(self, job: Job) -> tuple[Outcome, Any, str]:
        """Do the work; return outcome, result and error."""
        try:
            async with asyncio.timeout(TAKES_MAX_S):
                result = await job.work(self._desk)
            return "done", msgspec.to_builtins(result, enc_hook=str), ""
        except TokenhouseError as trouble:
            return "failed", None, str(trouble)[:ERROR_LENGTH_MAX]
        except Exception as fault:
            log.exception("job %s failed", job.name)
            return "failed", None, f"{type(fault).__name__}: {fault}"[:ERROR_LENGTH_MAX]

    async def _hold(self, run: Run) -> None:
        """Hold a run's lease; return when the run has become somebody else's."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                if not await self._lease(run, self._desk.clock() + timedelta(seconds=LEASE_S)):
                    return
            except DatabaseTrouble as trouble:
                log.warning("lease of job %s: %s", run.job, trouble)

    async def _lease(self, run: Run, until: datetime) -> bool:
        """Hold a run until a time; False if it is not ours any more."""
        async with self._desk.pool.acquire() as connection:
            return await jobs.write_run_lease(connection, run, until)


def _past(run: Run, begun: datetime | None) -> Past:
    """Return what a claim must know of a run."""
    return Past(
        scheduled=run.slot == begun and not run.asked_by,
        outcome=run.outcome,
        attempt=run.attempt,
        lease_until=instant(run.lease_until),
        ended_at=instant(run.ended_at or run.lease_until),
    )
