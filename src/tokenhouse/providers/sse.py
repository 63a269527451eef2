"""Server-sent events: bytes cut where events end, however they arrive (WHATWG HTML, section 9.2)."""

import re
from typing import Final

import msgspec

EVENT_BYTES_MAX: Final = 8 * 1024 * 1024
"""The largest event that is held until its end; a larger one goes on unread."""

_BLANK_LINE: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_LOOK_BACK: Final = 3
"""Bytes before a chunk in which the first half of a blank line may stand."""


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Some bytes of a stream, which together are the stream: an event, or a part of one too large to hold."""

    raw: bytes
    whole: bool
    """Whether it is a complete event, blank line included."""


class Splitter:
    """Cuts a stream into events; what it returns, put together, is what it was given, byte for byte."""

    __slots__ = ("_held", "_oversize", "_searched", "limit")

    def __init__(self, limit: int = EVENT_BYTES_MAX) -> None:
        self.limit = limit
        self._held = bytearray()
        self._searched = 0
        self._oversize = False

    @property
    def inside(self) -> bool:
        """Return whether a part of an event has been let go, and its end not yet."""
        return self._oversize

    def feed(self, chunk: bytes) -> list[Piece]:
        """Return the events that `chunk` completes, and parts of one that has become too large."""
        whole = chunk.endswith(b"\n\n") and not chunk.endswith(b"\n\n\n") and b"\r" not in chunk
        if whole and not self._held and not self._oversize and len(chunk) <= self.limit:
            return [Piece(part + b"\n\n", True) for part in chunk[:-2].split(b"\n\n")]
        self._held += chunk
        pieces: list[Piece] = []
        start, search = 0, self._searched
        while (end := self._event_end(search)) > 0:
            pieces.append(Piece(bytes(self._held[start:end]), not self._oversize))
            self._oversize = False
            start = search = end
        del self._held[:start]
        self._searched = max(len(self._held) - _LOOK_BACK, 0)
        if len(self._held) > self.limit:
            pieces.append(self._let_go())
        return pieces

    def finish(self) -> Piece | None:
        """Return what is left at the end of the stream: an event that lacks its blank line, or nothing."""
        if not self._held:
            return None
        rest = Piece(bytes(self._held), not self._oversize)
        self._held.clear()
        self._searched = 0
        return rest

    def _event_end(self, start: int) -> int:
        """Return where the next event ends, or 0: a CR at the very end may be half of a line's end."""
        found = _BLANK_LINE.search(self._held, start)
        if found is None or (found.end() == len(self._held) and self._held.endswith(b"\r")):
            return 0
        return found.end()

    def _let_go(self) -> Piece:
        """Return an event that is too large, but for its last bytes, which may begin a blank line."""
        kept = len(self._held) - _LOOK_BACK
        part = Piece(bytes(self._held[:kept]), False)
        del self._held[:kept]
        self._searched = 0
        self._oversize = True
        return part


def data_of(event: bytes) -> bytes:
    """Return the data of an event: its `data` lines joined; empty for comments and other fields.

    A provider that answers with one JSON document instead of a stream has said it all in "one event".
    """
    if event.startswith(b"data: {") and event.endswith(b"}\n\n") and event.count(b"\n") == 2:
        return event[6:-2]
    event = event.removeprefix(_BYTE_ORDER_MARK)
    if event[:64].lstrip().startswith(b"{"):
        return event
    lines = []
    for line in _LINE_END.split(event):
        field, _, value = line.partition(b":")
        if field == b"data":
            lines.append(value.removeprefix(b" "))
    return b"\n".join(lines)


def event_of(data: bytes, name: bytes = b"") -> bytes:
    """Return `data`, JSON on one line, as an event, called `name` where the format names its events."""
    return (b"event: " + name + b"\n" if name else b"") + b"data: " + data + b"\n\n"
