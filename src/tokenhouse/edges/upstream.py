"""Upstreams: the providers behind the gateway, asked over a bounded pool of connections.

The offline demo is one of them, in process, in development and where there is no other.
"""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import aiohttp
import msgspec
from yarl import URL

from tokenhouse.edges import pool
from tokenhouse.edges.demo import Answer, Demo
from tokenhouse.edges.pool import Pool
from tokenhouse.edges.routes import DEMO, Route, Routes, with_demo
from tokenhouse.errors import StartRefused, UpstreamTrouble
from tokenhouse.providers.base import Dialect
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.openai_chat import OpenAIChat
from tokenhouse.providers.openai_completions import OpenAICompletions
from tokenhouse.rules.counts import SECONDS, Histogram
from tokenhouse.settings import Settings, Upstream

log: Final = logging.getLogger("tokenhouse.upstream")

LISTING_BYTES_MAX: Final = 4 * 1024 * 1024
REFUSED: Final = (401, 402, 403)
"""What a provider answers that does not let this server in."""

Headers = list[tuple[str, str]]


class Reply(Protocol):
    """A provider's answer that has begun. Read by `chunk` to its end, and closed in any case."""

    status: int
    headers: Iterable[tuple[str, str]]

    async def chunk(self) -> bytes:
        """Return the next bytes as soon as there are any; none at the end. Raises: UpstreamTrouble."""

    async def close(self) -> None:
        """Let it go; the provider of one that was not read to its end is cut off."""


class Place:
    """One upstream, ready to be asked."""

    def __init__(self, known: Upstream) -> None:
        self.known = known
        base, _, query = known.url.partition("?")
        self._base, self._query = base.rstrip("/"), query
        self._urls: dict[tuple[str, str], URL] = {}
        self.dialects: dict[str, Dialect] = DIALECTS | {
            OpenAIChat.name: OpenAIChat(cap_field=known.cap_field, asks_usage=known.asks_usage),
            OpenAICompletions.name: OpenAICompletions(asks_usage=known.asks_usage),
        }
        self.own_headers: dict[str, str] = {}
        if known.key:
            bearer = known.protocol == "openai"
            self.own_headers["authorization" if bearer else "x-api-key"] = (
                f"Bearer {known.key}" if bearer else known.key
            )
        self.own_headers |= {name.lower(): value for name, value in known.headers.items()}
        self.timeout = aiohttp.ClientTimeout(
            total=None, connect=known.connect_s, sock_connect=known.connect_s, sock_read=known.first_byte_s
        )

    def url(self, path: str, query: str = "") -> URL:
        """Return the address of one of our paths there; its query and the caller's stand side by side."""
        known = self._urls.get((path, query))
        if known is None:
            both = "&".join(part for part in (self._query, query) if part)
            text = self._base + path.removeprefix("/v1") + (f"?{both}" if both else "")
            known = URL(text, encoded=True)
            if len(self._urls) < 100:
                self._urls[path, query] = known
        return known


