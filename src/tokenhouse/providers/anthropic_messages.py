"""Anthropic's messages: usage in halves, cached tokens beside the input, thinking within the cap."""

from typing import Any, ClassVar, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.providers.base import Request
from tokenhouse.providers.ears import Ear
from tokenhouse.providers.fields import cap_of, document_of, flag, lowered, model_of, table
from tokenhouse.providers.formats import Format
from tokenhouse.providers.sse import event_of

METERED: Final = frozenset({"model", "stream", "max_tokens", "thinking"})
THINKING_LEAST: Final = 1_024
"""The smallest budget of thinking that Anthropic takes."""


class AnthropicMessages(Format, frozen=True):
    """`POST /v1/messages`."""

    name: ClassVar[str] = "anthropic-messages"
    protocol: ClassVar[str] = "anthropic"

    def read(self, body: bytes) -> Request:
        """Return what the meter must know of `body`. Raises: InvalidInput that names the field."""
        document = document_of(body, METERED)
        model, cap = model_of(document), cap_of(document, "max_tokens")
        table(document, "thinking")
        if cap is None:
            raise InvalidInput("field_missing", field="max_tokens", value="")
        return Request(
            dialect=self,
            body=body,
            document=document,
            model=model,
            stream=flag(document, "stream"),
            cap=cap,
        )

    def ear(self, request: Request) -> Ear:
        """Return who hears the answer."""
        return MessagesEar(request)

    def changes(self, request: Request, cap: int | None) -> dict[str, Any]:
        """Return the cap, where it must be another, and the thinking that fits under it."""
        lower = lowered(request.cap, cap)
        return {} if lower is None else {"max_tokens": lower} | _thinking_under(request, lower)


class MessagesEar(Ear):
    """Hears messages, block by block."""

    def understand(self, data: bytes) -> bool:
        """Take an event, or a whole message."""
        event = _EVENT.decode(data)
        kind = event.type
        if kind == "content_block_delta":
            if event.delta is not None:
                self._listen(event.delta)
        elif kind == "content_block_start":
            self._begin_block(event.content_block)
        elif kind == "message_start" and isinstance(event.message, dict):
            self.tally.name(event.message.get("model"))
            self.tally.see(event.message.get("usage"), begun=True)
        elif kind == "message_delta":
            self.tally.see(event.usage)
        elif kind == "message_stop":
            self.finished = self.error is None
        elif kind == "message":
            self._take_whole(event)
        elif event.error is not None:
            self.fail(event.error)
        return False

    def ending(self, error: bytes) -> bytes:
        """Return the format's own error event; nothing comes after it."""
        return event_of(error, b"error")

    def _listen(self, delta: "_Delta") -> None:
        """Take the next piece of a block; signatures and citations are nothing that a model wrote."""
        for said in (delta.text, delta.thinking, delta.partial_json, delta.content):
            if said is not None:
                self.say(said)

    def _begin_block(self, block: object) -> None:
        """Take what a block begins with; results of tools are read by the model, not written."""
        if isinstance(block, dict) and not str(block.get("type")).endswith("_result"):
            self.say({name: value for name, value in block.items() if name != "input" or value})

    def _take_whole(self, event: "_Event") -> None:
        """Take a message in one piece."""
        self.tally.name(event.model)
        self.tally.see(event.usage)
        for block in event.content if isinstance(event.content, list) else ():
            self._begin_block(block)
        self.finished = True


def _thinking_under(request: Request, cap: int) -> dict[str, Any]:
    """Return the change that keeps the budget of thinking below `cap`, as Anthropic demands.

    A budget that no longer fits becomes half of the cap, so that an answer still fits too; where that is less
    than the least budget, there is no thinking. A budget that was above the caller's own cap is left: with
    interleaved thinking it spans several turns.
    """
    thinking = table(request.document, "thinking")
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or not cap <= budget < (request.cap or 0):
        return {}
    if cap // 2 < THINKING_LEAST:
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {**thinking, "budget_tokens": cap // 2}}


class _Delta(msgspec.Struct, gc=False):
    text: Any = None
    thinking: Any = None
    partial_json: Any = None
    content: Any = None


class _Event(msgspec.Struct, gc=False):
    type: str | None = None
    delta: _Delta | None = None
    content_block: Any = None
    message: Any = None
    usage: Any = None
    error: Any = None
    model: Any = None
    content: Any = None


_EVENT: Final = msgspec.json.Decoder(_Event)
