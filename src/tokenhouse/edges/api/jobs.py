"""Jobs: what the service does by itself, when, and how it went."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House, Operator
from tokenhouse.edges.api.shapes import Page, Shape
from tokenhouse.rules.slots import Outcome
from tokenhouse.store.jobs import Run

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])

Name = Annotated[str, Path(max_length=64, description="The job's name.", examples=["notify"])]


class JobRun(Shape):
    """One run of a job; tried again, it shows the last try."""

    id: str
    job: str
    slot: Annotated[datetime, Field(description="When it was due.")]
    attempt: int
    node: Annotated[str, Field(description="Who ran it: machine, process, and a few letters of its own.")]
    asked_by: Annotated[str, Field(description='Who asked for it by hand; "" where the schedule did.')]
    started_at: datetime
    ended_at: datetime | None
    duration_s: float | None
    outcome: Outcome
    result: Annotated[dict[str, Any] | None, Field(description="What it did, in figures of its own.")]
    error: str


class Job(Shape):
    """A job and where it stands."""

    name: str
    schedule: Annotated[
        str, Field(description="A cron expression, or seconds.", examples=["0 * * * *", "5s"])
    ]
    time_zone: Annotated[str, Field(description="The zone that a cron expression is in.")]
    next_at: Annotated[datetime, Field(description="When it is due next.")]
    last: JobRun | None
    running: JobRun | None


class Jobs(Shape):
    """All jobs."""

    items: list[Job]


@router.get("")
async def list_jobs(_: Auditor, house: House) -> Jobs:
    """List all jobs: when each runs next, how its last run went, whether it is at work now."""
    return Jobs(
        items=[
            Job(
                name=state.name,
                schedule=state.when,
                time_zone=state.zone,
                next_at=state.next_at,
                last=shown(state.last) if state.last else None,
                running=shown(state.running) if state.running else None,
            )
            for state in await house.jobs()
        ]
    )


@router.get("/{name}/runs")
async def list_job_runs(
    name: Name,
    _: Auditor,
    house: House,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 20,
) -> Page[JobRun]:
    """List the runs of a job, the newest first."""
    found = await house.job_runs(name, before=cursor, rows_max=limit)
    return Page(
        items=[shown(run) for run in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.post("/{name}/run", responses={409: {"description": "It is at work already."}})
async def run_job(name: Name, caller: Operator, house: House) -> JobRun:
    """Run a job now and answer when it has ended; `outcome` says whether well.

    A job does no harm when it is run once more. Its next regular run stays as it is.
    """
    with caller.changing(house, "job.run", name, lambda run: {"id": run.id}):
        return shown(await house.run_job(name, actor=caller.actor))


def shown(run: Run) -> JobRun:
    """Return a run as the API says it."""
    return JobRun(
        id=run.id,
        job=run.job,
        slot=run.slot,
        attempt=run.attempt,
        node=run.node,
        asked_by=run.asked_by,
        started_at=run.started_at,
        ended_at=run.ended_at,
        duration_s=run.took_s,
        outcome=run.outcome,
        result=run.result,
        error=run.error,
    )
