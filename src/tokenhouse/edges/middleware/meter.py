"""TokenMiddleware: credit is set aside before an ASGI application sees a request, and charged after it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from tokenhouse.edges import headers, problems
from tokenhouse.edges.credentials import Identity, credentials_of, header, identify
from tokenhouse.edges.credentials.api_keys import ApiKey
from tokenhouse.edges.middleware import estimates
from tokenhouse.edges.middleware.endpoints import Endpoint, Endpoints
from tokenhouse.edges.middleware.inbox import ClientLeft, Inbox, Receive
from tokenhouse.edges.middleware.lifespan import Lifespan
from tokenhouse.edges.middleware.responder import BODY, START, App, Responder, Scope, Send
from tokenhouse.errors import InvalidInput, NotFound, Refused, StartRefused, TokenhouseError
from tokenhouse.flow import spans
from tokenhouse.flow.call import Call, Needs
from tokenhouse.flow.keys import admit
from tokenhouse.house import Tokenhouse
from tokenhouse.providers.base import Request

BODY_MAX: Final = 4 * 1024 * 1024
"""Bytes of a request's body that are read before the application gets it; a larger one is refused."""

log: Final = logging.getLogger("tokenhouse.middleware")

Opening = Callable[[], AbstractAsyncContextManager[Tokenhouse]]


class TokenMiddleware:
    """Meters the requests of an ASGI application: FastAPI, Starlette, Litestar, Django, or a bare one.

    A request that no endpoint fits goes through untouched. For any other: who calls is found, what the
    request can cost is set aside, and the application runs; where the credit does not suffice it never sees
    the request. Its answer passes unchanged, chunk by chunk, and is charged by what it says of its usage or
    by what the application records (`tokenhouse_call(request).record(usage)`). Websockets pass unmetered.

    Args:
        app: the application.
        house: an open house; or what opens one, such as `lambda: Tokenhouse.open(dsn)`, which happens as the
            server starts. Without it `Tokenhouse.open()`: by the settings.
        endpoints: what is metered: `Endpoint`s, or bare paths.
        account: whose call it is: `ApiKey()`, `JwtClaim(…)`, `TrustedHeader(…)`, a function of the scope,
            plain or a coroutine, that returns the account's name; or a list of these, the first proof counts.
        opens_accounts: whether somebody who is proven, and has no account yet, gets one with its allowance.
        body_max: bytes of a body that are read at most.

    Raises: StartRefused for a setting that would let anybody be anybody.
    """

    def __init__(
        self,
        app: App,
        house: Tokenhouse | Opening | None = None,
        *,
        endpoints: Iterable[Endpoint | str],
        account: object = None,
        opens_accounts: bool = False,
        body_max: int = BODY_MAX,
    ) -> None:
        self._app = app
        self._house: Tokenhouse | None = None
        self._opening: Opening = Tokenhouse.open
        if isinstance(house, Tokenhouse):
            self._house = house
        elif house is not None:
            self._opening = house
        self._endpoints = Endpoints(endpoints)
        self._credentials = credentials_of(ApiKey() if account is None else account)
        self._opens_accounts, self._body_max = opens_accounts, body_max
        self._ends: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the server."""
        if scope["type"] == "http":
            endpoint = self._endpoints.find(scope)
            if endpoint is not None:
                await self._metered(endpoint, scope, receive, send)
                return
        elif scope["type"] == "lifespan":
            await Lifespan(scope, receive, send).run(self._app, self._opened)
            return
        await self._app(scope, receive, send)

    async def _metered(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is metered."""
        inbox, house, identity = Inbox(receive), self._open_house(), None
        try:
            with spans.step("identify"):
                identity = await identify(self._credentials, scope, house)
            needs, request = await self._needs(endpoint, scope, inbox)
            call = await self._begin(house, identity, needs)
        except ClientLeft:
            return
        except TokenhouseError as no:
            await self._refuse(no, endpoint, identity, house, send)
            return
        now, api_key = house.desk.clock(), identity.api_key
        told = headers.standing(call.balance, now)
        path = call.reservation.answer.path
        told += headers.limited(path, endpoint.protocol, model=needs.model, api_key=api_key, now=now)
        responder = Responder(call, endpoint, request, inbox, send, headers.encoded(told), self._ends)
        await responder.run(self._app, scope)

    async def _needs(self, endpoint: Endpoint, scope: Scope, inbox: Inbox) -> tuple[Needs, Request | None]:
        """Return what a request needs; its body is read for that where it can hold text."""
        kind = (header(scope, "content-type") or "").lower()
        if not estimates.readable(endpoint, kind):
            return estimates.needs(endpoint, kind, None)
        stated = header(scope, "content-length") or ""
        if stated.isdecimal() and int(stated) > self._body_max:
            raise InvalidInput("body_too_large", field="body", value="", most=self._body_max)
        return estimates.needs(endpoint, kind, await inbox.read(self._body_max))

    async def _begin(self, house: Tokenhouse, identity: Identity, needs: Needs) -> Call:
        """Set aside what a request needs; for somebody new, open the account first where that is wanted."""
        if identity.key is not None:
            admit(identity.key, needs.model)
        try:
            return await house.begin(identity.account, needs, api_key=identity.api_key)
        except NotFound as no:
            if not self._opens_accounts or no.reason != "account_unknown":
                raise
        await house.account(identity.account, actor="middleware")
        return await house.begin(identity.account, needs, api_key=identity.api_key)

    async def _refuse(
        self,
        no: TokenhouseError,
        endpoint: Endpoint,
        identity: Identity | None,
        house: Tokenhouse,
        send: Send,
    ) -> None:
        """Send a no; in the language of its account, with where that stands, unless the trouble is ours."""
        now, told = house.desk.clock(), list[tuple[str, str]]()
        locale: str = house.desk.settings.locale
        if identity is not None and isinstance(no, Refused | InvalidInput):
            try:
                locale = (await house.describe(identity.account)).locale or locale
                told = headers.standing(await house.balance(identity.account), now)
            except TokenhouseError as trouble:
                log.debug("a no without its account's standing: %s", trouble)
        answer = problems.answer(no, endpoint.protocol, locale, now=now)
        length = ("content-length", str(len(answer.body)))
        lines = headers.encoded([*answer.headers, length, *told])
        await send({"type": START, "status": answer.status, "headers": lines})
        await send({"type": BODY, "body": answer.body})

    def _open_house(self) -> Tokenhouse:
        """Return the house. Raises: StartRefused where the server started no lifespan."""
        if self._house is None:
            raise StartRefused("house_not_open")
        return self._house

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Tokenhouse]:
        """Open the house unless it is open, and close it again when every call under way has ended."""
        if self._house is not None:
            yield self._house
            await self._ended()
            return
        async with self._opening() as house:
            self._house = house
            try:
                yield house
            finally:
                self._house = None
                await self._ended()

    async def _ended(self) -> None:
        """Return when every call whose request is over has ended."""
        if self._ends:
            await asyncio.wait(tuple(self._ends))
