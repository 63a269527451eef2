"""People: made with a link, changed with a trace, never without an owner."""

import asyncio
import logging
from datetime import timedelta

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import InvalidInput, NotFound, Unauthenticated
from tokenhouse.flow.people import LINK_DAYS
from tokenhouse.store.pool import connect


@pytest.fixture
async def house(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        await house.account("alice")
        yield house


async def rows(database, table):
    connection = await connect(database)
    try:
        return str([tuple(row) for row in await connection.fetch(f"select * from tokenhouse.{table}")])
    finally:
        await connection.close()


@pytest.mark.row("D9")
async def test_a_person_comes_in_by_a_link_once(house, clock):
    invited = await house.create_person(
        "Jisu@Example.com", role="owner", name="지수", locale="ko", time_zone="Asia/Seoul", actor="cli"
    )
    assert invited.person.email == "jisu@example.com"
    assert (invited.person.state, invited.person.actor) == ("invited", "person:jisu@example.com")
    assert invited.expires_at == clock() + timedelta(days=LINK_DAYS)
    signed_in = await house.enter(invited.link, "nine small green birds")
    assert signed_in.session.person.state == "active"
    for password in (None, "nine small green birds"):
        with pytest.raises(Unauthenticated) as no:
            await house.enter(invited.link, password)
        assert no.value.reason == "link_unknown"


async def test_a_link_without_a_password_signs_in_and_leaves_the_password_open(house):
    invited = await house.create_person("a@example.com", role="operator")
    signed_in = await house.enter(invited.link)
    assert not signed_in.session.person.has_password
    person = await house.set_password(invited.person.id, "nine small green birds", old="")
    assert person.has_password
    assert (await house.sign_in("a@example.com", "nine small green birds")).session.person.id == person.id


async def test_a_link_ends_and_a_new_one_replaces_it(house, clock):
    invited = await house.create_person("a@example.com", role="owner")
    again = await house.invite(invited.person.id)
    for link in (invited.link, "x" * 43, ""):
        with pytest.raises(Unauthenticated):
            await house.enter(link)
    clock.move(days=LINK_DAYS)
    with pytest.raises(Unauthenticated):
        await house.enter(again.link)
    clock.move(microseconds=-1)
    await house.enter(again.link)


async def test_of_two_who_come_with_one_link_one_comes_in(house):
    invited = await house.create_person("a@example.com", role="owner")
    came = await asyncio.gather(*(house.enter(invited.link) for _ in range(8)), return_exceptions=True)
    assert len([one for one in came if not isinstance(one, Unauthenticated)]) == 1


async def test_no_link_password_or_cookie_is_kept_or_shown(house, database, caplog):
    caplog.set_level(logging.DEBUG)
    invited = await house.create_person("a@example.com", role="owner")
    kept = await rows(database, "people")
    signed_in = await house.enter(invited.link, "nine small green birds")
    with pytest.raises(Unauthenticated):
        await house.sign_in("a@example.com", "nine small green bats!")
    kept += await rows(database, "people") + await rows(database, "sessions")
    kept += await rows(database, "audit_log")
    kept += f"{invited!r} {invited} {signed_in!r} {signed_in} {caplog.text} {house.desk!r}"
    for secret in (invited.link, signed_in.secret, signed_in.csrf, "nine small green"):
        assert secret not in kept


async def test_people_are_listed_by_email_and_found(house):
    for email in ("c@example.com", "a@example.com", "b@example.com"):
        await house.create_person(email, role="auditor")
    first = await house.people(rows_max=2)
    rest = await house.people(after=first[-1].email, rows_max=2)
    assert [one.email[0] for one in (*first, *rest)] == ["a", "b", "c"]
    assert await house.person("B@example.com") == first[1] == await house.person(first[1].id)
    for unknown in ("z@example.com", "0" * 32):
        with pytest.raises(NotFound):
            await house.person(unknown)


async def test_what_is_so_already_changes_nothing_and_is_not_told(house):
    owner = (await house.create_person("o@example.com", role="owner")).person
    made = (await house.create_person("a@example.com", role="auditor", name="A")).person
    same = {"name": "A", "role": "auditor", "account": "", "disabled": False}
    assert (await house.change_person(made.id, same, actor="root")).id == made.id
    assert await house.person(made.id) == made
    gone = await house.change_person(made.id, {"disabled": True}, actor="root")
    assert await house.change_person(made.id, {"disabled": True}, actor="root") == gone
    assert await house.sign_out_everywhere(owner.id, actor="root") == 0
    assert [one.action for one in await house.audit_log(actor="root")] == ["person.change"]
    for field in ("name", "role", "account"):
        with pytest.raises(InvalidInput):
            await house.change_person(made.id, {field: 5})


@pytest.mark.row("C10")
async def test_a_change_says_what_stood_there_before_who_and_why(house):
    invited = await house.create_person("a@example.com", role="auditor", actor="cli")
    await house.change_person(
        invited.person.id,
        {"role": "user", "account": "alice"},
        actor="person:root@example.com",
        reason="moved",
        address="10.0.0.1",
    )
    change, made = await house.audit_log()
    assert (made.action, made.actor, made.before) == ("person.create", "cli", None)
    assert (change.action, change.subject, change.reason) == ("person.change", "a@example.com", "moved")
    assert (change.actor, change.address) == ("person:root@example.com", "10.0.0.1")
    assert (change.before["role"], change.after["role"], change.after["account"]) == (
        "auditor",
        "user",
        "alice",
    )


async def test_the_last_owner_stays(house):
    one = (await house.create_person("a@example.com", role="owner")).person
    for changes in ({"role": "auditor"}, {"disabled": True}):
        with pytest.raises(InvalidInput) as no:
            await house.change_person(one.id, changes)
        assert no.value.reason == "last_owner"
    two = (await house.create_person("b@example.com", role="owner")).person
    ended = await asyncio.gather(
        *(house.change_person(who.id, {"role": "auditor"}) for who in (one, two)), return_exceptions=True
    )
    assert len([each for each in ended if isinstance(each, InvalidInput)]) == 1
    assert [who.role for who in await house.people()].count("owner") == 1


async def test_who_is_disabled_is_out_at_once_and_may_come_back(house):
    await house.create_person("root@example.com", role="owner")
    invited = await house.create_person("a@example.com", role="operator")
    signed_in = await house.enter(invited.link, "nine small green birds")
    waiting = await house.invite(invited.person.id)
    changed = await house.change_person(invited.person.id, {"disabled": True})
    assert changed.state == "disabled"
    assert await house.session(signed_in.secret) is None
    for way in (house.sign_in("a@example.com", "nine small green birds"), house.enter(waiting.link)):
        with pytest.raises(Unauthenticated):
            await way
    with pytest.raises(InvalidInput):
        await house.invite(invited.person.id)
    again = await house.change_person(invited.person.id, {"disabled": True})
    assert again.disabled_at == changed.disabled_at
    await house.change_person(invited.person.id, {"disabled": False})
    await house.sign_in("a@example.com", "nine small green birds")
    assert await house.session(signed_in.secret) is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a@" + "b" * 190}, "email"),
        ({"email": 5}, "email"),
        ({"role": "root"}, "role"),
        ({"role": ["owner"]}, "role"),
        ({"role": "user"}, "account"),
        ({"locale": "fr"}, "locale"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"name": "a\nb"}, "name"),
        ({"actor": "\0"}, "actor"),
    ],
)
async def test_who_cannot_be_made_is_refused_by_field(house, wrong, field):
    fields = {"email": "a@example.com", "role": "owner", **wrong}
    with pytest.raises(InvalidInput) as no:
        await house.create_person(fields.pop("email"), **fields)
    assert no.value.facts["field"] == field
    assert await house.people() == []


