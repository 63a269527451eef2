"""A caller over raw ASGI: it sees each message as it is sent, may read slowly, and may hang up."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any


class Client:
    """One call, under way from its making on."""

    def __init__(
        self,
        app: Callable[..., Any],
        path: str,
        body: bytes,
        headers: dict[str, str],
        *,
        method: str = "POST",
        query: str = "",
        room: int = 0,
    ) -> None:
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue(room)
        """What was sent to us; with `room`, the sender waits when so many messages are unread."""
        self._said.put_nowait({"type": "http.request", "body": body[:7], "more_body": True})
        self._said.put_nowait({"type": "http.request", "body": body[7:], "more_body": False})
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        self._gone = False
        self.task = asyncio.create_task(app(scope, self._said.get, self._hear))
        self.status = 0
        self.headers: dict[str, str] = {}

    def hang_up(self) -> None:
        """Close the connection: nothing more arrives, and whoever waited to send waits no longer."""
        self._gone = True
        while not self.heard.empty():
            self.heard.get_nowait()
        self._said.put_nowait({"type": "http.disconnect"})

    async def _hear(self, message: dict[str, Any]) -> None:
        if not self._gone:
            await self.heard.put(message)

    async def begin(self) -> None:
        """Return when the answer has begun."""
        told = asyncio.create_task(self.heard.get())
        await asyncio.wait({told, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if not told.done() and self.heard.empty():
            told.cancel()
            await self.task
            raise AssertionError("The application returned without an answer.")
        start = await told
        assert start["type"] == "http.response.start"
        assert not self.status, "one answer, and not two"
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the parts of the answer as they come."""
        if not self.status:
            await self.begin()
        more = True
        while more:
            message = await self.heard.get()
            more = message.get("more_body", False)
            if message.get("body"):
                yield message["body"]

    async def body(self) -> bytes:
        """Return the whole answer, when the application has finished."""
        content = b"".join([chunk async for chunk in self.chunks()])
        await asyncio.wait_for(self.task, 10)
        return content

    async def document(self) -> Any:
        """Return the answer as JSON."""
        return json.loads(await self.body())
