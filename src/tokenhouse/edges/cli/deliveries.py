"""`tokenhouse deliveries`: notices on their way out of the house, and those that were given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.outbox import Delivered
    from tokenhouse.house import Tokenhouse
    from tokenhouse.store.outbox import Delivery

STATES = ("pending", "sent", "dead")
SHOWN = ("id", "channel", "target", "state", "attempts", "next_at", "created_at", "ended_at", "error")


@click.group(cls=frame.Group)
def command() -> None:
    """List deliveries, send what is due, send one again."""


@command.command("list")
@click.option("--state", type=frame.Choice(STATES))
@click.option("--rows", type=frame.Count(1, 1_000), default=20, show_default=True)
@frame.pass_terminal
def list_(terminal: Terminal, state: str | None, rows: int) -> None:
    """List the newest deliveries."""
    found = terminal.with_house(lambda house: house.deliveries(state=state or "", rows_max=rows))
    terminal.answer({"deliveries": [document(one) for one in found]})
    terminal.show(_table(terminal, found) if found else terminal.say("deliveries.none"))


@command.command("send")
@frame.pass_terminal
def send(terminal: Terminal) -> None:
    """Send what is due, from here."""
    from tokenhouse.edges import channels

    async def work(house: Tokenhouse) -> Delivered:
        async with channels.opened(house):
            return await house.deliver()

    delivered = terminal.with_house(work)
    terminal.answer(delivered)
    names = ("sent", "again", "dead")
    terminal.show(
        terminal.figures([(terminal.say(f"deliveries.{name}"), getattr(delivered, name)) for name in names])
    )


@command.command("resend")
@click.argument("delivery", metavar="ID")
@frame.signed
@frame.pass_terminal
def resend(terminal: Terminal, delivery: str) -> None:
    """Put a delivery that ended on its way again."""

    async def work(house: Tokenhouse) -> Delivery:
        from tokenhouse.flow.desk import checked_id

        wanted = checked_id(delivery, "delivery")
        with terminal.changing(house, "delivery.resend", wanted, lambda found: {"target": found.target}):
            return await house.resend(wanted)

    found = terminal.with_house(work)
    terminal.answer(document(found))
    terminal.show(_table(terminal, [found]))


def document(one: Delivery) -> dict[str, Any]:
    """Return a delivery as programs read it."""
    return {"notice": one.notice, **{name: getattr(one, name) for name in SHOWN}}


def _table(terminal: Terminal, found: list[Delivery]) -> Table:
    """Return deliveries below each other."""
    heads = ("<id", "<channel", "target", "<state", ">attempts", "next_at", "error")
    columns = [head[: head[0] in "<>"] + terminal.say(f"deliveries.{head.lstrip('<>')}") for head in heads]
    rows = [
        (
            one.id,
            one.channel,
            one.target,
            terminal.say(f"deliveries.state_{one.state}"),
            one.attempts,
            one.next_at if one.state == "pending" else None,
            one.error,
        )
        for one in found
    ]
    return terminal.table(columns, rows)
