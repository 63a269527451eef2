"""Chat export: a conversation as JSON for programs or as Markdown for people, piece by piece."""

from collections.abc import AsyncIterator
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from tokenhouse import messages
from tokenhouse.errors import InvalidInput
from tokenhouse.flow import chat as chats
from tokenhouse.flow import identify
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import shown
from tokenhouse.store.chat import ChatMessage, ChatSession

Form = Literal["json", "markdown"]
FORMS: Final[tuple[str, ...]] = get_args(Form)

_encode: Final = msgspec.json.Encoder().encode


async def export_chat(desk: Desk, ref: str, session: str, *, form: Form) -> AsyncIterator[str]:
    """Yield a whole conversation, page by page, so that a long one takes no more memory than a short one.

    Raises: NotFound, InvalidInput, before anything was yielded.
    """
    if form not in FORMS:
        raise InvalidInput("choice_unknown", field="form", value=shown(form), known=", ".join(FORMS))
    found = await chats.find_chat(desk, ref, session)
    pieces = _json(desk, ref, found) if form == "json" else _markdown(desk, ref, found)
    async for piece in pieces:
        yield piece


async def _pages(desk: Desk, ref: str, session: ChatSession) -> AsyncIterator[list[ChatMessage]]:
    """Yield the messages of a conversation, a page at a time."""
    after = 0
    while page := await chats.list_messages(desk, ref, session.id, after=after, rows_max=chats.PAGE_MAX):
        yield page
        after = page[-1].seq


async def _json(desk: Desk, ref: str, session: ChatSession) -> AsyncIterator[str]:
    """Yield `{"session": {…}, "messages": […]}`; amounts are whole numbers of `unit`'s smallest part."""
    unit = deployment_unit(desk)
    head = {"account": ref, "unit": unit.name if unit else "", **msgspec.to_builtins(session)}
    yield f'{{"session":{_encode(head).decode()},"messages":['
    comma = ""
    async for page in _pages(desk, ref, session):
        yield comma + ",".join(_encode(_document(one)).decode() for one in page)
        comma = ","
    yield "]}\n"


def _document(one: ChatMessage) -> dict[str, Any]:
    """Return a message as a program reads it: what an answer took stands at the answer."""
    said: dict[str, Any] = {"seq": one.seq, "role": one.role, "at": one.at, "content": one.content}
    if one.role == "assistant":
        said |= {"model": one.model, "ended": one.ended, "charge": one.charge, "usage": one.usage}
    return said


async def _markdown(desk: Desk, ref: str, session: ChatSession) -> AsyncIterator[str]:
    """Yield a page that a person reads, in the language and the time zone of the account."""
    account = await identify.describe(desk, ref)
    locale = account.locale or desk.settings.locale
    zone = ZoneInfo(account.time_zone or desk.settings.time_zone)
    title = session.title or messages.say("chat.untitled", locale)
    facts = {"turns": session.turns, "tokens": session.tokens}
    yield f"# {title}\n\n{messages.say('chat.figures', locale, **facts)}\n"
    async for page in _pages(desk, ref, session):
        for one in page:
            name = desk.settings.chat.name or one.model
            who = messages.say("chat.you", locale) if one.role == "user" else name
            at = one.at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
            yield f"\n## {who} · {at}\n\n{one.content}\n"
