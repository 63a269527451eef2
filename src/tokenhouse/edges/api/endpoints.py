"""Endpoints: webhooks and services that get notices. Secrets are shown once, whole addresses never."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House, Operator
from tokenhouse.edges.api.deliveries import Delivery
from tokenhouse.edges.api.deliveries import shown as delivery_shown
from tokenhouse.edges.api.shapes import AN_ID, Cursor, Limit, Page, Reason, Shape
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.desk import checked_id
from tokenhouse.flow.endpoints import place_of
from tokenhouse.rules.notices import Kind
from tokenhouse.store.outbox import Endpoint as Stored

router = APIRouter(prefix="/api/v1/endpoints", tags=["notices"])

EndpointId = Annotated[str, Path(max_length=36, description="The endpoint's id.", examples=[AN_ID])]


class Endpoint(Shape):
    """Where notices go."""

    id: str
    channel: Literal["webhook", "service"]
    name: str
    place: Annotated[str, Field(description="Its address as far as it is no secret.")]
    account: Annotated[str | None, Field(description="Whose notices it gets; null: everybody's.")]
    kinds: Annotated[list[str], Field(description="Which notices it gets; none: all.")]
    state: Literal["active", "disabled"]
    disabled_at: datetime | None
    disabled_why: str
    created_at: datetime
    created_by: str


class NewEndpoint(Shape):
    """An endpoint to be made."""

    channel: Literal["webhook", "service"] = "webhook"
    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=2_000,
            examples=["https://example.com/hooks/tokens"],
            description="A webhook's address, or a service's as Apprise writes it: `slack://…`, `tgram://…`.",
        ),
    ]
    name: Annotated[str, Field(max_length=100, description="Otherwise its host.")] = ""
    account: Annotated[str, Field(max_length=200, description="Empty: the notices of all accounts.")] = ""
    kinds: Annotated[list[Kind], Field(max_length=10, description="None: all.")] = Field(default_factory=list)
    reason: Reason


class MadeEndpoint(Endpoint):
    """An endpoint, and the secret that signs its notices: here and never again; "" for a service."""

    secret: Annotated[str, Field(examples=["whsec_…"])]


class EndpointReason(Shape):
    """Why something is done."""

    reason: Reason


@router.get("")
async def list_endpoints(
    _caller: Auditor, house: House, cursor: Cursor = None, limit: Limit = 20
) -> Page[Endpoint]:
    """List endpoints, the newest first. For auditors."""
    found = await house.endpoints(before=cursor, rows_max=limit)
    return Page(items=[shown(one) for one in found], next=found[-1].id if len(found) == limit else None)


@router.post("", status_code=201)
async def create_endpoint(asked: NewEndpoint, caller: Operator, house: House) -> MadeEndpoint:
    """Have notices sent to a webhook or a service. The secret that signs is shown this once.

    Not idempotent, for nobody could say the first secret again: where it was lost, rotate it.
    """
    async with at_once(house.desk):
        made = await house.create_endpoint(
            asked.url,
            channel=asked.channel,
            name=asked.name,
            account=asked.account,
            kinds=asked.kinds,
            actor=caller.actor,
        )
        told = shown(made.endpoint)
        await caller.record(
            house,
            "endpoint.create",
            told.id,
            after=_plain(told, "place", "account", "kinds"),
            reason=asked.reason,
        )
    return MadeEndpoint(**told.model_dump(), secret=made.secret)


@router.post("/{endpoint_id}/rotate")
async def rotate_endpoint(
    endpoint_id: EndpointId, asked: EndpointReason, caller: Operator, house: House
) -> MadeEndpoint:
    """Give a webhook a new secret, shown this once; for a day the old one signs beside it."""
    async with at_once(house.desk):
        made = await house.rotate_endpoint(endpoint_id)
        await caller.record(house, "endpoint.rotate", made.endpoint.id, reason=asked.reason)
    return MadeEndpoint(**shown(made.endpoint).model_dump(), secret=made.secret)


@router.post("/{endpoint_id}/disable")
async def disable_endpoint(
    endpoint_id: EndpointId, asked: EndpointReason, caller: Operator, house: House
) -> Endpoint:
    """Let an endpoint rest; what waits for it is given up and can be sent again later. Idempotent."""
    wanted = checked_id(endpoint_id, "endpoint")
    with caller.changing(house, "endpoint.disable", wanted, _nothing, reason=asked.reason):
        return shown(await house.disable_endpoint(wanted, why=asked.reason[:200]))


@router.post("/{endpoint_id}/enable")
async def enable_endpoint(
    endpoint_id: EndpointId, asked: EndpointReason, caller: Operator, house: House
) -> Endpoint:
    """Use an endpoint again. Idempotent."""
    wanted = checked_id(endpoint_id, "endpoint")
    with caller.changing(house, "endpoint.enable", wanted, _nothing, reason=asked.reason):
        return shown(await house.enable_endpoint(wanted))


@router.post("/{endpoint_id}/test")
async def try_endpoint(endpoint_id: EndpointId, caller: Operator, house: House) -> Delivery:
    """Send a test to an endpoint now, once; the answer says whether it arrived, and why not."""
    wanted = checked_id(endpoint_id, "endpoint")
    with caller.changing(house, "endpoint.test", wanted, lambda sent: {"delivery": sent.id}):
        return delivery_shown(await house.try_endpoint(wanted))


def shown(one: Stored) -> Endpoint:
    """Return an endpoint as the API says it: no secret, and no address that holds one."""
    return Endpoint(
        id=one.id,
        channel="webhook" if one.channel == "webhook" else "service",
        name=one.name,
        place=place_of(one),
        account=one.ref or None,
        kinds=list(one.kinds),
        state="active" if one.disabled_at is None else "disabled",
        disabled_at=one.disabled_at,
        disabled_why=one.disabled_why,
        created_at=one.created_at,
        created_by=one.created_by,
    )


def _nothing(_: Stored) -> None:
    """Tell nothing more than what was done."""


def _plain(one: Endpoint, *names: str) -> dict[str, Any]:
    return {name: getattr(one, name) for name in names}
