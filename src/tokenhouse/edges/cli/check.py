"""`tokenhouse check`: accounts without a balance, figures, active accounts, anomalies. Read only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame, reports
from tokenhouse.edges.cli.reports import Section

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.check import Checked
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit


@click.command(cls=frame.Command)
@click.option("--rows", type=frame.Count(0, 1_000), default=20)
@click.option("--form", type=frame.Choice(reports.FORMS), default="text")
@frame.pass_terminal
def command(terminal: Terminal, rows: int, form: str) -> int:
    """Show it; the exit code says whether an account waits or an anomaly was found."""

    async def work(house: Tokenhouse) -> tuple[Checked, Unit]:
        plans = await house.plans()
        return await house.check(rows_max=rows), next(iter(plans.values())).unit

    found, unit = terminal.with_house(work)
    terminal.answer(found)
    reports.sections(terminal, form, _sections(terminal, found, reports.amounts(terminal, form, unit)))
    if form == "text":
        hidden = found.overview.active - len(found.active)
        if hidden > 0:
            terminal.show(terminal.say("check.more", count=hidden))
        if not found.anomalies:
            terminal.show(terminal.say("check.no_anomalies"))
    return frame.FOUND if found.anomalies or found.overview.without_balance else 0


def _sections(terminal: Terminal, found: Checked, amount: reports.Amounts) -> list[Section]:
    """Return the parts of the report."""
    overview = found.overview
    figures = reports.figures(
        terminal, amount, overview, titles=[terminal.say("check.value")], title=terminal.say("check.title")
    )
    waiting = terminal.say(
        "check.share",
        count=overview.without_balance,
        percent=_tenths(overview.without_balance, overview.accounts),
    )
    label = terminal.say("check.without_balance")
    rows = [[name, waiting if name == label else value] for name, value in figures.rows]
    parts = [Section(figures.title, figures.columns, rows)]
    if found.active:
        lines = [reports.line_cells(terminal, amount, line) for line in found.active]
        parts.append(Section(terminal.say("check.active"), reports.line_columns(terminal), lines))
    if found.strays:
        parts.append(reports.strays(terminal, found.strays))
    return parts


def _tenths(part: int, whole: int) -> str:
    """Return a share in per cent to one decimal, rounded half up: "95.2"."""
    thousandths = (2_000 * part + whole) // (2 * whole) if whole else 0
    return f"{thousandths // 10}.{thousandths % 10}"
