"""Verify: every account rebuilt from its journal, and every law of the ledger held against what is stored.

Cell by cell, each in a snapshot of its own, so that it may run while others write; in constant memory, for an
account is looked at once and forgotten.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tokenhouse.errors import TokenhouseError
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.progress import Progress, unheard
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import TOKEN
from tokenhouse.rules.audit import CHECKS, Standing, conserved, findings
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.rebuild import Finding, Fold
from tokenhouse.store import audit
from tokenhouse.store.accounts import CELLS, Address
from tokenhouse.store.audit import Size
from tokenhouse.store.pool import Connection

ACCOUNTS: Final = 1_000
"""Accounts that are folded side by side."""
WORKERS: Final = 2
"""Cells under way at once: while one's rows are folded, the database fetches the other's."""
FINDINGS_MAX: Final = 10_000
"""Findings that can be asked for; beyond, counting them says enough."""
EVERYWHERE: Final = "*"
"""In place of an account: all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: how many things it looked at, and how many findings it made."""

    name: str
    checked: int
    failed: int

    @property
    def held(self) -> bool:
        """Whether it found nothing."""
        return not self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `verify` found. `findings` are the first ones; `found` counts them all."""

    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    found: int
    entries: int
    accounts: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether every law holds."""
        return not self.found

    @property
    def entries_per_s(self) -> float:
        """Entries read, folded and compared, a second."""
        return self.entries / self.seconds if self.seconds else 0.0


@dataclass(slots=True, kw_only=True)
class _Audit:
    """One run: what it looks at, and what it has seen so far."""

    findings_max: int
    progress: Progress
    one_to_one: bool
    """Whether a charge without a usage is that many tokens: where the unit is the token."""
    cells: Iterator[int]
    one: int | None = None
    """The only account that is looked at, if it is one."""
    entries: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def note(self, wrong: Iterable[Finding]) -> None:
        """Count findings, and keep the first."""
        for finding in wrong:
            self.failed[finding.check] += 1
            if len(self.findings) < self.findings_max:
                self.findings.append(finding)


async def journal_size(desk: Desk, *, account: str | None = None, cell: int | None = None) -> int:
    """Return how many entries `verify` will read; those that are written meanwhile come on top."""
    if cell is not None:
        checked_whole(cell, "cell", 0, CELLS - 1)
    address = None if account is None else await desk.address(account)
    return (await _size(desk, address, cell)).entries


async def verify(
    desk: Desk,
    *,
    account: str | None = None,
    cell: int | None = None,
    findings_max: int = 100,
    progress: Progress = unheard,
) -> Verdict:
    """Rebuild every account, or those of one cell, or one account, and return what does not agree.

    Changes nothing, and disturbs no writer. `progress` is told of entries as they are read.

    Raises: InvalidInput, NotFound for an unknown account, DatabaseTrouble.
    """
    checked_whole(findings_max, "findings_max", 0, FINDINGS_MAX)
    if cell is not None:
        checked_whole(cell, "cell", 0, CELLS - 1)
    address = None if account is None else await desk.address(account)
    began = asyncio.get_running_loop().time()
    only = address.cell if address else cell
    run = _Audit(
        findings_max=findings_max,
        progress=progress,
        one_to_one=deployment_unit(desk) == TOKEN,
        cells=iter(await _cells(desk) if only is None else (only,)),
        one=address.account if address else None,
    )
    await _look_around(desk, run, address, cell)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(_work(desk, run))
    except* TokenhouseError as troubles:
        raise troubles.exceptions[0] from None
    return Verdict(
        checks=tuple(Check(name=one, checked=run.checked[one], failed=run.failed[one]) for one in CHECKS),
        findings=tuple(run.findings),
        found=run.failed.total(),
        entries=run.entries,
        accounts=run.checked["initialised"],
        seconds=asyncio.get_running_loop().time() - began,
    )


async def _size(desk: Desk, address: Address | None, cell: int | None) -> Size:
    """Return how much there is to look at."""
    async with desk.pool.acquire() as connection:
        return await audit.sum_audited(
            connection, address.cell if address else cell, address.account if address else None
        )


async def _cells(desk: Desk) -> list[int]:
    """Return the cells in which there is anything to look at."""
    async with desk.pool.acquire() as connection:
        return await audit.list_cells(connection)


async def _look_around(desk: Desk, run: _Audit, address: Address | None, cell: int | None) -> None:
    """Check what does not lie within one account: the directory, and law 1 over all."""
    size = await _size(desk, address, cell)
    run.checked["keys"] = size.keys
    if address is None:
        run.checked["conservation"] += 1
        run.note(
            Finding(account=EVERYWHERE, check="conservation", figure=figure, expected=expected, found=found)
            for figure, expected, found in conserved(size.totals)
        )
    async with desk.pool.acquire() as connection:
        misplaced = await audit.list_misplaced(connection, cell, address.ref if address else None)
        miscounted = (
            await audit.list_coupons_miscounted(connection) if cell is None and address is None else []
        )
    run.note(
        Finding(
            account=EVERYWHERE, check="orders", figure=f"uses of coupon {code}", expected=right, found=uses
        )
        for code, uses, right in miscounted
    )
    run.note(
        Finding(account=one.ref, check="directory", figure=one.figure, expected=one.expected, found=one.found)
        for one in misplaced
    )


async def _work(desk: Desk, run: _Audit) -> None:
    """Take one cell after the other until none is left."""
    for cell in run.cells:
        async with audit.snapshot(desk.pool) as connection:
            await _audit_cell(connection, run, cell)


async def _audit_cell(connection: Connection, run: _Audit, cell: int) -> None:
    """Go through a cell's accounts, page by page; entries of no account at all come up with the last one."""
    below = await audit.sum_held_below(connection, cell)
    after, upto = (-FOREVER, FOREVER) if run.one is None else (run.one - 1, run.one)
    while True:
        standing = await audit.list_standing(connection, cell, after, upto, ACCOUNTS)
        last = standing[-1].account if len(standing) == ACCOUNTS else upto
        folds = {one.account: _fold_of(one, run) for one in standing}
        known = len(folds)
        await _fold(connection, run, cell, (after, last), folds)
        for one in standing:
            run.note(findings(folds[one.account], one, below.get(one.account, 0)))
        _count(run, standing)
        for account in list(folds)[known:]:
            folds[account].found("orphans", "entries", 0, folds[account].seq)
            run.note(folds[account].wrong)
        await _loose(connection, run, cell, (after, last), folds)
        if len(standing) < ACCOUNTS:
            return
        after = last


