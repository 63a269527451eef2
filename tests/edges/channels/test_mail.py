"""Notices by e-mail, over a real mail server, and over a service of the library."""

import asyncio
import json
from dataclasses import replace

import pytest

from tokenhouse import Settings, Tokenhouse
from tokenhouse.edges import channels
from tokenhouse.edges.channels import services
from tokenhouse.edges.channels.mail import Mail
from tokenhouse.errors import InvalidInput, StartRefused
from tokenhouse.flow.endpoints import place_of
from tokenhouse.settings import Smtp, read

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""What the library of services imports while it looks for its parts."""


PLACE = "https://tokens.example.com"


async def cross(house, ref="alice", **profile):
    await house.account(ref, **profile)
    await house.charge(ref, 91_000)
    await house.desk.bell.settled()


@pytest.mark.row("B4", "E10")
@pytest.mark.parametrize(
    ("locale", "subject", "words"),
    [("en", "91 % used, 9 % left", ["only 9 % is left"]), ("ko", "91% 사용, 9% 남음", ["9%만 남았습니다"])],
)
async def test_a_mail_has_text_and_html_in_the_account_s_language(house, mailbox, locale, subject, words):
    await cross(house, email="alice@example.com", locale=locale)
    assert (await house.deliver()).sent == 1
    (mail,) = mailbox.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "Tokens <tokens@example.com>",
        "alice@example.com",
        subject,
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert [word for word in words if word not in text or word not in page] == []
    assert "https://tokens.example.com/buy?a=1&b=2" in text
    assert 'href="https://tokens.example.com/buy?a=1&amp;b=2"' in page
    assert f'lang="{locale}"' in page
    assert mail["Content-Language"] == locale
    settings = mail["List-Unsubscribe"].strip("<>")
    assert settings.endswith("/app/settings")
    assert text.rstrip().endswith(settings)
    assert f'href="{settings}"' in page
    assert page.count("tokens.example.com/buy") == 1, "the button says it; the sentence need not"
    (sent,) = await house.deliveries()
    assert mail["Message-ID"] == f"<{sent.id}@example.com>"
    assert sent.target == "alice@example.com"


async def test_who_wants_no_mail_gets_none(house):
    await house.account("alice", email="alice@example.com")
    await house.set_notice_settings("alice", by_email=False)
    await cross(house)
    await cross(house, "bob")
    assert await house.deliveries() == []


async def test_without_a_purchase_page_a_mail_has_no_button(house, mailbox):
    await house.account("alice", email="alice@example.com")
    await house.grant("alice", 5_000, source="purchase")
    await house.desk.bell.settled()
    await house.deliver()
    (mail,) = mailbox.mails
    assert mail.get_body(("html",)).get_content().count("href") == 1


async def test_a_mailbox_that_is_not_there_is_given_up_and_a_full_one_is_tried_again(house, mailbox, clock):
    mailbox.answers = ["550 no such user"]
    await cross(house, email="nobody@example.com")
    assert (await house.deliver()).dead == 1
    mailbox.answers = ["452 full"]
    await cross(house, "bob", email="bob@example.com")
    assert (await house.deliver()).again == 1
    clock.move(seconds=5)
    assert (await house.deliver()).sent == 1
    assert {one.error for one in await house.deliveries()} == {"", "the mail server answered 550"}


async def test_troubles_of_the_mail_server_are_tried_again(house, settings, clock):
    await cross(house, email="alice@example.com")
    smtp = settings.smtp
    for wrong, word in (
        (Smtp(host="127.0.0.1", port=1, sender="a@b.c", tls="none", timeout_s=2), "cannot be used"),
        (Smtp(host="127.0.0.1", port=smtp.port, sender="a@b.c", timeout_s=2), "cannot be used"),
        (
            Smtp(host="127.0.0.1", port=smtp.port, sender="a@b.c", tls="none", user="u", password="hush"),
            "cannot be used",
        ),
    ):
        house.desk.channels.senders["email"] = Mail(wrong, PLACE)
        assert (await house.deliver()).again == 1
        (one,) = await house.deliveries()
        assert word in one.error
        assert "hush" not in repr(wrong) + repr(one)
        clock.move(hours=1)


def test_settings_of_the_mail_server_are_checked_and_its_password_is_read(tmp_path):
    (tmp_path / "tokenhouse.toml").write_text(
        '[smtp]\nhost = "mail.example.com"\nsender = "t@example.com"\nuser = "t"\npassword_env = "MAIL"\n',
        encoding="utf-8",
    )
    found = read({"TOKENHOUSE_HOME": str(tmp_path), "MAIL": "hush"})
    assert found.smtp.password == "hush"
    assert "hush" not in repr(found)
    for wrong in ({"host": ""}, {"sender": "nobody"}, {"port": 0}, {"timeout_s": 100}, {"sender": "a@b\n"}):
        with pytest.raises(StartRefused):
            Smtp(**{"host": "h", "sender": "a@b.c"} | wrong)


@pytest.mark.row("B4")
async def test_a_service_gets_a_notice_with_the_account_s_name(house, receiver):
    url = receiver.url.replace("http://", "json://").partition("?")[0]
    made = await house.create_endpoint(url, channel="service")
    assert made.secret == ""
    assert made.endpoint.name == "json"
    assert place_of(made.endpoint) == "json://…"
    await cross(house)
    assert (await house.deliver()).sent == 1
    ((_, body),) = receiver.seen
    document = json.loads(body)
    assert document["title"] == "alice: 91 % used, 9 % left"
    assert "9 % is left" in document["message"]


async def test_a_service_that_takes_nothing_is_tried_again(house, receiver):
    from aiohttp import web

    url = receiver.url.replace("http://", "json://").partition("?")[0]
    await house.create_endpoint(url, channel="service", account="")
    receiver.answers = [web.Response(status=500)]
    await cross(house)
    assert (await house.deliver()).again == 1
    assert (await house.deliveries())[0].error == "the service did not take it"


async def test_services_need_the_library_and_an_address_that_it_knows(house, monkeypatch):
    for url in ("nothing", "unheard://of", "slack://"):
        with pytest.raises(InvalidInput):
            await house.create_endpoint(url, channel="service")
    with pytest.raises(InvalidInput):
        await house.create_endpoint("https://example.com", channel="pigeon")
    with pytest.raises(InvalidInput):
        await house.create_endpoint("https://example.com", kinds=["gossip"])
    monkeypatch.setattr(services, "find_spec", lambda _: None)
    async with channels.opened(house):
        with pytest.raises(InvalidInput, match="tokenhouse\\[notify\\]"):
            await house.create_endpoint("slack://a/b/c", channel="service")


async def test_without_a_mail_server_no_mail_is_written(database, clock, tmp_path):
    async with Tokenhouse.open(database, settings=Settings(home=tmp_path), clock=clock) as house:
        await cross(house, email="alice@example.com")
        assert await house.deliveries() == []
        assert replace(await house.count_notices("alice"), total=0).unread == 1


class Talker:
    """A mail server that says what it is told to, line by line, whatever it hears; then nothing."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.ended = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in self.lines:
            writer.write(line.encode() + b"\r\n")
            if not await reader.readline():
                break
        await reader.read()
        writer.close()
        await writer.wait_closed()
        self.ended.set()


@pytest.mark.parametrize(
    ("lines", "error", "state"),
    [
        (
            ["220 hi", "250-hi\r\n250 AUTH PLAIN", "535 no"],
            "the mail server does not take our user and password",
            "pending",
        ),
        (["220 hi", "250 hi", "554 not from you", "250 reset"], "the mail server answered 554", "dead"),
        (["220 hi", "250 hi", "421 later", "250 reset"], "the mail server answered 421", "pending"),
        (["220 hi"], "the mail server gave no answer in time", "pending"),
    ],
)
async def test_what_a_mail_server_answers_decides_whether_it_is_asked_again(house, lines, error, state):
    talker = Talker(*lines)
    server = await asyncio.start_server(talker, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = {"user": "u", "password": "hush"} if "AUTH" in str(lines) else {}
    smtp = Smtp(host="127.0.0.1", port=port, sender="a@b.c", tls="none", timeout_s=1, **user)
    house.desk.channels.senders["email"] = Mail(smtp, PLACE)
    await cross(house, email="alice@example.com")
    await house.deliver()
    (one,) = await house.deliveries()
    assert (one.error, one.state) == (error, state)
    await talker.ended.wait()
    server.close()
    await server.wait_closed()
