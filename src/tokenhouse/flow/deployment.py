"""The deployment: what concerns all accounts at once - figures, initialising, import, export."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from tokenhouse.flow import (
    audit,
    check,
    examine,
    exporting,
    importing,
    imports,
    initialise,
    samples,
    statistics,
    trend,
    works,
)
from tokenhouse.flow.audit import Verdict
from tokenhouse.flow.check import Checked
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.examine import Finding
from tokenhouse.flow.exporting import Format, What
from tokenhouse.flow.importing import Imported, Source
from tokenhouse.flow.imports import Import, Upload
from tokenhouse.flow.initialise import Initialised
from tokenhouse.flow.progress import Progress, unheard
from tokenhouse.flow.replay import TraceClock
from tokenhouse.flow.samples import Samples
from tokenhouse.flow.statistics import Line, Stats
from tokenhouse.flow.trend import Trend
from tokenhouse.flow.works import WorkPage


class Deployment:
    """The part of the house that looks at all of its accounts. Each method is one flow."""

    _desk: Desk

    @abstractmethod
    def _beside(self, clock: TraceClock) -> AbstractAsyncContextManager[Desk]:
        """Open a desk on the same database that lives in another time: the house itself can."""

    async def stats(self, *, top: int = 100) -> Stats:
        """Return figures of all accounts, their distribution by share used, and the `top` accounts by use."""
        return await statistics.stats(self._desk, top=top)

    async def trend(self, *, days: int = 14) -> Trend:
        """Return sign-ups, renewed periods and use of the last days, and where renewal stands now."""
        return await trend.trend(self._desk, days=days)

    def lines(self) -> AsyncIterator[Line]:
        """Yield a line for every account with a balance: free, bought, used, left, turns, level."""
        return statistics.lines(self._desk)

    async def check(self, *, rows_max: int = 20) -> Checked:
        """Return what is there: who lacks a balance, figures, active accounts, anomalies. Changes nothing."""
        return await check.check(self._desk, rows_max=rows_max)

    async def examine(self) -> Sequence[Finding]:
        """Return what can be found out about this node and its database, each subject with a verdict."""
        return await examine.examined(self._desk)

    async def verify(
        self,
        *,
        account: str | None = None,
        cell: int | None = None,
        findings_max: int = 100,
        progress: Progress = unheard,
    ) -> Verdict:
        """Rebuild every account from its journal, or one, or one cell's, and return whatever does not agree.

        Changes nothing and disturbs no writer. At most `findings_max` findings are listed; all are counted.
        """
        return await audit.verify(
            self._desk, account=account, cell=cell, findings_max=findings_max, progress=progress
        )

    async def journal_size(self, *, account: str | None = None, cell: int | None = None) -> int:
        """Return how many entries `verify` will read."""
        return await audit.journal_size(self._desk, account=account, cell=cell)

    async def waiting(self) -> tuple[int, int]:
        """Return how many accounts there are, and how many of them have no balance."""
        return await initialise.waiting(self._desk)

    async def initialise(
        self, *, dry_run: bool = False, actor: str = "", progress: Progress = unheard
    ) -> Initialised:
        """Give every account without a balance one, with its first allowance; others stay, to the byte."""
        return await initialise.initialise_all(self._desk, dry_run=dry_run, actor=actor, progress=progress)

    async def import_users(
        self,
        file: Path,
        *,
        named: Mapping[str, str] | None = None,
        encoding: str | None = None,
        actor: str = "",
        progress: Progress = unheard,
    ) -> Imported:
        """Make accounts of a CSV of users, all or none. `named`: what the file calls a column -> our name."""
        source = Source(file=file, named={} if named is None else named, encoding=encoding)
        return await importing.users(self._desk, source, actor=actor, progress=progress)

    async def import_table(
        self,
        table: str,
        *,
        url: str | None = None,
        named: Mapping[str, str] | None = None,
        actor: str = "",
        progress: Progress = unheard,
    ) -> Imported:
        """Make accounts of a table (`schema.table`) of this database or the one at `url`, only reading it."""
        return await importing.table(
            self._desk, url, table, {} if named is None else named, actor=actor, progress=progress
        )

    async def import_sessions(
        self,
        file: Path,
        *,
        named: Mapping[str, str] | None = None,
        encoding: str | None = None,
        progress: Progress = unheard,
    ) -> Imported:
        """Make chat sessions of a CSV, all or none; their accounts must be there."""
        source = Source(file=file, named={} if named is None else named, encoding=encoding)
        return await importing.sessions(self._desk, source, progress=progress)

    async def import_points(
        self, file: Path, *, plan: str | None = None, actor: str = "", progress: Progress = unheard
    ) -> Imported:
        """Make accounts of a `points.json`: the same balances, and each line of their history as an entry."""
        return await importing.history(self._desk, file, plan=plan, actor=actor, progress=progress)

    async def start_import(self, upload: Upload, *, actor: str = "") -> Import:
        """Take a file of accounts, and begin to find out what would change; nothing does yet.

        Raises: InvalidInput; StillRunning while another one is at work.
        """
        return await imports.start(self._desk, upload, actor=actor)

    async def carry_out_import(
        self, import_id: str, *, leave_out: bool = False, reason: str = "", actor: str = ""
    ) -> Import:
        """Begin to write what a file that was looked through would change: all of it, or none.

        `leave_out`: without the lines that were refused. Raises: InvalidInput, NotFound, StillRunning.
        """
        return await imports.carry_out(self._desk, import_id, leave_out=leave_out, reason=reason, actor=actor)

    async def find_import(self, import_id: str) -> Import:
        """Return an import: how far it is, what would change, and what did."""
        return await works.find(self._desk, imports.KIND, import_id)

    async def imports(self, *, after: str | None = None, rows_max: int = 20) -> WorkPage[Import]:
        """Return the latest imports, newest first."""
        return await works.page(self._desk, imports.KIND, after, rows_max)

    async def cancel_import(self, import_id: str) -> Import:
        """Call an import off, on whichever node it is; nothing is written, its file is let go. Idempotent."""
        return await works.cancel(self._desk, imports.KIND, import_id)

    async def samples(self) -> Samples:
        """Return whether sample data are offered, on their way, or there."""
        return await samples.progress(self._desk)

    async def load_samples(self, *, actor: str = "", address: str = "") -> Samples:
        """Begin to replay a trace of two weeks, so that it ends now; where that is under way, say how far.

        Raises: Forbidden in production, and where there are other accounts; StillRunning once it is done.
        """
        return await samples.load(self._desk, self._beside, actor=actor, address=address)

    async def export(
        self,
        what: What,
        output: BinaryIO,
        *,
        form: Format = "csv",
        since: datetime | None = None,
        until: datetime | None = None,
        account: str | None = None,
        progress: Progress = unheard,
    ) -> int:
        """Write accounts, balances, entries or orders as CSV or Parquet; return how many rows."""
        return await exporting.export(
            self._desk,
            what,
            output,
            form=form,
            since=since,
            until=until,
            account=account,
            progress=progress,
        )
