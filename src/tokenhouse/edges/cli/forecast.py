"""`tokenhouse forecast`: how fast credit is used, and when it will be used up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.outlook import Outlook
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit

AMOUNTS = ("available", "per_day", "today")
TIMES = ("exhausted_at", "earliest_at", "latest_at")


@click.command(cls=frame.Command)
@click.argument("ref", required=False)
@frame.pass_terminal
def command(terminal: Terminal, ref: str | None) -> None:
    """Show when an account's credit will be used up, or that of all accounts together, with a range."""

    async def work(house: Tokenhouse) -> tuple[Outlook, Unit]:
        plans = await house.plans()
        found = (await house.outlook()).value if ref is None else await house.forecast(ref)
        return found, next(iter(plans.values())).unit

    found, unit = terminal.with_house(work)
    terminal.answer(
        {
            "account": ref,
            "unit": unit,
            **asdict(found),
            "lasts_until_renewal": found.lasts_until_renewal,
        }
    )
    pairs: list[tuple[str, object]] = [
        (terminal.say(f"forecast.{name}"), terminal.amount(getattr(found, name), unit)) for name in AMOUNTS
    ]
    pairs.append((terminal.say("forecast.days_known"), found.days_known))
    for name in TIMES:
        at = getattr(found, name)
        said = terminal.say("forecast.beyond") if at is None else terminal.time(at)
        pairs.append((terminal.say(f"forecast.{name}"), said))
    if found.renews_at is not None:
        pairs.append((terminal.say("forecast.renews_at"), terminal.time(found.renews_at)))
        kept = "forecast.lasts" if found.lasts_until_renewal else "forecast.short"
        pairs.append((terminal.say("forecast.until_renewal"), terminal.say(kept)))
    whose = terminal.say("forecast.all") if ref is None else ref
    terminal.show(
        terminal.figures(pairs, title=terminal.say("forecast.title", account=whose, unit=unit.name))
    )
