"""Key sets of a signer: read from a document, or fetched where it publishes them and kept for a while."""

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tokenhouse.errors import StartRefused, UpstreamTrouble

KEPT_S: Final = 600.0
"""How long fetched keys are used without asking again."""
ASKED_EVERY_S: Final = 30.0
"""How often, at most, keys are asked for: a caller who invents key ids must not make us a nuisance."""
WAIT_S: Final = 5.0
BYTES_MAX: Final = 1024 * 1024


class RemoteKeys:
    """The keys that a signer publishes at an address. Those fetched last serve on while it cannot be reached.

    Raises: StartRefused `key_set_address`: keys fetched in the clear are anybody's.
    """

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        if place.scheme != "https" and not (place.scheme == "http" and _loopback(place.hostname or "")):
            raise StartRefused("key_set_address", value=address)
        self._address = address
        self._keys: KeySet | None = None
        self._asked_at = self._fetched_at = float("-inf")
        self._asking = asyncio.Lock()

    async def current(self) -> KeySet:
        """Return the keys, fetched if they are not there or old. Raises: UpstreamTrouble."""
        if self._keys is None or _seconds() - self._fetched_at > KEPT_S:
            return await self.newer()
        return self._keys

    async def newer(self) -> KeySet:
        """Return the keys as they are now, or as they were where they were asked for a moment ago.

        Raises: UpstreamTrouble `signing_keys_away` where there are none to go on with.
        """
        async with self._asking:
            if _seconds() - self._asked_at > ASKED_EVERY_S:
                self._asked_at = _seconds()
                fetched = await self._fetch()
                if fetched is not None:
                    self._keys, self._fetched_at = fetched, _seconds()
        if self._keys is None:
            raise UpstreamTrouble("signing_keys_away")
        return self._keys

    async def _fetch(self) -> KeySet | None:
        """Return what is published; None where nothing usable can be had."""
        wait = aiohttp.ClientTimeout(total=WAIT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=wait) as session,
                session.get(self._address, allow_redirects=False, raise_for_status=True) as answer,
            ):
                body = await answer.content.read(BYTES_MAX)
            return key_set(msgspec.json.decode(body, type=dict[str, Any]))
        except (
            aiohttp.ClientError,
            TimeoutError,
            msgspec.MsgspecError,
            JoseError,
            ValueError,
            KeyError,
            TypeError,
        ):
            return None


def key_set(document: Mapping[str, Any]) -> KeySet:
    """Return a document's keys. Raises: what joserfc raises for one that is no key set."""
    return KeySet.import_key_set({"keys": list(document["keys"])})


def _loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _seconds() -> float:
    """Return the loop's time: how long keys are kept has nothing to do with anybody's account."""
    return asyncio.get_running_loop().time()
