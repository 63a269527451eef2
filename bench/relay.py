"""The relay: when the pieces of a stream come, from the request on, and from their leaving the provider."""

import re
from collections.abc import Sequence
from statistics import median

from bench.wire import Heard

SENT = re.compile(rb'"sent_ns": ?(\d+)')
"""The static upstream writes into each chunk when it leaves; the clock is the machine's, and all share it."""


def first_chunk_ms(heard: Sequence[Heard]) -> float:
    """Return the median from a request to the first chunk of its stream."""
    return median(one.body_at - one.asked_at for one in heard) * 1_000


def later_chunks_ms(heard: Sequence[Heard]) -> float:
    """Return the median from a chunk's leaving its provider to its arrival, of all but the first."""
    return median(delay for one in heard for delay in _delays(one)[1:]) * 1_000


def _delays(heard: Heard) -> list[float]:
    return [at - int(sent) / 1e9 for at, part in heard.parts for sent in SENT.findall(part)]
