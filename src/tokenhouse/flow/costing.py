"""Costing: what providers take for what was used, beside what was charged for it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.pricelist import read_prices
from tokenhouse.flow.rollups import counts_tokens
from tokenhouse.flow.stretches import Grain, last_stretches
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import DOLLAR, TOKEN, Unit
from tokenhouse.rules.costs import Cost, cost
from tokenhouse.rules.periods import instant
from tokenhouse.rules.rates import RateTable, parse_rate
from tokenhouse.store import rollups
from tokenhouse.store.pool import snapshot
from tokenhouse.store.rollups import Used


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """What one model took in one stretch of time, and what was charged for it.

    `cost` is the provider's, in `cost_unit`; both are None where no price of the model is known, or nobody
    said how many tokens it was.
    """

    start_at: datetime
    model: str
    turns: int
    tokens: int
    charged: int
    cost: int | None
    cost_unit: Unit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Cost against charge, the oldest stretch first, and the sums of it all by the costs' units."""

    lines: tuple[CostLine, ...]
    charged: int
    costs: tuple[tuple[Unit, int], ...]


async def costs(desk: Desk, *, every: Grain, last: int) -> Costs:
    """Return what the provider takes for what was used, by its list prices, beside what was charged."""
    stretches = last_stretches(desk, every, last)
    async with snapshot(desk.pool) as connection:
        await desk.catalog.refresh(connection)
        used = await rollups.list_usage(connection, stretches.span, one_to_one=counts_tokens(desk))
    tables = await price_tables(desk) if used else ()
    unit = deployment_unit(desk) or TOKEN
    lines, sums = [], dict[Unit, Cost]()
    for one in used:
        if not one.turns and not one.charged:
            continue
        taken = taken_for(one, tables, unit)
        if taken is not None:
            before = sums.get(taken.unit)
            sums[taken.unit] = Cost(taken.unit, taken.exact + (before.exact if before else 0))
        lines.append(
            CostLine(
                start_at=stretches.bounds[stretches.nth(one.start_at)],
                model=one.model,
                turns=one.turns,
                tokens=one.tokens,
                charged=one.charged,
                cost=taken.amount if taken else None,
                cost_unit=taken.unit if taken else None,
            )
        )
    return Costs(
        lines=tuple(lines),
        charged=sum(one.charged for one in lines),
        costs=tuple((in_unit, total.amount) for in_unit, total in sums.items()),
    )


async def price_tables(desk: Desk) -> tuple[RateTable, ...]:
    """Return where list prices stand, the first that knows a model wins.

    A deployment that counts in dollars has them among its rates: as others list them, then its own. Any other
    counts in what only it knows, so the price list that is installed says what it costs, if there is one.
    """
    if deployment_unit(desk) == DOLLAR:
        return RateTable((), desk.catalog.listed), desk.catalog.rates
    return (await asyncio.to_thread(installed_prices),)


@cache
def installed_prices() -> RateTable:
    """Return the price list that is installed as the extra `prices`; read once, for it takes a second."""
    try:
        documents = read_prices().lines
    except InvalidInput:
        return RateTable()
    rates = (parse_rate(document) for document in documents)
    return RateTable((), [msgspec.structs.replace(rate, version=nth) for nth, rate in enumerate(rates, 1)])


def taken_for(used: Used, tables: tuple[RateTable, ...], unit: Unit) -> Cost | None:
    """Return what was taken, where a price is known and how many tokens it was."""
    at = instant(used.start_at)
    rate = next((found for table in tables if (found := table.find(used.model, at)) is not None), None)
    if rate is None or not (used.usage.total or rate.prices.per_request):
        return None
    return cost(rate, used.usage, used.turns, unit)
