"""Thin routes: those of the hot path, read and written by msgspec, past everything that a full route goes by.

A full route of the framework goes through its stack of middleware and routes, resolves its dependencies and
checks body and answer field by field: some 200 µs for what the ledger does in 40. A thin one has one struct
in and one out, and of these same structs its part of the OpenAPI document is made, so that neither can say
what the other does not do. Callers, roles, errors and the guard are those of all other routes.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Generic, TypeVar, get_args
from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from tokenhouse.edges import methods
from tokenhouse.edges.api.caller import SLASH, Caller, Operator
from tokenhouse.edges.headers import Header, encoded, standing
from tokenhouse.edges.misshapen import by_msgspec, misshapen
from tokenhouse.errors import NotFound, Refused, TokenhouseError
from tokenhouse.flow.report import view
from tokenhouse.house import Tokenhouse

JSON: Final = "application/json"
IDEMPOTENCY: Final = b"idempotency-key"
CONTENT_TYPE: Final = b"content-type"
UNSAID: Final = (b"", b"application/x-www-form-urlencoded")
"""What a request says of its body whose sender has not said that it is JSON."""
REPEATED: Final = frozenset((b"kind", b"column"))
"""Names in a query of which there may be several: those of lists."""
PART: Final = re.compile(r"\{(\w+)\}")

Asked = TypeVar("Asked", bound=msgspec.Struct)
Told = TypeVar("Told", bound=msgspec.Struct)
Refuse = Callable[[Request, Exception], Awaitable[Response]]


class Asking(msgspec.Struct, Generic[Asked], frozen=True, kw_only=True):
    """One call of a thin route: who calls, what for, under which key, and what stood in the path."""

    house: Tokenhouse
    caller: Caller
    asked: Asked
    key: str | None
    path: dict[str, str]
    headers: list[Header]
    """What the answer says beside its body; a verb adds to it."""


class Thin(Generic[Asked, Told]):
    """One route: a struct comes in by POST, the verb is carried out, a struct goes out."""

    def __init__(
        self,
        path: str,
        verb: Callable[[Asking[Asked]], Awaitable[Told]],
        *,
        asked: type[Asked],
        told: type[Told],
        status: int,
        tag: str,
        example: dict[str, Any],
        keyed: bool = False,
        caller: Any = Operator,
    ) -> None:
        self.path, self.name, self.verb, self.asked, self.told = path, verb.__name__, verb, asked, told
        self.status, self.tag, self.example, self.keyed = status, tag, example, keyed
        self.parts = PART.findall(path)
        self.pattern = re.compile(PART.sub(r"(?P<\1>[^/]+)", path))
        self._admit = get_args(caller)[1].dependency
        self._read = msgspec.json.Decoder(asked).decode
        self._written = msgspec.json.Encoder().encode

    async def answer(self, request: Request, path: dict[str, str], headers: list[Header]) -> bytes:
        """Return the body of the answer to a request, and add to its headers. Raises: the no."""
        house: Tokenhouse = request.app.state.house
        caller = await self._admit(request, house)
        asked = self.read(await _body(request.receive))
        asking = Asking(
            house=house,
            caller=caller,
            asked=asked,
            key=_key(request.scope) if self.keyed else None,
            path=path,
            headers=headers,
        )
        try:
            return self._written(await self.verb(asking))
        except TokenhouseError as no:
            headers += await _standing(house, getattr(asked, "account", ""), no)
            raise

    def read(self, body: bytes) -> Asked:
        """Return what a body asks for. Raises: InvalidInput that names the field."""
        try:
            return self._read(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise by_msgspec(wrong) from None


class Api(FastAPI):
    """An application of the framework in which some paths are thin."""

    def __init__(
        self, routers: Iterable[APIRouter], thin: Iterable[Thin[Any, Any]], refuse: Refuse, **how: Any
    ) -> None:
        super().__init__(**how)
        self.thin = tuple(thin)
        self._full = [one for one in self.routes if isinstance(one, Route)]
        for router in routers:
            self._full += [one for one in router.routes if isinstance(one, Route)]
        self._refuse = refuse
        self._plain = {one.path: one for one in self.thin if not one.parts}
        self._parted = [one for one in self.thin if one.parts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        raw: bytes = scope.get("raw_path") or b""
        if b"%2f" in raw or b"%2F" in raw:
            scope = {**scope, "path": _whole(raw)}
        if b"&" in scope.get("query_string", b""):
            twice = _twice(scope["query_string"])
            if twice:
                no = await self._refuse(Request({**scope, "app": self}), misshapen(twice, "repeated"))
                return await no(scope, receive, send)
        if scope["type"] == "http" and scope["method"] in methods.HARMLESS:
            return await self._look(scope, receive, send)
        if scope["type"] == "http":
            scope = _as_json(scope)
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            plain = self._plain.get(path)
            if plain is not None:
                return await self._serve(plain, {}, scope, receive, send)
            for one in self._parted:
                found = one.pattern.fullmatch(path)
                if found is not None:
                    return await self._serve(one, found.groupdict(), scope, receive, send)
        return await super().__call__(scope, receive, send)

    async def _look(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that changes nothing: HEAD is answered as GET is, and OPTIONS by what there is."""
        if scope["method"] == "HEAD":
            return await super().__call__({**scope, "method": "GET"}, receive, _bodiless(send))
        taken = self.taken(scope) if scope["method"] == "OPTIONS" else ()
        if taken:
            told = encoded([methods.allow(taken)])
            await send({"type": "http.response.start", "status": 204, "headers": told})
            return await send({"type": "http.response.body"})
        return await super().__call__(scope, receive, send)

    def taken(self, scope: Scope) -> set[str]:
        """Return every method that a path takes: the framework itself tells those of one route only."""
        path: str = scope["path"]
        found = {"POST" for one in self.thin if one.pattern.fullmatch(path)}
        return found.union(*(route.methods or () for route in self._full if route.path_regex.match(path)))

    async def _serve(
        self, route: Thin[Any, Any], path: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a request for a thin route."""
        scope["app"] = self
        request = Request(scope, receive)
        told: list[Header] = []
        try:
            body = await route.answer(request, path, told)
        except Exception as no:
            response = await self._refuse(request, no)
            response.raw_headers += encoded(told)
            await response(scope, receive, send)
            if not isinstance(no, TokenhouseError):
                raise  # It is ours, and whoever runs the server must hear of it.
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *encoded(told),
        ]
        await send({"type": "http.response.start", "status": route.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _twice(query: bytes) -> str:
    """Return a name that stands in a query more than once and means one value; "" if there is none.

    Of two the framework would take the last and others the first: nobody could tell what was asked for.
    """
    names = [part.partition(b"=")[0] for part in query.split(b"&")]
    found = next((one for one in names if one and one not in REPEATED and names.count(one) > 1), b"")
    return unquote(found.decode("latin-1"))


def _bodiless(send: Send) -> Send:
    """Return the way of an answer from which only the body is left out."""

    async def without(message: Message) -> None:
        await send({**message, "body": b""} if "body" in message else message)

    return without


async def _body(receive: Receive) -> bytes:
    """Return a request's body, which the guard has bounded: nearly always it comes in one piece."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _standing(house: Tokenhouse, account: str, no: TokenhouseError) -> list[Header]:
    """Return where an account stands that gets a no; where the rules never came to look, it is looked up."""
    if no.path:
        return standing(view(account, no.path), house.desk.clock())
    if not account or not isinstance(no, Refused | NotFound):
        return []
    try:
        return standing(await house.balance(account), house.desk.clock())
    except TokenhouseError:
        return []  # The no is the answer, whatever else goes wrong.


def _whole(raw: bytes) -> str:
    """Return a path in which a slash that belongs to a name parts nothing: it stands there as `SLASH`."""
    return "/".join(unquote(part).replace("/", SLASH) for part in raw.decode("latin-1").split("/"))


def _as_json(scope: Scope) -> Scope:
    """Return a request whose body is said to be JSON, as every body here is, where nobody said so.

    That opens no door: a page of another site lacks the token of a session, whatever it sends.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    kind = next((value for name, value in headers if name == CONTENT_TYPE), b"")
    if kind.lower() not in UNSAID:
        return scope
    others = [(name, value) for name, value in headers if name != CONTENT_TYPE]
    return {**scope, "headers": [*others, (CONTENT_TYPE, JSON.encode())]}


def _key(scope: Scope) -> str | None:
    """Return the idempotency key of a request."""
    found = next((value for name, value in scope["headers"] if name == IDEMPOTENCY), None)
    return None if found is None else found.decode("latin-1")
