"""The server: one ASGI application of an open house, its gateway and a few pages of its own.

Opening and closing have one order. The database first, then the ways to the providers, then callers; at the
end no caller comes any more, calls that were cut settle what they owe, the ways to the providers close, the
lanes carry out what waits, and the database is let go.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import msgspec

from tokenhouse import messages
from tokenhouse import settings as settings_of
from tokenhouse.edges import api, channels, methods, problems
from tokenhouse.edges.api.caller import Door
from tokenhouse.edges.api.card import BUY
from tokenhouse.edges.api.guard import App, guarded
from tokenhouse.edges.chat import Chat
from tokenhouse.edges.credentials.configured import cookie, credentials
from tokenhouse.edges.gateway import Gateway, protocol_of
from tokenhouse.edges.headers import first
from tokenhouse.edges.language import language
from tokenhouse.edges.metrics import Metrics, Place, Process
from tokenhouse.edges.pages import PREFIX as PAGES
from tokenhouse.edges.pages import Pages, guard
from tokenhouse.edges.payments import Providers
from tokenhouse.edges.problems import Answer
from tokenhouse.edges.proxies import Proxies
from tokenhouse.edges.requests import Requests
from tokenhouse.edges.tracing import traced
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.errors import Busy, DatabaseTrouble, TokenhouseError
from tokenhouse.house import Clock, Tokenhouse, system_clock
from tokenhouse.providers import tokens
from tokenhouse.settings import Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log: Final = logging.getLogger("tokenhouse.server")

READY_WITHIN_S: Final = 2.0
"""Whoever asks whether we are ready hears no after this long: a database that hangs is not ready."""
SETTLE_WITHIN_S: Final = 10.0
"""How long calls that were cut may take to settle; the database or the disk takes each within two seconds."""
CUT: Final = Busy("closing_unanswered", retry_after_s=5)

GATEWAY: Final = "/v1/"
REST: Final = ("/api/", "/admin/")
PLACES: Final = (
    ("POST", "/v1/chat/completions", "openai"),
    ("POST", "/v1/responses", "openai"),
    ("POST", "/v1/completions", "openai"),
    ("POST", "/v1/embeddings", "openai"),
    ("POST", "/v1/messages", "anthropic"),
    ("GET", "/v1/models", "models"),
    ("GET", "/health", "health"),
    ("GET", "/ready", "ready"),
    ("GET", "/app/", "pages"),
    ("GET", "/metrics", "metrics"),
)
"""What stands where, and the sentence that says so on our first page."""
EMPTY: Final = (204, 304)
"""Statuses of answers that have no body, nor the length of one."""
OWN: Final = ("/", "/app", "/health", "/ready", "/metrics")
"""The pages of our own, beside those under `/app/`."""

GUARDED: Final = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
]
"""Headers of our own pages: nothing of them runs, is framed, is guessed at or is kept."""

_encode: Final = msgspec.json.Encoder().encode


def build(
    settings: Settings | None = None,
    *,
    clock: Clock = system_clock,
    upkeep: bool = True,
    crew: Place | None = None,
) -> "Application":
    """Return the application, not yet open: a server that speaks ASGI's lifespan opens and closes it.

    `tokenhouse serve` does it for you; any other server takes it as a factory:
    `uvicorn --factory tokenhouse.edges.server:build`.

    Args:
        settings: otherwise read from environment and `tokenhouse.toml`. Whoever is told where to buy, and no
            other page is set for it, is sent to ours.
        clock: the only clock there is; tests pass one that they move.
        upkeep: whether this process runs jobs when they are due, if the setting `schedule` says so too. Any
            number of them may: each run is one's.
        crew: its place among the processes that share its port; None where it is alone.
    """
    chosen = settings or settings_of.read()
    if chosen.purchase_url is None:
        chosen = msgspec.structs.replace(chosen, purchase_url=chosen.place + BUY)
    return Application(chosen, clock, upkeep=upkeep, crew=crew)


class Application:
    """The ASGI application. `opened` opens it without a lifespan, for whoever wants the house at hand."""

    def __init__(self, settings: Settings, clock: Clock, *, upkeep: bool, crew: Place | None) -> None:
        self._settings, self._clock, self._crew = settings, clock, crew
        self._requests = Requests(self._cut)
        self._pages, self._guard = Pages(), guard(toss=settings.payments.toss is not None)
        self._door = Door(credentials=credentials(settings, any_role=True), cookie=cookie(settings))
        self._payments = Providers(settings)
        self._proxies = Proxies(settings.proxies)
        self._open = kept if upkeep else Tokenhouse.open
        self._house: Tokenhouse | None = None
        self._gateway: Gateway | None = None
        self._metrics: Metrics | None = None
        self._api: App | None = None
        self._asked: asyncio.Task[str] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Tokenhouse]:
        """Open the house and everything around it; at the end close it all, in order.

        Raises: StartRefused, DatabaseTrouble.
        """
        upstreams = Upstreams(self._settings)
        models = [pattern for pattern, _ in upstreams.routes.patterns]
        prepared = asyncio.create_task(
            asyncio.to_thread(tokens.prepare, *models), name="tokenhouse vocabularies"
        )
        async with traced(self._settings), self._open(settings=self._settings, clock=self._clock) as house:
            await upstreams.open()
            try:
                await prepared
                self._house, self._gateway = house, Gateway(house, upstreams, self._door.others)
                rest = api.build(house, self._door)
                rest.state.payments = self._payments
                rest.state.upstreams = upstreams
                rest.state.chat = Chat(house, upstreams, self._gateway.calls)
                self._api = guarded(rest, house)
                told = Process(house=house, upstreams=upstreams, requests=self._requests, crew=self._crew)
                self._metrics = Metrics(told)
                async with told.telling(), channels.opened(house), self._payments.opened():
                    yield house
            finally:
                await self._finish()
                await upstreams.close()

    async def _finish(self) -> None:
        """Cut the calls that are still at work, and return when they have settled what they owe."""
        if self._asked is not None:
            self._asked.cancel()
        if self._gateway is not None:
            closing = asyncio.create_task(self._gateway.close())
            _, late = await asyncio.wait({closing}, timeout=SETTLE_WITHIN_S)
            if late:
                log.error("calls did not end within %d s; what they hold lapses", SETTLE_WITHIN_S)
        self._house = self._gateway = self._api = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection of ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            self._proxies.see_through(scope)
            await self._requests.serve(self._serve, _edge(scope["path"]), scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open when the server starts and close when it ends, as it asks for it."""
        await receive()
        stage = "startup"
        try:
            async with self.opened():
                await send({"type": "lifespan.startup.complete"})
                stage = "shutdown"
                await receive()
        except TokenhouseError as trouble:
            await send({"type": f"lifespan.{stage}.failed", "message": str(trouble)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["path"].startswith(GATEWAY):
            assert self._gateway is not None  # noqa: S101 -- the server opens us before callers come
            await self._gateway(scope, receive, send)
        elif scope["path"].startswith(REST):
            assert self._api is not None  # noqa: S101 -- the server opens us before callers come
            await self._api(scope, receive, send)
        else:
            await _say(send, await self._page(scope), bodiless=scope["method"] == "HEAD")

    async def _cut(self, scope: Message, _receive: Receive, send: Send) -> None:
        """Answer a request that the stopping server has cut before it was answered."""
        path, locale = scope["path"], language(scope, self._settings.locale)
        asked = first(scope, b"anthropic-version").decode("latin-1")
        protocol = protocol_of(path, asked) if path.startswith(GATEWAY) else "problem"
        status, headers, body = problems.answer(CUT, protocol, locale, now=self._clock())
        await _say(send, Answer(status, [*headers, *GUARDED], body), bodiless=scope["method"] == "HEAD")

    async def _page(self, scope: Message) -> Answer:
        """Return one of our own pages."""
        locale = language(scope, self._settings.locale)
        try:
            if scope["method"] in methods.GET:
                match scope["path"]:
                    case "/":
                        if b"text/html" in first(scope, b"accept"):
                            return Answer(303, [("location", PAGES), *GUARDED], b"")
                        return _page("text/plain; charset=utf-8", first_page(locale).encode())
                    case "/app":  # How the application itself calls its first page.
                        return Answer(303, [("location", PAGES), *GUARDED], b"")
                    case path if path.startswith(PAGES):
                        coding, known = first(scope, b"accept-encoding"), first(scope, b"if-none-match")
                        codings, tags = coding.decode("latin-1"), known.decode("latin-1")
                        return self._pages.answer(path, codings, tags, self._guard)
                    case "/health":
                        return _document({"status": "ok", "version": version("tokenhouse")})
                    case "/ready":
                        return _document({"status": "ready", "database": await self._ready()})
                    case "/metrics":
                        assert self._metrics is not None  # noqa: S101 -- the server opens us first
                        return _page(*await self._metrics.page(scope))
            taken = methods.GET if scope["path"] in OWN or scope["path"].startswith(PAGES) else ()
            if taken and scope["method"] == "OPTIONS":
                return Answer(204, [methods.allow(taken), *GUARDED], b"")
            raise methods.refused(scope["method"], scope["path"], taken)
        except Exception as no:
            if not isinstance(no, TokenhouseError):
                log.exception("%s %s failed", scope["method"], scope["path"])
            status, headers, body = problems.answer(no, "problem", locale, now=self._clock())
            return Answer(status, [*headers, *GUARDED], body)

    async def _ready(self) -> str:
        """Return the version of the database, which answered just now; who asks meanwhile shares the answer.

        Raises: DatabaseTrouble.
        """
        assert self._house is not None  # noqa: S101 -- the server opens us before callers come
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._house.ready(), name="tokenhouse ready")
            self._asked.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        done, _ = await asyncio.wait({self._asked}, timeout=READY_WITHIN_S)
        if not done:
            raise DatabaseTrouble
        return self._asked.result()


@asynccontextmanager
async def kept(*, settings: Settings, clock: Clock) -> AsyncIterator[Tokenhouse]:
    """Open a house that is looked after while the block runs: charges on disk settle, jobs run when due.

    Raises: StartRefused, DatabaseTrouble.
    """
    async with Tokenhouse.open(settings=settings, clock=clock) as house:
        house.settle_kept()
        if settings.schedule:
            house.keep_schedule()
        yield house


def _edge(path: str) -> str:
    """Return which edge answers a path."""
    if path.startswith(GATEWAY):
        return "gateway"
    return "api" if path.startswith(REST) else "page"


def first_page(locale: str) -> str:
    """Return what we say to somebody who looks: what this is, and where things are."""
    lines = [f"tokenhouse {version('tokenhouse')}", messages.say("server.what", locale), ""]
    lines += [
        f"{method:<5}{path:<22}{messages.say(f'server.{name}', locale)}" for method, path, name in PLACES
    ]
    return "\n".join(lines) + "\n"


def _document(document: dict[str, Any]) -> Answer:
    return _page("application/json", _encode(document))


def _page(kind: str, body: bytes) -> Answer:
    return Answer(200, [("content-type", kind), *GUARDED], body)


async def _say(send: Send, answer: Answer, *, bodiless: bool) -> None:
    """Send an answer that is there already; to HEAD, all of it but the body."""
    headers = answer.headers
    if answer.status not in EMPTY:
        headers = [*headers, ("content-length", str(len(answer.body)))]
    told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if bodiless else answer.body})
