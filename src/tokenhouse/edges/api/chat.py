"""Chat: the caller's own conversations, and their turns, whole or streamed."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Query, Response, status
from fastapi.responses import StreamingResponse
from pydantic import Field

from tokenhouse.edges import problems
from tokenhouse.edges.api import accounts
from tokenhouse.edges.api.accounts import Balance
from tokenhouse.edges.api.caller import House, IdempotencyKey, User
from tokenhouse.edges.api.near_end import Warned, warning
from tokenhouse.edges.api.shapes import AN_ID, Amount, Cursor, Page, Shape, amount, unit_of
from tokenhouse.edges.api.turns import Own, PointsInfo, Talk, points_info, who
from tokenhouse.edges.chat.turn import Asked
from tokenhouse.edges.problems import Answer
from tokenhouse.errors import InvalidInput
from tokenhouse.flow import cursors
from tokenhouse.flow.chat import SEQ_MAX
from tokenhouse.flow.cursors import place
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.turn import Said
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.periods import AT_MAX, instant, moment
from tokenhouse.store.chat import ChatMessage, ChatSession

router = APIRouter(prefix="/api/v1/chat", tags=["chat"])

PAGE_MAX: Final = 200
EVENT: Final = {"type": "object", "properties": {"event": {"type": "string"}, "data": {"type": "string"}}}
"""One event of a stream; its data is JSON."""
MEDIA: Final = {"json": "application/json", "markdown": "text/markdown; charset=utf-8"}


SessionId = Annotated[
    str, Path(min_length=1, max_length=100, description="A conversation's id.", examples=[AN_ID])
]
Title = Annotated[str, Field(max_length=200, examples=["Weather in Seoul"])]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Items of a page at most.")]


class ChatTerms(Shape):
    """The chat as this deployment has it."""

    name: Annotated[str, Field(description="What the assistant is called; empty: as its model.")]
    models: Annotated[list[str], Field(description="Who may be asked; the first one answers by default.")]
    message_chars_max: Annotated[int, Field(description="Characters of one message at most.")]


class Conversation(Shape):
    """A conversation, and what it has used."""

    id: str
    title: str
    model: Annotated[str, Field(description="Who answers; empty until its first message.")]
    turns: int
    tokens: int
    charged: Amount
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    erased_at: datetime | None


class NewConversation(Shape):
    """A conversation to be opened."""

    id: Annotated[
        str | None, Field(min_length=1, max_length=100, description="Its id, if you choose it.")
    ] = None
    title: Annotated[Title, Field(description="Otherwise its first message gives it one.")] = ""
    model: Annotated[str, Field(max_length=200, description="One that the settings of the chat allow.")] = ""


class ConversationAmendment(Shape):
    """What is to change of a conversation; what is left out, or null, stays."""

    title: Title | None = None
    archived: bool | None = None


class Message(Shape):
    """What one side said. What a turn took stands at its answer."""

    seq: int
    role: Literal["user", "assistant"]
    content: str
    at: datetime
    model: str | None
    ended: Annotated[
        str | None, Field(description="How the answer ended.", examples=["complete", "length", "disconnect"])
    ]
    usage: Annotated[dict[str, int] | None, Field(description="Tokens by kind.")]
    charge: Amount | None


class NewMessage(Shape):
    """What a person says."""

    message: Annotated[str, Field(min_length=1, max_length=1_000_000, examples=["안녕하세요!"])]
    stream: Annotated[bool, Field(description="Whether the answer comes as events, word by word.")] = False


class TurnAnswer(Shape):
    """A turn that has ended: the answer, what it took, and where the account stands."""

    session: str
    title: str
    message: Message
    balance: Balance
    points_info: PointsInfo
    warning: Annotated[Warned | None, Field(description="For an account near its end, in its language.")]
    settled: Annotated[bool, Field(description="False: the charge waits on disk for the database.")]
    replayed: Annotated[bool, Field(description="The first answer under this idempotency key.")]


@router.get("")
async def show_chat(_: User, house: House) -> ChatTerms:
    """Return what a conversation can be opened with, and how long a message may be."""
    chosen = house.desk.settings.chat
    models = list(dict.fromkeys((chosen.model, *chosen.models)))
    return ChatTerms(name=chosen.name, models=models, message_chars_max=chosen.message_chars_max)


@router.get("/sessions")
async def list_chat_sessions(
    caller: Own,
    house: House,
    q: Annotated[
        str,
        Query(max_length=200, description="Any part of a title or message, in any case.", examples=["날씨"]),
    ] = "",
    archived: Annotated[bool, Query(description="The archive, or what is outside of it.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Conversation]:
    """List the caller's conversations, the last used first, or find some by what was said in them."""
    found = await house.chats(
        caller.account, search=q, archived=archived, below=_below(cursor), rows_max=limit
    )
    unit, last = unit_of(house), found[-1] if len(found) == limit else None
    following = None if last is None else cursors.cursor(instant(last.updated_at), last.id)
    return Page(items=[described(one, unit) for one in found], next=following)


@router.post("/sessions", status_code=status.HTTP_201_CREATED)
async def open_chat_session(
    asked: NewConversation, caller: Own, house: House, key: IdempotencyKey = None
) -> Conversation:
    """Open a conversation. Idempotent by its id, or by its key: one that is there is answered as it is."""
    made = await house.open_chat(caller.account, asked.id, title=asked.title, model=asked.model, key=key)
    return described(made, unit_of(house))


