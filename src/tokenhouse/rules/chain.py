"""The hash chain: each entry's hash covers the one before it, so that no line can change unnoticed.

hash = first 16 bytes of SHA-256(previous hash || JSON array of the entry's columns in their order). The array
is what `msgspec.json.encode` writes: no white space, columns of JSON as the text that is stored. `sha256()`
of PostgreSQL's core computes the same, so an auditor needs nothing of ours.
"""

from hashlib import sha256
from typing import Final

import msgspec

from tokenhouse.rules.balance import Entry

HASH_BYTES: Final = 16
_encode: Final = msgspec.json.Encoder().encode


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """An entry with its JSON columns as text, as they are stored, and its hash."""

    entry: Entry
    lots: str | None
    usage: str | None
    facts: str | None
    hash: bytes


def written(entry: Entry, operation: str, lots: str | None, usage: str | None, facts: str | None) -> bytes:
    """Return what an entry's hash covers: its columns as a JSON array, the account's id first."""
    columns = (
        entry.account,
        entry.seq,
        entry.at,
        entry.kind,
        entry.amount,
        entry.balance_after,
        entry.charge,
        lots,
        operation,
        entry.model,
        usage,
        entry.rate,
        entry.source,
        entry.actor,
        entry.note,
        facts,
    )
    return _encode(columns)


def link(
    previous: bytes, entry: Entry, operation: str, lots: str | None, usage: str | None, facts: str | None
) -> bytes:
    """Return the hash of an entry whose JSON columns are stored text, and `operation` hex without dashes."""
    return sha256(previous + written(entry, operation, lots, usage, facts)).digest()[:HASH_BYTES]


def seal(previous: bytes, entry: Entry) -> Sealed:
    """Return the entry as it will be stored, chained to the hash before it."""
    lots = _encode(entry.lots).decode() if entry.lots else None
    usage = _encode(entry.usage).decode() if entry.usage is not None else None
    facts = _encode(entry.facts).decode() if entry.facts else None
    return Sealed(entry, lots, usage, facts, link(previous, entry, entry.operation, lots, usage, facts))
