"""A relay changes nothing, delays nothing, hides one chunk, and ends a stopped stream as clients expect."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.recorded import ASKED, STREAMED, body, dialect, here
from tests.providers.test_sse import cut
from tokenhouse.providers.dialects import DIALECTS
from tokenhouse.providers.ears import TEXT_LENGTH_MAX
from tokenhouse.providers.openai_chat import ChatEar
from tokenhouse.providers.relays import EventRelay
from tokenhouse.rules.usage import Usage

CHAT, MESSAGES, RESPONSES = (
    DIALECTS[name] for name in ("openai-chat", "anthropic-messages", "openai-responses")
)
USAGE = (
    b'data: {"id":"1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
)
DONE = b"data: [DONE]\n\n"


def chunk(text, finish="null", index=0):
    choice = f'{{"index":{index},"delta":{{"content":{json.dumps(text)}}},"finish_reason":{finish}}}'
    return f'data: {{"id":"1","choices":[{choice}]}}\n\n'.encode()


def relay_of(dialect_, content=ASKED):
    return dialect_.relay(dialect_.read(content))


def relayed(relay, chunks):
    """Return what came out, piece by piece and in one."""
    shown = [relay.feed(part) for part in chunks]
    return b"".join(shown) + relay.finish()


@here
@pytest.mark.row("E6")
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(STREAMED), st.lists(st.integers(0, 30_000), max_size=30), st.booleans())
def test_wherever_the_network_cuts_the_same_goes_on_and_is_measured(number, cuts, by_the_byte):
    content = body(number)
    chunks = [content[at : at + 1] for at in range(len(content))] if by_the_byte else cut(content, cuts)
    first, second = (relay_of(dialect(number)) for _ in "12")
    assert relayed(first, chunks) == relayed(second, [content])
    assert first.measured == second.measured


@here
@pytest.mark.parametrize("number", STREAMED)
@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends_change_nothing_that_is_measured(number, end):
    content = body(number).replace(b"\r\n", b"\n")
    plain, other = (relay_of(dialect(number)) for _ in "12")
    shown = relayed(plain, [content])
    assert relayed(other, [content.replace(b"\n", end)]) == shown.replace(b"\n", end)
    assert other.measured == plain.measured


@pytest.mark.row("E6")
def test_an_event_goes_on_before_the_next_one_comes():
    relay = relay_of(CHAT)
    assert relay.feed(chunk("one")) == chunk("one")
    assert relay.feed(b": keep-alive\n\n") == b": keep-alive\n\n"
    assert relay.feed(chunk("two")[:20]) == b""
    assert relay.feed(chunk("two")[20:] + chunk("three")[:5]) == chunk("two")
    assert relay.measured.text == "onetwo"
    assert not relay.measured.finished


@pytest.mark.row("E6")
def test_only_the_chunk_that_is_usage_alone_is_hidden():
    with_choices = (
        b'data: {"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1,"total_tokens":1}}\n\n'
    )
    filters = b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
    error = b'data: {"choices":[],"usage":{"prompt_tokens":9},"error":{"message":"no"}}\n\n'
    relay = relay_of(CHAT)
    shown = relayed(relay, [filters + with_choices + USAGE + error + DONE])
    assert shown == filters + with_choices + error + DONE


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_hidden_chunk_takes_its_own_blank_line_along_and_no_other(end):
    content = (chunk("a") + USAGE + b"\n" + DONE).replace(b"\n", end)
    expected = (chunk("a") + b"\n" + DONE).replace(b"\n", end)
    for at in range(len(content)):
        assert relayed(relay_of(CHAT), [content[:at], content[at:]]) == expected


def test_the_last_account_of_usage_wins():
    early = USAGE.replace(
        b'"completion_tokens":2,"total_tokens":5', b'"completion_tokens":0,"total_tokens":3'
    )
    relay = relay_of(CHAT)
    relayed(relay, [early, chunk("a"), USAGE, DONE])
    assert relay.measured.usage == Usage(3, output=2)


def test_a_stream_without_its_last_blank_line_is_complete():
    relay = relay_of(CHAT)
    assert relayed(relay, [chunk("a", '"stop"'), DONE.rstrip(b"\n")]) == chunk("a", '"stop"') + DONE.rstrip(
        b"\n"
    )
    assert relay.measured.finished
    hidden = relay_of(CHAT)
    assert relayed(hidden, [chunk("a"), USAGE.rstrip(b"\n")]) == chunk("a")
    assert hidden.measured.usage == Usage(3, output=2)


def test_half_an_event_is_dropped_so_that_an_error_can_follow():
    relay = relay_of(CHAT)
    assert relayed(relay, [chunk("a"), chunk("lost")[:-9]]) == chunk("a")
    assert relay.measured.text == "a"
    assert not relay.measured.finished


def test_several_answers_are_finished_when_each_is():
    relay = relay_of(CHAT)
    relay.feed(chunk("a") + chunk("x", index=1) + chunk("b", '"stop"'))
    assert not relay.measured.finished
    relay.feed(chunk("y", '"length"', 1))
    assert relay.measured.finished
    assert relay.measured.text == "abxy"


@pytest.mark.row("E7")
def test_a_stopped_stream_ends_in_its_own_format():
    error = CHAT.refusal("insufficient_credit", "No credit left.")
    assert relay_of(CHAT).broken(error) == b"data: " + error + b"\n\n" + DONE
    billing = MESSAGES.refusal("insufficient_credit", "No credit left.")
    assert relay_of(MESSAGES).broken(billing) == b"event: error\ndata: " + billing + b"\n\n"
    relay = relay_of(RESPONSES)
    relay.feed(b'event: response.created\ndata: {"type":"response.created","sequence_number":6}\n\n')
    name, data, *_ = relay.broken(error).split(b"\n")
    assert name == b"event: error"
    event = json.loads(data.removeprefix(b"data: "))
    assert (event["type"], event["sequence_number"], event["code"]) == ("error", 7, "insufficient_quota")
    assert event["error"] == json.loads(error)["error"]


def test_after_a_stop_nothing_goes_on_and_all_is_measured():
    relay = relay_of(CHAT)
    assert relay.feed(chunk("a") + b"data: {") == chunk("a")
    assert relay.broken(b"{}").startswith(b"data: {}")
    assert relay.feed(b"}\n\n" + chunk("b") + USAGE + DONE) == b""
    assert relay.finish() == b""
    assert relay.measured.text == "ab"
    assert relay.measured.usage == Usage(3, output=2)


def test_a_stop_inside_an_event_that_went_on_in_parts_closes_it_first():
    request = CHAT.read(ASKED)
    relay = EventRelay(ChatEar(request), limit=20)
    assert relay.feed(b"data: " + b"x" * 100)
    assert relay.broken(b"{}").startswith(b"\n\ndata: {}")


def test_an_event_too_large_goes_on_unread_and_is_marked():
    request = CHAT.read(ASKED)
    relay = EventRelay(ChatEar(request), limit=200)
    large = chunk("x" * 1_000)
    content = chunk("a") + large + chunk("b") + DONE
    assert relayed(relay, [content[at : at + 90] for at in range(0, len(content), 90)]) == content
    assert relay.measured.text == "ab"
    assert relay.measured.bytes_unread == len(large)
    assert relay.measured.marks == ("unread",)


def test_a_text_without_end_is_held_up_to_a_limit_and_counted_in_bytes_beyond():
    relay = relay_of(CHAT)
    for _ in range(9):
        relay.feed(chunk("안" * (TEXT_LENGTH_MAX // 8)))
    assert len(relay.measured.text) == TEXT_LENGTH_MAX
    assert relay.measured.bytes_unread == TEXT_LENGTH_MAX // 8 * 3


@here
@pytest.mark.parametrize("number", ["01", "15", "26", "24", "39"])
def test_an_answer_in_one_piece_where_a_stream_was_asked_is_measured_too(number):
    relay = relay_of(dialect(number))
    content = body(number)
    assert relayed(relay, cut(content, [7, 90, 300])) == content
    assert relay.measured == dialect(number).measure(dialect(number).read(ASKED), content)


def test_an_anthropic_stream_that_breaks_off_tells_its_input_alone():
    relay = relay_of(MESSAGES)
    usage = {"input_tokens": 9, "cache_read_input_tokens": 7, "output_tokens": 1}
    start = {"type": "message_start", "message": {"model": "claude-x", "usage": usage}}
    delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hel"}}
    for event in (start, delta):
        relay.feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    found = relay.measured
    assert (found.usage, found.usage_input, found.text) == (None, Usage(9, cached_input=7), "Hel")
    assert (found.model, found.finished) == ("claude-x", False)


MEMBERS = [
    "choices", "delta", "usage", "type", "message", "content", "error", "index", "model", "item",
    "iterations", "response", "output", "prompt_tokens", "input_tokens", "total_tokens", "text",
]  # fmt: skip
HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(MEMBERS),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)


@settings(deadline=None)
@given(st.sampled_from(sorted(DIALECTS)), st.lists(HOSTILE, max_size=6))
def test_whatever_a_provider_sends_nothing_is_raised_and_bytes_pass(name, datas):
    relay = relay_of(DIALECTS[name])
    for data in datas:
        relay.feed(b"data: " + data + b"\n\n")
    relay.finish()
    found = relay.measured
    assert found.usage is None or found.usage.total > 0
    for data in datas:
        DIALECTS[name].measure(DIALECTS[name].read(ASKED), data)


def test_an_answer_nested_without_end_is_unread():
    deep = b'{"choices":' + b"[" * 200_000
    found = CHAT.measure(CHAT.read(ASKED), deep)
    assert (found.usage, found.bytes_unread, found.marks) == (None, len(deep), ("unread",))
