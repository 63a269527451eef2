"""What a test of the middleware may ask for: a house with an account, an app on a socket, a raw client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import pytest
import uvicorn

from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings
from tokenhouse.testing import Clock

SECRET = "kqX7vR2mZ9tB4nW8sD3fG6hJ1pL5cY0e"
TRUSTED = {"x-user-id": "ann", "x-tokenhouse-secret": SECRET}
PREPAID = {"name": "prepaid", "signup": {"amount": 10_000}, "call": {"output": 200}}


@pytest.fixture
async def house(database: str, clock: Clock, tmp_path) -> AsyncIterator[Tokenhouse]:
    """Return a house with the account `ann`, of 10,000 tokens."""
    settings = Settings(home=tmp_path, purchase_url="https://shop.example/credit")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as opened:
        await opened.write_plan(PREPAID)
        await opened.account("ann", plan="prepaid")
        yield opened
        assert (await opened.verify()).findings == ()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return msgspec.json.decode(self.body)


class Client:
    """A caller on a socket of its own: it reads as the bytes come, and hangs up when it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, path: str, document: Any = None, *, method: str = "POST", **headers: str) -> None:
        body = document if isinstance(document, bytes) else msgspec.json.encode(document)
        lines = {
            "host": "localhost",
            "content-type": "application/json",
            "content-length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value for name, value in headers.items()}

    async def chunk(self) -> bytes:
        """Return the next chunk of a chunked body; nothing at its end."""
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size + 2)
        return data[:-2]

    async def answer(self) -> Answer:
        status, headers = await self.head()
        if "content-length" in headers:
            return Answer(status, headers, await self.reader.readexactly(int(headers["content-length"])))
        parts = []
        while part := await self.chunk():
            parts.append(part)
        return Answer(status, headers, b"".join(parts))

    def hang_up(self) -> None:
        self.writer.transport.abort()


class Served:
    """An application behind a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.close()

    async def ask(self, path: str, document: Any = None, **given: str) -> Answer:
        async with self.client() as client:
            await client.ask(path, document, **given)
            return await client.answer()


@asynccontextmanager
async def served(app: Callable[..., Any], **options: Any) -> AsyncIterator[Served]:
    """Serve an application with uvicorn on a free port, in this loop."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="on", log_config=None, **options)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server._serve())
    while not server.started:
        assert not serving.done(), serving
        await asyncio.sleep(0.005)
    try:
        yield Served(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await serving


async def soon(holds: Callable[[], Any]) -> None:
    """Wait until something holds that other tasks bring about; fail after ten seconds."""
    async with asyncio.timeout(10):
        while True:
            result = holds()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            await asyncio.sleep(0.01)
