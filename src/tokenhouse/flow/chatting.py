"""Chatting: the part of the house that keeps conversations and lets their turns through."""

from collections.abc import AsyncIterator

from tokenhouse.flow import chat, chat_export, turn
from tokenhouse.flow.call import Call, Needs
from tokenhouse.flow.calling import Calling
from tokenhouse.flow.chat import Cursor
from tokenhouse.flow.chat_export import Form
from tokenhouse.flow.turn import ProtocolOf, Said, Turn
from tokenhouse.store.chat import ChatMessage, ChatSession


def openai(_model: str) -> str:
    """Return whose wire format a model's provider speaks, where nobody says otherwise."""
    return "openai"


class Chatting(Calling):
    """Model calls, and the conversations that are made of them. Each method is one flow."""

    async def open_chat(
        self,
        ref: str,
        session: str | None = None,
        *,
        title: str = "",
        model: str = "",
        key: str | None = None,
    ) -> ChatSession:
        """Return the conversation called `session`, opening it if it is new; without a name it gets an id.

        `model` is one that the `[chat]` settings allow. A conversation without a title takes it from its
        first message.
        """
        return await chat.open_chat(self._desk, ref, session, title=title, model=model, key=key)

    async def chat(self, ref: str, session: str) -> ChatSession:
        """Return one conversation of an account. Raises: NotFound, also for another account's."""
        return await chat.find_chat(self._desk, ref, session)

    async def chats(
        self,
        ref: str,
        *,
        search: str = "",
        archived: bool | None = False,
        below: Cursor | None = None,
        rows_max: int = 20,
    ) -> list[ChatSession]:
        """Return a page of an account's conversations, the last used first.

        `search` finds any part of a title or message, Korean or English; `archived` chooses the archive,
        what is outside of it, or, as None, both. Pass the last one's `(updated_at, id)` as `below`.
        """
        return await chat.list_chats(
            self._desk, ref, search=search, archived=archived, below=below, rows_max=rows_max
        )

    async def amend_chat(
        self, ref: str, session: str, *, title: str | None = None, archived: bool | None = None
    ) -> ChatSession:
        """Rename a conversation, put it into the archive or bring it back."""
        return await chat.amend_chat(self._desk, ref, session, title=title, archived=archived)

    async def erase_chat(self, ref: str, session: str) -> ChatSession:
        """Delete for good what was said in a conversation; what it cost stays on record."""
        return await chat.erase_chat(self._desk, ref, session)

    async def chat_messages(
        self, ref: str, session: str, *, after: int = 0, before: int | None = None, rows_max: int = 50
    ) -> list[ChatMessage]:
        """Return a page of a conversation in order; pass the last `seq` as `after` for the next one.

        With `before`, the page before that message, the last said first; `SEQ_MAX` begins at the end.
        """
        return await chat.list_messages(
            self._desk, ref, session, after=after, before=before, rows_max=rows_max
        )

    def export_chat(self, ref: str, session: str, *, form: Form = "json") -> AsyncIterator[str]:
        """Yield a whole conversation as JSON or Markdown, piece by piece."""
        return chat_export.export_chat(self._desk, ref, session, form=form)

    async def begin_turn(
        self,
        ref: str,
        message: str,
        *,
        session: str | None = None,
        create: bool = False,
        protocol_of: ProtocolOf = openai,
        api_key: str = "",
        actor: str = "",
        key: str | None = None,
    ) -> Turn | Said:
        """Begin a turn of a conversation; ask the provider with its `request`, then `finish` it.

        Without a `session` a new conversation begins; `create` opens one that is named and not there. Under
        an idempotency `key` that came before, what was said then is returned instead.
        Raises: as `begin`, and NotFound, StillRunning, KeyReused.
        """

        async def begin(needs: Needs) -> Call:
            return await self.begin(ref, needs, api_key=api_key, actor=actor)

        return await turn.begin_turn(
            self._desk,
            begin,
            ref,
            message,
            session=session,
            create=create,
            protocol_of=protocol_of,
            key=key,
        )
