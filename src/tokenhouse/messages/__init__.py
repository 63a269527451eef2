"""Every sentence that a person reads, in English and Korean: one TOML file a language, looked up by name."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

LOCALES = ("en", "ko")


@cache
def catalogue(locale: str) -> dict[str, str]:
    """Return the sentences of one language as `section.name -> template`; templates are `str.format` ones."""
    text = resources.files(__package__).joinpath(f"{locale}.toml").read_text(encoding="utf-8")
    return {
        f"{section}.{name}": sentence
        for section, sentences in tomllib.loads(text).items()
        for name, sentence in sentences.items()
    }


def say(name: str, locale: str = "en", /, **facts: Any) -> str:
    """Return the sentence `section.name` in `locale` with its facts filled in.

    Raises: KeyError when the sentence does not exist or a fact is missing (a test fills in every one).
    """
    language = locale[:2].lower()
    return catalogue(language if language in LOCALES else "en")[name].format(**facts)
