"""People: who signs in and in which role. An owner's business."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.caller import House, Owner
from tokenhouse.edges.api.shapes import Page, Shape
from tokenhouse.flow.people import Invited, link_of
from tokenhouse.store.keys import Role
from tokenhouse.store.people import Person as Known

router = APIRouter(prefix="/api/v1/people", tags=["people"])

PersonId = Annotated[
    str, Path(max_length=200, description="Their id or e-mail.", examples=["jisu@example.com"])
]
Text = Annotated[str, Field(max_length=200)]


class Person(Shape):
    """Somebody who signs in."""

    id: str
    email: str
    name: str
    role: Role
    account: str | None
    state: Annotated[str, Field(examples=["active", "invited", "disabled"])]
    locale: str
    time_zone: str
    created_at: datetime
    created_by: str
    seen_at: datetime | None
    link_expires_at: datetime | None


class NewPerson(Shape):
    """Somebody to be made. Role "user" needs an account."""

    email: Annotated[str, Field(max_length=200, examples=["jisu@example.com"])]
    role: Role = "user"
    account: Annotated[str, Field(max_length=200, examples=["alice"])] = ""
    name: Text = ""
    locale: Literal["en", "ko"] | None = None
    time_zone: Text = ""


class PersonChange(Shape):
    """What is to be changed; what is left out stays."""

    name: Annotated[Text | None, Field(examples=["김지수"])] = None
    role: Role | None = None
    account: Text | None = None
    locale: Literal["en", "ko"] | None = None
    time_zone: Text | None = None
    disabled: bool | None = None
    reason: Annotated[str, Field(max_length=1000, description="Why; the audit log keeps it.")] = ""


class Invitation(Shape):
    """A person, and the one-time link that lets them in. It is here this once."""

    person: Person
    link: Annotated[str, Field(examples=["https://tokens.example.com/app/welcome#9f3k…"])]
    expires_at: datetime


class SignedOut(Shape):
    """How many sessions ended."""

    sessions: int


@router.get("")
async def list_people(
    _caller: Owner,
    house: House,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str, Query(max_length=200, description="`next` of a page.")] = "",
    account: Annotated[str, Query(max_length=200, description="Those who sign in for it alone.")] = "",
) -> Page[Person]:
    """List people, by e-mail."""
    if account:
        found = await house.people_of(account, after=cursor, rows_max=limit)
    else:
        found = await house.people(after=cursor, rows_max=limit)
    return Page(items=[shown(one) for one in found], next=found[-1].email if len(found) == limit else None)


@router.post("", status_code=201)
async def create_person(body: NewPerson, caller: Owner, house: House) -> Invitation:
    """Make somebody who signs in. The link in the answer is theirs: with it they choose a password."""
    invited = await house.create_person(
        body.email,
        role=body.role,
        account=body.account,
        name=body.name,
        locale=body.locale or "",
        time_zone=body.time_zone,
        actor=caller.actor,
        address=caller.address,
    )
    return _invitation(invited, house)


@router.get("/{person}")
async def show_person(person: PersonId, _caller: Owner, house: House) -> Person:
    """Show somebody."""
    return shown(await house.person(person))


@router.patch("/{person}")
async def amend_person(person: PersonId, body: PersonChange, caller: Owner, house: House) -> Person:
    """Change somebody's role, account or name, or let them in no more; at once. The last owner stays one."""
    known = await house.person(person)
    changes: dict[str, Any] = body.model_dump(exclude={"reason"}, exclude_none=True)
    return shown(
        await house.change_person(
            known.id, changes, actor=caller.actor, reason=body.reason, address=caller.address
        )
    )


@router.post("/{person}/link", status_code=201)
async def invite_person(person: PersonId, caller: Owner, house: House) -> Invitation:
    """Make a new one-time link for somebody, who forgot a password or never chose one."""
    known = await house.person(person)
    return _invitation(await house.invite(known.id, actor=caller.actor, address=caller.address), house)


@router.delete("/{person}/sessions")
async def sign_out_person(person: PersonId, caller: Owner, house: House) -> SignedOut:
    """Sign somebody out wherever they are signed in."""
    known = await house.person(person)
    ended = await house.sign_out_everywhere(known.id, actor=caller.actor, address=caller.address)
    return SignedOut(sessions=ended)


def shown(known: Known) -> Person:
    """Return a person as the API says it."""
    return Person(
        id=known.id,
        email=known.email,
        name=known.name,
        role=known.role,
        account=known.account or None,
        state=known.state,
        locale=known.locale,
        time_zone=known.time_zone,
        created_at=known.created_at,
        created_by=known.created_by,
        seen_at=known.seen_at,
        link_expires_at=known.link_expires_at,
    )


def _invitation(invited: Invited, house: House) -> Invitation:
    """Return a person and their link as the API says it."""
    return Invitation(
        person=shown(invited.person),
        link=link_of(house.desk.settings, invited.link),
        expires_at=invited.expires_at,
    )
