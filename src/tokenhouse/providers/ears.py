"""Ears: what an answer says, event by event; an answer in one piece is a stream of one event."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from tokenhouse.providers.base import Measured, Request
from tokenhouse.providers.sse import event_of
from tokenhouse.providers.usages import Tally, measured_by

TEXT_LENGTH_MAX: Final = 8 * 1024 * 1024
"""Characters of an answer that are kept for counting; what comes after them is counted as unread bytes."""
DONE: Final = b"[DONE]"
UNREADABLE: Final = (msgspec.DecodeError, ValueError, RecursionError)
"""What is raised for bytes that are no document."""

_SPOKEN: Final = (
    "name",
    "thinking",
    "summary",
    "content",
    "text",
    "refusal",
    "transcript",
    "function",
    "custom",
    "arguments",
    "input",
    "partial_json",
    "code",
)
"""Members under which vendors put what their models wrote; ids, types, signatures lie elsewhere."""


class Ear:
    """Hears the events of one answer in one format; its kinds know what an event means.

    Nothing that comes can make it raise: what it cannot read, it counts in bytes.
    """

    def __init__(self, request: Request) -> None:
        self.tally = Tally()
        self.finished = False
        self.error: dict[str, Any] | None = None
        self._model = request.model
        self._said: dict[int, list[str]] = {}
        self._length = 0
        self._bytes_unread = 0

    def hear(self, data: bytes) -> bool:
        """Take the data of an event; return whether the client must not see it."""
        if data.strip() == DONE:
            self.finished = self.error is None
            return False
        try:
            return self.understand(data)
        except UNREADABLE:
            pass
        try:
            return self.understand(mended(data))
        except UNREADABLE:
            self.miss(data)
        return False

    def understand(self, data: bytes) -> bool:
        """Take an event of this format; what msgspec raises says that it is none."""
        raise NotImplementedError

    def ending(self, error: bytes) -> bytes:
        """Return how a stream of this format ends with the native error body `error`."""
        return event_of(error) + event_of(DONE)

    def miss(self, data: bytes) -> None:
        """Take note of bytes that nobody can read; an account of usage in them still counts."""
        self._bytes_unread += len(data)
        try:
            self.tally.add(document_in(data))
        except UNREADABLE:
            return

    def say(self, text: object, choice: int = 0) -> None:
        """Take text that the model wrote for an answer; other shapes than text are looked through."""
        if type(text) is not str:
            for part in spoken(text):
                self.say(part, choice)
        elif self._length + len(text) > TEXT_LENGTH_MAX:
            self._bytes_unread += len(text.encode(errors="replace"))
        elif text:
            self._length += len(text)
            self._said.setdefault(choice, []).append(text)

    def fail(self, error: object) -> None:
        """Take an error inside the answer, as a table whatever its shape."""
        self.error = dict(error) if isinstance(error, Mapping) else {"message": str(error)}
        self.finished = False

    @property
    def silent(self) -> bool:
        """Return whether no text has come yet."""
        return not self._length

    @property
    def measured(self) -> Measured:
        """Return what has been heard so far."""
        for texts in self._said.values():
            texts[:] = ["".join(texts)]
        known = measured_by(self.tally)
        return msgspec.structs.replace(
            known,
            text="".join(texts[0] for texts in self._said.values()),
            bytes_unread=self._bytes_unread,
            model=self.tally.model or self._model,
            finished=self.finished,
            error=self.error,
            marks=known.marks + (("unread",) if self._bytes_unread else ()),
        )


def mended(data: bytes) -> bytes:
    """Return a document that only a generous reader takes, such as most clients', so that all take it.

    It may begin with a byte order mark, and hold NaN, half of a surrogate pair or bytes that are no UTF-8.
    Raises: what is in `UNREADABLE`.
    """
    text = data.decode("utf-8-sig", errors="replace")
    document = json.loads(text, parse_constant=lambda _: None)
    return json.dumps(document, ensure_ascii=False).encode(errors="replace")


def document_in(data: bytes) -> object:
    """Return the document that `data` is, read as generously as by most clients.

    Raises: what is in `UNREADABLE`.
    """
    try:
        return msgspec.json.decode(data)
    except UNREADABLE:
        return msgspec.json.decode(mended(data))


def spoken(value: object) -> Iterator[str]:
    """Yield what a model wrote below `value`, in order, without recursion: depth is the provider's choice."""
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            rest.extend(reversed(one))
        elif isinstance(one, Mapping):
            for name in reversed(_SPOKEN):
                found = one.get(name)
                if found is not None:
                    rest.append(_written(found) if name == "input" else found)


def _written(arguments: object) -> object:
    """Return a tool's input as the model wrote it: JSON, where the vendor has decoded it."""
    return msgspec.json.encode(arguments).decode() if isinstance(arguments, Mapping) else arguments
