"""Importing: accounts, their past, and chat sessions from outside. All is checked before any is written.

An import is one transaction: lines go to a waiting table (constant memory), are held against each other and
the accounts, and become accounts at the end, or none of it ever happened. Repeated, it finds all of it there.
A line that cannot be imported ends it, unless somebody has seen which these are and leaves them out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
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
from tokenhouse.flow.progress import Far, Progress, unheard
from tokenhouse.flow.sieve import REFUSALS_MAX, Sieve, Survey
from tokenhouse.flow.tables import Row, Wrong
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
Lines = Callable[[Wrong], Iterable[Waiting]]
"""Reads a file; each line is checked, and one that is wrong is told of."""

_moves: Final = msgspec.json.Decoder(list[Move])


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: lines read, things made of them, things that were there before, balances given."""

    lines: int
    made: int
    kept: int
    balances: int


def mapping(texts: Sequence[str], field: str) -> dict[str, str]:
    """Return what a file calls a column -> our name for it, of texts such as `userId=ref`."""
    names = {}
    for one in texts:
        theirs, equals, ours = one.rpartition("=")
        if not (theirs and equals and ours):
            raise InvalidInput("import_map", field=field, value=one[:40])
        names[theirs] = ours
    return names


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

    def rows(self, known: tuple[str, ...], required: tuple[str, ...], wrong: Wrong) -> Iterator[Row]:
        """Yield its lines."""
        return tables.read(
            self.file, known, named=self.named, required=required, encoding=self.encoding, wrong=wrong
        )


async def users(desk: Desk, source: Source, *, actor: str, progress: Progress) -> Imported:
    """Make accounts of the lines of a file; those with a past (used, bought, turns) get their balance too.

    An account that is there stays as it is; only a balance that it lacks is added. Raises: InvalidInput.
    """
    return await _accounts(desk, source.file.name, of_users(desk, source), actor=actor, progress=progress)


def of_users(desk: Desk, source: Source) -> Lines:
    """Return how the lines of a table of users are read."""

    def read(wrong: Wrong) -> Iterator[Waiting]:
        for row in source.rows(lines.USERS, ("ref",), wrong):
            try:
                one = lines.user(desk, source.file.name, row)
            except InvalidInput as problem:
                wrong(problem)
            else:
                yield one

    return read


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
    chosen = plan_of_points(desk, plan)
    return await _accounts(desk, file.name, of_points(file, chosen), actor=actor, progress=progress)


def plan_of_points(desk: Desk, plan: str | None) -> str:
    """Return the plan of people with points. Raises: InvalidInput where it gives something by itself."""
    if plan is not None:
        checked_text(plan, "plan", least=1)
    chosen = desk.catalog.plan(plan or desk.settings.plan)
    if chosen.allowance:
        raise InvalidInput("import_points_plan", field="plan", value=chosen.name)
    return chosen.name


def of_points(file: Path, plan: str) -> Lines:
    """Return how the people of a `points.json` are read."""

    def read(wrong: Wrong) -> Iterator[Waiting]:
        for person in points.read(file, wrong):
            try:
                one = lines.pointed(file.name, plan, person)
            except InvalidInput as problem:
                wrong(problem)
            else:
                yield one

    return read


async def sessions(desk: Desk, source: Source, *, progress: Progress) -> Imported:
    """Make chat sessions of the lines of a file; their accounts must be there. Raises: InvalidInput."""
    file, sieve = source.file.name, Sieve(strict=True)
    rows = source.rows(lines.SESSIONS, ("ref", "session"), sieve.refuse)
    checked = (lines.session(desk, file, row) for row in rows)
    async with _job(desk) as (connection, job):
        count = await importing.write_lines(connection, job, _counted(checked, progress))
        await _refuse_twice(connection, job, file, sieve, by_account=True)
        await _refuse_orphans(connection, job, file, sieve, in_file=False)
        made = await importing.write_sessions(connection, job)
        await importing.write_lines_dropped(connection, job)
    return Imported(lines=count, made=made, kept=count - made, balances=0)


