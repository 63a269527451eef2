"""The chat under fire: a process killed between any two steps of a turn, and connections cut around a commit.

Afterwards each conversation says what the journal says, and every answer that somebody was told is kept.
"""

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from tests.faults.books import assert_sound
from tests.faults.conftest import ROOT
from tests.faults.cutter import Cut, Cutter
from tests.faults.talker import turn
from tests.store.processes import SURROUNDINGS, until
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

pytestmark = [pytest.mark.fault, pytest.mark.row("A2", "E2", "E12", "D8")]

REFS = ["alice", "bora", "chulsoo"]
UNPAIRED = """
    select a.session, a.seq, e.charge, a.charge
    from (select * from tokenhouse.chat_messages where role = 'assistant') a
    full join (select * from tokenhouse.entries where facts->>'session' is not null) e
      on e.cell = a.cell and e.operation = a.operation and e.account = a.account
    where a.seq is null or e.seq is null or a.charge <> e.charge or a.session <> e.facts->>'session'"""
"""Answers without a charge, charges without an answer, and those that differ."""
SUMS = """
    select s.id from tokenhouse.chat_sessions s
    left join tokenhouse.chat_messages m on m.cell = s.cell and m.account = s.account and m.session = s.id
    group by s.cell, s.account, s.id
    having s.charged <> sum(m.charge) or s.tokens <> sum(m.tokens)
        or s.turns <> count(*) filter (where m.role = 'assistant')"""
ANSWERS = "select content, charge from tokenhouse.chat_messages where role = 'assistant'"


async def answers(dsn: str) -> dict[str, int]:
    """Return what was answered to each key, and what it cost, when nothing disagrees with anything."""
    await assert_sound(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetch(UNPAIRED) == []
        assert await connection.fetch(SUMS) == []
        rows = await connection.fetch(ANSWERS)
    finally:
        await connection.close()
    assert len({row["content"] for row in rows}) == len(rows), "an answer is there twice"
    return {row["content"].removeprefix("answer "): row["charge"] for row in rows}


async def test_a_killed_chat_leaves_no_session_that_says_something_else_than_its_entries(
    durable: str, tmp_path: Path, round_: int
):
    settings = Settings(home=tmp_path, plan="points")
    async with Tokenhouse.open(durable, settings=settings) as house:
        for ref in REFS:
            await house.account(ref)
    log = tmp_path / "log"
    for kill in range(2):
        order = {"dsn": durable, "home": str(tmp_path), "log": str(log), "refs": REFS, "callers": 24}
        command = [sys.executable, "-m", "tests.faults.talker", json.dumps(order | {"seed": f"{kill}"})]
        process = subprocess.Popen(command, cwd=ROOT, env=SURROUNDINGS)  # noqa: ASYNC220 -- it is killed
        lines = (kill + 1) * random.randint(150, 400)
        until(lambda lines=lines: log.exists() and log.read_bytes().count(b"\n") > lines, 60)
        process.kill()
        process.wait()
    async with Tokenhouse.open(durable, settings=settings) as house:
        await house.settle_kept().replay()
    told = [json.loads(line) for line in log.read_text().splitlines()]
    kept = await answers(durable)
    assert {one["key"]: one["charge"] for one in told}.items() <= kept.items()
    assert len(kept) - len(told) <= 2 * 24, "those that were written and never told"


@pytest.mark.parametrize("cut", ["before", "at", "after"])
async def test_a_turn_whose_commit_is_cut_is_kept_once(durable: str, cut: Cut, round_: int):
    async with Cutter(durable, cut, every=3) as wire:
        async with Tokenhouse.open(wire.dsn, settings=Settings(plan="points", lanes=2)) as house:
            for ref in REFS:
                await house.account(ref)
            wire.cutting = True
            keys = [f"{number}" for number in range(60)]
            for begin in range(0, len(keys), 12):
                part = keys[begin : begin + 12]
                await asyncio.gather(*(turn(house, REFS[int(key) % 3], key) for key in part))
        assert wire.cuts >= 5
    assert set(await answers(durable)) == set(keys)
