"""Near the end: what an account is told that has little left, on its card and inside its chat's answers."""

from typing import Annotated, Any, Final

from pydantic import Field

from tokenhouse import messages
from tokenhouse.edges.api.shapes import CamelShape
from tokenhouse.flow.report import BalanceView
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import show

WARNED: Final = ("warning", "critical", "blocked")
"""Levels at which there is something to tell."""


class Warned(CamelShape):
    """What an account near its end is told, here and inside its chat's answers."""

    level: Annotated[str, Field(examples=["WARNING", "CRITICAL", "BLOCKED"])]
    message: str
    remaining_tokens: int
    estimated_turns: int | None
    purchase_url: str | None


async def warning(house: Tokenhouse, view: BalanceView) -> Warned | None:
    """Return what an account near its end is told, in its language; None for all others."""
    if view.level not in WARNED:
        return None
    settings = house.desk.settings
    locale = (await house.describe(view.account)).locale or settings.locale
    facts: dict[str, Any] = {
        "percent": f"{view.used_percent:g}",
        "remaining": show(view.remaining, view.unit),
    }
    return Warned(
        level=view.level.upper(),
        message=messages.say(f"near_end.{view.level}", locale, **facts),
        remaining_tokens=view.remaining,
        estimated_turns=view.estimated_turns,
        purchase_url=settings.purchase_url,
    )
