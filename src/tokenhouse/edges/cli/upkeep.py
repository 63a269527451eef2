"""`tokenhouse upkeep`: bring idle accounts forward to now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal


@click.command(cls=frame.Command)
@frame.pass_terminal
def command(terminal: Terminal) -> None:
    """Sweep once: reservations lapse, lots expire, periods end, allowances come, old keys are forgotten."""
    swept = terminal.with_house(lambda house: house.sweep())
    terminal.answer(swept)
    names = ("touched", "lapsed", "keys_dropped")
    terminal.show(
        terminal.figures([(terminal.say(f"upkeep.{name}"), getattr(swept, name)) for name in names])
    )
