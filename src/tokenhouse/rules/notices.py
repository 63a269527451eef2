"""Notices: which level an account has reached, in which round it counts, and what a person is told of it."""

from typing import Any, Final, Literal, TypeAlias, get_args

from tokenhouse.rules.alerts import Level, used_percent
from tokenhouse.rules.balance import Balance
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import POINTS, Plan

Kind: TypeAlias = Literal["level", "bought", "expiring", "suspended"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
HUNDREDTHS: Final = 100
"""Percents of notices are whole numbers of one hundredth."""


def reached(balance: Balance, levels: tuple[int, ...]) -> int | None:
    """Return the highest of `levels` that the account has reached; None below all, or where it had nothing.

    `levels` rise, in ten-thousandths of the capacity; the account has been brought forward to now.
    """
    used, capacity = balance.used, balance.capacity
    if not levels or not (used or balance.debt):
        return None
    if capacity <= 0:
        return levels[-1]
    return next((share for share in reversed(levels) if used * POINTS >= share * capacity), None)


def round_of(balance: Balance, plan: Plan) -> int:
    """Return in what a level is told once: the period; without one, from one gift of credit to the next."""
    return balance.period_start_at if plan.allowance else balance.granted


def level_of(share: int, plan: Plan) -> Level:
    """Return the name of a share under a plan; one below `buy` is `normal`."""
    if share >= plan.block:
        return "blocked"
    if share >= plan.critical:
        return "critical"
    if share >= plan.warn:
        return "warning"
    return "buy" if share >= plan.buy else "normal"


def hundredths(balance: Balance) -> int:
    """Return the share that is used, in hundredths of a percent."""
    return round(used_percent(balance) * HUNDREDTHS)


def standing(balance: Balance, plan: Plan) -> dict[str, Any]:
    """Return what a notice says of where an account stands: amounts in the smallest unit, instants."""
    renews = bool(plan.allowance) and balance.period_end_at < FOREVER
    return {
        "plan": plan.name,
        "unit": [plan.unit.name, plan.unit.symbol, plan.unit.decimals],
        "used": balance.used,
        "remaining": max(balance.left - balance.debt, 0),
        "resets_at": balance.period_end_at if renews else None,
    }


def percents(used: int) -> tuple[str, str]:
    """Return used and left, in percent, as people write them: "93.25", "6.75"; nothing is left beyond 100."""
    return _written(used), _written(max(100 * HUNDREDTHS - used, 0))


def _written(value: int) -> str:
    whole, rest = divmod(value, HUNDREDTHS)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)
