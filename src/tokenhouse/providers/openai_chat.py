"""OpenAI's chat completions, and those who speak them too: Azure, DeepSeek, Groq, Mistral, OpenRouter."""

from typing import Any, ClassVar, Final

import msgspec

from tokenhouse.providers.base import Request
from tokenhouse.providers.ears import Ear
from tokenhouse.providers.fields import cap_of, choices_of, document_of, flag, lowered, model_of, table
from tokenhouse.providers.formats import Format

CAPS: Final = ("max_completion_tokens", "max_tokens")
METERED: Final = frozenset({"model", "stream", "stream_options", "n", "best_of", *CAPS})


class OpenAIChat(Format, frozen=True):
    """`POST /v1/chat/completions`."""

    name: ClassVar[str] = "openai-chat"
    protocol: ClassVar[str] = "openai"

    cap_field: str = "max_completion_tokens"
    """Where a cap goes if the caller set none. Providers that know only the older name, such as Ollama, want
    "max_tokens": there it is always sent, beside what the caller used."""
    asks_usage: bool = True
    """Whether the provider takes `stream_options`; Mistral does not, and sends usage unasked."""

    def read(self, body: bytes) -> Request:
        """Return what the meter must know of `body`. Raises: InvalidInput that names the field."""
        document = document_of(body, METERED)
        return Request(
            dialect=self,
            body=body,
            document=document,
            model=model_of(document),
            stream=flag(document, "stream"),
            choices=choices_of(document),
            cap=cap_of(document, *CAPS),
            shows_usage=flag(table(document, "stream_options"), "include_usage", "stream_options."),
        )

    def ear(self, request: Request) -> Ear:
        """Return who hears the answer."""
        return ChatEar(request)

    def changes(self, request: Request, cap: int | None) -> dict[str, Any]:
        """Return the caps and the stream's options, where they must be others."""
        caps = self._caps(request, cap) if cap is not None else {}
        return caps | usage_asked(request) if self.asks_usage else caps

    def _caps(self, request: Request, cap: int) -> dict[str, int]:
        """Return the fields that must change for no answer to be longer than `cap`."""
        own = {name: request.document[name] for name in CAPS if request.document.get(name) is not None}
        names = own.keys() | ({self.cap_field} if self.cap_field == "max_tokens" or not own else set())
        most = cap if request.cap is None else min(cap, request.cap)
        return {name: most for name in sorted(names) if lowered(own.get(name), most) is not None}


class ChatEar(Ear):
    """Hears chat completions, completions and embeddings: their answers differ in a member or two."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._hides_usage = not request.shows_usage
        self._open: set[int] = set()
        """Choices that have begun and not ended."""

    def understand(self, data: bytes) -> bool:
        """Take a chunk, or a whole answer."""
        chunk = _CHUNK.decode(data)
        for choice in chunk.choices or ():
            self._choose(choice)
        if chunk.model and not self.tally.model:
            self.tally.name(chunk.model)
        if chunk.x_groq is not None and isinstance(chunk.x_groq, dict):
            self.tally.see(chunk.x_groq.get("usage"))
        if chunk.usage is not None:
            self.tally.see(chunk.usage)
        if chunk.error:
            self.fail(chunk.error)
        elif bytes(memoryview(chunk.data)[:1]) == b"[":
            self.finished = True
        return self._hides_usage and bool(chunk.usage) and not chunk.choices and not chunk.error

    def _choose(self, choice: "_Choice") -> None:
        """Take what one of the answers goes on with."""
        for said in (choice.delta, choice.message):
            if said is not None:
                self._listen(said, choice.index)
        if choice.text is not None:
            self.say(choice.text, choice.index)
        if choice.finish_reason is None:
            self._open.add(choice.index)
            return
        self._open.discard(choice.index)
        self.finished = not self._open and self.error is None

    def _listen(self, said: "_Message", index: int) -> None:
        """Take the text of a message, or of the next piece of one.

        Thinking has two names; where a vendor sends both, they hold the same.
        """
        if said.content is not None:
            self.say(said.content, index)
        thinking = said.reasoning_content or said.reasoning
        if thinking is not None:
            self.say(thinking, index)
        if said.tool_calls is not None:
            self.say(said.tool_calls, index)
        for seldom in (said.refusal, said.function_call, said.audio):
            if seldom is not None:
                self.say(seldom, index)


def usage_asked(request: Request) -> dict[str, Any]:
    """Return the change that makes a stream say its usage, merged into the caller's own options."""
    if not request.stream or request.shows_usage:
        return {}
    return {"stream_options": {**table(request.document, "stream_options"), "include_usage": True}}


class _Message(msgspec.Struct, gc=False):
    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    audio: Any = None


class _Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Message | None = None
    message: _Message | None = None
    text: Any = None
    finish_reason: Any = None


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    model: Any = None
    x_groq: Any = None
    data: msgspec.Raw = msgspec.Raw(b"")
    """Vectors: an embedding has come whole."""


_CHUNK: Final = msgspec.json.Decoder(_Chunk)
