"""The outbox: notices leave the house over channels, again and again until they arrive or are given up.

A node takes a lease of what is due, lets the database go, calls, and writes down what came of it. One that
dies in between has its lease run out, and the delivery is tried again under the same id: receivers that keep
ids see each notice once. What was given up stays to be seen, and to be sent again by hand.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, get_args

import msgspec

from tokenhouse.errors import NotFound
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.channels import Parcel, Undelivered
from tokenhouse.flow.desk import Desk, checked_choice, checked_id, checked_whole
from tokenhouse.rules.plans import Channel
from tokenhouse.store import outbox
from tokenhouse.store.outbox import Delivery, Endpoint, State, Tried

log: Final = logging.getLogger("tokenhouse.outbox")

ATTEMPTS_MAX: Final = 10
"""Attempts before a delivery is given up: over some two days, as the pauses go."""
PAUSE_FIRST_S: Final = 5.0
PAUSE_FACTOR: Final = 4
PAUSE_MOST_S: Final = 10 * 3_600.0
"""Between two attempts: 5 s, 20 s, 80 s …, at most ten hours, each shortened by chance by up to a quarter."""
LEASE_S: Final = 300
"""How long a node may take over what it has taken; afterwards others may try."""
ROWS: Final = 100
"""Deliveries that a node takes at once."""
ABREAST: Final = 20
"""Deliveries under way at once; a slow receiver delays nobody but its wave."""
FAILURES_MAX: Final = 5
"""Failures of one receiver among those that a node has taken after which the others are not tried."""
REST_S: Final = 60
"""How long a node then leaves it alone."""
AGAIN_ROWS: Final = 1_000
"""Dead deliveries that are sent again in one transaction."""
ATTEMPT_S: Final = 30.0
"""The longest that one attempt may take, whatever its channel does."""
PAGE_MAX: Final = 1_000
STATES: Final[tuple[State, ...]] = get_args(State)
CHANNELS: Final = get_args(Channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How many deliveries arrived, will be tried again, and were given up."""

    sent: int = 0
    again: int = 0
    dead: int = 0


async def deliver(desk: Desk) -> Delivered:
    """Send all that is due over the channels that this process has. Any number of nodes may do it at once.

    A receiver that fails again and again is left alone for a minute, so that it holds up no other.
    """
    total = Delivered()
    while channels := [one for one in sorted(desk.channels.senders) if not _rests(desk, one)]:
        lease, now = desk.new_id(), desk.clock()
        until = now + timedelta(seconds=LEASE_S)
        resting = [one for one in tuple(desk.channels.resting) if one not in CHANNELS and _rests(desk, one)]
        async with desk.pool.acquire() as connection:
            taken = await outbox.lock_due(connection, now, until, lease, ROWS, channels=channels, but=resting)
        tried = await _attempt(desk, taken, lease, until)
        total = Delivered(
            sent=total.sent + sum(one.state == "sent" for one in tried),
            again=total.again + sum(one.state == "pending" for one in tried),
            dead=total.dead + sum(one.state == "dead" for one in tried),
        )
        if len(taken) < ROWS:
            break
    return total


def _rests(desk: Desk, receiver: str) -> bool:
    """Whether a receiver is left alone for now."""
    until = desk.channels.resting.get(receiver)
    if until is not None and until <= desk.clock():
        del desk.channels.resting[receiver]
        until = None
    return until is not None


async def _attempt(desk: Desk, taken: Sequence[Delivery], lease: str, until: datetime) -> list[Tried]:
    """Try deliveries, some at once, and write down what came of each; what was not tried is put back.

    None is begun after `until`: a machine that slept for so long may find them in another node's hands.
    """
    if not taken:
        return []
    ids = sorted({one.endpoint for one in taken if one.endpoint is not None})
    async with desk.pool.acquire() as connection:
        endpoints = await outbox.list_endpoints_by_id(connection, ids) if ids else {}
    room, failures = asyncio.Semaphore(ABREAST), Counter[str]()
    ended: list[tuple[Delivery, Undelivered | None]] = []
    untried: list[Delivery] = []

    async def in_turn(one: Delivery) -> None:
        receiver = one.endpoint or one.channel
        async with room:
            if failures[receiver] >= FAILURES_MAX or desk.clock() >= until:
                untried.append(one)
                return
            failure = await _send(desk, one, endpoints.get(one.endpoint or ""))
            failures[receiver] += failure is not None and not failure.final
            ended.append((one, failure))

    await asyncio.gather(*(in_turn(one) for one in taken))
    rest = desk.clock() + timedelta(seconds=REST_S)
    desk.channels.resting |= {one: rest for one, times in failures.items() if times >= FAILURES_MAX}
    return await _record(desk, ended, untried, lease)


