"""Near the end: what an account is told that has little left, on its card and inside its chat's answers."""

from typing import Annotated

from pydantic import Field

from tokenhouse.edges.api.shapes import CamelShape
from tokenhouse.edges.headers import WARNED
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.wording import near_end
from tokenhouse.house import Tokenhouse


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
    return Warned(
        level=view.level.upper(),
        message=near_end(view, locale),
        remaining_tokens=view.remaining,
        estimated_turns=view.estimated_turns,
        purchase_url=settings.purchase_url,
    )
