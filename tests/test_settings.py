"""Settings: read once, from the environment, then the file, then defaults; and the page that lists them all.

`python -m tests.test_settings` writes the table of docs/reference/settings.md anew.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest
from msgspec import Struct

from tokenhouse.errors import StartRefused
from tokenhouse.settings import Settings, read

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"
START, END = "<!-- table: written by `python -m tests.test_settings` -->", "<!-- /table -->"


def fields(kind: type) -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each field of a class of settings, from its lines in the source."""
    [body] = [
        node.body
        for node in ast.parse(inspect.getsource(inspect.getmodule(kind))).body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    for field, said in pairwise(body):
        if isinstance(field, ast.AnnAssign):
            default = "" if field.value is None else ast.unparse(field.value)
            default = default.removeprefix("Path(").removesuffix(")" if "Path" in ast.unparse(field) else "")
            plain = re.sub(r"(?<=\d)_(?=\d)", "", default.strip("'"))
            named = {"None": "none", "": "needed", "()": "none", "{}": "none", "''": "none"}
            shown = named.get(default, f"`{plain}`")
            meaning = ast.literal_eval(said.value) if isinstance(said, ast.Expr) else ""
            yield ast.unparse(field.target), shown, meaning


def tables(of: type = Settings, above: str = "") -> dict[str, type]:
    """Return the settings that are tables of their own: how each is written in the file -> its class."""
    found: dict[str, type] = {}
    for name, kind in get_type_hints(of).items():
        parts = [kind, *get_args(kind)]
        struct = next((one for one in parts if isinstance(one, type) and issubclass(one, Struct)), None)
        if struct is not None:
            place = above + name
            found[f"[[{place}]]" if get_origin(kind) is tuple else f"[{place}]"] = struct
            found |= tables(struct, f"{place}.")
    return found


def table() -> str:
    """Return the tables of settings, and of those that are tables themselves."""
    lines = ["| setting | environment | default | meaning |", "|---|---|---|---|"]
    inner = tables()
    for name, shown, meaning in fields(Settings):
        is_table = {f"[{name}]", f"[[{name}]]"} & inner.keys()
        variable = "only in the file" if is_table else f"`TOKENHOUSE_{name.upper()}`"
        default = re.sub(r"^`\w+\(\)`$", "as below", shown)
        lines.append(f"| `{name}` | {variable} | {default} | {meaning} |")
    for written, kind in inner.items():
        said = (inspect.getdoc(kind) or "").partition("\n")[0]
        lines += ["", f"`{written}`: {said}", "", "| key | default | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {shown} | {meaning} |" for name, shown, meaning in fields(kind)]
    return "\n".join(lines)


def page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return f"{text.partition(START)[0]}{START}\n\n{table()}\n\n{END}{text.partition(END)[2]}"


def test_the_docs_list_every_setting():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.test_settings`"
    names = [name for kind in (Settings, *tables().values()) for name in kind.__struct_fields__]
    assert all(f"`{name}`" in page() for name in names)


@pytest.mark.row("C6")
def test_environment_goes_before_file_and_file_before_defaults(tmp_path):
    (tmp_path / "tokenhouse.toml").write_text('plan = "points"\nlanes = 3\n', encoding="utf-8")
    found = read({"TOKENHOUSE_HOME": str(tmp_path), "TOKENHOUSE_LANES": "4", "HOME": "/nowhere"})
    assert (found.plan, found.lanes, found.port, found.folder) == ("points", 4, 8300, tmp_path)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TOKENHOUSE_LANES": "many"}, ["lanes"]),
        ({"TOKENHOUSE_LANES": "0"}, ["lanes", "0"]),
        ({"TOKENHOUSE_LANES": "99"}, ["lanes", "99"]),
        ({"TOKENHOUSE_LANE": "2"}, ["lane"]),
        ({"TOKENHOUSE_LOCALE": "fr"}, ["locale"]),
        ({"TOKENHOUSE_TIME_ZONE": "Mars/Olympus"}, ["time_zone", "Mars/Olympus"]),
        ({"TOKENHOUSE_TIME_ZONE": "../../etc/passwd"}, ["time_zone"]),
        ({"TOKENHOUSE_QUEUE_ROWS_MAX": "10"}, ["queue_rows_max", "10", "500"]),
        ({"TOKENHOUSE_ENVIRONMENT": "staging"}, ["environment"]),
    ],
)
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(tmp_path, environ, words, locale):
    with pytest.raises(StartRefused) as caught:
        read({"TOKENHOUSE_HOME": str(tmp_path), **environ})
    line = caught.value.message(locale)
    assert "\n" not in line
    assert [word for word in words if word not in line] == []


@pytest.mark.parametrize("text", ["lanes = ", "lanes = 'x'", "shoes = 2", b"\xff\xfe", "lanes = 2.5"])
def test_a_broken_file_is_named(tmp_path, text):
    file = tmp_path / "tokenhouse.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StartRefused, match=r"tokenhouse\.toml"):
        read({"TOKENHOUSE_HOME": str(tmp_path)})


def test_variables_of_the_command_line_stop_no_library(tmp_path):
    assert (
        read({"TOKENHOUSE_HOME": str(tmp_path), "TOKENHOUSE_JSON": "1", "TOKENHOUSE_DEBUG": "1"}).lanes == 2
    )


def test_empty_variables_count_as_unset(tmp_path):
    assert read({"TOKENHOUSE_HOME": str(tmp_path), "TOKENHOUSE_PLAN": ""}).plan == "chat-tokens"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} written\n")
