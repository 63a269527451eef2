"""Alerts: how much of the capacity is used, which level that is, how many turns are left."""

from typing import Final, Literal

from tokenhouse.rules.balance import Balance
from tokenhouse.rules.plans import POINTS, Plan

Level = Literal["normal", "buy", "warning", "critical", "blocked"]
LEVELS: Final[tuple[Level, ...]] = ("normal", "buy", "warning", "critical", "blocked")


def overdraft(balance: Balance, plan: Plan) -> int:
    """Return by how much the account may run below zero: capacity x (block - 1).

    Negative where block is below 1.
    """
    over = plan.block - POINTS
    return over * max(balance.capacity, 0) // POINTS if over else 0


def level(balance: Balance, plan: Plan) -> Level:
    """Return how near the account is to its end: used / capacity against the plan's shares, exact."""
    used, capacity = balance.used * POINTS, balance.capacity
    if capacity <= 0 or used >= plan.block * capacity:
        return "blocked"
    if used >= plan.critical * capacity:
        return "critical"
    if used >= plan.warn * capacity:
        return "warning"
    return "buy" if used >= plan.buy * capacity else "normal"


def used_percent(balance: Balance) -> float:
    """Return used / (used + left - debt) in percent, to two decimals; 100 where there is nothing at all."""
    return percent_of(balance.used, balance.capacity)


def percent_of(used: int, capacity: int) -> float:
    """Return used / capacity in percent, to two decimals; 100 where there is nothing at all."""
    if capacity <= 0:
        return 100.0
    hundredths = (used * 20_000 + capacity) // (2 * capacity)
    return hundredths / 100  # display: a ratio for people, never value


def estimated_turns(balance: Balance, free: int) -> int | None:
    """Return for how many more turns `free` credit lasts at the account's mean so far.

    None before its first turn.
    """
    if not balance.turns or not balance.used_total:
        return None
    return max(free, 0) * balance.turns // balance.used_total
