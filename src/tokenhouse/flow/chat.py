"""Chat: an account's conversations - opened, listed, searched, renamed, put away, read, erased."""

from datetime import datetime
from hashlib import blake2b
from typing import Final
from unicodedata import category, normalize

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.desk import Desk, checked_flag, checked_text, checked_whole
from tokenhouse.rules.amounts import shown
from tokenhouse.store import chat
from tokenhouse.store.chat import ChatMessage, ChatSession

PAGE_MAX: Final = 200
SESSION_LENGTH_MAX: Final = 100
TITLE_LENGTH_MAX: Final = 200
SEQ_MAX: Final = 2**31 - 1

Cursor = tuple[datetime, str]
"""Where a page of conversations begins: when the last one seen was used, and its id."""


async def open_chat(
    desk: Desk, ref: str, session: str | None, *, title: str, model: str, key: str | None
) -> ChatSession:
    """Return the conversation called `session`, opening it if it is new; one without a name gets an id.

    Idempotent: under an idempotency `key` the id follows from the key.
    """
    address = await desk.address(ref)
    title = checked_title(title)
    model = checked_model(desk, model)
    if session is not None:
        name = checked_session(session)
    elif key is not None:
        said = checked_text(key, "key", least=1)
        name = blake2b(f"{ref}\n{said}".encode(), digest_size=16).hexdigest()
    else:
        name = desk.new_id()
    async with desk.pool.acquire() as connection:
        made = await chat.write_chat(connection, address, name, desk.clock(), title=title, model=model)
    return made or await find_chat(desk, ref, name)


async def find_chat(desk: Desk, ref: str, session: str) -> ChatSession:
    """Return one conversation of an account. Raises: NotFound, also for another account's."""
    address = await desk.address(ref)
    name = checked_session(session)
    async with desk.pool.acquire() as connection:
        found = await chat.find_chat(connection, address, name)
    return existing(found, session)


async def list_chats(
    desk: Desk,
    ref: str,
    *,
    search: str,
    archived: bool | None,
    below: Cursor | None,
    rows_max: int,
) -> list[ChatSession]:
    """Return a page of an account's conversations, the last used first, below one that was seen.

    `search` is text that stands in a title or a message, in any case; "" finds them all. `archived` chooses
    those in the archive, those outside, or as None both.
    """
    address = await desk.address(ref)
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    text = normalize("NFC", checked_text(search, "search", most=200)).strip()
    async with desk.pool.acquire() as connection:
        return await chat.list_chats(
            connection,
            address,
            archived=None if archived is None else checked_flag(archived, "archived"),
            below=None if below is None else checked_below(below),
            pattern=pattern(text) if text else None,
            rows_max=rows_max,
        )


async def amend_chat(
    desk: Desk, ref: str, session: str, *, title: str | None, archived: bool | None
) -> ChatSession:
    """Rename a conversation, put it into the archive or bring it back. Idempotent."""
    address = await desk.address(ref)
    name = checked_session(session)
    title = None if title is None else checked_title(title)
    archived = None if archived is None else checked_flag(archived, "archived")
    async with desk.pool.acquire() as connection:
        found = await chat.write_chat_amended(
            connection, address, name, desk.clock(), title=title, archived=archived
        )
    return existing(found, session)


async def erase_chat(desk: Desk, ref: str, session: str) -> ChatSession:
    """Delete for good what was said in a conversation, and its title. Idempotent.

    Its figures stay, for the journal, which only grows, names it.
    """
    address = await desk.address(ref)
    name = checked_session(session)
    async with desk.pool.acquire() as connection:
        found = await chat.write_chat_erased(connection, address, name, desk.clock())
    return existing(found, session)


async def list_messages(
    desk: Desk, ref: str, session: str, *, after: int, before: int | None = None, rows_max: int
) -> list[ChatMessage]:
    """Return a page of a conversation in the order in which it was said, after message `after`.

    With `before` it is the page before that message, the last said first.
    """
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    checked_whole(after, "after", 0, SEQ_MAX)
    if before is not None:
        checked_whole(before, "before", 0, SEQ_MAX)
    await find_chat(desk, ref, session)
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        if before is not None:
            return await chat.list_chat_messages_back(connection, address, session, before, rows_max)
        return await chat.list_chat_messages(connection, address, session, after, rows_max)


def existing(found: ChatSession | None, session: str) -> ChatSession:
    """Return a conversation that is there. Raises: NotFound."""
    if found is None:
        raise NotFound("chat_unknown", session=session)
    return found


def checked_session(value: object) -> str:
    """Return the name of a conversation. Raises: InvalidInput."""
    return checked_text(value, "session", least=1, most=SESSION_LENGTH_MAX)


def checked_title(value: object) -> str:
    """Return the title of a conversation, in the form in which it is looked for. Raises: InvalidInput."""
    return normalize("NFC", checked_text(value, "title", most=TITLE_LENGTH_MAX))


def checked_model(desk: Desk, model: str) -> str:
    """Return a conversation's model: one that the settings allow; "" for theirs. Raises: InvalidInput."""
    known = (desk.settings.chat.model, *desk.settings.chat.models)
    if checked_text(model, "model") and model not in known:
        raise InvalidInput("choice_unknown", field="model", value=model, known=", ".join(known))
    return model


def checked_below(value: object) -> Cursor:
    """Return a conversation's place in a list: when it was last used, and its id. Raises: InvalidInput."""
    match value:
        case (datetime() as at, str() as session) if at.tzinfo is not None:
            return at, checked_session(session)
    raise InvalidInput("cursor_unknown", field="below", value=shown(value))


def checked_message(desk: Desk, value: object) -> str:
    """Return what a person says, in the form in which it is looked for: several lines are welcome.

    Raises: InvalidInput.
    """
    if not isinstance(value, str):
        raise InvalidInput("text_expected", field="message", value=type(value).__name__)
    text, most = normalize("NFC", value), desk.settings.chat.message_chars_max
    if not 1 <= len(text) <= most or not text.strip():
        facts = {"value": shown(text), "length": len(text), "least": 1, "most": most}
        raise InvalidInput("text_length", field="message", **facts)
    if any(_is_unstorable(character) for character in text):
        raise InvalidInput("text_unprintable", field="message", value=ascii(text[:40]))
    return text


def storable(text: str) -> str:
    """Return what a model said as a database can hold it: without what is no character of any text."""
    if not any(map(_is_unstorable, text)):
        return text
    return "".join("" if _is_unstorable(character) else character for character in text)


def pattern(text: str) -> str:
    """Return the pattern of ILIKE that finds `text` anywhere, whatever signs stand in it."""
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"


def _is_unstorable(character: str) -> bool:
    """Whether PostgreSQL cannot hold a character in text."""
    return character == "\0" or category(character) == "Cs"
