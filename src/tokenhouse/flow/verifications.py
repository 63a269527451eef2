"""Verifications: `verify` as a work that somebody starts and others watch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from tokenhouse.flow import audit, works
from tokenhouse.flow.audit import Verdict
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.under_way import Steps
from tokenhouse.flow.works import Does, End, Kind, Work
from tokenhouse.store.accounts import CELLS

FINDINGS_MAX: Final = 1_000

State = Literal["running", "clean", "broken", "failed", "lost", "cancelled"]
"""Under way; every law holds; one does not; it could not be carried out; its node was lost; called off."""

SHORT_OF_END: Final[dict[str, State]] = {
    "running": "running", "waiting": "running", "failed": "failed", "lost": "lost", "cancelled": "cancelled",
}  # fmt: skip


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """A verification: what it looks at, how far it is, and what it found."""

    id: str
    account: str | None
    cell: int | None
    state: State
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    entries_total: int
    entries_read: int
    verdict: dict[str, Any] | None


async def start(
    desk: Desk, *, account: str | None, cell: int | None, findings_max: int, actor: str
) -> Verification:
    """Begin to verify, and return at once. Raises: StillRunning if one is under way somewhere."""
    checked_whole(findings_max, "findings_max", 0, FINDINGS_MAX)
    if cell is not None:
        checked_whole(cell, "cell", 0, CELLS - 1)
    total = await audit.journal_size(desk, account=account, cell=cell)

    asked = {"account": account, "cell": cell, "findings_max": findings_max}
    return await works.start(desk, KIND, asked, _does(desk, asked), actor=actor, total=total)


def _does(desk: Desk, asked: Mapping[str, Any]) -> Does:
    """Return what verifies what was asked for."""

    async def verify(steps: Steps) -> End:
        verdict = await audit.verify(
            desk,
            account=asked["account"],
            cell=asked["cell"],
            findings_max=asked.get("findings_max", FINDINGS_MAX),
            progress=steps.count,
        )
        return End(_document(verdict))

    return verify


async def _again(desk: Desk, work: Work) -> Does:
    """Verify from the beginning: what was read is little without the rest."""
    return _does(desk, work.asked)


def _document(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as it is kept."""
    return {
        "checks": [
            {"name": one.name, "checked": one.checked, "failed": one.failed} for one in verdict.checks
        ],
        "findings": [
            {
                "account": one.account,
                "check": one.check,
                "figure": one.figure,
                "expected": None if one.expected is None else str(one.expected),
                "found": None if one.found is None else str(one.found),
                "seq": one.seq,
            }
            for one in verdict.findings
        ],
        "found": verdict.found,
        "entries": verdict.entries,
        "accounts": verdict.accounts,
        "seconds": round(verdict.seconds, 3),
    }


def _shown(work: Work) -> Verification:
    """Return a work as a verification: one that came to its end says what it found."""
    verdict = None if work.outcome is None else msgspec.json.decode(work.outcome)
    state = SHORT_OF_END.get(work.state) or ("broken" if verdict and verdict["found"] else "clean")
    return Verification(
        id=work.id,
        account=work.asked["account"],
        cell=work.asked["cell"],
        state=state,
        started_at=work.started_at,
        started_by=work.started_by,
        ended_at=work.ended_at,
        entries_total=work.total,
        entries_read=min(work.done, work.total) if state == "running" else work.done,
        verdict=verdict,
    )


KIND: Final = Kind(
    name="verify",
    unknown="verification_unknown",
    busy="verification_running",
    shown=_shown,
    again=_again,
)
