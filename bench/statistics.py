"""Statistics: every figure of all accounts, beside one sequential scan of their balances."""

import time
from functools import partial

from bench.frame import Figure, Findings, Form, in_turn
from bench.init import seed
from bench.seed import Place, state_settings
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.store.pool import connect

SCAN = "select sum(used) from tokenhouse.balances"
USE = """
update tokenhouse.balances b
set used = u.used, used_total = u.used, drawn = u.used, charged = u.used, "left" = b."left" - u.used,
    turns = u.used / 500
from (select cell, account, (power(random(), 3) * 100000)::bigint as used
      from tokenhouse.balances where account % 3 <> 0) u
where b.cell = u.cell and b.account = u.account
"""
"""Two of three accounts have used something: most little, a few nearly all of their 100,000."""


async def statistics(place: Place, form: Form, found: Findings) -> None:
    """Measure the figures with the hundred accounts that used most, as `stats` shows them."""
    accounts = form.of(1_000_000, 300_000)
    await seed(place.dsn, accounts)
    async with Tokenhouse.open(place.dsn, settings=Settings(plan="chat-tokens")) as house:
        await house.initialise()
        await _use(place.dsn)
        await state_settings(house, found)
        taken = await in_turn(form, {"stats": partial(_stats, house), "scan": partial(_scan, house)})
    found.figures.append(
        Figure(
            name=f"statistics of {accounts:,} accounts",
            unit="ms",
            values=[1_000 * seconds for seconds in taken["stats"]],
            reference="sequential scan",
            references=[1_000 * seconds for seconds in taken["scan"]],
            target=2,
            most=True,
        )
    )


async def _use(dsn: str) -> None:
    """Let accounts have used something; only their rows say so, so this ledger is not verified."""
    connection = await connect(dsn)
    try:
        for statement in (USE, "vacuum analyze", "checkpoint"):
            await connection.execute(statement, timeout=3_600)
    finally:
        await connection.close()


async def _stats(house: Tokenhouse) -> float:
    """Return how long the figures take."""
    start = time.perf_counter()
    await house.stats()
    return time.perf_counter() - start


async def _scan(house: Tokenhouse) -> float:
    """Return how long one scan of the balances takes."""
    async with house.desk.pool.acquire() as connection:
        start = time.perf_counter()
        await connection.fetch(SCAN)
        return time.perf_counter() - start
