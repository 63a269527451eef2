"""`/metrics` of a server of several processes: whoever answers tells the figures of all."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.edges.cli.conftest import surroundings as surroundings  # noqa: PLC0414 -- a fixture, also here
from tests.edges.cli.test_serve import children
from tests.edges.metrics.test_metrics import Read
from tests.edges.serving import chat, serving
from tests.store.processes import until
from tokenhouse.edges.metrics.catalogue import Family
from tokenhouse.edges.metrics.neighbours import gather, telling
from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

FIGURES = [Family("tokenhouse_lanes", [("", {"worker": "1"}, 1.0)])]


async def test_neighbours_tell_what_is_so_now(tmp_path: Path):
    figures = list(FIGURES)
    async with telling(tmp_path, 1, lambda: figures), telling(tmp_path, 2, lambda: figures[:1]):
        assert await gather(tmp_path, but=2) == FIGURES
        figures += [Family("tokenhouse_queue_operations", [])]
        assert len(await gather(tmp_path, but=2)) == 2
        assert len(await gather(tmp_path, but=0)) == 3
    assert not (tmp_path / "1").exists()


async def test_who_hangs_or_is_gone_is_left_out(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tokenhouse.edges.metrics.neighbours.WITHIN_S", 0.05)
    held = asyncio.Event()

    async def hang(_: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        await held.wait()
        out.close()

    silent = await asyncio.start_unix_server(hang, tmp_path / "2")
    (tmp_path / "3").touch()
    async with telling(tmp_path, 1, lambda: FIGURES):
        assert await gather(tmp_path, but=0) == FIGURES
        (tmp_path / "1").rename(tmp_path / "4")
        async with telling(tmp_path, 1, lambda: FIGURES):
            assert len(await gather(tmp_path, but=0)) == 2
    held.set()
    silent.close()
    await silent.wait_closed()


@pytest.mark.slow
@pytest.mark.row("E13")
async def test_a_scrape_holds_every_worker_and_a_dead_one_begins_again(surroundings):
    with serving(surroundings, "--workers", "2") as server:
        server.started()
        for _ in range(6):
            assert server.asked("/v1/chat/completions", chat(max_tokens=20))[0] == 200
        home, dsn = Path(surroundings["TOKENHOUSE_HOME"]), surroundings["TOKENHOUSE_DATABASE_URL"]
        async with Tokenhouse.open(settings=Settings(home=home, database_url=dsn)) as house:
            secret = (await house.create_key(role="auditor")).secret

        def scraped() -> Read:
            status, _, body = server.asked("/metrics", authorization=f"Bearer {secret}")
            assert status == 200, body
            return Read(body.decode())

        for _ in range(3):
            seen = scraped()
            workers = {one.labels["worker"] for one in seen.families["tokenhouse_lanes"].samples}
            assert workers == {"0", "1", "2"}
            assert seen.value("tokenhouse_calls_total", outcome="complete") == 6
            assert len(seen.families["tokenhouse_database_up"].samples) == 1
        until(lambda: bool(scraped().families["tokenhouse_job_ok"].samples))
        os.kill(children(server.process.pid)[0], signal.SIGKILL)
        server.heard("another takes its place")
        until(lambda: len(scraped().families["tokenhouse_lanes"].samples) == 3)
        assert scraped().value("tokenhouse_batch_operations_count") > 0
        assert server.stop() == 0
