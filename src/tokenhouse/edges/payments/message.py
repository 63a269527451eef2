"""A message in a provider's name, as it came over the wire, and the proofs that most of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import msgspec

from tokenhouse.edges.misshapen import by_msgspec
from tokenhouse.errors import InvalidInput, StartRefused, Unauthenticated
from tokenhouse.house import Tokenhouse

BYTES_MAX: Final = 256 * 1024
"""The largest message that a provider sends is a tenth of this."""
PROVEN: Final = "proven_provider"
"""In a request's state: that a provider has proven that it sent it."""
HERE: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What came: headers by their name in lower case, and the body to the letter."""

    headers: dict[str, str]
    body: bytes
    believed: Callable[[], None] = lambda: None
    """Called when its sender is proven: whoever counts strangers does not count this one."""

    @property
    def digest(self) -> bytes:
        """Its SHA-256, by which an operator knows it again."""
        return sha256(self.body).digest()


async def turn_away(
    house: Tokenhouse, provider: str, message: Message, reason: str, event: str = ""
) -> NoReturn:
    """Keep a record of somebody who proved nothing, and raise Unauthenticated."""
    await house.refuse_payment(provider, event, message.digest, reason)
    raise Unauthenticated(reason, provider=provider)


async def unreadable(
    house: Tokenhouse, provider: str, message: Message, trouble: Exception, event: str = ""
) -> NoReturn:
    """Keep a record of a proven message that says nothing that we understand, and raise InvalidInput."""
    await house.refuse_payment(provider, event, message.digest, "payment_shape")
    if isinstance(trouble, InvalidInput):
        raise trouble
    facts = by_msgspec(trouble).facts
    raise InvalidInput("payment_shape", field=facts["field"], value="", problem=facts["problem"])


def is_fresh(sent_s: str, now: datetime, tolerance_s: int) -> bool:
    """Whether a signature's time, in seconds since 1970, is close enough to now not to be a replay."""
    if not sent_s.isascii() or not sent_s.isdigit() or len(sent_s) > 12:
        return False
    return abs(now.timestamp() - int(sent_s)) <= tolerance_s


def checked_url(url: str, name: str) -> str:
    """Return where a provider's API is: over TLS, or on this machine. Raises: StartRefused."""
    try:
        place = urlsplit(url)
    except ValueError:
        place = urlsplit("")
    safe = place.scheme == "https" or (place.scheme == "http" and place.hostname in HERE)
    if not safe or not place.hostname or place.username or place.query:
        raise StartRefused("payment_url", name=name, value=ascii(url[:100]))
    return url.rstrip("/")


def document(body: bytes) -> dict[str, Any]:
    """Return a body as a table. Raises: msgspec.MsgspecError, UnicodeDecodeError."""
    return msgspec.json.decode(body, type=dict[str, Any])
