"""Requests: what is true of each one: it has an id, it is counted, and a line of the log is about it.

The id is the caller's `x-request-id`, or one is made; it stands in every line that is written for the request
and in its answer. Only where a provider's own answer is passed on does its id stay there, for its support
asks for it: the log has both.
"""

import asyncio
import logging
import re
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any, Final

from tokenhouse.flow import spans
from tokenhouse.flow.desk import Chance
from tokenhouse.rules.counts import SECONDS, Histogram

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

log: Final = logging.getLogger("tokenhouse.access")

HEADER: Final = b"x-request-id"
SOUND: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
"""What of a caller's own is taken for an id; anything else might forge a line of the log."""
ACCOUNT: Final = "tokenhouse.account"
"""Where in the scope stands whose request it is, once somebody knows."""
FACTS: Final = "facts"
"""Where in a record of the log stands what is known of a request."""
PATH_LENGTH_MAX: Final = 200
FAILED: Final = 500

request_id: Final[ContextVar[str]] = ContextVar("tokenhouse_request_id", default="")
"""The id of the request that is at work here."""


class Requests:
    """All requests of one process. `cut` answers one whose server stops before anybody else has."""

    def __init__(self, cut: App) -> None:
        self._cut = cut
        self.answered: Counter[tuple[str, int]] = Counter()
        """(edge, status) -> requests; status 0 where a caller left without an answer."""
        self.took: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(SECONDS))
        self.open: Counter[str] = Counter()
        """Edge -> requests under way."""
        self._chance = Chance()

    async def serve(self, app: App, edge: str, scope: Message, receive: Receive, send: Send) -> None:
        """Have a request answered by `app`, which stands for an edge: gateway, api or page."""
        answer = _Answer(send, self._id(scope["headers"]))
        token = request_id.set(answer.id.decode())
        began = time.perf_counter()
        self.open[edge] += 1
        try:
            with spans.request(scope["method"], edge, scope["headers"]) as span:
                await app(scope, receive, answer)
                span.tell(**{spans.STATUS: answer.status})
        except asyncio.CancelledError:  # The server stops, and has waited for as long as it may.
            if answer.status:
                raise
            await self._cut(scope, receive, answer)
            answer.over = True
        except BaseException:
            answer.status = answer.status or FAILED
            raise
        finally:
            seconds = time.perf_counter() - began
            self.open[edge] -= 1
            self.answered[edge, answer.status] += 1
            self.took[edge].add(seconds)
            if log.isEnabledFor(logging.INFO):
                _write(scope, answer, seconds)
            request_id.reset(token)

    def _id(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return the id of a request."""
        given = next((value for name, value in headers if name == HEADER), b"")
        return given if SOUND.fullmatch(given) else self._chance.digits().encode()


class _Answer:
    """What goes back: passed on as it is, with the id, while its status and size are noted."""

    __slots__ = ("_send", "id", "over", "size", "status", "theirs")

    def __init__(self, send: Send, id_: bytes) -> None:
        self._send, self.id = send, id_
        self.status = self.size = 0
        self.over = False
        """Whether it was told to its caller by somebody else than who still works for it."""
        self.theirs = b""
        """The id that a provider gave its answer."""

    async def __call__(self, message: Message) -> None:
        """Pass a message on."""
        if self.over:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.setdefault("headers", [])
            self.theirs = next((value for name, value in headers if name == HEADER), b"")
            if not self.theirs:
                message["headers"] = [*headers, (HEADER, self.id)]
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)


def _write(scope: Message, answer: _Answer, seconds: float) -> None:
    """Write the line of a request: never its query, its headers or its body, where secrets are."""
    facts: dict[str, Any] = {"status": answer.status, "ms": round(seconds * 1_000, 1), "bytes": answer.size}
    if answer.theirs and answer.theirs != answer.id:
        facts["provider_request_id"] = answer.theirs.decode("latin-1")
    if scope.get(ACCOUNT):
        facts["account"] = scope[ACCOUNT]
    if scope.get("client"):
        facts["peer"] = scope["client"][0]
    log.info("%s %s", scope["method"], ascii(scope["path"][:PATH_LENGTH_MAX])[1:-1], extra={FACTS: facts})
