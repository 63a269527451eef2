"""Insight in the database: purchases by day and currency, and accounts that have nothing left."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tokenhouse.rules.periods import Instant
from tokenhouse.store.pool import Connection
from tokenhouse.store.rollups import Span
from tokenhouse.store.statements import sql
from tokenhouse.store.statistics import Owned, owned

LIST_PURCHASES: Final = sql("list_purchases")
LIST_EXHAUSTED: Final = sql("list_exhausted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """Orders of one type, state and currency in one stretch of time; `price_minor` in cents, won, yen."""

    start_at: datetime
    type: str
    state: str
    currency: str
    orders: int
    credit: int
    price_minor: int
    refunded_minor: int


async def list_purchases(connection: Connection, span: Span) -> list[Purchases]:
    """Return what was ordered in a span, the oldest first."""
    found = await connection.fetch(LIST_PURCHASES, span.start_at, span.end_at, span.grain, span.zone)
    sums = ("credit", "price_minor", "refunded_minor")
    return [Purchases(**{**dict(row), **{name: int(row[name]) for name in sums}}) for row in found]


async def list_exhausted(
    connection: Connection, after: tuple[int, int], now: Instant, rows_max: int
) -> list[Owned]:
    """Return the next accounts after `(cell, account)` that have nothing left, with their owners."""
    return [owned(row) for row in await connection.fetch(LIST_EXHAUSTED, *after, now, rows_max)]
