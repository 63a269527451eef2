"""Turn: one question of a conversation and its answer, charged as every other call is.

The question is written when its credit is set aside, before the model is asked. The answer is written in the
transaction of its charge, with the figures of its session: so a crash between any two steps leaves a question
without an answer, and never a session that says something else than the journal.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tokenhouse.errors import InvalidInput, KeyReused, NotFound, StillRunning, TokenhouseError
from tokenhouse.flow import chat as chats
from tokenhouse.flow import report
from tokenhouse.flow.call import COUNTED_AT_ONCE, Call, Ending, Needs
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.report import BalanceView
from tokenhouse.providers import tokens
from tokenhouse.providers.base import Measured, Request
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.talk import DIALECT, talk
from tokenhouse.rules.conversation import MESSAGE_TOKENS, room, title_of, window
from tokenhouse.store import chat
from tokenhouse.store.accounts import Address
from tokenhouse.store.chat import ChatMessage, ChatSession, PastTurn, TurnEnd

log: Final = logging.getLogger("tokenhouse.chat")

TURNS_AT_ONCE: Final = 50
"""Earlier turns that are fetched at a time; few conversations have more within their window."""
RETRY_S: Final = 1

Begin = Callable[[Needs], Awaitable[Call]]
ProtocolOf = Callable[[str], str]
"""Model -> whose wire format its provider speaks: "openai" or "anthropic". May refuse the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A turn that has ended: the answer, and where its account stands after it.

    `settled` is false where the charge waits on disk for the database; `replayed` where a repeated
    idempotency key brought an answer that was given before.
    """

    session: ChatSession
    message: ChatMessage
    balance: BalanceView
    settled: bool = True
    replayed: bool = False


class Turn:
    """A turn that may go ahead: ask the provider with `request`, then `finish` or `withdraw` it, once."""

    def __init__(
        self, desk: Desk, address: Address, asked: tuple[ChatSession, int], request: Request, call: Call
    ) -> None:
        self._desk, self._address = desk, address
        self.session, self.seq = asked
        self.request, self.call = request, call

    async def finish(
        self, text: str, measured: Measured, ended: Ending = "complete", *, capped: bool = False
    ) -> Said | None:
        """Charge the turn and keep its answer, in one transaction; None if nothing came to be charged.

        Where the charge cannot be written now it waits on disk, the answer with it (row D8).

        Args:
            text: what a person reads of the answer.
            measured: what the provider says, or what came.
            ended: how the answer ended.
            capped: whether it ended because it may not be longer.
        """
        content = chats.storable(text)
        end = TurnEnd(
            session=self.session.id,
            seq=self.seq + 1,
            content=content,
            length=await _length(self.request.model, content),
            ended="length" if capped and ended == "complete" else ended,
        )
        receipt = None
        try:
            receipt = await self.call.settle(measured, ended, end)
        except TokenhouseError as trouble:
            log.critical("turn %s is not settled: %s", self.call.reservation.id, trouble)
        owed = self.call.owed
        if owed is None:
            await self._take_back()
            return None
        message = ChatMessage(
            seq=end.seq,
            role="assistant",
            content=content,
            length=end.length,
            tokens=owed.usage.total if owed.usage else 0,
            charge=owed.charge,
            usage=owed.usage,
            model=owed.model,
            operation=owed.reservation,
            ended=end.ended,
            at=self._desk.clock(),
        )
        balance = self.call.balance if receipt is None else receipt.balance
        return Said(session=self.session, message=message, balance=balance, settled=receipt is not None)

    async def withdraw(self, note: str) -> None:
        """Charge nothing, for nothing came, and take the question back."""
        await self.call.release(note)
        await self._take_back()

    async def _take_back(self) -> None:
        """Take the question back; one that stays, for the database is away, is one without an answer."""
        try:
            async with self._desk.pool.acquire() as connection:
                await chat.write_chat_unasked(connection, self._address, self.session.id, self.seq)
        except TokenhouseError as trouble:
            log.warning("question %d of %s stays: %s", self.seq, self.session.id, trouble)


async def begin_turn(
    desk: Desk,
    begin: Begin,
    ref: str,
    message: str,
    *,
    session: str | None,
    create: bool,
    protocol_of: ProtocolOf,
    key: str | None,
) -> Turn | Said:
    """Set aside what a turn can cost, write its question down, and return it.

    Without a `session` a new one begins; `create` opens one that is named and not there.
    Idempotent: under a `key` that came before in this session, the answer of then comes again.

    Raises: as `house.begin`; NotFound for a session, StillRunning and KeyReused for a key.
    """
    address = await desk.address(ref)
    text = chats.checked_message(desk, message)
    known = None if session is None else await _find(desk, address, session)
    if known is None and session is not None and not create:
        raise NotFound("chat_unknown", session=session)
    if known is not None and known.erased_at is not None:
        raise NotFound("chat_erased", session=known.id)
    if known is not None and key is not None:
        before = await _said_before(desk, ref, address, known, checked_text(key, "key", least=1), text)
        if before is not None:
            return before
    model = (known.model if known else "") or desk.settings.chat.model
    request, length = await _request(desk, address, known, protocol_of(model), model, text)
    call = await begin(Needs.of(request))
    try:
        asked = await _ask(desk, address, known or session, text, length, call, model, key)
    except BaseException:
        await call.release("not asked")
        raise
    if asked is None:  # Somebody was faster with this key, or has erased the conversation.
        await call.release("not asked")
        raise StillRunning(retry_after_s=RETRY_S)
    return Turn(desk, address, asked, request, call)


async def _find(desk: Desk, address: Address, session: str) -> ChatSession | None:
    """Return a conversation, if it is there."""
    name = chats.checked_session(session)
    async with desk.pool.acquire() as connection:
        return await chat.find_chat(connection, address, name)


async def _ask(
    desk: Desk,
    address: Address,
    session: ChatSession | str | None,
    text: str,
    length: int,
    call: Call,
    model: str,
    key: str | None,
) -> tuple[ChatSession, int] | None:
    """Write the question; return its session and number."""
    name = session.id if isinstance(session, ChatSession) else session or call.reservation.id
    async with desk.pool.acquire() as connection:
        return await chat.write_chat_asked(
            connection,
            address,
            name,
            desk.clock(),
            title=title_of(text),
            model=model,
            content=text,
            length=length,
            operation=call.reservation.id,
            key=key or "",
        )


async def _said_before(
    desk: Desk, ref: str, address: Address, session: ChatSession, key: str, text: str
) -> Said | None:
    """Return what was answered under a key; None where nothing was, and nobody is at it.

    Raises: StillRunning, KeyReused.
    """
    async with desk.pool.acquire() as connection:
        found = await chat.list_chat_turn(connection, address, session.id, key)
    if not found:
        return None
    question = found[0]
    if question.content != text:
        raise KeyReused(account=ref)
    if len(found) > 1:
        balance = await report.balance(desk, ref)
        return Said(session=session, message=found[1], balance=balance, replayed=True)
    (own, _), *_ = await report.read_path(desk, address)
    running = own.open.get(question.operation)
    if running is not None and running.lapses_at > desk.now():
        raise StillRunning(retry_after_s=RETRY_S)
    async with desk.pool.acquire() as connection:
        await chat.write_chat_unasked(connection, address, session.id, question.seq)
    return None


async def _request(
    desk: Desk, address: Address, session: ChatSession | None, protocol: str, model: str, text: str
) -> tuple[Request, int]:
    """Return what the provider is asked, and how many tokens the new message takes in it."""
    terms = desk.settings.chat
    length = await _length(model, text)
    system = await _length(model, terms.system) if terms.system else 0
    most = room(
        terms.context_tokens,
        terms.history_tokens,
        system=system,
        message=length,
        output=terms.output_tokens,
    )
    if most is None:
        free = max(terms.context_tokens - system - terms.output_tokens, 0)
        raise InvalidInput("chat_message_tokens", field="message", value=length, most=free)
    past = [] if session is None else await _past(desk, address, session.id, most)
    said = [(turn.question, turn.answer) for turn in reversed(past)]
    body = talk(protocol, model, terms.system, said, text, terms.output_tokens)
    return DIALECTS[DIALECT[protocol]].read(body), length


async def _past(desk: Desk, address: Address, session: str, most: int) -> list[PastTurn]:
    """Return the newest turns that fit into `most` tokens, the newest first."""
    past: list[PastTurn] = []
    before = chats.SEQ_MAX
    async with desk.pool.acquire() as connection:
        while True:
            page = await chat.list_chat_history(connection, address, session, before, TURNS_AT_ONCE)
            past += page
            fits = window([turn.length for turn in past], most)
            if fits < len(past) or len(page) < TURNS_AT_ONCE:
                return past[:fits]
            before = page[-1].seq


async def _length(model: str, text: str) -> int:
    """Return the tokens of a message; a long one is counted beside the loop."""
    vocabulary = tokens.vocabulary(model)
    if len(text) <= COUNTED_AT_ONCE:
        return vocabulary.count(text) + MESSAGE_TOKENS
    return await asyncio.to_thread(vocabulary.count, text) + MESSAGE_TOKENS
