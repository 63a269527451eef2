"""The demo's answers as Anthropic's messages: one block, text or a tool's use."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from tokenhouse.providers.demo.shape import Chunk
from tokenhouse.providers.demo.thought import Said, Thought
from tokenhouse.providers.native_errors import native_error
from tokenhouse.providers.sse import event_of

_encode: Final = msgspec.json.Encoder().encode


class Messages:
    """`/v1/messages`."""

    def whole(self, thought: Thought) -> bytes:
        """Return the answer as one document."""
        (said,) = thought.answers
        ended = {"stop_reason": _reason(said), "stop_sequence": None}
        return _encode(_head(thought, [_block(said, thought.id)]) | ended | _usage(thought, said.tokens))

    def chunks(self, thought: Thought) -> Iterator[Chunk]:
        """Yield the answer as the events of one block; its usage comes in two parts."""
        (said,) = thought.answers
        begun = {"stop_reason": None, "stop_sequence": None} | _usage(thought, 1)
        yield Chunk(_event("message_start", message=_head(thought, []) | begun), 0)
        yield Chunk(_event("content_block_start", index=0, content_block=_opened(said, thought.id)), 0)
        yield Chunk(_event("ping"), 0)
        for piece, end in zip(said.pieces, said.ends, strict=True):
            if said.tool:
                delta = {"type": "input_json_delta", "partial_json": piece}
            else:
                delta = {"type": "text_delta", "text": piece}
            yield Chunk(_event("content_block_delta", index=0, delta=delta), end)
        yield Chunk(_event("content_block_stop", index=0), said.tokens)
        usage = {"usage": {"output_tokens": said.tokens}} if thought.shows_usage else {}
        ended = {"stop_reason": _reason(said), "stop_sequence": None}
        yield Chunk(_event("message_delta", delta=ended, **usage), said.tokens)
        yield Chunk(_event("message_stop"), said.tokens)

    def error(self, message: str) -> bytes:
        """Return an error inside a stream."""
        return event_of(native_error("anthropic", "busy", message), b"error")


def counted(thought: Thought) -> bytes:
    """Return the answer of `/v1/messages/count_tokens`."""
    return _encode({"input_tokens": thought.tokens_input})


def _event(kind: str, **members: Any) -> bytes:
    return event_of(_encode({"type": kind, **members}), kind.encode())


def _head(thought: Thought, content: list[dict[str, Any]]) -> dict[str, Any]:
    head = {"id": f"msg_demo{thought.id}", "type": "message", "role": "assistant"}
    return head | {"model": thought.model, "content": content}


def _usage(thought: Thought, tokens_output: int) -> dict[str, Any]:
    """Return the usage member, or none."""
    if not thought.shows_usage:
        return {}
    counts = {"input_tokens": thought.tokens_input, "output_tokens": tokens_output}
    return {"usage": counts | {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}}


def _opened(said: Said, mark: str) -> dict[str, Any]:
    """Return the block as it begins: without content."""
    if said.tool:
        return {"type": "tool_use", "id": f"toolu_demo{mark}", "name": said.tool, "input": {}}
    return {"type": "text", "text": ""}


def _block(said: Said, mark: str) -> dict[str, Any]:
    """Return the whole block. Arguments that the cap has cut are no JSON: then there are none."""
    if not said.tool:
        return {"type": "text", "text": said.text}
    arguments = {} if said.cut else msgspec.json.decode(said.text)
    return _opened(said, mark) | {"input": arguments}


def _reason(said: Said) -> str:
    if said.cut:
        return "max_tokens"
    return "tool_use" if said.tool else "end_turn"
