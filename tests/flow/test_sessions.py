"""Sessions: signed in by a password that is slow to try, out when it is time."""

import asyncio
from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest

from tests.conftest import DEAR
from tokenhouse import Tokenhouse
from tokenhouse.errors import Busy, InvalidInput, NotFound, Throttled, Unauthenticated
from tokenhouse.flow import passwords, sessions
from tokenhouse.flow.passwords import NOBODY, TRIES_PER_MINUTE, Lodge, checked_password, outdated
from tokenhouse.settings import Settings
from tokenhouse.store.pool import connect

PASSWORD = "nine small green birds"
SETTINGS = Settings(session_days=3, session_idle_hours=10)


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, settings=SETTINGS, clock=clock) as house:
        yield house


@pytest.fixture
async def owner(house):
    invited = await house.create_person("a@example.com", role="owner")
    await house.enter(invited.link, PASSWORD)
    return invited.person


@pytest.fixture
def at_its_price(monkeypatch):
    """Have passwords hashed as in production, not as in tests."""
    monkeypatch.setattr(passwords, "HASHER", DEAR)


async def refused(work):
    with pytest.raises(Unauthenticated) as no:
        await work
    return no.value.reason


@pytest.mark.row("D9")
async def test_a_password_signs_in_and_out(at_its_price, house, owner, clock):
    signed_in = await house.sign_in(" A@example.com ", PASSWORD, address="10.0.0.1", agent="Browser\n1")
    found = await house.session(signed_in.secret)
    assert (found.person.id, found.expires_at) == (owner.id, clock() + timedelta(days=3))
    assert len(urlsafe_b64decode(signed_in.csrf + "=")) == 32
    assert signed_in.csrf not in (signed_in.secret, sessions.csrf_of("other"))
    await house.sign_out(signed_in.secret)
    await house.sign_out(signed_in.secret)
    assert await house.session(signed_in.secret) is None


async def test_each_sign_in_is_a_session_of_its_own(house, owner):
    one = await house.sign_in(owner.email, PASSWORD)
    two = await house.sign_in(owner.email, PASSWORD)
    assert one.secret != two.secret
    await house.sign_out(one.secret)
    assert await house.session(two.secret) is not None


async def test_a_session_ends_when_it_is_not_used_and_in_any_case(house, owner, clock):
    idle = await house.sign_in(owner.email, PASSWORD)
    busy = await house.sign_in(owner.email, PASSWORD)
    for _ in range(7):
        clock.move(hours=9, minutes=59)
        assert await house.session(busy.secret) is not None
    assert await house.session(idle.secret) is None
    clock.move(days=3, hours=-7 * 10, minutes=7)
    assert await house.session(busy.secret) is None


async def test_use_is_written_once_a_minute(house, owner, clock):
    signed_in = await house.sign_in(owner.email, PASSWORD)
    began = clock()
    clock.move(seconds=59)
    await house.session(signed_in.secret)
    assert (await house.session(signed_in.secret)).seen_at == began
    clock.move(seconds=1)
    await house.session(signed_in.secret)
    assert (await house.session(signed_in.secret)).seen_at == clock()
    assert (await house.person(owner.id)).seen_at == clock()


async def test_every_no_is_the_same_and_as_slow(house, owner, monkeypatch):
    await house.create_person("new@example.com", role="owner")
    compared = []
    verified = passwords._verified

    def watched(kept, given):
        compared.append(kept)
        return verified(kept, given)

    monkeypatch.setattr(passwords, "_verified", watched)
    for email, password in (
        (owner.email, "wrong wrong wrong"),
        ("nobody@example.com", PASSWORD),
        ("new@example.com", PASSWORD),
        ("no address", PASSWORD),
        (None, PASSWORD),
        (owner.email, None),
        (owner.email, "\ud800"),
        (owner.email, PASSWORD + "x" * 1_000),
    ):
        assert await refused(house.sign_in(email, password)) == "sign_in_refused"
    assert len(compared) == 8
    assert compared.count(NOBODY) == 4


def test_the_hash_of_nobody_costs_as_much_as_any(at_its_price):
    assert not outdated(NOBODY)
    assert outdated(NOBODY.replace("t=3", "t=2"))


