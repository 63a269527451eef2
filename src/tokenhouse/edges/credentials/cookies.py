"""The cookie of somebody who signed in as proof, and beside it, for whatever changes something, a token.

The cookie goes along with every request that a browser makes, also with one that another site's page caused;
the token does not, for only a page that could read an answer of ours knows it. Over https the name begins
with `__Host-`: no other host and no page in the clear can have set it (RFC 6265bis, section 4.1.3.2).
"""

from hmac import compare_digest
from typing import Final

from tokenhouse.edges.credentials import Identity, Scope
from tokenhouse.edges.headers import first
from tokenhouse.edges.methods import HARMLESS
from tokenhouse.errors import Forbidden
from tokenhouse.flow.sessions import csrf_of
from tokenhouse.house import Tokenhouse

SECURE: Final = "__Host-tokenhouse"
PLAIN: Final = "tokenhouse"
HINT: Final = "tokenhouse-signed-in"
"""The name of a cookie that only says that there is a session: our pages read it, and ask who is signed in
only where somebody is. Nothing believes it."""
CSRF_HEADER: Final = b"x-csrf-token"


class SessionCookie:
    """Believes the cookie of a session, and where a request changes something only with its token.

    Args:
        always_secure: whether people reach the server over https, whatever its own connection says.
    """

    def __init__(self, *, always_secure: bool) -> None:
        self._always_secure = always_secure

    def secure(self, scope: Scope) -> bool:
        """Return whether a request came over https."""
        return self._always_secure or scope.get("scheme") == "https"

    def name(self, scope: Scope) -> str:
        """Return what the cookie is called; over https the other name is not looked at."""
        return SECURE if self.secure(scope) else PLAIN

    def secret(self, scope: Scope) -> str:
        """Return the cookie of a request; "" for none, and for several, for one of them is not ours."""
        found = [one for one in _cookies(scope, self.name(scope)) if one]
        return found[0] if len(found) == 1 else ""

    async def find(self, scope: Scope, house: Tokenhouse) -> Identity | None:
        """Return who is signed in; nobody for a cookie that opens nothing (any more).

        Raises: Forbidden `csrf_wanted`.
        """
        secret = self.secret(scope)
        session = await house.session(secret) if secret else None
        if session is None:
            return None
        harmless = scope["method"] in HARMLESS
        if not harmless and not compare_digest(first(scope, CSRF_HEADER), csrf_of(secret).encode()):
            raise Forbidden("csrf_wanted")
        return Identity(account=session.person.account, role=session.person.role, session=session)


def _cookies(scope: Scope, wanted: str) -> list[str]:
    """Return the values of every cookie of a name."""
    found = []
    for name, value in scope["headers"]:
        if name != b"cookie":
            continue
        for part in value.decode("latin-1").split(";"):
            key, _, text = part.partition("=")
            if key.strip() == wanted:
                found.append(text.strip())
    return found
