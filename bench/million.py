"""A million accounts and ten million entries, with sound books: `verify` finds nothing in any of them.

    python -m bench.million DSN [--accounts N] [--calls N]

The house opens the accounts, on the first of a month. Their calls are then written by PostgreSQL, one call of
every account at a time, chained as the house chains them (`rules/chain.py`): a minute's work instead of an
hour's. One account in twenty is near its end; the others have used little.
"""

import argparse
import asyncio
import time
from datetime import UTC, datetime
from typing import Final

import asyncpg

from bench.init import ACCOUNTS, PROFILES
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock

BEGIN: Final = datetime(2026, 11, 1, 0, 5, tzinfo=UTC)
"""When all accounts are opened; their calls follow through the month."""
NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
"""The moment at which figures are taken."""
CALLS: Final = 8
"""Calls of each account: with the two entries of its opening they make ten."""

START: Final = """
create unlogged table public.walk as
select b.cell, b.account, b.seq, b."left", b.chain, 0::bigint as used
from tokenhouse.balances b where b.turns = 0;
"""
CALL: Final = """
create unlogged table public.step as
select s.*, substr(sha256(s.before || convert_to(
           '[' || s.account || ',' || s.seq || ',' || s.at || ',"charge",-' || s.charge || ',' || s."left"
           || ',' || s.charge || ',"' || s.lots || '","' || replace(s.operation::text, '-', '') || '","'
           || s.model || '",' || to_json(s.usage)::text || ',0,"provider","","",null]', 'UTF8')), 1, 16)
           as chain
from (
    select w.cell, w.account, w.seq + 1 as seq, w."left" - c.charge as "left", w.chain as before,
           w.used + c.charge as used, c.charge, '[[2,-' || c.charge || ']]' as lots,
           gen_random_uuid() as operation, 'model-' || (w.account + {nth}) % 3 as model,
           '{{"input":' || c.charge - c.charge / 4 || ',"output":' || c.charge / 4 || '}}' as usage,
           {at} + (w.account * 7919 % 3600) * 48000000 as at
    from public.walk w
    cross join lateral (
        select case when w.account % 20 = 0 then 11800 + w.account % 600
                    else 100 + (w.account * 31 + {nth} * 17) % 1900 end as charge
    ) c
) s;
insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots, operation,
                                model, usage, rate, source, actor, note, facts, hash)
select cell, account, seq, timestamptz 'epoch' + at * interval '1 microsecond', 'charge', -charge, "left",
       charge, lots::json, operation, model, usage::json, 0, 'provider', '', '', null, chain
from public.step;
drop table public.walk;
alter table public.step rename to walk;
"""
FINISH: Final = """
update tokenhouse.balances b
set seq = w.seq, version = b.version + {calls}, chain = w.chain, "left" = w."left", drawn = w.used,
    charged = w.used, used = w.used, used_total = w.used, turns = {calls},
    lots = replace(b.lots::text, '[[2,100000,100000', '[[2,' || w."left" || ',100000')::json
from public.walk w
where b.cell = w.cell and b.account = w.account;
insert into tokenhouse.usage_waiting (cells, accounts)
select array_agg(w.cell), array_agg(w.account)
from (select cell, account, row_number() over () / 1000 as page from public.walk) w
group by w.page;
drop table public.walk;
select setval('tokenhouse.account_ids', (select max(id) from tokenhouse.accounts));
"""
"""Every account has one lot, its allowance: entry 2 made it. The roll-ups are told, as by the house's own."""


async def million(dsn: str, accounts: int = 1_000_000, calls: int = CALLS) -> None:
    """Fill an empty database: this many accounts, two entries each and one for each call."""
    clock, settings = Clock(BEGIN), Settings(plan="chat-tokens")
    async with Tokenhouse.open(dsn, settings=settings, clock=clock) as house:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in (ACCOUNTS, PROFILES):
                await connection.execute(statement, accounts, timeout=3_600)
            await connection.execute("vacuum analyze")
            await house.initialise()
            await connection.execute(START, timeout=3_600)
            length = int((NOW - BEGIN).total_seconds() - 48 * 3_600) // calls
            for nth in range(calls):
                at = int(BEGIN.timestamp() + nth * length) * 1_000_000
                await connection.execute(CALL.format(nth=nth, at=at), timeout=3_600)
            await connection.execute(FINISH.format(calls=calls), timeout=3_600)
            for statement in ("vacuum analyze", "checkpoint"):
                await connection.execute(statement, timeout=3_600)
        finally:
            await connection.close()


async def sound(dsn: str, accounts: int, sample: int = 100) -> None:
    """Verify some accounts, spread over all of them. Raises: AssertionError where books are not sound."""
    async with Tokenhouse.open(dsn, settings=Settings(plan="chat-tokens"), clock=Clock(NOW)) as house:
        for number in range(1, accounts + 1, max(accounts // sample, 1)):
            verdict = await house.verify(account=f"user{number}")
            assert verdict.clean, verdict.findings


async def main() -> None:
    """Read the arguments, fill, verify a sample, say how long it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dsn", help="an empty database")
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=CALLS)
    given = parser.parse_args()
    start = time.perf_counter()
    await million(given.dsn, given.accounts, given.calls)
    entries = given.accounts * (given.calls + 2)
    print(f"{given.accounts:,} accounts, {entries:,} entries in {time.perf_counter() - start:.0f} s")
    await sound(given.dsn, given.accounts)
    print("a sample of them is verified")


if __name__ == "__main__":
    asyncio.run(main())
