"""The session: signing in and out, and who one is."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from tokenhouse.edges.api.caller import Door, House, User
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.edges.credentials.cookies import HINT
from tokenhouse.edges.pages import PLACE as PAGES
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.sessions import SignedIn, csrf_of
from tokenhouse.store.keys import Role

router = APIRouter(prefix="/api/v1/session", tags=["session"])

Password = Annotated[str, Field(min_length=1, max_length=1024, examples=["nine small green birds"])]
Csrf = Annotated[
    str | None,
    Field(description="Goes into `x-csrf-token` of whatever changes something. Null for keys and tokens."),
]


class SignIn(Shape):
    """An e-mail and a password."""

    email: Annotated[str, Field(max_length=200, examples=["jisu@example.com"])]
    password: Password


class SignInByLink(Shape):
    """A one-time link, and the password that somebody chooses with it."""

    link: Annotated[str, Field(max_length=200, description="What stands behind `#` in the link.")]
    password: Annotated[Password | None, Field(description="Without it the one before stays.")] = None


class FirstOwner(Shape):
    """The one-time link that the server printed when it first started, and who its owner will be."""

    link: Annotated[str, Field(max_length=200, description="What stands behind `#` in the link.")]
    email: Annotated[str, Field(max_length=200, examples=["jisu@example.com"])]
    password: Password
    name: Annotated[str, Field(max_length=200)] = ""
    locale: Literal["en", "ko"] | None = None


class NewPassword(Shape):
    """A new password, and the one before where there is one."""

    old: Annotated[str, Field(max_length=1024)] = ""
    new: Password


class MyProfile(Shape):
    """What people may change of themselves; what is left out stays."""

    name: Annotated[str | None, Field(max_length=200)] = None
    locale: Literal["en", "ko"] | None = None
    time_zone: Annotated[str | None, Field(max_length=200, examples=["Asia/Seoul"])] = None


class Me(Shape):
    """Who calls, and what they may."""

    role: Role
    account: Annotated[str | None, Field(description="The caller's own account; `me` in paths.")]
    actor: Annotated[str, Field(examples=["person:jisu@example.com"])]
    email: str | None
    name: str
    locale: str
    time_zone: str
    has_password: bool
    csrf_token: Csrf
    expires_at: Annotated[datetime | None, Field(description="When a session ends in any case.")]


class MySession(Shape):
    """A browser in which one is signed in."""

    agent: Annotated[str, Field(description="What the browser calls itself.")]
    address: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    present: Annotated[bool, Field(description="Whether it is the one that asks.")]


class MySessions(Shape):
    """Where one is signed in, the last used first."""

    items: list[MySession]


class OthersSignedOut(Shape):
    """How many other sessions there were."""

    sessions: int


@router.post("")
async def sign_in(body: SignIn, request: Request, response: Response, house: House) -> Me:
    """Sign in with e-mail and password: the answer sets the cookie of a new session.

    After ten wrong passwords within a minute, for an e-mail or from an address, 429 says how long to wait.
    """
    address, agent = _whence(request)
    came = await house.sign_in(body.email, body.password, address=address, agent=agent)
    return await _begun(came, request, response, house)


@router.post("/link")
async def enter_by_link(body: SignInByLink, request: Request, response: Response, house: House) -> Me:
    """Sign in with a one-time link, and choose a password with it. The link opens nothing after that."""
    address, agent = _whence(request)
    came = await house.enter(body.link, body.password, address=address, agent=agent)
    return await _begun(came, request, response, house)


@router.post("/owner")
async def become_owner(body: FirstOwner, request: Request, response: Response, house: House) -> Me:
    """Become the first owner, with the link that the server printed; it opens nothing after that."""
    address, agent = _whence(request)
    came = await house.become_owner(
        body.link,
        email=body.email,
        password=body.password,
        name=body.name,
        locale=body.locale or "",
        address=address,
        agent=agent,
    )
    return await _begun(came, request, response, house)


@router.get("")
async def show_me(request: Request, caller: User, house: House) -> Me:
    """Say who calls, and in which role."""
    person = caller.session.person if caller.session else None
    secret = _door(request).cookie.secret(request.scope)
    return Me(
        role=caller.role,
        account=caller.account or None,
        actor=caller.actor,
        email=person.email if person else None,
        name=person.name if person else caller.key.name if caller.key else "",
        locale=person.locale if person else caller.locale,
        time_zone=(person.time_zone if person else "") or house.desk.settings.time_zone,
        has_password=bool(person and person.has_password),
        csrf_token=csrf_of(secret) if person else None,
        expires_at=caller.session.expires_at if caller.session else None,
    )


@router.patch("")
async def amend_me(body: MyProfile, request: Request, caller: User, house: House) -> Me:
    """Change one's own name, language or time zone. Only for somebody who signed in."""
    person = _person(caller)
    changes: dict[str, Any] = {name: value for name, value in body.model_dump().items() if value is not None}
    await house.change_person(person, changes, actor=caller.actor, address=caller.address)
    return await show_me(request, await _door(request).caller(request, house), house)


