"""The caller: who calls the REST API, in which role, and which accounts it may see.

A user sees its own account and nothing else; an auditor sees everything and changes nothing; an
operator changes what a deployment has; an owner also says who the others are.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Header, Request

from tokenhouse.edges.credentials import Credential, identify
from tokenhouse.edges.credentials.api_keys import ApiKey
from tokenhouse.edges.credentials.cookies import SessionCookie
from tokenhouse.edges.headers import first
from tokenhouse.edges.language import language
from tokenhouse.edges.requests import ACCOUNT
from tokenhouse.errors import Forbidden
from tokenhouse.flow import audited, spans
from tokenhouse.flow.audit_trail import with_amendment, with_record
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import TOKEN
from tokenhouse.store.keys import Key, Role
from tokenhouse.store.sessions import Session

RANK: Final[dict[Role, int]] = {"user": 0, "auditor": 1, "operator": 2, "owner": 3}
"""Each role may do what those below it may."""
BACK_END: Final = "back_end"
"""In a request's state: that its caller is known, and whether it is a back end, which calls for everybody."""
SLASH: Final = "\0"
"""How a slash of an account's name comes to us in a path, where it was written as %2F; see `thin`."""
ME: Final = "me"
"""How a caller names its own account in a path."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls. `account` is its own, or ""; `actor` is what entries and the audit log say."""

    role: Role
    account: str
    actor: str
    api_key: str = ""
    locale: str = "en"
    key: Key | None = None
    """The API key, where it came with one."""
    session: Session | None = None
    """The session, where somebody is signed in."""
    address: str = ""
    """Where the call came from, as the server sees it."""

    async def record(
        self,
        house: Tokenhouse,
        action: str,
        subject: str,
        *,
        before: Any = None,
        after: Any = None,
        reason: str = "",
    ) -> None:
        """Append a change that this caller made to the audit log."""
        await house.record(
            action,
            subject,
            actor=self.actor,
            before=before,
            after=after,
            reason=reason,
            address=self.address,
        )

    def changing(
        self,
        house: Tokenhouse,
        action: str,
        subject: str,
        told: Callable[[Any], Any],
        *,
        before: Any = None,
        reason: str = "",
    ) -> AbstractContextManager[None]:
        """Have the first change that this caller makes within recorded by what makes it; a repeat is not.

        `told` says of what was made how it is now.
        """
        return with_record(
            house.desk,
            told,
            actor=self.actor,
            action=action,
            subject=subject,
            before=before,
            reason=reason,
            address=self.address,
        )

    def deciding(
        self, house: Tokenhouse, action: str, subject: str, told: Callable[[Any], Any], *, before: Any = None
    ) -> AbstractContextManager[None]:
        """Have a change within recorded if an operator makes it; what people do for themselves is not."""
        if RANK[self.role] < RANK["operator"]:
            return nullcontext()
        return self.changing(house, action, subject, told, before=before)

    def moving(
        self, house: Tokenhouse, action: str, subject: str, *, reason: str = "", **facts: str
    ) -> AbstractContextManager[None]:
        """Have the credit that this caller moves within recorded by what moves it; a repeat is not."""
        unit = deployment_unit(house.desk) or TOKEN
        return self.changing(
            house, action, subject, lambda done: audited.moved(done, unit, **facts), reason=reason
        )

    def amending(
        self, house: Tokenhouse, account: str, before: Any, after: Any, reason: str
    ) -> AbstractContextManager[None]:
        """Have the change of an account's state or plan within recorded by what makes it, if it is one."""
        told = {"actor": self.actor, "reason": reason, "address": self.address}
        return with_amendment(house.desk, account, before, after, **told)

    def account_of(self, ref: str) -> str:
        """Return the account that a path names, which this caller may see; `me` is its own.

        Raises: Forbidden. A user learns nothing of whether somebody else's account exists.
        """
        if ref == ME and self.account:
            return self.account
        ref = ref.replace(SLASH, "/")
        if self.role == "user" and ref != self.account:
            raise Forbidden("not_your_account", account=ref)
        return ref

    def account_to_change(self, ref: str) -> str:
        """Return the account that a path names, which this caller may change: its own, or as operator any.

        Raises: Forbidden.
        """
        account = self.account_of(ref)
        if account != self.account and RANK[self.role] < RANK["operator"]:
            raise Forbidden("role_wanted", role="operator", had=self.role)
        return account


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The ways in that a deployment has opened."""

    credentials: Sequence[Credential]
    cookie: SessionCookie

    @property
    def others(self) -> Sequence[Credential]:
        """What is believed besides keys and cookies."""
        return [one for one in self.credentials if not isinstance(one, ApiKey)]

    async def caller(self, request: Request, house: Tokenhouse) -> Caller:
        """Return who calls. Raises: Unauthenticated."""
        identity = await identify((*self.credentials, self.cookie), request.scope, house)
        back_end = identity.session is None and RANK[identity.role] >= RANK["operator"]
        request.scope.setdefault("state", {})[BACK_END] = back_end
        client = request.scope.get("client")
        spoken = identity.session.person.locale if identity.session else house.desk.settings.locale
        return Caller(
            role=identity.role,
            account=identity.account,
            actor=identity.actor,
            api_key=identity.api_key,
            key=identity.key,
            session=identity.session,
            locale=spoken if _follows_a_link(request) else language(request.scope, spoken),
            address=client[0] if client else "",
        )


def _follows_a_link(request: Request) -> bool:
    """Tell whether somebody followed a link, as to a file: their browser's language is not the page's.

    What a page asks for itself it asks for in the language that it is shown in.
    """
    return first(request.scope, b"sec-fetch-mode") == b"navigate"


def house_of(request: Request) -> Tokenhouse:
    """Return the house that a request is for."""
    house: Tokenhouse = request.app.state.house
    return house


House = Annotated[Tokenhouse, Depends(house_of)]


class _As:
    """Lets a caller in who has at least a role. Raises: Unauthenticated, Forbidden."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request, house: House) -> Caller:
        door: Door = request.app.state.door
        with spans.step("identify") as span:
            caller = await door.caller(request, house)
            span.tell(**{spans.ACCOUNT: caller.account or None})
        request.state.locale = caller.locale
        request.scope[ACCOUNT] = caller.account or caller.actor
        if RANK[caller.role] < RANK[self.role]:
            raise Forbidden("role_wanted", role=self.role, had=caller.role)
        return caller


User = Annotated[Caller, Depends(_As("user"))]
Auditor = Annotated[Caller, Depends(_As("auditor"))]
Operator = Annotated[Caller, Depends(_As("operator"))]
Owner = Annotated[Caller, Depends(_As("owner"))]

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=255, description="Repeated under it, the first answer comes."),
]
