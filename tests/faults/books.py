"""The books, looked at from outside: does the ledger hold, and does the journal say what its callers know?"""

import json
from collections import Counter

import asyncpg

from tokenhouse.house import Tokenhouse
from tokenhouse.settings import Settings

FINDINGS = {
    "left - debt is not the sum of the journal": """
        select b.account, b."left" - b.debt, coalesce(sum(e.amount), 0) from tokenhouse.balances b
        left join tokenhouse.entries e on e.cell = b.cell and e.account = b.account
        group by b.cell, b.account having b."left" - b.debt <> coalesce(sum(e.amount), 0)""",
    "the journal has gaps": """
        select b.account, b.seq, count(e.*), max(e.seq) from tokenhouse.balances b
        left join tokenhouse.entries e on e.cell = b.cell and e.account = b.account
        group by b.cell, b.account having b.seq <> count(e.*) or b.seq <> max(e.seq)""",
    "left is not what the lots hold": """
        select b.account, b."left", b.lots from tokenhouse.balances b
        where b."left"
            <> (select coalesce(sum((one->>1)::bigint), 0) from json_array_elements(b.lots) one)""",
    "held is not the sum of open reservations": """
        select d.path[cardinality(d.path)], sum(b.held), sum(o.open)
        from tokenhouse.balances b
        join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account
        join tokenhouse.directory d on d.ref = a.ref
        cross join lateral (select coalesce(sum((each.value->>0)::bigint), 0) as open
                            from json_each(b.open) each) o
        group by 1 having sum(b.held) <> sum(o.open)""",
    "the clock owes something to the same period twice": """
        select account, kind, lots->0->>4, count(*) from tokenhouse.entries where kind = 'allowance'
        group by 1, 2, 3 having count(*) > 1""",
}
"""Queries that must find nothing; `verify` is the product's own answer, this is a second opinion."""

NOTED = """
    select e.note, e.kind, case when e.kind in ('charge', 'refund') then e.charge else e.amount end
    from tokenhouse.entries e where e.note <> '' and e.kind <> 'use'"""


async def assert_sound(dsn: str, *, plan: str = "points") -> None:
    """Fail with every finding unless `verify` and all the sums are content."""
    async with Tokenhouse.open(dsn, settings=Settings(plan=plan, lanes=1)) as house:
        verdict = await house.verify()
    assert verdict.entries > 0
    assert list(verdict.findings) == []
    assert verdict.clean
    connection = await asyncpg.connect(dsn)
    try:
        found = {what: await connection.fetch(query) for what, query in FINDINGS.items()}
    finally:
        await connection.close()
    assert {what: [tuple(row) for row in rows] for what, rows in found.items() if rows} == {}


async def noted(dsn: str) -> dict[str, tuple[str, int]]:
    """Return what the journal says of each note: kind and figure. Fails if it says anything twice."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(NOTED)
    finally:
        await connection.close()
    twice = [note for note, times in Counter(row[0] for row in rows).items() if times > 1]
    assert twice == []
    return {row[0]: (row[1], row[2]) for row in rows}


def known(log: str) -> dict[str, dict]:
    """Return what a driver's log knows of each key: the last thing that it wrote of each field."""
    keys: dict[str, dict] = {}
    for line in log.splitlines():
        said = json.loads(line)
        keys.setdefault(said["key"], {}).update(said)
    return keys
