"""Rates: what a model costs today and did before, many prices at once, and those that a person must see."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk, checked_flag, checked_text, checked_whole
from tokenhouse.flow.pricelist import read_prices
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import Unit, shown
from tokenhouse.rules.periods import Instant
from tokenhouse.rules.rates import Prices, Rate, parse_rate, suspicious
from tokenhouse.store.catalog import Choice, Document, Held

RATES_MAX: Final = 100_000
"""Prices that are taken at once."""

Same = tuple[str, Instant, Prices]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A rate and whose it is: the operator's own, or `listed` by others, which yields to the own."""

    rate: Rate
    listed: bool


class Dated(msgspec.Struct, frozen=True, kw_only=True):
    """From `starts_at` on, this rate holds for the model that was asked for."""

    starts_at: Instant
    listing: Listing


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many prices: new, as they stood already, and held back for a person to see."""

    written: tuple[Rate, ...]
    kept: int
    held: tuple[Rate, ...]
    dry_run: bool
    unpriced: tuple[str, ...] = ()
    """Models of a price list that no price of tokens describes: by the picture, the page, the hour."""


async def rates(desk: Desk, text: str) -> list[Listing]:
    """Return what holds now, a rate for each pattern that contains `text`, the operator's own first."""
    checked_text(text, "text")
    await _fresh(desk)
    now = desk.now()
    found: dict[tuple[bool, str], Listing] = {}
    for listed, layer in ((False, desk.catalog.own), (True, desk.catalog.listed)):
        for rate in layer:
            key = (listed, rate.model)
            if text in rate.model and rate.starts_at <= now:
                known = found.get(key)
                if known is None or _order(known.rate) < _order(rate):
                    found[key] = Listing(rate=rate, listed=listed)
    return [found[key] for key in sorted(found)]


async def rate_history(desk: Desk, model: str) -> list[Dated]:
    """Return by which rate each time charges a model, oldest first; nothing where no rate knows it."""
    checked_text(model, "model")
    await _fresh(desk)
    own = set(desk.catalog.own)
    return [
        Dated(starts_at=start, listing=Listing(rate=rate, listed=rate not in own))
        for start, rate in desk.catalog.rates.history(model)
    ]


async def add_rates(
    desk: Desk, documents: Sequence[Mapping[str, Any]], *, listed: bool, actor: str, dry_run: bool
) -> Added:
    """Add dated prices, but for those that stand already; suspicious ones are held back (see `suspicious`).

    All or nothing. Idempotent: the same prices again write nothing.
    """
    checked_flag(listed, "listed")
    checked_flag(dry_run, "dry_run")
    checked_text(actor, "actor")
    if not isinstance(documents, list | tuple) or len(documents) > RATES_MAX:
        raise InvalidInput("rates_list", field="documents", value=shown(documents), most=RATES_MAX)
    read = await asyncio.to_thread(_read, documents, deployment_unit(desk))
    sorted_out: list[Added] = []

    def choose(held: list[Held]) -> Choice:
        layer = desk.catalog.listed if listed else desk.catalog.own
        added, new, suspects = _sorted_out(read, layer, held, dry_run=dry_run)
        sorted_out.append(added)
        return ((), ()) if dry_run else (new, suspects)

    async with desk.pool.acquire() as connection:
        await desk.catalog.write_rates(connection, choose, actor, listed=listed)
    return sorted_out[-1]


async def import_rates(desk: Desk, *, actor: str, dry_run: bool) -> Added:
    """Add the prices of every provider that genai-prices lists; the operator's own go before them."""
    checked_flag(dry_run, "dry_run")
    checked_text(actor, "actor")
    prices = await asyncio.to_thread(read_prices)
    added = await add_rates(desk, prices.lines, listed=True, actor=actor, dry_run=dry_run)
    return msgspec.structs.replace(added, unpriced=prices.unpriced)


async def held_rates(desk: Desk) -> list[Held]:
    """Return the prices that wait for a person."""
    async with desk.pool.acquire() as connection:
        return [one for one in await desk.catalog.list_held(connection) if one.decided_at is None]


async def decide_rate(desk: Desk, held_id: int, *, accept: bool, actor: str) -> Rate | None:
    """Accept a held price, and return the rate that it becomes, or discard it for good."""
    checked_whole(held_id, "id", 1, 2**31 - 1)
    checked_flag(accept, "accept")
    checked_text(actor, "actor")
    async with desk.pool.acquire() as connection:
        return await desk.catalog.decide(connection, held_id, actor, accept=accept)


async def _fresh(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        await desk.catalog.keep_up(connection)


def _read(documents: Iterable[Mapping[str, Any]], unit: Unit | None) -> list[tuple[Document, Rate]]:
    """Return every document with its rate. Raises: InvalidInput that names the document by its place."""
    found = []
    for nth, document in enumerate(documents):
        rate = parse_rate(document, f"rate[{nth}]")
        checked_text(rate.model, f"rate[{nth}].model")
        if unit is not None and rate.prices.unit not in (None, unit.name):
            facts = {"unit": unit.name, "model": rate.model}
            raise InvalidInput("rate_unit", field=f"rate[{nth}].unit", value=shown(rate.prices.unit), **facts)
        found.append((dict(document), rate))
    return found


def _sorted_out(
    read: list[tuple[Document, Rate]], layer: Iterable[Rate], held: Iterable[Held], *, dry_run: bool
) -> tuple[Added, list[Document], list[Document]]:
    """Return what becomes of each price, given the layer as it stands and what was ever held back."""
    newest: dict[tuple[str, Instant], Prices] = {}
    for rate in sorted(layer, key=_order):
        newest[rate.model, rate.starts_at] = rate.prices
    seen = {_same(one.rate) for one in held}
    new, suspects = [], []
    for document, rate in read:
        if newest.get((rate.model, rate.starts_at)) == rate.prices or _same(rate) in seen:
            continue
        if suspicious(rate) is not None:
            suspects.append((document, rate))
            seen.add(_same(rate))
        else:
            new.append((document, rate))
            newest[rate.model, rate.starts_at] = rate.prices
    added = Added(
        written=tuple(rate for _, rate in new),
        kept=len(read) - len(new) - len(suspects),
        held=tuple(rate for _, rate in suspects),
        dry_run=dry_run,
    )
    return added, [document for document, _ in new], [document for document, _ in suspects]


def _order(rate: Rate) -> tuple[Instant, int]:
    return rate.starts_at, rate.version


def _same(rate: Rate) -> Same:
    return rate.model, rate.starts_at, rate.prices
