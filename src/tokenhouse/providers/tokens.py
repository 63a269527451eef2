"""Tokens: how many a request holds, counted offline with the model's vocabulary, or bounded by its bytes."""

import re
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec

from tokenhouse.providers.inputs import prompt

OPENAI: Final = ("o200k_base", "cl100k_base", "o200k_harmony")
"""The vocabularies that come with the tokenizer; every other one is approximated by the first."""
CLAUDE_PERCENT: Final = 200
OTHERS_PERCENT: Final = 150
"""What an unknown vocabulary may need of o200k_base's count; docs/concepts/tokens.md has the evidence."""
BYTES_PER_TOKEN: Final = 2
"""Without any vocabulary: prose and code have 3 bytes a token or more, so 2 errs on the dear side."""

WORD_LENGTH: Final = 16
"""Characters of a text whose count is remembered."""

_UNLIMITED: Final = 2**31 - 1
_GIL_HELD_MAX: Final = 32_768
_NAMES: Final = (
    ("o200k_harmony", re.compile(r"gpt-oss\b")),
    (
        "o200k_base",
        re.compile(
            r"gpt-(4o|4\.1|4\.5|5|audio|realtime)|chatgpt-|o[134]([-:@]|$)|codex-mini|computer-use-preview|"
            r"demo([-:@]|$)"
        ),
    ),
    (
        "cl100k_base",
        re.compile(
            r"gpt-4([-:@]|$)|gpt-3\.5|gpt-35|text-embedding-(3-|ada-002)|(davinci|babbage)-002|"
            r"text-embedding-3$"
        ),
    ),
)


class Counted(msgspec.Struct, frozen=True):
    """A count of tokens, what part of it is audio, and whether any of it is an approximation."""

    tokens: int
    estimated: bool = False
    audio: int = 0


class Tokenizer(Protocol):
    """Whoever can count a text in a vocabulary; it may fail in any way, and is then done without."""

    def count(self, vocabulary: str, text: str) -> int:
        """Return how many tokens `text` is; special tokens count as the ordinary text they look like."""


class Toktok:
    """The tokenizer in use: the vocabularies are inside its wheel, and hostile text costs linear time."""

    def count(self, vocabulary: str, text: str) -> int:
        """Return the count; a long text is counted without the interpreter's lock, so that others run on."""
        import toktok  # Eight megabytes: loaded when something is first counted.

        if len(text) > _GIL_HELD_MAX:
            return int(toktok.batch_count([text], vocabulary, threads=1)[0])
        return int(toktok.truncate(text, _UNLIMITED, vocabulary)[1])


TOKTOK: Final = Toktok()


class Vocabulary(msgspec.Struct, frozen=True):
    """How the texts of one model are counted: exactly, or by another's vocabulary and a safety factor."""

    name: str
    percent: int = 100
    tokenizer: Tokenizer = TOKTOK

    @property
    def estimated(self) -> bool:
        """Return whether the model's own vocabulary is unknown."""
        return self.percent != 100

    def count(self, text: str) -> int:
        """Return how many tokens `text` is; see `counted`."""
        return self.counted(text).tokens

    def counted(self, text: str) -> Counted:
        """Return the count and whether it is exact; never more than the text has bytes, and never an error.

        Lone surrogates count as the question marks that UTF-8 makes of them. Where the tokenizer fails, in
        whatever way (row D8), the bytes are divided by `BYTES_PER_TOKEN`.
        """
        sound = text if text.isascii() else text.encode("utf-8", "replace").decode()
        try:
            tokens = self.tokenizer.count(self.name, sound)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - a panic in compiled code is no Exception
            return Counted(-(-_bytes(sound) // BYTES_PER_TOKEN), estimated=True)
        if not self.estimated:
            return Counted(tokens)
        return Counted(min(-(-tokens * self.percent // 100), _bytes(sound)), estimated=True)


def vocabulary(model: str, tokenizer: Tokenizer = TOKTOK) -> Vocabulary:
    """Return the vocabulary of a model by its name, whoever sells it and however it was fine-tuned.

    The name is the last part of a path (`openrouter/openai/gpt-4o`), without a cloud's `openai.` and a
    fine-tune's `ft:`, in either case.
    """
    return Vocabulary(*_named(model), tokenizer)


def prepare(*models: str) -> None:
    """Load the vocabularies of these models, or all there are, so that the first request does not wait.

    Each takes 50 to 90 MB and up to half a second, so those that nobody asks for are better not loaded.
    """
    for name in {vocabulary(model).name for model in models} or OPENAI:
        Vocabulary(name).count("ready")


def count(
    dialect_name: str, document: dict[str, Any], model: str | None = None, *, tokenizer: Tokenizer = TOKTOK
) -> Counted:
    """Return how many tokens a request's input is for `model`, or for the one that the document names.

    Texts are counted with the model's vocabulary; the rest by the rules of `providers.prompts`.
    """
    model = _model(document, model)
    found, known = prompt(dialect_name, document, model), vocabulary(model, tokenizer)
    total, estimated = found.fixed, found.estimated or known.estimated
    for text in found.texts:
        part = _word(known, text) if len(text) <= WORD_LENGTH else known.counted(text)
        total += part.tokens
        estimated = estimated or part.estimated
    return Counted(total, estimated, found.audio)


def bound(dialect_name: str, document: dict[str, Any], model: str | None = None) -> int:
    """Return what `count` cannot exceed, without counting: no vocabulary has tokens shorter than a byte.

    Pictures, tools and the rest are reckoned as `count` does, for they cost no time; so give both the same
    model.
    """
    found = prompt(dialect_name, document, _model(document, model))
    return found.fixed + sum(map(_bytes, found.texts))


@lru_cache(maxsize=1_000)
def _named(model: str) -> tuple[str, int]:
    """Return which vocabulary a model's name means, and how many per cent of its count."""
    name = model.casefold().rpartition("/")[2].removeprefix("openai.").removeprefix("ft:")
    for known, pattern in _NAMES:
        if pattern.match(name):
            return known, 100
    return OPENAI[0], CLAUDE_PERCENT if "claude" in name else OTHERS_PERCENT


@lru_cache(maxsize=10_000)
def _word(known: Vocabulary, text: str) -> Counted:
    """Return the count of a short text: roles and names come with every message."""
    return known.counted(text)


def _model(document: dict[str, Any], model: str | None) -> str:
    named = document.get("model") if model is None else model
    return named if isinstance(named, str) else ""


def _bytes(text: str) -> int:
    """Return the length of `text` in UTF-8, a lone surrogate at the three bytes that it would be."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
