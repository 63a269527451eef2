"""The server as clients meet it: a house, its gateway and the demo behind it, on a socket; and what went over it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tokenhouse import Tokenhouse
from tokenhouse.edges.demo import Demo
from tokenhouse.testing import Clock


@dataclass
class Passed:
    """A request that came, and what it was answered."""

    path: str
    key: str
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def error(self) -> dict[str, Any]:
        """Return the error of a refusal: both vendors have it under one name."""
        return json.loads(self.body)["error"]


class Watched:
    """An ASGI application that notes what passes through it."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.passed: list[Passed] = []
        self.on_refusal: Callable[[Passed], None] = lambda passed: None

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        one = Passed(path=scope["path"], key=key)
        self.passed.append(one)

        async def noted(message) -> None:
            if message["type"] == "http.response.start":
                one.status = message["status"]
                one.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                one.body += message.get("body", b"")
                if not message.get("more_body", False) and one.status >= 400:
                    self.on_refusal(one)
            await send(message)

        await self.app(scope, receive, noted)


@dataclass
class Served:
    """A running server and its inside."""

    base: str
    house: Tokenhouse
    demo: Demo
    clock: Clock
    watched: Watched

    @property
    def passed(self) -> list[Passed]:
        return self.watched.passed

    @property
    def produced(self) -> int:
        """Return the tokens, of questions and answers, that the provider says it would bill."""
        return self.demo.log.sums["tokens_input"] + self.demo.log.sums["tokens_output"]


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """Serve an application on a free port and return its address; end when everybody has been answered."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if serving.done():
                serving.result()
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
