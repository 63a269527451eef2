"""Repeats: what the journal already says about an operation, and the answer that it got then."""

from collections.abc import Sequence
from typing import Final

from tokenhouse.rules.balance import Entry
from tokenhouse.rules.operations import Done, Mismatch, Outcome

Ended = Sequence[Entry]
"""The entries that the journal already holds for an operation, oldest first, of the caller's account."""

UNENDED: Final[Ended] = ()
CHARGES: Final = ("charge", "use")
"""Kinds of the entries that say what a call cost: the payer's, and those of the others on its path."""
REFUNDS: Final = ("refund", "unuse")
"""Kinds of the entries that give a charge back, likewise."""


def repeated(operation: str, entry: Entry, first: int, second: int) -> Outcome:
    """Return the first answer to a repeated operation, or say that its payload differs."""
    if first != second:
        return Mismatch(id=operation, first=first, second=second)
    uncovered = entry.fact("owed", 0) or entry.fact("uncovered", 0)
    late = entry.fact("late", "")
    written_off = entry.fact("written_off", 0)
    return Done(
        id=operation, amount=first, uncovered=uncovered, written_off=written_off, late=late, replayed=True
    )
