"""`tokenhouse coupons`: make codes that give credit or a discount, list them, end one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit
    from tokenhouse.store.shop import Coupon

STATES = {
    "active": "coupons.active",
    "waiting": "coupons.waiting",
    "expired": "coupons.expired",
    "used up": "coupons.used_up",
    "ended": "coupons.gone",
}


@click.group(cls=frame.Group)
def command() -> None:
    """Make, list and end coupons."""


@command.command("make")
@click.option("--code", default="")
@click.option("--count", type=frame.Count(1, 1_000), default=1, show_default=True)
@click.option("--credit", default="0")
@click.option("--discount", default="0")
@click.option("--uses", type=frame.Count(0, 2**31 - 1), default=1, show_default=True)
@click.option("--until", type=frame.TIME)
@click.option("--days", type=frame.Count(0, 36_500), default=0)
@click.option("--note", default="")
@frame.signed
@frame.pass_terminal
def make(
    terminal: Terminal,
    code: str,
    count: int,
    credit: str,
    discount: str,
    uses: int,
    until: datetime | None,
    days: int,
    note: str,
) -> None:
    """Make coupons, and show their codes."""

    async def work(house: Tokenhouse) -> tuple[list[Coupon], Unit]:
        from tokenhouse.flow import audited
        from tokenhouse.rules.amounts import parse

        unit = _unit(house)
        made = await house.write_coupons(
            code=code,
            count=count,
            credit=parse(credit, unit, "credit"),
            discount=discount,
            uses_max=uses or None,
            valid_until=until,
            credit_days=days,
            note=note,
            actor=terminal.actor,
        )
        told = audited.coupons(made, unit)
        await terminal.record(house, "coupon.make", made[0].code, after=told, reason=note)
        return made, unit

    made, unit = terminal.with_house(work, whole=True)
    terminal.answer({"coupons": made})
    terminal.show(_table(terminal, made, unit))


@command.command("list")
@click.option("--rows", type=frame.Count(1, 1_000), default=100, show_default=True)
@click.option("--after", default="")
@frame.pass_terminal
def list_(terminal: Terminal, rows: int, after: str) -> None:
    """List coupons in order of their code."""

    async def work(house: Tokenhouse) -> tuple[list[Coupon], Unit]:
        return await house.coupons(after=after, rows_max=rows), _unit(house)

    found, unit = terminal.with_house(work)
    terminal.answer({"coupons": found})
    terminal.show(_table(terminal, found, unit) if found else terminal.say("coupons.none"))


@command.command("end")
@click.argument("code")
@frame.signed
@frame.pass_terminal
def end(terminal: Terminal, code: str) -> None:
    """End a coupon: what it gave stays."""

    async def work(house: Tokenhouse) -> Coupon:
        from tokenhouse.flow.packages import find_coupon

        known = (await find_coupon(house.desk, code)).code
        with terminal.changing(house, "coupon.end", known, lambda one: {"uses": one.uses}):
            return await house.end_coupon(known)

    ended = terminal.with_house(work)
    terminal.answer(ended)
    terminal.show(terminal.say("coupons.ended", code=ended.code, uses=ended.uses))


def _unit(house: Tokenhouse) -> Unit:
    """Return what the deployment counts in."""
    from tokenhouse.flow.terms import deployment_unit
    from tokenhouse.rules.amounts import TOKEN

    return deployment_unit(house.desk) or TOKEN


def _table(terminal: Terminal, found: Sequence[Coupon], unit: Unit) -> Table:
    """Return coupons below each other."""
    heads = ("<code", "<state", ">credit", ">discount", ">uses", "valid_until", "note")
    columns = [name[: name[0] in "<>"] + terminal.say(f"coupons.{name.lstrip('<>')}") for name in heads]
    rows: list[tuple[Any, ...]] = [
        (
            one.code,
            terminal.say(STATES[one.state(terminal.clock())]),
            terminal.amount(one.credit, unit) if one.credit else None,
            f"{one.discount / 100:g} %" if one.discount else None,
            f"{one.uses} / {one.uses_max or '∞'}",
            terminal.time(one.valid_until) if one.valid_until else None,
            one.note or None,
        )
        for one in found
    ]
    return terminal.table(columns, rows)
