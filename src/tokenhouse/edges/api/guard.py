"""The guard: what stands before the REST API and looks at every request before anything is done for it.

Which name the request calls, whose page sent it, how much it brings, how often somebody comes: the answer to
each may be a no, in the shape of any other problem. And every answer leaves with headers that keep browsers
from guessing at it, framing it or keeping it.

Whoever was believed a moment ago is counted alone. All others are counted by their address, and so are the
credentials from there that were refused: behind one address may be a whole company, and one of it that fails
must not shut out the others. A back end, which calls for everybody, is not counted once it is known. Each
process counts for itself.

Payment providers come in bursts, and each of their messages proves itself: only those are counted, as refused
credentials are, that prove nothing.
"""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from fnmatch import fnmatchcase
from functools import lru_cache
from hashlib import blake2b
from http import HTTPStatus
from ipaddress import IPv6Address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware

from tokenhouse.edges import problems
from tokenhouse.edges.api import ROUTERS
from tokenhouse.edges.api.caller import BACK_END
from tokenhouse.edges.api.marks import ANY_SITE, BODY_MAX, marked
from tokenhouse.edges.credentials.peers import SECRET_HEADER
from tokenhouse.edges.headers import encoded
from tokenhouse.edges.language import language
from tokenhouse.edges.methods import HARMLESS
from tokenhouse.edges.payments.message import PROVEN
from tokenhouse.errors import Forbidden, InvalidInput, Throttled, TokenhouseError
from tokenhouse.flow.throttle import Throttle
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.periods import Instant
from tokenhouse.settings import Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

