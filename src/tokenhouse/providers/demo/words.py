"""Words: sentences of which every word is one token, so that any part of one is counted by its pieces."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

WORDS: Final = tuple(
    """
    the a and of to in for with on by from as is are was can will may each every one all some more most
    other new good long short small large simple clear same next last first part line page word time day
    year way place house bank account balance credit token model call answer question number price plan
    limit month user team work light water city street garden river window table letter story music
    color morning evening people hand side end keep give take find show read write count open close run
    make hold pay ask think know see turn move grow change without before after under between through
    still always never often only just then here there now again together
    """.split()  # noqa: SIM905 -- words, not a column of them
)
STARTS: Final = tuple(
    """
    The A Every Each One All Some Most New Good Here There Now Then Still Only People Time Work Light
    Water
    """.split()  # noqa: SIM905
)
"""In o200k_base each of both is one token, with a space before it or without; a test asks the vocabulary."""
SENTENCE_LEAST: Final = 5
SENTENCE_MOST: Final = 16


def chances(seed: bytes) -> Iterator[int]:
    """Yield numbers from 0 to 65,535 without end, the same for the same seed."""
    block = seed
    while True:
        block = blake2b(block).digest()
        for at in range(0, len(block), 2):
            yield block[at] << 8 | block[at + 1]


def pieces(seed: bytes, tokens: int) -> tuple[str, ...]:
    """Return text of exactly so many tokens, a token a piece; it may end in the middle of a sentence."""
    said: list[str] = []
    chance = chances(seed)
    rest = 0
    for number, draw in zip(range(tokens), chance, strict=False):
        space = " " if number else ""
        if rest == 0:
            rest = SENTENCE_LEAST + draw % (SENTENCE_MOST - SENTENCE_LEAST)
            said.append(space + STARTS[draw % len(STARTS)])
        elif rest == 1:
            rest = 0
            said.append(".")
        else:
            rest -= 1
            said.append(space + WORDS[draw % len(WORDS)])
    return tuple(said)