async def test_what_cannot_be_changed_is_refused(house):
    person = (await house.create_person("a@example.com", role="auditor")).person
    with pytest.raises(InvalidInput) as no:
        await house.create_person("A@example.com", role="auditor")
    assert no.value.reason == "email_taken"
    for changes in ({}, {"email": "b@example.com"}, {"disabled": 1}, {"role": "user"}, {"account": 7}):
        with pytest.raises(InvalidInput):
            await house.change_person(person.id, changes)
    for account in ("bora",):
        with pytest.raises(NotFound):
            await house.change_person(person.id, {"account": account})
        with pytest.raises(NotFound):
            await house.create_person("b@example.com", account=account)
    for verb in (house.change_person("0" * 32, {"name": "x"}), house.invite("0" * 32)):
        with pytest.raises(NotFound):
            await verb


@pytest.mark.row("E10")
async def test_the_first_owner_comes_by_a_link_under_an_email_of_their_own(house):
    offered = await house.offer_ownership("alice", actor="tokenhouse serve")
    assert offered.person.state == "invited"
    again = await house.offer_ownership("alice", actor="tokenhouse serve")
    for link in (offered.link, "x" * 43):
        with pytest.raises(Unauthenticated) as no:
            await house.become_owner(link, email="jisu@example.com", password="nine small green birds")
        assert no.value.reason == "link_unknown"
    came = await house.become_owner(
        again.link, email="Jisu@Example.com", password="nine small green birds", name="지수"
    )
    owner = came.session.person
    assert (owner.email, owner.role, owner.account) == ("jisu@example.com", "owner", "alice")
    assert (await house.session(came.secret)).person.name == "지수"
    assert (await house.sign_in("jisu@example.com", "nine small green birds")).session.person.id == owner.id
    assert await house.offer_ownership() is None, "there is one"
    with pytest.raises(Unauthenticated):
        await house.become_owner(again.link, email="eve@example.com", password="nine small green birds")
    assert [line.action for line in await house.audit_log(subject="jisu@example.com")] == [
        "person.first_owner"
    ]


