"""The outbox in the database: deliveries, taken under a lease, and the endpoints that they go to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from tokenhouse.rules.plans import Channel
from tokenhouse.store import rows
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_DELIVERIES: Final = sql("write_deliveries")
LOCK_DELIVERIES_DUE: Final = sql("lock_deliveries_due")
LOCK_DELIVERY: Final = sql("lock_delivery")
WRITE_DELIVERIES_TRIED: Final = sql("write_deliveries_tried")
WRITE_DELIVERIES_PUT_BACK: Final = sql("write_deliveries_put_back")
WRITE_DELIVERIES_OF_ENDPOINT_DEAD: Final = sql("write_deliveries_of_endpoint_dead")
WRITE_DELIVERY_AGAIN: Final = sql("write_delivery_again")
WRITE_DEAD_DELIVERIES_AGAIN: Final = sql("write_dead_deliveries_again")
LIST_DELIVERIES: Final = sql("list_deliveries")
FIND_DELIVERY: Final = sql("find_delivery")
SUM_DELIVERIES: Final = sql("sum_deliveries")
WRITE_DELIVERIES_PRUNED: Final = sql("write_deliveries_pruned")
WRITE_ENDPOINT: Final = sql("write_endpoint")
LIST_ENDPOINTS: Final = sql("list_endpoints")
LIST_ENDPOINTS_FOR: Final = sql("list_endpoints_for")
LIST_ENDPOINTS_BY_ID: Final = sql("list_endpoints_by_id")
WRITE_ENDPOINT_ROTATED: Final = sql("write_endpoint_rotated")
WRITE_ENDPOINT_DISABLED: Final = sql("write_endpoint_disabled")
WRITE_ENDPOINT_ENABLED: Final = sql("write_endpoint_enabled")

State: TypeAlias = Literal["pending", "sent", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notice on its way over one channel. `target` is what people may see of where it goes.

    While a node tries it, `next_at` is the end of its lease.
    """

    cell: int
    id: str
    account: int
    notice: str | None
    channel: Channel
    endpoint: str | None
    target: str
    payload: str
    state: State = "pending"
    attempts: int = 0
    next_at: datetime | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of one attempt: `next_at` counts while the delivery stays pending."""

    cell: int
    id: str
    state: State
    next_at: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where notices go: of all accounts, or of the one called `ref`. Secret and address never show."""

    id: str
    place: tuple[int, int] | None
    ref: str
    channel: Channel
    name: str
    url: str = field(repr=False)
    kinds: tuple[str, ...]
    secret: str = field(repr=False)
    created_at: datetime
    created_by: str
    secret_before: str = field(default="", repr=False)
    secret_before_until: datetime | None = None
    disabled_at: datetime | None = None
    disabled_why: str = ""


async def write_deliveries(connection: Connection, deliveries: Sequence[Delivery], at: datetime) -> None:
    """Put deliveries on their way, in the caller's transaction."""
    lines = [
        (one.cell, UUID(one.id), one.account, _uuid(one.notice), one.channel, _uuid(one.endpoint), one.target,
         one.payload)
        for one in deliveries
    ]  # fmt: skip
    await connection.execute(WRITE_DELIVERIES, *rows.columns(lines), at)


async def lock_due(
    connection: Connection,
    now: datetime,
    lease_until: datetime,
    lease: str,
    rows_max: int,
    *,
    channels: Sequence[str],
    but: Sequence[str],
) -> list[Delivery]:
    """Take a lease of deliveries that are due, at most `rows_max`; nobody else has them until it ends.

    Over `channels`, and none for the endpoints `but`.
    """
    resting = [UUID(one) for one in but]
    found = await connection.fetch(
        LOCK_DELIVERIES_DUE, now, lease_until, UUID(lease), list(channels), resting, rows_max
    )
    return [_delivery(row) for row in found]


async def lock_one(
    connection: Connection, delivery: Delivery, now: datetime, lease_until: datetime, lease: str
) -> Delivery | None:
    """Take a lease of one delivery; None if another has it, or it has ended."""
    row = await connection.fetchrow(
        LOCK_DELIVERY, delivery.cell, UUID(delivery.id), now, lease_until, UUID(lease)
    )
    return _delivery(row) if row else None


async def write_tried(connection: Connection, tried: Sequence[Tried], at: datetime, lease: str) -> None:
    """Write what came of attempts, of those whose lease still holds."""
    lines = [(one.cell, UUID(one.id), one.state, one.next_at, one.error) for one in tried]
    await connection.execute(WRITE_DELIVERIES_TRIED, *rows.columns(lines), at, UUID(lease))


async def write_put_back(
    connection: Connection, untried: Sequence[Delivery], at: datetime, lease: str
) -> None:
    """Give up the lease of deliveries that were not tried: they are due from `at` on, as if never taken."""
    lines = [(one.cell, UUID(one.id)) for one in untried]
    await connection.execute(WRITE_DELIVERIES_PUT_BACK, *rows.columns(lines), at, UUID(lease))


