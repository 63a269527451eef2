"""Lifespan: the house is opened before the application starts, and closed after it has stopped."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from tokenhouse.edges.middleware.inbox import Message, Receive
from tokenhouse.edges.middleware.responder import App, Scope, Send
from tokenhouse.house import Tokenhouse

log: Final = logging.getLogger("tokenhouse.middleware")

STARTUP: Final = "lifespan.startup"
SHUTDOWN: Final = "lifespan.shutdown"
STATE: Final = "tokenhouse"
"""Where in the application's lifespan state the open house stands: `request.state.tokenhouse`."""


class Lifespan:
    """One life of an application: what its server says to it, and what it answers."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._heard = self._answered = ""
        self._last: Message | None = None

    async def run(self, app: App, opening: Callable[[], AbstractAsyncContextManager[Tokenhouse]]) -> None:
        """Run the application's life within the house's; one that has none of its own is spared it.

        Raises: what opening the house raises, after the server was told that the start has failed.
        """
        try:
            async with opening() as house:
                if "state" in self._scope:
                    self._scope["state"][STATE] = house
                try:
                    await app(self._scope, self._listen, self._tell)
                except Exception as trouble:
                    if self._answered:
                        raise
                    log.debug("the application has no lifespan: %r", trouble)
                    await self._live_alone()
        except Exception as trouble:
            if not self._answered:
                await self._send({"type": f"{STARTUP}.failed", "message": str(trouble)})
            raise
        if self._last is not None:
            await self._send(self._last)

    async def _listen(self) -> Message:
        """Return what the server says."""
        message = await self._receive()
        self._heard = message["type"]
        return message

    async def _tell(self, message: Message) -> None:
        """Pass on what the application answers; that it has stopped, only when the house has closed."""
        self._answered = message["type"]
        if self._answered.startswith(SHUTDOWN):
            self._last = message
        else:
            await self._send(message)

    async def _live_alone(self) -> None:
        """Answer in place of an application that has no lifespan."""
        for moment in (STARTUP, SHUTDOWN):
            while self._heard != moment:
                await self._listen()
            await self._tell({"type": f"{moment}.complete"})
