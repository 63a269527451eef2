"""Notices on their way: signed, tried again with pauses, given up, seen and sent again; one node each."""

import asyncio
import json
import socket
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from standardwebhooks import Webhook

from tokenhouse import Settings, Tokenhouse
from tokenhouse.edges import channels
from tokenhouse.edges.channels import webhook
from tokenhouse.edges.channels.mail import Mail
from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow import endpoints, outbox, reading
from tokenhouse.settings import Smtp
from tokenhouse.store import outbox as stored

PLACE = "https://tokens.example.com"


async def cross(house, ref="alice", **profile):
    """Let an account cross its first level, and its notice be written."""
    await house.account(ref, **profile)
    await house.charge(ref, 91_000)
    await house.desk.bell.settled()


async def states(house):
    return [one.state for one in await house.deliveries(rows_max=100)]


@pytest.mark.row("B4")
async def test_a_webhook_arrives_signed_and_says_both_shares(house, receiver, clock):
    made = await house.create_endpoint(receiver.url, name="ours", actor="key:op")
    assert made.secret.startswith("whsec_")
    await cross(house)
    assert (await house.deliver()).sent == 1
    assert (await house.deliver()).sent == 0
    ((headers, body),) = receiver.seen
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert at == clock()
    expected = Webhook(made.secret).sign(headers["webhook-id"], at, body.decode())
    assert headers["webhook-signature"] == expected
    document = json.loads(body)
    assert document["type"] == "notice.level"
    assert document["data"]["account"] == "alice"
    assert (document["data"]["used_percent"], document["data"]["left_percent"]) == ("91", "9")
    assert document["data"]["remaining"] == "9000"
    assert document["data"]["resets_at"] == "2026-12-01T00:00:00Z"
    assert document["data"]["purchase_url"].startswith("https://tokens.example.com/buy")
    (sent,) = await house.deliveries()
    assert (sent.state, sent.attempts, sent.target, sent.error) == ("sent", 1, "ours", "")


@pytest.mark.row("B4")
async def test_the_signature_holds_by_the_specification_s_own_verifier(database, settings, receiver):
    async with Tokenhouse.open(database, settings=settings) as house, channels.opened(house):
        made = await house.create_endpoint(receiver.url)
        await house.try_endpoint(made.endpoint.id)
    ((headers, body),) = receiver.seen
    assert Webhook(made.secret).verify(body, headers)["type"] == "notice.test"


@pytest.mark.row("B4")
async def test_a_receiver_that_fails_is_tried_again_later_and_later(house, receiver, clock):
    await house.create_endpoint(receiver.url)
    await cross(house)
    receiver.answers = [web.Response(status=500), web.Response(status=302, headers={"location": "/x"})]
    assert (await house.deliver()).again == 1
    (one,) = await house.deliveries(state="pending")
    assert (one.attempts, one.error) == (1, "status 500")
    assert 3.75 <= (one.next_at - clock()).total_seconds() <= 5
    assert await house.deliver() == outbox.Delivered()
    clock.move(seconds=5)
    assert (await house.deliver()).again == 1
    assert len(receiver.seen) == 2, "no redirect is followed"
    clock.move(seconds=20)
    assert (await house.deliver()).sent == 1
    ids = {headers["webhook-id"] for headers, _ in receiver.seen}
    assert len(ids) == 1
    assert len({body for _, body in receiver.seen}) == 1, "a receiver may compare what it has with what comes"
    assert json.loads(receiver.seen[-1][1])["timestamp"] == "2026-11-21T03:00:00Z", "when it happened"


async def test_a_node_that_slept_begins_no_delivery_that_another_may_have_taken(house, clock, monkeypatch):
    monkeypatch.setattr(outbox, "ABREAST", 1)
    handed = []

    class Slow:
        """Sends as a machine does that is put to sleep in the middle of it."""

        async def send(self, parcel):
            handed.append(parcel.id)
            clock.move(seconds=outbox.LEASE_S)

        async def close(self):
            pass

    await house.create_endpoint("https://example.com/hook")
    for ref in ("alice", "bob"):
        await cross(house, ref)
    house.desk.channels.senders["webhook"] = Slow()
    assert (await house.deliver()).sent == 1
    assert len(handed) == 1
    assert (await house.deliver()).sent == 1
    assert len(set(handed)) == 2
    assert [one.attempts for one in await house.deliveries()] == [1, 1]


