"""Sessions: a person signs in and is known by a cookie, until they leave, are away for long, or may no more.

The cookie is 32 random bytes, and what the database keeps of it is a hash: who reads the table is signed in
nowhere. Each request asks the database, so an owner who takes something away has taken it at once. Whoever
writes with a cookie also shows a token that only a page of ours can know (`csrf`), derived from the cookie.
"""

import asyncio
import logging
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import digest as hmac_digest
from typing import Final

from tokenhouse.errors import Unauthenticated
from tokenhouse.flow.audit_trail import drafted
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.passwords import checked_password, outdated
from tokenhouse.flow.people import digest_of
from tokenhouse.flow.people import find as find_person
from tokenhouse.store import audit_log, people, sessions
from tokenhouse.store.people import Password
from tokenhouse.store.sessions import Session

log: Final = logging.getLogger("tokenhouse.sessions")

SEEN_EVERY_S: Final = 60
"""How often, at most, it is written that a session is used."""
SECRET_LENGTH: Final = 43
EMAIL_MAX: Final = 200
ROWS: Final = 1_000
ADDRESS_MAX: Final = 64
AGENT_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that just began: the only time that its `secret`, the cookie, is there. No repr shows it."""

    session: Session
    secret: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """What a page shows beside the cookie."""
        return csrf_of(self.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """Where somebody is signed in; `present` is the browser that asks."""

    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many sessions that had ended were cleared away."""

    sessions: int


async def sign_in(desk: Desk, email: object, password: object, *, address: str, agent: str) -> SignedIn:
    """Return a new session of whom an e-mail and a password name.

    The no is one and the same, and takes the same time, for a wrong password, an unknown e-mail, somebody who
    is disabled and somebody who has no password yet.

    Raises: Unauthenticated `sign_in_refused`; Throttled, after too many of them; Busy.
    """
    name = email.strip().lower()[:EMAIL_MAX] if isinstance(email, str) else ""
    checked_text(address, "address")
    desk.lodge.admit(name, address, desk.now())
    kept = await _password(desk, name)
    if not await desk.lodge.matches(password, None if kept is None else kept.hash):
        log.info("sign-in refused from %s", address or "an unknown address")
        raise Unauthenticated("sign_in_refused")
    desk.lodge.acquit(name, address)
    assert kept is not None  # noqa: S101 -- nothing matches nobody's hash
    assert kept.hash is not None  # noqa: S101
    if outdated(kept.hash):
        hashed = await desk.lodge.hashed(str(password))
        async with desk.pool.acquire() as connection:
            await people.write_password_again(connection, kept.person, kept.hash, hashed)
    return await begin(desk, kept.person, address, agent)


async def enter(desk: Desk, link: str, password: str | None, *, address: str, agent: str) -> SignedIn:
    """Return a new session of whom a one-time link lets in; with a `password`, that is theirs from now on.

    Whoever comes without one keeps the password that they have, if any. The link opens nothing more.

    Raises: Unauthenticated `link_unknown`: unknown, used, replaced or too old; InvalidInput; Busy.
    """
    digest, now = digest_of(checked_text(link, "link")), desk.clock()
    async with desk.pool.acquire() as connection:
        person = await people.find_person_by_link(connection, digest, now)
    if person is None:
        raise Unauthenticated("link_unknown")
    hashed = None
    if password is not None:
        hashed = await desk.lodge.hashed(checked_password(password, person.email))
    async with desk.pool.acquire() as connection, connection.transaction():
        used = await people.write_link_used(connection, digest, now, hashed)
        if used is not None and hashed is not None:
            await sessions.write_sessions_ended(connection, used)
    if used is None:
        raise Unauthenticated("link_unknown")
    return await begin(desk, used, address, agent)


