"""A batch: many operations in one transaction.

Gather what they need, decide each in order of arrival, record it all.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from tokenhouse.errors import NotFound, TokenhouseError
from tokenhouse.rules.account import apply
from tokenhouse.rules.balance import Balance, Entry
from tokenhouse.rules.chain import Sealed, seal
from tokenhouse.rules.operations import (
    Amend,
    ClawBack,
    Done,
    Mismatch,
    Operation,
    Outcome,
    Refund,
    Release,
    Restore,
    Settle,
    subject_of,
)
from tokenhouse.rules.periods import moment
from tokenhouse.rules.verdict import Member
from tokenhouse.store import audit_log, chat, refunds, rows
from tokenhouse.store.audit_log import Audited
from tokenhouse.store.catalog import Catalog
from tokenhouse.store.chat import TurnEnd
from tokenhouse.store.memory import Memory
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

log: Final = logging.getLogger("tokenhouse.batch")

WRITE_LANE_SESSION: Final = sql("write_lane_session")
LOCK_BALANCES: Final = sql("lock_balances")
LIST_BALANCES: Final = sql("list_balances")
WRITE_BATCH: Final = sql("write_batch")
LIST_ENTRIES_OF_OPERATIONS: Final = sql("list_entries_of_operations")
LIST_KEYS: Final = sql("list_keys")
WRITE_ORDERS_ENDED: Final = sql("write_orders_ended")

FOLLOWING: Final[frozenset[type]] = frozenset((Refund, ClawBack, Restore))
"""Operations that follow upon what the journal already has."""
ENDING: Final[frozenset[type]] = frozenset((Settle, Release))
"""Operations that end a reservation, which is in its account's row unless it has ended before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnd:
    """An order that ends with its operation: it must be in state `was`, and goes over to `state`.

    `refunded_before` is the money that must have been given back of it until now, `failed_before` how many
    refunds must have come to nothing. `undone` is one more of those, its provider and its name; `kept` is
    what the audit log keeps of it.
    """

    id: str
    was: str
    state: str
    by: str = ""
    reason: str = ""
    refunded_before: int = 0
    refunded_minor: int = 0
    refunded_credit: int = 0
    failed_before: int = 0
    undone: tuple[str, str] | None = None
    kept: Audited | None = None

    @property
    def failed_after(self) -> int:
        """Return how many of its refunds will have come to nothing."""
        return self.failed_before + (self.undone is not None)

    def row(self, cell: int) -> tuple[Any, ...]:
        """Return it as `write_orders_ended` takes it, but for the time."""
        refunds = (self.refunded_before, self.refunded_minor, self.refunded_credit)
        failed = (self.failed_before, self.failed_after)
        return (cell, UUID(self.id), self.was, self.state, self.by, self.reason, *refunds, *failed)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What came of an operation, and the accounts on its path as they then stood."""

    outcome: Outcome
    path: list[Member]


class Ask(msgspec.Struct, kw_only=True, gc=False):
    """One operation that waits for a lane: for which account, and who wants the answer.

    `path` are the account's id and its ancestors' up to the root, all of one cell; `ref` its outside name.
    `key` is the caller's idempotency key, if it gave one, and `digest` a hash of its payload. `kept` says
    what the audit log keeps of it, once it is done. `retried`: an earlier try may have been committed.
    """

    cell: int
    path: tuple[int, ...]
    ref: str
    operation: Operation
    answer: asyncio.Future[Answer]
    key: str = ""
    digest: bytes = b""
    order: OrderEnd | None = None
    turn: TurnEnd | None = None
    kept: Callable[[Done], Audited] | None = None
    retried: bool = False
    since: float = 0.0


@dataclass(slots=True)
class _Gathered:
    """Everything that a batch's decisions need, and what they lead to."""

    now: int
    balances: dict[int, Balance]
    versions: dict[int, int]
    remembered: set[int]
    cells: dict[int, int]
    journal: dict[tuple[int, str], list[Entry]]
    keys: dict[tuple[int, str], tuple[str, bytes]]
    changed: set[int] = field(default_factory=set)
    entries: list[tuple[int, Sealed]] = field(default_factory=list)
    new_keys: list[tuple[int, int, str, str, bytes]] = field(default_factory=list)
    orders: list[tuple[int, OrderEnd]] = field(default_factory=list)
    turns: list[tuple[int, TurnEnd, Entry]] = field(default_factory=list)
    audited: list[Audited] = field(default_factory=list)


async def begin(connection: Connection) -> None:
    """Make a connection ready for batches."""
    await connection.execute(WRITE_LANE_SESSION)