async def test_a_receiver_says_when_to_come_back(house, receiver, clock):
    await house.create_endpoint(receiver.url)
    await cross(house)
    receiver.answers = [
        web.Response(status=429, headers={"retry-after": "600"}),
        web.Response(status=503, headers={"retry-after": "Sat, 21 Nov 2026 04:00:00 GMT"}),
        web.Response(status=503, headers={"retry-after": "soon"}),
    ]
    await house.deliver()
    assert (await house.deliveries())[0].next_at == clock.now.replace(minute=10)
    clock.move(minutes=10)
    await house.deliver()
    assert (await house.deliveries())[0].next_at == clock.now.replace(hour=4, minute=0)
    clock.move(minutes=50)
    await house.deliver()
    assert (await house.deliveries())[0].next_at < clock.now.replace(minute=2)


@pytest.mark.row("B4")
async def test_dead_letters_are_seen_and_sent_again(house, receiver, clock):
    await house.create_endpoint(receiver.url)
    await cross(house)
    receiver.answers = [web.Response(status=500) for _ in range(outbox.ATTEMPTS_MAX)]
    for _ in range(outbox.ATTEMPTS_MAX):
        await house.deliver()
        clock.move(hours=10)
    (dead,) = await house.deliveries(state="dead")
    assert (dead.attempts, dead.error) == (outbox.ATTEMPTS_MAX, "status 500")
    assert await house.count_deliveries() == {"pending": 0, "dead": 1}
    assert (await house.deliver()).sent == 0
    again = await house.resend(dead.id)
    assert (again.state, again.attempts, again.error) == ("pending", 0, "")
    assert (await house.resend(dead.id)).state == "pending"
    assert (await house.deliver()).sent == 1
    assert await states(house) == ["sent"]
    with pytest.raises(NotFound):
        await house.resend("0" * 32)


@pytest.mark.row("B4")
async def test_two_nodes_send_each_delivery_once(database, settings, clock, receiver):
    async with (
        Tokenhouse.open(database, settings=settings, clock=clock) as one,
        Tokenhouse.open(database, settings=settings, clock=clock) as other,
        channels.opened(one),
        channels.opened(other),
    ):
        await one.create_endpoint(receiver.url)
        for nth in range(30):
            await cross(one, f"user{nth}")
        ran = await asyncio.gather(one.deliver(), other.deliver(), one.deliver())
    assert sum(each.sent for each in ran) == 30
    ids = [headers["webhook-id"] for headers, _ in receiver.seen]
    assert len(ids) == len(set(ids)) == 30


@pytest.mark.row("E2")
async def test_what_a_node_took_and_never_ended_is_sent_by_another_under_the_same_id(
    house, receiver, clock, monkeypatch
):
    await house.create_endpoint(receiver.url)
    await cross(house)

    async def dies(*_):
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(stored, "write_tried", dies)
        with pytest.raises(asyncio.CancelledError):
            await house.deliver()
    assert (await house.deliver()).sent == 0, "the lease of the dead node lasts"
    clock.move(seconds=outbox.LEASE_S)
    assert (await house.deliver()).sent == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1
    assert len(receiver.seen) == 2


@pytest.mark.row("B4")
async def test_410_disables_the_endpoint_and_ends_what_waits_for_it(house, receiver, clock):
    made = await house.create_endpoint(receiver.url)
    await cross(house)
    await house.deliver()
    receiver.answers = [web.Response(status=500), web.Response(status=410)]
    await cross(house, "bob")
    await house.deliver()
    await cross(house, "carol")
    await house.deliver()
    (endpoint,) = await house.endpoints()
    assert endpoint.disabled_at == clock()
    assert "410" in endpoint.disabled_why
    assert sorted(await states(house)) == ["dead", "dead", "sent"]
    await cross(house, "dora")
    assert len(await states(house)) == 3
    assert (await house.enable_endpoint(made.endpoint.id)).disabled_at is None
    for one in await house.deliveries(state="dead"):
        await house.resend(one.id)
    assert (await house.deliver()).sent == 2


async def test_an_endpoint_at_rest_makes_dead_letters_of_what_is_sent_again(house, receiver):
    made = await house.create_endpoint(receiver.url)
    await cross(house)
    assert (await house.disable_endpoint(made.endpoint.id, why="moving")).disabled_why == "moving"
    (dead,) = await house.deliveries()
    assert (dead.state, dead.error) == ("dead", "moving")
    await house.resend(dead.id)
    assert (await house.deliver()).dead == 1
    assert receiver.seen == []


