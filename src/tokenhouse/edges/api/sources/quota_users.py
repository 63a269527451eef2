"""The back end's users: told as they change where they live, suspended when they are deleted there."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response, status
from pydantic import Field

from tokenhouse.edges.api.caller import House, Operator
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.edges.api.sources.names import UserId, ref_of, user_id
from tokenhouse.flow.synchronise import Synchronised

router = APIRouter(prefix="/api/v1/user-quota/users", tags=["sources"])


class ToldUser(Shape):
    """A user as the back end knows it. What is left out stays as it is."""

    user_id: UserId
    name: Annotated[str | None, Field(max_length=200)] = None
    email: Annotated[str | None, Field(max_length=200)] = None
    locale: Annotated[Literal["en", "ko"] | None, Field(description="Language of its notices.")] = None
    plan: Annotated[str | None, Field(max_length=63)] = None
    state: Annotated[
        Literal["active", "suspended"] | None,
        Field(description="A suspended user becomes active again only where this says so."),
    ] = None


class SynchronisedUser(Shape):
    """A user as it is here now."""

    user_id: UserId
    name: str
    email: str
    locale: str
    plan: str | None
    state: str | None
    created_at: datetime
    created: Annotated[bool, Field(description="Whether this call opened it.")]
    changed: Annotated[list[str], Field(description="Which of its parts this call changed.")]


@router.post("", responses={201: {"model": SynchronisedUser, "description": "The user is new here."}})
async def synchronise_user(
    told: ToldUser, caller: Operator, house: House, response: Response
) -> SynchronisedUser:
    """Make a user here what the back end says of it: opened if new, changed where it differs. Idempotent."""
    parts = told.model_dump(exclude={"user_id"})
    made = await house.synchronise(ref_of(told.user_id), **parts, actor=caller.actor, address=caller.address)
    if made.made:
        response.status_code = status.HTTP_201_CREATED
    return _shown(made)


@router.delete("/{user}")
async def suspend_user(
    user: Annotated[str, Path(max_length=200, examples=["123"])], caller: Operator, house: House
) -> SynchronisedUser:
    """Suspend a user whom the back end has deleted: no call goes through any more, and its journal stays.

    Idempotent. Raises: NotFound for a user that was never here.
    """
    await house.describe(user)
    decided = {"actor": caller.actor, "address": caller.address}
    return _shown(await house.synchronise(user, state="suspended", **decided))


def _shown(one: Synchronised) -> SynchronisedUser:
    """Return a user as it is here now."""
    account = one.account
    return SynchronisedUser(
        user_id=user_id(account.ref),
        name=account.name,
        email=account.email,
        locale=account.locale,
        plan=account.plan,
        state=account.state,
        created_at=account.created_at,
        created=one.made,
        changed=list(one.changed),
    )
