"""API keys in the database: whose they are, what they may, how they ended; never their secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

from tokenhouse.rules.periods import Instant, instant, moment
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_KEY: Final = sql("write_key")
LIST_KEYS_BY_PREFIX: Final = sql("list_keys_by_prefix")
LIST_KEYS_OF_ACCOUNT: Final = sql("list_keys_of_account")
WRITE_KEY_REVOKED: Final = sql("write_key_revoked")
WRITE_KEYS_USED: Final = sql("write_keys_used")


Role: TypeAlias = Literal["user", "auditor", "operator", "owner"]
"""What somebody may do; each may do what those before it may."""
ROLES: Final[tuple[Role, ...]] = get_args(Role)

NOBODY: Final = Address("", -1, (0,))
"""Where keys that belong to no account stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One API key. `id` names it everywhere, in limits too; `prefix` is what people know it by.

    One of another `role` than "user" is a back end's or a person's and has no account.
    """

    id: str
    prefix: str
    account: str
    name: str
    models: tuple[str, ...]
    created_at: datetime
    created_by: str = ""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""
    last_used_at: datetime | None = None
    role: Role = "user"

    def state(self, now: Instant) -> str:
        """Return how the key stands at `now`: active, revoked or expired."""
        if self.revoked_at is not None:
            return "revoked"
        expired = self.expires_at is not None and instant(self.expires_at) <= now
        return "expired" if expired else "active"

    def allows(self, model: str) -> bool:
        """Whether the key may call `model`; one without patterns may call any."""
        if not self.models:
            return True
        return any(model.startswith(p[:-1]) if p.endswith("*") else model == p for p in self.models)


async def write_key(
    connection: Connection, address: Address, key: Key, digest: bytes, *, keys_max: int
) -> bool:
    """Keep a new key; False if the account has `keys_max` already."""
    row = await connection.fetchrow(
        WRITE_KEY,
        UUID(key.id),
        key.prefix,
        digest,
        address.cell,
        address.account,
        key.account,
        key.name,
        list(key.models),
        key.created_at,
        key.created_by,
        key.expires_at,
        keys_max,
        key.role,
    )
    return row is not None


async def find_key(connection: Connection, prefix: str, digest: bytes) -> Key | None:
    """Return the key of a secret, however it stands; compared in constant time."""
    for row in await connection.fetch(LIST_KEYS_BY_PREFIX, prefix):
        if compare_digest(row["digest"], digest):
            return _key(row)
    return None


async def list_keys(connection: Connection, address: Address, rows_max: int) -> list[Key]:
    """Return an account's newest keys."""
    found = await connection.fetch(LIST_KEYS_OF_ACCOUNT, address.cell, address.account, rows_max)
    return [_key(row) for row in found]


async def write_key_revoked(connection: Connection, key_id: str, at: datetime, actor: str) -> Key | None:
    """End a key for good and return it; None if there is none. Idempotent: the first time stands."""
    row = await connection.fetchrow(WRITE_KEY_REVOKED, UUID(key_id), at, actor)
    return _key(row) if row else None


async def write_keys_used(connection: Connection, used: Mapping[str, Instant]) -> None:
    """Keep when keys were last used."""
    ids = sorted(used)
    await connection.execute(WRITE_KEYS_USED, [UUID(one) for one in ids], [moment(used[one]) for one in ids])


def _key(row: Any) -> Key:
    """Return a key of its row."""
    return Key(
        id=row["id"].hex,
        prefix=row["prefix"],
        account=row["ref"],
        name=row["name"],
        models=tuple(row["models"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        revoked_by=row["revoked_by"],
        last_used_at=row["last_used_at"],
        role=row["role"],
    )
