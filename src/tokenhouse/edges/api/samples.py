"""Sample data: a new deployment's pages with something to show, offered to its operators in development."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House, Operator
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.flow import samples

router = APIRouter(prefix="/api/v1/samples", tags=["samples"])


class Samples(Shape):
    """Where the replay of the sample trace stands."""

    state: Annotated[
        samples.State,
        Field(description="Withheld: production, or no new deployment. Failed: it may be begun again."),
    ]
    requests_done: int
    requests_total: int


@router.get("")
async def show_samples(_caller: Auditor, house: House) -> Samples:
    """Say whether sample data are offered, on their way, or there."""
    return _shown(await house.samples())


@router.post("", status_code=202)
async def load_samples(caller: Operator, house: House) -> Samples:
    """Replay two weeks of real traffic of 72 accounts, `replay/…`, so that they end now. Never in production.

    Answers at once; read on to see how far it is. Asked again while it runs, this says how far that is; once
    it is done, 409.
    """
    return _shown(await house.load_samples(actor=caller.actor, address=caller.address))


def _shown(progress: samples.Samples) -> Samples:
    """Return how far it is as the API says it."""
    return Samples(state=progress.state, requests_done=progress.done, requests_total=progress.total)
