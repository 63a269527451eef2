"""Talk: a conversation as each provider is told it, and the text of its answer, however its bytes arrive."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.talk import DIALECT, Reader, talk

pytestmark = pytest.mark.row("B1")

PAST = [("one?", "1"), ("two?", "2")]
TURNS = [
    {"role": "user", "content": "one?"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": "two?"},
    {"role": "assistant", "content": "2"},
    {"role": "user", "content": "셋?"},
]


@pytest.mark.parametrize("system", ["", "Be brief."])
def test_openai_is_told_the_system_prompt_as_a_message(system):
    body = talk("openai", "gpt-4o", system, PAST, "셋?", 100)
    document = json.loads(body)
    head = [{"role": "system", "content": system}] if system else []
    assert document["messages"] == head + TURNS
    request = DIALECTS[DIALECT["openai"]].read(body)
    assert (request.model, request.stream, request.cap) == ("gpt-4o", True, 100)


@pytest.mark.parametrize("system", ["", "Be brief."])
def test_anthropic_is_told_it_beside_the_messages(system):
    body = talk("anthropic", "claude-opus", system, PAST, "셋?", 100)
    document = json.loads(body)
    assert (document["messages"], document.get("system", "")) == (TURNS, system)
    request = DIALECTS[DIALECT["anthropic"]].read(body)
    assert (request.model, request.stream, request.cap) == ("claude-opus", True, 100)


def event(document):
    return f"data: {json.dumps(document)}\n\n".encode()


def delta(**said):
    return event({"choices": [{"index": 0, "delta": said, "finish_reason": None}]})


OPENAI = (
    delta(role="assistant", content="")
    + delta(reasoning_content="hmm")
    + delta(content="안")
    + event({"choices": [{"index": 1, "delta": {"content": "another"}}]})
    + delta(content="녕")
    + delta(tool_calls=[{"index": 0, "function": {"arguments": "{}"}}])
    + delta(content=[{"type": "text", "text": "parts"}])
    + b": a comment\n\ndata: no json\n\n"
    + event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
    + event({"choices": [], "usage": {"prompt_tokens": 1}})
    + b"data: [DONE]\n\n"
)
ANTHROPIC = (
    event({"type": "message_start", "message": {"content": []}})
    + event({"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "hmm"}})
    + event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "안"}})
    + event({"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{}"}})
    + event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "녕"}})
    + event({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}})
    + event({"type": "message_stop"})
)


@given(st.sampled_from([OPENAI, ANTHROPIC]), st.lists(st.integers(0, len(OPENAI)), max_size=20))
def test_the_text_is_what_a_person_reads_however_it_arrives(stream, cuts):
    reader, places = Reader(), sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parts = [stream[a:b] for a, b in pairwise(places)]
    assert "".join(reader.feed(part) for part in parts) == "안녕"
    assert reader.capped


def test_a_whole_answer_has_a_text_as_well():
    said = {"choices": [{"index": 0, "message": {"content": "all"}, "finish_reason": "stop"}]}
    reader = Reader()
    assert reader.feed(json.dumps(said).encode() + b"\n\n") == "all"
    assert not reader.capped
