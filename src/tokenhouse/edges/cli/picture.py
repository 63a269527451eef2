"""The picture of a simulation: one SVG with what happened day by day, to whom, and by which law."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from tokenhouse.edges.cli.traffic import law
from tokenhouse.errors import InvalidInput
from tokenhouse.rules.periods import moment

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.tally import DayTally, Tally

WIDTH: Final = 1_400
HEIGHT: Final = 900
COLOURS: Final = ("#1f6feb", "#d9480f", "#2b8a3e", "#862e9c", "#5c3d00", "#0b7285")
FONT: Final = "system-ui, 'Noto Sans KR', 'DejaVu Sans', sans-serif"
LABEL_MAX: Final = 24
"""Characters of an account's name that fit beside its bar."""
BARS_LEAST: Final = 5


def draw(file: Path, terminal: Terminal, tallies: list[Tally], top: int) -> None:
    """Draw the tallies into an SVG file: days, a line a plan; then the first plan's accounts and laws.

    Raises: InvalidInput `file_unwritable`.
    """
    import leather

    _style(leather.theme)
    first = tallies[0]
    grid = leather.Grid()
    grid.add_many(
        [
            _days(leather, terminal.say("picture.blocked"), tallies, _blocked_percent),
            _days(
                leather,
                terminal.say("picture.charged"),
                tallies,
                lambda tally, day: _whole(tally, day.charged),
            ),
            _bars(
                leather,
                terminal.say("picture.top", plan=first.plan.name),
                [(line.account[:LABEL_MAX], line.tokens + line.tokens_refused) for line in first.top(top)],
            ),
            _bars(
                leather,
                terminal.say("picture.laws", plan=first.plan.name),
                [
                    (law(terminal, name)[:LABEL_MAX], count)
                    for name, count in first.totals().refused_by.items()
                ],
            ),
        ]
    )
    try:
        with file.open("w", encoding="utf-8") as out:
            grid.to_svg(out, width=WIDTH, height=HEIGHT)
    except OSError as trouble:
        problem = trouble.strerror or str(trouble)
        raise InvalidInput("file_unwritable", field=str(file), value="", problem=problem) from None


def _style(theme: Any) -> None:
    """Set the fonts and colours of all charts."""
    theme.background_color = "#ffffff"
    theme.title_font_family = theme.legend_font_family = theme.tick_font_family = FONT
    theme.axis_title_font_family = FONT
    theme.title_color, theme.legend_color, theme.label_color = "#1f2328", "#424a53", "#57606a"
    theme.tick_font_size = theme.legend_font_size = 12
    theme.default_series_colors = list(COLOURS)


def _days(leather: Any, title: str, tallies: list[Tally], figure: Any) -> Any:
    """Return a chart of one figure a day, a line a plan."""
    chart = leather.Chart(title)
    highest = 0.0
    for tally, colour in zip(tallies, COLOURS * len(tallies), strict=False):
        points = [(_date(tally, day), figure(tally, day)) for day in tally.timeline()]
        highest = max(highest, *(value for _, value in points))
        chart.add_line(points, name=tally.plan.name, stroke_color=colour)
    dates = [_date(tally, day) for tally in tallies for day in tally.timeline()]
    chart.add_x_scale(min(dates), max(*dates, min(dates) + timedelta(days=1)))
    chart.add_y_scale(0, highest or 1)
    chart.add_y_axis(tick_formatter=_grouped)
    return chart


def _bars(leather: Any, title: str, bars: list[tuple[str, int]]) -> Any:
    """Return a chart of bars, the first on top; empty lines keep a few bars from filling it."""
    chart = leather.Chart(title)
    empty = [(0, " " * nth) for nth in range(1, BARS_LEAST - len(bars) + 1)]
    chart.add_bars([(value, name) for name, value in bars] + empty, fill_color=COLOURS[0])
    chart.add_x_scale(0, max((value for _, value in bars), default=0) or 1)
    chart.add_x_axis(tick_formatter=_grouped)
    return chart


def _grouped(value: float, _nth: int, _count: int) -> str:
    """Return the label of a tick."""
    return f"{value:,}"


def _date(tally: Tally, day: DayTally) -> datetime:
    """Return a day in the plan's zone."""
    return moment(day.start_at).astimezone(ZoneInfo(tally.plan.zone)).replace(tzinfo=None)


def _blocked_percent(tally: Tally, day: DayTally) -> float:
    """Return the share of accounts that were refused on a day."""
    return round(len(day.blocked) * 100 / len(tally.accounts), 2)


def _whole(tally: Tally, amount: int) -> float:
    """Return an amount in whole units: a length on paper, never value."""
    return float(amount / 10**tally.plan.unit.decimals)
