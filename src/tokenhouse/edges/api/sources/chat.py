"""The two chats of the sources: one that counts tokens and warns, one that counts points.

Both are the built-in chat under other names. A caller that names no conversation begins a new one; one that
is named is opened if it is not there.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Response
from pydantic import Field

from tokenhouse.edges import problems
from tokenhouse.edges.api.caller import IdempotencyKey
from tokenhouse.edges.api.near_end import Warned, warning
from tokenhouse.edges.api.shapes import CamelShape, Shape
from tokenhouse.edges.api.turns import Own, PointsInfo, Talk, points_info, who
from tokenhouse.edges.chat.turn import Asked
from tokenhouse.edges.problems import Answer
from tokenhouse.errors import InsufficientCredit
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.turn import Said
from tokenhouse.house import Tokenhouse

router = APIRouter(prefix="/api/chat", tags=["sources"])

SessionName = Annotated[
    str | None, Field(min_length=1, max_length=100, description="The conversation; none begins a new one.")
]
Words = Annotated[str, Field(min_length=1, max_length=1_000_000, examples=["안녕하세요"])]


class SendMessage(CamelShape):
    """What a person says."""

    message: Words
    session_id: SessionName = None


class Sent(CamelShape):
    """The answer, and a warning for an account near its end."""

    content: str
    session_id: str
    warning: Warned | None


class Exhausted(CamelShape):
    """Why there is no answer: the account is at its end, and what to do about it."""

    code: Annotated[str, Field(examples=["TOKEN_EXHAUSTED"])]
    message: str
    remaining_tokens: int
    recommended_action: Annotated[str, Field(examples=["PURCHASE_TOKENS"])]
    purchase_url: str | None


class ChatMessage(Shape):
    """What a person says."""

    message: Words
    session_id: SessionName = None


class Chatted(Shape):
    """The answer, what it took, and what is left."""

    success: Literal[True] = True
    response: str
    session_id: str
    points_info: PointsInfo


class NotSaid(Shape):
    """Why there is no answer."""

    success: Literal[False] = False
    error: str
    code: str


class ShortOfPoints(NotSaid):
    """Why there is no answer, and how many points there are."""

    current_points: int | None


@router.post(
    "/send",
    response_model=Sent,
    responses={402: {"model": Exhausted, "description": "Nothing is left; the status is the plan's."}},
)
async def send_chat(asked: SendMessage, caller: Own, chat: Talk, key: IdempotencyKey = None) -> Response:
    """Say something and get the answer; near the end of the account's credit with a warning inside."""
    turn = Asked(message=asked.message, session=asked.session_id, create=True, key=key)
    return chat.turn(who(caller), caller.key, turn, TokenWords(chat.house, caller.locale))


@router.post(
    "",
    response_model=Chatted,
    responses={
        400: {
            "model": NotSaid,
            "description": "Something of the request cannot be taken.",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
        402: {"model": ShortOfPoints, "description": "Too few points; the status is the plan's."},
    },
)
async def send_chat_for_points(
    asked: ChatMessage, caller: Own, chat: Talk, key: IdempotencyKey = None
) -> Response:
    """Say something and get the answer, with the points that it took and those that are left."""
    turn = Asked(message=asked.message, session=asked.session_id, create=True, key=key)
    return chat.turn(who(caller), caller.key, turn, PointWords(chat.house, caller.locale))


class _Whole:
    """Words of an answer that comes whole."""

    streamed = False

    def __init__(self, house: Tokenhouse, locale: str) -> None:
        self._house, self._locale = house, locale


class TokenWords(_Whole):
    """The words of the chat that counts tokens."""

    async def end(self, said: Said) -> bytes:
        """Return the answer."""
        answer = Sent(
            content=said.message.content,
            session_id=said.session.id,
            warning=await warning(self._house, said.balance),
        )
        return answer.model_dump_json(by_alias=True).encode()

    def refusal(self, error: Exception, balance: BalanceView | None, *, now: datetime) -> Answer:
        """Return why there is no answer; where credit is short, with what helps."""
        told = problems.answer(error, "problem", self._locale, now=now)
        if not isinstance(error, InsufficientCredit):
            return told
        problem = msgspec.json.decode(told.body)
        body = Exhausted(
            code=problem["code"],
            message=problem["detail"],
            remaining_tokens=balance.remaining if balance else 0,
            recommended_action=problem["recommended_action"],
            purchase_url=problem.get("purchase_url"),
        )
        return _with(told, body.model_dump(by_alias=True))


class PointWords(_Whole):
    """The words of the chat that counts points."""

    async def end(self, said: Said) -> bytes:
        """Return the answer."""
        answer = Chatted(
            response=said.message.content, session_id=said.session.id, points_info=points_info(said)
        )
        return answer.model_dump_json().encode()

    def refusal(self, error: Exception, balance: BalanceView | None, *, now: datetime) -> Answer:
        """Return why there is no answer."""
        told = problems.answer(error, "problem", self._locale, now=now)
        problem = msgspec.json.decode(told.body)
        points = balance.remaining if balance else None
        body = ShortOfPoints(error=problem["detail"], code=problem["code"], current_points=points)
        return _with(told, body.model_dump(exclude_none=True))


def _with(told: Answer, document: dict[str, Any]) -> Answer:
    """Return a refusal with another body."""
    headers = [
        ("content-type", "application/json"),
        *(one for one in told.headers if one[0] != "content-type"),
    ]
    return told._replace(headers=headers, body=msgspec.json.encode(document))
