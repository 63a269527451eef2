"""A client process: opens a house, puts load on it at a word, and logs what it knows before and after.

python -m tests.faults.driver '{"dsn": …, "work": "spend", …}'
"""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from tokenhouse.errors import TokenhouseError
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

Log = Callable[..., None]

FIGURES = {"pair": (1, 12), "charge": (1, 9), "grant": (1, 9), "release": (0, 0)}
"""The kinds of work, and between what their figures lie; a pair may settle more than it reserved."""
RESERVED = 10


async def spend(house: Tokenhouse, order: dict[str, Any]) -> dict[str, Any]:
    """Have `callers` reserve at once; settle what was held, and say how many passed."""

    async def call(number: int) -> str:
        ref = order["refs"][number % len(order["refs"])]
        try:
            reservation = await house.reserve(ref, order["amount"])
            await house.settle(ref, reservation.id, order["amount"])
        except TokenhouseError as no:
            return no.code
        return "passed"

    return Counter(await asyncio.gather(*(call(number) for number in range(order["callers"]))))


async def load(house: Tokenhouse, order: dict[str, Any], told: asyncio.Event) -> dict[str, Any]:
    """Have `callers` work, each one thing after the other, until told to stop."""
    file = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def log(**said: Any) -> None:
        os.write(file, json.dumps(said).encode() + b"\n")

    async def caller(number: int) -> int:
        chance, done = random.Random(f"{order['seed']}{number}"), 0
        while not told.is_set():
            kind = chance.choice(list(FIGURES))
            ref = chance.choice(order["refs"])
            figure = chance.randint(*FIGURES[kind])
            key = f"{order['seed']}-{number}-{done}"
            await piece(house, log, {"key": key, "ref": ref, "kind": kind, "figure": figure})
            done += 1
        return done

    try:
        return {"done": sum(await asyncio.gather(*map(caller, range(order["callers"]))))}
    finally:
        os.close(file)


async def piece(house: Tokenhouse, log: Log, work: dict[str, Any]) -> None:
    """Do one piece of work to its end, from wherever it stands; every step may be repeated."""
    key, ref, kind, figure = work["key"], work["ref"], work["kind"], work["figure"]
    log(**work)
    if kind == "charge":
        await patient(lambda: house.charge(ref, figure, key=key, note=key))
    elif kind == "grant":
        await patient(lambda: house.grant(ref, figure, key=key, note=key))
    else:
        reservation = work.get("id")
        if reservation is None:
            reservation = (await patient(lambda: house.reserve(ref, RESERVED, key=key))).id
            log(key=key, id=reservation)
        if kind == "pair":
            await patient(lambda: house.settle(ref, reservation, figure, note=key))
        else:
            await patient(lambda: house.release(ref, reservation, note=key))
    log(key=key, done=True)


async def patient(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """Repeat an attempt for as long as its error says that it may be."""
    while True:
        try:
            return await attempt()
        except TokenhouseError as no:
            if not no.retryable:
                raise
            await asyncio.sleep(0.05)


async def main(order: dict[str, Any]) -> None:
    """Open the house, say so, wait for a line, work, and print what came of it."""
    settings = Settings(**{"home": Path(order["home"])} if "home" in order else {}, plan="points")
    loop = asyncio.get_running_loop()
    async with Tokenhouse.open(order.get("dsn"), settings=settings) as house:
        print("open", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        if order["work"] == "spend":
            answer = await spend(house, order)
        else:
            told = asyncio.Event()
            listening = loop.run_in_executor(None, sys.stdin.readline)
            listening.add_done_callback(lambda _: told.set())
            answer = await load(house, order, told)
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
