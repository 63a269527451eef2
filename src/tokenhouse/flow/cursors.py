"""Cursors: where a page ended, as text that a program hands back as it came."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import shown

LENGTH_MAX: Final = 1_000
"""The longest cursor: a search's holds the name that it last found."""
NUMBER_MAX: Final = 2**63 - 1

Part = int | str

_decoder: Final = msgspec.json.Decoder(list[Part])


def cursor(*parts: Part) -> str:
    """Return a place as text without a meaning of its own."""
    return urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def place(text: object, *kinds: type[Part]) -> tuple[Part, ...]:
    """Return the parts of a cursor that this list gave out. Raises: InvalidInput `cursor_unknown`."""
    try:
        if not isinstance(text, str) or len(text) > LENGTH_MAX:
            raise ValueError("no cursor")
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        parts = _decoder.decode(urlsafe_b64decode(padded))
    except (ValueError, Error, msgspec.DecodeError):
        parts = []
    sound = len(parts) == len(kinds) and all(map(_sound, parts, kinds))
    if not sound:
        raise InvalidInput("cursor_unknown", field="cursor", value=shown(text))
    return tuple(parts)


def _sound(part: Part, kind: type[Part]) -> bool:
    """Whether a part is of its kind, and nothing that the database could not hold."""
    if type(part) is not kind:
        return False
    return -1 <= part <= NUMBER_MAX if isinstance(part, int) else "\0" not in part
