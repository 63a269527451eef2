"""Channels: what an edge does to get a notice out of the house, and how it says that it failed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from tokenhouse.store.outbox import Endpoint

ERROR_LENGTH_MAX: Final = 200


class Undelivered(Exception):
    """An attempt failed. `reason` is told to operators: no secret, no address with one.

    `final`: no use in trying again. `gone`: the receiver wants no more at all. `after_s`: when it said to
    come back.
    """

    def __init__(
        self, reason: str, *, final: bool = False, gone: bool = False, after_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.final, self.gone, self.after_s = reason[:ERROR_LENGTH_MAX], final, gone, after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One delivery in the hands of a sender. `id` stays the same over all attempts."""

    id: str
    at: datetime
    target: str
    document: dict[str, Any]
    endpoint: Endpoint | None


class Sender(Protocol):
    """What an edge does for a channel."""

    async def send(self, parcel: Parcel) -> None:
        """Hand a parcel over; it has arrived when this returns. Raises: Undelivered."""


@dataclass(slots=True)
class Channels:
    """The ways out of the house that this process has opened."""

    senders: dict[str, Sender] = field(default_factory=dict)
    resting: dict[str, datetime] = field(default_factory=dict)
    """Endpoints, and channels without one, that failed again and again: until when they are left alone."""
    is_service: Callable[[str], Awaitable[bool]] | None = None
    """Whether an address is one of a service that we can reach; None where none can be."""