async def survey(desk: Desk, file: str, read: Lines, *, progress: Progress, far: Far) -> Survey:
    """Return what an import would change, in which everyone new gets a balance. Nothing is changed.

    Raises: InvalidInput for what is no such file.
    """
    sieve = Sieve(strict=False)
    async with _job(desk) as (connection, job):
        rows, count = await _sifted(desk, connection, job, file, read, sieve, progress)
        pasts = await _refuse_pasts(desk, connection, job, file, sieve, lambda done: far(done, count))
        found = await importing.sum_lines(connection, job)
        await importing.write_lines_dropped(connection, job)
    return sieve.survey(rows, found.fresh, found.waiting, found.differing, pasts)


async def carry_out(
    desk: Desk,
    file: str,
    read: Lines,
    seen: Survey,
    *,
    actor: str,
    far: Far,
    written: Callable[[Connection, Survey], Awaitable[None]],
) -> None:
    """Make accounts and balances of what was surveyed, without the lines that were refused then.

    `written` stands in the same transaction: what it writes is there exactly when the accounts are.

    Raises: InvalidInput, with nothing written, where other lines are refused now.
    """
    sieve = Sieve(strict=False)
    async with _job(desk) as (connection, job):
        rows, count = await _sifted(desk, connection, job, file, read, sieve, unheard)
        pasts = 0
        if seen.pasts_refused:
            pasts = await _refuse_pasts(desk, connection, job, file, sieve, unheard)
        if sieve.refused != seen.refused:
            raise InvalidInput("import_changed", field="refused", value=sieve.refused, expected=seen.refused)
        found = await importing.sum_lines(connection, job)
        made = await importing.write_accounts(connection, job)
        given = await _write_pasts(
            desk, connection, job, file, actor, everyone=True, far=lambda done: far(done, count)
        )
        await importing.write_lines_dropped(connection, job)
        done = sieve.survey(rows, made, max(0, given - made), found.differing, pasts)
        await written(connection, done)


async def _accounts(desk: Desk, file: str, read: Lines, *, actor: str, progress: Progress) -> Imported:
    """Make accounts of the lines of a file, and balances of those with a past, in one transaction."""
    checked_text(actor, "actor")
    sieve = Sieve(strict=True)
    async with _job(desk) as (connection, job):
        count, _ = await _sifted(desk, connection, job, file, read, sieve, progress)
        made = await importing.write_accounts(connection, job)
        balances = await _write_pasts(desk, connection, job, file, actor, everyone=False, far=unheard)
        await importing.write_lines_dropped(connection, job)
    return Imported(lines=count, made=made, kept=count - made, balances=balances)


async def _sifted(
    desk: Desk, connection: Connection, job: UUID, file: str, read: Lines, sieve: Sieve, progress: Progress
) -> tuple[int, int]:
    """Put the lines of a file on the waiting table and leave there what can be an account.

    Return how many lines the file has, and how many of them were put there.
    """
    await desk.catalog.refresh(connection)
    count = await importing.write_lines(connection, job, _counted(read(sieve.refuse), progress))
    rows = count + sieve.refused
    await _refuse_twice(connection, job, file, sieve, by_account=False)
    await _refuse_orphans(connection, job, file, sieve, in_file=True)
    await _place(connection, job, file, sieve)
    return rows, count


@asynccontextmanager
async def _job(desk: Desk) -> Any:
    """Lend a connection, within one transaction, and the id under which lines wait."""
    async with desk.pool.acquire() as connection, connection.transaction():
        yield connection, UUID(desk.new_id())


def _counted(checked: Iterable[Waiting], progress: Progress) -> Iterator[Waiting]:
    """Yield lines, telling how many there were."""
    for nth, one in enumerate(checked, 1):
        if nth % importing.ROWS == 0:
            progress(importing.ROWS)
        yield one


