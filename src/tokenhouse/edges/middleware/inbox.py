"""The inbox: a request's messages, read once by us and given to the application byte for byte."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from tokenhouse.errors import InvalidInput

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

DISCONNECT: Final = "http.disconnect"


class ClientLeft(OSError):
    """The client has hung up: nothing more can be sent to it. What ASGI asks a server to raise then."""


class Inbox:
    """What comes from the client. Whoever waits for its leaving, there is one reader of the connection.

    `hides`: an application that is to read its provider to the end does not hear that the client has left.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._body: bytes | None = None
        self._complete = False
        self._watching: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self.left = self.hides = False

    async def read(self, most: int) -> bytes:
        """Return the body, and keep it for the application.

        Raises: InvalidInput `body_too_large`; ClientLeft where it stops half-way.
        """
        parts, size = [], 0
        while not self._complete:
            message = await self._receive()
            if message["type"] == DISCONNECT:
                raise ClientLeft
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise InvalidInput("body_too_large", field="body", value="", most=most)
            parts.append(part)
            self._complete = not message.get("more_body", False)
        self._body = b"".join(parts)
        return self._body

    async def receive(self) -> Message:
        """Return the next message for the application."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self._complete:
            message = await self._receive()
            self.left = message["type"] == DISCONNECT
            self._complete = self.left or not message.get("more_body", False)
            return message
        if not self.left:
            self.watch()
            assert self._watching is not None  # noqa: S101 -- the body is complete and nobody has left
            await asyncio.wait((self._watching,))
        if self.hides:
            await self._over.wait()
        return {"type": DISCONNECT}

    def watch(self) -> None:
        """See to it that `left` says whether the client is there, from when its request is complete."""
        if self._complete and self._watching is None and not self.left:
            self._watching = asyncio.create_task(self._watch(), name="tokenhouse disconnect")

    def finish(self) -> None:
        """Take note that the answer is complete: whoever leaves from now on has had all of it."""
        self._over.set()

    def close(self) -> None:
        """Watch no longer."""
        self._over.set()
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        """Wait until the client leaves. A server that says anything else now knows nothing of that."""
        message = await self._receive()
        if message["type"] == DISCONNECT:
            self.left = not self._over.is_set()
        else:
            await self._over.wait()
