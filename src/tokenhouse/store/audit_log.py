"""The audit log in the database: what those who run the deployment changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_AUDIT: Final = sql("write_audit")
LIST_AUDIT: Final = sql("list_audit")

NEWEST: Final = 2**63 - 1
"""Before which every id is."""

encoded: Final = msgspec.json.Encoder(enc_hook=str).encode
"""JSON of a value; what JSON knows nothing of is written as its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One change: who made it, of what, from what to what, why, and from which address."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any = None
    after: Any = None
    reason: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which changes are asked for; what is empty is not looked at. `action` "key" means "key.revoke" too."""

    subject: str = ""
    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def write_audit(connection: Connection, change: Audited) -> int:
    """Keep a change and return its number; the one that it came with is not looked at."""
    number = await connection.fetchval(
        WRITE_AUDIT,
        change.at,
        change.actor,
        change.action,
        change.subject,
        _text(change.before),
        _text(change.after),
        change.reason,
        change.address,
    )
    return int(number)


async def list_audit(
    connection: Connection, wanted: AuditFilter, before: int | None, rows_max: int
) -> list[Audited]:
    """Return a page of changes, newest first, from below the number `before`."""
    rows = await connection.fetch(
        LIST_AUDIT,
        NEWEST if before is None else before,
        wanted.subject,
        wanted.actor,
        wanted.action,
        wanted.since,
        wanted.until,
        rows_max,
    )
    return [
        Audited(**{**dict(row), "before": _value(row["before"]), "after": _value(row["after"])})
        for row in rows
    ]


def _text(value: Any) -> str | None:
    """Return a value as JSON text; none of nothing."""
    return None if value is None else encoded(value).decode()


def _value(text: str | None) -> Any:
    """Return the value of its JSON text."""
    return None if text is None else msgspec.json.decode(text)
