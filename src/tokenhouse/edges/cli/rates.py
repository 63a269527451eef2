"""`tokenhouse rates`: list and show rates, add your own, import list prices, decide on suspicious ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tokenhouse.edges.cli import frame, plans
from tokenhouse.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.rates import Added, Dated, Listing
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.periods import Instant
    from tokenhouse.rules.rates import Rate
    from tokenhouse.store.catalog import Held

LAYERS = ("own", "listed")


@click.group(cls=frame.Group)
def command() -> None:
    """List, show, add and import rates."""


@command.command("list")
@click.argument("text", default="")
@click.option("--layer", type=frame.Choice(LAYERS))
@click.option("--rows", type=frame.Count(1, 1_000_000), default=50, show_default=True)
@frame.pass_terminal
def list_(terminal: Terminal, text: str, layer: str | None, rows: int) -> None:
    """List the rates that hold now."""
    found = terminal.with_house(lambda house: house.rates(text))
    wanted = [one for one in found if layer in (None, LAYERS[one.listed])]
    terminal.answer({"all": len(wanted), "rates": [document(one.rate, one.listed) for one in wanted[:rows]]})
    terminal.show(_table(terminal, wanted[:rows]) if wanted else terminal.say("rates.empty"))
    if len(wanted) > rows:
        terminal.remark(terminal.say("rates.more", shown=rows, all=len(wanted)))


@command.command("show")
@click.argument("model")
@frame.pass_terminal
def show(terminal: Terminal, model: str) -> None:
    """Show by which rate a model is charged, and since when."""
    from tokenhouse.rules.periods import instant

    found = terminal.with_house(lambda house: house.rate_history(model))
    now = instant(terminal.clock())
    begun = [one for one in found if one.starts_at <= now]
    history = [
        {"from": _since(one.starts_at), **document(one.listing.rate, one.listing.listed)} for one in found
    ]
    terminal.answer({"model": model, "holds": history[len(begun) - 1] if begun else None, "history": history})
    if not found:
        terminal.show(terminal.say("rates.none", model=model))
        return
    terminal.show(_holds(terminal, model, begun), _table(terminal, [one.listing for one in found]))


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True)
@frame.signed
@frame.pass_terminal
def add(terminal: Terminal, file: Path, dry_run: bool) -> None:
    """Add your own rates from a TOML file."""
    read = plans.read(file)
    documents = read["rate"] if isinstance(read.get("rate"), list) else [read]

    async def work(house: Tokenhouse) -> Added:
        try:
            added = await house.add_rates(documents, actor=terminal.actor, dry_run=dry_run)
        except InvalidInput as wrong:
            problem = wrong.message(terminal.locale)
            raise InvalidInput("file_wrong", field="FILE", value=str(file), problem=problem) from None
        return await _recorded(terminal, house, added, "own")

    _told(terminal, terminal.with_house(work, whole=True))


@command.command("import")
@click.option("--dry-run", is_flag=True)
@frame.signed
@frame.pass_terminal
def import_(terminal: Terminal, dry_run: bool) -> None:
    """Import the list prices of every provider."""

    async def work(house: Tokenhouse) -> Added:
        added = await house.import_rates(actor=terminal.actor, dry_run=dry_run)
        return await _recorded(terminal, house, added, "listed")

    _told(terminal, terminal.with_house(work, whole=True))


async def _recorded(terminal: Terminal, house: Tokenhouse, added: Added, layer: str) -> Added:
    """Return what became of prices, when the audit log has it."""
    from tokenhouse.flow import audited

    if not added.dry_run and (added.written or added.held):
        await terminal.record(house, "rate.add", layer, after=audited.rates(added))
    return added


@command.command("quarantine")
@click.option("--accept", type=frame.COUNT, metavar="ID")
@click.option("--discard", type=frame.COUNT, metavar="ID")
@frame.signed
@frame.pass_terminal
def quarantine(terminal: Terminal, accept: int | None, discard: int | None) -> None:
    """List the prices that wait for a person, or decide on one."""
    chosen = accept or discard
    if chosen is None:
        found = terminal.with_house(lambda house: house.held_rates())
        terminal.answer({"held": [_held(terminal, one) for one in found]})
        terminal.show(_waiting(terminal, found) if found else terminal.say("rates.clean"))
        return

    async def work(house: Tokenhouse) -> Rate | None:
        from tokenhouse.rules.rates import rate_document

        rate = await house.decide_rate(chosen, accept=accept is not None, actor=terminal.actor)
        action = "rate.discard" if accept is None else "rate.accept"
        await terminal.record(house, action, str(chosen), after=rate and rate_document(rate))
        return rate

    rate = terminal.with_house(work, whole=True)
    terminal.answer({"id": chosen, "accepted": rate is not None, "version": rate.version if rate else None})
    if rate is None:
        terminal.show(terminal.say("rates.discarded", id=chosen))
    else:
        terminal.show(terminal.say("rates.accepted", model=rate.model, version=rate.version))


def document(rate: Rate, listed: bool) -> dict[str, Any]:
    """Return a rate as programs read it."""
    from tokenhouse.rules.rates import rate_document

    return {**rate_document(rate), "listed": listed}


def _told(terminal: Terminal, added: Added) -> None:
    """Say what became of prices that were added."""
    counts = {"written": len(added.written), "kept": added.kept, "held": len(added.held)}
    terminal.answer({**counts, "dry_run": added.dry_run, "unpriced": list(added.unpriced)})
    terminal.show(terminal.say("rates.checked" if added.dry_run else "rates.added", **counts))
    if added.unpriced:
        terminal.remark(terminal.say("rates.unpriced", count=len(added.unpriced)))
    if added.held and not added.dry_run:
        terminal.remark(terminal.say("rates.waiting", held=len(added.held)))


def _holds(terminal: Terminal, model: str, begun: list[Dated]) -> str:
    """Return the sentence that says what a model is charged by."""
    if not begun:
        return terminal.say("rates.not_yet", model=model)
    now = begun[-1]
    facts = {"pattern": now.listing.rate.model, "version": now.listing.rate.version}
    return terminal.say("rates.now", model=model, since=_shown(terminal, now.starts_at), **facts)


def _since(starts_at: Instant) -> str | None:
    from tokenhouse.rules.periods import ALWAYS, moment

    return None if starts_at == ALWAYS.start_at else moment(starts_at).isoformat()


def _shown(terminal: Terminal, starts_at: Instant) -> str:
    """Return an instant as people read it."""
    from tokenhouse.rules.periods import ALWAYS, moment

    return terminal.say("rates.always") if starts_at == ALWAYS.start_at else terminal.time(moment(starts_at))


def _held(terminal: Terminal, one: Held) -> dict[str, Any]:
    return {
        "id": one.id,
        "why": _why(terminal, one),
        "created_at": one.created_at,
        "actor": one.actor,
        **document(one.rate, one.listed),
    }


def _why(terminal: Terminal, one: Held) -> str:
    """Return why a price waits, by the caps of today."""
    from tokenhouse.rules.rates import suspicious

    absurd = suspicious(one.rate)
    return absurd.message(terminal.locale) if absurd else ""


def _waiting(terminal: Terminal, found: list[Held]) -> Table:
    columns = [
        mark + terminal.say(f"rates.{name}") for mark, name in ((">", "id"), ("<", "model"), ("", "why"))
    ]
    return terminal.table(columns, [(one.id, one.rate.model, _why(terminal, one)) for one in found])


def _table(terminal: Terminal, found: Iterable[Listing]) -> Table:
    """Return rates below each other, prices as they are stated."""
    heads = (
        "<model",
        "<since",
        ">input",
        ">cached",
        ">output",
        ">per",
        "above",
        "<unit",
        "<layer",
        ">version",
    )
    columns = [name[: name[0] in "<>"] + terminal.say(f"rates.{name.lstrip('<>')}") for name in heads]
    rows = []
    for one in found:
        rate, prices = one.rate, one.rate.prices
        rows.append(
            (
                rate.model,
                _shown(terminal, rate.starts_at),
                f"{prices.input:f}",
                f"{prices.price('cached_input'):f}",
                f"{prices.output:f}",
                f"{prices.per:,}",
                ", ".join(terminal.say("rates.beyond", tokens=tier.tokens) for tier in prices.above) or None,
                prices.unit or terminal.say("rates.smallest"),
                terminal.say(f"rates.{LAYERS[one.listed]}"),
                rate.version,
            )
        )
    return terminal.table(columns, rows)
