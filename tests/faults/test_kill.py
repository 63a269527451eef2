"""Killed without warning under load: a client process, and the PostgreSQL server itself."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.faults.books import assert_sound, known, noted
from tests.faults.driver import piece
from tests.store.processes import postmaster, until
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

pytestmark = [pytest.mark.fault, pytest.mark.row("E2", "E12")]
REFS = ["alice", "bora", "chulsoo", "dana"]
KINDS = {"pair": "charge", "charge": "charge", "grant": "grant", "release": "release"}


async def finish_and_compare(house: Tokenhouse, dsn: str, *logs: Path) -> int:
    """Repeat what the drivers do not know the end of; then the journal must say exactly what they logged."""
    keys = {key: work for log in logs for key, work in known(log.read_text()).items()}
    unfinished = [work for work in keys.values() if "done" not in work]
    for work in unfinished:
        await piece(house, lambda **_: None, work)
    await assert_sound(dsn)
    assert await noted(dsn) == {key: (KINDS[work["kind"]], work["figure"]) for key, work in keys.items()}
    return len(keys)


def until_written(logs: list[Path], lines: int) -> None:
    until(lambda: all(log.exists() and log.read_bytes().count(b"\n") > lines for log in logs), 60)


async def test_killed_client_loses_nothing_and_doubles_nothing(client, durable: str, tmp_path, round_: int):
    async with Tokenhouse.open(durable, settings=Settings(plan="points")) as house:
        for ref in REFS:
            await house.account(ref)
        logs = [tmp_path / "killed", tmp_path / "kept"]
        order = {"dsn": durable, "work": "load", "refs": REFS, "callers": 48}
        killed, kept = (client(log=str(log), seed=log.name, **order).opened() for log in logs)
        killed.tell()
        kept.tell()
        until_written(logs[:1], random.randint(500, 3_000))
        killed.kill()
        until_written(logs[1:], 3_000)
        kept.tell()
        kept.answer()
        assert all("done" in work for work in known(logs[1].read_text()).values())
        assert await finish_and_compare(house, durable, *logs) > 500


async def test_killed_postgres_loses_nothing_and_doubles_nothing(client, home: Path, tmp_path, round_: int):
    settings = Settings(home=home, plan="points")
    async with Tokenhouse.open(settings=settings) as house:
        for ref in REFS:
            await house.account(ref)
        logs = [tmp_path / "one", tmp_path / "two"]
        order = {"home": str(home), "work": "load", "refs": REFS, "callers": 48}
        clients = [client(log=str(log), seed=log.name, **order).opened() for log in logs]
        for each in clients:
            each.tell()
        for kills in (1, 2):
            until_written(logs, kills * random.randint(600, 1_500))
            os.kill(postmaster(home / "postgres"), signal.SIGKILL)
        until_written(logs, 4_000)
        for each in clients:
            each.tell()
        for each in clients:
            assert (await asyncio.to_thread(each.answer))["done"] > 100
        works = [work for log in logs for work in known(log.read_text()).values()]
        assert all("done" in work for work in works), "the lanes resolve it; no caller has to"
        await finish_and_compare(house, house._lease.dsn, *logs)
