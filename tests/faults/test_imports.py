"""A node that is killed in the middle of an import: all of it stands or nothing, and the work says which."""

import asyncio
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

pytestmark = [pytest.mark.fault, pytest.mark.row("E2", "E12")]
USERS = 6_000
NODE = f"""
import asyncio, sys
from tokenhouse import Tokenhouse
from tokenhouse.flow.imports import Upload
from tokenhouse.settings import Settings

async def main():
    rows = "".join(f"u{{n}},{{n}},{{n}}\\n" for n in range({USERS}))
    async with Tokenhouse.open(sys.argv[1], settings=Settings(plan="points")) as house:
        one = (await house.start_import(Upload(content=f"ref,used,bought\\n{{rows}}".encode()))).id
        while (found := await house.find_import(one)).state == "checking":
            await asyncio.sleep(0.05)
        await house.carry_out_import(one, reason="move", actor="test")
        while (found := await house.find_import(one)).state == "writing":
            print(one, found.rows_done, flush=True)
            await asyncio.sleep(0.01)
        print(one, "ended", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def killed(dsn: str) -> str:
    """Return the import in whose middle, or at whose end, its node was killed."""
    until, one = random.choice([0, 1, USERS // 3, USERS - 1, USERS]), ""
    with subprocess.Popen([sys.executable, "-c", NODE, dsn], stdout=subprocess.PIPE, text=True) as node:
        for line in node.stdout or ():
            one, far = line.split()
            if far == "ended" or int(far) >= until:
                break
        node.kill()
    return one


async def test_a_killed_node_leaves_all_of_an_import_or_nothing(durable: str, round_: int):
    one = await asyncio.to_thread(killed, durable)
    settings = Settings(plan="points")

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=6)

    async with Tokenhouse.open(durable, settings=settings, clock=later) as house:
        found = await house.find_import(one)
        there = await house.accounts(rows_max=1)
        assert (found.state, bool(there), found.result is not None) in (
            ("lost", False, False),
            ("done", True, True),
        )
        if found.state == "lost":
            await house.carry_out_import(one, reason="once more", actor="test")
            await asyncio.wait({house.desk.under_way.tasks[one]})
            found = await house.find_import(one)
        assert (found.state, found.result and found.result.new) == ("done", USERS)
        assert (await house.waiting()) == (USERS, 0)
        assert (await house.balance("u7")).used == 7
        assert list((await house.verify()).findings) == []
