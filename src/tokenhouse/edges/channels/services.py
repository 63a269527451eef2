"""Services: Slack, Telegram, KakaoTalk, ntfy and the others that the library Apprise speaks to.

Its addresses hold the service's own token (`slack://…`), and some of them lead anywhere, so only an operator
may write one. Source: https://github.com/caronc/apprise/wiki
"""

import asyncio
import logging
from importlib.util import find_spec
from typing import Final

from tokenhouse.flow.channels import Parcel, Undelivered

SILENT: Final = logging.CRITICAL + 1


def installed() -> bool:
    """Whether the library is there: the extra `notify`. Its log is off, for it would tell whole addresses."""
    logging.getLogger("apprise").setLevel(SILENT)
    return find_spec("apprise") is not None


async def is_service(url: str) -> bool:
    """Whether the library knows the service of an address, and the address is complete.

    It looks through its 170 services when it is first asked, which takes a while.
    """
    return await asyncio.to_thread(_is_service, url)


def _is_service(url: str) -> bool:
    from apprise import Apprise

    return Apprise.instantiate(url, suppress_exceptions=True) is not None


class Services:
    """Sends over the library, which waits for its sockets, so each does in a thread of its own."""

    async def send(self, parcel: Parcel) -> None:
        """Hand a notice to its service. Raises: Undelivered."""
        endpoint = parcel.endpoint
        assert endpoint is not None  # noqa: S101 -- a service has one
        document = parcel.document
        account = document["account"]
        ours = endpoint.place is None and account
        title = f"{account}: {document['title']}" if ours else document["title"]
        if not await asyncio.to_thread(_notify, endpoint.url, title, document["text"]):
            raise Undelivered("the service did not take it")


def _notify(url: str, title: str, text: str) -> bool:
    """Send one message; say whether the service took it."""
    from apprise import Apprise, NotifyFormat

    service = Apprise()
    service.add(url)
    return bool(service.notify(body=text, title=title, body_format=NotifyFormat.TEXT))
