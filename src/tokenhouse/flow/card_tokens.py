"""Card tokens: what lets a page of somebody else's site show one account's usage card for some minutes.

A token is signed, not stored: the account's name and when it ends, and an HMAC over both. It opens the card
and nothing else, and it cannot be revoked, so it ends soon.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Final

import msgspec

from tokenhouse.errors import Unauthenticated
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.rules.periods import instant, moment
from tokenhouse.store import secrets

PREFIX: Final = "tc_"
NAME: Final = "card tokens"
KEY_BYTES: Final = 32
MINUTES: Final = 15
MINUTES_MAX: Final = 60
TOKEN_MAX: Final = 1_000

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[str, int]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class CardToken:
    """A token and when it ends. No repr shows it."""

    token: str = field(repr=False)
    expires_at: datetime


async def make(desk: Desk, ref: str, *, minutes: int = MINUTES) -> CardToken:
    """Return a token for the card of an account. Raises: NotFound, InvalidInput."""
    checked_whole(minutes, "minutes", 1, MINUTES_MAX)
    await desk.address(ref)
    expires_at = desk.clock() + timedelta(minutes=minutes)
    told = _encode((ref, instant(expires_at)))
    token = f"{PREFIX}{_text(told)}.{_text(_signed(await _key(desk), told))}"
    return CardToken(token=token, expires_at=expires_at)


async def account_of(desk: Desk, token: object) -> tuple[str, datetime]:
    """Return whose card a token opens, and until when. Raises: Unauthenticated `card_token_unknown`."""
    told, signature = _parts(token)
    if not hmac.compare_digest(_signed(await _key(desk), told), signature):
        raise Unauthenticated("card_token_unknown")
    ref, ends = _decode(told)
    if ends <= desk.now():
        raise Unauthenticated("card_token_ended")
    return ref, moment(ends)


def _parts(token: object) -> tuple[bytes, bytes]:
    """Return what a token says and its signature. Raises: Unauthenticated."""
    if not isinstance(token, str) or len(token) > TOKEN_MAX:
        raise Unauthenticated("card_token_unknown")
    told, dot, signature = token[len(PREFIX) :].partition(".")
    if not token.startswith(PREFIX) or not dot:
        raise Unauthenticated("card_token_unknown")
    try:
        return urlsafe_b64decode(told + "=="), urlsafe_b64decode(signature + "==")
    except ValueError:
        raise Unauthenticated("card_token_unknown") from None


def _text(data: bytes) -> str:
    """Return bytes as a URL and a header take them."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(key: bytes, told: bytes) -> bytes:
    """Return the signature of what a token says."""
    return hmac.digest(key, told, "sha256")


async def _key(desk: Desk) -> bytes:
    """Return the key of the deployment's card tokens, made when it is first needed."""
    if desk.card_key is None:
        async with desk.pool.acquire() as connection:
            desk.card_key = await secrets.write_secret(connection, NAME, token_bytes(KEY_BYTES))
    return desk.card_key
