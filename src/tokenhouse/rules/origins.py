"""Origins: free, bought, bonus: where credit came from, as people tell it apart."""

from typing import Final, Literal, get_args

from tokenhouse.rules.balance import PURCHASE

Origin = Literal["free", "bought", "bonus"]
ORIGINS: Final[tuple[Origin, ...]] = get_args(Origin)
FREE: Final = frozenset(("signup", "allowance", "rollover"))
"""Sources of what a plan gives by itself."""


def origin(source: str) -> Origin:
    """Return the origin of a lot: what the plan gives is free, what was paid for bought, all else a bonus."""
    if source in FREE:
        return "free"
    return "bought" if source == PURCHASE else "bonus"
