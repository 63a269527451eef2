"""`tokenhouse notify`: tell accounts that near their end, as the hourly job does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal


@click.command(cls=frame.Command)
@frame.pass_terminal
def command(terminal: Terminal) -> None:
    """Look at all accounts once and write what is to be told; nobody is told twice."""
    notified = terminal.with_house(lambda house: house.notify())
    terminal.answer(notified)
    names = ("levels", "expiring", "bought")
    terminal.show(
        terminal.figures([(terminal.say(f"notify.{name}"), getattr(notified, name)) for name in names])
    )
