"""Exporting: accounts, balances, entries and orders as CSV or Parquet, in constant memory.

A CSV opens in a spreadsheet, so a cell that would be taken for a formula gets an apostrophe before it, which
`import` takes away again. Parquet holds every text as it is. Amounts are whole numbers of the smallest unit.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, get_args

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.progress import Progress
from tokenhouse.flow.tables import guarded
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.periods import FOREVER, instant, moment
from tokenhouse.store import exporting

What = Literal["accounts", "balances", "entries", "orders"]
Format = Literal["csv", "parquet"]
WHATS: Final = get_args(What)
FORMATS: Final = get_args(Format)

Rows = list[tuple[Any, ...]]
Write = Callable[[Rows], None]

COLUMNS: Final[dict[str, dict[str, str]]] = {
    "accounts": {
        **dict.fromkeys(("ref", "kind", "parent", "plan", "state"), "text"),
        "own_credit": "flag",
        **dict.fromkeys(("name", "email", "locale", "time_zone", "tags"), "text"),
        "created_at": "time",
    },
    "balances": {
        **dict.fromkeys(("ref", "email", "plan", "state"), "text"),
        **dict.fromkeys(("used", "used_total", "turns", "left", "held", "debt", "granted"), "number"),
        **dict.fromkeys(("drawn", "expired", "clawed", "charged", "forgiven", "bought"), "number"),
        **dict.fromkeys(("opened_at", "period_start_at", "period_end_at"), "instant"),
        "lots": "text",
        "seq": "number",
        "chain": "text",
    },
    "entries": {
        "ref": "text",
        "seq": "number",
        "at": "time",
        "kind": "text",
        **dict.fromkeys(("amount", "balance_after", "charge"), "number"),
        **dict.fromkeys(("lots", "operation", "model", "usage"), "text"),
        "rate": "number",
        **dict.fromkeys(("source", "actor", "note", "facts", "hash"), "text"),
    },
    "orders": {
        **dict.fromkeys(("ref", "id", "type", "state"), "text"),
        **dict.fromkeys(("credit", "price_minor"), "number"),
        **dict.fromkeys(("currency", "method", "transaction_id", "note"), "text"),
        **dict.fromkeys(("created_at", "ended_at"), "time"),
    },
}
"""What is exported -> its columns, in the order of the statement, and what each holds."""


async def export(
    desk: Desk,
    what: What,
    output: BinaryIO,
    *,
    form: Format,
    since: datetime | None,
    until: datetime | None,
    account: str | None,
    progress: Progress,
) -> int:
    """Write `what` into `output`, from `since` to before `until`, of all or one account; return how many.

    Time is an entry's own, and else when an account, balance or order came to be. Raises: InvalidInput, also
    where Parquet is asked for and the extra that writes it is not installed.
    """
    for field, value, known in (("what", what, WHATS), ("format", form, FORMATS)):
        if value not in known:
            raise InvalidInput("choice_unknown", field=field, value=shown(value), known=", ".join(known))
    for field, at in (("since", since), ("until", until)):
        if at is not None:
            instant(at, field)
    place = await desk.address(account) if account is not None else None
    columns, count = COLUMNS[what], 0
    with (_csv if form == "csv" else _parquet)(columns, output) as write:
        async for found in _rows(desk, what, since, until, (place.cell, place.account) if place else None):
            write(_moments(found, columns))
            count += len(found)
            progress(len(found))
    return count


async def _rows(
    desk: Desk, what: str, since: datetime | None, until: datetime | None, place: tuple[int, int] | None
) -> AsyncIterator[Rows]:
    """Yield rows, some thousand at a time."""
    async with desk.pool.acquire() as connection:
        async for found in exporting.list_rows(connection, what, since, until, place):
            yield found


def _moments(found: Rows, columns: dict[str, str]) -> Rows:
    """Return rows with their instants as times; the one that never comes is none."""
    places = [nth for nth, kind in enumerate(columns.values()) if kind == "instant"]
    if not places:
        return found
    rows = [list(row) for row in found]
    for row in rows:
        for nth in places:
            row[nth] = moment(row[nth]) if abs(row[nth]) < FOREVER else None
    return [tuple(row) for row in rows]


@contextmanager
def _csv(columns: dict[str, str], output: BinaryIO) -> Iterator[Write]:
    """Give a function that writes rows as CSV (RFC 4180, UTF-8)."""
    text = io.TextIOWrapper(output, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(columns)

    def write(found: Rows) -> None:
        writer.writerows([_cell(value) for value in row] for row in found)

    yield write
    text.flush()
    text.detach()


def _cell(value: Any) -> Any:
    """Return a value as a CSV holds it."""
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else value


@contextmanager
def _parquet(columns: dict[str, str], output: BinaryIO) -> Iterator[Write]:
    """Give a function that writes rows as Parquet. Raises: InvalidInput where pyarrow is not installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise InvalidInput("export_no_parquet", field="format", value="parquet") from None
    time = pa.timestamp("us", tz="UTC")
    kinds = {
        "text": pa.string(),
        "number": pa.int64(),
        "flag": pa.bool_(),
        "time": time,
        "instant": time,
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    with parquet.ParquetWriter(output, schema, compression="zstd") as writer:

        def write(found: Rows) -> None:
            values = [
                pa.array(column, field.type)
                for column, field in zip(zip(*found, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(values, schema=schema))

        yield write


@contextmanager
def whole_file(file: Path) -> Iterator[BinaryIO]:
    """Give a file to write, which gets its name only when it is whole."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as output:
            yield output
        part.replace(file)
    except OSError as trouble:
        problem = trouble.strerror or str(trouble)
        raise InvalidInput("export_unwritable", field="file", value=str(file), problem=problem) from None
    finally:
        part.unlink(missing_ok=True)
