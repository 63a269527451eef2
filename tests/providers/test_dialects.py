"""A caller's body is understood where the meter depends on it, and otherwise goes on as it came."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenhouse.errors import InvalidInput
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.openai_chat import OpenAIChat
from tokenhouse.rules.usage import TOKENS_MAX

CHAT, COMPLETIONS, RESPONSES, EMBEDDINGS, MESSAGES = (
    DIALECTS[f"{name}"]
    for name in (
        "openai-chat",
        "openai-completions",
        "openai-responses",
        "openai-embeddings",
        "anthropic-messages",
    )
)
CAP_FIELDS = {
    "openai-chat": "max_completion_tokens",
    "openai-completions": "max_tokens",
    "openai-responses": "max_output_tokens",
    "anthropic-messages": "max_tokens",
}
EVERY = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def body(**fields):
    return json.dumps({"model": "m", "input": "x"} | fields).encode()


def least(dialect, **fields):
    """Return a small sound body of that format."""
    needed = {"max_tokens": 4096} if dialect is MESSAGES else {}
    return body(**(needed | fields))


def sent(dialect, content, cap, model=None):
    return json.loads(dialect.outgoing(dialect.read(content), cap, model))


def test_what_the_meter_must_know_is_read():
    request = CHAT.read(body(stream=True, n=3, max_tokens=90, max_completion_tokens=40))
    assert (request.model, request.stream, request.choices, request.cap) == ("m", True, 3, 40)
    assert not request.shows_usage
    assert CHAT.read(body(stream_options={"include_usage": True})).shows_usage
    assert CHAT.read(body(n=None, stream=None, max_tokens=None, stream_options=None)).cap is None
    assert RESPONSES.read(body(max_output_tokens=7)).cap == 7
    assert MESSAGES.read(body(max_tokens=7)).cap == 7
    embedding = EMBEDDINGS.read(body(stream=True))
    assert (embedding.cap, embedding.choices, embedding.stream) == (0, 1, False)


@pytest.mark.parametrize(
    ("fields", "choices"),
    [
        ({"prompt": "a"}, 1),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": ["a", "b", "c"], "n": 2}, 6),
        ({"prompt": [[1, 2], [3]], "best_of": 5, "n": 2}, 10),
        ({"prompt": []}, 1),
        ({}, 1),
    ],
)
def test_a_prompt_of_several_prompts_makes_answers_to_each(fields, choices):
    request = COMPLETIONS.read(body(**fields))
    assert request.choices == choices
    assert request.cap == 16


@EVERY
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "document_unreadable"),
        (b"not json", "document_unreadable"),
        (b'{"model": NaN}', "document_unreadable"),
        (b'{"model": "m", "x": 1e999}', "document_unreadable"),
        (b'{"model": "\xff"}', "document_unreadable"),
        (b'{"model": "\\ud800"}', "document_unreadable"),
        (b'{"messages":' + b"[" * 100_000, "document_unreadable"),
        (b"[]", "table_wanted"),
        (b"null", "table_wanted"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(dialect, content, reason):
    with pytest.raises(InvalidInput) as caught:
        dialect.read(content)
    assert (caught.value.reason, caught.value.facts["field"]) == (reason, "body")
    assert caught.value.message("ko")


@EVERY
@pytest.mark.parametrize("model", [None, 5, "", "x" * 201, "a\nb", ["m"], {"a": 1}])
def test_the_model_must_be_named(dialect, model):
    with pytest.raises(InvalidInput) as caught:
        dialect.read(least(dialect, model=model))
    assert caught.value.facts["field"] == "model"
    assert caught.value.message("en")


@pytest.mark.parametrize("wrong", [-1, 0, 2**63, TOKENS_MAX + 1, 10**400, 1.5, 100.0, "100", True, [], {}])
@pytest.mark.parametrize(
    ("dialect", "field"),
    [
        *((DIALECTS[name], field) for name, field in CAP_FIELDS.items()),
        (CHAT, "max_tokens"),
        (CHAT, "n"),
        (COMPLETIONS, "best_of"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_count_that_is_none_is_refused_by_name(dialect, field, wrong):
    with pytest.raises(InvalidInput) as caught:
        dialect.read(least(dialect, **{field: wrong}))
    assert (caught.value.reason, caught.value.facts["field"]) == ("out_of_range", field)
    assert caught.value.message("ko")


@pytest.mark.parametrize(
    ("dialect", "fields", "field"),
    [
        (CHAT, {"stream": "yes"}, "stream"),
        (CHAT, {"stream_options": [1]}, "stream_options"),
        (CHAT, {"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        (RESPONSES, {"background": True}, "background"),
        (EMBEDDINGS, {"input": None}, "input"),
        (MESSAGES, {"max_tokens": None}, "max_tokens"),
        (MESSAGES, {"max_tokens": 9, "thinking": "much"}, "thinking"),
        (COMPLETIONS, {"prompt": {"a": 1}}, "prompt"),
    ],
)
def test_a_field_of_another_kind_is_refused_by_name(dialect, fields, field):
    with pytest.raises(InvalidInput) as caught:
        dialect.read(body(**fields))
    assert caught.value.facts["field"] == field
    assert caught.value.message("en")
    assert caught.value.message("ko")


@pytest.mark.row("E1")
@pytest.mark.parametrize("name", ["Max_Tokens", "MAX_TOKENS"])
def test_a_cap_in_other_letters_does_not_slip_past(name):
    with pytest.raises(InvalidInput) as caught:
        CHAT.read(body(max_tokens=10, **{name: 100_000}))
    assert caught.value.reason == "field_unknown"


@EVERY
def test_where_nothing_changes_the_very_same_bytes_go(dialect):
    content = least(dialect, max_tokens=50, max_output_tokens=50).replace(b", ", b" ,\n\t")
    request = dialect.read(content)
    assert dialect.outgoing(request, None) is content
    assert dialect.outgoing(request, 50, "m") is content
    assert dialect.outgoing(request, 90) is content


@EVERY
def test_another_model_is_named_in_place(dialect):
    content = least(dialect, last=1)
    assert list(sent(dialect, content, None, "m2")) == list(json.loads(content))
    assert sent(dialect, content, None, "m2")["model"] == "m2"


@pytest.mark.row("E1", "E6")
@pytest.mark.parametrize(("name", "field"), CAP_FIELDS.items())
@given(own=st.none() | st.integers(1, 10_000), cap=st.integers(1, 10_000))
def test_no_answer_can_be_longer_than_the_cap_nor_than_the_caller_wanted(name, field, own, cap):
    dialect = DIALECTS[name]
    if own is None and dialect is MESSAGES:
        own = 10_000
    request = dialect.read(body(**{field: own} if own else {}))
    wanted = 16 if own is None and dialect is COMPLETIONS else own or cap
    assert json.loads(dialect.outgoing(request, cap))[field] == min(cap, wanted)


@pytest.mark.row("E1")
def test_the_cap_goes_where_the_provider_looks():
    assert sent(CHAT, body(max_tokens=90), 50) == {"model": "m", "input": "x", "max_tokens": 50}
    assert sent(CHAT, body(max_tokens=90, max_completion_tokens=20), 50)["max_tokens"] == 20
    older = OpenAIChat(cap_field="max_tokens")
    assert sent(older, body(), 50)["max_tokens"] == 50
    both = sent(older, body(max_completion_tokens=20), 50)
    assert (both["max_tokens"], both["max_completion_tokens"]) == (20, 20)


@pytest.mark.parametrize("dialect", [CHAT, COMPLETIONS], ids=lambda dialect: dialect.name)
def test_a_stream_is_asked_for_its_usage_beside_the_caller_s_own_options(dialect):
    options = {"include_obfuscation": False, "include_usage": False}
    changed = sent(dialect, body(stream=True, stream_options=options), None)
    assert changed["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert sent(dialect, body(stream=True), None)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in sent(dialect, body(stream=False), None)
    assert "stream_options" not in sent(type(dialect)(asks_usage=False), body(stream=True), None)


@pytest.mark.parametrize(
    ("own", "cap", "budget", "after"),
    [
        (8_000, 6_000, 4_000, 4_000),  # It still fits.
        (8_000, 4_000, 4_000, 2_000),  # It must be below the cap: half.
        (8_000, 2_048, 4_000, 1_024),
        (8_000, 2_047, 4_000, None),  # Half is less than the least budget: no thinking.
        (8_000, 1_000, 9_000, 9_000),  # Interleaved: it never was below the cap.
    ],
)
def test_thinking_stays_below_the_cap(own, cap, budget, after):
    thinking = {"type": "enabled", "budget_tokens": budget}
    changed = sent(MESSAGES, body(max_tokens=own, thinking=thinking), cap)
    assert changed["max_tokens"] == cap
    disabled = {"type": "disabled"}
    assert changed["thinking"] == (disabled if after is None else thinking | {"budget_tokens": after})


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text().filter(lambda name: name.lower() not in KNOWN)
KNOWN = {"model", "input", "stream", "n", "best_of", "prompt", "background", "thinking", "stream_options"} | {
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
}
EXACT = msgspec.json.Decoder(float_hook=Decimal)
ENCODER = msgspec.json.Encoder(decimal_format="number")


@EVERY
@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=5), st.integers(1, 3_000))
def test_every_field_that_is_not_ours_keeps_its_bytes_and_its_place(dialect, fields, cap):
    document = {"first": 1} | fields | {"model": "m", "input": "x", "max_tokens": 4_000, "stream": True}
    content = ENCODER.encode(document)
    changed = EXACT.decode(dialect.outgoing(dialect.read(content), cap, "m2"))
    assert list(changed)[: len(document)] == list(document)
    before = EXACT.decode(content)
    for name in ("first", *fields):
        assert changed[name] == before[name]


@settings(deadline=None)
@given(st.binary(max_size=300) | VALUES.map(ENCODER.encode))
def test_hostile_bodies_are_read_or_refused_by_field(content):
    refusals = []
    for dialect in DIALECTS.values():
        try:
            dialect.outgoing(dialect.read(content), 10)
        except InvalidInput as problem:
            refusals.append(problem)
    for problem in refusals:
        assert problem.facts["field"]
        assert problem.message("en")