async def test_no_password_is_hashed_for_a_link_that_nobody_has(house, monkeypatch):
    async def hashed(self, password):
        raise AssertionError("whoever knows no link could keep others from signing in")

    monkeypatch.setattr("tokenhouse.flow.passwords.Lodge.hashed", hashed)
    with pytest.raises(Unauthenticated):
        await house.become_owner("x" * 43, email="eve@example.com", password="nine small green birds")


async def test_nodes_that_offer_at_once_offer_the_same_place(house):
    offered = await asyncio.gather(*(house.offer_ownership() for _ in range(8)))
    (one,) = {invited.person.id for invited in offered}
    works = [await came(house, invited.link) for invited in offered]
    assert ([person.id for person in await house.people()], sum(works)) == ([one], 1)


async def came(house, link):
    """Whether somebody becomes the owner by a link."""
    try:
        await house.become_owner(link, email="kim@example.com", password="nine small green birds")
    except Unauthenticated:
        return False
    return True


async def test_ownership_is_not_offered_where_somebody_owns(house):
    invited = await house.create_person("a@example.com", role="owner")
    assert await house.offer_ownership() is None
    with pytest.raises(Unauthenticated):
        await house.become_owner(invited.link, email="eve@example.com", password="nine small green birds")


async def test_the_first_owner_takes_nobody_elses_email(house):
    await house.create_person("a@example.com", role="user", account="alice")
    offered = await house.offer_ownership()
    with pytest.raises(InvalidInput) as no:
        await house.become_owner(offered.link, email="a@example.com", password="nine small green birds")
    assert no.value.reason == "email_taken"
    came = await house.become_owner(offered.link, email="b@example.com", password="nine small green birds")
    assert came.session.person.role == "owner", "the link was not used up by the no"