class Upstreams:
    """All upstreams of one process. Open it within the event loop that it is used in, and close it there."""

    def __init__(self, chosen: Settings, demo: Demo | None = None) -> None:
        self.demo = demo
        if demo is None and with_demo(chosen):
            self.demo = Demo()
        self._places = {one.name: Place(one) for one in chosen.upstream}
        if len(self._places) != len(chosen.upstream) or (self.demo and DEMO in self._places):
            names = [one.name for one in chosen.upstream] + ([DEMO] if self.demo else [])
            raise StartRefused("upstream_twice", name=next(one for one in names if names.count(one) > 1))
        self.routes = Routes(chosen.upstream, demo=self.demo is not None)
        self._pool: Pool | None = None
        self.took: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(SECONDS))
        """Upstream -> seconds until its answers began."""
        self.failed: Counter[tuple[str, str]] = Counter()
        """(upstream, its status or why no answer came) -> calls."""

    async def open(self) -> None:
        """Make the pool of connections; none is opened before it is needed."""
        self._pool = Pool()

    async def close(self) -> None:
        """Let all connections go."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    def dialect(self, route: Route, name: str) -> Dialect:
        """Return the wire format `name` as the provider of a route takes it."""
        place = self._places.get(route.upstream)
        return DIALECTS[name] if place is None else place.dialects[name]

    def secret(self, route: Route) -> str:
        """Return the key that opens a route's provider, which nobody may see; "" for none."""
        place = self._places.get(route.upstream)
        return "" if place is None else place.known.key

    async def send(
        self,
        route: Route,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: str = "",
        *,
        sent: Callable[[], None] | None = None,
    ) -> Reply:
        """Return a provider's answer as soon as it begins.

        `sent` is told when the request leaves, a free connection found: before that no provider knows of it.

        Raises: UpstreamTrouble.
        """
        began, name = time.perf_counter(), route.upstream
        try:
            reply = await self._send(route, path, headers, body, query, sent)
        except UpstreamTrouble as trouble:
            self.failed[name, trouble.reason] += 1
            raise
        self.took[name].add(time.perf_counter() - began)
        if reply.status >= 400:
            self.failed[name, str(reply.status)] += 1
        return reply

    async def _send(
        self,
        route: Route,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: str,
        sent: Callable[[], None] | None,
    ) -> Reply:
        """Return a provider's answer, or the demo's."""
        place = self._places.get(route.upstream)
        if place is not None:
            return await self._ask(place, route.name, "POST", place.url(path, query), headers, body, sent)
        assert self.demo is not None  # noqa: S101 -- its routes are only there with it
        if sent is not None:
            sent()
        return Told(await self.demo.send("POST", path, headers, body), route.name)

    async def list_models(self, name: str) -> list[dict[str, Any]]:
        """Return the models that an upstream lists itself, by their own names; none where it has no list.

        Raises: UpstreamTrouble, for one that refuses this server or fails too.
        """
        place = self._places.get(name)
        reply: Reply
        if place is None:
            assert self.demo is not None  # noqa: S101 -- it is listed only where it is there
            reply = Told(await self.demo.send("GET", "/v1/models", {}, b""), name)
        else:
            reply = await self._ask(place, name, "GET", place.url("/v1/models"), {}, b"")
        try:
            if reply.status in REFUSED or reply.status >= 500:
                raise UpstreamTrouble("upstream_refused", model=name, number=reply.status)
            content = b""
            while (chunk := await reply.chunk()) and len(content) < LISTING_BYTES_MAX:
                content += chunk
        finally:
            await reply.close()
        try:
            found = msgspec.json.decode(content, type=_Listing).data if reply.status == 200 else []
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = []
        return [one for one in found if isinstance(one.get("id"), str)]

    async def _ask(
        self,
        place: Place,
        model: str,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes,
        sent: Callable[[], None] | None = None,
    ) -> "Fetched":
        """Send a request over the pool; `model` is what a trouble is said to be with."""
        assert self._pool is not None, "Upstreams.open was not called"  # noqa: S101
        known = place.known
        told = {**headers, "accept-encoding": "identity", **place.own_headers}
        try:
            answer = await self._pool.ask(method, url, told, body, place.timeout, sent)
        except aiohttp.ConnectionTimeoutError as late:
            raise _late(model, known.connect_s) from late
        except TimeoutError as late:
            raise _late(model, known.first_byte_s) from late
        except pool.FAILURES as trouble:
            log.warning("upstream %s cannot be reached: %r", known.name, trouble)
            raise UpstreamTrouble("upstream_unreachable", model=model) from trouble
        if not (200 <= answer.status < 300 or 400 <= answer.status < 600):
            answer.close()
            log.error("upstream %s answers with status %d, which we do not follow", known.name, answer.status)
            raise UpstreamTrouble("upstream_unreachable", model=model)
        if answer.status in REFUSED:
            log.error("upstream %s refuses this server: status %d", known.name, answer.status)
        answer.wait(known.idle_s)
        return Fetched(answer, model, known.idle_s)


class Fetched:
    """An answer that comes over the network."""

    __slots__ = ("_answer", "_idle_s", "_model", "headers", "status")

    def __init__(self, answer: pool.Fetched, model: str, idle_s: float) -> None:
        self._answer, self._model, self._idle_s = answer, model, idle_s
        self.status, self.headers = answer.status, answer.headers

    async def chunk(self) -> bytes:
        """Return the next bytes; none at the end. Raises: UpstreamTrouble."""
        try:
            return await self._answer.chunk()
        except TimeoutError as late:
            raise _late(self._model, self._idle_s) from late
        except (*pool.FAILURES, RuntimeError) as trouble:
            raise UpstreamTrouble("upstream_broke_off", model=self._model) from trouble

    async def close(self) -> None:
        """Give the connection back to the pool, or cut it where the answer has not ended."""
        self._answer.close()


class Told:
    """An answer of the demo, in process."""

    __slots__ = ("_body", "_model", "headers", "status")

    def __init__(self, answer: Answer, model: str) -> None:
        self._body, self._model = answer.body, model
        self.status: int = answer.status
        self.headers: Iterable[tuple[str, str]] = answer.headers

    async def chunk(self) -> bytes:
        """Return the next bytes; none at the end. Raises: UpstreamTrouble."""
        try:
            return await anext(self._body)
        except StopAsyncIteration:
            return b""
        except OSError as trouble:
            raise UpstreamTrouble("upstream_broke_off", model=self._model) from trouble

    async def close(self) -> None:
        """Stop the production, if it still goes on."""
        await self._body.aclose()


class _Listing(msgspec.Struct):
    data: list[dict[str, Any]] = []


def _late(model: str, wait_s: float) -> UpstreamTrouble:
    """Return what is said of a provider that was silent for too long."""
    return UpstreamTrouble("upstream_timeout", model=model, wait_s=f"{wait_s:g}")
