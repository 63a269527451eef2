"""Real receivers of notices on loopback: a web server that answers as it is told to, and a mail server."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP

from tokenhouse import Settings, Tokenhouse
from tokenhouse.edges import channels
from tokenhouse.settings import Smtp


class Receiver:
    """A web server that keeps what comes, and answers with the next of `answers`, at last with 204."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[web.Response | float] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.seen.append((dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if self.answers else web.Response(status=204)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return web.Response(status=204)
        return answer


class Mailbox:
    """A mail server that keeps what comes, and answers each RCPT with the next of `answers`, at last 250."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: list[str] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks?token=in-the-query"
    yield one
    await runner.cleanup()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    one = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(one, hostname="mail.test"), "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    yield one
    server.close()
    await server.wait_closed()


@pytest.fixture
def smtp(mailbox: Mailbox) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": mailbox.port, "sender": "Tokens <tokens@example.com>", "tls": "none"}


@pytest.fixture
def settings(smtp: dict[str, Any], tmp_path: Any) -> Settings:
    return Settings(home=tmp_path, purchase_url="https://tokens.example.com/buy?a=1&b=2", smtp=Smtp(**smtp))


@pytest.fixture
async def house(database: str, clock: Any, settings: Settings) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house, channels.opened(house):
        yield house
