"""What is heard of an answer: usage where vendors say it, else text; whatever chunks, size and packing."""

import gzip
import zlib
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.recorded import BY_NUMBER, here
from tests.providers.recorded import USAGE as RECORDED
from tests.providers.recorded import body as recorded_body
from tokenhouse import Endpoint, Usage
from tokenhouse.edges.middleware import hearing as of
from tokenhouse.edges.middleware.hearing import COPY_MAX, hearing
from tokenhouse.providers.base import Measured
from tokenhouse.providers.dialects import DIALECTS

CHAT = Endpoint("/chat")
USAGE = {"prompt_tokens": 9, "completion_tokens": 25, "total_tokens": 34}
SAID = Usage(input=9, output=25)
EVENTS = b"".join(
    b"data: " + msgspec.json.encode({"choices": [{"delta": {"content": word}}]}) + b"\n\n"
    for word in ("Hello", " 안녕", " world")
)


def heard(
    chunks: list[bytes],
    kind: str = "application/json",
    packing: str = "",
    *,
    whole: bool = True,
    request=None,
) -> Measured:
    headers = [(b"content-type", kind.encode())] if kind else []
    headers += [(b"Content-Encoding", packing.encode())] if packing else []
    ear = hearing(CHAT, request, headers)
    for chunk in chunks:
        ear.feed(chunk)
    return ear.measured(whole=whole)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(body) + 1) for place in places} | {0, len(body)})
    return [body[first:last] for first, last in pairwise(ends)]


PLACES = st.lists(st.integers(0, 10_000), max_size=12)


@pytest.mark.parametrize("answer", [b'{"score":NaN,%s}', b"\xef\xbb\xbf{%s}", b'{"answer":"\\ud83d",%s}'])
def test_what_most_clients_can_read_is_read_here_too(answer):
    said = heard([answer % b'"usage":{"prompt_tokens":9,"completion_tokens":25}'])
    assert (said.usage, said.bytes_unread) == (SAID, 0)


@given(places=PLACES)
def test_usage_in_json_is_found_however_it_is_cut(places):
    body = msgspec.json.encode({"answer": "hello", "meta": 1, "usage": USAGE})
    assert heard(cut(body, places)).usage == SAID


@given(places=PLACES)
def test_usage_in_a_stream_is_found_however_it_is_cut(places):
    body = EVENTS + b"data: " + msgspec.json.encode({"choices": [], "usage": USAGE}) + b"\n\ndata: [DONE]\n\n"
    found = heard(cut(body, places), "text/event-stream; charset=utf-8")
    assert (found.usage, found.text, found.bytes_unread) == (SAID, "Hello 안녕 world", 0)


@given(places=PLACES)
def test_text_of_a_stream_without_usage_is_kept_as_it_comes(places):
    found = heard(cut(EVENTS, places), "text/event-stream", whole=False)
    assert (found.usage, found.text, found.finished) == (None, "Hello 안녕 world", False)


@given(places=PLACES)
def test_lines_of_json_are_heard_one_by_one(places):
    body = b'\x1e{"response":"a b"}\n\n{"response":" c"}\nplain\n{"response":"!"}'
    assert heard(cut(body, places), "application/x-ndjson").text == "a b cplain!"


@given(places=PLACES)
def test_plain_text_is_text(places):
    assert heard(cut("안녕하세요!".encode(), places), "text/plain").text == "안녕하세요!"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"answer": "yes", "id": "x-1", "sources": [{"text": " and no"}]}, "yes and no"),
        ({"output": ["a", "b"]}, "ab"),
        ("bare", "bare"),
        ([1, 2, {"embedding": [0.5]}], ""),
    ],
)
def test_json_without_usage_counts_what_stands_under_the_answers_names(document, text):
    found = heard([msgspec.json.encode(document)])
    assert (found.usage, found.text, found.bytes_unread) == (None, text, 0)


@here
@pytest.mark.parametrize("number", sorted(RECORDED))
def test_usage_is_found_in_what_any_vendor_has_really_sent(number):
    """Recorded answers, passed on by an application as they came, seven hundred bytes at a time."""
    kind = "text/event-stream" if BY_NUMBER[number]["stream"] else "application/json"
    body = recorded_body(number)
    chunks = [body[first : first + 700] for first in range(0, len(body), 700)]
    assert heard(chunks, kind).usage == RECORDED[number]


def test_an_applications_own_names_are_its_own():
    ear = hearing(Endpoint("/chat", answer_fields=["translation"]), None, [])
    ear.feed(b'{"translation":"ja","answer":"yes"}')
    assert ear.measured(whole=True).text == "ja"


@pytest.mark.parametrize(
    ("packing", "packed"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
    ],
)
def test_a_packed_answer_is_unpacked(packing, packed):
    body = packed(msgspec.json.encode({"answer": "hello " * 1_000, "usage": USAGE}))
    assert heard([body[:5], body[5:]], packing=packing).usage == SAID
    assert heard([packed(EVENTS)], "text/event-stream", packing).text == "Hello 안녕 world"


def test_what_cannot_be_read_is_told_by_its_bytes():
    assert heard([b"x" * 90], packing="br").bytes_unread == 90
    assert heard([b"x" * 90], packing="gzip").bytes_unread == 90
    assert heard([b"\x1f\x8b" + b"x" * 88], packing="gzip").bytes_unread == 90
    assert heard([b'{"answer": "cut']).bytes_unread == 15
    assert heard([b"x" * COPY_MAX, b"yz"]).bytes_unread == COPY_MAX + 2
    assert heard([b"x" * COPY_MAX, b"yz"]).marks == ("unread",)
    assert heard([b"x" * COPY_MAX, b"yz"], "application/x-ndjson").bytes_unread == COPY_MAX + 2


def test_a_long_text_is_kept_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(of, "TEXT_LENGTH_MAX", 10)
    found = heard([b"12345678", b"\xed\x95\x9c\xea\xb8\x80\xeb\xa7"], "text/plain")
    assert (found.text, found.bytes_unread) == ("12345678한글", 0)
    assert heard([b"12345678", b"9" * 7], "text/plain").bytes_unread == 7


@pytest.mark.parametrize("kind", ["audio/mpeg", "image/png", "application/octet-stream"])
@pytest.mark.parametrize("packing", ["", "br"])
def test_what_holds_no_text_says_nothing(kind, packing):
    assert heard([b"\x00" * 900], kind, packing) == Measured(finished=True)


def test_a_wire_format_is_heard_by_its_dialect():
    body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    request = DIALECTS["openai-chat"].read(msgspec.json.encode(body))
    usage = b"data: " + msgspec.json.encode({"choices": [], "usage": USAGE}) + b"\n\n"
    assert heard([EVENTS, usage], "text/event-stream", request=request).usage == SAID
    assert heard([EVENTS[:-1]], "text/event-stream", request=request).text == "Hello 안녕 world"
    whole = msgspec.json.encode({"choices": [{"message": {"content": "hey"}}], "model": "gpt-4o-2"})
    found = heard([whole], request=request)
    assert (found.text, found.model) == ("hey", "gpt-4o-2")
    assert heard([], request=request).text == ""
