"""`tokenhouse migrate`: bring the schema up to date, or say where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.store.migrate import Migration


@click.command(cls=frame.Command)
@click.option("--status", is_flag=True)
@click.option("--dry-run", is_flag=True)
@frame.pass_terminal
def command(terminal: Terminal, status: bool, dry_run: bool) -> int:
    """Apply what is pending, or only show it."""
    from tokenhouse.flow import schema

    applied: tuple[Migration, ...] = ()
    if status or dry_run:
        shown = terminal.run(lambda: schema.standings(terminal.settings))
    else:
        shown, applied = terminal.run(lambda: schema.bring_up(terminal.settings))
    pending = sum(one.state == "pending" for one in shown)
    terminal.answer({"migrations": shown, "applied": [one.version for one in applied], "pending": pending})
    names = ("version", "name", "state", "at")
    columns = [(">" if name == "version" else "") + terminal.say(f"migrate.{name}") for name in names]
    rows = [(one.version, one.name, terminal.say(f"migrate.{one.state}"), one.applied_at) for one in shown]
    terminal.show(terminal.table(columns, rows))
    if status or dry_run:
        terminal.show(terminal.say("migrate.would_apply", count=pending))
    else:
        terminal.show(terminal.say("migrate.did_apply", count=len(applied)))
    foreign = any(one.state in ("changed", "unknown") for one in shown)
    return frame.FOUND if foreign or (status and pending) else 0
