"""Verifications: every law of the ledger held against the journal, started here and watched from anywhere."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter
from pydantic import Field

from tokenhouse.edges.api.caller import House, Operator
from tokenhouse.edges.api.shapes import Page, Reason, Shape
from tokenhouse.edges.api.works import Watched
from tokenhouse.flow.verifications import KIND
from tokenhouse.flow.verifications import Verification as Work

router = APIRouter(prefix="/api/v1/verifications", tags=["verifications"])


class Check(Shape):
    """One check: how many things it looked at, and how many findings it made."""

    name: Annotated[str, Field(examples=["conservation"])]
    checked: int
    failed: int


class Finding(Shape):
    """A law that does not hold: whose, which figure, what it must be and what it is."""

    account: Annotated[str, Field(examples=["alice", "*"])]
    check: str
    figure: str
    expected: str | None
    found: str | None
    seq: Annotated[int, Field(description="The entry that shows it; 0: the account as a whole.")]


class Verdict(Shape):
    """What was found. `findings` are the first ones; `found` counts them all."""

    checks: list[Check]
    findings: list[Finding]
    found: int
    entries: int
    accounts: int
    seconds: float


class Verification(Shape):
    """A verification: how far it is, and what it found once it has ended."""

    id: str
    account: Annotated[str | None, Field(description="The only account that is looked at; null: all.")]
    cell: Annotated[int | None, Field(description="The only cell that is looked at; null: all.")]
    state: Annotated[
        Literal["running", "clean", "broken", "failed", "lost", "cancelled"],
        Field(description="Clean: every law holds. Failed: it could not be carried out. Lost: its node was."),
    ]
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    entries_total: int
    entries_read: int
    verdict: Verdict | None


class NewVerification(Shape):
    """What is to be verified: everything, or one account, or one cell's accounts."""

    account: Annotated[str | None, Field(max_length=200)] = None
    cell: Annotated[int | None, Field(ge=0, le=63)] = None
    findings_max: Annotated[int, Field(ge=0, le=1_000)] = 100
    reason: Reason


@router.post("", status_code=202)
async def start_verification(asked: NewVerification, caller: Operator, house: House) -> Verification:
    """Begin to verify, and answer at once: read on under its id. It changes nothing but its own record.

    One runs at a time in a deployment; while it does, this answers 409.
    """
    subject = asked.account or ("*" if asked.cell is None else f"cell {asked.cell}")
    with caller.changing(house, "verification.start", subject, _named, reason=asked.reason):
        return shown(
            await house.start_verification(
                account=asked.account, cell=asked.cell, findings_max=asked.findings_max, actor=caller.actor
            )
        )


def shown(work: Work) -> Verification:
    """Return a verification as the API says it."""
    plain = {name: getattr(work, name) for name in Verification.model_fields if name != "verdict"}
    verdict = None if work.verdict is None else Verdict.model_validate(work.verdict)
    return Verification(**plain, verdict=verdict)


def _named(work: str) -> dict[str, str]:
    return {"id": work}


ROUTES: Final = Watched(
    kind=KIND,
    one="verification",
    many="verifications",
    parameter="verification",
    shape=Verification,
    listed=Page[Verification],
    shown=lambda work, _caller, _whole: shown(work),
)
ROUTES.watch(router)
ROUTES.call_off(router, subject=lambda work: work.id)
