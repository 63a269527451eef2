"""Write docs/requirements.md, the map row -> code -> test, from its table and the marks on the tests.

    python -m tests.requirements

docs/requirements.toml names the promise, its state and its code; `@pytest.mark.row("A3", "E1")` on a test
names the promises that it shows. Marks are read from the source, so that the map is written without running.
"""

import ast
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "requirements.toml"
PAGE = ROOT / "docs" / "requirements.md"

ROWS = {"A": 7, "B": 8, "C": 10, "D": 11, "E": 13}
"""How many rows each part has: A1 … A7, B1 … B8 and so on."""


class Row(NamedTuple):
    """One promise: in our words, how far it is kept, and where."""

    name: str
    promise: str
    state: str
    code: list[str]

    @property
    def kept(self) -> bool:
        """Whether some of it works today, so that code and a test must exist."""
        return not self.state.startswith("planned")


def expected_rows() -> list[str]:
    """Return the names of all rows, in order."""
    return [f"{part}{number}" for part, last in ROWS.items() for number in range(1, last + 1)]


def table() -> tuple[dict[str, str], dict[str, Row]]:
    """Return the titles of the parts, and the rows by name, as docs/requirements.toml has them."""
    document = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    titles = document.pop("parts")
    return titles, {name: Row(name=name, **row) for name, row in document.items()}


def marks() -> dict[str, dict[str, list[str]]]:
    """Return what shows each row: row -> path of a test file -> names of its tests, or none: all."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        path = file.relative_to(ROOT).as_posix()
        module = ast.parse(file.read_text(encoding="utf-8"))
        for row in _module_rows(module):
            found[row][path] = []
        for name, row in _definition_rows(module.body):
            if path not in found[row] or found[row][path]:
                found[row][path].append(name)
    return found


def page() -> str:
    """Return docs/requirements.md as it should stand."""
    titles, rows = table()
    shown = marks()
    lines = [
        "# Requirements: promise, code, test",
        "",
        "<!-- Written by `make requirements`; change docs/requirements.toml or the marks on tests. -->",
        "",
        "Every promise of tokenhouse, how far it is kept, where its code stands, and the tests that show it.",
        "A test compares this page with the tests themselves, so it cannot go stale.",
        "",
        "States: **done** - kept, and shown by a test; **planned** - not yet, or not all of it.",
    ]
    for part, title in titles.items():
        lines += [
            "",
            f"## {part}. {title}",
            "",
            "| row | promise | state | code | tests |",
            "|---|---|---|---|---|",
        ]
        for row in rows.values():
            if row.name[0] == part:
                tests = _test_cell(shown.get(row.name, {}))
                cells = (row.name, row.promise, row.state, _code_cell(row), tests)
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _code_cell(row: Row) -> str:
    return " ".join(f"`{reference.removeprefix('tokenhouse.')}`" for reference in row.code)


def _test_cell(files: dict[str, list[str]]) -> str:
    return "<br>".join(
        f"[{path.removeprefix('tests/')}](../{path})" + "".join(f" · {name}" for name in names)
        for path, names in files.items()
    )


def _definition_rows(body: list[ast.stmt], prefix: str = "") -> list[tuple[str, str]]:
    """Return (test, row) of every mark on the functions and classes of `body`."""
    found = []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{node.name}"
            found += [(name, row) for mark in node.decorator_list for row in _mark_rows(mark)]
            if isinstance(node, ast.ClassDef):
                found += _definition_rows(node.body, f"{name}.")
    return found


def _module_rows(module: ast.Module) -> list[str]:
    """Return the rows of `pytestmark = …`, which marks the whole file."""
    rows = []
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            ast.unparse(target) == "pytestmark" for target in node.targets
        ):
            values = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            rows += [row for value in values for row in _mark_rows(value)]
    return rows


def _mark_rows(mark: ast.expr) -> list[str]:
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.row":
        return [ast.literal_eval(argument) for argument in mark.args]
    return []


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
