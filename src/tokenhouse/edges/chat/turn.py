"""A turn on its way: the gateway's flow of a call, with a question before it and an answer that is kept.

The provider is always asked for a stream: so a caller that leaves, or an account that comes to its end, costs
what had been produced, whether its own answer comes whole or streamed.
"""

import logging
from dataclasses import dataclass
from typing import Final, Self

from tokenhouse.edges.chat.voice import EVENT_STREAM, JSON, Voice, event
from tokenhouse.edges.gateway.streamed import Streamed
from tokenhouse.edges.headers import standing
from tokenhouse.edges.routes import ANY
from tokenhouse.edges.upstream import Reply
from tokenhouse.errors import NotFound, Refused, TokenhouseError, UpstreamTrouble
from tokenhouse.flow.call import Ending
from tokenhouse.flow.keys import admit
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.turn import Said, Turn
from tokenhouse.providers.base import Measured
from tokenhouse.providers.talk import Reader
from tokenhouse.rules.verdict import Member
from tokenhouse.store.keys import Key

log: Final = logging.getLogger("tokenhouse.chat")

PATHS: Final = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
HEADERS: Final = {"openai": {}, "anthropic": {"anthropic-version": "2023-06-01"}}
NO_CACHE: Final = [("cache-control", "no-store"), ("x-accel-buffering", "no")]
"""Headers of a stream: a proxy that gathered it would undo it."""
ERROR_BYTES_SHOWN: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a caller says, and in which conversation: None is a new one."""

    message: str
    session: str | None = None
    create: bool = False
    """Whether a conversation that is named and not there is opened."""
    key: str | None = None


class ChatTurn(Streamed):
    """A turn. Say what it `says` before it runs."""

    _asked_for: Asked
    _voice: Voice
    _key: Key | None
    _turn: Turn
    _said: Said | None = None

    def says(self, asked: Asked, voice: Voice, key: Key | None) -> Self:
        """Say what is asked, how it is told, and with which key; return this turn, ready to run."""
        self._asked_for, self._voice, self._key = asked, voice, key
        self._reader, self._text = Reader(), ""
        return self

    async def run(self) -> None:
        """Have the turn and end it."""
        asked, who = self._asked_for, self._who
        try:
            begun = await self._house.begin_turn(
                who.account,
                asked.message,
                session=asked.session,
                create=asked.create,
                protocol_of=self._protocol_of,
                api_key=who.api_key,
                actor=who.actor,
                key=asked.key,
            )
        except Exception as no:  # noqa: BLE001 -- whatever it is, the caller waits for an answer
            return await self._refuse(no)
        if isinstance(begun, Said):
            return await self._tell(begun)
        self._turn, model = begun, begun.request.model
        protocol = begun.request.dialect.protocol
        self.about(begun.request, self._upstreams.routes.find(model, protocol))
        return await self._make(begun.call)

    def _protocol_of(self, model: str) -> str:
        """Return in whose words a model is asked. Raises: NotFound, ModelRefused."""
        if self._key is not None:
            admit(self._key, model)
        places = self._upstreams.routes.list(model)
        spoken = next((one for one in ANY if any(one in place.protocols for place in places)), None)
        if spoken is None:
            raise NotFound("model_unknown", model=model)
        return spoken

    def _outgoing(self) -> tuple[str, dict[str, str], bytes, str]:
        """Return path, headers, body and query for the provider."""
        dialect = self._upstreams.dialect(self._route, self._request.dialect.name)
        protocol = self._request.dialect.protocol
        headers = {"content-type": JSON, "accept": "text/event-stream", **HEADERS[protocol]}
        headers["x-request-id"] = self._call.reservation.id
        body = dialect.outgoing(self._request, self._call.cap, self._route.model)
        return PATHS[protocol], headers, body, ""

    async def _show(self, reply: Reply, shown: bytes) -> None:
        """Hear what a person reads of it, and pass it on where the answer is streamed."""
        text = self._reader.feed(shown)
        self._text += text
        if text and self._voice.streamed and not self._caller.gone:
            if not self._caller.started:
                await self._begin(reply)
            await self._caller.more(event("delta", {"text": text}))

    async def _begin(self, _reply: Reply) -> None:
        """Begin a streamed answer."""
        await self._start(self._call.balance)
        session = self._turn.session
        begun = {"session": session.id, "title": session.title, "seq": self._turn.seq}
        await self._caller.more(event("start", begun))

    async def _start(self, balance: BalanceView) -> None:
        """Begin the response of a streamed answer."""
        told = standing(balance, self._house.desk.clock())
        await self._caller.start(200, [("content-type", EVENT_STREAM), *NO_CACHE, *told])

    async def _end(self, reply: Reply, trouble: Exception | None) -> None:
        """Charge and keep what was said, and tell it, also where it broke off after a few words."""
        if not self._stopped and not self._left:
            rest = self._relay.finish()
            if rest:
                await self._show(reply, rest + b"\n\n")
        measured = self._relay.measured
        await self._settle(measured, self._ending(measured, trouble))
        if self._left:
            return await self._part()
        if self._said is None:
            return await self._refuse(trouble or self._broke_off)
        return await self._tell(self._said)

    async def _settle(self, measured: Measured, ended: Ending) -> list[Member]:
        """Charge the turn and keep its answer. A charge that fails stops no answer."""
        self._said = await self._turn.finish(self._text, measured, ended, capped=self._reader.capped)
        return self._standing

    async def _release(self, note: str) -> None:
        """Charge nothing, and take the question back."""
        try:
            await self._turn.withdraw(note)
        except TokenhouseError as trouble:
            log.warning("reservation %s is left to lapse: %s", self._call.reservation.id, trouble)

    async def _pass_on_error(self, reply: Reply) -> None:
        """Say that the provider said no; its own words are for the operator."""
        shown = bytes(self._whole[:ERROR_BYTES_SHOWN]).decode(errors="replace")
        secret = self._upstreams.secret(self._route)
        log.error("chat: %s answered %d: %s", self._request.model, reply.status, _hidden(shown, secret))
        trouble = UpstreamTrouble("chat_provider_refused", model=self._request.model, answered=reply.status)
        await self._refuse(trouble)

    async def _tell(self, said: Said) -> None:
        """Give the caller the answer."""
        body = await self._voice.end(said)
        if not self._voice.streamed:
            told = standing(said.balance, self._house.desk.clock())
            return await self._caller.answer(200, [("content-type", JSON), *NO_CACHE[:1], *told], body)
        if not self._caller.started:
            await self._start(said.balance)
        return await self._caller.end(event("done", body))

    async def _refuse(self, trouble: Exception) -> None:
        """Tell the caller why there is no answer, or why it ends here."""
        if self._caller.gone:
            return None
        if not isinstance(trouble, TokenhouseError):
            log.error("a turn of %s", self._who.actor, exc_info=trouble)
        clock = self._house.desk.clock
        balance = await self._balance() if isinstance(trouble, Refused) else None
        told = self._voice.refusal(trouble, balance, now=clock())
        if self._caller.started:
            return await self._caller.end(event("error", told.body))
        ours = standing(balance, clock()) if balance is not None else []
        return await self._caller.answer(told.status, [*told.headers, *NO_CACHE[:1], *ours], told.body)

    async def _balance(self) -> BalanceView | None:
        """Return where the account stands, if that can be told now."""
        try:
            return await self._house.balance(self._who.account)
        except TokenhouseError:
            return None


def _hidden(text: str, secret: str) -> str:
    """Return a provider's words without the key that it was asked with."""
    return text.replace(secret, "[key]") if secret else text
