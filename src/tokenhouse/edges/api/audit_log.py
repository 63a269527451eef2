"""The audit log: who changed what, for whoever may read everything."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House
from tokenhouse.edges.api.shapes import Page, Shape, Since, Until
from tokenhouse.edges.api.sheets import csv_answer
from tokenhouse.store.audit_log import Audited, encoded

router = APIRouter(prefix="/api/v1/audit-log", tags=["audit log"])

NUMBER_MAX: Final = 2**63 - 1
ROWS: Final = 1_000
"""Changes that are read at once."""
COLUMNS: Final = ("id", "at", "actor", "action", "subject", "before", "after", "reason", "address")


class AuditedChange(Shape):
    """One change: who made it, of what, from what to what, why, and from which address."""

    id: int
    at: datetime
    actor: Annotated[str, Field(examples=["person:jisu@example.com", "key:th_9f3kQz1a"])]
    action: Annotated[str, Field(examples=["account.grant", "key.revoke"])]
    subject: Annotated[str, Field(examples=["alice"])]
    before: Annotated[Any, Field(description="How it was, where that says something.")]
    after: Annotated[Any, Field(description="How it is since then.")]
    reason: str
    address: str


Subject = Annotated[str, Query(max_length=300, description="What was changed: an account's name.")]
Actor = Annotated[str, Query(max_length=300, description="Who changed it.")]
Action = Annotated[str, Query(max_length=200, description="`key` is all of `key.revoke`, `key.…`.")]


@router.get("")
async def list_audit_log(
    _caller: Auditor,
    house: House,
    subject: Subject = "",
    actor: Actor = "",
    action: Action = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, le=NUMBER_MAX, description="`next` of a page.")] = None,
) -> Page[AuditedChange]:
    """List what people and back ends with a role have changed, newest first. For auditors."""
    found = await house.audit_log(
        subject=subject,
        actor=actor,
        action=action,
        since=since,
        until=until,
        before=cursor,
        rows_max=limit,
    )
    items = [
        AuditedChange(
            id=one.id,
            at=one.at,
            actor=one.actor,
            action=one.action,
            subject=one.subject,
            before=one.before,
            after=one.after,
            reason=one.reason,
            address=one.address,
        )
        for one in found
    ]
    return Page(items=items, next=str(found[-1].id) if len(found) == limit else None)


@router.get(
    ".csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_audit_log(
    _caller: Auditor,
    house: House,
    subject: Subject = "",
    actor: Actor = "",
    action: Action = "",
    since: Since = None,
    until: Until = None,
) -> StreamingResponse:
    """Return the same changes as CSV, all pages in one. For auditors.

    A cell that a spreadsheet would take for a formula has an apostrophe before it.
    """

    async def page(before: int | None) -> list[Audited]:
        return await house.audit_log(
            subject=subject,
            actor=actor,
            action=action,
            since=since,
            until=until,
            before=before,
            rows_max=ROWS,
        )

    first = await page(None)  # What is wrong with the question is said before the answer begins.

    async def rows() -> AsyncIterator[Sequence[str]]:
        found = first
        while found:
            for one in found:
                yield _row(one)
            found = await page(found[-1].id) if len(found) == ROWS else []

    return csv_answer("audit-log", COLUMNS, rows())


def _row(one: Audited) -> Sequence[str]:
    """Return a change as a line of the CSV."""
    values = [getattr(one, name) for name in COLUMNS]
    return [
        value.isoformat()
        if isinstance(value, datetime)
        else value
        if isinstance(value, str)
        else _json(value)
        for value in values
    ]


def _json(value: Any) -> str:
    """Return a value as JSON, nothing as nothing."""
    return "" if value is None else encoded(value).decode()
