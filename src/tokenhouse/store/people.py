"""People and their sessions in the database: hashes of passwords, links and cookies, and nothing of these."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from tokenhouse.store.keys import Role
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_PERSON: Final = sql("write_person")
FIND_PERSON: Final = sql("find_person")
FIND_PASSWORD: Final = sql("find_password")
FIND_PERSON_BY_LINK: Final = sql("find_person_by_link")
FIND_PERSON_BY_EMAIL: Final = sql("find_person_by_email")
LIST_PEOPLE: Final = sql("list_people")
LOCK_OWNERS: Final = sql("lock_owners")
LOCK_PERSON: Final = sql("lock_person")
WRITE_PERSON_CHANGED: Final = sql("write_person_changed")
WRITE_PASSWORD: Final = sql("write_password")
WRITE_PASSWORD_AGAIN: Final = sql("write_password_again")
WRITE_LINK: Final = sql("write_link")
WRITE_LINK_USED: Final = sql("write_link_used")
WRITE_FIRST_OWNER: Final = sql("write_first_owner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who signs in. `account` is their own, which only a person of role "user" must have."""

    id: str
    email: str
    name: str
    role: Role
    account: str
    locale: str
    time_zone: str
    created_at: datetime
    created_by: str = ""
    has_password: bool = False
    link_expires_at: datetime | None = None
    """Until when a one-time link is waiting to be used; None where there is none."""
    disabled_at: datetime | None = None
    seen_at: datetime | None = None

    @property
    def state(self) -> str:
        """Return how the person stands: active, invited (no password yet) or disabled."""
        if self.disabled_at is not None:
            return "disabled"
        return "active" if self.has_password else "invited"

    @property
    def actor(self) -> str:
        """Return how entries and the audit log name them."""
        return f"person:{self.email}"


@dataclass(frozen=True, slots=True)
class Password:
    """Whose password it is, and its hash, if there is one that still opens something."""

    person: str
    hash: str | None


async def write_person(connection: Connection, person: Person, link: bytes) -> bool:
    """Keep a new person, who comes in by a link; False if the e-mail is taken."""
    row = await connection.fetchrow(
        WRITE_PERSON,
        UUID(person.id),
        person.email,
        person.name,
        person.role,
        person.account,
        person.locale,
        person.time_zone,
        link,
        person.link_expires_at,
        person.created_at,
        person.created_by,
    )
    return row is not None


async def find_person(connection: Connection, person: str) -> Person | None:
    """Return a person by id."""
    row = await connection.fetchrow(FIND_PERSON, UUID(person))
    return None if row is None else person_of(row)


async def find_person_by_email(connection: Connection, email: str) -> Person | None:
    """Return a person by e-mail."""
    row = await connection.fetchrow(FIND_PERSON_BY_EMAIL, email)
    return None if row is None else person_of(row)


async def find_person_by_link(connection: Connection, link: bytes, at: datetime) -> Person | None:
    """Return whom a one-time link lets in at a moment."""
    row = await connection.fetchrow(FIND_PERSON_BY_LINK, link, at)
    return None if row is None else person_of(row)


async def find_password(connection: Connection, email: str) -> Password | None:
    """Return the hash of a person's password; one who is disabled has none."""
    row = await connection.fetchrow(FIND_PASSWORD, email)
    if row is None:
        return None
    return Password(row["id"].hex, row["password"] if row["disabled_at"] is None else None)


async def list_people(connection: Connection, after: str, rows_max: int) -> list[Person]:
    """Return a page of people by e-mail."""
    return [person_of(row) for row in await connection.fetch(LIST_PEOPLE, after, rows_max)]


async def lock_owners(connection: Connection) -> list[str]:
    """Return the ids of those who are owners now, and keep it so until the transaction ends."""
    return [row["id"].hex for row in await connection.fetch(LOCK_OWNERS)]


async def lock_person(connection: Connection, person: str) -> Person | None:
    """Return a person by id, whom nobody else changes until the transaction ends."""
    row = await connection.fetchrow(LOCK_PERSON, UUID(person))
    return None if row is None else person_of(row)


async def write_person_changed(connection: Connection, person: Person) -> None:
    """Keep a person as they are to be from now on."""
    await connection.execute(
        WRITE_PERSON_CHANGED,
        UUID(person.id),
        person.name,
        person.role,
        person.account,
        person.locale,
        person.time_zone,
        person.disabled_at,
    )


async def write_password(connection: Connection, person: str, hashed: str) -> None:
    """Keep the hash of a new password."""
    await connection.execute(WRITE_PASSWORD, UUID(person), hashed)


async def write_password_again(connection: Connection, person: str, before: str, hashed: str) -> None:
    """Keep another hash of the same password."""
    await connection.execute(WRITE_PASSWORD_AGAIN, UUID(person), before, hashed)


async def write_link(connection: Connection, person: str, link: bytes, expires_at: datetime) -> None:
    """Keep a one-time link in place of the one before."""
    await connection.execute(WRITE_LINK, UUID(person), link, expires_at)


async def write_link_used(
    connection: Connection, link: bytes, at: datetime, password: str | None
) -> str | None:
    """Use up a link and return whose it was; None if it opens nothing (any more)."""
    row = await connection.fetchrow(WRITE_LINK_USED, link, at, password)
    return None if row is None else row["id"].hex


def person_of(row: Any) -> Person:
    """Return a person of their row."""
    return Person(
        id=row["id"].hex,
        email=row["email"],
        name=row["name"],
        role=row["role"],
        account=row["ref"],
        locale=row["locale"],
        time_zone=row["time_zone"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        has_password=row["has_password"],
        link_expires_at=row["link_expires_at"],
        disabled_at=row["disabled_at"],
        seen_at=row["seen_at"],
    )


async def write_first_owner(connection: Connection, person: str, email: str, name: str, locale: str) -> bool:
    """Keep under which e-mail and name the first owner came, and which language they speak.

    False if the e-mail is somebody's, be it since a moment ago: then the transaction can only be given up.
    """
    try:
        await connection.execute(WRITE_FIRST_OWNER, UUID(person), email, name, locale)
    except asyncpg.UniqueViolationError:
        return False
    return True
