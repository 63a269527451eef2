"""Counts: how often something happened, and how long it took, in one process since it started.

Plain numbers that cost an addition where they are counted. Whoever watches the process reads them; no rule
decides by them, and nothing is ever charged by them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tokenhouse.rules.usage import Usage

MODELS_MAX: Final = 100
"""Models that are told apart; callers choose their names, and each name is a row for ever."""
OTHER: Final = "other"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Bounds of what a caller waits for."""
COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Bounds of what a batch takes."""
ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Bounds of a batch's size."""


class Histogram:
    """How many values lie up to each of some bounds, and beyond the last; and their sum."""

    __slots__ = ("bounds", "numbers", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.numbers = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.numbers[bisect_left(self.bounds, value)] += 1
        self.total += value


class Counts:
    """What one process has done for its callers. A model is one that was admitted, so its price was known."""

    __slots__ = ("_models", "calls", "charged", "estimated", "refusals", "tokens")

    def __init__(self) -> None:
        self._models: set[str] = set()
        self.calls: Counter[tuple[str, str, str]] = Counter()
        """(protocol, model, how it ended) -> calls."""
        self.charged: Counter[str] = Counter()
        """Model -> what its calls were charged, in the unit's smallest part."""
        self.tokens: Counter[tuple[str, str]] = Counter()
        """(model, "input" or "output") -> tokens."""
        self.estimated = 0
        """Calls of which no provider said what they used."""
        self.refusals: Counter[str] = Counter()
        """Code of the refusal -> calls that were refused."""

    def ended(self, protocol: str, model: str, outcome: str) -> None:
        """Count a call that has ended."""
        self.calls[protocol, self._named(model), outcome] += 1

    def used(self, model: str, charge: int, usage: Usage, *, estimated: bool) -> None:
        """Count what a call used and was charged."""
        named = self._named(model)
        self.charged[named] += charge
        self.tokens[named, "input"] += usage.tokens_input
        self.tokens[named, "output"] += usage.tokens_output
        self.estimated += estimated

    def _named(self, model: str) -> str:
        """Return the name that a model is counted by."""
        if model not in self._models:
            if len(self._models) >= MODELS_MAX:
                return OTHER
            self._models.add(model)
        return model
