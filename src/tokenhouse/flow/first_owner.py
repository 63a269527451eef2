"""The first owner: who set a deployment up becomes its owner by a one-time link, with an e-mail of their own.

Until then a placeholder stands for them, which nobody can sign in as: it has no password, only the link.
"""

from typing import Final

from tokenhouse.errors import InvalidInput, Unauthenticated
from tokenhouse.flow import people
from tokenhouse.flow.audit_trail import drafted
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.passwords import checked_password
from tokenhouse.flow.people import Invited, checked_email, checked_locale, digest_of
from tokenhouse.flow.sessions import SignedIn, begin
from tokenhouse.store import audit_log, sessions
from tokenhouse.store import people as kept

PLACEHOLDER: Final = "owner@localhost"
"""Who the first owner is while nobody has come."""
NAME_MAX: Final = 200


async def offer(desk: Desk, *, account: str, actor: str) -> Invited | None:
    """Return a link by which somebody becomes the first owner; None where there is one.

    Each offer replaces the one before. `account` is the account that is theirs, or "".
    """
    async with desk.pool.acquire() as connection, connection.transaction():
        owners = await kept.lock_owners(connection)
        waiting = await kept.find_person_by_email(connection, PLACEHOLDER)
    if waiting is not None and owners == [waiting.id]:
        return await people.invite(desk, waiting.id, actor=actor, address="")
    if owners or waiting is not None:
        return None
    unsaid = {"name": "", "locale": "", "time_zone": "", "address": ""}
    try:
        return await people.create_person(
            desk, PLACEHOLDER, role="owner", account=account, actor=actor, **unsaid
        )
    except InvalidInput as taken:
        if taken.reason != "email_taken":
            raise
    return await offer(desk, account=account, actor=actor)  # Another node was quicker by a moment.


async def become(
    desk: Desk,
    link: str,
    *,
    email: str,
    password: str,
    name: str,
    locale: str,
    address: str,
    agent: str,
) -> SignedIn:
    """Make whoever has the link the first owner, under their e-mail and password, and begin their session.

    Raises: Unauthenticated `link_unknown`, for other links too; InvalidInput `email_taken`, and where a value
    cannot be taken; Busy.
    """
    digest, now = digest_of(checked_text(link, "link")), desk.clock()
    theirs = checked_email(email)
    checked_text(name, "name", most=NAME_MAX)
    spoken = checked_locale(locale or desk.settings.locale)
    async with desk.pool.acquire() as connection:
        if await kept.find_person_by_link(connection, digest, now) is None:
            raise Unauthenticated("link_unknown")  # To hash for anybody would keep others out.
    hashed = await desk.lodge.hashed(checked_password(password, theirs))
    kept_of_it = drafted(
        desk, actor=f"person:{theirs}", action="person.first_owner", subject=theirs, address=address
    )
    async with desk.pool.acquire() as connection, connection.transaction():
        waiting = await kept.find_person_by_link(connection, digest, now)
        if (
            waiting is None
            or waiting.email != PLACEHOLDER
            or await kept.write_link_used(connection, digest, now, hashed) is None
        ):
            raise Unauthenticated("link_unknown")
        if not await kept.write_first_owner(connection, waiting.id, theirs, name, spoken):
            raise InvalidInput("email_taken", field="email", value=theirs)
        await sessions.write_sessions_ended(connection, waiting.id)
        await audit_log.write_audit(connection, kept_of_it)
    return await begin(desk, waiting.id, address, agent)
