"""The demo's answers as OpenAI writes them: chat, completions, responses and embeddings."""

from base64 import b64encode
from collections.abc import Iterator
from struct import pack
from typing import Any, Final

import msgspec

from tokenhouse.providers.demo.shape import CREATED_AT, Chunk
from tokenhouse.providers.demo.thought import Said, Thought
from tokenhouse.providers.demo.words import chances
from tokenhouse.providers.native_errors import native_error
from tokenhouse.providers.sse import event_of

DIMENSIONS: Final = 256
DIMENSIONS_MAX: Final = 3_072
DONE: Final = b"data: [DONE]\n\n"

_encode: Final = msgspec.json.Encoder().encode


class Chat:
    """`/v1/chat/completions`."""

    def whole(self, thought: Thought) -> bytes:
        """Return the answer as one document."""
        choices = [
            {"index": index, "message": _message(said, thought.id), "finish_reason": _reason(said)}
            for index, said in enumerate(thought.answers)
        ]
        return _encode(_head(thought, "chatcmpl", "chat.completion") | {"choices": choices} | _usage(thought))

    def chunks(self, thought: Thought) -> Iterator[Chunk]:
        """Yield the answer piece by piece; its usage only for who asked for it."""
        head = _head(thought, "chatcmpl", "chat.completion.chunk")
        before = 0
        for index, said in enumerate(thought.answers):
            for delta, end in _deltas(said, thought.id):
                yield Chunk(_event(head, _choice(index, delta=delta)), before + end)
            before += said.tokens
            yield Chunk(_event(head, _choice(index, delta={}, finish_reason=_reason(said))), before)
        if thought.request.shows_usage and thought.shows_usage:
            yield Chunk(event_of(_encode(head | {"choices": []} | _usage(thought))), before)
        yield Chunk(DONE, before)

    def error(self, message: str) -> bytes:
        """Return an error inside a stream."""
        return event_of(native_error("openai", "internal", message))


class Completions(Chat):
    """`/v1/completions`."""

    def whole(self, thought: Thought) -> bytes:
        """Return the answer as one document: of `best_of`, only the best."""
        choices = [
            _choice(index, text=said.text, finish_reason=_reason(said))
            for index, said in enumerate(thought.answers[: thought.shown])
        ]
        return _encode(_head(thought, "cmpl", "text_completion") | {"choices": choices} | _usage(thought))

    def chunks(self, thought: Thought) -> Iterator[Chunk]:
        """Yield the answer piece by piece."""
        head = _head(thought, "cmpl", "text_completion")
        before = 0
        for index, said in enumerate(thought.answers[: thought.shown]):
            for piece, end in zip(said.pieces, said.ends, strict=True):
                yield Chunk(_event(head, _choice(index, text=piece)), before + end)
            before += said.tokens
            yield Chunk(_event(head, _choice(index, text="", finish_reason=_reason(said))), before)
        before = thought.tokens_output
        if thought.request.shows_usage and thought.shows_usage:
            yield Chunk(event_of(_encode(head | {"choices": []} | _usage(thought))), before)
        yield Chunk(DONE, before)


class Embeddings(Chat):
    """`/v1/embeddings`: a vector for each input, the same for the same text."""

    def whole(self, thought: Thought) -> bytes:
        """Return the vectors, as numbers or in base64."""
        document = thought.request.document
        asked = document.get("dimensions")
        size = min(asked, DIMENSIONS_MAX) if isinstance(asked, int) and asked > 0 else DIMENSIONS
        as_text = document.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(one, size, as_text=as_text)}
            for index, one in enumerate(_inputs(document.get("input")))
        ]
        counted = {"prompt_tokens": thought.tokens_input, "total_tokens": thought.tokens_input}
        usage = {"usage": counted} if thought.shows_usage else {}
        return _encode({"object": "list", "data": data, "model": thought.model} | usage)

    def chunks(self, thought: Thought) -> Iterator[Chunk]:
        """Yield the vectors at once: there is no stream of them."""
        yield Chunk(self.whole(thought), 0)


def _head(thought: Thought, prefix: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"{prefix}-demo{thought.id}",
        "object": kind,
        "created": CREATED_AT,
        "model": thought.model,
    }


def _event(head: dict[str, Any], choice: dict[str, Any]) -> bytes:
    return event_of(_encode(head | {"choices": [choice]}))


def _choice(index: int, *, finish_reason: str | None = None, **content: Any) -> dict[str, Any]:
    return {"index": index, **content, "logprobs": None, "finish_reason": finish_reason}


def _reason(said: Said) -> str:
    if said.cut:
        return "length"
    return "tool_calls" if said.tool else "stop"


def _message(said: Said, mark: str) -> dict[str, Any]:
    """Return the message of a whole answer."""
    if not said.tool:
        return {"role": "assistant", "content": said.text, "refusal": None}
    call = {"id": f"call_demo{mark}", "type": "function"}
    call["function"] = {"name": said.tool, "arguments": said.text}  # type: ignore[assignment]
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}


def _deltas(said: Said, mark: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield what each chunk of an answer adds, and how many tokens it ends at."""
    if not said.tool:
        yield {"role": "assistant", "content": ""}, 0
        for piece, end in zip(said.pieces, said.ends, strict=True):
            yield {"content": piece}, end
        return
    function: dict[str, Any] = {"name": said.tool, "arguments": ""}
    call = {"index": 0, "id": f"call_demo{mark}", "type": "function", "function": function}
    yield {"role": "assistant", "content": None, "tool_calls": [call]}, 0
    for piece, end in zip(said.pieces, said.ends, strict=True):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, end


def _usage(thought: Thought) -> dict[str, Any]:
    """Return the usage member, or none."""
    if not thought.shows_usage:
        return {}
    counts = {"prompt_tokens": thought.tokens_input, "completion_tokens": thought.tokens_output}
    return {"usage": counts | {"total_tokens": thought.tokens_input + thought.tokens_output}}


def _inputs(given: Any) -> list[Any]:
    """Return the inputs of embeddings: texts, or lists of token numbers."""
    if isinstance(given, list) and not all(isinstance(one, int) for one in given):
        return given
    return [given]


def _vector(given: Any, size: int, *, as_text: bool) -> list[float] | str:
    """Return a vector of numbers between -1 and 1."""
    numbers = [draw / 32_768 - 1 for draw, _ in zip(chances(_encode(given)), range(size), strict=False)]
    return b64encode(pack(f"<{size}f", *numbers)).decode() if as_text else numbers