async def run(
    connection: Connection, asks: Sequence[Ask], catalog: Catalog, now: int, memory: Memory
) -> list[Answer | TokenhouseError]:
    """Carry out `asks`, durable when this returns; the answers are in their order.

    Accounts are remembered from the last batches, or read without a lock, and written by one statement. It
    fails as a whole if one of them, or the catalog, has changed since: a version turns null, or the journal
    has that line already. Then, and for a while where several processes want the same accounts, a batch
    locks them first. A failure of the database leaves nothing of a batch.
    """
    locked = memory.rests() or any(ask.order or ask.kept or ask.retried for ask in asks)
    try:
        if not locked:
            try:
                answers = await _carry_out(connection, asks, catalog, now, memory, LIST_BALANCES)
            except (asyncpg.NotNullViolationError, asyncpg.UniqueViolationError):
                log.debug("an account changed between read and write; taking its lock")
                memory.conflict()
            else:
                memory.held()
                return answers
        return await run_locked(connection, asks, catalog, now, memory)
    except BaseException:
        memory.clear()
        raise


async def run_locked(
    connection: Connection, asks: Sequence[Ask], catalog: Catalog, now: int, memory: Memory | None = None
) -> list[Answer | TokenhouseError]:
    """Carry out `asks` in one transaction over locked accounts."""
    memory = Memory() if memory is None else memory
    memory.clear()
    async with connection.transaction():
        return await _carry_out(connection, asks, catalog, now, memory, LOCK_BALANCES)


async def _carry_out(
    connection: Connection, asks: Sequence[Ask], catalog: Catalog, now: int, memory: Memory, statement: str
) -> list[Answer | TokenhouseError]:
    """Gather by `statement`, decide, record; ask the database again where memory led to no yes."""
    gathered = await _gather(connection, asks, catalog, now, memory, statement)
    answers = [_decide(ask, gathered, catalog) for ask in asks]
    if gathered.changed:
        await _record(connection, gathered, catalog.version)
    for account in gathered.changed:
        memory.keep(account, gathered.balances[account])
    if gathered.remembered:
        doubtful = [n for n, ask in enumerate(asks) if _doubtful(ask, answers[n], gathered)]
        if doubtful:
            again = [asks[n] for n in doubtful]
            for account in {account for ask in again for account in ask.path}:
                memory.forget(account)
            second = await _carry_out(connection, again, catalog, now, memory, statement)
            for n, answer in zip(doubtful, second, strict=True):
                answers[n] = answer
    return answers


def _doubtful(ask: Ask, answer: Answer | TokenhouseError, gathered: _Gathered) -> bool:
    """Whether an answer changed nothing, and so was not proven, and rests on what was remembered."""
    if type(answer) is Answer and type(answer.outcome) is Done and not answer.outcome.replayed:
        return False
    return not gathered.remembered.isdisjoint(ask.path)


async def _gather(
    connection: Connection, asks: Sequence[Ask], catalog: Catalog, now: int, memory: Memory, statement: str
) -> _Gathered:
    """Find the accounts, then what the journal and the keys already say of these operations.

    Order: accounts first. Whatever is committed after that has changed one of them, and so is noticed.
    """
    cells = {account: ask.cell for ask in asks for account in ask.path}
    balances = {account: known for account in cells if (known := memory.find(account)) is not None}
    remembered = set(balances)
    unread = [account for account in cells if account not in balances]
    if unread:
        found = await connection.fetch(statement, [cells[account] for account in unread], unread)
        balances.update((row["account"], rows.balance(row)) for row in found)
        if found and found[0]["catalog"] != catalog.version:
            await catalog.refresh(connection)
    versions = {account: balance.version for account, balance in balances.items()}
    keys = await _known_keys(connection, [ask for ask in asks if ask.key])
    journal = await _known_entries(connection, asks, balances, keys)
    return _Gathered(now, balances, versions, remembered, cells, journal, keys)


async def _known_keys(
    connection: Connection, keyed: Sequence[Ask]
) -> dict[tuple[int, str], tuple[str, bytes]]:
    """Return what is remembered of the callers' idempotency keys."""
    if not keyed:
        return {}
    wanted = {(ask.cell, ask.path[0], ask.key) for ask in keyed}
    found = await connection.fetch(LIST_KEYS, *rows.columns(list(wanted)))
    return {(row["account"], row["key"]): (row["operation"].hex, row["digest"]) for row in found}


async def _known_entries(
    connection: Connection,
    asks: Sequence[Ask],
    balances: dict[int, Balance],
    keys: dict[tuple[int, str], tuple[str, bytes]],
) -> dict[tuple[int, str], list[Entry]]:
    """Return the journal's entries of those operations that may have been there before."""
    wanted: set[tuple[int, str]] = set()
    for ask in asks:
        if ask.key and (known := keys.get((ask.path[0], ask.key))) is not None:
            wanted.add((ask.cell, known[0]))
        kind = type(ask.operation)
        if kind in ENDING:
            account = balances.get(ask.path[0])
            again = account is not None and ask.operation.id not in account.open
        else:
            again = kind in FOLLOWING
        if again or ask.retried or ask.order is not None:
            wanted.add((ask.cell, subject_of(ask.operation)))
    journal: dict[tuple[int, str], list[Entry]] = {}
    if wanted:
        for row in await connection.fetch(LIST_ENTRIES_OF_OPERATIONS, *rows.columns(list(wanted))):
            journal.setdefault((row["account"], row["operation"].hex), []).append(rows.entry(row))
    return journal


