"""Identity: what proves who calls, beside keys and sessions."""

import msgspec

from tokenhouse.settings.checks import shown


class Jwt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of the application that knows the users already: the `[jwt]` table of `tokenhouse.toml`."""

    secret: str | None = None
    """The shared secret of HS256: 32 bytes or more from a random source. One of the three is given."""
    secret_env: str = ""
    """The variable of the environment that holds the secret instead."""
    public_key: str | None = None
    """The signer's public key, as PEM."""
    jwks: str | None = None
    """The https address where the signer publishes its keys; they are fetched anew as they rotate."""
    claim: str = "sub"
    """The claim that names the account."""
    role_claim: str | None = None
    """The claim that names a role, or a list of them; without it every caller is a user."""
    issuer: str | None = None
    """What `iss` must say."""
    audience: str | None = None
    """What `aud` must hold; a token for somebody is believed only by whom it names."""
    algorithms: tuple[str, ...] = ()
    """Signatures that are believed; HS256 with a secret and RS256, ES256 otherwise."""
    header: str = "authorization"
    """The header with the token; in `authorization` it stands behind `Bearer`."""
    leeway_s: int = 30
    """How far the clocks of signer and server may differ."""

    def __repr__(self) -> str:
        """Return it without what opens it."""
        return f"Jwt({shown(self)})"


class TrustedHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A header that a proxy of yours writes: the `[trusted_header]` table of `tokenhouse.toml`."""

    name: str = "x-user-id"
    """The header that names the account."""
    secret: str | None = None
    """What the proxy sends in `x-tokenhouse-secret`: 32 bytes or more from a random source."""
    secret_env: str = ""
    """The variable of the environment that holds the secret instead."""
    peers: tuple[str, ...] = ()
    """Addresses and networks of the proxy; with a secret, both must hold."""

    def __repr__(self) -> str:
        """Return it without what opens it."""
        return f"TrustedHeader({shown(self)})"
