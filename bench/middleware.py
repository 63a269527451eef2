"""The middleware, with durable accounting, in front of a FastAPI handler: what it adds to the answer."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from bench.frame import Contender, Figure, Findings, Form, in_turn
from bench.handler import USAGE
from bench.peers import free_port, running
from bench.seed import Place, seed, state_settings
from bench.verify import check_all
from bench.wire import open_loop, post
from tokenhouse import Tokenhouse
from tokenhouse.store.pool import connect

STEADY = 50
"""Requests a second: far below what anything here can do."""
BODY = f'{{"message":"{"Tell me about the history of money and tokens. " * 85}"}}'.encode()
"""A question of four kilobytes."""


async def middleware(place: Place, form: Form, found: Findings) -> None:
    """Measure the bare handler, the same one metered, and a path of the metered application that is not."""
    async with place.house() as house:
        (name,) = await seed(house, 1)
        secret = (await house.create_key(name)).secret
        await state_settings(house, found)
        proof = {"authorization": f"Bearer {secret}"}
        answered = 0

        async def steady_ms(port: int, path: str) -> float:
            nonlocal answered
            heard = await open_loop(port, post(path, BODY, proof), STEADY, form.seconds)
            answered += len(heard) if (port, path) == (metered, "/chat") else 0
            return median(one.took for one in heard) * 1_000

        update_ms = await _committing(place, form)
        with _served(place, "bare") as bare, _served(place, "metered") as metered:
            contenders = {
                "update": update_ms,
                "bare": lambda: steady_ms(bare, "/chat"),
                "metered": lambda: steady_ms(metered, "/chat"),
                "passing": lambda: steady_ms(metered, "/other"),
            }
            for warm in contenders.values():
                await warm()
            taken = await in_turn(form, contenders)
        for what, contender, target in (
            (f"middleware: added to the median answer at {STEADY} requests/s", "metered", 1.5),
            ("middleware: added on a path that is not metered", "passing", None),
        ):
            values = [mine - other for mine, other in zip(taken[contender], taken["bare"], strict=True)]
            for reference, key in (("the bare handler", "bare"), ("one UPDATE, committed", "update")):
                beside = {"reference": reference, "references": taken[key]}
                line = {"unit": "ms", "target": target, "most": True, "absolute": True}
                found.figures.append(Figure(name=what, values=values, **line, **beside))
        await _check_charges(house, name, answered, found)
        await check_all(house, found)


async def _committing(place: Place, form: Form) -> Contender:
    """Return what takes the median time of one committed UPDATE at the same rate: no meter can be quicker."""
    connection = await connect(place.dsn, application_name="bench")
    await connection.execute("create table bench_row as select 1 as id, 0 as n")
    update = await connection.prepare("update bench_row set n = n + 1 where id = 1")

    async def milliseconds() -> float:
        taken = []
        for _ in range(int(STEADY * form.seconds)):
            await asyncio.sleep(1 / STEADY)
            begin = time.perf_counter()
            await update.fetch()
            taken.append(time.perf_counter() - begin)
        return median(taken) * 1_000

    return milliseconds


@contextmanager
def _served(place: Place, which: str) -> Iterator[int]:
    """Serve the bare or the metered application in a process of its own; yield its port."""
    port = free_port()
    surroundings = {
        "TOKENHOUSE_HOME": str(place.settings.folder / which),
        "TOKENHOUSE_DATABASE_URL": place.dsn,
    }
    command = [sys.executable, "-m", "uvicorn", f"bench.handler:{which}", "--port", str(port)]
    with running([*command, "--no-access-log", "--log-level", "warning"], port, surroundings):
        yield port


async def _check_charges(house: Tokenhouse, name: str, answered: int, found: Findings) -> None:
    """Say whether every answer was charged what it says."""
    used, owed = (await house.balance(name)).used, answered * USAGE["total_tokens"]
    found.remarks.append(f"middleware: {answered:,} answers, {owed:,} tokens; charged {used:,}")
    assert used == owed
