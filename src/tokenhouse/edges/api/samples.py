"""Sample data: a new deployment's pages with something to show, offered to its operators in development."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from tokenhouse.edges import samples
from tokenhouse.edges.api.caller import Auditor, Operator
from tokenhouse.edges.api.shapes import Shape

router = APIRouter(prefix="/api/v1/samples", tags=["samples"])


class Samples(Shape):
    """Where the replay of the sample trace stands."""

    state: Annotated[
        Literal["offered", "loading", "loaded", "failed", "withheld"],
        Field(description="Withheld: production, or no new deployment. Failed: it may be begun again."),
    ]
    requests_done: Annotated[int, Field(description="As far as the process knows that answers.")]
    requests_total: int


@router.get("")
async def show_samples(_caller: Auditor, request: Request) -> Samples:
    """Say whether sample data are offered, on their way, or there."""
    return _shown(await _samples(request).progress())


@router.post("", status_code=202)
async def load_samples(caller: Operator, request: Request) -> Samples:
    """Replay two weeks of real traffic of 72 accounts, `replay/…`, so that they end now. Never in production.

    Answers at once; read on to see how far it is. While it runs, and once it is done, this answers 409.
    """
    return _shown(await _samples(request).load(actor=caller.actor, address=caller.address))


def _samples(request: Request) -> samples.Samples:
    """Return what loads them."""
    ours: samples.Samples = request.app.state.samples
    return ours


def _shown(progress: samples.Progress) -> Samples:
    """Return how far it is as the API says it."""
    return Samples(state=progress.state, requests_done=progress.done, requests_total=progress.total)
