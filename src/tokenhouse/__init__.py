"""Tokenhouse: the bank for an AI application's tokens.

It meters, limits and charges every model call, exactly. Open a house, reserve before a call, settle after it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tokenhouse.errors import (
    AccountClosed,
    Busy,
    DatabaseTrouble,
    InsufficientCredit,
    InvalidInput,
    KeyReused,
    LimitReached,
    ModelRefused,
    NotFound,
    Refused,
    StartRefused,
    StillRunning,
    TokenhouseError,
    Unauthenticated,
    UpstreamTrouble,
)
from tokenhouse.flow.fund import Price
from tokenhouse.house import Tokenhouse
from tokenhouse.portal import Portal, open_sync
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

if TYPE_CHECKING:
    from tokenhouse.edges.credentials.api_keys import ApiKey
    from tokenhouse.edges.credentials.peers import TrustedHeader
    from tokenhouse.edges.credentials.signed import JwtClaim
    from tokenhouse.edges.middleware import Endpoint, TokenMiddleware, tokenhouse_call

LATE: Final = {
    "ApiKey": "tokenhouse.edges.credentials.api_keys",
    "Endpoint": "tokenhouse.edges.middleware",
    "JwtClaim": "tokenhouse.edges.credentials.signed",
    "TokenMiddleware": "tokenhouse.edges.middleware",
    "TrustedHeader": "tokenhouse.edges.credentials.peers",
    "tokenhouse_call": "tokenhouse.edges.middleware",
}
"""Names of the middleware: imported when first asked for, so that nobody else waits for them."""

__all__ = [
    "AccountClosed",
    "ApiKey",
    "Busy",
    "DatabaseTrouble",
    "Endpoint",
    "InsufficientCredit",
    "InvalidInput",
    "JwtClaim",
    "KeyReused",
    "LimitReached",
    "ModelRefused",
    "NotFound",
    "Portal",
    "Price",
    "Refused",
    "Settings",
    "StartRefused",
    "StillRunning",
    "TokenMiddleware",
    "Tokenhouse",
    "TokenhouseError",
    "TrustedHeader",
    "Unauthenticated",
    "UpstreamTrouble",
    "Usage",
    "open_sync",
    "tokenhouse_call",
]


def __getattr__(name: str) -> Any:
    """Return a name of the middleware."""
    if name not in LATE:
        raise AttributeError(f"module 'tokenhouse' has no attribute {name!r}")
    return getattr(import_module(LATE[name]), name)
