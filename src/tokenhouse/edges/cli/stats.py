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
    from tokenhouse.flow.trend import Trend
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit

BAR = 40
"""Width of the longest bar of a table."""
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
@click.option("--days", type=frame.Count(0, 366), default=14, show_default=True)
@frame.pass_terminal
def command(terminal: Terminal, top: int, days: int) -> None:
    """Show totals, the distribution over five buckets, the accounts that used most, and the last days."""

    async def work(house: Tokenhouse) -> tuple[Stats, Trend | None, Unit]:
        plans = await house.plans()
        trend = await house.trend(days=days) if days else None
        return await house.stats(top=top), trend, next(iter(plans.values())).unit

    stats, trend, unit = terminal.with_house(work)
    terminal.answer({"unit": unit, **asdict(stats), **({"trend": asdict(trend)} if trend else {})})
    parts = [_overview(terminal, stats, unit), _distribution(terminal, stats)]
    if stats.top:
        parts.append(_top(terminal, stats, unit))
    if trend:
        parts += [_days(terminal, trend, unit), _renewal(terminal, trend)]
    terminal.show(*parts)


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
            _bar(count, greatest),
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


def _bar(value: int, greatest: int) -> str:
    """Return a bar as long as `value` is beside the greatest; anything above 0 shows."""
    return "█" * -(-BAR * value // greatest) if value > 0 else " "


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


def _days(terminal: Terminal, trend: Trend, unit: Unit) -> Table:
    """Return the last days, a line each, with a bar for what was charged."""
    greatest = max(day.charged for day in trend.days)
    rows = [
        (
            terminal.time(day.start_at, offset=False)[: len("2026-11-21")],
            day.signups,
            day.waiting,
            day.renewed,
            day.turns,
            day.tokens,
            terminal.amount(day.charged, unit),
            _bar(day.charged, greatest),
        )
        for day in trend.days
    ]
    names = ("<day", ">signups", ">waiting", ">renewed", ">turns", ">tokens", ">charged")
    columns = [name[0] + terminal.say(f"stats.{name[1:]}") for name in names]
    title = terminal.say("stats.days", count=len(trend.days), zone=terminal.settings.time_zone)
    return terminal.table([*columns, ""], rows, title=title)


def _renewal(terminal: Terminal, trend: Trend) -> Table:
    """Return how many accounts' periods are renewed as they should."""
    pairs = [(terminal.say(f"stats.renewal_{name}"), value) for name, value in asdict(trend.renewal).items()]
    return terminal.figures(pairs, title=terminal.say("stats.renewal"))
