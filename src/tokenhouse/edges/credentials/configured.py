"""What a deployment's settings say of who is believed: keys always, and what else it has opened."""

from typing import Any

from tokenhouse.edges.credentials import Credential
from tokenhouse.edges.credentials.api_keys import ApiKey
from tokenhouse.edges.credentials.cookies import SessionCookie
from tokenhouse.edges.credentials.peers import TrustedHeader
from tokenhouse.settings import Settings


def credentials(settings: Settings, *, any_role: bool) -> tuple[Credential, ...]:
    """Return what proves who calls, in the order in which it is looked for.

    A proof that a caller shows on purpose goes before one that a proxy adds.

    Raises: StartRefused for a secret that is empty, short or a template's, and for a header that anybody
    could write: each class refuses that itself, and so the server does not start.
    """
    found: list[Credential] = [ApiKey(any_role=any_role)]
    if settings.jwt is not None:
        from tokenhouse.edges.credentials.signed import JwtClaim  # Nine megabytes that few deployments need.

        table = settings.jwt
        given: dict[str, Any] = {
            "secret": table.secret,
            "public_key": table.public_key,
            "jwks": table.jwks,
            "algorithms": table.algorithms or None,
        }
        found.append(
            JwtClaim(
                **given,
                claim=table.claim,
                role_claim=table.role_claim,
                issuer=table.issuer,
                audience=table.audience,
                name=table.header,
                leeway_s=table.leeway_s,
            )
        )
    if settings.trusted_header is not None:
        header = settings.trusted_header
        found.append(TrustedHeader(header.name, secret=header.secret, peers=header.peers))
    return tuple(found)


def cookie(settings: Settings) -> SessionCookie:
    """Return how people who signed in are known."""
    return SessionCookie(always_secure=settings.place.startswith("https://"))