async def write_again(connection: Connection, delivery: str, at: datetime) -> Delivery | None:
    """Send an ended delivery once more; None if there is no such, or it is on its way."""
    row = await connection.fetchrow(WRITE_DELIVERY_AGAIN, UUID(delivery), at)
    return _delivery(row) if row else None


async def write_dead_again(connection: Connection, at: datetime, rows_max: int) -> int:
    """Send dead deliveries once more, `rows_max` at most, none to an endpoint that rests; return how many."""
    status = await connection.execute(WRITE_DEAD_DELIVERIES_AGAIN, at, rows_max)
    return int(status.rpartition(" ")[2])


async def list_deliveries(
    connection: Connection, before: str | None, state: str, rows_max: int
) -> list[Delivery]:
    """Return a page of deliveries, newest first, all or those in a state."""
    return [_delivery(row) for row in await connection.fetch(LIST_DELIVERIES, _uuid(before), state, rows_max)]


async def find_delivery(connection: Connection, delivery: str) -> Delivery | None:
    """Return one delivery."""
    row = await connection.fetchrow(FIND_DELIVERY, UUID(delivery))
    return _delivery(row) if row else None


async def sum_deliveries(connection: Connection) -> dict[str, int]:
    """Return how many deliveries are pending and how many are dead."""
    return {row["state"]: row["deliveries"] for row in await connection.fetch(SUM_DELIVERIES)}


async def write_deliveries_pruned(connection: Connection, before: datetime) -> int:
    """Forget deliveries that ended before a time; return how many."""
    status = await connection.execute(WRITE_DELIVERIES_PRUNED, before)
    return int(status.rpartition(" ")[2])


async def write_endpoint(connection: Connection, one: Endpoint, endpoints_max: int) -> bool:
    """Keep a new endpoint; False if there are `endpoints_max` in use for its account, or for all, already."""
    row = await connection.fetchrow(
        WRITE_ENDPOINT,
        UUID(one.id),
        *(one.place or (None, None)),
        one.ref,
        one.channel,
        one.name,
        one.url,
        list(one.kinds),
        one.secret,
        one.created_at,
        one.created_by,
        endpoints_max,
    )
    return row is not None


async def list_endpoints(connection: Connection, before: str | None, rows_max: int) -> list[Endpoint]:
    """Return a page of endpoints, newest first."""
    return [_endpoint(row) for row in await connection.fetch(LIST_ENDPOINTS, _uuid(before), rows_max)]


async def list_endpoints_for(connection: Connection, places: Sequence[tuple[int, int]]) -> list[Endpoint]:
    """Return the endpoints in use of the deployment and of some accounts, each a cell and an id."""
    return [_endpoint(row) for row in await connection.fetch(LIST_ENDPOINTS_FOR, *rows.columns(places))]


async def list_endpoints_by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Endpoint]:
    """Return endpoints by their ids, those that there are."""
    found = await connection.fetch(LIST_ENDPOINTS_BY_ID, [UUID(one) for one in ids])
    return {row["id"].hex: _endpoint(row) for row in found}


async def write_endpoint_rotated(
    connection: Connection, endpoint: str, secret: str, before_until: datetime
) -> Endpoint | None:
    """Give a webhook a new secret; None if there is no such webhook."""
    row = await connection.fetchrow(WRITE_ENDPOINT_ROTATED, UUID(endpoint), secret, before_until)
    return _endpoint(row) if row else None


async def write_endpoint_disabled(
    connection: Connection, endpoint: str, at: datetime, why: str
) -> Endpoint | None:
    """Let an endpoint rest, and end what waits for it; None if there is no such, or it rests."""
    async with connection.transaction():
        row = await connection.fetchrow(WRITE_ENDPOINT_DISABLED, UUID(endpoint), at, why)
        await connection.execute(WRITE_DELIVERIES_OF_ENDPOINT_DEAD, UUID(endpoint), at, why)
    return _endpoint(row) if row else None


async def write_endpoint_enabled(connection: Connection, endpoint: str) -> Endpoint | None:
    """Use an endpoint again; None if there is no such, or it is used."""
    row = await connection.fetchrow(WRITE_ENDPOINT_ENABLED, UUID(endpoint))
    return _endpoint(row) if row else None


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _hex(found: UUID | None) -> str | None:
    return found.hex if found else None


def _delivery(row: Any) -> Delivery:
    """Return a delivery of its row."""
    plain = dict(row)
    named = {name: _hex(plain[name]) for name in ("notice", "endpoint")}
    return Delivery(**{**plain, **named, "id": row["id"].hex})


def _endpoint(row: Any) -> Endpoint:
    """Return an endpoint of its row."""
    plain = dict(row)
    cell, account = plain.pop("cell"), plain.pop("account")
    place = None if cell is None else (cell, account)
    return Endpoint(**{**plain, "id": row["id"].hex, "place": place, "kinds": tuple(row["kinds"])})
