"""Verify: entries a second, and memory, over journals of two lengths."""

import os
import time
from functools import partial
from pathlib import Path

from bench.frame import Figure, Findings, Form, in_turn
from bench.load import CHARGED, MODEL, USAGE
from bench.seed import Place, state_settings
from tokenhouse import Tokenhouse
from tokenhouse.flow.desk import new_id
from tokenhouse.rules.account import apply, opened
from tokenhouse.rules.balance import Balance, Entry
from tokenhouse.rules.operations import Charge
from tokenhouse.rules.periods import Instant
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.verdict import Member
from tokenhouse.store import accounts
from tokenhouse.store.accounts import Profile

ENTRIES_EACH = 100
"""Entries of an account: its opening, its allowance, and charges."""
SCAN = "select count(*), sum(amount), sum(length(hash)) from tokenhouse.entries"


async def verify(place: Place, form: Form, found: Findings) -> None:
    """Measure `verify` on a journal that the rules wrote and chained, then on one three times as long."""
    async with place.house() as house:
        await state_settings(house, found)
        written, peaks = 0, []
        for entries in (form.of(200_000, 50_000), form.of(600_000, 150_000)):
            await _write_journal(house, written // ENTRIES_EACH, entries // ENTRIES_EACH)
            written = entries
            _forget_peak()
            before_mb = _memory_mb("VmRSS")
            taken = await in_turn(form, {"verify": partial(_verify, house), "scan": partial(_scan, house)})
            peaks.append(f"{entries:,}: {before_mb:.0f} -> {_memory_mb('VmHWM'):.0f} MB")
    line = {"reference": "sequential scan", "target": 100_000, "absolute": True}
    found.figures.append(
        Figure(
            name=f"verify, {written:,} entries",
            unit="entries/s",
            values=[written / seconds for seconds in taken["verify"]],
            references=[written / seconds for seconds in taken["scan"]],
            note="memory before and at most, by entries: " + ", ".join(peaks),
            **line,
        )
    )


async def check_all(house: Tokenhouse, found: Findings) -> None:
    """Verify a house after its load: the figures count only if it finds nothing."""
    verdict = await house.verify()
    said = "nothing wrong" if verdict.clean else f"{verdict.found} FINDINGS, first {verdict.findings[:1]}"
    found.remarks.append(
        f"verify afterwards: {said} in {verdict.entries:,} entries of {verdict.accounts:,} accounts"
    )


async def _verify(house: Tokenhouse) -> float:
    """Return the seconds of one verify."""
    begin = time.perf_counter()
    verdict = await house.verify()
    assert verdict.clean, verdict.findings[:3]
    return time.perf_counter() - begin


async def _scan(house: Tokenhouse) -> float:
    """Return the seconds in which PostgreSQL alone reads the journal."""
    begin = time.perf_counter()
    async with house.desk.pool.acquire() as connection:
        await connection.fetch(SCAN)
    return time.perf_counter() - begin


async def _write_journal(house: Tokenhouse, first: int, end: int) -> None:
    """Open accounts numbered from `first` to `end`, each with a journal of charges that the rules made."""
    desk, plan = house.desk, house.desk.catalog.plan("bench")
    async with desk.pool.acquire() as connection:
        for at in range(first, end, 100):
            profiles = [Profile(ref=f"v{number}", plan="bench") for number in range(at, min(at + 100, end))]
            now = desk.now()
            async with connection.transaction():
                made = await accounts.write_profiles(connection, profiles, now)
                lives = [(one.cell, *_life(one.account, plan, now)) for one in made]
                await accounts.write_opened(connection, lives, now)
        await connection.execute("vacuum analyze")


def _life(account: int, plan: Plan, now: Instant) -> tuple[Balance, list[Entry]]:
    """Return an account after its charges, and its whole journal."""
    balance, entries = opened(account, plan, now)
    for _ in range(ENTRIES_EACH - len(entries)):
        asked = Charge(
            id=new_id(now, os.urandom(10).hex()), charge=CHARGED, tokens=USAGE.total, model=MODEL, usage=USAGE
        )
        (balance,), more, _ = apply([Member(balance, plan)], asked, now)
        entries += more
    return balance, entries


def _memory_mb(name: str) -> float:
    """Return a figure of this process's memory: VmRSS is what it has, VmHWM the most that it had."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1_024
    return 0


def _forget_peak() -> None:
    """Let VmHWM begin anew (Linux, proc(5): 5 into clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
