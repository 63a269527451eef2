"""API keys as proof: `th_…`, in the header of OpenAI's clients or in that of Anthropic's."""

from typing import Final

from tokenhouse.edges.credentials import Identity, Scope, bearer, header
from tokenhouse.house import Tokenhouse

PREFIX: Final = "th_"


class ApiKey:
    """Believes `Authorization: Bearer th_…` and `x-api-key: th_…`; other secrets there are not ours.

    Keys that have no account, but a role, open only what is made for them: `any_role`.
    """

    def __init__(self, *, any_role: bool = False) -> None:
        self._any_role = any_role

    async def find(self, scope: Scope, house: Tokenhouse) -> Identity | None:
        """Return whose key came. Raises: Unauthenticated `key_unknown`, `key_revoked`, `key_expired`."""
        for secret in (bearer(scope), header(scope, "x-api-key")):
            if secret is not None and secret.startswith(PREFIX):
                key = await house.authenticate(secret, any_role=self._any_role)
                return Identity(account=key.account, role=key.role, key=key)
        return None
