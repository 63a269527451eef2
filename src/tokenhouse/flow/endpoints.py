"""Endpoints: where notices go besides e-mail: webhooks that we sign, and services such as Slack."""

import base64
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_bytes
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

import msgspec

from tokenhouse import messages
from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.desk import Desk, checked_choice, checked_id, checked_list, checked_text, checked_whole
from tokenhouse.flow.outbox import PAGE_MAX, try_out
from tokenhouse.rules.notices import KINDS
from tokenhouse.store import outbox
from tokenhouse.store.keys import NOBODY
from tokenhouse.store.outbox import Delivery, Endpoint

CHANNELS: Final = ("webhook", "service")
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- the specification's mark of a secret
SECRET_BYTES: Final = 32
ENDPOINTS_MAX: Final = 50
"""Endpoints in use of the deployment at most, and of each account."""
ROTATION: Final = timedelta(hours=24)
"""How long the secret before the newest one signs beside it."""


class NewEndpoint(NamedTuple):
    """An endpoint, and the secret that signs: shown this once and never again; "" for a service."""

    endpoint: Endpoint
    secret: str


async def create(
    desk: Desk, *, channel: str, url: str, name: str, account: str, kinds: Sequence[str], actor: str
) -> NewEndpoint:
    """Make an endpoint, of all accounts or of one. Raises: InvalidInput, NotFound."""
    checked_choice(channel, "channel", CHANNELS)
    for kind in checked_list(kinds, "kinds"):
        checked_choice(kind, "kinds", KINDS)
    place = await _checked_place(desk, channel, checked_text(url, "url", least=1, most=2_000))
    address = await desk.address(account) if account != "" else None
    made = Endpoint(
        id=desk.new_id(),
        place=None if address is None else (address.cell, address.account),
        ref=account,
        channel="webhook" if channel == "webhook" else "service",
        name=checked_text(name, "name", most=100) or place,
        url=url,
        kinds=tuple(dict.fromkeys(kinds)),
        secret=new_secret() if channel == "webhook" else "",
        created_at=desk.clock(),
        created_by=checked_text(actor, "actor"),
    )
    async with desk.pool.acquire() as connection:
        written = await outbox.write_endpoint(connection, made, ENDPOINTS_MAX)
    if not written:
        raise InvalidInput("endpoints_too_many", field="account", value=account, most=ENDPOINTS_MAX)
    return NewEndpoint(made, made.secret)


def new_secret() -> str:
    """Return a fresh secret as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(token_bytes(SECRET_BYTES)).decode()


def place_of(endpoint: Endpoint) -> str:
    """Return what may be shown of an endpoint's address: scheme and host, for the rest may hold secrets."""
    parts = _parts(endpoint.url)
    if endpoint.channel == "service":
        return f"{parts.scheme}://…"
    return f"{parts.scheme}://{parts.hostname}{':' + str(parts.port) if parts.port else ''}/…"


async def _checked_place(desk: Desk, channel: str, url: str) -> str:
    """Return the name that an endpoint has where nobody gave it one. Raises: InvalidInput."""
    parts = _parts(url)
    if channel == "service":
        checker = desk.channels.is_service
        if checker is None:
            raise InvalidInput("notify_extra", field="channel", value="service")
        if not await checker(url):
            raise InvalidInput("service_url", field="url", value=parts.scheme[:20])
        return parts.scheme
    strange = not parts.hostname or parts.username or parts.fragment or " " in url
    if strange or parts.scheme not in ("http", "https"):
        raise InvalidInput("webhook_url", field="url", value="")
    host = (parts.hostname or "")[:100]
    if parts.scheme == "http" and not desk.settings.private_webhooks:
        raise InvalidInput("webhook_http", field="url", value=host)
    return host


def _parts(url: str) -> SplitResult:
    """Return the parts of an address; none of what is no address at all."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # Reading it is what checks it.
    except ValueError:
        return urlsplit("")
    return parts


async def page(desk: Desk, *, before: str | None, rows_max: int) -> list[Endpoint]:
    """Return a page of endpoints, newest first."""
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    last = None if before is None else checked_id(before, "cursor")
    async with desk.pool.acquire() as connection:
        return await outbox.list_endpoints(connection, last, rows_max)


async def rotate(desk: Desk, endpoint: str) -> NewEndpoint:
    """Give a webhook a new secret; the old one signs beside it for a day. Raises: NotFound."""
    secret = new_secret()
    async with desk.pool.acquire() as connection:
        found = await outbox.write_endpoint_rotated(
            connection, checked_id(endpoint, "endpoint"), secret, desk.clock() + ROTATION
        )
    return NewEndpoint(_known(found, endpoint), secret)


async def disable(desk: Desk, endpoint: str, *, why: str) -> Endpoint:
    """Let an endpoint rest; what waits for it is given up. Idempotent. Raises: NotFound."""
    wanted, now = checked_id(endpoint, "endpoint"), desk.clock()
    checked_text(why, "why")
    async with desk.pool.acquire() as connection, connection.transaction():
        found = await outbox.write_endpoint_disabled(connection, wanted, now, why)
        if found is not None:
            await keep(connection, found)
    return found or await _find(desk, wanted)


async def enable(desk: Desk, endpoint: str) -> Endpoint:
    """Use an endpoint again. Idempotent. Raises: NotFound."""
    wanted = checked_id(endpoint, "endpoint")
    async with desk.pool.acquire() as connection, connection.transaction():
        found = await outbox.write_endpoint_enabled(connection, wanted)
        if found is not None:
            await keep(connection, found)
    return found or await _find(desk, wanted)


async def try_endpoint(desk: Desk, endpoint: str) -> Delivery:
    """Send a notice to one endpoint now, to see whether it arrives; tried once. Raises: NotFound."""
    one = await _find(desk, checked_id(endpoint, "endpoint"))
    if one.channel not in desk.channels.senders:
        raise InvalidInput("channel_closed", field="endpoint", value=one.channel)
    locale = desk.settings.locale
    document = {
        "kind": "test",
        "account": one.ref,
        "at": desk.clock(),
        "language": locale,
        "title": messages.say("notice.test_title", locale),
        "text": messages.say("notice.test", locale),
        "purchase_url": None,
    }
    return await try_out(desk, _delivery(desk, one, document))


def _delivery(desk: Desk, one: Endpoint, document: dict[str, object]) -> Delivery:
    """Return a delivery that belongs to no notice."""
    cell, account = one.place or (NOBODY.cell, NOBODY.account)
    return Delivery(
        cell=cell,
        id=desk.new_id(),
        account=account,
        notice=None,
        channel=one.channel,
        endpoint=one.id,
        target=one.name,
        payload=msgspec.json.encode(document).decode(),
    )


async def _find(desk: Desk, endpoint: str) -> Endpoint:
    """Return an endpoint. Raises: NotFound."""
    async with desk.pool.acquire() as connection:
        found = (await outbox.list_endpoints_by_id(connection, [endpoint])).get(endpoint)
    return _known(found, endpoint)


def _known(found: Endpoint | None, endpoint: str) -> Endpoint:
    """Return an endpoint that is there. Raises: NotFound."""
    if found is None:
        raise NotFound("endpoint_unknown", id=endpoint)
    return found
