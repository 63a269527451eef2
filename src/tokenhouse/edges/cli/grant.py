"""`tokenhouse grant`: give an account credit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from datetime import datetime

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.settle import Receipt
    from tokenhouse.house import Tokenhouse


@click.command(cls=frame.Command, context_settings={"ignore_unknown_options": True})
@click.argument("ref")
@click.argument("amount")  # "-5" is a wrong amount and no option, hence the setting above.
@click.option("--source", default="bonus")
@click.option("--expires", type=frame.TIME)
@click.option("--priority", type=frame.Count(0, 1_000), default=0)
@click.option("--note", default="")
@click.option("--key")
@frame.signed
@frame.pass_terminal
def command(
    terminal: Terminal,
    ref: str,
    amount: str,
    source: str,
    expires: datetime | None,
    priority: int,
    note: str,
    key: str | None,
) -> None:
    """Give an account that exists credit, as a lot of its own."""

    async def work(house: Tokenhouse) -> Receipt:
        from tokenhouse.flow import audited
        from tokenhouse.flow.audit_trail import with_record
        from tokenhouse.rules.amounts import parse

        unit = (await house.balance(ref)).unit
        with with_record(
            house.desk,
            lambda done: audited.moved(done, unit, source=source),
            actor=terminal.actor,
            action="account.grant",
            subject=ref,
            reason=note,
        ):
            return await house.grant(
                ref,
                parse(amount, unit),
                source=source,
                priority=priority,
                expires_at=expires,
                key=key,
                actor=terminal.actor,
                note=note,
            )

    receipt = terminal.with_house(work)
    balance = receipt.balance
    terminal.answer(
        {
            "grant": receipt.id,
            "account": ref,
            "amount": receipt.amount,
            "replayed": receipt.replayed,
            "balance": balance,
        }
    )
    given = terminal.named(receipt.amount, balance.unit)
    said = "grant.replayed" if receipt.replayed else "grant.given"
    terminal.show(
        terminal.say(said, account=ref, amount=given),
        terminal.figures(
            [
                (terminal.say("grant.id"), receipt.id),
                (terminal.say("balance.available"), terminal.amount(balance.available, balance.unit)),
                (terminal.say("balance.debt"), terminal.amount(balance.debt, balance.unit)),
            ]
        ),
    )
