"""Reports: the same sections as text for a screen, Markdown or CSV, however many lines they have."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.statistics import Line, Overview
    from tokenhouse.rules.amounts import Unit
    from tokenhouse.store.statistics import Stray

    Amounts = Callable[[int], object]

FORMS: Final = ("text", "csv", "markdown")
COUNTS: Final = ("accounts", "with", "active", "turns")
"""How figures begin that are no amounts."""
FIGURES: Final = (
    *("accounts", "with_balance", "without_balance", "active"),
    *("used", "used_mean", "used_max", "bought", "bought_mean", "bought_max"),
    *("turns", "turns_mean", "turns_max", "left"),
)
"""Figures of an overview, in the order in which a report tells them."""
LINE_COLUMNS: Final = (
    *("account", "email", ">free", ">part", ">total", ">spent", ">percent"),
    *(">rest", ">rest_percent", ">turn", ">mean", "state"),
)
"""Columns of an account's line: `>` right-aligns; the rest names its sentence in `[check]`."""


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a report; a column called ">name" is right-aligned."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def share(part: int, whole: int) -> int:
    """Return how many per cent of `whole` a part is, rounded half up; 0 of nothing."""
    return (200 * part + whole) // (2 * whole) if whole > 0 else 0


def amounts(terminal: Terminal, form: str, unit: Unit) -> Amounts:
    """Return how amounts stand in a form: in whole units for people; a CSV has them in the smallest unit."""
    return (lambda amount: amount) if form == "csv" else lambda amount: terminal.amount(amount, unit)


def figures(
    terminal: Terminal, amount: Amounts, *overviews: Overview, titles: Sequence[str], title: str
) -> Section:
    """Return the figures of one or more overviews, side by side."""

    def shown(overview: Overview, name: str) -> object:
        value = getattr(overview, name)
        return value if name.startswith(COUNTS) else amount(value)

    rows = [[terminal.say(f"check.{name}"), *(shown(one, name) for one in overviews)] for name in FIGURES]
    return Section(title, [terminal.say("check.figure"), *(f">{name}" for name in titles)], rows)


def line_columns(terminal: Terminal) -> list[str]:
    """Return the titles of an account's line."""
    return [
        ">" + terminal.say(f"check.{name[1:]}") if name.startswith(">") else terminal.say(f"check.{name}")
        for name in LINE_COLUMNS
    ]


def line_cells(terminal: Terminal, amount: Amounts, line: Line) -> list[object]:
    """Return an account's line: an account that is not active says so in place of its level."""
    state = f"level_{line.level}" if line.state == "active" else f"state_{line.state}"
    return [
        line.account,
        line.email,
        amount(line.free),
        amount(line.bought),
        amount(line.total),
        amount(line.used),
        share(line.used, line.total),
        amount(line.left),
        share(line.left, line.total),
        line.turns,
        amount(line.mean_per_turn),
        terminal.say(f"check.{state}"),
    ]


def strays(terminal: Terminal, found: Sequence[Stray]) -> Section:
    """Return the accounts that chat without a balance."""
    columns = [terminal.say(f"check.{name}") for name in ("account", "email", "sessions", "tokens")]
    columns[2:] = [f">{name}" for name in columns[2:]]
    rows = [(one.account, one.email, one.sessions, one.tokens) for one in found]
    return Section(terminal.say("check.anomalies"), columns, rows)


def as_markdown(terminal: Terminal, section: Section) -> Iterator[str]:
    """Yield a section as lines of Markdown."""
    yield f"## {section.title}"
    yield ""
    yield from markdown_head(section.columns)
    for row in section.rows:
        yield markdown_row(terminal, row)
    yield ""


def markdown_head(columns: Sequence[str]) -> list[str]:
    """Return the two lines above a table's rows."""
    titles = " | ".join(column.removeprefix(">") for column in columns)
    rule = "|".join("---:" if column.startswith(">") else "---" for column in columns)
    return [f"| {titles} |", f"|{rule}|"]


def markdown_row(terminal: Terminal, row: Sequence[object]) -> str:
    """Return one row; what would end a cell is written so that it does not."""
    cells = (terminal.cell(value).replace("\\", "\\\\").replace("|", "\\|") for value in row)
    return f"| {' | '.join(cells)} |"


def csv_lines(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a table as CSV, figures plain; a spreadsheet takes no cell for a formula."""
    from tokenhouse.flow.tables import guarded

    yield _csv_line([column.removeprefix(">") for column in columns])
    for row in rows:
        yield _csv_line([guarded(value) if isinstance(value, str) else value for value in row])


def _csv_line(row: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue()


def sections(terminal: Terminal, form: str, parts: Sequence[Section]) -> None:
    """Show sections to a person in one of `FORMS`; several CSV tables are parted by an empty line."""
    for nth, part in enumerate(parts):
        if form == "markdown":
            terminal.show("\n".join(as_markdown(terminal, part)))
        elif form == "csv":
            terminal.show(*([""] if nth else []), *csv_lines(part.columns, part.rows))
        else:
            terminal.show(terminal.table(part.columns, part.rows, part.title))
