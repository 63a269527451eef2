"""House style that a program can check: sizes, names, docstrings, and who may say what to whom."""

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tokenhouse"

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LINE_LENGTH_MAX = 110

EMPTY_MODULE_NAMES = {"utils", "helpers", "common", "models", "manager", "base_service"}
EMPTY_PREFIXES = ("get_", "do_", "handle_", "process_", "manage_")
GIVEN_NAMES = {"__get__", "get_command", "get_metavar", "get_params"}
"""What Python and click call: the names are theirs."""

SQL = re.compile(
    r"\bselect\s.+\sfrom\s|\binsert\s+into\s|\bupdate\s+[\w.\"]+\s+set\s"
    r"|\bdelete\s+from\s|\btruncate\s+table\s",
    re.IGNORECASE | re.DOTALL,
)
CLOCKS_AND_DOORS = {"now", "utcnow", "today", "monotonic", "perf_counter", "open", "print", "input", "sleep"}
"""Calls that would bring a clock or I/O into the rules past the import contract."""

REGISTRIES = re.compile(r"\b(?:pypi|pythonhosted|npmjs|yarnpkg|crates|debian)\.(?:org|com|io|net)\b")
MACHINE_PATHS = re.compile(r"(?<![\w./~-])/(?:wor" + r"k|op" + r"t)/\w")


@cache
def project_files() -> list[Path]:
    """Return every file that is, or is about to be, part of the project."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("only a git checkout knows which files are the project's")
    # Whoever owns the folder: a container often mounts a checkout of somebody else.
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    return [ROOT / name for name in sorted(filter(None, names)) if (ROOT / name).is_file()]


def written_in(*suffixes: str, below: Path = ROOT) -> list[Path]:
    return [file for file in project_files() if file.suffix in suffixes and file.is_relative_to(below)]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def place(file: Path, line: int = 0) -> str:
    return f"{file.relative_to(ROOT)}:{line}"


def definitions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def docstrings(file: Path) -> set[int]:
    """Return the ids of the nodes that are docstrings: bare strings, also those below an attribute."""
    return {
        id(node.value)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def test_files_are_short():
    lengths = {
        place(file): file.read_text(encoding="utf-8").count("\n") for file in written_in(".py", ".sql")
    }
    assert {file: lines for file, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_functions_are_short():
    lengths = {
        f"{place(file, function.lineno)} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for file in written_in(".py")
        for function in definitions(file)
    }
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES_MAX} == {}


def test_lines_are_short():
    long = [
        place(file, number)
        for file in written_in(".py", ".sql")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > LINE_LENGTH_MAX
    ]
    assert long == []


def test_modules_have_names_that_say_something():
    assert [place(file) for file in written_in(".py") if file.stem in EMPTY_MODULE_NAMES] == []
    assert [place(file) for file in written_in(".py") if EMPTY_MODULE_NAMES & set(file.parent.parts)] == []


def test_functions_have_names_that_say_something():
    empty = [
        f"{place(file, function.lineno)} {function.name}"
        for file in written_in(".py", below=SOURCE)
        for function in definitions(file)
        if function.name.lstrip("_").startswith(EMPTY_PREFIXES) and function.name not in GIVEN_NAMES
    ]
    assert empty == []


def test_every_module_opens_with_a_sentence():
    silent = []
    for file in written_in(".py"):
        opening = (ast.get_docstring(tree(file)) or "").partition("\n\n")[0]
        if not opening.endswith((".", ":", "?")):
            silent.append(place(file))
    assert silent == []


def test_only_the_store_speaks_sql():
    spoken = []
    for file in written_in(".py", below=SOURCE):
        if file.is_relative_to(SOURCE / "store"):
            continue
        told = docstrings(file)
        for node in ast.walk(tree(file)):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if SQL.search(text) and id(node) not in told:
                spoken.append(place(file, node.lineno))
    assert spoken == []


def test_floats_enter_the_rules_only_for_display():
    floats = [
        place(file, number)
        for file in written_in(".py", below=SOURCE / "rules")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\bfloat\(", line) and "# display" not in line
    ]
    assert floats == []


def test_rules_ask_no_clock_and_open_no_door():
    calls = []
    for file in written_in(".py", below=SOURCE / "rules"):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                if name in CLOCKS_AND_DOORS:
                    calls.append(f"{place(file, node.lineno)} {name}")
    assert calls == []


def test_no_file_names_a_registry_or_a_machine():
    told = []
    for file in project_files():
        content = file.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            if REGISTRIES.search(line) or MACHINE_PATHS.search(line):
                told.append(place(file, number))
    assert told == []


def test_locks_hold_hashes_and_no_address():
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        lines = lock.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if "://" in line or line.startswith("-")] == [], lock.name
        pinned = [number for number, line in enumerate(lines) if "==" in line and not line.startswith(" ")]
        assert pinned, lock.name
        assert all("--hash=sha256:" in lines[number + 1] for number in pinned), lock.name


def test_locks_hold_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        "runtime.txt": project["project"]["dependencies"],
        "build.txt": project["dependency-groups"]["build"],
        "dev.txt": project["project"]["dependencies"] + project["dependency-groups"]["dev"],
    }
    for name, requirements in wanted.items():
        lock = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        locked = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
        asked = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}
        assert asked <= locked, f"run `make lock`: {name} lacks {asked - locked}"


def test_only_tests_and_benches_look_outside_the_project():
    outside = "../" + "shared"
    inside = [file for file in project_files() if file.parts[len(ROOT.parts)] not in {"tests", "bench"}]
    assert [place(file) for file in inside if outside.encode() in file.read_bytes()] == []