CREDENTIALS: Final = (b"authorization", b"x-api-key", b"cookie")
"""Headers that prove who calls; those of the settings come to them."""
PROVIDERS: Final = ("/api/v1/payments/", "/api/v1/user-quota/payment-callback")
"""Where payment providers speak."""
BELIEVED_MAX: Final = 50_000
"""Credentials that were believed and are remembered, by a hash."""
SAFE: Final = {
    b"cache-control": b"no-store",
    b"content-security-policy": (
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}
"""Headers of every answer that does not say otherwise itself."""
HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
ALLOWED_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
ALLOWED_HEADERS: Final = (
    *("authorization", "content-type", "accept-language", "idempotency-key"),
    *("x-api-key", "x-csrf-token", "x-request-id"),
)
EXPOSED_HEADERS: Final = (
    *("x-request-id", "retry-after", "ratelimit", "ratelimit-policy"),
    *("x-tokenhouse-remaining", "x-tokenhouse-used-percent", "x-tokenhouse-warning"),
)


def guarded(app: App, house: Tokenhouse) -> App:
    """Return an application with the guard before it, and CORS for the sites that the settings list."""
    settings = house.desk.settings
    guard: App = Guard(app, house)
    ours: App = guard
    if settings.cors_origins:
        ours = CORSMiddleware(
            guard,
            allow_origins=settings.cors_origins,
            allow_methods=ALLOWED_METHODS,
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
        )
    anyones: App = CORSMiddleware(
        guard, allow_origins=["*"], allow_methods=["GET"], allow_headers=["authorization"], max_age=86_400
    )

    return Sites(ours, anyones)


class Sites:
    """Pages of any site may ask what a route opens to them; all else only those of sites that are listed."""

    def __init__(self, app: App, anyones: App) -> None:
        self._app, self._anyones = app, anyones
        self._paths = {path for _, path in marked(ROUTERS, ANY_SITE)}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        await (self._anyones if scope.get("path") in self._paths else self._app)(scope, receive, send)


class Guard:
    """The guard of one process. It lives as long as the server, and counts only what came to it."""

    def __init__(self, app: App, house: Tokenhouse) -> None:
        settings = house.desk.settings
        self._app, self._house = app, house
        self._body_max = settings.api_body_bytes_max
        self._large = {
            place: int(getattr(settings, name)) for place, name in marked(ROUTERS, BODY_MAX).items()
        }
        """What those routes take that take more, as it comes: they know their caller before they read."""
        self._hosts = tuple(host.lower() for host in settings.hosts)
        self._origins = {settings.place, *settings.cors_origins}
        self._secure = settings.place.startswith("https://")
        self._credentials = _credential_headers(settings)
        self._by_address = Throttle(settings.address_per_minute)
        self._by_credential = Throttle(settings.api_per_minute)
        self._failures = Throttle(settings.failures_per_minute)
        self._believed: dict[bytes, bool] = {}
        """Credentials that were believed, the last one last, and whether a back end's."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _Headers(scope)
        visit = _Visit(self, scope, send, headers.credential(self._credentials))
        try:
            self._admit(scope, headers, visit)
            large = self._large.get((scope["method"], scope["path"]))
            body = await self._body(headers, receive) if large is None else None
        except TokenhouseError as no:
            await self._refuse(no, scope, visit)
            return
        except _GoneError:
            return
        if large is not None:
            receive = _measured(receive, large)
        await self._app(scope, receive if body is None else _replayed(body, receive), visit.send)

    def _admit(self, scope: Message, headers: "_Headers", visit: "_Visit") -> None:
        """Return if a request may be looked at. Raises: the no."""
        host = headers.one(b"host").decode("latin-1").lower()
        if self._hosts and not any(fnmatchcase(_name(host), known) for known in self._hosts):
            raise InvalidInput("host_unknown", field="host", value=host[:200])
        origin = headers.one(b"origin").decode("latin-1")
        if origin and scope["method"] not in HARMLESS and not self._same_site(origin, host):
            raise Forbidden("origin_refused", origin=origin[:200])
        wait_s = self._wait(visit, self._house.desk.now())
        if wait_s:
            raise Throttled(retry_after_s=wait_s)

    def _wait(self, visit: "_Visit", now: Instant) -> int:
        """Return for how many seconds somebody has to wait who comes too often; 0 for whoever does not."""
        if visit.is_provider:
            return self._failures.wait(visit.address, now)
        if visit.credential is None:
            return self._by_address.take(visit.address, now)
        back_end = self._believed.get(visit.credential)
        if back_end is None:
            return self._failures.wait(visit.address, now) or self._by_address.take(visit.address, now)
        return 0 if back_end else self._by_credential.take(visit.credential, now)

    def _same_site(self, origin: str, host: str) -> bool:
        """Return whether a page that sends something is one of ours, or of a site that may."""
        return origin in self._origins or urlsplit(origin).netloc.lower() == host

    async def _body(self, headers: "_Headers", receive: Receive) -> bytes | None:
        """Return a request's whole body; None where there is none. Raises: InvalidInput, _GoneError."""
        told = headers.one(b"content-length")
        if not told and not headers.one(b"transfer-encoding"):
            return None
        _bounded(int(told[:20]) if told.isdigit() else 0, self._body_max)
        parts = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            parts += message.get("body", b"")
            _bounded(len(parts), self._body_max)
            if not message.get("more_body", False):
                return bytes(parts)

    async def _refuse(self, no: TokenhouseError, scope: Message, visit: "_Visit") -> None:
        """Answer a request that nobody looks at."""
        house = self._house
        locale = language(scope, house.desk.settings.locale)
        told = problems.answer(no, "problem", locale, now=house.desk.clock())
        length = ("content-length", str(len(told.body)))
        start = {"status": told.status, "headers": encoded([*told.headers, length])}
        await visit.send({"type": "http.response.start", **start}, ours=True)
        await visit.send({"type": "http.response.body", "body": told.body})

    def note(self, visit: "_Visit", status: int) -> None:
        """Remember what became of a credential: believed, or one more that was refused."""
        if visit.is_provider:
            if status in range(400, 500) and PROVEN not in visit.state:
                self._failures.take(visit.address, self._house.desk.now())
            return
        if visit.credential is None:
            return
        back_end = visit.state.get(BACK_END)
        if back_end is not None:
            self._believed.pop(visit.credential, None)
            self._believed[visit.credential] = back_end
            if len(self._believed) > BELIEVED_MAX:
                del self._believed[next(iter(self._believed))]
        elif status == HTTPStatus.UNAUTHORIZED:
            self._believed.pop(visit.credential, None)
            self._failures.take(visit.address, self._house.desk.now())

    def outgoing(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return an answer's headers with those that every answer has."""
        ours = SAFE.copy()
        for name, _ in headers:
            ours.pop(name, None)
        if self._secure:
            ours |= [HSTS]
        return [*headers, *ours.items()]


class _GoneError(Exception):
    """The caller left before its request was whole."""


class _Visit:
    """One request: who seems to come, and the way of its answer."""

    def __init__(self, guard: Guard, scope: Message, send: Send, credential: bytes | None) -> None:
        self._guard, self._send = guard, send
        client = scope.get("client")
        self.address = _neighbourhood(client[0] if client else "")
        self.credential = credential
        self.is_provider = scope["method"] == "POST" and scope["path"].startswith(PROVIDERS)
        self.state: dict[str, Any] = scope.setdefault("state", {})

    async def send(self, message: Message, *, ours: bool = False) -> None:
        """Send a part of the answer; the first one gets our headers."""
        if message["type"] == "http.response.start":
            if not ours:
                self._guard.note(self, message["status"])
            told = self._guard.outgoing(list(message.get("headers", ())))
            message = {**message, "headers": told}
        await self._send(message)


class _Headers:
    """The headers of a request, as far as the guard looks at them."""

    def __init__(self, scope: Message) -> None:
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._first: dict[bytes, bytes] = dict(reversed(self._headers))

    def one(self, wanted: bytes) -> bytes:
        """Return the first header of a name; nothing for none."""
        return self._first.get(wanted, b"")

    def credential(self, wanted: Collection[bytes]) -> bytes | None:
        """Return a hash of whatever proves who calls; None where nothing does."""
        shown = [value for name, value in self._headers if name in wanted]
        return blake2b(b"\0".join(shown), digest_size=16).digest() if shown else None


def _credential_headers(settings: Settings) -> frozenset[bytes]:
    """Return the names of the headers that prove who calls."""
    named = [*CREDENTIALS, SECRET_HEADER.encode()]
    if settings.trusted_header is not None:
        named.append(settings.trusted_header.name.lower().encode())
    if settings.jwt is not None:
        named.append(settings.jwt.header.lower().encode())
    return frozenset(named)


@lru_cache(maxsize=10_000)
def _neighbourhood(address: str) -> str:
    """Return what is counted of an address: of IPv6 the first half, for the other one anybody can change."""
    try:
        known = IPv6Address(address)
    except ValueError:
        return address
    return str(known.ipv4_mapped or ip_network((int(known) >> 64 << 64, 64)))


def _name(host: str) -> str:
    """Return the name in a `Host`, without its port."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _bounded(size: int, most: int) -> None:
    """Return if a body of so many bytes may be taken. Raises: InvalidInput."""
    if size > most:
        raise InvalidInput("body_too_large", field="body", value=size, most=most)


def _measured(receive: Receive, most: int) -> Receive:
    """Return how an application receives a body as it comes; past so many bytes, it raises InvalidInput."""
    size = 0

    async def next_part() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        _bounded(size, most)
        return message

    return next_part


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return how an application receives a body that was read already; after that, whatever comes."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
