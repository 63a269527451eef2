"""Journal table: entries as CSV, page by page, so that a million lines take no more memory than a hundred.

Columns are the fields of an entry; a call's tokens stand in a column a kind. Amounts are exact, in whole
units. A text that a spreadsheet would take for a formula gets an apostrophe before it, as in every export.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from tokenhouse.flow import journal
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.report import EntryView
from tokenhouse.flow.tables import guarded
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import TOKEN, Unit, digits
from tokenhouse.rules.usage import KINDS

FIRST: Final = ("seq", "at", "kind", "amount", "balance_after", "charge", "unit", "model")
LAST: Final = ("rate", "source", "operation", "actor", "note")
COLUMNS: Final = (*FIRST, *(f"tokens_{kind}" for kind in KINDS), *LAST)
"""The columns of one account's table; that of all accounts begins with `account`."""


async def entries(
    desk: Desk,
    ref: str,
    *,
    kinds: Sequence[str] = (),
    model: str = "",
    api_key: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> AsyncIterator[str]:
    """Yield the lines of an account that match, newest first, as pieces of a CSV.

    Raises: NotFound, InvalidInput, before anything was yielded.
    """
    after, head = None, _csv([COLUMNS])
    while True:
        page = await journal.entries(
            desk,
            ref,
            kinds=kinds,
            model=model,
            api_key=api_key,
            since=since,
            until=until,
            after=after,
            rows_max=journal.ROWS_MAX,
        )
        yield head + _csv(_row(one, page.unit) for one in page.entries)
        after, head = page.next, ""
        if after is None:
            return


async def everybody(desk: Desk, *, since: datetime | None, until: datetime | None) -> AsyncIterator[str]:
    """Yield the lines of all accounts, newest first, as pieces of a CSV. Raises: InvalidInput, as above."""
    after, head = None, _csv([("account", *COLUMNS)])
    unit = deployment_unit(desk) or TOKEN
    while True:
        page = await journal.everybody(desk, since=since, until=until, after=after, rows_max=journal.ROWS_MAX)
        yield head + _csv([guarded(one.account), *_row(one.entry, unit)] for one in page.entries)
        after, head = page.next, ""
        if after is None:
            return


def _row(entry: EntryView, unit: Unit) -> list[Any]:
    """Return one line's cells."""
    usage = entry.usage or {}
    return [
        entry.seq,
        entry.at.isoformat(),
        entry.kind,
        *(digits(one, unit) for one in (entry.amount, entry.balance_after, entry.charge)),
        unit.name,
        guarded(entry.model),
        *(usage.get(kind, 0) if entry.usage is not None else "" for kind in KINDS),
        entry.rate,
        *(guarded(text) for text in (entry.source, entry.operation, entry.actor, entry.note)),
    ]


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV (RFC 4180)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
