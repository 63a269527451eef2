"""Statistics: figures of all accounts beside one sequential scan, the fold of roll-ups, and one's pages."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

from bench.frame import Figure, Findings, Form, in_turn
from bench.million import CALLS, NOW, million, sound
from bench.seed import Place, state_settings
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock

SCAN = "select sum(used) from tokenhouse.balances"
DEEP = "deep"
"""The account whose journal is long."""
TYPED = (
    *("u", "us", "user5", "user512345", "user512345@example.com", "0", "12", "512", "5123", "345@ex"),
    *("7@example", "example.com", "r99", "@", "zz", "nobody", "김", "철수"),
)
"""What a person types: how many begin, many and few parts, and what nobody has."""
PAGES = 50
"""Accounts, or places of a journal, that one turn looks at."""


async def statistics(place: Place, form: Form, found: Findings) -> None:
    """Measure over a ledger of a million accounts and ten entries each; a sample of it is verified."""
    accounts = form.of(1_000_000, 100_000)
    await million(place.dsn, accounts)
    clock = Clock(NOW)
    async with Tokenhouse.open(place.dsn, settings=Settings(plan="chat-tokens"), clock=clock) as house:
        await state_settings(house, found)
        depth = await deepen(house, form.of(20_000, 4_000))
        start = time.perf_counter()
        folded = await house.fold()
        rate = folded.entries / (time.perf_counter() - start)
        found.figures.append(Figure(name=f"fold of {folded.entries:,} entries", unit="/s", values=[rate]))
        async with house.desk.pool.acquire() as connection:
            await connection.execute("vacuum analyze", timeout=3_600)
        takers: dict[str, Callable[[], Awaitable[float]]] = {
            "stats": partial(timed, house.stats),
            "scan": partial(scan, house),
            "cached": partial(timed, partial(cached, house)),
            "page": partial(page, house, accounts),
            "history": partial(history, house, depth),
            "curve": partial(anew, house, house.curve),
            "outlook": partial(anew, house, house.outlook),
            "trend": partial(timed, house.trend),
            "patterns": partial(anew, house, house.patterns),
            "search": partial(search, house),
            "idle fold": partial(timed, house.fold),
        }
        taken = {
            name: [1_000 * one for one in turns] for name, turns in (await in_turn(form, takers)).items()
        }
    await sound(place.dsn, accounts)
    size = f"{accounts:,} accounts, {accounts * (CALLS + 2):,} entries"
    beside = {"reference": "sequential scan", "references": taken["scan"], "target": 2, "most": True}
    bound = {"most": True, "absolute": True}
    found.figures += [
        Figure(name="overview, cold", unit="ms", values=taken["stats"], note=size, **beside),
        Figure(name="overview, cached", unit="ms", values=taken["cached"], target=5, **bound),
        Figure(name="one account's page", unit="ms", values=taken["page"], target=20, **bound),
        Figure(
            name="history page",
            unit="ms",
            values=taken["history"],
            target=20,
            note=f"20 lines, anywhere in {depth:,} entries; the slowest of {PAGES}",
            **bound,
        ),
        Figure(name="30 days by day, cold", unit="ms", values=taken["curve"], target=200, **bound),
        Figure(name="burn rate and forecast, cold", unit="ms", values=taken["outlook"], target=200, **bound),
        Figure(name="monitoring of 14 days", unit="ms", values=taken["trend"]),
        Figure(name="patterns of 28 days, cold", unit="ms", values=taken["patterns"], target=100, **bound),
        Figure(
            name="account search",
            unit="ms",
            values=taken["search"],
            target=150,
            note=f"the slowest of {len(TYPED)} texts, each account with its figures",
            **bound,
        ),
        Figure(name="fold when nothing waits", unit="ms", values=taken["idle fold"]),
    ]


async def deepen(house: Tokenhouse, charges: int) -> int:
    """Give one account a long journal, and return how many entries it has."""
    await house.account(DEEP)
    await house.grant(DEEP, charges)
    for _ in range(0, charges, 500):
        await asyncio.gather(*(house.charge(DEEP, 1, model="model-0") for _ in range(500)))
    return (await house.history(DEEP, rows_max=1))[0].seq


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Return how long a piece of work takes, in seconds."""
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def cached(house: Tokenhouse) -> None:
    """Ask for the overview a second time; the first was asked by whoever came first."""
    await house.overview()


async def anew(house: Tokenhouse, question: Callable[[], Awaitable[object]]) -> float:
    """Return how long a question takes whose answer was forgotten."""
    await house.forget_statistics()
    took = await timed(question)
    await house.overview()
    return took


async def page(house: Tokenhouse, accounts: int) -> float:
    """Return how long the page of an account takes that this process has not seen, the mean of some.

    Who it is, where it stands, its last 30 days, its forecast, and the newest lines of its history.
    """
    chance = Random(time.perf_counter_ns())
    refs = [f"user{chance.randint(1, accounts)}" for _ in range(PAGES)]
    start = time.perf_counter()
    for ref in refs:
        await house.describe(ref)
        await house.balance(ref)
        await house.usage(ref)
        await house.forecast(ref)
        await house.history(ref)
    return (time.perf_counter() - start) / PAGES


async def history(house: Tokenhouse, depth: int) -> float:
    """Return how long the slowest of some pages of a long history takes, from its newest line down."""
    slowest = 0.0
    for nth in range(PAGES):
        slowest = max(slowest, await timed(partial(house.history, DEEP, before=depth - nth * depth // PAGES)))
    return slowest


async def search(house: Tokenhouse) -> float:
    """Return how long the slowest of some searches takes, with figures, and the page after it."""
    slowest = 0.0
    for text in TYPED:
        start = time.perf_counter()
        found = await house.standings(text)
        slowest = max(slowest, time.perf_counter() - start)
        if found.next is not None:
            slowest = max(slowest, await timed(partial(house.standings, text, after=found.next)))
    return slowest


async def scan(house: Tokenhouse) -> float:
    """Return how long one scan of the balances takes."""
    async with house.desk.pool.acquire() as connection:
        return await timed(partial(connection.fetch, SCAN))
