"""Deliveries: notices on their way out of the house, those that were given up among them; for operators."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House, Operator
from tokenhouse.edges.api.shapes import AN_ID, Cursor, Limit, Page, Shape
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.desk import checked_id
from tokenhouse.rules.plans import Channel
from tokenhouse.store.outbox import Delivery as Stored
from tokenhouse.store.outbox import State

router = APIRouter(prefix="/api/v1/deliveries", tags=["notices"])

DeliveryId = Annotated[str, Path(max_length=36, description="The delivery's id.", examples=[AN_ID])]


class Delivery(Shape):
    """A notice on its way over one channel."""

    id: Annotated[str, Field(description="What a webhook says as `webhook-id`, over all attempts.")]
    notice: Annotated[str | None, Field(description="Null for a test.")]
    account: Annotated[str, Field(description="Who is told of.")]
    channel: Channel
    endpoint: str | None
    target: Annotated[str, Field(description="An e-mail, or the name of an endpoint.")]
    state: State
    attempts: int
    next_at: Annotated[datetime | None, Field(description="When it is tried next; null when it has ended.")]
    created_at: datetime | None
    ended_at: datetime | None
    error: Annotated[str, Field(description="Why the last attempt failed.")]
    document: Annotated[dict[str, Any], Field(description="What is sent.")]


class DeliveryCount(Shape):
    """How many deliveries are on their way, and how many were given up."""

    pending: int
    dead: int


class ResentDeliveries(Shape):
    """How many deliveries are on their way again, and how many are left that were given up."""

    resent: int
    dead: int


@router.get("")
async def list_deliveries(
    _caller: Auditor,
    house: House,
    state: Annotated[State | None, Query(description="Only those in a state; `dead` were given up.")] = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> Page[Delivery]:
    """List deliveries, the newest first. For auditors."""
    found = await house.deliveries(state=state or "", before=cursor, rows_max=limit)
    return Page(items=[shown(one) for one in found], next=found[-1].id if len(found) == limit else None)


@router.get("/count")
async def count_deliveries(_caller: Auditor, house: House) -> DeliveryCount:
    """Count deliveries that are on their way, and those that were given up. For auditors."""
    return DeliveryCount(**await house.count_deliveries())


@router.post("/resend")
async def resend_dead_deliveries(caller: Operator, house: House) -> ResentDeliveries:
    """Put every delivery that was given up on its way again, but those to endpoints that are disabled."""
    async with at_once(house.desk):
        resent = await house.resend_dead()
        left = (await house.count_deliveries())["dead"]
        if resent:
            await caller.record(house, "delivery.resend_dead", "deliveries", after={"resent": resent})
    return ResentDeliveries(resent=resent, dead=left)


@router.post("/{delivery_id}/resend")
async def resend_delivery(delivery_id: DeliveryId, caller: Operator, house: House) -> Delivery:
    """Put a delivery that ended on its way again, under the same id. Idempotent while it is on its way."""
    wanted = checked_id(delivery_id, "delivery")
    with caller.changing(house, "delivery.resend", wanted, lambda found: {"target": found.target}):
        return shown(await house.resend(wanted))


def shown(one: Stored) -> Delivery:
    """Return a delivery as the API says it."""
    document = msgspec.json.decode(one.payload)
    return Delivery(
        id=one.id,
        notice=one.notice,
        account=document["account"],
        channel=one.channel,
        endpoint=one.endpoint,
        target=one.target,
        state=one.state,
        attempts=one.attempts,
        next_at=one.next_at if one.state == "pending" else None,
        created_at=one.created_at,
        ended_at=one.ended_at,
        error=one.error,
        document=document,
    )
