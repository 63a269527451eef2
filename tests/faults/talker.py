"""A process that chats: many turns at once over a few conversations, each logged when its answer was told.

python -m tests.faults.talker '{"dsn": …, "home": …, "log": …, "refs": […], "callers": 16, "seed": "a"}'
"""

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import uvloop

from tests.faults.driver import patient
from tokenhouse.flow.turn import Said
from tokenhouse.house import Tokenhouse
from tokenhouse.providers.base import Measured
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

SESSIONS = 3
PRICE = 2
"""Points for a token."""


async def turn(house: Tokenhouse, ref: str, key: str) -> int:
    """Have a turn, whatever comes in between, and return what it must have cost."""
    chance = random.Random(key)
    session, usage = f"s{chance.randrange(SESSIONS)}", Usage(input=chance.randint(5, 50), output=5)

    async def begin() -> Any:
        return await house.begin_turn(ref, f"question {key}", session=session, create=True, key=key)

    begun = await patient(begin)
    if isinstance(begun, Said):
        return begun.message.charge
    said = await begun.finish(f"answer {key}", Measured(usage=usage, finished=True))
    assert said is not None
    return said.message.charge


async def main(order: dict[str, Any]) -> None:
    """Chat until killed."""
    file = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    settings = Settings(home=Path(order["home"]), plan="points")

    async def caller(number: int) -> None:
        done = 0
        while True:
            key = f"{order['seed']}-{number}-{done}"
            ref = order["refs"][(number + done) % len(order["refs"])]
            charge = await turn(house, ref, key)
            os.write(file, json.dumps({"key": key, "ref": ref, "charge": charge}).encode() + b"\n")
            done += 1

    async with Tokenhouse.open(order["dsn"], settings=settings) as house:
        await asyncio.gather(*(caller(number) for number in range(order["callers"])))


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.argv[1])))
