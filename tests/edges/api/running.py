"""The server as it runs: in a thread of its own, behind a socket, for clients that wait for their answers."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from tokenhouse.edges.server import build
from tokenhouse.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers, and the secrets of those who may call it, by their names."""

    url: str
    secrets: dict[str, str]


@contextmanager
def running(database: str, home: Path, *users: str) -> Iterator[Running]:
    """Run a server over a database until the block ends; it knows these users and a back end of each role."""
    ready, done = threading.Event(), threading.Event()
    secrets: dict[str, str] = {}
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    async def serve() -> None:
        often = {"api_per_minute": 1_000_000, "failures_per_minute": 1_000_000}
        app = build(Settings(home=home, database_url=database, **often), upkeep=False)
        async with app.opened() as house:
            for user in users:
                await house.account(user)
                secrets[user] = (await house.create_key(user)).secret
            for role in ("auditor", "operator", "owner"):
                secrets[role] = (await house.create_key(role=role)).secret
            server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
            task = asyncio.create_task(server.serve([listener]))
            ready.set()  # The socket listens already: who calls too early waits a moment.
            await asyncio.to_thread(done.wait)
            server.should_exit = True
            await task

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server")
    thread.start()
    try:
        assert ready.wait(30), "the server did not start"
        yield Running(url=f"http://127.0.0.1:{listener.getsockname()[1]}", secrets=secrets)
    finally:
        done.set()
        thread.join(30)
        listener.close()
