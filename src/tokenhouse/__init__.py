"""Tokenhouse: the bank for an AI application's tokens.

Meters, limits and charges every model call, exactly.
"""

from tokenhouse.house import Tokenhouse
from tokenhouse.portal import Portal, open_sync

__all__ = ["Portal", "Tokenhouse", "open_sync"]
