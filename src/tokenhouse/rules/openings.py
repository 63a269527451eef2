"""Openings: the first rows of accounts of the same terms, computed once; only their ids and hashes differ.

The rule stays `rules.account.opened`: an opening is what it says of account 0, and `hashes` seals the same
lines for any other id. That makes a million accounts a million hashes, not a million runs of the rule.
"""

from hashlib import sha256
from typing import Final, Self

import msgspec

from tokenhouse.rules.account import opened
from tokenhouse.rules.balance import CHAIN_START, Balance
from tokenhouse.rules.chain import HASH_BYTES, Sealed, seal, written
from tokenhouse.rules.periods import Instant
from tokenhouse.rules.plans import Plan

NOBODY: Final = 0
"""The id in whose name an opening is computed; no account has it."""


class Opening(msgspec.Struct, frozen=True):
    """What every account of one plan, zone and way of paying begins with."""

    balance: Balance
    lines: tuple[Sealed, ...]
    tails: tuple[bytes, ...]
    """What the hash of each line covers, after the account's id."""

    @classmethod
    def of(cls, plan: Plan, now: Instant, *, own_credit: bool, zone: str, actor: str) -> Self:
        """Return the opening under `plan` at `now`. Raises: InvalidInput, as `opened` does."""
        balance, entries = opened(NOBODY, plan, now, own_credit=own_credit, zone=zone, actor=actor)
        lines = tuple(seal(CHAIN_START, entry) for entry in entries)
        head = len(f"[{NOBODY}")
        covered = (written(one.entry, one.entry.operation, one.lots, one.usage, one.facts) for one in lines)
        return cls(balance, lines, tuple(columns[head:] for columns in covered))

    def hashes(self, account: int) -> list[bytes]:
        """Return the hashes of the lines in the name of `account`, each chained to the one before it."""
        head, last, chained = b"[%d" % account, CHAIN_START, []
        for tail in self.tails:
            last = sha256(last + head + tail).digest()[:HASH_BYTES]
            chained.append(last)
        return chained
