"""`tokenhouse jobs`: what runs by itself, when, and how it went; and to run it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.schedule import JobState
    from tokenhouse.house import Tokenhouse
    from tokenhouse.store.jobs import Run


@click.group(cls=frame.Group)
def command() -> None:
    """List jobs, show their history, run one."""


@command.command("list")
@frame.pass_terminal
def list_(terminal: Terminal) -> None:
    """List all jobs."""
    states = terminal.with_house(lambda house: house.jobs())
    terminal.answer({"jobs": [_document(state) for state in states]})
    heads = ("<job", "<schedule", "zone", "next_at", "last_at", "took", "outcome", "result")
    columns = [head[: head[0] in "<>"] + terminal.say(f"jobs.{head.lstrip('<>')}") for head in heads]
    rows = [
        (state.name, state.when, state.zone, terminal.time(state.next_at), *_told(terminal, state.last))
        for state in states
    ]
    terminal.show(terminal.table(columns, rows))


@command.command("runs")
@click.argument("name")
@click.option("--rows", type=frame.Count(1, 1_000), default=20, show_default=True)
@frame.pass_terminal
def runs(terminal: Terminal, name: str, rows: int) -> None:
    """Show the newest runs of a job."""
    found = terminal.with_house(lambda house: house.job_runs(name, rows_max=rows))
    terminal.answer({"job": name, "runs": [_run(run) for run in found]})
    if found:
        terminal.show(_table(terminal, found))
    else:
        terminal.show(terminal.say("jobs.none", job=name))


@command.command("run")
@click.argument("name")
@frame.signed
@frame.pass_terminal
def run(terminal: Terminal, name: str) -> int | None:
    """Run a job now, whatever the time."""

    async def work(house: Tokenhouse) -> Run:
        with terminal.changing(house, "job.run", name, lambda run: {"id": run.id}):
            return await house.run_job(name, actor=terminal.actor)

    ended = terminal.with_house(work)
    terminal.answer(_run(ended))
    terminal.show(_table(terminal, [ended]))
    return None if ended.outcome == "done" else frame.FOUND


def _table(terminal: Terminal, found: list[Run]) -> Any:
    """Return runs below each other."""
    heads = ("<slot", "node", "asked_by", "last_at", "took", "outcome", "result")
    columns = [head[: head[0] in "<>"] + terminal.say(f"jobs.{head.lstrip('<>')}") for head in heads]
    rows = [(terminal.time(one.slot), one.node, one.asked_by or None, *_told(terminal, one)) for one in found]
    return terminal.table(columns, rows)


def _told(terminal: Terminal, run: Run | None) -> tuple[str | None, ...]:
    """Return when a run began, how long it took, how it ended, and what it did."""
    if run is None:
        return None, None, terminal.say("jobs.never"), None
    took = None if run.took_s is None else f"{run.took_s:.2f} s"
    figures = list(run.result.items()) if isinstance(run.result, dict) else []
    shown = [pair for pair in figures if pair[1]] or figures[:1]  # Zeros are no news; one of them is.
    result = run.error or ", ".join(f"{name} {value}" for name, value in shown)
    return terminal.time(run.started_at), took, terminal.say(f"jobs.{run.outcome}"), result or None


def _document(state: JobState) -> dict[str, Any]:
    """Return a job as programs read it."""
    return {
        "name": state.name,
        "schedule": state.when,
        "time_zone": state.zone,
        "next_at": state.next_at,
        "last": _run(state.last),
        "running": _run(state.running),
    }


def _run(run: Run | None) -> dict[str, Any] | None:
    """Return a run as programs read it."""
    from dataclasses import asdict

    return None if run is None else {**asdict(run), "took_s": run.took_s}
