"""Named SQL: every statement stands in `sql/*.sql` with its name, its shape and the reason why it exists.

    -- name: lock_balances :many
    -- why: A batch locks all its accounts in one order, so that two batches never wait for each other.
    select {balance} from tokenhouse.balances b where … for update;

Shapes: `:one` row exactly, `:maybe` one, `:many`, and `:exec` for none.

The columns of which several statements make the same value stand once, and each names them in braces:

    -- columns: balance
    b.cell, b.account, …;
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias, cast

FOLDER = Path(__file__).parent / "sql"
NO_COLUMNS: Mapping[str, str] = MappingProxyType({})

Shape: TypeAlias = Literal["one", "maybe", "many", "exec"]

_NAME = re.compile(r"-- name: (?P<name>[a-z][a-z0-9_]*) :(?P<shape>one|maybe|many|exec)")
_WHY = re.compile(r"-- why: (?P<why>\S.*)")
_COLUMNS = re.compile(r"^-- columns: (?P<name>[a-z][a-z0-9_]*)\n(?P<columns>[^;]+);\n", re.MULTILINE)
_BRACES = re.compile(r"\{(?P<name>[a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement: `subject` is its file's name, `text` the SQL without its header and final semicolon."""

    name: str
    shape: Shape
    why: str
    text: str
    subject: str


@cache
def statements(folder: Path = FOLDER) -> Mapping[str, Statement]:
    """Return every statement of a folder by name; the files are read once.

    Raises: ValueError, naming file and statement, for a header that is wrong, a name that stands twice, a
        statement without reason or without SQL, columns that stand nowhere or twice.
    """
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.sql"))}
    columns = _columns(texts)
    found: dict[str, Statement] = {}
    for subject, text in texts.items():
        for statement in parse(text, subject=subject, columns=columns):
            if statement.name in found:
                other = found[statement.name].subject
                raise ValueError(f"{subject}.sql: {statement.name} stands also in {other}.sql")
            found[statement.name] = statement
    return MappingProxyType(found)


def sql(name: str) -> str:
    """Return the text of one statement, for a module to bind once, at import."""
    return statements()[name].text


def parse(text: str, *, subject: str, columns: Mapping[str, str] = NO_COLUMNS) -> Iterator[Statement]:
    """Yield the statements of one file, with their `columns`. Raises: ValueError, as `statements`."""
    head, *blocks = re.split(r"^(?=-- name:)", _COLUMNS.sub("", text), flags=re.MULTILINE)
    if any(line.strip() and not line.startswith("--") for line in head.splitlines()):
        raise ValueError(f"{subject}.sql: SQL before the first `-- name:`")
    for block in blocks:
        first, *lines = block.strip().splitlines()
        named = _NAME.fullmatch(first)
        if named is None:
            raise ValueError(
                f"{subject}.sql: {first!r} is not `-- name: words_like_this :one|:maybe|:many|:exec`"
            )
        reason = _WHY.fullmatch(lines[0]) if lines else None
        if reason is None:
            raise ValueError(f"{subject}.sql: {named['name']} has no `-- why:` on its second line")
        rest = lines[1:]
        why = [reason["why"]]
        while rest and rest[0].startswith("--"):
            why.append(rest.pop(0).removeprefix("--").strip())
        body = "\n".join(rest).strip().removesuffix(";").rstrip()
        if not body:
            raise ValueError(f"{subject}.sql: {named['name']} has no SQL")
        unknown = set(_BRACES.findall(body)) - columns.keys()
        if unknown:
            raise ValueError(f"{subject}.sql: {named['name']} names columns that stand nowhere: {unknown}")
        yield Statement(
            name=named["name"],
            shape=cast("Shape", named["shape"]),
            why=" ".join(why),
            text=_BRACES.sub(lambda braces: columns[braces["name"]], body),
            subject=subject,
        )


def _columns(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the columns that stand in the files, by name. Raises: ValueError where one stands twice."""
    found: dict[str, str] = {}
    for subject, text in texts.items():
        for one in _COLUMNS.finditer(text):
            if one["name"] in found:
                raise ValueError(f"{subject}.sql: the columns {one['name']} stand somewhere else as well")
            found[one["name"]] = one["columns"]
    return found