async def _refuse_twice(
    connection: Connection, job: UUID, file: str, sieve: Sieve, *, by_account: bool
) -> None:
    """Leave lines out whose name stands above them already."""
    twice = await importing.write_twice_dropped(connection, job, by_account=by_account, rows_max=REFUSALS_MAX)
    sieve.refuse_all(
        twice,
        file,
        "session" if by_account else "ref",
        lambda one: InvalidInput("import_twice", field="ref", value=shown(one.ref), first=one.first),
    )


async def _refuse_orphans(
    connection: Connection, job: UUID, file: str, sieve: Sieve, *, in_file: bool
) -> None:
    """Leave lines out that name an account which nobody knows, and then those below them."""
    reason = "import_parent_unknown" if in_file else "import_account_unknown"
    while orphans := await importing.write_orphans_dropped(
        connection, job, in_file=in_file, rows_max=REFUSALS_MAX
    ):
        sieve.refuse_all(
            orphans,
            file,
            "parent" if in_file else "ref",
            lambda one: InvalidInput(reason, field="parent", value=shown(one.ref)),
        )


async def _place(connection: Connection, job: UUID, file: str, sieve: Sieve) -> None:
    """Give every line its way up, and leave out what lies too deep, or goes in a circle."""
    await importing.write_paths(connection, job, DEPTH_MAX)
    sieve.refuse_all(
        await importing.write_too_deep_dropped(connection, job, DEPTH_MAX, REFUSALS_MAX),
        file,
        "parent",
        lambda one: InvalidInput("tree_too_deep", field="parent", value=shown(one.ref), most=DEPTH_MAX),
    )
    await _refuse_orphans(connection, job, file, sieve, in_file=True)
    sieve.refuse_all(
        await importing.write_unplaced_dropped(connection, job, REFUSALS_MAX),
        file,
        "parent",
        lambda one: InvalidInput("import_circle", field="parent", value=shown(one.ref)),
    )


async def _refuse_pasts(
    desk: Desk, connection: Connection, job: UUID, file: str, sieve: Sieve, far: Progress
) -> int:
    """Leave lines out whose past their plan does not allow, and those below them; return how many pasts."""
    after, refused, now = -1, [], desk.now()
    while page := await importing.list_moves(connection, job, after, ROWS, everyone=True):
        for past in page:
            try:
                _replayed(desk, past, file, "", now)
            except InvalidInput as problem:
                sieve.refuse(problem)
                refused.append(past.nth)
            await asyncio.sleep(0)
        after = page[-1].nth
        far(after + 1)
    if refused:
        await importing.write_pasts_dropped(connection, job, refused)
        await _refuse_orphans(connection, job, file, sieve, in_file=True)
    return len(refused)


async def _write_pasts(
    desk: Desk, connection: Connection, job: UUID, file: str, actor: str, *, everyone: bool, far: Progress
) -> int:
    """Give a balance to accounts whose past the file tells, or to everyone; return how many that were."""
    after, total, now = -1, 0, desk.now()
    while page := await importing.list_moves(connection, job, after, ROWS, everyone=everyone):
        made, orders = [], []
        for past in page:
            balance, entries, bought = _replayed(desk, past, file, actor, now)
            made.append((past.cell, balance, entries))
            orders += bought
            await asyncio.sleep(0)
        given = await accounts.write_opened(connection, made, now)
        total += len(given)
        await importing.write_orders(connection, [one for one in orders if one.account in given], moment(now))
        after = page[-1].nth
        far(after + 1)
    return total


def _replayed(
    desk: Desk, past: Past, file: str, actor: str, now: Instant
) -> tuple[Balance, list[Entry], list[Bought]]:
    """Return what a line's past comes to. Raises: InvalidInput that names the line."""
    plan = desk.catalog.plan(past.plan or desk.settings.plan)
    try:
        return replayed(desk, past, plan, now, actor)
    except TokenhouseError as trouble:
        raise InvalidInput("import_line", file=file, line=past.line, column="used", problem=trouble) from None


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
