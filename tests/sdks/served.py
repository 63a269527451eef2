"""The server as clients meet it, on a socket: a house, its gateway, the demo behind it, and what passed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from tokenhouse import Tokenhouse
from tokenhouse.edges.demo import Demo
from tokenhouse.edges.gateway import Gateway
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.settings import Settings
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
        self.on_refusal: Callable[[], object] = str

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
                    self.on_refusal()
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

    used_before: int = 0

    @property
    def passed(self) -> list[Passed]:
        return self.watched.passed

    async def key(self, ref: str, plan: str, used: int = 0) -> str:
        """Open an account that has used so much already, and return the secret of a key of its own."""
        await self.house.account(ref, plan=plan)
        if used:
            reservation = await self.house.reserve(ref, 0)
            await self.house.settle(ref, reservation.id, used)
            self.used_before += used
        return (await self.house.create_key(ref)).secret

    async def used(self) -> int:
        """Return what all calls were charged, once the last one has ended.

        A client that raises in the middle of a stream has left before the charge of it is written.
        """
        names = [account.ref for account in await self.house.accounts()]
        async with asyncio.timeout(60):
            while True:
                balances = [await self.house.balance(name) for name in names]
                if not any(balance.held for balance in balances):
                    return sum(balance.used_total for balance in balances) - self.used_before
                await asyncio.sleep(0.01)

    async def assert_sound(self, per_token: int = 1) -> None:
        """Fail unless the books hold, and charge what the provider says it produced."""
        produced, charged = self.demo.log.sums, await self.used()
        assert produced["running"] == 0
        assert charged == (produced["tokens_input"] + produced["tokens_output"]) * per_token
        verdict = await self.house.verify()
        assert list(verdict.findings) == []


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """Serve an application on a free port and return its address; end when everybody has been answered."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
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


@asynccontextmanager
async def guarded(house: Tokenhouse, settings: Settings) -> AsyncIterator[Gateway]:
    """Open the gateway of a house; at the end every call is ended."""
    upstreams = Upstreams(settings)
    await upstreams.open()
    gateway = Gateway(house, upstreams)
    try:
        yield gateway
    finally:
        await gateway.close()
        await upstreams.close()
