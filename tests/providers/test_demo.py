"""The demo provider: one answer to a question, in every format, counted exactly, within its cap."""

import base64
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.providers import tokens
from tokenhouse.providers.demo import SHAPES, think, wished
from tokenhouse.providers.demo.examples import example
from tokenhouse.providers.demo.words import STARTS, WORDS, chances, pieces
from tokenhouse.providers.dialects import DIALECTS

pytestmark = pytest.mark.row("E6")

PROMPTS = {
    "openai-chat": {"messages": [{"role": "user", "content": "Tell me a story."}]},
    "openai-responses": {"input": "Tell me a story."},
    "openai-completions": {"prompt": "Tell me a story."},
    "anthropic-messages": {"messages": [{"role": "user", "content": "Tell me a story."}], "max_tokens": 900},
}
CAPS = {
    "openai-chat": "max_completion_tokens",
    "openai-responses": "max_output_tokens",
    "openai-completions": "max_tokens",
    "anthropic-messages": "max_tokens",
}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["c", "f"]}},
    "required": ["city"],
}
TOOLS = {
    "openai-chat": [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}],
    "openai-responses": [{"type": "function", "name": "get_weather", "parameters": SCHEMA}],
    "anthropic-messages": [{"name": "get_weather", "input_schema": SCHEMA}],
}
each_format = pytest.mark.parametrize("name", PROMPTS)


def thought_of(name, header="", **members):
    document = {"model": "demo", **PROMPTS.get(name, {}), **members}
    request = DIALECTS[name].read(json.dumps(document).encode())
    base, wish = wished(request.model, header, request.document)
    return think(request, base, wish)


def measured(name, **members):
    """Return the thought, and what the meter makes of it written whole or streamed."""
    thought = thought_of(name, **members)
    shape, dialect = SHAPES[name], DIALECTS[name]
    if not thought.request.stream:
        return thought, dialect.measure(thought.request, shape.whole(thought))
    relay = dialect.relay(thought.request)
    for chunk in shape.chunks(thought):
        relay.feed(chunk.data)
    relay.finish()
    return thought, relay.measured


def test_every_word_is_one_token():
    known = tokens.vocabulary("demo")
    assert known.estimated is False
    for word in [*WORDS, *STARTS]:
        assert known.count(f" {word}") == 1
    assert all(known.count(word) == 1 for word in STARTS)


