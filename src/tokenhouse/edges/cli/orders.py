"""`tokenhouse orders`: list orders; show one or its receipt; complete, fail or refund one by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.settle import Receipt
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.amounts import Unit
    from tokenhouse.store.orders import Order

STATES = ("pending", "completed", "failed", "refunded")
HERE = ""
"""From where somebody at a terminal decides: no address, and on record all the same."""


@click.group(cls=frame.Group)
def command() -> None:
    """List, show and end orders."""


@command.command("list")
@click.argument("account", required=False)
@click.option("--state", type=frame.Choice(STATES))
@click.option("--provider")
@click.option("--since", type=frame.TIME)
@click.option("--until", type=frame.TIME)
@click.option("--rows", type=frame.Count(1, 1_000), default=100, show_default=True)
@click.option("--before", default="")
@frame.pass_terminal
def list_(terminal: Terminal, account: str | None, rows: int, before: str, **wanted: Any) -> None:
    """List an account's orders, or everybody's, newest first."""

    async def work(house: Tokenhouse) -> tuple[list[Order], Unit]:
        if account is None:
            return await house.all_orders(before=before, rows_max=rows, **wanted), _unit(house)
        return await house.orders(account, before=before, rows_max=rows), _unit(house)

    found, unit = terminal.with_house(work)
    terminal.answer({"orders": found, "next": found[-1].id if len(found) == rows else None})
    terminal.show(_table(terminal, found, unit) if found else terminal.say("orders.none"))
    if len(found) == rows:
        terminal.remark(terminal.say("orders.more", order=found[-1].id))


@command.command("show")
@click.argument("order")
@frame.pass_terminal
def show(terminal: Terminal, order: str) -> None:
    """Show one order."""

    async def work(house: Tokenhouse) -> tuple[Order, Unit]:
        return await house.find_order(order), _unit(house)

    found, unit = terminal.with_house(work)
    terminal.answer(found)
    terminal.show(_figures(terminal, found, unit))


@command.command("receipt")
@click.argument("order")
@frame.pass_terminal
def receipt(terminal: Terminal, order: str) -> None:
    """Show the receipt of an order that was paid."""
    from tokenhouse.flow.receipts import SalesReceipt, written

    async def work(house: Tokenhouse) -> SalesReceipt:
        one = await house.find_order(order)
        return await house.sales_receipt(one.ref, one.id, locale=terminal.locale)

    found = terminal.with_house(work)
    terminal.answer(found)
    terminal.show(found.title, terminal.figures(written(found)))


@command.command("complete")
@click.argument("order")
@click.option("--reason", required=True)
@frame.signed
@frame.pass_terminal
def complete(terminal: Terminal, order: str, reason: str) -> None:
    """Complete an order by hand, pending or paid late: its credit comes."""

    async def work(house: Tokenhouse) -> tuple[Order, Unit]:
        one = await house.find_order(order)
        await house.complete_order(one.ref, one.id, actor=terminal.actor, reason=reason, address=HERE)
        return await house.find_order(one.id), _unit(house)

    _ended(terminal, *terminal.with_house(work))


@command.command("fail")
@click.argument("order")
@click.option("--reason", required=True)
@frame.signed
@frame.pass_terminal
def fail(terminal: Terminal, order: str, reason: str) -> None:
    """Mark a pending order as failed: no credit comes, unless it is paid late."""

    async def work(house: Tokenhouse) -> tuple[Order, Unit]:
        one = await house.find_order(order)
        decided = {"actor": terminal.actor, "reason": reason, "address": HERE}
        return await house.fail_order(one.ref, one.id, **decided), _unit(house)

    _ended(terminal, *terminal.with_house(work))


@command.command("refund")
@click.argument("order")
@click.option("--reason", required=True)
@click.option("--total", type=frame.COUNT)
@frame.signed
@frame.pass_terminal
def refund(terminal: Terminal, order: str, reason: str, total: int | None) -> None:
    """Take back the credit of an order, wholly or in part."""

    async def work(house: Tokenhouse) -> tuple[Receipt, Order, Unit]:
        one = await house.find_order(order)
        decided = {"actor": terminal.actor, "note": reason, "address": HERE}
        moved = await house.refund_order(one.ref, one.id, refunded_minor=total, **decided)
        return moved, await house.find_order(one.id), _unit(house)

    moved, after, unit = terminal.with_house(work)
    unspent = moved.amount - moved.uncovered - moved.written_off
    taken = {"asked": moved.amount, "unspent": unspent}
    taken |= {"debt": moved.uncovered, "written_off": moved.written_off}
    terminal.answer({"order": after, "taken_back": taken, "replayed": moved.replayed})
    said = {name: terminal.amount(figure, unit) for name, figure in taken.items()}
    terminal.show(terminal.say("orders.taken_back", order=after.id, **said), _figures(terminal, after, unit))


def _unit(house: Tokenhouse) -> Unit:
    """Return what the deployment counts in."""
    from tokenhouse.flow.terms import deployment_unit
    from tokenhouse.rules.amounts import TOKEN

    return deployment_unit(house.desk) or TOKEN


def _ended(terminal: Terminal, after: Order, unit: Unit) -> None:
    """Say how an order ended."""
    terminal.answer(after)
    state = terminal.say(f"orders.{after.state}")
    terminal.show(terminal.say("orders.ended", order=after.id, state=state), _figures(terminal, after, unit))


def _figures(terminal: Terminal, one: Order, unit: Unit) -> Any:
    """Return what is known of an order."""
    from tokenhouse.rules.shop import money

    pairs = [
        ("account", one.ref),
        ("state", terminal.say(f"orders.{one.state}")),
        ("credit", terminal.amount(one.credit, unit)),
        ("price", money(one.price_minor, one.currency)),
        ("back", money(one.refunded_minor, one.currency) if one.refunded_minor else ""),
        ("package", one.package),
        ("coupon", one.coupon),
        ("provider", one.provider),
        ("payment", one.provider_ref or one.transaction_id),
        ("created_at", terminal.time(one.created_at)),
        ("ended_at", terminal.time(one.ended_at) if one.ended_at else ""),
        ("ended_by", one.ended_by),
        ("reason", one.reason),
    ]
    return terminal.figures([(terminal.say(f"orders.{name}"), value) for name, value in pairs if value])


def _table(terminal: Terminal, found: Sequence[Order], unit: Unit) -> Table:
    """Return orders below each other."""
    from tokenhouse.rules.shop import money

    heads = ("<id", "account", "<state", ">credit", ">price", "provider", "package", "created_at")
    columns = [name[: name[0] in "<>"] + terminal.say(f"orders.{name.lstrip('<>')}") for name in heads]
    rows = [
        (
            one.id,
            one.ref,
            terminal.say(f"orders.{one.state}"),
            terminal.amount(one.credit, unit),
            money(one.price_minor, one.currency),
            one.provider or None,
            one.package or None,
            terminal.time(one.created_at),
        )
        for one in found
    ]
    return terminal.table(columns, rows)
