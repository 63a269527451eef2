"""Settings: read once, from the environment, then the file, then defaults; and the page that lists them all.

`python -m tests.test_settings` writes the table of docs/reference/settings.md anew.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tokenhouse.errors import StartRefused
from tokenhouse.settings import Settings, described, read
from tokenhouse.settings.checks import without_credentials
from tokenhouse.settings.described import tables

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"
START, END = "<!-- table: written by `python -m tests.test_settings` -->", "<!-- /table -->"


def rows(kind: type) -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each field of a class of settings, as the page writes them."""
    for one in described.fields(kind):
        default = one.default.removeprefix("Path(").removesuffix(")" if "Path(" in one.default else "")
        plain = re.sub(r"(?<=\d)_(?=\d)", "", default.strip("'"))
        named = {"None": "none", "": "needed", "()": "none", "{}": "none", "''": "none"}
        yield one.name, named.get(default, f"`{plain}`"), one.meaning


def table() -> str:
    """Return the tables of settings, and of those that are tables themselves."""
    lines = ["| setting | environment | default | meaning |", "|---|---|---|---|"]
    inner = tables()
    for name, shown, meaning in rows(Settings):
        is_table = {f"[{name}]", f"[[{name}]]"} & inner.keys()
        variable = "only in the file" if is_table else f"`TOKENHOUSE_{name.upper()}`"
        default = re.sub(r"^`\w+\(\)`$", "as below", shown)
        lines.append(f"| `{name}` | {variable} | {default} | {meaning} |")
    for written, kind in inner.items():
        said = (inspect.getdoc(kind) or "").partition("\n")[0]
        lines += ["", f"`{written}`: {said}", "", "| key | default | meaning |", "|---|---|---|"]
        lines += [f"| `{name}` | {shown} | {meaning} |" for name, shown, meaning in rows(kind)]
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


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("postgresql://app:pa55@db/one?password=pa55&sslmode=require", "postgresql://db/one"),
        ("postgresql://app:p%40a%2F55@db/one", "postgresql://db/one"),
        ("postgresql://app:pa/55@db/one", "…"),
        ("postgresql://app:pa?55@db/one", "…"),
        ("postgresql://app:pa#55@db/one", "…"),
        ("redis://:pa55@cache:6379/0", "redis://cache:6379/0"),
        ("redis://:pa55@one,redis://:pa55@two", "…"),
        ("amqps://u:pa55@queue/%2f", "amqps://queue/%2f"),
        ("host=db user=app password='pa 55'", "…"),
        ("host=db sslpassword = pa55", "…"),
        ("[one]\nhost=db\nPGPASSWORD=pa55", "…"),
        ('{"private_token": "pa55"}', "…"),
        ("host=db user=app", "host=db user=app"),
        ("file:///var/lib/tokenhouse", "file:///var/lib/tokenhouse"),
        ("chat-tokens", "chat-tokens"),
    ],
)
def test_nobody_sees_what_opens_an_address(said: str, seen: str):
    assert without_credentials(said) == seen
