"""The shape of an answer on the wire: one document, or chunks that say how far the production is."""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from tokenhouse.providers.demo.thought import Thought

CREATED_AT: Final = 1_767_225_600
"""When every demo answer was made, in seconds since 1970: the same request has the same answer."""


class Chunk(NamedTuple):
    """One event of a stream, and how many output tokens are produced when it has gone."""

    data: bytes
    tokens: int


class Shape(Protocol):
    """One wire format, written."""

    def whole(self, thought: Thought) -> bytes:
        """Return the answer as one document."""

    def chunks(self, thought: Thought) -> Iterator[Chunk]:
        """Yield the answer piece by piece."""

    def error(self, message: str) -> bytes:
        """Return an error inside a stream."""