@router.put("/password", status_code=204)
async def change_password(body: NewPassword, request: Request, caller: User, house: House) -> None:
    """Choose another password; other sessions of the same person end. Only for somebody who signed in."""
    secret = _door(request).cookie.secret(request.scope)
    await house.set_password(
        _person(caller), body.new, old=body.old, but=secret, actor=caller.actor, address=caller.address
    )


@router.get("/all")
async def list_my_sessions(request: Request, caller: User, house: House) -> MySessions:
    """List where one is signed in. Only for somebody who signed in."""
    secret = _door(request).cookie.secret(request.scope)
    found = await house.sessions(_person(caller), secret=secret)
    return MySessions(
        items=[MySession(**{name: getattr(one, name) for name in MySession.model_fields}) for one in found]
    )


@router.delete("/others")
async def sign_out_others(request: Request, caller: User, house: House) -> OthersSignedOut:
    """Sign out everywhere else: all other sessions end. Only for somebody who signed in."""
    ended = await house.sign_out_everywhere(
        _person(caller),
        but=_door(request).cookie.secret(request.scope),
        actor=caller.actor,
        address=caller.address,
    )
    return OthersSignedOut(sessions=ended)


@router.delete("", status_code=204)
async def sign_out(request: Request, response: Response, caller: User, house: House) -> None:
    """Sign out: the session ends, and its cookie goes. What came with a key or a token has no session."""
    if caller.session is not None:
        cookie = _door(request).cookie
        await house.sign_out(cookie.secret(request.scope))
        secure = cookie.secure(request.scope)
        response.delete_cookie(cookie.name(request.scope), secure=secure, httponly=True, samesite="lax")
        response.delete_cookie(HINT, path=PAGES, secure=secure, samesite="lax")


async def _begun(came: SignedIn, request: Request, response: Response, house: House) -> Me:
    """Set the cookie of a session that just began, and end the one before in this browser."""
    cookie = _door(request).cookie
    before = cookie.secret(request.scope)
    if before:
        await house.sign_out(before)
    session, person = came.session, came.session.person
    how: dict[str, Any] = {
        "max_age": int((session.expires_at - session.created_at).total_seconds()),
        "secure": cookie.secure(request.scope),
        "samesite": "lax",
    }
    response.set_cookie(cookie.name(request.scope), came.secret, httponly=True, **how)
    response.set_cookie(HINT, "1", path=PAGES, **how)
    return Me(
        role=person.role,
        account=person.account or None,
        actor=person.actor,
        email=person.email,
        name=person.name,
        locale=person.locale,
        time_zone=person.time_zone or house.desk.settings.time_zone,
        has_password=person.has_password,
        csrf_token=came.csrf,
        expires_at=session.expires_at,
    )


def _person(caller: User) -> str:
    """Return who is signed in. Raises: InvalidInput, for keys and tokens: behind them is no person."""
    if caller.session is None:
        raise InvalidInput("session_wanted", field="session", value="")
    return caller.session.person.id


def _door(request: Request) -> Door:
    """Return the ways in."""
    door: Door = request.app.state.door
    return door


def _whence(request: Request) -> tuple[str, str]:
    """Return the address of a request, and what its program calls itself."""
    return request.client.host if request.client else "", request.headers.get("user-agent", "")
