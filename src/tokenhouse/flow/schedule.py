"""Schedule: what the clock asks for and when; each slot of a job is run once, over any number of nodes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tokenhouse.errors import NotFound
from tokenhouse.flow import (
    buying,
    notify,
    outbox,
    retention,
    rollups,
    sessions,
    subscriptions,
    taking_up,
    upkeep,
    watch,
)
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.rules.periods import moment
from tokenhouse.rules.slots import When, next_slot
from tokenhouse.store import jobs
from tokenhouse.store.jobs import Run

ROWS_MAX: Final = 1_000
LAST_ID: Final = "f" * 32
"""The greatest id there is: the history begins before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that the clock asks for. `work` may be repeated without harm; what it returns is shown."""

    name: str
    when: When
    work: Callable[[Desk], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """Where a job stands: when it runs, in which zone, when next; its last run and the one at work."""

    name: str
    when: str
    zone: str
    next_at: datetime
    last: Run | None
    running: Run | None


JOBS: Final[tuple[Job, ...]] = (
    Job(name="lapse", when="* * * * *", work=upkeep.lapse),
    Job(name="periods", when="* * * * *", work=upkeep.renew),
    Job(name="roll-ups", when="* * * * *", work=rollups.fold),
    Job(name="notify", when="0 * * * *", work=notify.notify),
    Job(name="outbox", when=5, work=outbox.deliver),
    Job(name="orders", when="*/10 * * * *", work=buying.expire_orders),
    Job(name="subscriptions", when="*/10 * * * *", work=subscriptions.renew_subscriptions),
    Job(name="works", when="* * * * *", work=taking_up.take_up),
    Job(name="watch", when="*/5 * * * *", work=watch.watch),
    Job(name="sessions", when="7 * * * *", work=sessions.forget_sessions),
    Job(name="retention", when="17 3 * * *", work=retention.forget),
)
"""Every job. Cron expressions are in the deployment's time zone; a number is seconds."""


def job_of(name: str) -> Job:
    """Return a job by its name. Raises: NotFound."""
    for job in JOBS:
        if job.name == checked_text(name, "job"):
            return job
    raise NotFound("job_unknown", job=name, known=", ".join(job.name for job in JOBS))


async def states(desk: Desk) -> list[JobState]:
    """Return where every job stands."""
    async with desk.pool.acquire() as connection:
        found = await jobs.list_runs_last(connection)
    zone, now = desk.settings.time_zone, desk.now()
    ended = {run.job: run for run in found if run.outcome != "running"}
    working = {run.job: run for run in found if run.outcome == "running"}
    return [
        JobState(
            name=job.name,
            when=job.when if isinstance(job.when, str) else f"{job.when}s",
            zone=zone,
            next_at=moment(next_slot(job.when, zone, now)),
            last=ended.get(job.name),
            running=working.get(job.name),
        )
        for job in JOBS
    ]


async def history(desk: Desk, name: str, *, before: str | None, rows_max: int) -> list[Run]:
    """Return a page of a job's runs, the newest first, after the run whose id is `before`."""
    job, checked = job_of(name), checked_whole(rows_max, "rows_max", 1, ROWS_MAX)
    after = (desk.clock() + timedelta(days=36_500), LAST_ID)
    async with desk.pool.acquire() as connection:
        if before is not None:
            run = await jobs.find_run(connection, checked_id(before, "before"))
            if run is None or run.job != job.name:
                raise NotFound("run_unknown", id=before, job=job.name)
            after = (run.started_at, run.id)
        return await jobs.list_runs(connection, job.name, after, checked)
