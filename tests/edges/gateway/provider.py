"""A provider that does what its script says, over a real socket, and remembers what it was asked."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

EVENT_STREAM = "text/event-stream"


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the gateway has broken off this request."""

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Says:
    """What is answered: a body whole, or chunks. A chunk may be bytes, an Event to wait for, or how to end.

    `"cut"` closes in the middle of the answer, `"reset"` breaks the connection, `"hang"` waits for ever.
    """

    chunks: list[bytes | asyncio.Event | str] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    @classmethod
    def whole(cls, document: Any, status: int = 200, **headers: str) -> "Says":
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls([json.dumps(document).encode()], status, {"content-type": "application/json", **named})

    @classmethod
    def stream(cls, *chunks: bytes | asyncio.Event | str) -> "Says":
        return cls(list(chunks), 200, {"content-type": EVENT_STREAM})


class Provider:
    """The provider. `says` is its script: what it answers to what it is asked."""

    def __init__(self, says: Callable[[Asked], Says]) -> None:
        self.says = says
        self.asked: list[Asked] = []
        self.written = 0
        """Bytes of bodies that the sockets have taken."""
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for one in list(self._connections):
            one.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            while await self._serve(reader, writer):
                continue
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection lives on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
        method, path, _ = line.split(" ")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(method, path, headers, body)
        self.asked.append(asked)
        leaving = asyncio.create_task(self._leaving(reader, asked))
        try:
            return await self._answer(self.says(asked), asked, writer)
        finally:
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving

    async def _leaving(self, reader: asyncio.StreamReader, asked: Asked) -> None:
        """Note that the gateway has hung up."""
        with suppress(OSError):
            await reader.read(1)
        asked.gone.set()

    async def _answer(self, says: Says, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Write an answer as the script has it; its chunks are HTTP chunks, one write each."""
        lines = [f"HTTP/1.1 {says.status} Said", "transfer-encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in says.headers.items()]
        writer.write("\r\n".join([*lines, "\r\n"]).encode())
        for chunk in says.chunks:
            if isinstance(chunk, asyncio.Event):
                await self._unless_gone(chunk.wait(), asked)
            elif chunk == "hang":
                await asked.gone.wait()
            elif chunk == "cut":
                return False
            elif chunk == "reset":
                writer.transport.abort()
                return False
            if asked.gone.is_set():
                return False
            if isinstance(chunk, bytes):
                writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                await writer.drain()
                self.written += len(chunk)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _unless_gone(self, waiting: Any, asked: Asked) -> None:
        """Wait for something, or until nobody waits for the answer."""
        both = {asyncio.ensure_future(waiting), asyncio.ensure_future(asked.gone.wait())}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
