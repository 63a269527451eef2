"""Talk: a conversation in a provider's wire format, and what of its streamed answer a person reads."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tokenhouse.providers.sse import Splitter, data_of

DIALECT: Final = {"openai": "openai-chat", "anthropic": "anthropic-messages"}
"""Protocol -> the wire format in which the chat speaks it."""

_encode: Final = msgspec.json.Encoder().encode


def talk(
    protocol: str, model: str, system: str, past: Sequence[tuple[str, str]], message: str, output: int
) -> bytes:
    """Return the body of a streamed request: system prompt, earlier turns, the new message.

    `past` are questions and answers, the oldest first; `output` is how many tokens the answer may have.
    """
    said: list[dict[str, Any]] = []
    for question, answer in past:
        said += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    said.append({"role": "user", "content": message})
    if protocol == "anthropic":
        document = {"model": model, "max_tokens": output, "messages": said, "stream": True}
        return _encode({**document, "system": system} if system else document)
    told = [{"role": "system", "content": system}, *said] if system else said
    return _encode({"model": model, "max_completion_tokens": output, "messages": told, "stream": True})


class Reader:
    """Reads the text of an answer out of its stream: not its thinking, and no tool's arguments."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self.capped = False
        """Whether the answer ended because it may not be longer."""

    def feed(self, chunk: bytes) -> str:
        """Return the text that `chunk` brings."""
        return "".join(self._read(piece.raw) for piece in self._splitter.feed(chunk) if piece.whole)

    def _read(self, event: bytes) -> str:
        """Return the text of one event; what is no event of an answer has none."""
        try:
            told = _EVENT.decode(data_of(event))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""
        delta = told.delta
        if delta is not None and delta.stop_reason == "max_tokens":
            self.capped = True
        text = delta.text if delta is not None else None
        for choice in told.choices or ():
            if choice.finish_reason == "length":
                self.capped = True
            said = choice.delta or choice.message
            if choice.index == 0 and said is not None:
                text = said.content
        return text if isinstance(text, str) else ""


class _Delta(msgspec.Struct, gc=False):
    content: Any = None
    text: Any = None
    stop_reason: Any = None


class _Choice(msgspec.Struct, gc=False):
    index: Any = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: Any = None


class _Event(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    delta: _Delta | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)
