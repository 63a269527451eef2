"""Named statements: how they are read, and that each of ours is sound, explained and used."""

import asyncio
import re
from pathlib import Path

import pglast
import pytest

from tokenhouse.store import statements as store_statements
from tokenhouse.store.pool import connect
from tokenhouse.store.statements import FOLDER, parse, sql, statements

STORE = Path(store_statements.__file__).parent
OURS = sorted(statements().values(), key=lambda each: each.name)
VERBS = ("find", "list", "lock", "write", "sum")

each_of_ours = pytest.mark.parametrize("statement", OURS, ids=lambda each: each.name)


def test_a_statement_has_name_shape_reason_and_text():
    text = """-- About the file.

-- name: lock_rows :many
-- why: They change together,
--   and nobody may come between.
select id -- the row
from rows
for update;

-- name: write_row :exec
-- why: It is new.
insert into rows values ($1, ';');
"""
    rows, row = parse(text, subject="rows")
    assert (rows.name, rows.shape, rows.subject) == ("lock_rows", "many", "rows")
    assert rows.why == "They change together, and nobody may come between."
    assert rows.text == "select id -- the row\nfrom rows\nfor update"
    assert (row.name, row.shape, row.text) == ("write_row", "exec", "insert into rows values ($1, ';')")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("select 1;", "before the first"),
        ("-- name: find_one\n-- why: so\nselect 1;", "is not"),
        ("-- name: find_one :some\n-- why: so\nselect 1;", "is not"),
        ("-- name: FindOne :one\n-- why: so\nselect 1;", "is not"),
        ("-- name: find_one :one\nselect 1;", "no `-- why:`"),
        ("-- name: find_one :one\n-- why:\nselect 1;", "no `-- why:`"),
        ("-- name: find_one :one\n-- why: so\n", "no SQL"),
        ("-- name: find_one :one\n-- why: so\n;", "no SQL"),
        ("-- name: find_one :one", "no `-- why:`"),
    ],
)
def test_a_header_that_says_too_little_is_refused(text: str, problem: str):
    with pytest.raises(ValueError, match=problem):
        list(parse(text, subject="file"))


def test_a_name_stands_once(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.sql").write_text("-- name: find_one :one\n-- why: so\nselect 1;\n")
    with pytest.raises(ValueError, match=r"b\.sql: find_one stands also in a\.sql"):
        statements(tmp_path)


def test_columns_stand_once_and_statements_name_them_in_braces(tmp_path: Path):
    (tmp_path / "a.sql").write_text(
        "-- columns: pair\nt.a,\nt.b;\n\n-- name: find_a :one\n-- why: so\nselect 1;\n"
    )
    (tmp_path / "b.sql").write_text(
        "-- About it.\n\n-- name: find_b :one\n-- why: so\nselect {pair}, '{}' from t;\n"
    )
    assert statements(tmp_path)["find_b"].text == "select t.a,\nt.b, '{}' from t"
    assert statements(tmp_path)["find_a"].text == "select 1"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- name: find_b :one\n-- why: so\nselect {pairs};\n", "find_b names columns that stand nowhere"),
        ("-- columns: pair\nt.c;\n", "pair stand somewhere else"),
    ],
)
def test_columns_that_stand_nowhere_or_twice_are_refused(tmp_path: Path, text: str, problem: str):
    (tmp_path / "a.sql").write_text("-- columns: pair\nt.a, t.b;\n")
    (tmp_path / "b.sql").write_text(text)
    with pytest.raises(ValueError, match=rf"b\.sql: .*{problem}"):
        statements(tmp_path)


def test_columns_that_stand_by_themselves_are_read_by_several():
    texts = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.sql"))
    named = re.findall(r"^-- columns: (\w+)$", texts, re.MULTILINE)
    assert named
    assert all(texts.count(f"{{{name}}}") > 1 for name in named)


def test_they_are_read_once():
    assert statements() is statements()
    assert sql("list_schema_versions") == statements()["list_schema_versions"].text


@each_of_ours
def test_each_is_one_statement_of_postgresql(statement):
    assert len(pglast.parse_sql(statement.text)) == 1


@each_of_ours
def test_each_says_why_in_a_sentence_and_begins_with_what_it_does(statement):
    assert statement.why.endswith(".")
    assert statement.name.startswith(VERBS)


@each_of_ours
def test_each_has_a_caller(statement):
    source = "".join(file.read_text(encoding="utf-8") for file in STORE.rglob("*.py"))
    assert re.search(rf'"{statement.name}"', source), "nothing in store/ asks for it"


def test_each_prepares_on_a_fresh_database_and_returns_rows_if_it_says_so(database: str):
    async def prepared() -> dict[str, str]:
        connection = await connect(database)
        wrong = {}
        try:
            for statement in OURS:
                try:
                    rows = (await connection.prepare(statement.text)).get_attributes()
                except Exception as trouble:  # noqa: BLE001  # All of them are shown at once.
                    wrong[statement.name] = str(trouble)
                else:
                    if not rows and statement.shape != "exec":
                        wrong[statement.name] = f"is :{statement.shape} and returns no columns"
        finally:
            await connection.close()
        return wrong

    with asyncio.Runner() as runner:
        assert runner.run(prepared()) == {}
