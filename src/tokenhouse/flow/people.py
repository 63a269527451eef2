"""People: who signs in, in which role, and how they come in for the first time.

A person is made with a one-time link and chooses a password with it; whoever forgot theirs gets another
link. Each change is in the audit log, in the transaction that makes it. A deployment that had an owner once
always has one.
"""

import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from tokenhouse import messages
from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.audit_trail import drafted
from tokenhouse.flow.desk import Desk, checked_flag, checked_id, checked_text, checked_whole
from tokenhouse.flow.passwords import checked_password
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.periods import zone_of
from tokenhouse.settings import Settings
from tokenhouse.store import audit_log, people, sessions, standings
from tokenhouse.store.keys import ROLES, Role
from tokenhouse.store.people import Person
from tokenhouse.store.pool import Connection

EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,124}")
"""What an address looks like; whether it exists, only a letter to it can tell."""
WELCOME: Final = "/app/welcome"
"""The page where a link is used."""
LINK_DAYS: Final = 7
"""How long a one-time link opens something."""
ROWS_MAX: Final = 1_000
CHANGEABLE: Final = ("name", "role", "account", "locale", "time_zone", "disabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A person and the link that lets them in: the only time that it is there. No repr shows it."""

    person: Person
    link: str = field(repr=False)
    expires_at: datetime


async def create_person(
    desk: Desk,
    email: str,
    *,
    role: Role,
    account: str,
    name: str,
    locale: str,
    time_zone: str,
    actor: str,
    address: str,
) -> Invited:
    """Make a person, and a link by which they choose their password.

    Raises: InvalidInput `email_taken`, and where a value cannot be taken; NotFound for an account.
    """
    secret, at = secrets.token_urlsafe(32), desk.clock()
    if account:
        await desk.address(account)
    person = _checked(
        Person(
            id=desk.new_id(),
            email=checked_email(email),
            name=name,
            role=role,
            account=account,
            locale=desk.settings.locale if locale == "" else locale,
            time_zone=time_zone,
            created_at=at,
            created_by=checked_text(actor, "actor"),
            link_expires_at=at + timedelta(days=LINK_DAYS),
        )
    )
    change = drafted(
        desk, actor=actor, action="person.create", subject=person.email, after=_told(person), address=address
    )
    async with desk.pool.acquire() as connection, connection.transaction():
        if not await people.write_person(connection, person, digest_of(secret)):
            raise InvalidInput("email_taken", field="email", value=person.email)
        await audit_log.write_audit(connection, change)
    assert person.link_expires_at is not None  # noqa: S101 -- it was just made
    return Invited(person=person, link=secret, expires_at=person.link_expires_at)


async def invite(desk: Desk, person: str, *, actor: str, address: str) -> Invited:
    """Make another link for somebody, in place of the one before: their password stays until it is used.

    Raises: NotFound, InvalidInput `person_disabled`.
    """
    wanted, secret = checked_id(person, "person"), secrets.token_urlsafe(32)
    expires_at = desk.clock() + timedelta(days=LINK_DAYS)
    async with desk.pool.acquire() as connection, connection.transaction():
        found = await _locked(connection, wanted)
        if found.disabled_at is not None:
            raise InvalidInput("person_disabled", field="person", value=found.email)
        await people.write_link(connection, wanted, digest_of(secret), expires_at)
        change = drafted(desk, actor=actor, action="person.invite", subject=found.email, address=address)
        await audit_log.write_audit(connection, change)
    return Invited(person=replace(found, link_expires_at=expires_at), link=secret, expires_at=expires_at)


async def page(desk: Desk, after: str, rows_max: int) -> list[Person]:
    """Return a page of people, by e-mail; pass the last one's as `after` for the next."""
    checked_text(after, "after")
    checked_whole(rows_max, "rows_max", 1, ROWS_MAX)
    async with desk.pool.acquire() as connection:
        return await people.list_people(connection, after, rows_max)


async def page_of(desk: Desk, account: str, after: str, rows_max: int) -> list[Person]:
    """Return a page of those who sign in for an account, by e-mail. Raises: NotFound for the account."""
    checked_text(after, "after")
    checked_whole(rows_max, "rows_max", 1, ROWS_MAX)
    await desk.address(account)
    async with desk.pool.acquire() as connection:
        return await standings.list_people_of(connection, account, after, rows_max)


async def find(desk: Desk, person: str) -> Person:
    """Return a person by id or by e-mail. Raises: NotFound."""
    by_email = "@" in checked_text(person, "person")
    wanted = checked_email(person) if by_email else checked_id(person, "person")
    async with desk.pool.acquire() as connection:
        find_one = people.find_person_by_email if by_email else people.find_person
        found = await find_one(connection, wanted)
    if found is None:
        raise NotFound("person_unknown", id=wanted)
    return found


async def change(
    desk: Desk, person: str, changes: object, *, actor: str, reason: str, address: str
) -> Person:
    """Change what is named of a person (`CHANGEABLE`), at once on every node; one who is disabled is out.

    What is so already changes nothing, and nothing is told of it.

    Raises: NotFound; InvalidInput, `last_owner` among its reasons.
    """
    wanted = checked_id(person, "person")
    if not isinstance(changes, dict) or not changes:
        raise InvalidInput("person_unchanged", field="person", value="")
    if changes.get("account"):
        await desk.address(changes["account"])
    async with desk.pool.acquire() as connection, connection.transaction():
        owners = await people.lock_owners(connection)
        before = await _locked(connection, wanted)
        after = _checked(_changed(before, changes, desk.clock()))
        if owners == [wanted] and (after.role != "owner" or after.disabled_at is not None):
            raise InvalidInput("last_owner", field="role", value=after.email)
        if after == before:
            return before
        await people.write_person_changed(connection, after)
        if after.disabled_at is not None:
            await sessions.write_sessions_ended(connection, wanted)
        kept = drafted(
            desk,
            actor=actor,
            action="person.change",
            subject=after.email,
            before=_told(before),
            after=_told(after),
            reason=reason,
            address=address,
        )
        await audit_log.write_audit(connection, kept)
    return after


async def set_password(
    desk: Desk, person: str, password: str, *, old: str | None, but: str, actor: str, address: str
) -> Person:
    """Give somebody a new password; they are signed out everywhere but in the session `but`.

    Args:
        desk: this process's.
        person: whose.
        password: the new one.
        old: the one before, which must be right; None where it need not be shown.
        but: the secret of the session that asks, or "".
        actor: who does it.
        address: from where.

    Raises: InvalidInput, `password_wrong` among its reasons; NotFound, Throttled, Busy.
    """
    found = await find(desk, checked_id(person, "person"))
    checked_text(but, "but")
    form = checked_password(password, found.email)
    if old is not None and found.has_password:
        await _shown(desk, found, old)
    hashed = await desk.lodge.hashed(form)
    kept = drafted(desk, actor=actor, action="person.password", subject=found.email, address=address)
    async with desk.pool.acquire() as connection, connection.transaction():
        await people.write_password(connection, found.id, hashed)
        await sessions.write_sessions_ended(connection, found.id, digest_of(but) if but else b"")
        await audit_log.write_audit(connection, kept)
    return replace(found, has_password=True, link_expires_at=None)


def checked_email(email: object) -> str:
    """Return an e-mail in lower case, by which a person is known. Raises: InvalidInput."""
    text = checked_text(email, "email", least=1, most=190).strip().lower()
    if not EMAIL.fullmatch(text):
        raise InvalidInput("email_invalid", field="email", value=text[:80])
    return text


def checked_locale(locale: object) -> str:
    """Return a language that we speak. Raises: InvalidInput."""
    if locale not in messages.LOCALES:
        known = ", ".join(messages.LOCALES)
        raise InvalidInput("choice_unknown", field="locale", value=shown(locale), known=known)
    return str(locale)


def digest_of(secret: str) -> bytes:
    """Return what is kept of a link or a cookie: 32 random bytes need no slower hash."""
    return sha256(secret.encode("utf-8", "replace")).digest()


def link_of(settings: Settings, secret: str) -> str:
    """Return a one-time link: what it opens stands behind the #, which no browser sends to any server."""
    return f"{settings.place}{WELCOME}#{secret}"


async def _locked(connection: Connection, person: str) -> Person:
    """Return a person whom nobody else changes meanwhile. Raises: NotFound."""
    found = await people.lock_person(connection, person)
    if found is None:
        raise NotFound("person_unknown", id=person)
    return found


async def _shown(desk: Desk, person: Person, old: str) -> None:
    """Return if the password is right that stands now. Raises: InvalidInput, Throttled, Busy."""
    async with desk.pool.acquire() as connection:
        kept = await people.find_password(connection, person.email)
    desk.lodge.admit(person.email, "", desk.now())
    if not await desk.lodge.matches(old, None if kept is None else kept.hash):
        raise InvalidInput("password_wrong", field="old", value="")
    desk.lodge.acquit(person.email, "")


def _checked(person: Person) -> Person:
    """Return a person as they may be. Raises: InvalidInput."""
    if person.role not in ROLES:
        known = ", ".join(ROLES)
        raise InvalidInput("choice_unknown", field="role", value=shown(person.role), known=known)
    checked_locale(person.locale)
    checked_text(person.name, "name")
    if checked_text(person.time_zone, "time_zone"):
        zone_of(person.time_zone)
    if person.role == "user" and not person.account:
        raise InvalidInput("person_without_account", field="account", value="")
    checked_text(person.account, "account")
    return person


def _changed(before: Person, changes: dict[str, Any], at: datetime) -> Person:
    """Return a person with what is to be changed. Raises: InvalidInput."""
    for name in changes:
        if name not in CHANGEABLE:
            known = ", ".join(CHANGEABLE)
            raise InvalidInput("choice_unknown", field="person", value=shown(name), known=known)
    fields = {name: value for name, value in changes.items() if name != "disabled"}
    if "disabled" in changes:
        disabled = checked_flag(changes["disabled"], "disabled")
        fields["disabled_at"] = (before.disabled_at or at) if disabled else None
        if disabled:
            fields["link_expires_at"] = None
    return replace(before, **fields)


def _told(person: Person) -> dict[str, Any]:
    """Return what the audit log says of a person."""
    told = ("name", "role", "account", "locale", "time_zone", "disabled_at")
    return {name: value for name, value in asdict(person).items() if name in told}
