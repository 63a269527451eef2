"""Voice: how a turn is told to its caller; each API has its own words for the same."""

from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from tokenhouse.edges.problems import Answer
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.turn import Said

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
JSON: Final = "application/json"


class Voice(Protocol):
    """What one caller hears of its turn."""

    @property
    def streamed(self) -> bool:
        """Return whether the answer comes as events: `start`, `delta`, and `done` or `error`."""

    async def end(self, said: Said) -> bytes:
        """Return the answer as a document."""

    def refusal(self, error: Exception, balance: BalanceView | None, *, now: datetime) -> Answer:
        """Return what is said where there is no answer; `balance` where somebody said no to the account."""


def event(name: str, document: Any) -> bytes:
    """Return one event of a stream; bytes are a document that is written already."""
    data = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
