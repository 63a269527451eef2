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
@frame.signed
@frame.pass_terminal
def users(
    terminal: Terminal,
    file: Path | None,
    table: str | None,
    ref_column: str | None,
    source_url: str | None,
    named: tuple[str, ...],
    encoding: str | None,
) -> None:
    """Make accounts of users."""
    if (file is None) == (table is None):
        raise InvalidInput("import_no_source", field="file", value="")
    names = mapping(named) | ({ref_column: "ref"} if ref_column else {})

    def work(house: Tokenhouse, advance: Callable[[int], None]) -> Awaitable[Imported]:
        if file is not None:
            return house.import_users(
                file, named=names, encoding=encoding, actor=terminal.actor, progress=advance
            )
        return house.import_table(
            str(table), url=source_url, named=names, actor=terminal.actor, progress=advance
        )

    _imported(terminal, "users", str(table) if file is None else file.name, work)


@command.command(cls=frame.Command)
@click.argument("file", type=FILE)
@click.option("--map", "named", multiple=True)
@click.option("--encoding")
@frame.signed
@frame.pass_terminal
def sessions(terminal: Terminal, file: Path, named: tuple[str, ...], encoding: str | None) -> None:
    """Make chat sessions."""
    _imported(
        terminal,
        "sessions",
        file.name,
        lambda house, advance: house.import_sessions(
            file, named=mapping(named), encoding=encoding, progress=advance
        ),
    )


@command.command(cls=frame.Command)
@click.argument("file", type=FILE)
@click.option("--plan")
@frame.signed
@frame.pass_terminal
def points(terminal: Terminal, file: Path, plan: str | None) -> None:
    """Make accounts of people with points."""
    _imported(
        terminal,
        "points",
        file.name,
        lambda house, advance: house.import_points(file, plan=plan, actor=terminal.actor, progress=advance),
    )


def mapping(named: tuple[str, ...]) -> dict[str, str]:
    """Return what the file calls a column -> our name for it."""
    from tokenhouse.flow import importing

    return importing.mapping(named, "--map")


def _imported(
    terminal: Terminal,
    what: str,
    source: str,
    work: Callable[[Tokenhouse, Callable[[int], None]], Awaitable[Imported]],
) -> None:
    """Do an import, showing how far it is, tell what it made, and see it into the audit log."""
    from dataclasses import asdict

    async def recorded(house: Tokenhouse) -> Imported:
        done = await work(house, advance)
        subject = repr(source)[1:-1][:300]  # A file may be called anything.
        if done.made or done.balances:
            await terminal.record(house, f"import.{what}", subject, after=asdict(done))
        return done

    with terminal.progress(None, terminal.say("import.progress")) as advance:
        done = terminal.with_house(recorded, whole=True)
    terminal.answer(done)
    facts = asdict(done)
    terminal.show(terminal.say(f"import.{what}", **facts))
