"""Importing: accounts, their past, and chat sessions from outside. All is checked before any is written.

An import is one transaction: lines go to a waiting table (constant memory), are held against each other and
the accounts, and become accounts at the end, or none of it ever happened. Repeated, it finds all of it there.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import msgspec

from tokenhouse.errors import InvalidInput, TokenhouseError
from tokenhouse.flow import lines, points, tables
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.identify import DEPTH_MAX
from tokenhouse.flow.points import Move
from tokenhouse.flow.tables import Row, invalid_line
from tokenhouse.rules.account import apply, opened
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.balance import Balance, Entry
from tokenhouse.rules.operations import Charge, Done, Grant
from tokenhouse.rules.periods import Instant, moment
from tokenhouse.rules.plans import Plan, Signup
from tokenhouse.rules.verdict import Member
from tokenhouse.store import accounts, importing
from tokenhouse.store.importing import Bought, Past, Waiting
from tokenhouse.store.pool import Connection, connect, trouble_translated

ROWS: Final = 1_000
"""Accounts whose past is worked out at once."""
Progress = Callable[[int], None]
"""Called with a number of lines that have just been read."""

_moves: Final = msgspec.json.Decoder(list[Move])


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: lines read, things made of them, things that were there before, balances given."""

    lines: int
    made: int
    kept: int
    balances: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to import: where it is, what it calls its columns, and its encoding, found out if not given."""

    file: Path
    named: Mapping[str, str]
    encoding: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.named, Mapping):
            raise InvalidInput("table_wanted", field="named", value=shown(self.named))
        for title, column in self.named.items():
            checked_text(title, "named", most=1_000)
            checked_text(column, "named")
        if self.encoding is not None:
            checked_text(self.encoding, "encoding", most=40)

    def rows(self, known: tuple[str, ...], required: tuple[str, ...]) -> Iterator[Row]:
        """Yield its lines."""
        return tables.read(self.file, known, named=self.named, required=required, encoding=self.encoding)


async def users(desk: Desk, source: Source, *, actor: str, progress: Progress) -> Imported:
    """Make accounts of the lines of a file; those with a past (used, bought, turns) get their balance too.

    An account that is there stays as it is; only a balance that it lacks is added. Raises: InvalidInput.
    """
    checked = (lines.user(desk, source.file.name, row) for row in source.rows(lines.USERS, ("ref",)))
    return await _accounts(desk, source.file.name, _counted(checked, progress), actor=actor)


async def table(
    desk: Desk, url: str | None, name: str, named: Mapping[str, str], *, actor: str, progress: Progress
) -> Imported:
    """Make accounts of a table of users, of this database or another, which is only read.

    `name` is the table's, with its schema before a point if that is not `public`.
    """
    schema, _, bare = checked_text(name, "table", least=1).rpartition(".")
    if url is not None:
        checked_text(url, "url", least=1, most=2_000)
    with TemporaryDirectory(prefix="tokenhouse-") as folder:
        file = Path(folder) / f"{name.replace('/', '_')}.csv"
        with trouble_translated(name), file.open("wb") as output:
            if url is None:
                async with desk.pool.acquire() as connection:
                    await importing.copy_table(connection, bare, schema or "public", output)
            else:
                other = await connect(url, application_name="tokenhouse import")
                try:
                    await importing.copy_table(other, bare, schema or "public", output)
                finally:
                    await other.close()
        source = Source(file=file, named=named, encoding="utf-8")
        return await users(desk, source, actor=actor, progress=progress)


async def history(desk: Desk, file: Path, *, plan: str | None, actor: str, progress: Progress) -> Imported:
    """Make accounts of a `points.json`: the same balances, and each line of history as an entry.

    The plan must give nothing by period, or balances would not be the file's. Raises: InvalidInput.
    """
    if plan is not None:
        checked_text(plan, "plan", least=1)
    chosen = desk.catalog.plan(plan or desk.settings.plan)
    if chosen.allowance:
        raise InvalidInput("import_points_plan", field="plan", value=chosen.name)
    found = points.read(file)
    checked = (lines.pointed(file.name, chosen.name, person) for person in found)
    return await _accounts(desk, file.name, _counted(checked, progress), actor=actor)


async def sessions(desk: Desk, source: Source, *, progress: Progress) -> Imported:
    """Make chat sessions of the lines of a file; their accounts must be there. Raises: InvalidInput."""
    file = source.file.name
    checked = (lines.session(desk, file, row) for row in source.rows(lines.SESSIONS, ("ref", "session")))
    async with _job(desk) as (connection, job):
        count = await importing.write_lines(connection, job, _counted(checked, progress))
        await _refuse_twice(connection, job, file, by_account=True)
        await _refuse_orphans(connection, job, file, in_file=False)
        made = await importing.write_sessions(connection, job)
        await importing.write_lines_dropped(connection, job)
    return Imported(lines=count, made=made, kept=count - made, balances=0)


async def _accounts(desk: Desk, file: str, checked: Iterable[Waiting], *, actor: str) -> Imported:
    """Make accounts and balances of checked lines, in one transaction."""
    checked_text(actor, "actor")
    async with _job(desk) as (connection, job):
        await desk.catalog.refresh(connection)
        count = await importing.write_lines(connection, job, checked)
        await _refuse_twice(connection, job, file, by_account=False)
        await _refuse_orphans(connection, job, file, in_file=True)
        await _place(connection, job, file)
        made = await importing.write_accounts(connection, job)
        balances = await _write_pasts(desk, connection, job, file, actor)
        await importing.write_lines_dropped(connection, job)
    return Imported(lines=count, made=made, kept=count - made, balances=balances)


@asynccontextmanager
async def _job(desk: Desk) -> Any:
    """Lend a connection, within one transaction, and the id under which lines wait."""
    with trouble_translated():
        async with desk.pool.acquire() as connection, connection.transaction():
            yield connection, UUID(desk.new_id())


def _counted(checked: Iterable[Waiting], progress: Progress) -> Iterator[Waiting]:
    """Yield lines, telling how many there were."""
    for nth, one in enumerate(checked, 1):
        if nth % importing.ROWS == 0:
            progress(importing.ROWS)
        yield one


async def _refuse_twice(connection: Connection, job: UUID, file: str, *, by_account: bool) -> None:
    """Raise for a name that stands twice in the file."""
    twice = await importing.find_twice(connection, job, by_account=by_account)
    if twice is not None:
        ref, first, second = twice
        problem = InvalidInput("import_twice", field="ref", value=shown(ref), first=first)
        raise invalid_line(file, second, "session" if by_account else "ref", problem)


async def _refuse_orphans(connection: Connection, job: UUID, file: str, *, in_file: bool) -> None:
    """Raise for a line that names an account which nobody knows."""
    orphan = await importing.find_orphan(connection, job, in_file=in_file)
    if orphan is not None:
        reason = "import_parent_unknown" if in_file else "import_account_unknown"
        problem = InvalidInput(reason, field="parent", value=shown(orphan[1]))
        raise invalid_line(file, orphan[0], "parent" if in_file else "ref", problem)


async def _place(connection: Connection, job: UUID, file: str) -> None:
    """Give every line its way up. Raises for a tree that is too deep, or goes in a circle."""
    await importing.write_paths(connection, job, DEPTH_MAX)
    deep = await importing.find_too_deep(connection, job, DEPTH_MAX)
    if deep is not None:
        problem = InvalidInput("tree_too_deep", field="parent", value=shown(deep[1]), most=DEPTH_MAX)
        raise invalid_line(file, deep[0], "parent", problem)
    circle = await importing.find_unplaced(connection, job)
    if circle is not None:
        problem = InvalidInput("import_circle", field="parent", value=shown(circle[1]))
        raise invalid_line(file, circle[0], "parent", problem)


async def _write_pasts(desk: Desk, connection: Connection, job: UUID, file: str, actor: str) -> int:
    """Give a balance to the accounts whose past the file tells, and return how many that were."""
    after, total, now = -1, 0, desk.now()
    while page := await importing.list_moves(connection, job, after, ROWS):
        made, orders = [], []
        for past in page:
            plan = desk.catalog.plan(past.plan or desk.settings.plan)
            try:
                balance, entries, bought = replayed(desk, past, plan, now, actor)
            except TokenhouseError as trouble:
                raise InvalidInput(
                    "import_line", file=file, line=past.line, column="used", problem=trouble
                ) from None
            made.append((past.cell, balance, entries))
            orders += bought
            await asyncio.sleep(0)
        given = await accounts.write_opened(connection, made, now)
        total += len(given)
        await importing.write_orders(connection, [one for one in orders if one.account in given], moment(now))
        after = page[-1].nth
    return total


def replayed(
    desk: Desk, past: Past, plan: Plan, now: Instant, actor: str
) -> tuple[Balance, list[Entry], list[Bought]]:
    """Return the balance of an account after its past, the entries that explain it, and what it had bought.

    The rules decide as ever; usage that has happened is charged whatever is left. A past that tells of its
    sign-up credit does not get the plan's.
    """
    moves = _moves.decode(past.moves)
    terms = plan
    if any(move.kind == "signup" for move in moves):
        terms = msgspec.structs.replace(plan, signup=Signup())
    balance, entries = opened(
        past.account, terms, now, own_credit=past.own_credit, zone=past.zone, actor=actor
    )
    orders = []
    for move in moves:
        one = desk.new_id()
        facts = {"order": one, **move.facts} if move.kind == "purchase" else move.facts
        if move.kind == "charge":
            operation: Charge | Grant = Charge(
                id=one, charge=move.amount, turns=move.turns, usage=move.usage, source="imported",
                actor=actor, note=move.note, forced=True,
            )  # fmt: skip
        else:
            operation = Grant(
                id=one, amount=move.amount, source=move.kind, actor=actor, note=move.note, facts=facts or None
            )
        (balance,), more, outcome = apply([Member(balance, plan)], operation, now)
        if not isinstance(outcome, Done):
            raise InvalidInput("import_refused", field=move.kind, value=move.amount, plan=plan.name)
        entries += [_told(entry, move) for entry in more]
        if move.kind == "purchase":
            orders.append(Bought(past.cell, one, past.account, move.amount, move.note))
    return balance, entries, orders


def _told(entry: Entry, move: Move) -> Entry:
    """Return a charge's entry with what the file says of it besides; the operation carries no facts."""
    if entry.kind != "charge" or not move.facts:
        return entry
    return msgspec.structs.replace(entry, facts={**move.facts, **(entry.facts or {})})
