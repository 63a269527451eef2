"""What is on record after a soak: what the provider logged, and what the journal and the balances say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.soak.callers import Account, Seen

JOURNAL = """
    select replace(e.operation::text, '-', '') as operation, a.ref, e.kind, e.charge, e.note, e.facts,
        (extract(epoch from e.at) * 1000)::bigint as at_ms
    from tokenhouse.entries e join tokenhouse.accounts a on a.cell = e.cell and a.id = e.account
    where e.operation is not null and e.kind in ('charge', 'release', 'lapse')"""
BALANCES = """
    select a.ref, b.debt, b.held, b.granted, (select count(*) from json_object_keys(b.open)) as opened
    from tokenhouse.balances b join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """A call as the provider logged it."""

    id: str
    tokens_input: int
    tokens_output: int
    ended: str

    @property
    def tokens(self) -> int:
        """Return what it would bill."""
        return self.tokens_input + self.tokens_output


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry of the journal that ends a call."""

    operation: str
    ref: str
    kind: str
    charge: int
    note: str
    facts: dict[str, Any]
    at_ms: int

    @property
    def begun_ms(self) -> int:
        """Return when its credit was set aside: its id, a UUIDv7, says so."""
        return int(self.operation[:12], 16)

    @property
    def reserved(self) -> int:
        """Return how much was set aside."""
        return int(self.facts["reserved"])

    @property
    def lapsed(self) -> bool:
        """Whether the call ended by time, charged or not."""
        return "lapsed" in self.facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Everything that was written down about one soak."""

    accounts: Sequence[Account]
    seen: Sequence[Seen]
    calls: Sequence[Produced]
    lines: Sequence[Line]
    balances: Sequence[asyncpg.Record]
    killed_ms: Sequence[int]
    told_ms: Sequence[int]


def produced(log: Path) -> list[Produced]:
    """Return what the provider logged."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [
        Produced(
            id=line["id"],
            tokens_input=line["tokens_input"],
            tokens_output=line["tokens_output"],
            ended=line["ended"],
        )
        for line in lines
    ]


async def journal(dsn: str) -> tuple[list[Line], list[asyncpg.Record]]:
    """Return the entries that end calls, and the balances."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(JOURNAL)
        balances = await connection.fetch(BALANCES)
    finally:
        await connection.close()
    lines = [Line(**{**dict(row), "facts": json.loads(row["facts"] or "{}")}) for row in rows]
    return lines, balances
