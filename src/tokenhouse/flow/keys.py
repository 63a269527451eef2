"""Keys: who calls, by a secret that is shown once and kept by nobody; what the key may, and its end."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Never

from tokenhouse.errors import InvalidInput, ModelRefused, NotFound, Unauthenticated
from tokenhouse.flow.desk import Desk, checked_id, checked_text, checked_whole
from tokenhouse.flow.keyring import TOPIC
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.periods import AT_MAX, Instant, instant, moment
from tokenhouse.rules.rates import checked_pattern
from tokenhouse.store import keys
from tokenhouse.store.keys import NOBODY, ROLES, Key, Role

SECRET: Final = re.compile(r"th_[A-Za-z0-9_-]{43}")
"""What a secret looks like: 32 random bytes in base64url. Anything else is refused without a query."""
PREFIX_LENGTH: Final = 11
"""Characters of a secret that people see: `th_` and 48 of its 256 bits, by which it is also found."""
KEYS_MAX: Final = 1_000
"""Keys of one account that are not revoked."""
MODELS_MAX: Final = 100
ROWS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made: the only time that its `secret` is there. No repr and no log shows it."""

    key: Key
    secret: str = field(repr=False)

    @property
    def id(self) -> str:
        """The key's id."""
        return self.key.id


async def create_key(
    desk: Desk,
    ref: str,
    *,
    name: str,
    models: Sequence[str],
    expires_at: datetime | None,
    role: Role,
    actor: str,
) -> NewKey:
    """Make a key for an account, or for none where its role says so.

    Not repeatable: nobody could say the first secret again.

    Raises: NotFound, InvalidInput.
    """
    if role not in ROLES:
        raise InvalidInput("choice_unknown", field="role", value=shown(role), known=", ".join(ROLES))
    if role != "user" and ref:
        raise InvalidInput("key_of_role", field="account", value=shown(ref), role=role)
    address = await desk.address(ref) if role == "user" else NOBODY
    now = desk.now()
    secret = f"th_{secrets.token_urlsafe(32)}"
    key = Key(
        id=desk.new_id(),
        prefix=secret[:PREFIX_LENGTH],
        account=ref,
        name=checked_text(name, "name"),
        models=_checked_models(models),
        created_at=moment(now),
        created_by=checked_text(actor, "actor"),
        expires_at=_checked_end(expires_at, now),
        role=role,
    )
    async with desk.pool.acquire() as connection:
        kept = await keys.write_key(connection, address, key, _digest(secret), keys_max=KEYS_MAX)
    if not kept:
        raise InvalidInput("keys_too_many", field="account", value=KEYS_MAX, account=ref)
    return NewKey(key=key, secret=secret)


async def list_keys(desk: Desk, ref: str, rows_max: int) -> list[Key]:
    """Return an account's newest keys, or those of no account, revoked ones among them."""
    checked_whole(rows_max, "rows_max", 1, ROWS_MAX)
    address = NOBODY if ref == "" else await desk.address(ref)
    async with desk.pool.acquire() as connection:
        return await keys.list_keys(connection, address, rows_max)


async def revoke_key(desk: Desk, key_id: str, *, actor: str) -> Key:
    """End a key for good: at once in this process, within a second in every other. Idempotent.

    A process that the word does not reach, for its way to the database is broken, finds out `KEPT_S` seconds
    after it last looked.
    """
    wanted = checked_id(key_id, "key")
    checked_text(actor, "actor")
    async with desk.pool.acquire() as connection:
        key = await keys.write_key_revoked(connection, wanted, desk.clock(), actor)
    desk.keyring.forget(wanted)
    if key is None:
        raise NotFound("api_key_unknown", id=wanted)
    await desk.bus.tell(TOPIC, wanted)
    return key


async def find_key(desk: Desk, secret: object) -> Key | None:
    """Return the key of a secret, however it stands: now, or as it was when this process last looked.

    That is at most `KEPT_S` seconds ago, and no change since then was heard of.
    """
    if not isinstance(secret, str) or not SECRET.fullmatch(secret):
        return None
    digest, now, revoked = _digest(secret), desk.now(), desk.keyring.revoked
    key = desk.keyring.find(digest, now)
    if key is None:
        async with desk.pool.acquire() as connection:
            key = await keys.find_key(connection, secret[:PREFIX_LENGTH], digest)
        if key is not None:
            desk.bus.hear(TOPIC, desk.keyring.forget, missed=desk.keyring.forget_all)
            desk.keyring.keep(digest, key, now, revoked)
    return key


async def authenticate(desk: Desk, secret: str | None, *, any_role: bool) -> Key:
    """Return the key of a secret that opens something now, and note that it was used.

    Raises: Unauthenticated `key_missing`, `key_unknown`, `key_revoked`, `key_expired`,
    `key_without_account`.
    """
    if not secret:
        raise Unauthenticated("key_missing")
    key = await find_key(desk, secret)
    if key is None:
        raise Unauthenticated("key_unknown")
    now = desk.now()
    if key.state(now) != "active":
        _refuse(key)
    if key.role != "user" and not any_role:
        raise Unauthenticated("key_without_account", prefix=key.prefix, role=key.role)
    desk.keyring.note(key, now, lambda used: _write_used(desk, used))
    return key


def admit(key: Key, model: str) -> None:
    """Return if a key may call `model`. Raises: ModelRefused."""
    if not key.allows(model):
        known = ", ".join(key.models)
        raise ModelRefused(
            "key_model_refused", account=key.account, prefix=key.prefix, model=shown(model), known=known
        )


def _refuse(key: Key) -> Never:
    """Raise why a key opens nothing any more. Whoever learns it has the secret, so it may be told."""
    if key.revoked_at is not None:
        raise Unauthenticated("key_revoked", prefix=key.prefix, revoked_at=key.revoked_at)
    raise Unauthenticated("key_expired", prefix=key.prefix, expires_at=key.expires_at)


async def _write_used(desk: Desk, used: dict[str, Instant]) -> None:
    """Keep when keys were last used."""
    async with desk.pool.acquire() as connection:
        await keys.write_keys_used(connection, used)


def _digest(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return sha256(secret.encode()).digest()


def _checked_models(models: object) -> tuple[str, ...]:
    """Return the models that a key may call: names, or starts of names and `*`; none means any."""
    if isinstance(models, str) or not isinstance(models, Sequence):
        raise InvalidInput("list_wanted", field="models", value=shown(models))
    if len(models) > MODELS_MAX:
        raise InvalidInput("too_many", field="models", value=len(models), most=MODELS_MAX)
    return tuple(checked_pattern(one, f"models[{i}]") for i, one in enumerate(models))


def _checked_end(expires_at: datetime | None, now: Instant) -> datetime | None:
    """Return a key's end, which lies ahead."""
    if expires_at is None:
        return None
    end_at = instant(expires_at, "expires_at")
    if end_at >= AT_MAX:
        raise InvalidInput("instant_out_of_range", field="expires_at", value=str(expires_at))
    if end_at <= now:
        raise InvalidInput("expires_in_past", field="expires_at", value=str(expires_at))
    return expires_at
