"""Proxies: who is really calling, where a proxy of the operator's own stands before the server.

What `X-Forwarded-For` says is written by whoever sends it. It is believed from the right to the left, for as
long as the one who added it is a listed proxy: the first address that is none is the caller's.
"""

from collections.abc import MutableMapping, Sequence
from ipaddress import ip_address
from typing import Any, Final

from tokenhouse.edges.credentials.peers import Network, network

FORWARDED_FOR: Final = b"x-forwarded-for"
FORWARDED_PROTO: Final = b"x-forwarded-proto"


class Proxies:
    """The proxies that a deployment lists. Raises: StartRefused for what is no network, or is everybody."""

    def __init__(self, listed: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(network(one) for one in listed)

    def see_through(self, scope: MutableMapping[str, Any]) -> None:
        """Say in the scope who calls and how, where a listed proxy tells it."""
        client = scope.get("client")
        if not self._networks or not client or not self._lists(client[0]):
            return
        caller, hops = client[0], _said(scope, FORWARDED_FOR)
        while hops and self._lists(caller):
            caller = hops.pop()
        scope["client"] = (_address(caller) or client[0], 0)
        schemes = _said(scope, FORWARDED_PROTO)
        if schemes and schemes[-1] in ("http", "https"):
            scope["scheme"] = schemes[-1]

    def _lists(self, address: str) -> bool:
        """Return whether an address is a listed proxy's."""
        try:
            known = ip_address(address)
        except ValueError:
            return False
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in one for one in self._networks)


def _said(scope: MutableMapping[str, Any], wanted: bytes) -> list[str]:
    """Return the parts of a header that several may have added to."""
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
    return [part.strip() for part in ",".join(values).split(",") if part.strip()]


def _address(text: str) -> str:
    """Return an address as it is written plainly; "" for what is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
