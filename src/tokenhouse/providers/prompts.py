"""Prompts: what a model reads of a request, as texts to count and as tokens that a rule gives."""

from typing import Final

import msgspec

from tokenhouse.providers.attachments import file_tokens
from tokenhouse.providers.images import unpacked

PUNCTUATION: Final = 2
"""Tokens of quotes, colon and comma around a key or value of JSON."""


class Prompt(msgspec.Struct):
    """What a model reads: texts, and tokens that need no vocabulary, some of them `audio`."""

    model: str
    texts: list[str] = msgspec.field(default_factory=list)
    fixed: int = 0
    audio: int = 0
    estimated: bool = False

    def add(self, value: object) -> None:
        """Add a text; other JSON, where a text belongs, as `add_json` does."""
        if isinstance(value, str):
            self.texts.append(value)
        elif value is not None:
            self.add_json(value)

    def add_fixed(self, tokens: int, *, audio: bool = False) -> None:
        """Add tokens that a rule bounds rather than counts."""
        self.fixed += tokens
        self.audio += tokens if audio else 0
        self.estimated = True

    def add_json(self, value: object) -> None:
        """Add every key and value of some JSON, two tokens of punctuation each; files by their rule.

        Without recursion: depth is the caller's choice.
        """
        rest = [value]
        while rest:
            one = rest.pop()
            if isinstance(one, dict):
                rest.extend(one)
                rest.extend(one.values())
            elif isinstance(one, list | tuple):
                rest.extend(one)
            elif isinstance(one, str) and one.startswith("data:") and unpacked(one) is not None:
                self.add_fixed(file_tokens(unpacked(one)))
            else:
                self.texts.append(one if isinstance(one, str) else _scalar(one))
                self.add_fixed(PUNCTUATION)


def _scalar(value: object) -> str:
    """Return a number, truth or null as it is written; of a huge number only how long it is."""
    if isinstance(value, int) and value.bit_length() > 64:
        return "9" * (value.bit_length() * 3 // 10)
    return str(value)
