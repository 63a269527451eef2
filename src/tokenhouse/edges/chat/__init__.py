"""The built-in chat: its turns go through the gateway's own flow, and are charged like any call.

What a caller reads of a turn is said by a `Voice`: whole or streamed, in our own words or in a source's.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import Response

from tokenhouse.edges.chat.turn import Asked, ChatTurn
from tokenhouse.edges.chat.voice import Voice
from tokenhouse.edges.gateway.answers import Answers
from tokenhouse.edges.gateway.caller import Caller
from tokenhouse.edges.gateway.calls import Calls
from tokenhouse.edges.gateway.visit import CLOSING, Who
from tokenhouse.edges.upstream import Upstreams
from tokenhouse.house import Tokenhouse
from tokenhouse.store.keys import Key

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Chat:
    """The chat of one process. Its turns are among the gateway's `calls`, and end with them."""

    def __init__(self, house: Tokenhouse, upstreams: Upstreams, calls: Calls) -> None:
        self.house, self.upstreams, self.calls = house, upstreams, calls
        self.answers = Answers(house)

    def turn(self, who: Who, key: Key | None, asked: Asked, voice: Voice) -> "TurnResponse":
        """Return the answer to a caller's message, not yet begun; `key` is the one that it came with.

        Raises: Busy.
        """
        if self.calls.closing:
            raise CLOSING
        return TurnResponse(self, who, key, asked, voice)


class TurnResponse(Response):
    """An answer that is being thought: it runs as a task of its own, and hears when its caller leaves."""

    def __init__(self, chat: Chat, who: Who, key: Key | None, asked: Asked, voice: Voice) -> None:
        super().__init__()
        self._chat, self._who, self._key, self._asked, self._voice = chat, who, key, asked, voice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the turn, and answer."""
        chat, caller = self._chat, Caller(scope, receive, send)
        turn = ChatTurn(chat.house, chat.upstreams, chat.answers, caller, self._who)
        await chat.calls.run(caller, turn.says(self._asked, self._voice, self._key))