@given(st.binary(max_size=8), st.integers(0, 300))
@settings(max_examples=50)
def test_every_part_of_the_text_has_as_many_tokens_as_pieces(seed, number):
    said = pieces(seed, number)
    assert len(said) == number
    known = tokens.vocabulary("demo")
    for cut in {0, number // 3, number}:
        assert known.count("".join(said[:cut])) == cut


@each_format
@pytest.mark.parametrize("stream", [False, True])
def test_the_meter_reads_exactly_what_was_produced(name, stream):
    options = (
        {"stream_options": {"include_usage": True}} if name in {"openai-chat", "openai-completions"} else {}
    )
    thought, heard = measured(name, stream=stream, **options)
    assert heard.usage.tokens_input == thought.tokens_input > 0
    assert heard.usage.tokens_output == thought.tokens_output > 0
    assert heard.finished
    assert heard.error is None
    assert heard.model == "demo"
    assert tokens.vocabulary("demo").count(heard.text) == thought.tokens_output


@each_format
def test_a_question_has_one_answer_whole_or_streamed(name):
    _, whole = measured(name)
    _, streamed = measured(name, stream=True)
    assert whole.text == streamed.text
    assert thought_of(name) == thought_of(name)
    assert thought_of(name, header="no-usage").answers == thought_of(name).answers


def test_questions_have_different_answers():
    texts = {
        thought_of("openai-chat", messages=[{"role": "user", "content": str(n)}]).answers[0].text
        for n in range(50)
    }
    assert len(texts) == 50


def test_the_large_model_says_more():
    lengths = {
        model: sum(thought_of("openai-chat", model=model, seed=n).tokens_output for n in range(20))
        for model in ("demo", "demo-large")
    }
    assert lengths["demo-large"] > 2 * lengths["demo"]


@each_format
@pytest.mark.parametrize("cap", [16, 17, 40])
@pytest.mark.parametrize("stream", [False, True])
def test_never_more_than_the_cap(name, cap, stream):
    thought = thought_of(name, demo={"tokens": 60}, stream=stream, **{CAPS[name]: cap})
    assert thought.tokens_output == cap
    assert thought.answers[0].cut
    shape = SHAPES[name]
    said = b"".join(chunk.data for chunk in shape.chunks(thought)) if stream else shape.whole(thought)
    assert b"length" in said or b"max_tokens" in said or b"max_output_tokens" in said
    exact = thought_of(name, demo={"tokens": cap}, **{CAPS[name]: cap})
    assert not exact.answers[0].cut


@each_format
def test_every_chunk_says_how_far_production_is(name):
    """Whoever stops after any chunk can count what was relayed, and comes to the same."""
    thought = thought_of(name, stream=True)
    relay = DIALECTS[name].relay(thought.request)
    known, before = tokens.vocabulary("demo"), 0
    for chunk in SHAPES[name].chunks(thought):
        relay.feed(chunk.data)
        assert before <= chunk.tokens <= thought.tokens_output
        before = chunk.tokens
        if not relay.measured.finished:
            assert known.count(relay.measured.text) == chunk.tokens
    assert before == thought.tokens_output


@pytest.mark.parametrize("name", ["openai-chat", "openai-completions"])
def test_a_stream_shows_its_usage_to_who_asked_for_it(name):
    for asked in (True, False):
        thought = thought_of(name, stream=True, stream_options={"include_usage": asked})
        said = b"".join(chunk.data for chunk in SHAPES[name].chunks(thought))
        assert (b'"usage"' in said) == asked
        assert said.endswith(b"data: [DONE]\n\n")


@each_format
@pytest.mark.parametrize("stream", [False, True])
def test_usage_can_be_withheld(name, stream):
    options = (
        {"stream_options": {"include_usage": True}} if name in {"openai-chat", "openai-completions"} else {}
    )
    thought, heard = measured(name, stream=stream, model="demo-no-usage", **options)
    assert heard.usage is None
    assert tokens.vocabulary("demo").count(heard.text) == thought.tokens_output


@pytest.mark.parametrize("stream", [False, True])
def test_several_answers_are_all_counted(stream):
    thought, heard = measured("openai-chat", n=3, stream=stream, stream_options={"include_usage": True})
    assert len({said.text for said in thought.answers}) == 3
    assert heard.usage.tokens_output == sum(said.tokens for said in thought.answers)
    assert heard.finished


def test_the_best_of_several_is_shown_and_all_are_paid():
    thought = thought_of("openai-completions", n=2, best_of=4, prompt=["a", "b"])
    whole = json.loads(SHAPES["openai-completions"].whole(thought))
    assert len(whole["choices"]) == 4
    assert whole["usage"]["completion_tokens"] == sum(said.tokens for said in thought.answers)
    assert len(thought.answers) == 8


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called_when_the_prompt_asks_for_it(name, stream):
    question = [{"role": "user", "content": "Use get_weather for Seoul"}]
    where = "input" if name == "openai-responses" else "messages"
    thought, heard = measured(name, tools=TOOLS[name], stream=stream, **{where: question})
    assert thought.answers[0].tool == "get_weather"
    arguments = json.loads(thought.answers[0].text)
    assert arguments["unit"] in {"c", "f"}
    assert heard.finished
    assert "city" in heard.text
    if name != "openai-chat" or not stream:
        assert heard.usage.tokens_output == thought.tokens_output


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("openai-chat", "required"),
        ("openai-chat", {"type": "function", "function": {"name": "get_weather"}}),
        ("openai-responses", {"type": "function", "name": "get_weather"}),
        ("anthropic-messages", {"type": "any"}),
        ("anthropic-messages", {"type": "tool", "name": "get_weather"}),
    ],
)
def test_a_tool_is_called_when_it_must_be(name, choice):
    assert thought_of(name, tools=TOOLS[name], tool_choice=choice).answers[0].tool == "get_weather"


def test_no_tool_is_called_where_none_is_wanted():
    chat = TOOLS["openai-chat"]
    asks = [{"role": "user", "content": "call a tool"}]
    assert thought_of("openai-chat", tools=chat, messages=asks).answers[0].tool
    assert not thought_of("openai-chat", tools=chat).answers[0].tool
    assert not thought_of("openai-chat", tools=chat, messages=asks, tool_choice="none").answers[0].tool
    results = {
        "openai-chat": {"messages": [*asks, {"role": "tool", "tool_call_id": "x", "content": "tool: 21"}]},
        "openai-responses": {"input": [{"type": "function_call_output", "call_id": "x", "output": "tool"}]},
        "anthropic-messages": {
            "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]
        },
    }
    for name, members in results.items():
        assert not thought_of(name, tools=TOOLS[name], tool_choice="auto", **members).answers[0].tool