@pytest.mark.row("E7")
async def test_a_rotated_secret_signs_at_once_and_the_old_one_for_a_day(house, receiver, clock):
    made = await house.create_endpoint(receiver.url)
    fresh = await house.rotate_endpoint(made.endpoint.id)
    assert fresh.secret != made.secret
    await house.try_endpoint(made.endpoint.id)
    clock.move(hours=24)
    await house.try_endpoint(made.endpoint.id)
    (first, body), (second, later) = receiver.seen

    def by(secret, headers, body):
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        return Webhook(secret).sign(headers["webhook-id"], at, body.decode())

    assert first["webhook-signature"].split() == [by(one, first, body) for one in (fresh.secret, made.secret)]
    assert second["webhook-signature"].split() == [by(fresh.secret, second, later)]
    with pytest.raises(NotFound):
        await house.rotate_endpoint("0" * 32)


async def test_a_test_is_tried_once_and_says_how_it_went(house, receiver):
    made = await house.create_endpoint(receiver.url, account="")
    assert (await house.try_endpoint(made.endpoint.id)).state == "sent"
    receiver.answers = [web.Response(status=500)]
    failed = await house.try_endpoint(made.endpoint.id)
    assert (failed.state, failed.error) == ("dead", "status 500")
    with pytest.raises(NotFound):
        await house.try_endpoint("0" * 32)


async def test_nothing_is_sent_over_a_channel_that_is_not_open(database, settings, clock, receiver):
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        made = await house.create_endpoint(receiver.url)
        await cross(house, email="alice@example.com")
        assert await house.deliver() == outbox.Delivered()
        assert await states(house) == ["pending", "pending"]
        with pytest.raises(InvalidInput):
            await house.try_endpoint(made.endpoint.id)


async def test_endpoints_get_the_notices_that_are_theirs(house, receiver):
    await house.account("alice")
    mine = await house.create_endpoint(receiver.url, account="alice", kinds=["level"])
    await house.create_endpoint(receiver.url, kinds=["bought"])
    await cross(house)
    await cross(house, "bob")
    assert [(one.endpoint) for one in await house.deliveries()] == [mine.endpoint.id]
    await house.grant("bob", 5, source="purchase")
    await house.desk.bell.settled()
    assert (await house.deliver()).sent == 2


async def test_a_plan_says_over_which_channels_notices_leave(house, receiver):
    plan = {"allowance": [{"amount": 100_000, "every": "month"}]}
    await house.write_plan({"name": "quiet", **plan, "notify": {"channels": []}})
    await house.create_endpoint(receiver.url)
    await cross(house, plan="quiet", email="alice@example.com")
    assert len(await house.notices("alice")) == 1
    assert await house.deliveries() == []


@pytest.mark.row("E7")
async def test_private_addresses_are_refused_where_they_are_not_allowed(house, receiver, monkeypatch):
    port = receiver.url.split(":")[2].split("/")[0]
    guarded = webhook.Webhooks(private=False)
    house.desk.channels.senders["webhook"] = guarded
    try:
        for host in (
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "0x7f.1",
        ):
            made = await house.create_endpoint(f"http://{host}:{port}/hooks")
            failed = await house.try_endpoint(made.endpoint.id)
            assert (failed.state, failed.error) == ("dead", "the address is a private one"), host
    finally:
        await guarded.close()
    assert receiver.seen == []


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 -- to be refused
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:0a00:0001::", False),
        ("64:ff9b::a00:1", False),
        ("2001:0:53aa:64c:0:0:0:0", False),
    ],
)
def test_what_is_public(host, public):
    assert webhook.is_public(host) is public


async def test_in_production_an_address_needs_tls(database, clock, tmp_path):
    settings = Settings(home=tmp_path, environment="production", plan="chat-tokens")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        for url in (
            "http://example.com/",
            "ftp://example.com/",
            "https://u:p@example.com/",
            "x",
            "https://[/",
        ):
            with pytest.raises(InvalidInput):
                await house.create_endpoint(url)
        assert (await house.create_endpoint("https://example.com/h")).secret


@pytest.mark.row("E7")
async def test_troubles_on_the_way_are_named_without_the_address(house, clock, caplog):
    caplog.set_level("DEBUG")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/?token=hush", "http://nowhere.invalid/?token=hush"):
        made = await house.create_endpoint(url)
        failed = await house.try_endpoint(made.endpoint.id)
        assert failed.state == "dead"
        assert failed.error
        assert "hush" not in repr(failed)
        assert "hush" not in repr(made.endpoint) + caplog.text
        assert made.secret not in repr(made.endpoint) + repr(failed) + caplog.text


async def test_a_receiver_that_hangs_is_let_go(house, receiver, monkeypatch):
    monkeypatch.setattr(outbox, "ATTEMPT_S", 0.05)
    receiver.answers = [5.0]
    made = await house.create_endpoint(receiver.url)
    assert (await house.try_endpoint(made.endpoint.id)).error == "no answer in time"


