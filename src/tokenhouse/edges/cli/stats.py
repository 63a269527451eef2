"""`tokenhouse stats`: usage over all accounts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tokenhouse.edges.cli import frame
from tokenhouse.edges.cli.account_page import headed

if TYPE_CHECKING:
    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.statistics import Stats
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit

BAR = 40
"""Width of the longest bar of the distribution."""
AMOUNTS = ("used", "used_mean", "used_max", "bought", "bought_mean", "bought_max", "left", "debt")
BUCKETS = {
    "under50": "< 50 %",
    "under80": "50-80 %",
    "under90": "80-90 %",
    "under95": "90-95 %",
    "over95": ">= 95 %",
}


@click.command(cls=frame.Command)
@click.option("--top", type=frame.Count(0, 1_000), default=10, show_default=True)
@frame.pass_terminal
def command(terminal: Terminal, top: int) -> None:
    """Show totals, the distribution over five buckets, and the accounts that used most."""

    async def work(house: Tokenhouse) -> tuple[Stats, Unit]:
        plans = await house.plans()
        return await house.stats(top=top), next(iter(plans.values())).unit

    stats, unit = terminal.with_house(work)
    terminal.answer({"unit": unit, **asdict(stats)})
    top_shown = [_top(terminal, stats, unit)] if stats.top else []
    terminal.show(_overview(terminal, stats, unit), _distribution(terminal, stats), *top_shown)


def _overview(terminal: Terminal, stats: Stats, unit: Unit) -> Table:
    """Return the deployment's totals."""
    pairs = [
        (
            terminal.say(f"stats.{name}"),
            terminal.amount(value, unit) if name in AMOUNTS else value,
        )
        for name, value in asdict(stats.overview).items()
    ]
    return terminal.figures(pairs, title=terminal.say("stats.overview", unit=unit.name))


def _distribution(terminal: Terminal, stats: Stats) -> Table:
    """Return how many accounts used how much of what they have, with a bar each."""
    buckets = asdict(stats.distribution)
    total, greatest = sum(buckets.values()), max(buckets.values())
    rows = [
        (
            BUCKETS[name],
            count,
            f"{100 * count / total:.1f} %" if total else None,
            "█" * -(-BAR * count // greatest) if count else " ",
        )
        for name, count in buckets.items()
    ]
    columns = [
        f"<{terminal.say('stats.bucket')}",
        f">{terminal.say('stats.accounts')}",
        f">{terminal.say('stats.share')}",
        "",
    ]
    return terminal.table(columns, rows, title=terminal.say("stats.distribution"))


def _top(terminal: Terminal, stats: Stats, unit: Unit) -> Table:
    """Return the accounts that used most."""
    names = ("account", "plan", ">used", ">total", ">used_percent", ">left", "<level")
    columns = [headed(terminal, name) for name in names]
    rows = [
        (
            one.account,
            one.plan,
            terminal.amount(one.used, unit),
            terminal.amount(one.total, unit),
            f"{one.used_percent:.2f} %",
            terminal.amount(one.left, unit),
            terminal.say(f"words.{one.level}"),
        )
        for one in stats.top
    ]
    return terminal.table(columns, rows, title=terminal.say("stats.top"))
