"""Upkeep: what nobody waits for: idle accounts, lapsed reservations, old keys, months to come."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tokenhouse.errors import Busy
from tokenhouse.flow.desk import Desk, Sweep
from tokenhouse.flow.identify import months_ahead
from tokenhouse.rules.operations import Charge, Refusal, Reserve, Touch
from tokenhouse.rules.periods import Instant
from tokenhouse.rules.verdict import payer_of
from tokenhouse.store import accounts, doctor, sweeps
from tokenhouse.store.accounts import CELLS, Address
from tokenhouse.store.batch import Answer

ROWS: Final = 1_000
"""Accounts that one query of a sweep finds, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep did: accounts touched, how many of them for a lapse, and keys forgotten."""

    touched: int
    lapsed: int
    keys_dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """How many accounts had a reservation that lapsed."""

    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """How many accounts were brought forward over the end of a period or of a lot."""

    accounts: int


async def sweep(desk: Desk) -> Swept:
    """Bring every account forward whose time has come. Idempotent; any number of nodes may do it at once."""
    lapsed, renewed = await lapse(desk), await renew(desk)
    dropped = await forget_keys(desk)
    await prepare_months(desk)
    return Swept(touched=renewed.accounts + lapsed.accounts, lapsed=lapsed.accounts, keys_dropped=dropped)


async def lapse(desk: Desk) -> Lapsed:
    """End every reservation whose time is over. Idempotent."""
    return Lapsed(accounts=sum([await sweep_lapsed(desk, cell, desk.now()) for cell in range(CELLS)]))


async def renew(desk: Desk) -> Renewed:
    """Bring every idle account forward whose period, or a lot of whose, has come to its end. Idempotent."""
    total = 0
    for cell in range(CELLS):
        after = 0
        while found := await _due(desk, cell, after):
            await touch(desk, found)
            total += len(found)
            after = found[-1].account
    return Renewed(accounts=total)


async def forget_keys(desk: Desk) -> int:
    """Forget idempotency keys that are older than the settings say; return how many. Idempotent."""
    async with desk.pool.acquire() as connection:
        return await sweeps.write_keys_pruned(
            connection, desk.clock() - timedelta(days=desk.settings.key_days)
        )


async def prepare_months(desk: Desk) -> None:
    """See to it that the journal has room for the months to come. Idempotent."""
    async with desk.pool.acquire() as connection:
        await accounts.write_months(connection, months_ahead(desk.clock()))


async def answering(desk: Desk) -> str:
    """Return the version of the database, which answered just now. Raises: DatabaseTrouble."""
    async with desk.pool.acquire() as connection:
        return await doctor.find_version(connection)


async def sweep_lapsed(desk: Desk, cell: int, now: Instant) -> int:
    """End the lapsed reservations of one cell, and return of how many accounts."""
    total = 0
    while True:
        async with desk.pool.acquire() as connection:
            found = await sweeps.list_lapsing(connection, cell, now, ROWS)
        await touch(desk, found)
        total += len(found)
        if len(found) < ROWS:
            return total


async def admitted(desk: Desk, address: Address, operation: Reserve | Charge, *, key: str | None) -> Answer:
    """Have a call decided so that no credit which a lapsed reservation still holds makes it a no.

    An account ends its own lapsed reservations whenever it is touched, but what those of its neighbours hold
    of their common credit would come back only when *they* are. So a no that may come of that ends the lapsed
    ones of the whole cell, once for all who wait, and asks again.

    Raises: as `Desk.carry_out`.
    """
    answer = await desk.ask(address, operation, key=key)
    if _may_lift(answer):
        sweep = desk.sweeps.setdefault(address.cell, Sweep())
        started = sweep.started
        async with sweep.turn:
            if sweep.started == started:
                sweep.started += 1
                await sweep_lapsed(desk, address.cell, desk.now())
        answer = await desk.ask(address, operation, key=key)
    return await desk.told(answer, address)


def _may_lift(answer: Answer) -> bool:
    """Whether a no may come of what reservations of other accounts hold."""
    no = answer.outcome
    if type(no) is not Refusal or no.code not in ("insufficient_credit", "limit_reached"):
        return False
    own = sum(one.amount for one in answer.path[0].balance.open.values())
    return payer_of(answer.path).balance.held > own and not no.limit.startswith("requests/")


async def touch(desk: Desk, addresses: list[Address]) -> None:
    """Bring accounts forward to now, all in as few batches as the lanes make of them."""
    waiting = []
    for address in addresses:
        operation = Touch(id=desk.new_id())
        waiting.append(asyncio.create_task(_patient(desk, address, operation)))
    await asyncio.gather(*waiting)


async def _patient(desk: Desk, address: Address, operation: Touch) -> None:
    """Have one account touched; a full queue is waited for, since callers go first.

    Raises: Busy when the house closes.
    """
    while True:
        try:
            await desk.carry_out(address, operation)
        except Busy as busy:
            if busy.reason == "closing":
                raise
            await asyncio.sleep(0.1)
        else:
            return


async def _due(desk: Desk, cell: int, after: int) -> list[Address]:
    """Return the next accounts of a cell that are due."""
    async with desk.pool.acquire() as connection:
        return await sweeps.list_due(connection, cell, after, desk.now(), ROWS)