async def _record(
    desk: Desk,
    ended: Sequence[tuple[Delivery, Undelivered | None]],
    untried: Sequence[Delivery],
    lease: str,
) -> list[Tried]:
    """Write down what came of attempts; an endpoint that wants no more is disabled."""
    tried = [_tried(desk, one, failure) for one, failure in ended]
    gone = {one.endpoint: failure for one, failure in ended if failure is not None and failure.gone}
    async with desk.pool.acquire() as connection:
        await outbox.write_tried(connection, tried, desk.clock(), lease)
        if untried:
            await outbox.write_put_back(connection, untried, desk.clock(), lease)
        for endpoint, failure in gone.items():
            assert endpoint is not None  # noqa: S101 -- only an endpoint can be gone
            log.warning("endpoint %s wants no more notices: %s", endpoint, failure.reason)
            await outbox.write_endpoint_disabled(connection, endpoint, desk.clock(), failure.reason)
    return tried


async def _send(desk: Desk, one: Delivery, endpoint: Endpoint | None) -> Undelivered | None:
    """Hand one delivery over; return why that failed."""
    if one.endpoint is not None and (endpoint is None or endpoint.disabled_at is not None):
        return Undelivered("the endpoint is disabled", final=True)
    parcel = Parcel(
        id=one.id,
        at=desk.clock(),
        target=one.target,
        document=msgspec.json.decode(one.payload),
        endpoint=endpoint,
    )
    try:
        async with asyncio.timeout(ATTEMPT_S):
            await desk.channels.senders[one.channel].send(parcel)
    except Undelivered as failure:
        return failure
    except TimeoutError:
        return Undelivered("no answer in time")
    except Exception as fault:
        log.exception("delivery %s failed", one.id)
        return Undelivered(type(fault).__name__)
    return None


def _tried(desk: Desk, one: Delivery, failure: Undelivered | None) -> Tried:
    """Return what becomes of a delivery after an attempt."""
    now = desk.clock()
    if failure is None:
        return Tried(cell=one.cell, id=one.id, state="sent", next_at=now, error="")
    last = failure.final or failure.gone or one.notice is None or one.attempts >= ATTEMPTS_MAX
    if last:
        log.warning("delivery %s over %s given up: %s", one.id, one.channel, failure.reason)
    state: State = "dead" if last else "pending"
    pause = timedelta(seconds=pause_s(one.attempts, failure.after_s, desk.chance.digits()))
    return Tried(cell=one.cell, id=one.id, state=state, next_at=now + pause, error=failure.reason)


def pause_s(attempts: int, asked_s: float | None, digits: str) -> float:
    """Return the pause after so many attempts: longer each time, shortened by chance, at least as asked."""
    pause = min(PAUSE_FIRST_S * float(PAUSE_FACTOR ** (attempts - 1)), PAUSE_MOST_S)
    pause *= 1 - int(digits[:4], 16) / 0x10000 / 4
    return max(pause, min(asked_s or 0, PAUSE_MOST_S))


async def resend(desk: Desk, delivery: str) -> Delivery:
    """Put a delivery that ended on its way again, with all its attempts before it. Raises: NotFound."""
    async with desk.pool.acquire() as connection, connection.transaction():
        found = await outbox.write_again(connection, checked_id(delivery, "delivery"), desk.clock())
        if found is None:
            found = await outbox.find_delivery(connection, checked_id(delivery, "delivery"))
        else:
            await keep(connection, found)
    if found is None:
        raise NotFound("delivery_unknown", id=delivery)
    return found


async def resend_dead(desk: Desk) -> int:
    """Put all that was given up on its way again, but for endpoints that rest; return how many."""
    resent, at = 0, desk.clock()
    while True:
        async with desk.pool.acquire() as connection:
            batch = await outbox.write_dead_again(connection, at, AGAIN_ROWS)
        resent += batch
        if batch < AGAIN_ROWS:
            return resent


async def list_deliveries(desk: Desk, *, state: str, before: str | None, rows_max: int) -> list[Delivery]:
    """Return a page of deliveries, newest first."""
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    if state != "":
        checked_choice(state, "state", STATES)
    last = None if before is None else checked_id(before, "cursor")
    async with desk.pool.acquire() as connection:
        return await outbox.list_deliveries(connection, last, state, rows_max)


async def count_deliveries(desk: Desk) -> dict[str, int]:
    """Return how many deliveries are pending and how many are dead."""
    async with desk.pool.acquire() as connection:
        return {"pending": 0, "dead": 0} | await outbox.sum_deliveries(connection)


async def forget(desk: Desk, before: datetime) -> int:
    """Forget deliveries that ended before a time; return how many. Idempotent."""
    async with desk.pool.acquire() as connection:
        return await outbox.write_deliveries_pruned(connection, before)


async def try_out(desk: Desk, delivery: Delivery) -> Delivery:
    """Write a delivery and try it at once, this once; return how it ended."""
    lease, now = desk.new_id(), desk.clock()
    until = now + timedelta(seconds=LEASE_S)
    async with desk.pool.acquire() as connection, connection.transaction():
        await outbox.write_deliveries(connection, [delivery], now)
        await keep(connection, delivery)
        taken = await outbox.lock_one(connection, delivery, now, until, lease)
    assert taken is not None  # noqa: S101 -- nobody else has seen it yet
    await _attempt(desk, [taken], lease, until)
    async with desk.pool.acquire() as connection:
        found = await outbox.find_delivery(connection, delivery.id)
    assert found is not None  # noqa: S101 -- written above
    return found
