"""The caller: one request over ASGI, from its headers to the last byte of its answer."""

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from tokenhouse.edges.headers import Header, encoded
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.until import Until
from tokenhouse.rules.amounts import shown

log: Final = logging.getLogger("tokenhouse.gateway")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_S: Final = 300.0
"""How long a body may take: what comes slower than the largest one over a slow line only holds a place."""
BEARER: Final = "bearer "
SECRETIVE: Final = re.compile(r"key|token|auth|secret|sig|pass", re.IGNORECASE)
"""Names in a query that may carry a credential: those of the caller stay here."""


class GoneError(Exception):
    """The caller left before its request was whole."""


class Caller:
    """Who asks. What is said to one that has left goes nowhere, and troubles nobody."""

    __slots__ = (
        *("_receive", "_send", "account", "gone", "headers"),
        *("method", "path", "peer", "query", "started"),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope.get("query_string", b"")
        self.peer = scope.get("client")
        """The address that it comes from, and its port."""
        self.account = ""
        """Whose call it is, once that is known."""
        self.gone = False
        self.started = False

    def header(self, name: bytes) -> str:
        """Return the first header of a name, in lower case; "" if there is none."""
        return next((value.decode("latin-1") for known, value in self.headers if known == name), "")

    @property
    def secret(self) -> str:
        """Return the API key that came, as either vendor's SDK sends it; "" for none."""
        plain = self.header(b"x-api-key")
        bearer = self.header(b"authorization")
        told = bearer[len(BEARER) :].strip() if bearer[: len(BEARER)].lower() == BEARER else ""
        return plain if plain.startswith("th_") or not told else told

    @property
    def query_sent_on(self) -> str:
        """Return the query as a provider gets it: without what might open a door."""
        if not self.query:
            return ""
        parts = self.query.decode("latin-1").split("&")
        return "&".join(part for part in parts if not SECRETIVE.search(part.partition("=")[0]))

    async def body(self, most: int) -> bytes:
        """Return the request's body.

        Raises: InvalidInput `body_packed`, `body_too_large`, `body_late`; and GoneError.
        """
        packed = self.header(b"content-encoding").strip().lower()
        if packed not in ("", "identity"):
            raise InvalidInput("body_packed", field="body", value=shown(packed))
        told = self.header(b"content-length")
        _bounded(int(told[:20]) if told.isdecimal() else 0, most)
        try:
            with Until(BODY_S):
                return await self._whole_body(most)
        except TimeoutError:
            raise InvalidInput("body_late", field="body", value="", wait_s=f"{BODY_S:g}") from None

    async def _whole_body(self, most: int) -> bytes:
        """Return the body, however many pieces it comes in."""
        message = await self._receive()
        if message["type"] != "http.disconnect" and not message.get("more_body", False):
            only: bytes = message.get("body", b"")
            _bounded(len(only), most)
            return only
        parts = bytearray()
        while message["type"] != "http.disconnect":
            parts += message.get("body", b"")
            _bounded(len(parts), most)
            if not message.get("more_body", False):
                return bytes(parts)
            message = await self._receive()
        raise GoneError

    async def left(self) -> None:
        """Return when the caller has left, or has its whole answer."""
        while (await self._receive())["type"] != "http.disconnect":
            continue

    async def start(self, status: int, headers: Iterable[Header]) -> None:
        """Begin the answer."""
        self.started = True
        await self._say({"type": "http.response.start", "status": status, "headers": encoded(headers)})

    async def more(self, part: bytes) -> None:
        """Send the next part of the answer; return when there is room for another."""
        await self._say({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self, part: bytes = b"") -> None:
        """Send the last part."""
        await self._say({"type": "http.response.body", "body": part, "more_body": False})

    async def answer(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        """Send a whole answer; to HEAD, all of it but the body."""
        length = () if status == HTTPStatus.NO_CONTENT else (("content-length", str(len(body))),)
        await self.start(status, [*headers, *length])
        await self.end(b"" if self.method == "HEAD" else body)

    async def _say(self, message: dict[str, Any]) -> None:
        """Send a message. A server that raises has nobody to send it to; the call goes on to its charge."""
        if self.gone:
            return
        try:
            await self._send(message)
        except OSError:
            self.gone = True
        except Exception:
            self.gone = True
            log.exception("%s %s cannot be answered", self.method, self.path)


def _bounded(size: int, most: int) -> None:
    """Return if a body of so many bytes may be taken. Raises: InvalidInput."""
    if size > most:
        raise InvalidInput("body_too_large", field="body", value=size, most=most)
