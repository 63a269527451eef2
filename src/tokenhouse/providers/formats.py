"""What all wire formats do alike; each names its fields and how its answers are heard."""

from abc import abstractmethod
from typing import Any, ClassVar

import msgspec

from tokenhouse.providers.base import Measured, Request
from tokenhouse.providers.ears import Ear
from tokenhouse.providers.fields import changed
from tokenhouse.providers.native_errors import native_error
from tokenhouse.providers.relays import EventRelay


class Format(msgspec.Struct, frozen=True):
    """A dialect (see `base.Dialect`), but for what only its own vendor knows."""

    name: ClassVar[str]
    protocol: ClassVar[str]

    @abstractmethod
    def read(self, body: bytes) -> Request:
        """Return what the meter must know of `body`. Raises: InvalidInput that names the field."""

    @abstractmethod
    def ear(self, request: Request) -> Ear:
        """Return who hears the answer to `request`."""

    @abstractmethod
    def changes(self, request: Request, cap: int | None) -> dict[str, Any]:
        """Return the fields that the provider must get otherwise: the cap, and the wish for usage."""

    def outgoing(self, request: Request, cap: int | None, model: str | None = None) -> bytes:
        """Return the body for the provider; `cap` only ever lowers the caller's own."""
        renamed = {"model": model} if model not in {None, request.model} else {}
        return changed(request.body, renamed | self.changes(request, cap))

    def measure(self, request: Request, body: bytes) -> Measured:
        """Return what a whole answer took."""
        ear = self.ear(request)
        ear.hear(body)
        return ear.measured

    def relay(self, request: Request) -> EventRelay:
        """Return the relay of a streamed answer, or of a whole one that came in place of a stream."""
        return EventRelay(self.ear(request))

    def refusal(self, kind: str, message: str, **facts: Any) -> bytes:
        """Return an error body as this format's clients expect it."""
        return native_error(self.protocol, kind, message, facts)
