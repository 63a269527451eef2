"""Settings described: every setting with its meaning, for the page of the docs and for the operator's.

What a setting means stands below it in the source, in English, and in `ko.toml` in Korean. Where one that is
in force came from is found out by reading once more: what reads otherwise was given by the program.
"""

import ast
import inspect
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct

from tokenhouse.errors import StartRefused
from tokenhouse.settings import Settings, given, read, written
from tokenhouse.settings.checks import SECRETIVE, without_credentials

Origin = Literal["environment", "file", "program", "default"]

NESTED: Final = "."
"""What stands between a table and a setting in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A setting as its source has it: its default, as it is written there, and what it means."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A setting as it is in force. A secret's value is None, and `is_set` tells whether there is one.

    `place` is where it stands, `upstream.openai.key`; `kind` is the same without the name of the one of
    several: `upstream.key`.
    """

    place: str
    kind: str
    value: Any
    is_set: bool
    is_secret: bool
    origin: Origin


def fields(kind: type) -> Iterator[Field]:
    """Yield each field of a class of settings, in the order of its lines in the source."""
    [body] = [
        node.body
        for node in ast.parse(inspect.getsource(inspect.getmodule(kind) or kind)).body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    for field, said in pairwise(body):
        if isinstance(field, ast.AnnAssign):
            yield Field(
                name=ast.unparse(field.target),
                default="" if field.value is None else ast.unparse(field.value),
                meaning=ast.literal_eval(said.value) if isinstance(said, ast.Expr) else "",
            )


def tables(of: type = Settings, above: str = "") -> dict[str, type]:
    """Return the settings that are tables of their own: how each is written in the file -> its class."""
    found: dict[str, type] = {}
    for name, kind in get_type_hints(of).items():
        parts = [kind, *get_args(kind)]
        struct = next((one for one in parts if isinstance(one, type) and issubclass(one, Struct)), None)
        if struct is not None:
            place = above + name
            found[f"[[{place}]]" if get_origin(kind) is tuple else f"[{place}]"] = struct
            found |= tables(struct, f"{place}{NESTED}")
    return found


@cache
def meanings(locale: str) -> Mapping[str, str]:
    """Return what each setting means, in a language: `upstream.key` -> a sentence or two."""
    if locale == "ko":
        text = resources.files(__package__).joinpath("ko.toml").read_text(encoding="utf-8")
        return {name: str(said) for name, said in tomllib.loads(text).items()}
    found = {one.name: one.meaning for one in fields(Settings)}
    for place, kind in tables().items():
        found |= {f"{place.strip('[]')}{NESTED}{one.name}": one.meaning for one in fields(kind)}
    return found


def in_force(chosen: Settings, environ: Mapping[str, str] = os.environ) -> list[InForce]:
    """Return every setting in force, tables setting by setting; of secrets only whether they are there."""
    origins = origins_of(chosen, environ)
    return [
        one
        for name in Settings.__struct_fields__
        for one in _lines(name, name, name, getattr(chosen, name), origins[name])
    ]


def origins_of(chosen: Settings, environ: Mapping[str, str]) -> dict[str, Origin]:
    """Return where each setting came from, as far as reading them once more tells."""
    default = Settings()
    try:
        again, from_environment = read(environ), given(environ)
        from_file = written(again.folder)
    except StartRefused:
        again, from_environment, from_file = default, {}, {}
    found: dict[str, Origin] = {}
    for name in Settings.__struct_fields__:
        value = getattr(chosen, name)
        if value != getattr(again, name):
            found[name] = "default" if value == getattr(default, name) else "program"
        elif name in from_environment:
            found[name] = "environment"
        else:
            found[name] = "file" if name in from_file else "default"
    return found


def _lines(name: str, place: str, kind: str, value: Any, origin: Origin) -> Iterator[InForce]:
    """Yield a setting, or those of the tables that it is."""
    if isinstance(value, Struct):
        for inner in value.__struct_fields__:
            at, of = f"{place}{NESTED}{inner}", f"{kind}{NESTED}{inner}"
            yield from _lines(inner, at, of, getattr(value, inner), origin)
    elif isinstance(value, tuple) and value and isinstance(value[0], Struct):
        for nth, one in enumerate(value, 1):
            at = f"{place}{NESTED}{getattr(one, 'name', nth)}"
            yield from _lines(name, at, kind, one, origin)
    else:
        is_secret = SECRETIVE.search(name) is not None
        is_set = value not in (None, "", (), {})
        yield InForce(
            place=place,
            kind=kind,
            value=None if is_secret else _plain(value),
            is_set=is_set,
            is_secret=is_secret,
            origin=origin,
        )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, and no address with what opens it."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if value is None or isinstance(value, bool | int | float):
        return value
    return without_credentials(str(value))
