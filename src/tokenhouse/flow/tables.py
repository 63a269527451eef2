"""Tables: the lines of a CSV from outside as values by column, whatever its encoding and delimiter."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import shown

ENCODINGS: Final = ("utf-8-sig", "cp949")
"""Tried in this order: the web's, with or without a mark, then that of Korean spreadsheets."""
DELIMITERS: Final = ",;\t"
CHUNK_BYTES: Final = 1 << 20
FORMULA: Final = re.compile(r"['\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")
"""How a cell begins that a spreadsheet takes for a formula: by a sign, be it a full-width one, after white
space that some of them drop; or by what ends a cell for some of them."""


Wrong = Callable[[InvalidInput], None]
"""Hears of a line that cannot be taken; it raises, or the line is left out."""


class Row(NamedTuple):
    """One line: where it begins in the file, and the values of its known columns."""

    line: int
    values: dict[str, str]


def invalid_line(file: str, line: int, column: str, problem: InvalidInput) -> InvalidInput:
    """Return what is told of a bad line: file, line, column, problem and way out."""
    return InvalidInput("import_line", file=file, line=line, column=column, problem=problem)


def refused(problem: InvalidInput) -> None:
    """Take no file in which a line is wrong."""
    raise problem


def guarded(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula: an apostrophe before it, where needed."""
    return f"'{text}" if FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def read(
    file: Path,
    known: Sequence[str],
    *,
    named: Mapping[str, str],
    required: Sequence[str],
    encoding: str | None,
    wrong: Wrong = refused,
) -> Iterator[Row]:
    """Yield the lines of a CSV, of the `known` columns; memory stays constant. A column `id` is `ref`.

    Args:
        file: its first line names the columns.
        known: the columns that are looked for; others are passed over.
        named: what the file calls a column -> which one it is.
        required: the columns that must be there.
        encoding: of the file; found out by reading it once where it is not given.
        wrong: hears of lines with too few fields, or too many.

    Raises: InvalidInput that names file, line and column.
    """
    chosen = encoding or encoding_of(file)
    try:
        with file.open(encoding=chosen, newline="") as text:
            header = text.readline()
            delimiter = max(DELIMITERS, key=header.count)
            text.seek(0)
            lines = csv.reader(text, delimiter=delimiter, strict=True)
            columns = _columns(file.name, next(lines, []), known, named, required)
            begins = lines.line_num + 1
            for values in _sound(lines, file.name):
                if len(values) == len(columns) and any(values):
                    yield Row(begins, _named(columns, values))
                elif any(values):
                    problem = InvalidInput("import_width", field="", value=len(values), expected=len(columns))
                    wrong(invalid_line(file.name, begins, "-", problem))
                begins = lines.line_num + 1
    except (UnicodeError, LookupError) as trouble:
        raise InvalidInput(
            "import_encoding", field="encoding", value=chosen, file=file.name, problem=str(trouble)
        ) from None
    except OSError as trouble:
        raise InvalidInput(
            "import_unreadable", field="file", value=file.name, problem=trouble.strerror or str(trouble)
        ) from None


def encoding_of(file: Path) -> str:
    """Return the first of `ENCODINGS` in which the whole file can be read. Raises: InvalidInput."""
    for encoding in ENCODINGS:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with file.open("rb") as raw:
                while chunk := raw.read(CHUNK_BYTES):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        except OSError as trouble:
            problem = trouble.strerror or str(trouble)
            raise InvalidInput("import_unreadable", field="file", value=file.name, problem=problem) from None
        return encoding
    raise InvalidInput(
        "import_encoding", field="encoding", value="", file=file.name, problem=" / ".join(ENCODINGS)
    )


def _columns(
    file: str, header: list[str], known: Sequence[str], named: Mapping[str, str], required: Sequence[str]
) -> list[str]:
    """Return which column each field of a line is; "" for those that are passed over."""
    for target in named.values():
        if target not in known:
            raise InvalidInput("choice_unknown", field="map", value=target, known=", ".join(known))
    titles = [title.strip() for title in header]
    for title in named:
        if title not in titles:
            raise InvalidInput("choice_unknown", field="map", value=title, known=", ".join(titles))
    columns = [named.get(title, title.lower()) for title in titles]
    if "ref" not in columns:
        columns = ["ref" if column == "id" else column for column in columns]
    columns = [column if column in known else "" for column in columns]
    for column in required:
        if column not in columns:
            raise InvalidInput(
                "import_no_column", field=column, value="", file=file, found=shown(", ".join(titles))
            )
    for column in filter(None, columns):
        if columns.count(column) > 1:
            raise InvalidInput("import_column_twice", field=column, value="", file=file)
    return columns


def _sound(lines: Any, file: str) -> Iterator[list[str]]:
    """Yield the fields of each line. Raises: InvalidInput for endless quoting or a field too long."""
    while True:
        begins = lines.line_num + 1
        try:
            values = next(lines, None)
        except csv.Error as trouble:
            problem = InvalidInput("import_csv", field="", value="", problem=str(trouble))
            raise invalid_line(file, begins, "-", problem) from None
        if values is None:
            return
        yield values


def _named(columns: list[str], values: list[str]) -> dict[str, str]:
    """Return the values of a line by column, each without white space around it."""
    return {
        column: unguarded(value.strip(" ")) for column, value in zip(columns, values, strict=True) if column
    }
