"""Turns: what every route of the chat needs, ours and the sources': who may talk, and what a turn took."""

from typing import Annotated

from fastapi import Depends, Request

from tokenhouse.edges.api.caller import Caller, User
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.edges.chat import Chat
from tokenhouse.edges.gateway.visit import Who
from tokenhouse.errors import Forbidden
from tokenhouse.flow.turn import Said


async def own_account(caller: User) -> Caller:
    """Let a caller in who has an account: nobody reads the conversations of others. Raises: Forbidden."""
    if not caller.account:
        raise Forbidden("chat_needs_account")
    return caller


async def chat_of(request: Request) -> Chat:
    """Return the chat of this process."""
    chat: Chat = request.app.state.chat
    return chat


Own = Annotated[Caller, Depends(own_account)]
Talk = Annotated[Chat, Depends(chat_of)]


class TokenUsage(Shape):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class PointsInfo(Shape):
    """What a turn took, as plain numbers of the deployment's smallest unit."""

    deducted: int
    remaining: int
    token_usage: TokenUsage


def points_info(turn: Said) -> PointsInfo:
    """Return what a turn took, and what is left."""
    usage = turn.message.usage
    read, written = (usage.tokens_input, usage.tokens_output) if usage else (0, 0)
    return PointsInfo(
        deducted=turn.message.charge,
        remaining=turn.balance.remaining,
        token_usage=TokenUsage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written),
    )


def who(caller: Caller) -> Who:
    """Return whose turn a caller's is."""
    return Who(account=caller.account, api_key=caller.api_key, actor=caller.actor)
