"""Keys: by which programs call, of an account or of a back end with a role; a secret is shown once."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import Auditor, Caller, House, Owner, User
from tokenhouse.edges.api.shapes import AN_ID, Moment, Shape
from tokenhouse.errors import Forbidden, NotFound
from tokenhouse.flow import audited
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.desk import checked_id
from tokenhouse.flow.keys import ROWS_MAX
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.periods import instant
from tokenhouse.store.keys import Key as Stored
from tokenhouse.store.keys import Role

router = APIRouter(prefix="/api/v1", tags=["keys"])

KeyId = Annotated[str, Path(max_length=36, description="The key's id.", examples=[AN_ID])]
Rows = Annotated[int, Query(ge=1, le=ROWS_MAX, description="The newest so many.")]
Models = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]],
    Field(max_length=100, description="Names, or starts of names and `*`, such as `gpt-4o*`; none: any."),
]
Why = Annotated[str, Query(max_length=1_000, description="Why; it goes into the audit log.")]


class Key(Shape):
    """An API key; never its secret."""

    id: str
    prefix: Annotated[str, Field(description="The part that people see.", examples=["th_9f3kQz1a"])]
    account: Annotated[str, Field(description="Whose it is; empty for a back end's.")]
    role: Role
    name: str
    models: list[str]
    state: Annotated[str, Field(examples=["active", "revoked", "expired"])]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class Keys(Shape):
    """Keys, the newest first."""

    items: list[Key]


class NewKey(Shape):
    """A key to be made."""

    name: Annotated[str, Field(max_length=200, examples=["laptop"])] = ""
    models: Models = Field(default_factory=list)
    expires_at: Annotated[Moment | None, Field(description="Null: never.")] = None
    reason: Annotated[str, Field(max_length=1_000, description="Why; it goes into the audit log.")] = ""


class NewRoleKey(NewKey):
    """A key to be made for a back end, which belongs to no account and may do what its role may."""

    role: Literal["auditor", "operator", "owner"]
    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class MadeKey(Key):
    """A key that was just made, and its secret: here and never again."""

    secret: Annotated[str, Field(examples=["th_9f3kQz1a…"])]


@router.get("/accounts/{ref}/keys")
async def list_keys(ref: Ref, caller: User, house: House, limit: Rows = 100) -> Keys:
    """List an account's newest keys, revoked and expired ones among them."""
    found = await house.keys(caller.account_of(ref), rows_max=limit)
    return Keys(items=[shown(house, one) for one in found])


@router.post("/accounts/{ref}/keys", status_code=201)
async def create_key(ref: Ref, asked: NewKey, caller: User, house: House) -> MadeKey:
    """Make a key for an account: an operator for any, a user for its own. Its secret is shown this once.

    Not idempotent, for nobody could say the first secret again: one that was lost is revoked. A key that is
    for some models only, or ends, makes no other: that one could do more, or live on.
    """
    account = caller.account_to_change(ref)
    if caller.role == "user" and caller.key is not None and (caller.key.models or caller.key.expires_at):
        raise Forbidden("key_bounded", prefix=caller.key.prefix)
    given = asked.model_dump(exclude={"reason"})
    async with at_once(house.desk):
        made = await house.create_key(account, actor=caller.actor, **given)
        return await _made(house, caller, made.key, made.secret, asked.reason)


@router.delete("/accounts/{ref}/keys/{key_id}")
async def revoke_key(ref: Ref, key_id: KeyId, caller: User, house: House, reason: Why = "") -> Key:
    """End a key of an account for good, within a second on every node. Idempotent."""
    account = caller.account_to_change(ref)
    return await _revoked(house, caller, account, key_id, reason)


@router.get("/keys")
async def list_role_keys(_caller: Auditor, house: House, limit: Rows = 100) -> Keys:
    """List the newest keys of back ends, which belong to no account. For auditors."""
    return Keys(items=[shown(house, one) for one in await house.keys("", rows_max=limit)])


@router.post("/keys", status_code=201)
async def create_role_key(asked: NewRoleKey, caller: Owner, house: House) -> MadeKey:
    """Make a key for a back end. For owners. Its secret is shown this once."""
    given = asked.model_dump(exclude={"reason"})
    async with at_once(house.desk):
        made = await house.create_key("", actor=caller.actor, **given)
        return await _made(house, caller, made.key, made.secret, asked.reason)


@router.delete("/keys/{key_id}")
async def revoke_role_key(key_id: KeyId, caller: Owner, house: House, reason: Why = "") -> Key:
    """End a back end's key for good, within a second on every node. For owners. Idempotent."""
    return await _revoked(house, caller, "", key_id, reason)


async def _made(house: Tokenhouse, caller: Caller, key: Stored, secret: str, reason: str = "") -> MadeKey:
    """Return a new key with its secret, when the audit log has the key."""
    subject = key.account or key.prefix
    await caller.record(house, "key.create", subject, after=audited.key(key), reason=reason)
    return MadeKey(**shown(house, key).model_dump(), secret=secret)


async def _revoked(house: Tokenhouse, caller: Caller, account: str, key_id: str, reason: str) -> Key:
    """Return a key that has ended, if it is this account's. Raises: NotFound for everybody else's."""
    wanted = checked_id(key_id, "key_id")
    known = {one.id: one for one in await house.keys(account, rows_max=ROWS_MAX)}
    if wanted not in known:
        raise NotFound("api_key_unknown", id=wanted)
    async with at_once(house.desk):
        ended = await house.revoke_key(wanted, actor=caller.actor)
        if known[wanted].revoked_at is None:
            subject = account or ended.prefix
            await caller.record(house, "key.revoke", subject, after=audited.key(ended), reason=reason)
    return shown(house, ended)


def shown(house: Tokenhouse, key: Stored) -> Key:
    """Return a key as the API says it."""
    return Key(
        id=key.id,
        prefix=key.prefix,
        account=key.account,
        role=key.role,
        name=key.name,
        models=list(key.models),
        state=key.state(instant(house.desk.clock())),
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )
