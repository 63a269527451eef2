"""The relay of any stream of events: bytes pass at once and unchanged, and are heard on their way."""

from tokenhouse.providers.base import Measured
from tokenhouse.providers.ears import DONE, UNREADABLE, Ear, document_in
from tokenhouse.providers.sse import EVENT_BYTES_MAX, Piece, Splitter, data_of


class EventRelay:
    """A stream of events on its way to the client.

    An event goes when its blank line has come, so that one which must be hidden never went by half; one
    that grows beyond `limit` bytes goes on as it comes, unread.
    """

    def __init__(self, ear: Ear, limit: int = EVENT_BYTES_MAX) -> None:
        self._ear = ear
        self._splitter = Splitter(limit)
        self._stopped = False
        self._open = False

    def feed(self, chunk: bytes) -> bytes:
        """Return all complete events, but for a usage chunk that nobody asked for."""
        shown = [piece for piece in self._splitter.feed(chunk) if not self._hides(piece)]
        if not shown or self._stopped:
            return b""
        self._open = not shown[-1].whole or self._splitter.inside
        return shown[0].raw if len(shown) == 1 else b"".join([piece.raw for piece in shown])

    def finish(self) -> bytes:
        """Return an event that lacks its blank line; half an event is dropped, as every client would."""
        rest = self._splitter.finish()
        if rest is None or self._cut(rest) or self._hides(rest) or self._stopped:
            return b""
        self._open = True
        return rest.raw

    def broken(self, error: bytes) -> bytes:
        """Return the end of a stream that is stopped here, with `error` in the words of its format."""
        self._stopped = True
        return (b"\n\n" if self._open else b"") + self._ear.ending(error)

    @property
    def measured(self) -> Measured:
        """Return what has come so far."""
        return self._ear.measured

    def _hides(self, piece: Piece) -> bool:
        """Hear a piece; return whether the client must not see it."""
        if not piece.whole:
            self._ear.miss(piece.raw)
            return False
        data = data_of(piece.raw)
        return bool(data) and self._ear.hear(data)

    def _cut(self, rest: Piece) -> bool:
        """Return whether the stream broke off inside `rest`."""
        data = data_of(rest.raw)
        if not rest.whole or not data or data.strip() == DONE:
            return False
        try:
            document_in(data)
        except UNREADABLE:
            return True
        return False