@pytest.mark.parametrize("cap", [1, 3, 8])
@pytest.mark.parametrize("name", TOOLS)
def test_a_tools_arguments_end_at_the_cap_as_well(name, cap):
    choice = {"type": "any"} if name == "anthropic-messages" else "required"
    thought = thought_of(name, tools=TOOLS[name], tool_choice=choice, **{CAPS[name]: cap})
    assert thought.tokens_output <= cap
    assert thought.answers[0].cut
    json.loads(SHAPES[name].whole(thought))


def test_a_schema_is_answered_by_what_it_allows():
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    assert set(json.loads(thought_of("openai-chat", response_format=form).answers[0].text)) == {
        "city",
        "days",
        "unit",
    }
    text = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}
    assert "city" in json.loads(thought_of("openai-responses", text=text).answers[0].text)
    plain = thought_of("openai-chat", response_format={"type": "json_object"})
    assert set(json.loads(plain.answers[0].text)) == {"answer"}


def test_examples_follow_their_schema():
    schema = {
        "$defs": {"Part": {"type": "object", "properties": {"n": {"type": "number", "maximum": 3}}}},
        "type": "object",
        "properties": {
            "part": {"$ref": "#/$defs/Part"},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "minItems": 2},
            "either": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            "fixed": {"const": 5},
            "none": {"type": "null"},
            "maybe": {"type": ["integer", "null"], "minimum": 7},
            "lost": {"$ref": "#/$defs/Nobody"},
            "ring": {"$ref": "#"},
        },
    }
    made = example(schema, chances(b"x"))
    assert made["part"]["n"] <= 3
    assert len(made["parts"]) == 2
    assert isinstance(made["either"], bool)
    assert (made["fixed"], made["none"]) == (5, None)
    assert made["maybe"] >= 7
    assert isinstance(made["lost"], str)


def test_embeddings_are_the_same_for_the_same_text():
    def vectors(**members):
        thought = thought_of("openai-embeddings", **members)
        return json.loads(SHAPES["openai-embeddings"].whole(thought))

    numbers = vectors(input=["a", "b", "a"])
    first, second, third = (one["embedding"] for one in numbers["data"])
    assert first == third != second
    assert len(first) == 256
    assert all(-1 <= one <= 1 for one in first)
    assert numbers["usage"]["prompt_tokens"] == 3
    packed = vectors(input="a", encoding_format="base64", dimensions=8)["data"][0]["embedding"]
    assert struct.unpack("<8f", base64.b64decode(packed)) == pytest.approx(first[:8])
    assert len(vectors(input=[[1, 2], [3]])["data"]) == 2
    assert len(vectors(input=[1, 2])["data"]) == 1


@pytest.mark.parametrize(
    ("model", "header", "body", "found"),
    [
        ("demo", "", None, ("demo", "", 0)),
        ("demo-cut", "", None, ("demo", "cut", 5)),
        ("demo-large-slow", "", None, ("demo-large", "slow", 0)),
        ("demo-error-429", "", None, ("demo", "error", 0)),
        ("demo", "reset", None, ("demo", "reset", 5)),
        ("demo-cut", "hang", None, ("demo", "hang", 0)),
        ("demo", "hang", {"behave": "cut", "after": 2}, ("demo", "cut", 2)),
        ("demo", "", {"behave": "cut", "after": "3"}, ("demo", "cut", 3)),
        ("demo", "", "no-usage", ("demo", "no-usage", 0)),
    ],
)
def test_wishes_are_read_from_model_header_and_body(model, header, body, found):
    for members in ({"demo": body}, {"metadata": {"demo": body}}):
        base, wish = wished(model, header, members)
        assert (base, wish.behave, wish.after) == found


@pytest.mark.parametrize("model", ["gpt-4o", "demonstration", "demo-", "demo-dance", "demo-error-200", ""])
def test_other_models_are_not_there(model):
    if model == "demo-":
        assert wished(model, "", {})[1].behave == ""
        return
    with pytest.raises(NotFound):
        wished(model, "", {})


@pytest.mark.parametrize("wrong", [{"tokens": -1}, {"tokens": "many"}, {"after": 10**9}, {"tokens": 1.5}])
def test_a_wish_that_cannot_be_met_is_refused(wrong):
    with pytest.raises(InvalidInput):
        wished("demo", "", {"demo": wrong})


@pytest.mark.parametrize(
    "messages",
    [
        "not a list",
        [],
        [None],
        [{"role": "user"}],
        [{"role": "user", "content": [{"type": "text", "text": "tool"}, None]}],
    ],
)
def test_any_messages_have_an_answer(messages):
    thought = thought_of("openai-chat", messages=messages, tools=[None, {}, *TOOLS["openai-chat"]])
    assert thought.tokens_output > 0
