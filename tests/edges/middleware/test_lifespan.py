"""The house opens before the application starts and closes after it has stopped; with a lifespan or not."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.edges.middleware.conftest import SECRET
from tokenhouse import StartRefused, Tokenhouse, TokenMiddleware, TrustedHeader

pytestmark = pytest.mark.row("C4")


class Server:
    """A server that starts an application and stops it, and writes down what is said."""

    def __init__(self, app) -> None:
        self.said: list[str] = []
        self.state: dict[str, Any] = {}
        self._app, self._stop = app, asyncio.Event()
        self._heard = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive(self) -> dict[str, Any]:
        message = next(self._heard)
        if message["type"] == "lifespan.shutdown":
            await self._stop.wait()
        self.said.append(message["type"].removeprefix("lifespan."))
        return message

    async def send(self, message: dict[str, Any]) -> None:
        self.said.append(message["type"].removeprefix("lifespan.") + message.get("message", ""))

    async def live(self) -> None:
        self._stop.set()
        await self._app({"type": "lifespan", "state": self.state}, self.receive, self.send)


@pytest.fixture
def opening(database, tmp_path, clock):
    """Return what opens a house, and writes down when."""

    @asynccontextmanager
    async def opened():
        async with Tokenhouse.open(database, clock=clock) as house:
            opened.said.append("house opens")
            try:
                yield house
            finally:
                opened.said.append("house closes")

    opened.said = []
    return opened


def metered(app, house) -> TokenMiddleware:
    return TokenMiddleware(app, house, endpoints=["/chat"], account=TrustedHeader(secret=SECRET))


async def test_an_application_lives_within_its_house(opening):
    async def app(scope, receive, send):
        for moment in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{moment}"
            server.said.append("app " + moment)
            assert isinstance(scope["state"]["tokenhouse"], Tokenhouse)
            await send({"type": f"lifespan.{moment}.complete"})

    server = Server(metered(app, opening))
    opening.said = server.said
    await server.live()
    assert server.said == [
        *("house opens", "startup", "app startup", "startup.complete"),
        *("shutdown", "app shutdown", "house closes", "shutdown.complete"),
    ]


@pytest.mark.parametrize("reads", [False, True])
async def test_an_application_without_a_lifespan_is_given_one(opening, reads):
    async def app(scope, receive, send):
        if reads:
            await receive()
        raise ValueError("only http here")

    server = Server(metered(app, opening))
    await server.live()
    assert server.said == ["startup", "startup.complete", "shutdown", "shutdown.complete"]
    assert opening.said == ["house opens", "house closes"]


async def test_an_application_that_fails_to_start_says_so_itself(opening):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": ": no model"})
        raise ZeroDivisionError

    server = Server(metered(app, opening))
    with pytest.raises(ZeroDivisionError):
        await server.live()
    assert server.said == ["startup", "startup.failed: no model"]
    assert opening.said == ["house opens", "house closes"]


async def test_a_house_that_cannot_be_opened_stops_the_start():
    @asynccontextmanager
    async def broken():
        raise StartRefused("setting_unknown_zone", value="Mars")
        yield

    server = Server(metered(None, broken))
    with pytest.raises(StartRefused):
        await server.live()
    assert server.said[0].startswith("startup.failed")
    assert "Mars" in server.said[0]


async def test_without_a_lifespan_there_is_no_house_and_the_log_says_why():
    scope = {"type": "http", "method": "POST", "path": "/chat", "headers": []}
    with pytest.raises(StartRefused) as no:
        await metered(None, None)(scope, None, None)
    assert no.value.reason == "house_not_open"


async def test_a_house_of_ones_own_stays_open(database, clock):
    async def app(scope, receive, send):
        raise ValueError("only http here")

    async with Tokenhouse.open(database, clock=clock) as house:
        server = Server(metered(app, house))
        await server.live()
        assert server.state == {"tokenhouse": house}
        assert (await house.account("ann")).ref == "ann"
