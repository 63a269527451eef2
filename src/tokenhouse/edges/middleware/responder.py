"""The responder: one metered request on its way through the application, and the one end of its call."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from tokenhouse.edges.middleware.endpoints import Endpoint
from tokenhouse.edges.middleware.handle import PLACE, MeteredCall
from tokenhouse.edges.middleware.hearing import Hearing, hearing
from tokenhouse.edges.middleware.inbox import ClientLeft, Inbox, Message
from tokenhouse.flow.call import Call, Ending
from tokenhouse.providers.base import Measured, Request

log: Final = logging.getLogger("tokenhouse.middleware")

Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Message]], Send], Awaitable[None]]

START: Final = "http.response.start"
BODY: Final = "http.response.body"
OK: Final = 200
REDIRECTED: Final = 300


class Responder:
    """Lets an answer through as it is, chunk by chunk, and ends its call exactly once, whatever happens.

    A call without a record or a usable answer (status 200 to 299) is released. Every other one is charged:
    by what the application recorded, else by the usage in the answer, else by its texts. The last piece of
    an answer goes out at once; only the end of the message waits for the charge. `ends` holds the charges
    under way, for whoever must outlive them.
    """

    def __init__(
        self,
        call: Call,
        endpoint: Endpoint,
        request: Request | None,
        inbox: Inbox,
        send: Send,
        headers: list[tuple[bytes, bytes]],
        ends: set[asyncio.Task[None]],
    ) -> None:
        self._call, self._endpoint, self._request = call, endpoint, request
        self._inbox, self._send = inbox, send
        self._headers, self._ends = headers, ends
        self._handle = MeteredCall(call)
        self._ear: Hearing | None = None
        self._ending: asyncio.Task[None] | None = None
        self._status: int | None = None
        self._relayed = False
        self._on_disconnect = call.plan.call.on_disconnect

    async def run(self, app: App, scope: Scope) -> None:
        """Run the application; when this returns or raises, the call has ended."""
        scope[PLACE] = self._handle
        self._inbox.hides = self._on_disconnect == "drain"
        self._inbox.watch()
        try:
            await app(scope, self._inbox.receive, self.send)
        except BaseException as trouble:
            await self._end("disconnect" if self._inbox.left else "error")
            if not (self._inbox.left and _of_leaving(trouble)):
                raise
        else:
            await self._end("disconnect" if self._inbox.left else "cut")
        finally:
            self._inbox.close()

    async def send(self, message: Message) -> None:
        """Pass a message of the answer on, and hear what it says."""
        kind = message["type"]
        if kind == BODY:
            await self._body(message)
            return
        if kind == START:
            headers, self._status = list(message.get("headers", ())), message["status"]
            if OK <= self._status < REDIRECTED:
                self._ear = hearing(self._endpoint, self._request, headers)
            message = {**message, "headers": [*headers, *self._headers]}
        elif kind == "http.response.pathsend":
            await self._end("complete")
        if not self._inbox.left:
            await self._send(message)

    async def _body(self, message: Message) -> None:
        """Pass a piece of the body on. To a client that has left nothing goes, and a stream stops there."""
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._inbox.left:
            if more and not self._inbox.hides:
                raise ClientLeft
            self._hear(body)
            if not more:
                await self._end("disconnect")
            return
        self._hear(body)
        if more:
            self._inbox.watch()
            await self._send(message)
            self._relayed = self._relayed or bool(body)
            return
        if body and self._ending is None:
            await self._send({**message, "more_body": True})
            self._relayed = True
            message = {**message, "body": b""}
        await self._end("complete")
        self._inbox.finish()
        await self._send(message)

    def _hear(self, body: bytes) -> None:
        """Take what was said, if anybody listens."""
        if self._ear is not None and body:
            self._ear.feed(body)

    async def _end(self, ended: Ending) -> None:
        """End the call, once; a caller that is cancelled meanwhile takes nothing back."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._charge(ended), name="tokenhouse charge")
            self._ends.add(self._ending)
            self._ending.add_done_callback(self._ends.discard)
        await asyncio.shield(self._ending)

    async def _charge(self, ended: Ending) -> None:
        """Charge or release. What fails here is written down and fails nothing else: the answer is out."""
        try:
            measured = self._measured(ended)
            if measured is None:
                await self._call.release(ended if self._status is None else f"status {self._status}")
            else:
                await self._call.settle(measured, "error" if measured.error is not None else ended)
        except Exception:
            log.critical(
                "call of %s not ended: %s", self._handle.account, self._call.reservation.id, exc_info=True
            )

    def _measured(self, ended: Ending) -> Measured | None:
        """Return what to charge; None where nothing is to be."""
        recorded = self._handle.recorded()
        if ended == "disconnect" and self._on_disconnect == "free-if-nothing" and not self._relayed:
            return None
        if recorded is not None:
            return recorded
        if self._ear is not None:
            return self._ear.measured(whole=ended == "complete")
        return Measured() if ended == "disconnect" and self._status is None else None


def _of_leaving(trouble: BaseException) -> bool:
    """Return whether what was raised says only that the client has left."""
    if isinstance(trouble, BaseExceptionGroup):
        return trouble.split(ClientLeft)[1] is None
    return isinstance(trouble, ClientLeft)
