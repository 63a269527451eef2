"""The demo's answers as OpenAI's responses: one item, a message or a function's call."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import msgspec

from tokenhouse.providers.demo.shape import CREATED_AT, Chunk
from tokenhouse.providers.demo.thought import Said, Thought
from tokenhouse.providers.sse import event_of

_encode: Final = msgspec.json.Encoder().encode


class Responses:
    """`/v1/responses`."""

    def whole(self, thought: Thought) -> bytes:
        """Return the answer as one document."""
        return _encode(_response(thought))

    def chunks(self, thought: Thought) -> Iterator[Chunk]:
        """Yield the answer as the events of one item."""
        numbers = count()

        def event(kind: str, **members: Any) -> bytes:
            told = {"type": kind, "sequence_number": next(numbers), **members}
            return event_of(_encode(told), kind.encode())

        (said,) = thought.answers
        begun = _response(thought) | {"status": "in_progress", "output": [], "usage": None}
        begun["incomplete_details"] = None
        yield Chunk(event("response.created", response=begun), 0)
        yield Chunk(event("response.in_progress", response=begun), 0)
        item = _item(said, thought.id)
        place = {"item_id": item["id"], "output_index": 0}
        events = _call(said, item, place) if said.tool else _text(said, item, place)
        for kind, members, end in events:
            yield Chunk(event(kind, **members), end)
        yield Chunk(event("response.output_item.done", output_index=0, item=item), said.tokens)
        ended = _response(thought)
        yield Chunk(event(f"response.{ended['status']}", response=ended), said.tokens)

    def error(self, message: str) -> bytes:
        """Return an error inside a stream."""
        told = {"type": "error", "code": "server_error", "message": message, "param": None}
        return event_of(_encode(told | {"sequence_number": 0}), b"error")


_Events = Iterator[tuple[str, dict[str, Any], int]]


def _text(said: Said, item: dict[str, Any], place: dict[str, Any]) -> _Events:
    """Yield the events of a message: kind, members, tokens produced."""
    inside = place | {"content_index": 0}
    added = {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}
    yield "response.output_item.added", added, 0
    yield "response.content_part.added", inside | {"part": _part("")}, 0
    for piece, end in zip(said.pieces, said.ends, strict=True):
        yield "response.output_text.delta", inside | {"delta": piece, "logprobs": []}, end
    yield "response.output_text.done", inside | {"text": said.text, "logprobs": []}, said.tokens
    yield "response.content_part.done", inside | {"part": _part(said.text)}, said.tokens


def _call(said: Said, item: dict[str, Any], place: dict[str, Any]) -> _Events:
    """Yield the events of a function's call."""
    added = {"output_index": 0, "item": item | {"status": "in_progress", "arguments": ""}}
    yield "response.output_item.added", added, 0
    for piece, end in zip(said.pieces, said.ends, strict=True):
        yield "response.function_call_arguments.delta", place | {"delta": piece}, end
    done = place | {"arguments": said.text, "name": said.tool}
    yield "response.function_call_arguments.done", done, said.tokens


def _response(thought: Thought) -> dict[str, Any]:
    """Return the response as it is when it has ended."""
    (said,) = thought.answers
    document = thought.request.document
    return {
        "id": f"resp_demo{thought.id}",
        "object": "response",
        "created_at": CREATED_AT,
        "status": "incomplete" if said.cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if said.cut else None,
        "instructions": document.get("instructions"),
        "max_output_tokens": document.get("max_output_tokens"),
        "model": thought.model,
        "output": [_item(said, thought.id)],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "tool_choice": document.get("tool_choice", "auto"),
        "tools": document.get("tools") or [],
        "metadata": document.get("metadata") or {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": _usage(thought) if thought.shows_usage else None,
    }


def _item(said: Said, mark: str) -> dict[str, Any]:
    """Return the one item of the output."""
    status = "incomplete" if said.cut else "completed"
    if said.tool:
        item = {"type": "function_call", "id": f"fc_demo{mark}", "call_id": f"call_demo{mark}"}
        return item | {"name": said.tool, "arguments": said.text, "status": status}
    content = [_part(said.text)]
    message: dict[str, Any] = {"type": "message", "id": f"msg_demo{mark}", "role": "assistant"}
    return message | {"status": status, "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(thought: Thought) -> dict[str, Any]:
    return {
        "input_tokens": thought.tokens_input,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": thought.tokens_output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": thought.tokens_input + thought.tokens_output,
    }
