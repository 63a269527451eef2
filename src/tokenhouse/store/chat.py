"""Conversations in the database: an account's sessions, what was said in them, and the question of a turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from tokenhouse.rules.balance import Entry
from tokenhouse.rules.usage import Usage
from tokenhouse.store import rows
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_CHAT: Final = sql("write_chat")
FIND_CHAT: Final = sql("find_chat")
LIST_CHATS: Final = sql("list_chats")
WRITE_CHAT_AMENDED: Final = sql("write_chat_amended")
WRITE_CHAT_ERASED: Final = sql("write_chat_erased")
WRITE_CHAT_ASKED: Final = sql("write_chat_asked")
WRITE_CHAT_UNASKED: Final = sql("write_chat_unasked")
LIST_CHAT_TURN: Final = sql("list_chat_turn")
LIST_CHAT_MESSAGES: Final = sql("list_chat_messages")
LIST_CHAT_MESSAGES_BACK: Final = sql("list_chat_messages_back")
LIST_CHAT_HISTORY: Final = sql("list_chat_history")
WRITE_TURNS: Final = sql("write_turns")

_usage: Final = msgspec.json.Decoder(Usage).decode
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSession:
    """One conversation of an account, and what it has used: `tokens` of `turns`, charged `charged`."""

    id: str
    title: str
    model: str
    tokens: int
    turns: int
    charged: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    erased_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """What one side said. `tokens`, `charge`, `usage` and `ended` are the turn's, and stand at its answer."""

    seq: int
    role: str
    content: str
    length: int
    """Tokens of the message itself."""
    tokens: int
    charge: int
    usage: Usage | None
    model: str
    operation: str
    ended: str
    """How the answer ended: "complete", or why it did not; "" at a question."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTurn:
    """A question and its answer, as a model is told them; `length` is the tokens of both."""

    seq: int
    question: str
    answer: str
    length: int


class TurnEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a turn, which is written with its charge: message `seq` of a session."""

    session: str
    seq: int
    content: str
    length: int
    """Tokens of `content`."""
    ended: str


async def write_chat(
    connection: Connection, address: Address, session: str, at: datetime, *, title: str, model: str
) -> ChatSession | None:
    """Make a session and return it; None if there is one of this id."""
    row = await connection.fetchrow(WRITE_CHAT, address.cell, address.account, session, title, model, at)
    return _session(row)


async def find_chat(connection: Connection, address: Address, session: str) -> ChatSession | None:
    """Return one session of an account."""
    return _session(await connection.fetchrow(FIND_CHAT, address.cell, address.account, session))


async def list_chats(
    connection: Connection,
    address: Address,
    *,
    archived: bool | None,
    below: tuple[datetime, str] | None,
    pattern: str | None,
    rows_max: int,
) -> list[ChatSession]:
    """Return a page of an account's sessions, the last used first; `pattern` is one of ILIKE."""
    at, session = below or (None, None)
    found = await connection.fetch(
        LIST_CHATS, address.cell, address.account, archived, at, session, pattern, rows_max
    )
    return [ChatSession(**row) for row in found]


async def write_chat_amended(
    connection: Connection,
    address: Address,
    session: str,
    at: datetime,
    *,
    title: str | None,
    archived: bool | None,
) -> ChatSession | None:
    """Change a session's title, or put it into the archive or back; None if it is not there or is erased."""
    facts = (address.cell, address.account, session, title, archived, at)
    return _session(await connection.fetchrow(WRITE_CHAT_AMENDED, *facts))


async def write_chat_erased(
    connection: Connection, address: Address, session: str, at: datetime
) -> ChatSession | None:
    """Delete what was said in a session; its figures stay."""
    return _session(await connection.fetchrow(WRITE_CHAT_ERASED, address.cell, address.account, session, at))


async def write_chat_asked(
    connection: Connection,
    address: Address,
    session: str,
    at: datetime,
    *,
    title: str,
    model: str,
    content: str,
    length: int,
    operation: str,
    key: str,
) -> tuple[ChatSession, int] | None:
    """Write a question and return its session and number; None where the session is erased, or the key used.

    `title` and `model` are for a session that has none yet.
    """
    facts = (title, model, at, content, length, UUID(operation), key)
    try:
        row: Any = await connection.fetchrow(WRITE_CHAT_ASKED, address.cell, address.account, session, *facts)
    except asyncpg.UniqueViolationError:
        return None
    if row is None:
        return None
    columns = dict(row)
    seq: int = columns.pop("seq")
    return ChatSession(**columns), seq


async def write_chat_unasked(connection: Connection, address: Address, session: str, seq: int) -> None:
    """Take back a question that nobody answered."""
    await connection.execute(WRITE_CHAT_UNASKED, address.cell, address.account, session, seq)


async def list_chat_turn(
    connection: Connection, address: Address, session: str, key: str
) -> list[ChatMessage]:
    """Return the question that came under an idempotency key, and its answer if there is one."""
    found = await connection.fetch(LIST_CHAT_TURN, address.cell, address.account, session, key)
    return [_message(row) for row in found]


async def list_chat_messages(
    connection: Connection, address: Address, session: str, after: int, rows_max: int
) -> list[ChatMessage]:
    """Return a page of a session, in the order in which it was said."""
    found = await connection.fetch(
        LIST_CHAT_MESSAGES, address.cell, address.account, session, after, rows_max
    )
    return [_message(row) for row in found]


async def list_chat_messages_back(
    connection: Connection, address: Address, session: str, before: int, rows_max: int
) -> list[ChatMessage]:
    """Return a page of a session before a message, the last said first."""
    found = await connection.fetch(
        LIST_CHAT_MESSAGES_BACK, address.cell, address.account, session, before, rows_max
    )
    return [_message(row) for row in found]


async def list_chat_history(
    connection: Connection, address: Address, session: str, before: int, rows_max: int
) -> list[PastTurn]:
    """Return the answered turns before a message, the newest first."""
    found = await connection.fetch(
        LIST_CHAT_HISTORY, address.cell, address.account, session, before, rows_max
    )
    return [PastTurn(**row) for row in found]


async def write_turns(
    connection: Connection, turns: Sequence[tuple[int, TurnEnd, Entry]], at: datetime
) -> None:
    """Write answers and what their entries say that they took; within the transaction of those entries."""
    found = [_columns(cell, turn, entry, at) for cell, turn, entry in turns]
    await connection.execute(WRITE_TURNS, *rows.columns(found))


def _columns(cell: int, turn: TurnEnd, entry: Entry, at: datetime) -> tuple[Any, ...]:
    """Return the columns of `write_turns`."""
    usage = entry.usage
    return (
        cell,
        entry.account,
        turn.session,
        turn.seq,
        turn.content,
        turn.length,
        0 if usage is None else usage.total,
        entry.charge,
        None if usage is None else _encode(usage).decode(),
        entry.model,
        entry.operation,
        turn.ended,
        at,
    )


def _session(row: Any) -> ChatSession | None:
    """Return a session of its row."""
    return ChatSession(**row) if row else None


def _message(row: Any) -> ChatMessage:
    """Return a message of its row."""
    usage = _usage(row["usage"]) if row["usage"] else None
    return ChatMessage(**{**dict(row), "usage": usage, "operation": row["operation"].hex})