async def test_a_password_is_hashed_again_when_hashing_costs_more(house, owner, database, monkeypatch):
    async def kept():
        connection = await connect(database)
        try:
            return await connection.fetchval("select password from tokenhouse.people")
        finally:
            await connection.close()

    before = await kept()
    dearer = passwords.PasswordHasher(time_cost=2, memory_cost=8_192, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", dearer)
    await house.sign_in(owner.email, PASSWORD)
    after = await kept()
    assert before != after
    assert "m=8192,t=2,p=1" in after
    await house.sign_in(owner.email, PASSWORD)
    assert await kept() == after


async def test_guessing_is_slow_for_an_email_and_for_an_address(house, owner, clock, monkeypatch):
    monkeypatch.setattr(passwords, "_verified", lambda _kept, given: given == PASSWORD)
    for number in range(TRIES_PER_MINUTE):
        await refused(house.sign_in(owner.email, "wrong", address=f"10.0.0.{number}"))
    with pytest.raises(Throttled) as no:
        await house.sign_in(owner.email, PASSWORD, address="10.0.1.1")
    assert no.value.facts["retry_after_s"] == 6
    for number in range(TRIES_PER_MINUTE):
        await refused(house.sign_in(f"{number}@example.com", "wrong", address="10.0.2.1"))
    with pytest.raises(Throttled):
        await house.sign_in("other@example.com", "wrong", address="10.0.2.1")
    clock.move(seconds=6)
    for _ in range(3):
        await house.sign_in(owner.email, PASSWORD, address="10.0.1.1")


async def test_few_are_hashed_at_once_and_few_wait(house, owner):
    lodge = Lodge()
    lodge.waiting = passwords.WAITING_MAX
    with pytest.raises(Busy):
        await lodge.matches(PASSWORD, None)
    came = await asyncio.gather(*(house.sign_in(owner.email, PASSWORD) for _ in range(3)))
    assert len({one.secret for one in came}) == 3
    assert house.desk.lodge.waiting == 0


async def test_a_new_password_wants_the_old_one_and_signs_out_elsewhere(house, owner):
    here = await house.sign_in(owner.email, PASSWORD)
    there = await house.sign_in(owner.email, PASSWORD)
    with pytest.raises(InvalidInput) as no:
        await house.set_password(owner.id, "ten large blue birds", old="no")
    assert no.value.reason == "password_wrong"
    await house.set_password(owner.id, "ten large blue birds", old=PASSWORD, but=here.secret)
    assert await house.session(here.secret) is not None
    assert await house.session(there.secret) is None
    assert await refused(house.sign_in(owner.email, PASSWORD)) == "sign_in_refused"
    await house.sign_in(owner.email, "ten large blue birds")
    (change, *_) = await house.audit_log()
    assert (change.action, change.subject, change.after) == ("person.password", owner.email, None)


async def test_signed_out_everywhere(house, owner):
    signed_in = [await house.sign_in(owner.email, PASSWORD) for _ in range(2)]
    assert await house.sign_out_everywhere(owner.id, actor="cli") == 3
    assert [await house.session(one.secret) for one in signed_in] == [None, None]
    with pytest.raises(NotFound):
        await house.sign_out_everywhere("0" * 32)


@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "x" * 1_000_000, "é" * 43, "\ud800" * 43])
async def test_what_is_no_cookie_opens_nothing(house, secret):
    assert await house.session(secret) is None


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "password_length"),
        ("x" * 257, "password_length"),
        ("aaaaaaaaaaaaaaaa", "password_easy"),
        ("jisu@example.com", "password_easy"),
        ("\ud800 nine small birds", "password_unwritable"),
        (12, "text_expected"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password, reason):
    with pytest.raises(InvalidInput) as no:
        checked_password(password, "jisu@example.com")
    assert no.value.reason == reason
    assert str(password) not in str(no.value) or password == 12


def test_a_password_is_the_same_however_its_letters_were_typed():
    assert checked_password("café café café", "a@b") == checked_password("cafe\u0301 café café", "a@b")
    assert checked_password("비밀번호는 깁니다 아주 길어요", "a@b")


async def test_who_is_disabled_at_the_last_moment_does_not_come_in(house, owner):
    await house.create_person("b@example.com", role="owner")
    await house.change_person(owner.id, {"disabled": True})
    for person in (owner.id, "0" * 32):
        assert await refused(sessions.begin(house.desk, person, "", "")) == "sign_in_refused"


async def test_what_has_ended_is_cleared_away(house, owner, clock, monkeypatch):
    monkeypatch.setattr(sessions, "ROWS", 1)
    for _ in range(2):
        await house.sign_in(owner.email, PASSWORD)
    clock.move(hours=9)
    await house.sign_in(owner.email, PASSWORD)
    assert (await sessions.forget_sessions(house.desk)).sessions == 0
    clock.move(hours=1)
    assert (await sessions.forget_sessions(house.desk)).sessions == 3
    assert (await sessions.forget_sessions(house.desk)).sessions == 0
