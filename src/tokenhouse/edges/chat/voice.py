"""Voice: how a turn is told to its caller; each API has its own words for the same."""

from datetime import datetime
from typing import Protocol

from tokenhouse.edges.problems import Answer
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.turn import Said, Turn

EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"


class Voice(Protocol):
    """What one caller hears of its turn."""

    @property
    def streamed(self) -> bool:
        """Return whether the answer is told while it comes."""

    def begin(self, turn: Turn) -> bytes:
        """Return what is said before the first word of a streamed answer."""

    def more(self, text: str) -> bytes:
        """Return the next words of a streamed answer."""

    async def end(self, said: Said) -> bytes:
        """Return the whole answer, or the end of a streamed one."""

    def refusal(self, error: Exception, balance: BalanceView | None, *, now: datetime) -> Answer:
        """Return what is said where there is no answer; `balance` where somebody said no to the account."""

    def broken(self, told: Answer) -> bytes:
        """Return a refusal as the end of an answer that had begun."""
