"""Sessions in the database: which browsers are signed in, by the hash of their cookie."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from tokenhouse.store.people import Person, person_of
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

WRITE_SESSION: Final = sql("write_session")
FIND_SESSION: Final = sql("find_session")
WRITE_SESSION_SEEN: Final = sql("write_session_seen")
WRITE_SESSION_ENDED: Final = sql("write_session_ended")
WRITE_SESSIONS_ENDED: Final = sql("write_sessions_ended")
LIST_SESSIONS: Final = sql("list_sessions")
WRITE_SESSIONS_FORGOTTEN: Final = sql("write_sessions_forgotten")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser in which a person is signed in, the person as they are now."""

    person: Person
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInAt:
    """Where somebody is signed in: the browser's own name, and the address that it came from."""

    digest: bytes
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


async def write_session(
    connection: Connection, digest: bytes, session: Session, *, address: str, agent: str
) -> None:
    """Keep a new session."""
    await connection.execute(
        WRITE_SESSION,
        digest,
        UUID(session.person.id),
        session.created_at,
        session.expires_at,
        address,
        agent,
    )


async def find_session(
    connection: Connection, digest: bytes, now: datetime, seen_after: datetime
) -> Session | None:
    """Return a session that has not ended at `now` and was used after a moment, of somebody not disabled."""
    row = await connection.fetchrow(FIND_SESSION, digest, now, seen_after)
    if row is None:
        return None
    return Session(
        person=person_of(row), created_at=row["began_at"], seen_at=row["used_at"], expires_at=row["ends_at"]
    )


async def write_session_seen(connection: Connection, digest: bytes, at: datetime) -> None:
    """Keep when a session was used."""
    await connection.execute(WRITE_SESSION_SEEN, digest, at)


async def write_session_ended(connection: Connection, digest: bytes) -> None:
    """End a session."""
    await connection.execute(WRITE_SESSION_ENDED, digest)


async def write_sessions_ended(connection: Connection, person: str, but: bytes = b"") -> int:
    """End a person's sessions, but for one; return how many they were."""
    return len(await connection.fetch(WRITE_SESSIONS_ENDED, UUID(person), but))


async def list_sessions(
    connection: Connection, person: str, now: datetime, seen_after: datetime, rows_max: int
) -> list[SignedInAt]:
    """Return the sessions of a person that have not ended, the last used first."""
    found = await connection.fetch(LIST_SESSIONS, UUID(person), now, seen_after, rows_max)
    return [SignedInAt(**row) for row in found]


async def write_sessions_forgotten(
    connection: Connection, ended_by: datetime, unseen_since: datetime, rows_max: int
) -> int:
    """Forget sessions that have ended or were not used for long; return how many they were."""
    return len(await connection.fetch(WRITE_SESSIONS_FORGOTTEN, ended_by, unseen_since, rows_max))
