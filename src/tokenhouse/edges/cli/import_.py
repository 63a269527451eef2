"""`tokenhouse import`: users of a CSV or a table, chat sessions of a CSV, people of a `points.json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame
from tokenhouse.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.importing import Imported
    from tokenhouse.house import Tokenhouse

FILE = click.Path(path_type=Path)


@click.group(cls=frame.Group)
def command() -> None:
    """Bring in what is elsewhere."""


@command.command(cls=frame.Command)
@click.argument("file", type=FILE, required=False)
@click.option("--table")
@click.option("--ref-column")
@click.option("--source-url")
@click.option("--map", "named", multiple=True)
@click.option("--encoding")
@click.option("--actor", default="")
@frame.pass_terminal
def users(
    terminal: Terminal,
    file: Path | None,
    table: str | None,
    ref_column: str | None,
    source_url: str | None,
    named: tuple[str, ...],
    encoding: str | None,
    actor: str,
) -> None:
    """Make accounts of users."""
    if (file is None) == (table is None):
        raise InvalidInput("import_no_source", field="file", value="")
    names = mapping(named) | ({ref_column: "ref"} if ref_column else {})

    def work(house: Tokenhouse, advance: Callable[[int], None]) -> Awaitable[Imported]:
        if file is not None:
            return house.import_users(file, named=names, encoding=encoding, actor=actor, progress=advance)
        return house.import_table(str(table), url=source_url, named=names, actor=actor, progress=advance)

    _imported(terminal, "users", work)


@command.command(cls=frame.Command)
@click.argument("file", type=FILE)
@click.option("--map", "named", multiple=True)
@click.option("--encoding")
@frame.pass_terminal
def sessions(terminal: Terminal, file: Path, named: tuple[str, ...], encoding: str | None) -> None:
    """Make chat sessions."""
    _imported(
        terminal,
        "sessions",
        lambda house, advance: house.import_sessions(
            file, named=mapping(named), encoding=encoding, progress=advance
        ),
    )


@command.command(cls=frame.Command)
@click.argument("file", type=FILE)
@click.option("--plan")
@click.option("--actor", default="")
@frame.pass_terminal
def points(terminal: Terminal, file: Path, plan: str | None, actor: str) -> None:
    """Make accounts of people with points."""
    _imported(
        terminal,
        "points",
        lambda house, advance: house.import_points(file, plan=plan, actor=actor, progress=advance),
    )


def mapping(named: tuple[str, ...]) -> dict[str, str]:
    """Return what the file calls a column -> our name for it."""
    names = {}
    for one in named:
        theirs, equals, ours = one.rpartition("=")
        if not (theirs and equals and ours):
            raise InvalidInput("import_map", field="--map", value=one[:40])
        names[theirs] = ours
    return names


def _imported(
    terminal: Terminal, what: str, work: Callable[[Tokenhouse, Callable[[int], None]], Awaitable[Imported]]
) -> None:
    """Do an import, showing how far it is, and tell what it made."""
    with terminal.progress(None, terminal.say("import.progress")) as advance:
        done = terminal.with_house(lambda house: work(house, advance))
    terminal.answer(done)
    facts = {"lines": done.lines, "made": done.made, "kept": done.kept, "balances": done.balances}
    terminal.show(terminal.say(f"import.{what}", **facts))
