"""Tokenhouse: the bank for an AI application's tokens.

It meters, limits and charges every model call, exactly. Open a house, reserve before a call, settle after it.
"""

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

__all__ = [
    "AccountClosed",
    "Busy",
    "DatabaseTrouble",
    "InsufficientCredit",
    "InvalidInput",
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
    "Tokenhouse",
    "TokenhouseError",
    "Unauthenticated",
    "UpstreamTrouble",
    "Usage",
    "open_sync",
]
