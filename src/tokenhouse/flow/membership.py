"""Membership: the part of the house that knows its people, and who changed what."""

from datetime import datetime
from typing import Any

from tokenhouse.flow import audit_trail, first_owner, people, sessions
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.people import Invited
from tokenhouse.flow.sessions import SessionView, SignedIn
from tokenhouse.store.audit_log import Audited
from tokenhouse.store.keys import Role
from tokenhouse.store.people import Person
from tokenhouse.store.sessions import Session


class Membership:
    """People, their sessions, and the audit log. Each method is one flow."""

    _desk: Desk

    async def create_person(
        self,
        email: str,
        *,
        role: Role = "user",
        account: str = "",
        name: str = "",
        locale: str = "",
        time_zone: str = "",
        actor: str = "",
        address: str = "",
    ) -> Invited:
        """Make somebody who signs in, and a one-time link by which they choose a password; here this once.

        Role "user" needs their `account`; auditor, operator and owner may have one.
        """
        return await people.create_person(
            self._desk,
            email,
            role=role,
            account=account,
            name=name,
            locale=locale,
            time_zone=time_zone,
            actor=actor,
            address=address,
        )

    async def invite(self, person: str, *, actor: str = "", address: str = "") -> Invited:
        """Make another one-time link for somebody, in place of the one before: for a forgotten password."""
        return await people.invite(self._desk, person, actor=actor, address=address)

    async def people(self, *, after: str = "", rows_max: int = 100) -> list[Person]:
        """Return a page of people, by e-mail; pass the last one's `email` as `after` for the next."""
        return await people.page(self._desk, after, rows_max)

    async def person(self, person: str) -> Person:
        """Return somebody by id or by e-mail. Raises: NotFound."""
        return await people.find(self._desk, person)

    async def change_person(
        self, person: str, changes: dict[str, Any], *, actor: str = "", reason: str = "", address: str = ""
    ) -> Person:
        """Change somebody's name, role, account, locale, time_zone or whether they are disabled; at once.

        The last owner stays one. Raises: NotFound, InvalidInput.
        """
        return await people.change(self._desk, person, changes, actor=actor, reason=reason, address=address)

    async def set_password(
        self,
        person: str,
        password: str,
        *,
        old: str | None = None,
        but: str = "",
        actor: str = "",
        address: str = "",
    ) -> Person:
        """Give somebody a new password, where `old` is given only if it is right; signs them out elsewhere.

        `but` is the secret of the session that stays.
        """
        return await people.set_password(
            self._desk, person, password, old=old, but=but, actor=actor, address=address
        )

    async def sign_in(self, email: str, password: str, *, address: str = "", agent: str = "") -> SignedIn:
        """Return a new session of whom e-mail and password name. Raises: Unauthenticated, Throttled."""
        return await sessions.sign_in(self._desk, email, password, address=address, agent=agent)

    async def enter(
        self, link: str, password: str | None = None, *, address: str = "", agent: str = ""
    ) -> SignedIn:
        """Return a new session of whom a one-time link lets in, with this password from now on if given."""
        return await sessions.enter(self._desk, link, password, address=address, agent=agent)

    async def offer_ownership(self, account: str = "", *, actor: str = "") -> Invited | None:
        """Make a link by which somebody becomes the first owner, of this account too; None: there is one."""
        return await first_owner.offer(self._desk, account=account, actor=actor)

    async def become_owner(
        self,
        link: str,
        *,
        email: str,
        password: str,
        name: str = "",
        locale: str = "",
        address: str = "",
        agent: str = "",
    ) -> SignedIn:
        """Return a new session of whoever came with the link of `offer_ownership` and is the owner now."""
        return await first_owner.become(
            self._desk,
            link,
            email=email,
            password=password,
            name=name,
            locale=locale,
            address=address,
            agent=agent,
        )

    async def session(self, secret: str) -> Session | None:
        """Return the session of a cookie, its person as they may now; None where it opens nothing."""
        return await sessions.find(self._desk, secret)

    async def sign_out(self, secret: str) -> None:
        """End the session of a cookie. Idempotent."""
        await sessions.sign_out(self._desk, secret)

    async def sign_out_everywhere(
        self, person: str, *, but: str = "", actor: str = "", address: str = ""
    ) -> int:
        """End every session of somebody, but for that of the cookie `but`; return how many there were."""
        return await sessions.sign_out_everywhere(self._desk, person, but=but, actor=actor, address=address)

    async def sessions(self, person: str, *, secret: str = "") -> list[SessionView]:
        """Return where somebody is signed in, the last used first; `secret` is the cookie of who asks."""
        return await sessions.page(self._desk, person, secret=secret)

    async def record(
        self,
        action: str,
        subject: str,
        *,
        actor: str,
        before: Any = None,
        after: Any = None,
        reason: str = "",
        address: str = "",
    ) -> Audited:
        """Append a change that somebody made to the audit log: what was done to what, by whom and why."""
        return await audit_trail.record(
            self._desk,
            actor=actor,
            action=action,
            subject=subject,
            before=before,
            after=after,
            reason=reason,
            address=address,
        )

    async def audit_log(
        self,
        *,
        subject: str = "",
        actor: str = "",
        action: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        rows_max: int = 100,
    ) -> list[Audited]:
        """Return a page of the audit log, newest first; pass the last one's `id` as `before` for the next.

        `action` "key" is every change of keys, `key.revoke` one kind of them.
        """
        return await audit_trail.page(
            self._desk,
            subject=subject,
            actor=actor,
            action=action,
            since=since,
            until=until,
            before=before,
            rows_max=rows_max,
        )