def _decide(ask: Ask, gathered: _Gathered, catalog: Catalog) -> Answer | TokenhouseError:
    """Apply the rules to one operation; what it changes is seen by those after it."""
    operation = ask.operation
    known = gathered.keys.get((ask.path[0], ask.key)) if ask.key else None
    try:
        path = [
            Member(balance := gathered.balances[account], catalog.plan(balance.plan, gathered.now))
            for account in ask.path
        ]
        if known is not None:
            if known[1] != ask.digest:
                return Answer(Mismatch(id=known[0], first=0, second=0), path)
            operation = msgspec.structs.replace(operation, id=known[0])
        successor = None
        if type(operation) is Amend and operation.plan is not None:
            successor = catalog.plan(operation.plan, gathered.now)
        ended = gathered.journal.get((ask.path[0], subject_of(operation)), ())
        balances, entries, outcome = apply(path, operation, gathered.now, ended, successor)
        if successor is not None:
            path[0] = Member(path[0].balance, successor)
    except KeyError:
        return NotFound("balance_missing", account=ask.ref)
    except TokenhouseError as trouble:
        return trouble
    if type(outcome) is Done and not outcome.replayed:
        _keep(ask, operation, balances, entries, gathered)
        if ask.kept is not None:
            gathered.audited.append(ask.kept(outcome))
        if ask.key:
            gathered.keys[ask.path[0], ask.key] = (operation.id, ask.digest)
            gathered.new_keys.append((ask.cell, ask.path[0], ask.key, operation.id, ask.digest))
    return Answer(outcome, list(map(Member, balances, [plan for _, plan in path])))


def _keep(
    ask: Ask, operation: Operation, balances: list[Balance], entries: list[Entry], gathered: _Gathered
) -> None:
    """Take over what an operation changed, and chain its entries."""
    for balance in balances:
        gathered.balances[balance.account] = balance
        gathered.changed.add(balance.account)
    for entry in entries:
        balance = gathered.balances[entry.account]
        sealed = seal(balance.chain, entry)
        balance.chain = sealed.hash
        gathered.entries.append((ask.cell, sealed))
        if entry.operation:
            gathered.journal.setdefault((entry.account, entry.operation), []).append(entry)
    if ask.order is not None:
        gathered.orders.append((ask.cell, ask.order))
    if ask.turn is not None:
        turn, account = ask.turn, ask.path[0]
        told = [one for one in entries if one.account == account and one.fact("session") == turn.session]
        gathered.turns += [(ask.cell, turn, entry) for entry in told]


async def _record(connection: Connection, gathered: _Gathered, terms: int) -> None:
    """Write what the batch changed, if the catalog's version is still that of the `terms` it went by.

    Order: accounts as `lock_balances` has them, lest two batches wait in a ring; then sessions, for who
    changes one of those elsewhere waits for nothing else.
    """
    if gathered.turns:
        async with connection.transaction():
            await _write(connection, gathered, terms)
            await chat.write_turns(connection, gathered.turns, moment(gathered.now))
    else:
        await _write(connection, gathered, terms)


async def _write(connection: Connection, gathered: _Gathered, terms: int) -> None:
    """Write accounts, journal, keys, what the audit log keeps, and orders."""
    at = moment(gathered.now)
    changed = [
        rows.changed_columns(cell, gathered.balances[one], gathered.versions[one])
        for cell, one in sorted((gathered.cells[one], one) for one in gathered.changed)
    ]
    lines = [rows.entry_columns(cell, sealed, at) for cell, sealed in gathered.entries]
    keys = [(*key, at) for key in gathered.new_keys]
    grown = {sealed.entry.account: cell for cell, sealed in gathered.entries}
    await connection.fetch(WRITE_BATCH, changed, lines, keys, terms, list(grown.values()), list(grown))
    for one in gathered.audited:
        await audit_log.write_audit(connection, one)
    if gathered.orders:
        ends = [(*end.row(cell), at) for cell, end in gathered.orders]
        ended: list[Any] = await connection.fetch(WRITE_ORDERS_ENDED, *rows.columns(ends))
        if len(ended) != len(ends):
            raise _stale(gathered.orders[0][1])
        for _, end in gathered.orders:
            if end.undone and not await refunds.write_refund_corrected(connection, *end.undone):
                raise _stale(end)
            if end.kept:
                await audit_log.write_audit(connection, end.kept)


def _stale(end: OrderEnd) -> NotFound:
    """Return what is said where an order is no longer as its end went by."""
    return NotFound("order_not_in_state", order=end.id, state=end.was)
