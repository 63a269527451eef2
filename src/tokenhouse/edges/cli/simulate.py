"""`tokenhouse simulate`: a usage trace against plans, by the rules alone: who, when, at what cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame, traffic

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.tally import AccountTally, Tally
    from tokenhouse.rules.periods import Instant

DAYS_SHOWN = 31
"""Days that are still listed one by one on a screen; --json has them all."""


@click.command(cls=frame.Command)
@traffic.options
@click.option("--plan", "plans", multiple=True, metavar="NAME|FILE.toml")
@click.option("--rates", type=click.Path(path_type=Path), metavar="FILE.toml")
@click.option("--top", type=frame.COUNT, default=10, show_default=True)
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE.svg")
@frame.pass_terminal
def command(
    terminal: Terminal,
    plans: tuple[str, ...],
    rates: Path | None,
    top: int,
    picture: Path | None,
    **given: Any,
) -> None:
    """Simulate the trace under each plan and show the answers side by side."""
    from tokenhouse.flow.documents import read_rates
    from tokenhouse.flow.simulate import simulate

    asked = traffic.Traffic(**given)
    table = read_rates(rates) if rates is not None else None
    terms = [asked.plan(name, terminal) for name in plans or (terminal.settings.plan,)]
    trace = asked.read()
    tallies = [simulate(trace, plan, asked.given(plan, table)) for plan in terms]
    terminal.answer(
        {"trace": trace.name, "layout": trace.layout, "plans": [one.document() for one in tallies]}
    )
    terminal.show(
        terminal.say("simulate.trace", trace=trace.name, layout=trace.layout, count=len(trace.requests))
    )
    terminal.show(_side_by_side(terminal, tallies))
    for tally in tallies:
        terminal.show("", _accounts(terminal, tally, top))
        if len(tally.days) <= DAYS_SHOWN:
            terminal.show("", _days(terminal, tally))
    if picture is not None:
        from tokenhouse.edges.cli.picture import draw

        draw(picture, terminal, tallies, top)
        terminal.show(terminal.say("simulate.drawn", file=str(picture)))


def _side_by_side(terminal: Terminal, tallies: list[Tally]) -> Any:
    """Return the figures of every plan side by side; what only one of them has is empty in the others."""
    columns = [dict(traffic.figures(terminal, tally.plan, tally.totals())) for tally in tallies]
    names = list(columns[0])
    names += [name for column in columns for name in column if name not in names]
    rows = [[name, *(column.get(name) for column in columns)] for name in dict.fromkeys(names)]
    return terminal.table(
        [terminal.say("simulate.figure"), *(f">{tally.plan.name}" for tally in tallies)], rows
    )


def _accounts(terminal: Terminal, tally: Tally, top: int) -> Any:
    """Return who is blocked first, and by what."""
    say, blocked = terminal.say, tally.blocked_first()
    columns = [
        say("simulate.account"),
        say("simulate.first_refused"),
        say("simulate.law"),
        ">" + say("traffic.requests"),
        ">" + say("traffic.refused"),
        ">" + say("simulate.tokens"),
        ">" + say("simulate.peak"),
        say("simulate.warned"),
    ]
    rows = [_row(terminal, line) for line in blocked[:top]]
    title = say("simulate.blocked_first", plan=tally.plan.name, shown=len(rows), count=len(blocked))
    return terminal.table(columns, rows, title=title)


def _row(terminal: Terminal, line: AccountTally) -> list[object]:
    """Return one account's line."""
    return [
        line.account,
        _time(terminal, line.first_refused_at),
        traffic.law(terminal, line.first_refused_by),
        line.requests,
        line.refused,
        line.tokens + line.tokens_refused,
        f"{line.peak / 100:.1f} %",
        _time(terminal, line.levels.get("warning")),
    ]


def _days(terminal: Terminal, tally: Tally) -> Any:
    """Return what happened day by day."""
    from zoneinfo import ZoneInfo

    from tokenhouse.rules.periods import moment

    say, days, zone = terminal.say, tally.timeline(), ZoneInfo(tally.plan.zone)
    columns = [
        say("simulate.day"),
        ">" + say("traffic.allowed"),
        ">" + say("traffic.refused"),
        ">" + say("traffic.blocked"),
        ">" + say("traffic.charged"),
    ]
    rows = [
        [
            moment(day.start_at).astimezone(zone).date(),
            day.allowed,
            day.refused,
            len(day.blocked),
            terminal.amount(day.charged, tally.plan.unit),
        ]
        for day in days
    ]
    return terminal.table(columns, rows, title=say("simulate.by_day", plan=tally.plan.name))


def _time(terminal: Terminal, at: Instant | None) -> str:
    """Return an instant as people read it; empty where there is none."""
    from tokenhouse.rules.periods import moment

    return "" if at is None else terminal.time(moment(at))
