"""A soak: many streams at once through the app, while callers, provider, app and PostgreSQL fail in turn.

python -m tests.soak.soak [STREAMS [SECONDS]]     2,000 streams and 90 seconds without
"""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from tests.soak.books import Books
from tests.soak.callers import Callers
from tests.soak.records import Records, journal, produced
from tests.soak.stage import Stage, stage
from tokenhouse.house import Tokenhouse

ACCOUNTS = 40
WORKS_S = 60.0
"""How long it may take until calls flow again after a disaster."""


async def soak(home: Path, *, streams: int, seconds: float, seed: int = 1) -> Books:
    """Let callers call for `seconds` or more, with disasters in between; return what the books say.

    `streams` answers go on at once; a sixth of the callers wait, are refused or ask again at any moment.
    """
    with stage(home, chunk_s=streams / 4_000, stop_s=2) as set_up:
        accounts = await set_up.open_accounts(ACCOUNTS)
        await asyncio.to_thread(set_up.start_app)
        callers = Callers(port=set_up.app_port, accounts=accounts, count=streams * 6 // 5, seed=seed)
        calling = asyncio.create_task(callers.run())
        for disaster in disasters(set_up):
            await at_work(callers, seconds / 5)
            await asyncio.to_thread(disaster)
        await at_work(callers, seconds / 5)
        callers.over.set()
        await calling
        await asyncio.to_thread(set_up.end_app, signal.SIGTERM)
        await asyncio.to_thread(set_up.until_quiet)
        lines, balances, findings = await settle_up(set_up)
        records = Records(
            accounts=accounts,
            seen=callers.seen,
            calls=produced(set_up.log),
            lines=lines,
            balances=balances,
            killed_ms=set_up.killed_ms,
            told_ms=set_up.told_ms,
        )
        books = Books(records).close()
        books.lost += findings
        books.figures["answers at once, at most"] = callers.hearing_most
        return books


async def at_work(callers: Callers, seconds: float) -> None:
    """Return when that time has passed, and many calls have begun in it and are going on."""
    enough = callers.heard + callers.count // 2
    await asyncio.sleep(seconds)
    async with asyncio.timeout(WORKS_S):
        while callers.heard < enough or callers.hearing < callers.count // 3:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def disasters(set_up: Stage) -> list[Callable[[], None]]:
    """Return what befalls the app, in order."""
    return [
        lambda: set_up.restart_app(signal.SIGTERM),
        set_up.kill_postgres,
        lambda: set_up.restart_app(signal.SIGKILL),
        set_up.kill_postgres,
    ]


async def settle_up(set_up: Stage):
    """Settle what waits on disk, let lapse what is open; return journal, balances and what verify finds."""
    later = timedelta(hours=1)
    async with Tokenhouse.open(settings=set_up.settings) as house:
        kept = await house.settle_kept().replay()
        assert (kept.waiting, kept.refused) == (0, 0), kept
    async with Tokenhouse.open(settings=set_up.settings, clock=lambda: datetime.now(UTC) + later) as house:
        await house.sweep()
        verdict = await house.verify()
        lines, balances = await journal(set_up.lease.dsn)
    return lines, balances, [f"verify: {finding}" for finding in verdict.findings]


def main() -> int:
    """Soak in a folder of its own, print the books, and return whether they are clean."""
    streams, seconds = (*map(int, sys.argv[1:]), *(2_000, 90)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory(prefix="th") as place:
        Path(place).chmod(0o755)
        books = uvloop.run(soak(Path(place), streams=streams, seconds=seconds))
    print(books)
    return int(any(books.findings.values()))


if __name__ == "__main__":
    sys.exit(main())