async def test_a_fault_of_ours_is_a_failure_like_any_other(house, receiver):
    class Broken:
        async def send(self, _parcel):
            raise ZeroDivisionError

    house.desk.channels.senders["webhook"] = Broken()
    made = await house.create_endpoint(receiver.url)
    assert (await house.try_endpoint(made.endpoint.id)).error == "ZeroDivisionError"


async def test_a_name_is_public_only_if_all_that_it_leads_to_is():
    class Names(AbstractResolver):
        closed = False

        async def resolve(self, host, *_):
            return [{"host": one} for one in host.split("+")]

        async def close(self):
            self.closed = True

    names = Names()
    guarded = webhook.PublicOnly(names)
    assert await guarded.resolve("8.8.8.8+1.1.1.1")
    with pytest.raises(webhook.PrivateAddress):
        await guarded.resolve("8.8.8.8+10.0.0.1")
    await guarded.close()
    assert names.closed


async def test_more_than_a_node_takes_at_once_is_sent_in_turns(house, receiver, monkeypatch):
    monkeypatch.setattr(outbox, "ROWS", 2)
    await house.create_endpoint(receiver.url)
    for nth in range(5):
        await cross(house, f"user{nth}")
    assert (await house.deliver()).sent == 5


async def test_a_receiver_that_fails_for_all_holds_up_no_other(house, receiver, clock, monkeypatch):
    monkeypatch.setattr(outbox, "ABREAST", 1)
    monkeypatch.setattr(outbox, "ROWS", 10)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for nth in range(12):
        await house.account(f"user{nth}")
    broken = await house.create_endpoint(f"http://127.0.0.1:{port}/")
    for nth in range(12):
        await cross(house, f"user{nth}")
    await house.create_endpoint(receiver.url)
    clock.move(seconds=1)
    await cross(house, "last")
    delivered = await house.deliver()
    assert (delivered.sent, delivered.again) == (1, outbox.FAILURES_MAX)
    waiting = [one for one in await house.deliveries(rows_max=100) if one.endpoint == broken.endpoint.id]
    assert sorted(one.attempts for one in waiting) == [0] * 8 + [1] * outbox.FAILURES_MAX
    assert (await house.deliver()).again == 0
    clock.move(seconds=outbox.REST_S)
    assert (await house.deliver()).again == outbox.FAILURES_MAX


async def test_a_mail_server_that_is_away_is_left_alone_too(house, settings, clock):
    wrong = Smtp(host="127.0.0.1", port=1, sender="a@b.c", tls="none", timeout_s=2)
    house.desk.channels.senders["email"] = Mail(wrong, PLACE)
    for nth in range(8):
        await cross(house, f"user{nth}", email="a@example.com")
    assert (await house.deliver()).again >= outbox.FAILURES_MAX
    house.desk.channels.senders["email"] = Mail(settings.smtp, PLACE)
    clock.move(seconds=5)
    assert (await house.deliver()).sent == 0
    clock.move(seconds=outbox.REST_S)
    assert (await house.deliver()).sent == 8


async def test_endpoints_have_a_number(house, receiver, monkeypatch):
    monkeypatch.setattr(endpoints, "ENDPOINTS_MAX", 1)
    await house.account("alice")
    first = await house.create_endpoint(receiver.url)
    await house.create_endpoint(receiver.url, account="alice")
    for account in ("", "alice"):
        with pytest.raises(InvalidInput):
            await house.create_endpoint(receiver.url, account=account)
    await house.disable_endpoint(first.endpoint.id)
    assert await house.create_endpoint(receiver.url)


async def test_deliveries_are_listed_by_state_and_page_and_forgotten_in_time(house, receiver, clock):
    await house.create_endpoint(receiver.url)
    for nth in range(3):
        await cross(house, f"user{nth}")
        clock.move(seconds=1)
    await house.deliver()
    first = await house.deliveries(rows_max=2)
    rest = await house.deliveries(rows_max=2, before=first[-1].id)
    assert len({one.id for one in [*first, *rest]}) == 3
    with pytest.raises(InvalidInput):
        await house.deliveries(state="lost")
    assert len(await house.endpoints(before="f" * 32)) == 1
    await house.read_notices("user0")
    clock.move(seconds=1)
    assert await outbox.forget(house.desk, clock()) == 3
    assert await reading.forget(house.desk, clock()) == 1


@pytest.mark.parametrize("attempts", range(1, 12))
def test_pauses_grow_by_four_to_ten_hours_and_chance_takes_at_most_a_quarter(attempts):
    longest = min(5 * 4 ** (attempts - 1), 36_000)
    for digits in ("0000", "8000", "ffff"):
        assert 0.75 * longest <= outbox.pause_s(attempts, None, digits) <= longest
    assert outbox.pause_s(attempts, 40_000, "0000") == 36_000
