"""Webhooks: a POST of JSON, signed as the Standard Webhooks specification has it.

What an operator types as an address must not open our own network to whoever answers there: outside of
development an address that is not public is refused when the connection is made, so that no name which
resolves otherwise a moment later gets by; and no redirect is followed.

Source: https://www.standardwebhooks.com, version 1.0: headers, signature, 410, time-outs.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address, ip_address, ip_network
from socket import AF_INET, AddressFamily
from typing import Final

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook

from tokenhouse.flow.channels import Parcel, Undelivered
from tokenhouse.store.outbox import Endpoint

CONNECTIONS_MAX: Final = 100
TIMES: Final = aiohttp.ClientTimeout(total=15, connect=5, sock_connect=5)
"""A receiver should take a notice and work afterwards; the specification advises 15 to 30 seconds."""
GONE: Final = 410
LATER: Final = (429, 503)
TRANSLATED: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""IPv6 addresses behind which a gateway finds an IPv4 one, which could be a private one (RFC 6052, 8215)."""

_encode: Final = msgspec.json.Encoder().encode


class PrivateAddress(OSError):
    """A name leads into a private network."""


class Webhooks:
    """Sends over webhooks. `private`: whether addresses of a private network are allowed."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._session: aiohttp.ClientSession | None = None

    async def send(self, parcel: Parcel) -> None:
        """Post a parcel to its endpoint; any 2xx is an arrival. Raises: Undelivered."""
        endpoint = parcel.endpoint
        assert endpoint is not None  # noqa: S101 -- a webhook has one
        told = (
            parcel.document
        )  # Every attempt says the same, down to the byte: when it happened, not when sent.
        body = _encode({"type": f"notice.{told['kind']}", "timestamp": told["at"], "data": told})
        headers = {"content-type": "application/json", "user-agent": "tokenhouse"}
        headers |= signed(endpoint, parcel.id, parcel.at, body)
        try:
            async with self._opened().post(
                endpoint.url, data=body, headers=headers, timeout=TIMES, allow_redirects=False
            ) as answer:
                status, after = answer.status, answer.headers.get("retry-after", "")
        except TimeoutError:
            raise Undelivered("no answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as trouble:
            raise Undelivered(_reason(trouble)) from None
        if status == GONE:
            raise Undelivered("status 410: the receiver wants no more", final=True, gone=True)
        if not 200 <= status < 300:
            after_s = _seconds(after, parcel.at) if status in LATER else None
            raise Undelivered(f"status {status}", after_s=after_s)

    def _opened(self) -> aiohttp.ClientSession:
        """Return the pool of connections, made when it is first wanted."""
        if self._session is None:
            resolver = aiohttp.ThreadedResolver()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=resolver if self._private else PublicOnly(resolver),
                    use_dns_cache=False,
                    limit=CONNECTIONS_MAX,
                ),
                connector_owner=True,
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=() if self._private else (_public_literal,),
            )
        return self._session

    async def close(self) -> None:
        """Let all connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def signed(endpoint: Endpoint, message: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that prove a message: one signature for each secret that is still good."""
    secrets = [endpoint.secret]
    until = endpoint.secret_before_until
    if endpoint.secret_before and until is not None and at < until:
        secrets.append(endpoint.secret_before)
    at = at.astimezone(UTC)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(one).sign(message, at, body.decode()) for one in secrets),
    }


class PublicOnly(AbstractResolver):
    """A resolver that knows no private address."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        """Return where a name leads, if all of that is public. Raises: PrivateAddress."""
        found = await self._resolver.resolve(host, port, family)
        if not all(is_public(one["host"]) for one in found):
            raise PrivateAddress
        return found

    async def close(self) -> None:
        """Let the resolver go."""
        await self._resolver.close()


async def _public_literal(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Refuse a private address written as numbers: no resolver is asked for it. Raises: PrivateAddress."""
    host = request.url.host or ""
    if _is_number(host) and not is_public(host):
        raise PrivateAddress
    return await handler(request)


def _is_number(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(host: str) -> bool:
    """Whether an IP address belongs to the internet at large."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return inner.is_global and not inner.is_multicast
        if address.teredo is not None or any(address in net for net in TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


def _reason(trouble: BaseException) -> str:
    """Return what kept a message from its receiver, without the address, which may hold a secret."""
    inner: BaseException | None = trouble
    while inner is not None:
        if isinstance(inner, PrivateAddress):
            return "the address is a private one"
        inner = inner.__cause__ or inner.__context__
    if isinstance(trouble, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate cannot be trusted"
    if isinstance(trouble, aiohttp.ClientConnectorDNSError):
        return "its name leads nowhere"
    return "it cannot be reached" if isinstance(trouble, OSError) else "it broke off"


def _seconds(text: str, now: datetime) -> float | None:
    """Return the pause that a Retry-After asks for."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0)
    except (ValueError, TypeError):
        return None
