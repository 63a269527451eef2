"""A header as proof, such as `x-user-id`: believed only from a peer that proves itself."""

from collections.abc import Sequence
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from tokenhouse.edges.credentials import Identity, Scope, checked_secret, header
from tokenhouse.errors import StartRefused, Unauthenticated
from tokenhouse.house import Tokenhouse

SECRET_HEADER: Final = "x-tokenhouse-secret"  # noqa: S105 -- the header's name

Network = IPv4Network | IPv6Network


class TrustedHeader:
    """Believes a header that names the account, from a peer that shows a secret or has a listed address.

    Where both are given, both must hold. Behind a proxy the address is whatever the server was told to
    believe of `X-Forwarded-For`; a secret does not depend on that.

    Args:
        name: the header that names the account.
        secret: what the peer sends in `x-tokenhouse-secret`; 32 bytes or more, from a random source.
        peers: addresses and networks, such as "10.0.3.0/24".

    Raises: StartRefused where neither is given, or where either lets everybody in.
    """

    def __init__(
        self, name: str = "x-user-id", *, secret: str | None = None, peers: Sequence[str] = ()
    ) -> None:
        if secret is None and not peers:
            raise StartRefused("header_open", name=name)
        self._name = name
        self._secret = None if secret is None else checked_secret(secret, SECRET_HEADER).encode()
        self._peers = tuple(network(peer) for peer in peers)

    async def find(self, scope: Scope, house: Tokenhouse) -> Identity | None:  # noqa: ARG002
        """Return whom the peer names. Raises: Unauthenticated `peer_unproven`, `header_repeated`."""
        account = header(scope, self._name)
        if not account:
            return None
        if not self._proven(scope):
            raise Unauthenticated("peer_unproven", name=self._name)
        return Identity(account=account)

    def _proven(self, scope: Scope) -> bool:
        """Return whether the peer is one that may say whose call it is."""
        if self._secret is not None:
            shown = header(scope, SECRET_HEADER) or ""
            if not compare_digest(shown.encode(), self._secret):
                return False
        if not self._peers:
            return True
        try:
            address = ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in one for one in self._peers)


def network(peer: str) -> Network:
    """Return a listed network. Raises: StartRefused `peer_invalid`, `peers_everybody`."""
    try:
        listed = ip_network(peer, strict=False)
    except ValueError:
        raise StartRefused("peer_invalid", value=str(peer)) from None
    if listed.prefixlen == 0:
        raise StartRefused("peers_everybody", value=str(peer))
    return listed
