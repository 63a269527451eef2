"""`tokenhouse packages`: list what is sold; add a package, or a newer version of one, from a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit
    from tokenhouse.rules.shop import Package


@click.group(cls=frame.Group)
def command() -> None:
    """List and write packages."""


@command.command("list")
@frame.pass_terminal
def list_(terminal: Terminal) -> None:
    """List every package in its newest version."""

    async def work(house: Tokenhouse) -> tuple[list[Package], Unit]:
        return await house.packages(), _unit(house)

    found, unit = terminal.with_house(work)
    terminal.answer({"packages": found})
    terminal.show(_table(terminal, found, unit) if found else terminal.say("packages.none"))


@command.command("write")
@click.argument("file", type=click.Path(path_type=Path))
@frame.signed
@frame.pass_terminal
def write(terminal: Terminal, file: Path) -> None:
    """Add a package, or a newer version of one, from a TOML file."""
    from tokenhouse.edges.cli.plans import read

    document = read(file)

    async def work(house: Tokenhouse) -> tuple[Package, Unit]:
        from tokenhouse.flow import audited

        unit = _unit(house)
        before = next((one for one in await house.packages() if one.name == document.get("name")), None)
        written = await house.write_package(document, actor=terminal.actor)
        if before is None or before.version != written.version:
            was, now = before and audited.package(before, unit), audited.package(written, unit)
            await terminal.record(house, "package.write", written.name, before=was, after=now)
        return written, unit

    package, unit = terminal.with_house(work, whole=True)
    terminal.answer(package)
    said = terminal.say("packages.wrote", package=package.name, version=package.version)
    terminal.show(said, _table(terminal, [package], unit))


def _unit(house: Tokenhouse) -> Unit:
    """Return what the deployment counts in."""
    from tokenhouse.flow.terms import deployment_unit
    from tokenhouse.rules.amounts import TOKEN

    return deployment_unit(house.desk) or TOKEN


def _table(terminal: Terminal, found: Sequence[Package], unit: Unit) -> Table:
    """Return packages below each other."""
    from tokenhouse.rules.shop import money

    heads = ("<name", ">version", "title", ">credit", ">bonus", "prices", "plan", "sold")
    columns = [name[: name[0] in "<>"] + terminal.say(f"packages.{name.lstrip('<>')}") for name in heads]
    rows: list[tuple[Any, ...]] = [
        (
            one.name,
            one.version,
            one.called(terminal.locale),
            terminal.amount(one.credit, unit),
            terminal.amount(one.bonus_credit, unit) if one.bonus_credit else None,
            ", ".join(money(price, currency) for currency, price in one.prices.items()),
            one.plan or None,
            terminal.say("packages.yes" if one.active else "packages.no"),
        )
        for one in found
    ]
    return terminal.table(columns, rows)
