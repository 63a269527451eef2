"""A gateway over a real house, a scripted provider and the demo; afterwards the books must be clean."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.edges.gateway.client import Client
from tests.edges.gateway.provider import Asked, Provider, Says
from tests.edges.gateway.words import BODIES, WHOLE
from tokenhouse import Tokenhouse
from tokenhouse.edges.demo import Demo
from tokenhouse.edges.gateway import Gateway
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.settings import Settings, Upstream

PREPAID = {"name": "prepaid", "signup": {"amount": 100_000}}
OPERATORS_KEY = "sk-the-operators-own"


class Gate:
    """Everything that a test of the gateway talks to."""

    def __init__(self, house: Tokenhouse, upstreams: Upstreams, provider: Provider, secret: str) -> None:
        self.house, self.upstreams, self.provider, self.secret = house, upstreams, provider, secret
        self.app = Gateway(house, upstreams)
        self.demo = upstreams.demo
        self.clock = house.desk.clock

    def call(
        self, path: str, *, room: int = 0, query: str = "", headers: Any = None, **members: Any
    ) -> Client:
        """Begin a call of the scripted provider; `members` go into the body."""
        body = json.dumps(BODIES[path] | members).encode()
        return self.send(path, body, room=room, query=query, headers=headers)

    def send(self, path: str, body: bytes = b"", *, headers: Any = None, **how: Any) -> Client:
        """Begin a call with any body."""
        told = {"authorization": f"Bearer {self.secret}"} if headers is None else headers
        return Client(self.app, path, body, {"content-type": "application/json", **told}, **how)

    async def plan(self, **parts: Any) -> None:
        """Give the account other terms."""
        await self.house.write_plan(PREPAID | parts)

    async def entries(self) -> list[Any]:
        """Return what became of the account's calls, the first one first."""
        found = await self.house.history("a", rows_max=1_000)
        return [entry for entry in reversed(found) if entry.kind in ("charge", "release", "lapse")]

    async def entry(self) -> Any:
        """Return how the account's only call was ended."""
        (only,) = await self.entries()
        return only


@pytest.fixture
def upstream() -> dict[str, Any]:
    """Return further settings of the scripted upstreams; a test module may have its own."""
    return {}


@pytest.fixture
async def gate(database: str, clock: Any, tmp_path: Any, upstream: dict[str, Any]) -> AsyncIterator[Gate]:
    def says(asked: Asked) -> Says:
        return Says.whole(WHOLE["/v1" + asked.path.removeprefix("/base").partition("?")[0]])

    async with Provider(says) as provider:
        url = f"http://127.0.0.1:{provider.port}/base"
        terms: dict[str, Any] = {"url": url, "key": OPERATORS_KEY} | upstream
        settings = Settings(
            home=tmp_path,
            body_bytes_max=100_000,
            upstream=(
                Upstream(name="open", models=("gpt-*", "text-*"), rename={"ours": "gpt-theirs"}, **terms),
                Upstream(name="anth", models=("claude-*",), protocol="anthropic", **terms),
            ),
        )
        async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
            await house.write_plan(PREPAID)
            await house.account("a", plan="prepaid", locale="en")
            upstreams = Upstreams(settings, Demo(first_s=0, chunk_s=0))
            await upstreams.open()
            made = Gate(house, upstreams, provider, (await house.create_key("a")).secret)
            yield made
            await made.app.close()
            await upstreams.close()
            assert (await house.balance("a")).held == 0, "a reservation is left open"
            verdict = await house.verify()
            assert verdict.findings == ()
