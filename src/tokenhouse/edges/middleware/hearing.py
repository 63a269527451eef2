"""Hearing: what an answer says of its usage, read from a bounded copy while the answer itself goes by.

The provider's usage is believed where vendors put it. Where an answer says none, the text in it is counted:
all of a plain one; of JSON, and of each event of a stream, what stands under the endpoint's `answer_fields`.
Sounds, pictures and files hold no text.
"""

import codecs
import zlib
from collections.abc import Collection, Iterable
from typing import Any, Final, Protocol

import msgspec

from tokenhouse.edges.middleware.endpoints import Endpoint
from tokenhouse.edges.middleware.estimates import texts_of
from tokenhouse.providers.base import Measured, Relay, Request
from tokenhouse.providers.ears import DONE, TEXT_LENGTH_MAX, UNREADABLE, document_in
from tokenhouse.providers.sse import Piece, Splitter, data_of
from tokenhouse.providers.usages import Tally, measured_by

COPY_MAX: Final = 8 * 1024 * 1024
"""Bytes of a whole answer that are kept; of a larger one only the length is known."""
UNPACKED_AT_ONCE: Final = 1024 * 1024
PACKED: Final = ("gzip", "x-gzip", "deflate")
EVENTS: Final = "text/event-stream"
LINES: Final = ("application/x-ndjson", "application/jsonl", "application/json-seq", "application/jsonlines")


class Hearing(Protocol):
    """Whoever hears an answer go by. Never raises, whatever comes."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""

    def measured(self, *, whole: bool) -> Measured:
        """Return what has been said so far; `whole`: nothing more will come, and nothing is missing."""


def hearing(endpoint: Endpoint, request: Request | None, headers: Iterable[tuple[bytes, bytes]]) -> Hearing:
    """Return who hears an answer with these headers to a request at an endpoint."""
    told = {name.lower(): value.decode("latin-1").strip().lower() for name, value in headers}
    kind, packing = told.get(b"content-type", ""), told.get(b"content-encoding", "identity")
    ear = _ear(endpoint, request, kind)
    if packing in ("", "identity") or isinstance(ear, Silent):
        return ear
    return Unpacking(ear) if packing in PACKED else Unread()


def _ear(endpoint: Endpoint, request: Request | None, kind: str) -> Hearing:
    """Return who hears an answer of a kind, unpacked."""
    fields = endpoint.answer_fields
    if kind.startswith(EVENTS):
        return Dictated(request.dialect.relay(request)) if request is not None else Events(fields)
    if kind.startswith(LINES):
        return Lines(fields)
    if not kind or "json" in kind:
        return Whole(fields, request)
    return Plain() if kind.startswith("text/") else Silent()


class Gathered:
    """Usage and text as they come in. Text beyond the most that is kept is reckoned by its bytes."""

    def __init__(self, fields: Collection[str]) -> None:
        self._fields, self._tally = fields, Tally()
        self._texts: list[str] = []
        self._length = self._unread = 0

    def add(self, document: object) -> None:
        """Take a document: an answer, or a part of one."""
        self._tally.add(document)
        for text in texts_of(document, self._fields):
            self.say(text)

    def say(self, text: str) -> None:
        """Take a text."""
        self._length += len(text)
        if self._length > TEXT_LENGTH_MAX:
            self.miss(len(text.encode("utf-8", "replace")))
        else:
            self._texts.append(text)

    def miss(self, size: int) -> None:
        """Take note of bytes that nobody read."""
        self._unread += size

    def told(self, *, whole: bool) -> Measured:
        """Return what has come in."""
        known = measured_by(self._tally)
        marks = known.marks + (("unread",) if self._unread else ())
        return msgspec.structs.replace(
            known, text="".join(self._texts), bytes_unread=self._unread, marks=marks, finished=whole
        )


class Whole:
    """Hears an answer in one piece, as its dialect does or by the names of its members."""

    def __init__(self, fields: Collection[str], request: Request | None) -> None:
        self._fields, self._request = fields, request
        self._kept = bytearray()
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Keep the next bytes while they are few enough."""
        self._size += len(chunk)
        if self._size <= COPY_MAX:
            self._kept += chunk
        else:
            self._kept.clear()

    def measured(self, *, whole: bool) -> Measured:
        """Read what was kept."""
        body, gathered = bytes(self._kept), Gathered(self._fields)
        if self._request is not None and body:
            return self._request.dialect.measure(self._request, body)
        if self._size > COPY_MAX:
            gathered.miss(self._size)
        elif body:
            try:
                gathered.add(document_in(body))
            except UNREADABLE:
                gathered.miss(self._size)
        return gathered.told(whole=whole)


