"""What callers ask and providers answer: a request, a whole answer and a stream for each path."""

import json
from typing import Any

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
COMPLETIONS = "/v1/completions"
EMBEDDINGS = "/v1/embeddings"
MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"

SAID = [{"role": "user", "content": "hi"}]
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"model": "gpt-4o", "messages": SAID},
    RESPONSES: {"model": "gpt-4o", "input": "hi"},
    COMPLETIONS: {"model": "gpt-4o", "prompt": "hi", "max_tokens": 100},
    EMBEDDINGS: {"model": "text-embedding-3-small", "input": "hi"},
    MESSAGES: {"model": "claude-opus", "max_tokens": 100, "messages": SAID},
    COUNT: {"model": "claude-opus", "messages": SAID},
}
STREAMED = (CHAT, RESPONSES, COMPLETIONS, MESSAGES)
METERED = (CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS, MESSAGES)

_OPENAI = {"prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 13}
_OTHERS = {"input_tokens": 8, "output_tokens": 5}
WHOLE: dict[str, dict[str, Any]] = {
    CHAT: {
        "id": "c1",
        "object": "chat.completion",
        "model": "gpt-4o-2024",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "one two"}, "finish_reason": "stop"}
        ],
        "usage": _OPENAI,
    },
    RESPONSES: {
        "id": "r1",
        "object": "response",
        "status": "completed",
        "model": "gpt-4o",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "one two"}]}],
        "usage": _OTHERS | {"total_tokens": 13},
    },
    COMPLETIONS: {
        "id": "t1",
        "object": "text_completion",
        "model": "gpt-4o",
        "choices": [{"index": 0, "text": "one two", "finish_reason": "stop"}],
        "usage": _OPENAI,
    },
    EMBEDDINGS: {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    },
    MESSAGES: {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus",
        "content": [{"type": "text", "text": "one two"}],
        "stop_reason": "end_turn",
        "usage": _OTHERS,
    },
    COUNT: {"input_tokens": 77},
}


def event(document: Any, name: str = "") -> bytes:
    """Return an event of a stream."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {document if isinstance(document, str) else json.dumps(document)}\n\n".encode()


def chat(text: str | None = None, finish: str | None = None) -> bytes:
    """Return a chunk of a chat."""
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "choices": [choice]})


USAGE = event({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": _OPENAI})
DONE = event("[DONE]")
WORDS = [chat(word) for word in ("one", " two", " three", " four", " five")]
STREAMS: dict[str, list[bytes]] = {
    CHAT: [*WORDS, chat(finish="stop"), USAGE, DONE],
    RESPONSES: [
        event({"type": "response.created", "response": {"model": "gpt-4o"}}, "response.created"),
        *(
            event({"type": "response.output_text.delta", "delta": word}, "response.output_text.delta")
            for word in ("one", " two")
        ),
        event({"type": "response.completed", "response": WHOLE[RESPONSES]}, "response.completed"),
    ],
    COMPLETIONS: [
        event({"choices": [{"index": 0, "text": "one", "finish_reason": None}]}),
        event({"choices": [{"index": 0, "text": " two", "finish_reason": "stop"}]}),
        event({"choices": [], "usage": _OPENAI}),
        DONE,
    ],
    MESSAGES: [
        event(
            {"type": "message_start", "message": {"model": "claude-opus", "usage": {"input_tokens": 8}}},
            "message_start",
        ),
        *(
            event(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}},
                "content_block_delta",
            )
            for word in ("one", " two")
        ),
        event({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}}, "message_delta"),
        event({"type": "message_stop"}, "message_stop"),
    ],
}
HIDDEN = {CHAT: USAGE, COMPLETIONS: STREAMS[COMPLETIONS][2]}
"""The usage chunk that we ask for and the caller did not."""