@router.get("/sessions/{session}")
async def show_chat_session(session: SessionId, caller: Own, house: House) -> Conversation:
    """Return one conversation."""
    return described(await house.chat(caller.account, session), unit_of(house))


@router.patch("/sessions/{session}")
async def amend_chat_session(
    session: SessionId, asked: ConversationAmendment, caller: Own, house: House
) -> Conversation:
    """Rename a conversation, put it into the archive, or bring it back; a new message does that as well."""
    done = await house.amend_chat(caller.account, session, title=asked.title, archived=asked.archived)
    return described(done, unit_of(house))


@router.delete("/sessions/{session}")
async def erase_chat_session(session: SessionId, caller: Own, house: House) -> Conversation:
    """Delete for good what was said in a conversation. What it cost stays on record."""
    return described(await house.erase_chat(caller.account, session), unit_of(house))


@router.get(
    "/sessions/{session}/export",
    response_class=Response,
    responses={200: {"content": {"application/json": {}, "text/markdown": {}}}},
)
async def export_chat_session(
    session: SessionId,
    caller: Own,
    house: House,
    form: Annotated[Literal["json", "markdown"], Query(description="For programs, or for people.")] = "json",
) -> Response:
    """Return a whole conversation, for programs or for people."""
    await house.chat(caller.account, session)
    pieces = house.export_chat(caller.account, session, form=form)
    suffix = "md" if form == "markdown" else "json"
    headers = {"content-disposition": f'attachment; filename="conversation.{suffix}"'}
    return StreamingResponse(pieces, media_type=MEDIA[form], headers=headers)


@router.get("/sessions/{session}/messages")
async def list_chat_messages(
    session: SessionId,
    caller: Own,
    house: House,
    newest_first: Annotated[bool, Query(description="From the end towards the beginning.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Message]:
    """List what was said in a conversation, in order, or the last said first."""
    seen = None if cursor is None else int(place(cursor, int)[0])
    if newest_first:
        before = SEQ_MAX if seen is None else seen
        found = await house.chat_messages(caller.account, session, before=before, rows_max=limit)
    else:
        found = await house.chat_messages(caller.account, session, after=seen or 0, rows_max=limit)
    following = cursors.cursor(found[-1].seq) if len(found) == limit else None
    unit = unit_of(house)
    return Page(items=[said(one, unit) for one in found], next=following)


@router.post(
    "/sessions/{session}/messages",
    response_model=TurnAnswer,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": EVENT}},
            "description": "The answer whole, or as the events `start`, `delta` and `done` (or `error`).",
        }
    },
)
async def send_chat_message(
    session: SessionId,
    asked: NewMessage,
    caller: Own,
    chat: Talk,
    key: IdempotencyKey = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Say something in a conversation and get the answer, whole, or streamed with `stream: true`.

    A client that hangs up is charged by the plan's policy, and finds what came of the answer in the
    conversation. With `Accept: text/event-stream` the answer is streamed as well.
    """
    streamed = asked.stream or "text/event-stream" in accept
    voice = Native(chat.house, caller.locale, streamed=streamed)
    return chat.turn(who(caller), caller.key, Asked(message=asked.message, session=session, key=key), voice)


class Native:
    """The words of this API."""

    def __init__(self, house: Tokenhouse, locale: str, *, streamed: bool) -> None:
        self._house, self._locale = house, locale
        self.streamed = streamed

    async def end(self, said: Said) -> bytes:
        """Return the answer."""
        return (await answered(self._house, said)).model_dump_json(by_alias=True).encode()

    def refusal(self, error: Exception, _balance: BalanceView | None, *, now: datetime) -> Answer:
        """Return a problem, as every route does."""
        return problems.answer(error, "problem", self._locale, now=now)


async def answered(house: Tokenhouse, turn: Said) -> TurnAnswer:
    """Return a turn that has ended as the API says it."""
    unit = turn.balance.unit
    return TurnAnswer(
        session=turn.session.id,
        title=turn.session.title,
        message=said(turn.message, unit),
        balance=accounts.shown(turn.balance),
        points_info=points_info(turn),
        warning=await warning(house, turn.balance),
        settled=turn.settled,
        replayed=turn.replayed,
    )


def described(session: ChatSession, unit: Unit) -> Conversation:
    """Return a conversation as the API says it."""
    plain = {name: getattr(session, name) for name in Conversation.model_fields if name != "charged"}
    return Conversation(**plain, charged=amount(session.charged, unit))


def said(message: ChatMessage, unit: Unit) -> Message:
    """Return a message as the API says it."""
    answer = message.role == "assistant"
    return Message(
        seq=message.seq,
        role="assistant" if answer else "user",
        content=message.content,
        at=message.at,
        model=message.model if answer else None,
        ended=message.ended if answer else None,
        usage=msgspec.to_builtins(message.usage) if message.usage else None,
        charge=amount(message.charge, unit) if answer else None,
    )


def _below(text: str | None) -> tuple[datetime, str] | None:
    """Return the conversation that a page begins below. Raises: InvalidInput."""
    if text is None:
        return None
    at, session = place(text, int, str)
    if not isinstance(at, int) or at > AT_MAX:
        raise InvalidInput("cursor_unknown", field="cursor", value=text[:40])
    return moment(at), str(session)