class Dictated:
    """Hears a stream of a known wire format: its relay listens, and what it would send goes nowhere."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._relay.feed(chunk)

    def measured(self, *, whole: bool) -> Measured:
        """Return what the relay has heard."""
        if whole:
            self._relay.finish()
        return self._relay.measured


class Events:
    """Hears a stream of events of an application's own; data that is no JSON is text."""

    def __init__(self, fields: Collection[str]) -> None:
        self._gathered, self._splitter = Gathered(fields), Splitter()

    def feed(self, chunk: bytes) -> None:
        """Take the events that `chunk` completes."""
        for piece in self._splitter.feed(chunk):
            self._hear(piece)

    def measured(self, *, whole: bool) -> Measured:
        """Return what the events have said."""
        rest = self._splitter.finish() if whole else None
        if rest is not None:
            self._hear(rest)
        return self._gathered.told(whole=whole)

    def _hear(self, piece: Piece) -> None:
        """Take an event; parts of one that is too large are only counted."""
        if not piece.whole:
            self._gathered.miss(len(piece.raw))
            return
        data = data_of(piece.raw)
        if data and data.strip() != DONE:
            _hear_part(self._gathered, data)


class Lines:
    """Hears a stream of JSON documents, one a line."""

    def __init__(self, fields: Collection[str]) -> None:
        self._gathered = Gathered(fields)
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take the lines that `chunk` completes."""
        self._rest += chunk
        *lines, rest = self._rest.split(b"\n") if b"\n" in chunk else [self._rest]
        for line in lines:
            self._hear(bytes(line))
        self._rest = rest
        if len(rest) > COPY_MAX:
            self._gathered.miss(len(rest))
            self._rest = bytearray()

    def measured(self, *, whole: bool) -> Measured:
        """Return what the lines have said."""
        if whole:
            self._hear(bytes(self._rest))
            self._rest = bytearray()
        return self._gathered.told(whole=whole)

    def _hear(self, line: bytes) -> None:
        """Take a line; RFC 7464 begins each with a record separator."""
        text = line.strip(b"\x1e \r\n\t")
        if text:
            _hear_part(self._gathered, text)


class Plain:
    """Hears plain text as it comes."""

    def __init__(self) -> None:
        self._gathered = Gathered(())
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._gathered.say(self._decoder.decode(chunk))

    def measured(self, *, whole: bool) -> Measured:
        """Return the text so far."""
        return self._gathered.told(whole=whole)


class Silent:
    """Hears what holds no text."""

    def feed(self, chunk: bytes) -> None:
        """Let the bytes go by."""

    def measured(self, *, whole: bool) -> Measured:
        """Return that nothing was said."""
        return Measured(finished=whole)


class Unread:
    """Hears an answer that is packed in a way that we do not know: its bytes are all that is told of it."""

    def __init__(self) -> None:
        self._gathered = Gathered(())

    def feed(self, chunk: bytes) -> None:
        """Note how many bytes went by."""
        self._gathered.miss(len(chunk))

    def measured(self, *, whole: bool) -> Measured:
        """Return how many bytes went by."""
        return self._gathered.told(whole=whole)


class Unpacking:
    """Hears a packed answer, unpacked a megabyte at a time; what is broken is only counted."""

    def __init__(self, ear: Hearing) -> None:
        self._ear = ear
        self._stream: Any = None
        self._broken = 0

    def feed(self, chunk: bytes) -> None:
        """Unpack the next bytes and pass them on. Deflate comes with zlib's header or, from some, without."""
        if self._stream is None and chunk:
            bare = not chunk.startswith((b"\x1f", b"\x78"))
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS if bare else 32 + zlib.MAX_WBITS)
        while chunk and not self._broken:
            try:
                self._ear.feed(self._stream.decompress(chunk, UNPACKED_AT_ONCE))
            except zlib.error:
                break
            chunk = self._stream.unconsumed_tail
        self._broken += len(chunk)

    def measured(self, *, whole: bool) -> Measured:
        """Return what was said inside."""
        found = self._ear.measured(whole=whole)
        if not self._broken:
            return found
        return msgspec.structs.replace(found, bytes_unread=found.bytes_unread + self._broken)


def _hear_part(gathered: Gathered, data: bytes) -> None:
    """Take a part of a stream: a document where it is one, else a text."""
    try:
        document = document_in(data)
    except UNREADABLE:
        gathered.say(data.decode("utf-8", "replace"))
    else:
        gathered.add(document)