async def find(desk: Desk, secret: object) -> Session | None:
    """Return the session of a cookie, its person as they may now; None where it opens nothing (any more)."""
    if not isinstance(secret, str) or len(secret) != SECRET_LENGTH:
        return None
    digest, now = digest_of(secret), desk.clock()
    async with desk.pool.acquire() as connection:
        found = await sessions.find_session(connection, digest, now, now - _idle(desk))
        if found is not None and (now - found.seen_at).total_seconds() >= SEEN_EVERY_S:
            await sessions.write_session_seen(connection, digest, now)
    return found


async def sign_out(desk: Desk, secret: str) -> None:
    """End a session. Idempotent."""
    async with desk.pool.acquire() as connection:
        await sessions.write_session_ended(connection, digest_of(secret))


async def page(desk: Desk, person: str, *, secret: str) -> list[SessionView]:
    """Return where a person is signed in, the last used first; `secret` is the cookie of who asks."""
    mine = digest_of(checked_text(secret, "secret")) if secret != "" else b""
    found = await find_person(desk, person)
    now = desk.clock()
    async with desk.pool.acquire() as connection:
        listed = await sessions.list_sessions(connection, found.id, now, now - _idle(desk), ROWS)
    return [
        SessionView(
            created_at=one.created_at,
            seen_at=one.seen_at,
            expires_at=one.expires_at,
            address=one.address,
            agent=one.agent,
            present=one.digest == mine,
        )
        for one in listed
    ]


async def sign_out_everywhere(desk: Desk, person: str, *, but: str, actor: str, address: str) -> int:
    """End every session of a person, but for that of the cookie `but`; return how many. Raises: NotFound."""
    stays = digest_of(checked_text(but, "but")) if but != "" else b""
    found = await find_person(desk, person)
    kept = drafted(desk, actor=actor, action="person.sign_out", subject=found.email, address=address)
    async with desk.pool.acquire() as connection, connection.transaction():
        ended = await sessions.write_sessions_ended(connection, found.id, stays)
        if ended:
            await audit_log.write_audit(connection, kept)
    return ended


async def forget_sessions(desk: Desk) -> Forgotten:
    """Clear away sessions that have ended or were not used for too long. Idempotent; for a daily job."""
    total, now = 0, desk.clock()
    while True:
        async with desk.pool.acquire() as connection:
            gone = await sessions.write_sessions_forgotten(connection, now, now - _idle(desk), ROWS)
        total += gone
        if gone < ROWS:
            return Forgotten(sessions=total)
        await asyncio.sleep(0)


def csrf_of(secret: str) -> str:
    """Return what a page shows beside a cookie: it proves that the page could read an answer of ours."""
    derived = hmac_digest(secret.encode("utf-8", "replace"), b"tokenhouse csrf", sha256)
    return urlsafe_b64encode(derived).decode().rstrip("=")


def _idle(desk: Desk) -> timedelta:
    """Return for how long a session may be unused."""
    return timedelta(hours=desk.settings.session_idle_hours)


async def _password(desk: Desk, email: str) -> Password | None:
    """Return the hash of somebody's password."""
    async with desk.pool.acquire() as connection:
        return await people.find_password(connection, email)


async def begin(desk: Desk, person_id: str, address: str, agent: str) -> SignedIn:
    """Return a new session of somebody."""
    secret, now = secrets.token_urlsafe(32), desk.clock()
    digest = digest_of(secret)
    async with desk.pool.acquire() as connection, connection.transaction():
        person = await people.find_person(connection, person_id)
        if person is None or person.disabled_at is not None:
            raise Unauthenticated("sign_in_refused")
        session = Session(
            person=person,
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=desk.settings.session_days),
        )
        await sessions.write_session(
            connection,
            digest,
            session,
            address=_line(address, ADDRESS_MAX),
            agent=_line(agent, AGENT_MAX),
        )
        await sessions.write_session_seen(connection, digest, now)
    return SignedIn(session=session, secret=secret)


def _line(text: str, most: int) -> str:
    """Return what of a text fits into a line."""
    line = "".join(letter for letter in text[:most] if letter.isprintable())
    return checked_text(line, "text", most=most)
