"""Many callers: the lanes beside a transaction per operation, and beside PostgreSQL's own pgbench."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

from bench.frame import Figure, Findings, Form, in_turn
from bench.load import Load
from bench.reference import one_by_one
from bench.seed import Place
from tokenhouse import Tokenhouse
from tokenhouse.store.embedded.binaries import find_binaries

PER_OPERATION = "a transaction each"
PGBENCH_SCALE = 10


async def ledger(place: Place, house: Tokenhouse, names: list[str], form: Form, found: Findings) -> None:
    """Measure 64 and 256 callers over all accounts."""
    socket = parse_qs(urlsplit(place.dsn).query)["host"][0]
    await _pgbench(socket, "-i", "-q", "-s", str(form.of(PGBENCH_SCALE, 1)))
    async with one_by_one(house, place.dsn) as other:
        lanes = {callers: Load(house, names, callers, form.seconds) for callers in (64, 256)}
        keyed = Load(house, names, 256, form.seconds, keyed=True)
        each = {callers: Load(other, names, callers, form.seconds) for callers in (64, 256)}
        taken = await in_turn(
            form,
            {
                "lanes 64": lanes[64].rate,
                "each 64": each[64].rate,
                "pgbench": lambda: _rate(socket, form),
                "lanes 256": lanes[256].rate,
                "each 256": each[256].rate,
                "keyed 256": keyed.rate,
            },
        )
    pairs = [tps / 2 for tps in taken["pgbench"]]
    for callers in (64, 256):
        rate = taken[f"lanes {callers}"]
        line = {"name": f"{callers} callers, {len(names):,} accounts", "unit": "pairs/s", "values": rate}
        note = f"p50 {lanes[callers].wait_ms(0.5):.1f} ms, p99 {lanes[callers].wait_ms(0.99):.1f} ms a pair"
        beside = f"; each {each[callers].wait_ms(0.5):.0f} and {each[callers].wait_ms(0.99):.0f} ms"
        references = taken[f"each {callers}"]
        found.figures += [
            Figure(**line, reference=PER_OPERATION, references=references, target=8, note=note + beside),
            Figure(**line, reference="pgbench -N / 2", references=pairs, target=3),
        ]
    name = "256 callers, each reserve with a key of its own"
    same = {"reference": "without keys", "references": taken["lanes 256"]}
    found.figures.append(Figure(name=name, unit="pairs/s", values=taken["keyed 256"], **same))


async def hot(place: Place, house: Tokenhouse, names: list[str], form: Form, found: Findings) -> None:
    """Measure 256 callers who all want the same account."""
    async with one_by_one(house, place.dsn) as other:
        lanes = Load(house, names[:1], 256, form.seconds)
        each = Load(other, names[:1], 256, form.seconds)
        taken = await in_turn(form, {"lanes, one account": lanes.rate, "each, one account": each.rate})
    note = f"p50 {lanes.wait_ms(0.5):.1f} ms, p99 {lanes.wait_ms(0.99):.1f} ms a pair"
    values, references = taken.values()
    name = "256 callers, all on one account"
    line = {"reference": PER_OPERATION, "references": references, "target": 40, "note": note}
    found.figures.append(Figure(name=name, unit="pairs/s", values=values, **line))


async def _rate(socket: str, form: Form) -> float:
    """Return pgbench's transactions a second."""
    seconds = str(max(1, round(form.seconds)))
    said = await _pgbench(socket, "-n", "-N", "-c", "20", "-j", "2", "-T", seconds)
    return float(re.search(r"tps = ([\d.]+)", said)[1])


async def _pgbench(socket: str, *arguments: str) -> str:
    """Run pgbench against the server of that socket, and return what it says."""
    command = (str(find_binaries() / "pgbench"), "-h", socket, "-U", "tokenhouse", *arguments, "postgres")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return said.decode()
