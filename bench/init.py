"""`init` against a raw INSERT … SELECT of the same rows, A B A B, at 100,000 and 1,000,000 accounts.

    python -m bench.init [ACCOUNTS …] [--rounds N]

Each round takes a fresh copy of a database that holds the accounts without balances. The reference copies the
very rows that `init` made (kept in unlogged tables) into empty tables of the same shape: same constraints,
indexes, partitions and durability, but no rule, no hash, no look at who waits, no report.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from bench.frame import Figure, Findings, Form
from bench.seed import Place
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.store.embedded import open_embedded

KEEP = """
create unlogged table public.made_balances as select * from tokenhouse.balances;
create unlogged table public.made_entries as select * from tokenhouse.entries;
"""
EMPTY = """
set session_replication_role = replica;
truncate tokenhouse.balances;
truncate tokenhouse.entries;
reset session_replication_role;
"""
ACCOUNTS = """
insert into tokenhouse.directory (ref, cell, account, path)
select 'user' || n, (n % 64)::smallint, n, array[n] from generate_series(1, $1::bigint) n;
"""
PROFILES = """
insert into tokenhouse.accounts (cell, id, ref, kind, email, created_at)
select (n % 64)::smallint, n, 'user' || n, 'user', 'user' || n || '@example.com', now()
from generate_series(1, $1::bigint) n;
"""


async def timed(connection: asyncpg.Connection, *statements: str) -> float:
    start = time.perf_counter()
    async with connection.transaction():
        for statement in statements:
            await connection.execute(statement, timeout=3_600)
    return time.perf_counter() - start


async def seed(dsn: str, accounts: int) -> None:
    async with Tokenhouse.open(dsn, settings=Settings()):
        pass
    connection = await asyncpg.connect(dsn)
    for statement in (ACCOUNTS, PROFILES):
        await connection.execute(statement, accounts, timeout=3_600)
    await connection.execute("vacuum analyze")
    await connection.execute("checkpoint")
    await connection.close()


async def initialised(dsn: str, accounts: int) -> float:
    async with Tokenhouse.open(dsn, settings=Settings()) as house:
        start = time.perf_counter()
        done = await house.initialise()
        took = time.perf_counter() - start
    assert (done.made, done.failed) == (accounts, 0), done
    assert all(check.held for check in done.integrity), done.integrity
    return took


async def reference(dsn: str) -> float:
    connection = await asyncpg.connect(dsn)
    await connection.execute(KEEP, timeout=3_600)
    await connection.execute(EMPTY)
    await connection.execute("checkpoint")
    took = await timed(
        connection,
        "insert into tokenhouse.balances select * from public.made_balances",
        "insert into tokenhouse.entries select * from public.made_entries",
    )
    await connection.close()
    return took


async def init(place: Place, form: Form, found: Findings) -> None:
    """Measure both sizes; a round is a turn."""
    for accounts in (100_000,) if form.quick else (100_000, 1_000_000):
        ours, raw = await measure(place.dsn, accounts, form.turns)
        name = f"init of {accounts:,} accounts"
        reference = {"reference": "INSERT … SELECT", "references": raw, "target": 3, "most": True}
        found.figures.append(Figure(name=name, unit="s", values=ours, **reference))


async def measure(admin_dsn: str, accounts: int, rounds: int) -> tuple[list[float], list[float]]:
    admin = await asyncpg.connect(admin_dsn)
    base = admin_dsn.replace("/postgres?", "/{}?") if "/postgres?" in admin_dsn else ""
    assert base, admin_dsn
    await admin.execute("create database seeded")
    await seed(base.format("seeded"), accounts)
    ours, raw = [], []
    for nth in range(rounds):
        name = f"round_{nth}"
        await admin.execute(f"create database {name} template seeded", timeout=3_600)
        ours.append(await initialised(base.format(name), accounts))
        raw.append(await reference(base.format(name)))
        await admin.execute(f"drop database {name} with (force)")
        print(f"  round {nth + 1}: init {ours[-1]:.2f} s, insert … select {raw[-1]:.2f} s", file=sys.stderr)
    await admin.execute("drop database seeded with (force)")
    await admin.close()
    ratios = sorted(one / other for one, other in zip(ours, raw, strict=True))
    print(
        f"{accounts:>9,} accounts: init {statistics.median(ours):.2f} s "
        f"({accounts / statistics.median(ours):,.0f}/s), insert … select {statistics.median(raw):.2f} s, "
        f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} … {ratios[-1]:.2f}); promised <= 3",
        file=sys.stderr,
    )
    return ours, raw


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("accounts", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tokenhouse-bench-") as folder,
        open_embedded(Path(folder) / "postgres") as lease,
    ):
        for accounts in asked.accounts:
            asyncio.run(measure(lease.dsn, accounts, asked.rounds))
        lease.close(wait=True)


if __name__ == "__main__":
    main()
