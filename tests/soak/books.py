"""The books of a soak: what callers saw, what the provider says it produced, and what the journal charged.

The policy, by the plans in `stage`: a call whose caller heard it out is charged exactly what was produced.
Where the caller left, `drain` charges what was produced, the other plans the input and what was relayed: at
least what the caller has, at most what was produced; so is a stream that the app cut when it was told to go.
A call that was open when the app was killed lapses: free on `drain`, for its input on the others. What the
provider refused costs nothing, and no account is charged more than it has.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from tests.soak.callers import Account, Seen

JOURNAL = """
    select replace(e.operation::text, '-', '') as operation, a.ref, e.kind, e.charge, e.facts
    from tokenhouse.entries e join tokenhouse.accounts a on a.cell = e.cell and a.id = e.account
    where e.operation is not null and e.kind in ('charge', 'release', 'lapse')"""
BALANCES = """
    select a.ref, b.debt, b.held, (select count(*) from json_object_keys(b.open)) as opened
    from tokenhouse.balances b join tokenhouse.accounts a on a.cell = b.cell and a.id = b.account"""
LEAST_OUTPUT = 16
"""Output tokens below which an account is refused rather than capped."""
OURS = (401, 402, 403, 404, 429)
"""Statuses by which we refuse; 503 asks for patience and is no refusal."""


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
    facts: dict[str, Any]

    @property
    def lapsed(self) -> bool:
        """Whether the call ended by time, charged or not."""
        return "lapsed" in self.facts


@dataclass(slots=True)
class Books:
    """What was found: figures to print, and four lists that must be empty."""

    figures: Counter[str] = field(default_factory=Counter)
    overspend: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    false_refusals: list[str] = field(default_factory=list)

    @property
    def findings(self) -> dict[str, list[str]]:
        """Return the four lists."""
        names = ("overspend", "lost", "double", "false_refusals")
        return {name.replace("_", " "): getattr(self, name) for name in names}

    def __str__(self) -> str:
        figures = [f"{name:36} {count:12,}" for name, count in self.figures.items()]
        findings = [
            f"{name:36} {len(found):12,}" + "".join(f"\n    {one}" for one in found[:8])
            for name, found in self.findings.items()
        ]
        return "\n".join([*figures, *findings])


def produced(log: Path) -> list[Produced]:
    """Return what the provider logged."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [
        Produced(
            id=line["id"].replace("-", ""),
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


def compare(
    accounts: Sequence[Account],
    seen: Sequence[Seen],
    calls: Sequence[Produced],
    lines: Sequence[Line],
    killed_ms: Sequence[int],
) -> Books:
    """Hold the three against each other. `killed_ms`: when the app was killed without warning."""
    books = Books()
    plans = {account.ref: account.plan for account in accounts}
    known = {one.id: one for one in seen if one.id}
    charged = _by_operation(lines, books)
    asked = Counter(call.id for call in calls)
    books.double += [f"provider asked {count} times for {id_}" for id_, count in asked.items() if count > 1]
    for call in calls:
        line = charged.get(call.id)
        if line is None:
            books.lost.append(f"{call} is in no entry")
            continue
        _judge(call, line, plans[line.ref], known.get(call.id), killed_ms, books)
    for id_ in charged.keys() - asked.keys():
        _judge_unasked(charged[id_], plans[charged[id_].ref], known.get(id_), killed_ms, books)
    for one in seen:
        _judge_refusal(one, books)
    books.figures |= _figures(seen, calls, list(charged.values()))
    return books


def _by_operation(lines: Sequence[Line], books: Books) -> dict[str, Line]:
    """Return the one entry that ends each call; more than one is a finding."""
    charged: dict[str, Line] = {}
    for line in lines:
        if line.operation in charged:
            books.double.append(f"{charged[line.operation]} and {line}")
        charged[line.operation] = line
    return charged


def _judge(
    call: Produced, line: Line, plan: str, one: Seen | None, killed_ms: Sequence[int], books: Books
) -> None:
    """See whether a call that the provider was asked for is charged as the policy says."""
    if line.lapsed:
        _judge_lapse(line, plan, one, killed_ms, books, call.tokens_input)
        return
    has = call.tokens_input + (one.tokens if one else 0)
    exact = one is not None and one.ended == "whole"
    exact = exact or (plan == "drain" and call.ended != "cancelled")
    if line.kind == "release":
        has, exact = one.tokens if one else 0, call.tokens_output == 0
        if has or call.ended == "whole":
            books.lost.append(f"released: {call}, {one}")
    elif exact and line.charge < call.tokens:
        books.lost.append(f"{line} for {call}, {one}")
    elif line.charge < has:
        books.lost.append(f"{line} is less than was relayed of {call}, {one}")
    if line.charge > call.tokens:
        books.overspend.append(f"{line} is more than {call}, {one}")


def _judge_lapse(
    line: Line, plan: str, one: Seen | None, killed_ms: Sequence[int], books: Books, tokens_input: int | None
) -> None:
    """See whether a call had a reason to lapse, and cost what its plan says."""
    begun_ms = int(line.operation[:12], 16)
    if not any(begun_ms <= killed for killed in killed_ms):
        books.lost.append(f"nobody was killed, and it lapsed: {line}, {one}")
    if one is not None and one.ended == "whole":
        books.lost.append(f"heard to its end, and it lapsed: {line}, {one}")
    if plan == "drain" and line.charge:
        books.overspend.append(f"its plan releases what lapses: {line}")
    if plan != "drain" and tokens_input is not None and line.charge != tokens_input:
        books.lost.append(f"its plan charges the input, {tokens_input}, of what lapses: {line}")


def _judge_unasked(line: Line, plan: str, one: Seen | None, killed_ms: Sequence[int], books: Books) -> None:
    """See whether a call of which the provider knows nothing cost nothing, but for what lapses."""
    if line.lapsed:
        _judge_lapse(line, plan, one, killed_ms, books, None)
    elif line.charge:
        books.overspend.append(f"charged, and the provider produced nothing: {line}, {one}")


def _judge_refusal(one: Seen, books: Books) -> None:
    """See whether a refusal of ours was right: of the poor alone, where they cannot pay the least."""
    if one.status not in OURS or one.wish == f"error-{one.status}":
        return
    remaining = int(one.headers.get("x-tokenhouse-remaining", "0"))
    if one.status != 402 or not one.account.poor or remaining > LEAST_OUTPUT + 30:
        books.false_refusals.append(f"{one}")


def judge_balances(balances: Sequence[asyncpg.Record], books: Books) -> None:
    """See whether anything is still held, and whether anybody owes."""
    for row in balances:
        if row["opened"] or row["held"]:
            books.lost.append(f"still open: {dict(row)}")
        if row["debt"]:
            books.overspend.append(f"in debt: {dict(row)}")


def _figures(seen: Sequence[Seen], calls: Sequence[Produced], lines: Sequence[Line]) -> dict[str, int]:
    """Return what happened, in figures."""
    endings = Counter(one.ended for one in seen if one.status == 200)
    return {
        "calls made": len(seen),
        "answered to the end": endings["whole"],
        "left by their caller": endings["left"],
        "broken": endings["broken"],
        "not reached, or asked for patience": sum(one.status in (0, 503) for one in seen),
        "refused, the poor": sum(one.status == 402 for one in seen),
        "calls produced": len(calls),
        "tokens produced": sum(call.tokens for call in calls),
        "tokens charged": sum(line.charge for line in lines),
        "lapsed": sum(line.lapsed for line in lines),
        "released": sum(line.kind == "release" for line in lines),
    }
