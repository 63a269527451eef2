"""The audit log: who changed what, for whoever may read everything."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House
from tokenhouse.edges.api.shapes import Page, Shape

router = APIRouter(prefix="/api/v1/audit-log", tags=["audit log"])

NUMBER_MAX = 2**63 - 1


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


@router.get("")
async def list_audit_log(
    _caller: Auditor,
    house: House,
    subject: Annotated[str, Query(max_length=300, description="What was changed: an account's name.")] = "",
    actor: Annotated[str, Query(max_length=300, description="Who changed it.")] = "",
    action: Annotated[str, Query(max_length=200, description="`key` is all of `key.revoke`, `key.…`.")] = "",
    since: Annotated[datetime | None, Query(description="From here on.")] = None,
    until: Annotated[datetime | None, Query(description="Before here.")] = None,
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
