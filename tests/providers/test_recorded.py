"""Every recorded answer is read exactly, whole and streamed, in the format in which its vendor sent it."""

import json

import pytest

from tests.providers.recorded import (
    ASKED,
    BY_NUMBER,
    ERRORS,
    INDEX,
    RELAYED,
    STREAMED,
    USAGE,
    body,
    dialect,
    here,
)
from tokenhouse.providers.sse import Splitter, data_of
from tokenhouse.providers.usages import find_usage, read_usage
from tokenhouse.rules.usage import Usage

pytestmark = [here, pytest.mark.row("E2", "E6")]


def measured(number):
    """Return what the answer of that number says, by the way on which it would come."""
    asked = dialect(number).read(ASKED)
    if not BY_NUMBER[number]["stream"]:
        return dialect(number).measure(asked, body(number))
    relay = dialect(number).relay(asked)
    relay.feed(body(number))
    relay.finish()
    return relay.measured


def documents(number):
    """Return the JSON documents of an answer, events or one."""
    content = body(number)
    if not BY_NUMBER[number]["stream"]:
        return [json.loads(content)]
    datas = [data_of(piece.raw) for piece in Splitter().feed(content)]
    return [json.loads(data) for data in datas if data and data != b"[DONE]"]


def test_the_table_has_every_file():
    assert len(INDEX) == 66
    assert set(USAGE) == set(BY_NUMBER)


@pytest.mark.parametrize("number", RELAYED)
def test_usage_is_read_exactly(number):
    assert measured(number).usage == USAGE[number]


@pytest.mark.parametrize("number", sorted(USAGE))
def test_usage_is_found_in_documents_of_any_vendor(number):
    found = find_usage(documents(number)) if number in BY_NUMBER else None
    assert (found.usage if found else None) == USAGE[number]


@pytest.mark.parametrize("number", RELAYED)
def test_an_error_is_told_and_nothing_else_is_one(number):
    error = measured(number).error
    assert (ERRORS[number] in error["message"]) if number in ERRORS else error is None


@pytest.mark.parametrize("number", RELAYED)
def test_what_ended_properly_is_known_to_have(number):
    found = measured(number)
    assert found.finished == (number not in ERRORS)
    assert found.bytes_unread == 0
    assert found.marks == (("iterations",) if number in {"32", "34", "61"} else ())


@pytest.mark.parametrize("number", STREAMED)
def test_a_stream_is_relayed_byte_for_byte_but_for_a_hidden_usage_chunk(number):
    relay = dialect(number).relay(dialect(number).read(ASKED))
    content = body(number)
    events = [piece.raw for piece in Splitter().feed(content)]
    hidden = b"".join(event for event in events if b'"choices":[],"usage":{' in event)
    assert relay.feed(content) + relay.finish() == content.replace(hidden, b"")
    assert bool(hidden) == (number in {"07", "08", "09"})


@pytest.mark.parametrize("number", ["07", "08", "09"])
def test_a_client_that_asked_sees_the_usage_chunk(number):
    asked = dialect(number).read(ASKED[:-1] + b',"stream_options":{"include_usage":true}}')
    relay = dialect(number).relay(asked)
    assert relay.feed(body(number)) + relay.finish() == body(number)
    assert relay.measured.usage == USAGE[number]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("07", "The capital of Mexico is Mexico City."),
        ("09", "get_country{}get_product_name{}"),
        ("10", 'get_current_weather{"location":"San Francisco"}'),
        ("14", "-stacktrace then 🙂\n\nName *\n\nEmail *"),
        ("16", 'db_lookup{"key":"start"}'),
        ("19", 'get_capital{"country":"France"}'),
        ("58", "pong"),
    ],
)
def test_text_is_what_the_model_wrote_tools_included(number, text):
    assert measured(number).text == text


def test_text_holds_thinking():
    assert measured("30").text.startswith("Let me count")
    assert measured("65").text.startswith("The user")
    assert measured("60").text.startswith("I will call the tool.")


def test_runs_of_several_models_are_told_apart():
    assert measured("34").parts == (
        ("claude-sonnet-5", Usage(1128 + 1283, output=135 + 10 - 47, reasoning=47)),
        ("claude-opus-4-8", Usage(2543, output=18)),
    )
    assert measured("61").parts == (
        ("claude-fable-5", Usage(408)),
        ("claude-opus-4-8", Usage(412, output=264)),
    )
    assert measured("32").parts == ()


def test_a_count_of_tokens_is_no_usage():
    assert find_usage(documents("38")[0]) is None
    assert read_usage(documents("38")[0]).usage == Usage(1114)


@pytest.mark.parametrize(("number", "model"), [("01", "gpt-4o-mini-2024-07-18"), ("54", "gpt-35-turbo")])
def test_the_model_is_the_one_that_answered(number, model):
    assert measured(number).model == model
    assert measured("24").model == "asked"


@pytest.mark.parametrize("number", STREAMED)
def test_cut_anywhere_a_stream_never_claims_more_than_came(number):
    content, asked = body(number), dialect(number).read(ASKED)
    whole = measured(number)
    for end in range(0, len(content), max(len(content) // 40, 1)):
        relay = dialect(number).relay(asked)
        shown = relay.feed(content[:end]) + relay.finish()
        found = relay.measured
        assert content.startswith(shown)
        assert whole.text.startswith(found.text)
        assert found.bytes_unread == 0
        if found.usage is None and found.usage_input is not None:
            assert found.usage_input.tokens_output == 0
