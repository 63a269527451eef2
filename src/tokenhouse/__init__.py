"""Tokenhouse: the bank for an AI application's tokens.

Meters, limits and charges every model call, exactly.
"""

from tokenhouse.house import Tokenhouse

__all__ = ["Tokenhouse"]
