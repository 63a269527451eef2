"""The map of promises is complete and true: no row missing, no code absent, nothing kept without a test."""

import importlib

import pytest

from tests.requirements import PAGE, ROOT, ROWS, Row, expected_rows, marks, page, table

TITLES, TABLE = table()
SHOWN = marks()
STATES = {"done", "planned"}


def test_every_row_stands_in_the_table_once_and_in_order():
    assert list(TABLE) == expected_rows()
    assert list(TITLES) == list(ROWS)


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.name)
def test_row_is_true(row: Row):
    assert row.state in STATES
    assert row.promise.endswith("."), "a promise is a sentence"
    assert row.code, "a promise names its code, or where that will stand"
    if row.kept:
        for reference in row.code:
            resolve(reference)
        assert SHOWN.get(row.name), f"{row.name} is {row.state}, but no test is marked with it"


def test_marks_name_rows_that_exist():
    assert set(SHOWN) <= set(TABLE)


def test_page_is_what_would_be_written_now():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make requirements`"


def resolve(reference: str) -> object:
    """Return what `package.module:object.attribute` or `path/from/the/root` means, or fail."""
    if "/" in reference:
        assert (ROOT / reference).exists(), f"no file {reference}"
        return None
    module, _, names = reference.partition(":")
    found: object = importlib.import_module(module)
    for name in filter(None, names.split(".")):
        found = getattr(found, name)
    return found
