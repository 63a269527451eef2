"""The doorkeeper: the part of the house that knows who stands before it, by the key that they show."""

from collections.abc import Sequence
from datetime import datetime

from tokenhouse.flow import card_tokens, keys
from tokenhouse.flow.card_tokens import MINUTES, CardToken
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.keys import NewKey
from tokenhouse.store.keys import Key, Role


class Doorkeeper:
    """API keys of accounts. Each method is one flow."""

    _desk: Desk

    async def create_key(
        self,
        ref: str = "",
        *,
        role: Role = "user",
        name: str = "",
        models: Sequence[str] = (),
        expires_at: datetime | None = None,
        actor: str = "",
    ) -> NewKey:
        """Make an API key for an account; its `secret` is there this once and never again.

        A key of another `role` (auditor, operator, owner) is for a back end: it has no account, so no `ref`.

        `models` are names, or starts of names and `*`, that it may call; none means any. Not idempotent: a
        key that was lost on its way is revoked, and another one made.
        """
        return await keys.create_key(
            self._desk, ref, name=name, models=models, expires_at=expires_at, role=role, actor=actor
        )

    async def keys(self, ref: str, *, rows_max: int = 100) -> list[Key]:
        """Return an account's newest API keys, or those of no account; revoked and expired ones too."""
        return await keys.list_keys(self._desk, ref, rows_max)

    async def revoke_key(self, key_id: str, *, actor: str = "") -> Key:
        """End an API key for good: at once here, within a second on every other node. Idempotent."""
        return await keys.revoke_key(self._desk, key_id, actor=actor)

    async def find_key(self, secret: str) -> Key | None:
        """Return the API key of a secret, however it stands; None if there is no such."""
        return await keys.find_key(self._desk, secret)

    async def authenticate(self, secret: str | None, *, any_role: bool = False) -> Key:
        """Return the API key of a secret that opens something now; `key.account` is whose it is.

        Its `id` goes into `reserve` as `api_key`. One that has no account opens nothing unless `any_role`.
        Raises: Unauthenticated.
        """
        return await keys.authenticate(self._desk, secret, any_role=any_role)

    async def card_token(self, ref: str, *, minutes: int = MINUTES) -> CardToken:
        """Return a token that shows an account's usage card on any site until it ends. Raises: NotFound."""
        return await card_tokens.make(self._desk, ref, minutes=minutes)

    async def card_account(self, token: str) -> tuple[str, datetime]:
        """Return whose card a token opens, and until when. Raises: Unauthenticated."""
        return await card_tokens.account_of(self._desk, token)