def _fold_of(one: Standing, run: _Audit) -> Fold:
    """Return the empty fold of an account."""
    return Fold(
        one.ref or f"#{one.account}",
        orders=one.orders,
        chats=one.chat_tokens is not None,
        one_to_one=run.one_to_one,
    )


async def _fold(
    connection: Connection, run: _Audit, cell: int, bounds: tuple[int, int], folds: dict[int, Fold]
) -> None:
    """Fold the journal of a range of accounts; a fold is added for one that is not there."""
    account, fold = None, Fold("")
    async for page in audit.list_audited(connection, cell, *bounds):
        for row in page:
            if row[0] != account:
                account = row[0]
                if fold.wrong:
                    _drain(run, fold)
                fold = folds.get(account) or folds.setdefault(account, Fold(f"#{account}"))
            fold.take(row)
        if fold.wrong:
            _drain(run, fold)
        run.entries += len(page)
        run.progress(len(page))


def _drain(run: _Audit, fold: Fold) -> None:
    """Take over what a fold found, so that even a journal that is wrong in every line takes no memory."""
    run.note(fold.wrong)
    fold.wrong.clear()


async def _loose(
    connection: Connection, run: _Audit, cell: int, bounds: tuple[int, int], folds: dict[int, Fold]
) -> None:
    """Note the rows of a range of accounts that lead nowhere."""
    for one in await audit.list_loose(connection, cell, *bounds):
        ref = folds[one.account].account if one.account in folds else f"#{one.account}"
        figure = f"{one.figure} of key {one.key}" if one.key is not None else one.figure
        run.note([Finding(account=ref, check=one.check, figure=figure, expected=0, found=one.rows)])


def _count(run: _Audit, standing: list[Standing]) -> None:
    """Count what was looked at."""
    checked = run.checked
    checked["initialised"] += len(standing)
    balances = sum(1 for one in standing if one.plan is not None)
    for name in ("rebuilt", "usage", "conservation", "held", "due"):
        checked[name] += balances
    for name in ("directory", "orphans"):
        checked[name] += len(standing)
    checked["chat"] += sum(1 for one in standing if one.chat_tokens is not None)
    checked["orders"] += sum(1 for one in standing if one.orders)
    checked["journal"] = checked["chain"] = run.entries
