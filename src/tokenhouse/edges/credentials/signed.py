"""JSON Web Tokens of the host application as proof: HS256 by a shared secret, others by public keys."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jws import extract_compact

from tokenhouse.edges.credentials import Identity, Scope, bearer, checked_secret, header
from tokenhouse.edges.credentials.key_sets import RemoteKeys, key_set
from tokenhouse.errors import StartRefused, Unauthenticated
from tokenhouse.house import Tokenhouse
from tokenhouse.store.keys import ROLES, Role

Key = OctKey | RSAKey | ECKey | OKPKey | KeySet

PUBLIC: Final = ("RS256", "ES256")
DOTS: Final = 2
LENGTH_MAX: Final = 16_384


class JwtClaim:
    """Believes a claim of a signed, unexpired token in `Authorization: Bearer …`, or in a header of its own.

    `exp` must be there. A token for an audience is believed only where `audience` names it (RFC 7519).

    Args:
        secret: the shared secret of HS256, at least 32 bytes.
        public_key: the signer's public key as PEM.
        jwks: the signer's key set, as a document or as the https address where it publishes it.
        claim: which claim names the account; text or a whole number.
        role_claim: which claim names the caller's role, alone or in a list; without it all are users.
        issuer: what `iss` must say.
        audience: what `aud` must hold.
        algorithms: RS256 and ES256 unless said otherwise; with a secret, HS256.
        name: the header, where it is not `Authorization`; the token stands in it alone.
        leeway_s: how far the clocks may differ.

    Raises: StartRefused for a secret that could be guessed, no key or several, or algorithms that misfit.
    """

    def __init__(
        self,
        *,
        secret: str | None = None,
        public_key: str | None = None,
        jwks: str | Mapping[str, Any] | None = None,
        claim: str = "sub",
        role_claim: str | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        algorithms: Sequence[str] | None = None,
        name: str = "authorization",
        leeway_s: int = 30,
    ) -> None:
        if sum(given is not None for given in (secret, public_key, jwks)) != 1:
            raise StartRefused("token_keys")
        self._algorithms = list(algorithms or (("HS256",) if secret is not None else PUBLIC))
        shared = [name for name in self._algorithms if name.startswith("HS")]
        if (shared != self._algorithms if secret is not None else shared) or "none" in self._algorithms:
            raise StartRefused("token_algorithms", value=", ".join(self._algorithms))
        self._keys = _keys(secret, public_key, jwks)
        self._claim, self._role_claim, self._audience = claim, role_claim, audience
        self._name, self._leeway_s = name.lower(), leeway_s
        self._wanted: dict[str, Any] = {"exp": {"essential": True}, claim: {"essential": True}}
        if issuer is not None:
            self._wanted["iss"] = {"essential": True, "value": issuer}
        if audience is not None:
            self._wanted["aud"] = {"essential": True, "value": audience}

    async def find(self, scope: Scope, house: Tokenhouse) -> Identity | None:
        """Return whom the token names.

        Raises: Unauthenticated `token_invalid`, `token_expired`, `token_claim`; UpstreamTrouble where the
        signer's keys cannot be had.
        """
        token = bearer(scope) if self._name == "authorization" else header(scope, self._name)
        if not token or token.count(".") != DOTS:
            return None
        if len(token) > LENGTH_MAX:
            raise Unauthenticated("token_invalid")
        try:
            claims = (await self._decoded(token)).claims
            self._check(claims, house.desk.clock())
        except ExpiredTokenError:
            raise Unauthenticated("token_expired") from None
        except (JoseError, ValueError, RecursionError):
            raise Unauthenticated("token_invalid") from None
        account = claims[self._claim]
        if isinstance(account, bool) or not isinstance(account, str | int) or account == "":
            raise Unauthenticated("token_claim", name=self._claim)
        return Identity(account=str(account), role=self._role(claims))

    def _role(self, claims: Mapping[str, Any]) -> Role:
        """Return the highest role that a token names; what is no role of ours makes nobody more."""
        said = claims.get(self._role_claim) if self._role_claim is not None else None
        named = [one for one in (said if isinstance(said, list) else [said]) if one in ROLES]
        return max(named, key=ROLES.index, default="user")

    async def _decoded(self, token: str) -> jwt.Token:
        """Return a token whose signature holds; where no key fits, the signer is asked for newer ones."""
        if not isinstance(self._keys, RemoteKeys):
            return self._opened(token, self._keys)
        keys = await self._keys.current()
        try:
            return self._opened(token, keys)
        except (InvalidKeyIdError, BadSignatureError):
            newer = await self._keys.newer()
            if newer is keys:
                raise
            return self._opened(token, newer)

    def _opened(self, token: str, keys: Key) -> jwt.Token:
        """Return a token whose signature holds; one that names no key may be by any of a set."""
        if not isinstance(keys, KeySet) or "kid" in extract_compact(token.encode()).headers():
            return jwt.decode(token, keys, algorithms=self._algorithms)
        for key in keys.keys:
            with suppress(JoseError, ValueError):
                return jwt.decode(token, key, algorithms=self._algorithms)
        raise BadSignatureError

    def _check(self, claims: dict[str, Any], now: datetime) -> None:
        """Return if the claims hold now. Raises: JoseError."""
        if self._audience is None and "aud" in claims:
            raise JoseError("audience")
        registry = jwt.JWTClaimsRegistry(now=int(now.timestamp()), leeway=self._leeway_s, **self._wanted)
        registry.validate(claims)


def _keys(
    secret: str | None, public_key: str | None, jwks: str | Mapping[str, Any] | None
) -> Key | RemoteKeys:
    """Return what tokens are checked with. Raises: StartRefused."""
    if secret is not None:
        return OctKey.import_key(checked_secret(secret, "JwtClaim.secret"))
    if isinstance(jwks, str):
        return RemoteKeys(jwks)
    try:
        return key_set(jwks) if jwks is not None else _public(public_key or "")
    except (JoseError, ValueError, TypeError, KeyError) as problem:
        raise StartRefused("token_key_unreadable", problem=str(problem)) from None


def _public(pem: str) -> Key:
    """Return a public key, of whichever kind it is. Raises: ValueError."""
    for kind in (RSAKey, ECKey, OKPKey):
        with suppress(JoseError, ValueError, TypeError):
            return kind.import_key(pem)
    raise ValueError("PEM")
