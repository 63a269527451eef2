"""The hourly notices: everybody looked at, one account in twenty told, and nobody again an hour later."""

import time
from functools import partial

from bench.frame import Figure, Findings, Form, in_turn
from bench.init import seed
from bench.seed import Place, state_settings
from bench.statistics import SCAN
from bench.verify import _forget_peak, _memory_mb
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings, Smtp
from tokenhouse.store.pool import connect

USE = """
update tokenhouse.balances b
set used = u.used, used_total = u.used, drawn = u.used, charged = u.used, "left" = b."left" - u.used,
    turns = u.used / 500,
    lots = replace(b.lots::text, '[[2,100000,', '[[2,' || (b."left" - u.used) || ',')::json
from (select cell, account, case when account % 20 = 0 then 91000 + account % 4000
                                 else account * 31 % 89000 end as used
      from tokenhouse.balances) u
where b.cell = u.cell and b.account = u.account
"""
"""One account in twenty is above its first level, the others are below it."""
FORGET = """
truncate tokenhouse.notices, tokenhouse.notice_marks, tokenhouse.deliveries
"""


async def notices(place: Place, form: Form, found: Findings) -> None:
    """Measure the hour in which one in twenty is told, with a mail for each, and the hour after it."""
    accounts = form.of(1_000_000, 100_000)
    await seed(place.dsn, accounts)
    smtp = Smtp(host="127.0.0.1", sender="tokens@example.com")
    async with Tokenhouse.open(place.dsn, settings=Settings(plan="chat-tokens", smtp=smtp)) as house:
        await house.initialise()
        await _execute(place.dsn, "update tokenhouse.accounts set email = ref || '@example.com'", USE)
        await _execute(place.dsn, "vacuum analyze", "checkpoint")
        await state_settings(house, found)
        _forget_peak()
        before_mb = _memory_mb("VmRSS")
        contenders = {
            "told": partial(_told, place.dsn, house, accounts // 20),
            "again": partial(_told, place.dsn, house, 0),
            "scan": partial(_scan, house),
        }
        taken = await in_turn(form, contenders)
        memory = f"memory before and at most: {before_mb:.0f} -> {_memory_mb('VmHWM'):.0f} MB"
    for name, told in (("told", accounts // 20), ("again", 0)):
        found.figures.append(
            Figure(
                name=f"hourly notices over {accounts:,} accounts, {told:,} told",
                unit="s",
                values=taken[name],
                reference="sequential scan",
                references=taken["scan"],
                target=30,
                most=True,
                absolute=True,
                note=memory,
            )
        )


async def _execute(dsn: str, *statements: str) -> None:
    """Run statements of the bench's own; only rows say that something was used, so nothing is verified."""
    connection = await connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement, timeout=3_600)
    finally:
        await connection.close()


async def _told(dsn: str, house: Tokenhouse, expected: int) -> float:
    """Return how long one run takes; where somebody is to be told, all that was told before is forgotten."""
    if expected:
        await _execute(dsn, FORGET)
    start = time.perf_counter()
    notified = await house.notify()
    seconds = time.perf_counter() - start
    assert notified.levels == expected, notified
    return seconds


async def _scan(house: Tokenhouse) -> float:
    """Return how long one scan of the balances takes."""
    async with house.desk.pool.acquire() as connection:
        start = time.perf_counter()
        await connection.fetch(SCAN)
        return time.perf_counter() - start
