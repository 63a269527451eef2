"""Every sentence that the code can say exists, in each language, with the facts that it needs."""

import ast
import inspect
import string
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tokenhouse import errors, messages

SOURCE = Path(messages.__file__).parent.parent

ERRORS = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.TokenhouseError)
}


class Said(NamedTuple):
    """A place in the source that says a sentence: its name, and the facts given there (None: computed)."""

    where: str
    name: str
    facts: set[str] | None


def placeholders(sentence: str) -> set[str]:
    """Return the facts that a sentence needs: `{amount:,}` and `{plan[name]}` need `amount` and `plan`."""
    fields = [field for _, field, _, _ in string.Formatter().parse(sentence) if field is not None]
    return {field.partition("[")[0].partition(".")[0] for field in fields}


def everything_said() -> Iterator[Said]:
    """Yield each call of `say("…")` and each error that is built with a literal name, or with none."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = sentence_of(node) if isinstance(node, ast.Call) else None
            if name:
                given = {keyword.arg for keyword in node.keywords}
                facts = None if None in given else {fact for fact in given if fact}
                yield Said(f"{file.relative_to(SOURCE)}:{node.lineno}", name, facts)


def sentence_of(call: ast.Call) -> str | None:
    """Return the sentence that a call names, or None when it names none or computes it."""
    called = ast.unparse(call.func).rpartition(".")[2]
    first = call.args[0] if call.args else None
    literal = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    if called == "say":
        return literal
    if called in ERRORS:
        return f"error.{literal or ERRORS[called].code}" if literal or first is None else None
    return None


@pytest.mark.parametrize("locale", messages.LOCALES)
def test_every_error_has_a_sentence(locale: str):
    told = messages.catalogue(locale)
    assert [kind.__name__ for kind in ERRORS.values() if f"error.{kind.code}" not in told] == []


def test_languages_have_the_same_sentences():
    english, *others = (messages.catalogue(locale) for locale in messages.LOCALES)
    for other in others:
        assert list(other) == list(english), "the same names, in the same order"


def test_languages_state_the_same_facts():
    english, *others = (messages.catalogue(locale) for locale in messages.LOCALES)
    for other in others:
        assert [n for n in english if placeholders(english[n]) != placeholders(other.get(n, ""))] == []


def test_what_is_said_has_a_sentence():
    told = messages.catalogue("en")
    assert [f"{said.where} {said.name}" for said in everything_said() if said.name not in told] == []


def test_what_is_said_comes_with_the_facts_of_its_sentence():
    told = messages.catalogue("en")
    short = {
        f"{said.where} {said.name}": sorted(missing)
        for said in everything_said()
        if said.facts is not None and (missing := placeholders(told.get(said.name, "")) - said.facts)
    }
    assert short == {}


def test_every_sentence_about_an_error_is_said_somewhere():
    source = "".join(file.read_text(encoding="utf-8") for file in sorted(SOURCE.rglob("*.py")))
    names = [name.removeprefix("error.") for name in messages.catalogue("en") if name.startswith("error.")]
    assert [name for name in names if f'"{name}"' not in source] == []
