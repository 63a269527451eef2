"""API keys: a secret shown once and kept by nobody, found fast, ended for good."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble, InvalidInput, ModelRefused, NotFound, Unauthenticated
from tokenhouse.flow import keys as flow_keys
from tokenhouse.flow.keyring import KEPT_S, Keyring
from tokenhouse.store.pool import connect


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.account("alice")
        yield house


async def remembered(house, secret):
    """Have a key remembered for good: the first one is forgotten once more when the node begins to hear."""
    await house.authenticate(secret)
    await asyncio.wait_for(house.desk.bus.attentive.wait(), 5)
    await house.authenticate(secret)


async def refused(house, secret):
    with pytest.raises(Unauthenticated) as no:
        await house.authenticate(secret)
    return no.value.reason


@pytest.mark.row("D9")
async def test_a_secret_opens_what_it_was_made_for(house):
    made = await house.create_key("alice", name="공장", models=["gpt-*", "o3"], actor="root")
    key = await house.authenticate(made.secret)
    assert (key.id, key.account, key.name, key.created_by) == (made.id, "alice", "공장", "root")
    assert made.secret.startswith(key.prefix)
    assert len(made.secret) == 46
    assert key.allows("gpt-5")
    assert key.allows("o3")
    assert not key.allows("o3-mini")
    with pytest.raises(ModelRefused) as no:
        flow_keys.admit(key, "claude-opus")
    assert "gpt-*, o3" in no.value.message("en")
    reservation = await house.reserve(key.account, 5, api_key=key.id)
    assert reservation.held == 5


async def test_a_key_without_patterns_opens_every_model(house):
    made = await house.create_key("alice")
    flow_keys.admit(await house.authenticate(made.secret), "anything")


@pytest.mark.parametrize(
    "secret",
    ["", None, "th_", "sk-123", "th_" + "x" * 43, "th_" + "x" * 42 + "\n", "é" * 46, "th_" + "x" * 1_000_000],
)
async def test_what_is_no_key_is_refused(house, secret):
    assert await refused(house, secret) == ("key_unknown" if secret else "key_missing")


async def test_the_visible_part_alone_opens_nothing(house):
    made = await house.create_key("alice")
    other = "A" if made.secret[-1] != "A" else "B"
    assert await house.find_key(made.secret[:-1] + other) is None
    assert await house.find_key(made.key.prefix) is None


async def test_no_secret_is_kept_or_shown(house, database, caplog):
    caplog.set_level(logging.DEBUG)
    made = await house.create_key("alice")
    key = await house.authenticate(made.secret)
    assert made.secret not in f"{made!r} {made} {key!r} {house.desk.keyring!r} {caplog.text}"
    connection = await connect(database)
    try:
        row = await connection.fetchval("select k::text from tokenhouse.keys k")
    finally:
        await connection.close()
    assert made.secret[len(key.prefix) :] not in row


@pytest.mark.row("C10")
async def test_a_revoked_key_ends_at_once_here_and_within_a_second_on_every_node(house, database, clock):
    made = await house.create_key("alice")
    async with Tokenhouse.open(database, clock=clock) as other:
        for node in (house, other):
            await node.authenticate(made.secret)
            await asyncio.wait_for(node.desk.bus.attentive.wait(), 5)
            await node.authenticate(made.secret)
        ended = await house.revoke_key(made.id, actor="root")
        assert ended.revoked_by == "root"
        assert await refused(house, made.secret) == "key_revoked"
        async with asyncio.timeout(1):
            while other.desk.keyring.seen:  # noqa: ASYNC110 -- a memory has no event
                await asyncio.sleep(0.01)
        assert await refused(other, made.secret) == "key_revoked"
        again = await other.revoke_key(made.id, actor="somebody else")
        assert (again.revoked_at, again.revoked_by) == (ended.revoked_at, "root")


async def test_a_node_that_hears_nothing_finds_out_after_a_few_seconds(house, database, clock):
    made = await house.create_key("alice")
    async with Tokenhouse.open(database, clock=clock) as deaf:
        await deaf.authenticate(made.secret)
        await deaf.desk.bus.close()
        await deaf.authenticate(made.secret)
        await house.revoke_key(made.id)
        await deaf.authenticate(made.secret)  # Remembered there for a moment.
        clock.move(seconds=KEPT_S)
        assert await refused(deaf, made.secret) == "key_revoked"


async def test_a_key_that_was_asked_for_before_it_was_revoked_is_not_remembered():
    ring, now = Keyring(), 1_000_000
    before = ring.revoked
    ring.forget("k")
    ring.keep(b"digest", object(), now, before)
    assert ring.find(b"digest", now) is None


async def test_a_key_expires_to_the_instant(house, clock):
    end = clock() + timedelta(seconds=2)
    made = await house.create_key("alice", expires_at=end)
    await house.authenticate(made.secret)
    clock.move(seconds=2, microseconds=-1)
    await house.authenticate(made.secret)
    clock.move(microseconds=1)
    assert await refused(house, made.secret) == "key_expired"


async def test_keys_are_listed_newest_first(house, clock):
    first = await house.create_key("alice", name="first")
    clock.move(seconds=1)
    second = await house.create_key("alice", name="second")
    await house.revoke_key(first.id)
    assert [(key.id, key.state(house.desk.now())) for key in await house.keys("alice")] == [
        (second.id, "active"),
        (first.id, "revoked"),
    ]
    assert [key.id for key in await house.keys("alice", rows_max=1)] == [second.id]


async def test_last_use_is_written_once_a_minute_beside_the_call(house, clock):
    made = await house.create_key("alice")
    (before,) = await house.keys("alice")
    assert before.last_used_at is None

    async def last_used():
        await house.desk.keyring.close()
        return (await house.keys("alice"))[0].last_used_at

    for _ in range(3):
        await house.authenticate(made.secret)
    first = clock()
    assert await last_used() == first
    clock.move(seconds=59)
    await house.authenticate(made.secret)
    assert await last_used() == first
    clock.move(seconds=1)
    await house.authenticate(made.secret)
    assert await last_used() == clock()


async def test_a_key_that_was_seen_needs_no_database(house):
    made = await house.create_key("alice")
    await remembered(house, made.secret)
    await house.desk.keyring.close()
    pool, house.desk.pool = house.desk.pool, None
    try:
        assert (await house.authenticate(made.secret)).id == made.id
    finally:
        house.desk.pool = pool


async def test_a_lost_time_of_use_costs_nobody_a_call(house, clock, caplog):
    made = await house.create_key("alice")
    await remembered(house, made.secret)
    await house.desk.keyring.close()
    clock.move(minutes=1)
    await house.find_key(made.secret)
    pool, house.desk.pool = house.desk.pool, _Away()
    try:
        await house.authenticate(made.secret)
        await house.desk.keyring.close()
    finally:
        house.desk.pool = pool
    assert "last use of 1 keys not written" in caplog.text
    clock.move(minutes=1)
    await house.authenticate(made.secret)
    await house.desk.keyring.close()
    assert (await house.keys("alice"))[0].last_used_at == clock()


class _Away:
    """A pool whose database is away."""

    def acquire(self):
        raise DatabaseTrouble("postgres_away", problem="away")


async def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("tokenhouse.flow.keyring.KEPT_MAX", 3)
    ring = Keyring()

    async def write(_used):
        await asyncio.sleep(0)

    for n in range(10):
        key = flow_keys.Key(id=str(n), prefix="", account="", name="", models=(), created_at=None)
        ring.keep(bytes([n]), key, n, 0)
        ring.note(key, n, write)
    await ring.close()
    assert len(ring.seen) <= 3
    assert len(ring.used) <= 3


async def test_an_account_has_a_most_of_keys_and_revoked_ones_do_not_count(house, monkeypatch):
    monkeypatch.setattr(flow_keys, "KEYS_MAX", 2)
    first = await house.create_key("alice")
    await house.create_key("alice")
    with pytest.raises(InvalidInput, match="2 API keys"):
        await house.create_key("alice")
    await house.revoke_key(first.id)
    await house.create_key("alice")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a\nb"},
        {"name": "x" * 201},
        {"models": "gpt-*"},
        {"models": 5},
        {"models": ["g*t"]},
        {"models": [""]},
        {"models": ["a"] * 101},
        {"expires_at": "tomorrow"},
        {"actor": "\0"},
    ],
)
async def test_a_key_that_cannot_be_made_is_refused_by_field(house, wrong):
    with pytest.raises(InvalidInput) as no:
        await house.create_key("alice", **wrong)
    assert no.value.facts["field"].startswith(next(iter(wrong)))
    assert await house.keys("alice") == []


async def test_a_key_ends_ahead(house, clock):
    for end in (clock(), datetime(9_991, 1, 1, tzinfo=UTC)):
        with pytest.raises(InvalidInput):
            await house.create_key("alice", expires_at=end)


@pytest.mark.parametrize("role", ["auditor", "operator", "owner"])
async def test_a_key_of_a_role_has_no_account_and_pays_for_nothing(house, role):
    made = await house.create_key(role=role, name="shop")
    assert (made.key.role, made.key.account) == (role, "")
    assert (await house.authenticate(made.secret, any_role=True)).id == made.id
    assert await refused(house, made.secret) == "key_without_account"
    assert [key.id for key in await house.keys("")] == [made.id]
    assert await house.keys("alice") == []
    await house.revoke_key(made.id)
    with pytest.raises(Unauthenticated) as no:
        await house.authenticate(made.secret, any_role=True)
    assert no.value.reason == "key_revoked"


@pytest.mark.parametrize(
    ("ref", "role", "field"), [("alice", "owner", "account"), ("", "root", "role"), ("alice", None, "role")]
)
async def test_a_role_that_does_not_fit_is_refused(house, ref, role, field):
    with pytest.raises(InvalidInput) as no:
        await house.create_key(ref, role=role)
    assert no.value.facts["field"] == field


async def test_unknown_accounts_and_keys_are_not_found(house):
    with pytest.raises(NotFound):
        await house.create_key("bora")
    with pytest.raises(NotFound):
        await house.keys("bora")
    with pytest.raises(NotFound):
        await house.revoke_key("0" * 32)
    with pytest.raises(InvalidInput):
        await house.revoke_key("th_secret")
