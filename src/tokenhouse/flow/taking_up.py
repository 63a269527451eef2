"""Taking up: a work whose node was lost goes on at another one, where what is stored of it is enough."""

from dataclasses import dataclass
from typing import Any, Final

from tokenhouse.flow import imports, samples, simulations, verifications, works
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.works import Kind

KINDS: Final[tuple[Kind[Any], ...]] = (imports.KIND, samples.KIND, simulations.KIND, verifications.KIND)
"""Every kind of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUp:
    """How many works this node has taken up."""

    works: int


async def take_up(desk: Desk) -> TakenUp:
    """Take up here what lost nodes have left; give up what cannot be. Idempotent; each is taken up once."""
    return TakenUp(works=await works.take_up(desk, KINDS))
