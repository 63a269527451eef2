"""Conversation: what a model is told of what was said before, and what a conversation is called."""

from collections.abc import Sequence
from typing import Final

MESSAGE_TOKENS: Final = 4
"""What a message takes beside its text: who speaks, and where it begins and ends."""
TITLE_LENGTH_MAX: Final = 60
ELLIPSIS: Final = "…"


def room(context: int, history: int, *, system: int, message: int, output: int) -> int | None:
    """Return how many tokens earlier turns may take: `history`, or what the rest leaves of `context`.

    None where system prompt, message and answer alone are more than the model's context.
    """
    left = context - system - message - output
    return None if left < 0 else min(history, left)


def window(lengths: Sequence[int], most: int) -> int:
    """Return how many turns, the newest first, fit into `most` tokens together.

    A turn goes along whole or not at all, and none goes along beyond one that does not fit: a model that is
    told an answer without its question, or a talk with a hole, answers something else.
    """
    total = 0
    for number, length in enumerate(lengths):
        total += length
        if total > most:
            return number
    return len(lengths)


def title_of(message: str) -> str:
    """Return the title that a first message gives its conversation: its first line with text, cut at a word.

    No model is asked, so it costs nothing.
    """
    lines = (" ".join(line.split()) for line in message.splitlines())
    line = "".join(one for one in next(filter(None, lines), "") if one.isprintable())
    if len(line) <= TITLE_LENGTH_MAX:
        return line
    cut = line[: TITLE_LENGTH_MAX - 1]
    words, _, rest = cut.rpartition(" ")
    return (words if words and len(rest) < TITLE_LENGTH_MAX // 3 else cut).rstrip() + ELLIPSIS
