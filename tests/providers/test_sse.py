"""Events are cut where they end, whatever the line ends and wherever the network cuts."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.providers.sse import Splitter, data_of, event_of

LINES = st.sampled_from(
    ["data: {}", "data:x", "data: 안녕", ": comment", "event: ping", "id: 1", "retry: 5", "odd", "data", ""]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=20).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)


def cut(content, cuts):
    """Return `content` in pieces, cut at `cuts`."""
    places = sorted({0, len(content), *(place % (len(content) + 1) for place in cuts)})
    return [content[start:end] for start, end in pairwise(places)]


def pieces_of(chunks, **limit):
    splitter = Splitter(**limit)
    pieces = [piece for chunk in chunks for piece in splitter.feed(chunk)]
    rest = splitter.finish()
    return pieces + ([rest] if rest else [])


@given(STREAMS, st.lists(st.integers(0, 400)))
def test_wherever_it_is_cut_the_events_are_the_same(content, cuts):
    whole = pieces_of([content])
    assert pieces_of(cut(content, cuts)) == whole
    assert b"".join(piece.raw for piece in whole) == content


@given(STREAMS)
def test_byte_by_byte_the_events_are_the_same(content):
    assert pieces_of([content[at : at + 1] for at in range(len(content))]) == pieces_of([content])


@given(STREAMS, st.lists(st.integers(0, 400)), st.integers(4, 40))
def test_what_is_too_large_goes_on_in_parts_and_nothing_is_lost(content, cuts, limit):
    pieces = pieces_of(cut(content, cuts), limit=limit)
    assert b"".join(piece.raw for piece in pieces) == content
    assert all(piece.whole or len(piece.raw) > 0 for piece in pieces)


def test_an_event_goes_when_its_blank_line_has_come_and_not_before():
    splitter = Splitter()
    assert splitter.feed(b"data: 1\n") == []
    assert [piece.raw for piece in splitter.feed(b"\ndata: 2\n\ndata: 3")] == [b"data: 1\n\n", b"data: 2\n\n"]
    assert splitter.finish().raw == b"data: 3"
    assert splitter.finish() is None


def test_no_more_than_the_limit_is_held_and_the_next_event_is_read_again():
    splitter = Splitter(limit=100)
    held = sum(len(piece.raw) for _ in range(50) for piece in splitter.feed(b"x" * 50))
    assert held >= 50 * 50 - 100
    assert splitter.inside
    last, following = splitter.feed(b"\n\ndata: {}\n\n")
    assert not last.whole
    assert following.whole
    assert following.raw == b"data: {}\n\n"
    assert not splitter.inside


def test_data_is_what_the_standard_says():
    assert data_of(b'data: {"a":1}\n\n') == b'{"a":1}'
    assert data_of(b'event: x\r\ndata:{"a":\r\ndata: 1}\r\n\r\n') == b'{"a":\n1}'
    assert data_of(b'\xef\xbb\xbfdata: {"a":1}\n\n') == b'{"a":1}'
    assert data_of(b"data:  two spaces\n\n") == b" two spaces"
    assert data_of(b": OPENROUTER PROCESSING\n\n") == b""
    assert data_of(b" data: {}\n\n") == b""
    assert data_of(b'\n {"whole": "answer"}\n\n') == b'\n {"whole": "answer"}\n\n'


def test_an_event_is_read_as_it_was_written():
    assert data_of(event_of(b'{"a":1}', b"error")) == b'{"a":1}'
    assert event_of(b"[DONE]") == b"data: [DONE]\n\n"
