"""`tokenhouse replay`: a usage trace through the real engine, live, and then whether the books are right."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from tokenhouse.edges.cli import frame, traffic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from rich.console import RenderableType

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.replay import Replay, ReplayReport
    from tokenhouse.flow.traces import Trace
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.plans import Plan

REFRESH_S: Final = 0.25
"""How often the live display is drawn anew."""
LINE_S: Final = 2.0
"""How often a line is written where there is no terminal."""
SAMPLE_PLAN: Final = "sample"
TOP: Final = 5
LATEST: Final = 1_000
"""Calls over which the live display takes its percentiles."""


@click.command(cls=frame.Command)
@traffic.options
@click.option("--plan", metavar="NAME|FILE.toml")
@click.option("--callers", type=frame.Count(1, 10_000), default=64, show_default=True)
@click.option("--wall", is_flag=True)
@frame.pass_terminal
def command(terminal: Terminal, plan: str | None, callers: int, wall: bool, **given: Any) -> int | None:
    """Replay the trace and show the report; exit with FOUND when anything in it is off."""
    asked = traffic.Traffic(**given)
    trace = asked.read()
    name = plan or (SAMPLE_PLAN if asked.sample else terminal.settings.plan)
    done, found = terminal.run(lambda: _replayed(terminal, asked, trace, name, callers, wall=wall))
    terminal.answer({**asdict_of(found), "trace": trace.name})
    terminal.show(*_report(terminal, done, found))
    return None if found.sound else frame.FOUND


def asdict_of(found: ReplayReport) -> dict[str, Any]:
    """Return a report as plain values, its verdict included."""
    import msgspec

    return {**asdict(found), "totals": msgspec.to_builtins(found.totals), "sound": found.sound}


async def _replayed(
    terminal: Terminal, asked: traffic.Traffic, trace: Trace, name: str, callers: int, *, wall: bool
) -> tuple[Replay, ReplayReport]:
    """Open a house that lives in the trace's time (or, with `wall`, in ours) and run the trace through it."""
    from tokenhouse.flow.replay import Replay, TraceClock, start_of
    from tokenhouse.house import Tokenhouse, system_clock

    first = start_of(trace, asked.given_times())
    clock = None if wall else TraceClock(first)
    async with Tokenhouse.open(settings=terminal.settings, clock=clock or system_clock) as house:
        plan = await _plan(terminal, asked, house, name)
        replay = Replay(
            desk=house.desk, trace=trace, plan=plan, given=asked.given(plan), callers=callers, clock=clock
        )
        terminal.remark(
            terminal.say(
                "replay.begins",
                trace=trace.name,
                requests=len(trace.requests),
                accounts=len(trace.accounts),
                plan=plan.name,
                callers=callers,
            )
        )
        await replay.prepare()
        async with _live(terminal, replay):
            await replay.drive()
        terminal.remark(terminal.say("replay.auditing"))
        return replay, await replay.audit()


async def _plan(terminal: Terminal, asked: traffic.Traffic, house: Tokenhouse, name: str) -> Plan:
    """Return the plan called `name`: the house's own one, else the sample's, a preset's or a file's."""
    from tokenhouse.flow.documents import sample_plan

    own = (await house.plans()).get(name)
    if own is not None:
        return own
    return sample_plan(asked.zone(terminal)) if name == SAMPLE_PLAN else asked.plan(name, terminal)


@asynccontextmanager
async def _live(terminal: Terminal, replay: Replay) -> AsyncIterator[None]:
    """Show how far the replay is while it runs: drawn on a terminal, else as a line now and then."""
    if terminal.quiet:
        yield
        return
    if not sys.stderr.isatty():
        telling = asyncio.create_task(_every(LINE_S, lambda: terminal.remark(_line(terminal, replay))))
        try:
            yield
        finally:
            telling.cancel()
            terminal.remark(_line(terminal, replay))
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        drawing = asyncio.create_task(
            _every(REFRESH_S, lambda: live.update(_screen(terminal, replay), refresh=True))
        )
        try:
            yield
        finally:
            drawing.cancel()


async def _every(seconds: float, act: Callable[[], None]) -> None:
    """Do something again and again, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        act()


def _now(terminal: Terminal, replay: Replay) -> dict[str, str]:
    """Return the figures of a replay that runs."""
    from tokenhouse.flow.replay import latency

    allowed = sum(line.allowed for line in replay.tally.accounts.values())
    done = sum(line.requests for line in replay.tally.accounts.values())
    pairs = len(replay.settle_s)
    wait = latency(replay.reserve_s[-LATEST:])
    return {
        "done": f"{done:,}",
        "total": f"{len(replay.trace.requests):,}",
        "allowed": f"{allowed:,}",
        "refused": f"{done - allowed:,}",
        "rate": f"{pairs / replay.elapsed:,.0f}" if replay.elapsed else "0",
        "p50": f"{wait.p50_ms:.1f}",
        "p99": f"{wait.p99_ms:.1f}",
    }


def _line(terminal: Terminal, replay: Replay) -> str:
    """Return how far the replay is, on one line."""
    return terminal.say("replay.line", **_now(terminal, replay))


def _screen(terminal: Terminal, replay: Replay) -> RenderableType:
    """Return how far the replay is, as a screen: bar, figures, who uses most."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    done = sum(line.requests for line in replay.tally.accounts.values())
    say = terminal.say
    columns = [say("simulate.account"), ">" + say("traffic.requests"), ">" + say("traffic.refused")]
    columns += [">" + say("simulate.tokens"), ">" + say("simulate.peak")]
    rows = [
        [line.account, line.requests, line.refused, line.tokens, f"{line.peak / 100:.1f} %"]
        for line in replay.tally.top(TOP)
    ]
    return Group(
        ProgressBar(total=len(replay.trace.requests), completed=done, width=60),
        Text(_line(terminal, replay)),
        terminal.table(columns, rows),
    )


def _report(terminal: Terminal, replay: Replay, found: ReplayReport) -> list[str | RenderableType]:
    """Return the report: what happened, whether the books are right, how fast it was, what to do next."""
    say, unit = terminal.say, replay.plan.unit

    def amount(value: int) -> str:
        return terminal.named(value, unit)

    books = [
        (say("replay.lost"), amount(found.lost)),
        (say("replay.double"), amount(found.double)),
        (say("replay.false_refusals"), found.false_refusals),
        (say("replay.false_allowances"), found.false_allowances),
        (say("replay.findings", entries=found.entries), found.findings),
    ]
    speed = [
        (say("replay.pairs"), f"{found.pairs_per_s:,.0f}"),
        (say("replay.reserve"), f"{found.reserve.p50_ms:.1f} / {found.reserve.p99_ms:.1f} ms"),
        (say("replay.settle"), f"{found.settle.p50_ms:.1f} / {found.settle.p99_ms:.1f} ms"),
        (say("replay.seconds"), f"{found.seconds:.1f} s"),
    ]
    biggest = replay.ref(max(replay.tally.accounts.values(), key=lambda line: line.charged).account)
    return [
        terminal.figures(traffic.figures(terminal, replay.plan, found.totals), title=say("replay.happened")),
        "",
        terminal.figures(books, title=say("replay.books")),
        "",
        terminal.figures(speed, title=say("replay.speed", callers=found.callers)),
        "",
        say("replay.sound" if found.sound else "replay.unsound"),
        say("replay.next_account", command=terminal.command, account=biggest),
        say("replay.next_simulate", command=terminal.command),
    ]
