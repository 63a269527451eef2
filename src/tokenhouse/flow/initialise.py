"""Initialise: every account without a balance gets one and what its plan gives; no other is touched."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tokenhouse.errors import TokenhouseError
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.desk import Desk, checked_flag, checked_text
from tokenhouse.flow.progress import Progress
from tokenhouse.flow.statistics import Distribution, Overview, distribution, overview
from tokenhouse.rules.openings import Opening
from tokenhouse.store import accounts, initialise, statistics
from tokenhouse.store.accounts import CELLS
from tokenhouse.store.initialise import Page, Waiting
from tokenhouse.store.pool import Connection
from tokenhouse.store.statistics import Figures

ROWS: Final = 5_000
"""Accounts of one transaction, at most."""
WORKERS: Final = 2
"""Connections that work at once: while the database writes for one, the other's hashes are computed."""
FAILURES_TOLD: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An account that got no balance, and why."""

    account: str
    trouble: TokenhouseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """One check after the work: what was expected, what was found."""

    name: str
    expected: int
    found: int

    @property
    def held(self) -> bool:
        """Whether the two agree."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialised:
    """What `init` did: accounts given a balance, left as they were, failed; the figures before and after."""

    made: int
    kept: int
    failed: int
    dry_run: bool
    failures: tuple[Failure, ...]
    before: Overview
    after: Overview
    distribution: Distribution
    unused: int
    integrity: tuple[Integrity, ...]


@dataclass(slots=True)
class _Tally:
    """What the workers have done so far; the audit log is told once, with the first balance that is given."""

    waiting: int
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    told: bool = False
    seen: int = 0
    made: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)


async def waiting(desk: Desk) -> tuple[int, int]:
    """Return how many accounts there are, and how many of them have no balance."""
    async with desk.pool.acquire() as connection:
        figures = await statistics.find_figures(connection, desk.now(), 0)
    return figures.accounts, figures.accounts - figures.balances


async def initialise_all(desk: Desk, *, dry_run: bool, actor: str, progress: Progress) -> Initialised:
    """Give every account that lacks one its balance and first allowance, and return the report.

    Idempotent: an account that has a balance keeps it to the byte, also when two machines do this at once.
    Each transaction gives some thousand accounts all of theirs: an interrupted run is simply repeated. A
    record that is wanted of it comes with the first of them, and says how many waited.
    """
    checked_text(actor, "actor")
    checked_flag(dry_run, "dry_run")
    async with desk.pool.acquire() as connection:
        await desk.catalog.refresh(connection)
        before = await statistics.find_figures(connection, desk.now(), 0)
    tally, cells = _Tally(waiting=before.accounts - before.balances), iter(range(CELLS))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(_work(desk, cells, tally, dry_run=dry_run, actor=actor, progress=progress))
    except* TokenhouseError as troubles:
        raise troubles.exceptions[0] from None
    async with desk.pool.acquire() as connection:
        after = await statistics.find_figures(connection, desk.now(), 0)
        unsound = await statistics.find_unsound(connection)
    return Initialised(
        made=tally.made,
        kept=tally.seen - tally.made - tally.failed,
        failed=tally.failed,
        dry_run=dry_run,
        failures=tuple(tally.failures[:FAILURES_TOLD]),
        before=overview(before),
        after=overview(after),
        distribution=distribution(after),
        unused=after.balances - after.active,
        integrity=() if dry_run else integrity(before, after, tally, unsound),
    )


def integrity(
    before: Figures, after: Figures, tally: _Tally, unsound: tuple[int, int]
) -> tuple[Integrity, ...]:
    """Return the checks after the work, as counts; `verify` proves the same account by account.

    Others may work at the same time: accounts that they add or initialise are no contradiction.
    """
    waited = before.accounts - before.balances
    made, failed = tally.made, tally.failed
    inconsistent, broken = unsound
    return (
        Integrity(name="all_have_balance", expected=after.accounts - failed, found=after.balances),
        Integrity(
            name="existing_kept", expected=before.balances, found=min(before.balances, after.balances - made)
        ),
        Integrity(
            name="new_initialised",
            expected=waited - failed,
            found=min(waited - failed, after.balances - before.balances),
        ),
        Integrity(name="use_consistent", expected=0, found=inconsistent),
        Integrity(name="credit_conserved", expected=0, found=broken),
    )


async def _work(
    desk: Desk, cells: Iterator[int], tally: _Tally, *, dry_run: bool, actor: str, progress: Progress
) -> None:
    """Take one cell after the other until none is left; go through its accounts page by page."""
    async with desk.pool.acquire() as connection:
        for cell in cells:
            after = 0
            while page := await initialise.list_waiting(connection, cell, after, ROWS):
                for group in page.waiting:
                    await _give(desk, connection, cell, group, tally, dry_run=dry_run, actor=actor)
                after = _passed(page, tally, progress)


def _passed(page: Page, tally: _Tally, progress: Progress) -> int:
    """Count a page as gone through; return where the next one begins."""
    tally.seen += page.seen
    progress(page.seen)
    return page.last


async def _give(
    desk: Desk, connection: Connection, cell: int, group: Waiting, tally: _Tally, *, dry_run: bool, actor: str
) -> None:
    """Give accounts of the same terms their balance, or note why they cannot have one."""
    try:
        plan = desk.catalog.plan(group.plan or desk.settings.plan)
        opening = Opening.of(plan, desk.now(), own_credit=group.own_credit, zone=group.zone, actor=actor)
    except TokenhouseError as trouble:
        tally.failed += len(group.accounts)
        room = max(FAILURES_TOLD - len(tally.failures), 0)
        names = await accounts.list_refs(connection, cell, group.accounts[:room]) if room else {}
        tally.failures += [Failure(account=ref, trouble=trouble) for ref in names.values()]
        return
    made = len(group.accounts)
    if not dry_run:
        made = await _written(connection, cell, group.accounts, opening, tally)
    tally.made += made


async def _written(
    connection: Connection, cell: int, waiting: Sequence[int], opening: Opening, tally: _Tally
) -> int:
    """Give accounts their balance; return how many had none. The first that do bring the record of it all."""
    if tally.told:
        return await initialise.write_openings(connection, cell, waiting, opening)
    async with tally.first:
        async with connection.transaction():
            made = await initialise.write_openings(connection, cell, waiting, opening)
            if made and not tally.told:
                await keep(connection, tally.waiting)
        tally.told |= made > 0
    return made
