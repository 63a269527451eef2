"""The figures of the whole deployment: its jobs, and what the job `watch` saw last. Read at each scrape."""

from collections.abc import Iterable
from typing import Any

from tokenhouse.edges.metrics.catalogue import Family
from tokenhouse.errors import TokenhouseError
from tokenhouse.flow.schedule import JobState
from tokenhouse.house import Tokenhouse

WATCH = "watch"
TODAY = ("signups", "signups_waiting", "periods_renewed", "turns", "tokens", "charged")
CREDIT = ("left", "held", "debt")
PERIODS = {
    "renewed": "in_renewed_period",
    "first": "in_first_period",
    "idle": "idle_since_period",
    "stuck": "stuck",
}
DELIVERIES = {"pending": "deliveries_pending", "dead": "deliveries_dead"}


async def figures(house: Tokenhouse) -> list[Family]:
    """Return the figures; where the database is away, only that."""
    try:
        states = await house.jobs()
    except TokenhouseError:
        return [_gauge("tokenhouse_database_up", 0)]
    watch = next((state.last for state in states if state.name == WATCH), None)
    seen: Iterable[Family] = ()
    if watch is not None and watch.ended_at is not None and watch.outcome == "done":
        seen = _watched(watch.ended_at.timestamp(), watch.result)
    return [_gauge("tokenhouse_database_up", 1), *_jobs(states), *seen]


def _jobs(states: list[JobState]) -> Iterable[Family]:
    """Yield where each job stands."""
    ended = [(state.name, state.last) for state in states if state.last is not None]
    yield _each(
        "tokenhouse_job_last_timestamp_seconds",
        "job",
        {name: run.ended_at.timestamp() for name, run in ended if run.ended_at},
    )
    yield _each("tokenhouse_job_last_seconds", "job", {name: run.took_s or 0.0 for name, run in ended})
    yield _each("tokenhouse_job_ok", "job", {name: float(run.outcome == "done") for name, run in ended})
    yield _each(
        "tokenhouse_job_running", "job", {state.name: float(state.running is not None) for state in states}
    )
    yield _each(
        "tokenhouse_job_next_timestamp_seconds",
        "job",
        {state.name: state.next_at.timestamp() for state in states},
    )


def _watched(at: float, seen: dict[str, Any]) -> Iterable[Family]:
    """Yield what was seen last."""
    yield _gauge("tokenhouse_watched_timestamp_seconds", at)
    for name in ("accounts", "accounts_waiting", "accounts_reserving"):
        yield _gauge(f"tokenhouse_{name}", seen[name])
    yield _each("tokenhouse_credit", "state", {name: seen[name] for name in CREDIT})
    yield _each("tokenhouse_today", "what", {name: seen[name] for name in TODAY})
    yield _each("tokenhouse_periods", "state", {state: seen[name] for state, name in PERIODS.items()})
    yield _each("tokenhouse_deliveries", "state", {state: seen[name] for state, name in DELIVERIES.items()})


def _gauge(name: str, value: float) -> Family:
    """Return a metric without labels."""
    return Family(name, [("", {}, float(value))])


def _each(name: str, label: str, found: dict[str, float]) -> Family:
    """Return a metric with one label."""
    return Family(name, [("", {label: key}, float(value)) for key, value in found.items()])
