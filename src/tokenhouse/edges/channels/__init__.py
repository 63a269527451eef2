"""Channels: how notices leave the house: signed webhooks, e-mail over SMTP, and services of a library."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tokenhouse.edges.channels import services
from tokenhouse.edges.channels.mail import Mail
from tokenhouse.edges.channels.webhook import Webhooks
from tokenhouse.flow.channels import Channels
from tokenhouse.house import Tokenhouse


@asynccontextmanager
async def opened(house: Tokenhouse) -> AsyncIterator[None]:
    """Let a house send notices while the block runs, over every channel that its settings allow."""
    settings = house.desk.settings
    webhooks = Webhooks(private=settings.private_webhooks)
    channels = Channels(senders={"webhook": webhooks})
    if settings.smtp is not None:
        channels.senders["email"] = Mail(settings.smtp, settings.place)
    if services.installed():
        channels.senders["service"] = services.Services()
        channels.is_service = services.is_service
    before, house.desk.channels = house.desk.channels, channels
    try:
        yield
    finally:
        house.desk.channels = before
        await webhooks.close()
