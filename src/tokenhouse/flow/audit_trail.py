"""The audit trail: every change that somebody with a role makes, in a log that only grows.

Entries tell what happened to credit. This tells who decided it: plans and prices, states of accounts, keys,
people, orders ended by hand, grants and corrections.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk, checked_text, checked_whole, kept_of_the_next
from tokenhouse.rules.periods import instant, moment
from tokenhouse.store import audit_log
from tokenhouse.store.audit_log import NEWEST, Audited, AuditFilter
from tokenhouse.store.pool import Connection

ROWS_MAX: Final = 1_000
REASON_LENGTH_MAX: Final = 1_000
VALUE_BYTES_MAX: Final = 100_000


async def record(
    desk: Desk,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    reason: str = "",
    address: str = "",
) -> Audited:
    """Append a change to the log; it is durable when this returns.

    Args:
        desk: this process's.
        actor: who made it, as entries say it: `person:…`, `key:…`, or what a program calls itself.
        action: what was done to what: `account.grant`, `key.revoke`, `plan.write`.
        subject: the name of that what: an account's, a plan's.
        before: how it was, as JSON has it. Never a secret.
        after: how it is now.
        reason: why, in the actor's words.
        address: from where.

    Raises: InvalidInput, DatabaseTrouble.
    """
    change = drafted(
        desk,
        actor=actor,
        action=action,
        subject=subject,
        before=before,
        after=after,
        reason=reason,
        address=address,
    )
    async with desk.pool.acquire() as connection:
        await audit_log.write_audit(connection, change)
    return change


def drafted(
    desk: Desk,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    reason: str = "",
    address: str = "",
) -> Audited:
    """Return a change as the log will hold it, for a flow that writes it beside the change itself."""
    return Audited(
        id=0,
        at=desk.clock(),
        actor=checked_text(actor, "actor", most=300),
        action=checked_text(action, "action", least=1),
        subject=checked_text(subject, "subject", most=300),
        before=_checked(before, "before"),
        after=_checked(after, "after"),
        reason=checked_text(reason, "reason", most=REASON_LENGTH_MAX),
        address=checked_text(address, "address"),
    )


@asynccontextmanager
async def at_once(desk: Desk) -> AsyncIterator[None]:
    """Have a change and its record, both made within, written at once or not at all.

    Not for what no single transaction can hold - an operation on the ledger, a work that begins, a call of
    somebody else's: those take their record with them, `with_record`.
    """
    try:
        async with desk.pool.together():
            yield
    except BaseException:
        desk.addresses.clear()  # There is no such account after all, nor such a plan.
        desk.catalog.forget()
        raise


@contextmanager
def with_record(
    desk: Desk,
    told: Callable[[Any], Any],
    *,
    actor: str,
    action: str,
    subject: str,
    before: Any = None,
    reason: str = "",
    address: str = "",
) -> Iterator[None]:
    """Have the first change that is made within write this record too, in its own transaction.

    What changes nothing - a repeat, a no, what was so before - writes none. `told` says of what was made how
    it is now: of an operation's outcome on the ledger, or of what a flow hands to `keep`.
    """
    once = drafted(
        desk, actor=actor, action=action, subject=subject, before=before, reason=reason, address=address
    )
    last = kept_of_the_next.set(lambda done: replace(once, after=told(done)))
    try:
        yield
    finally:
        kept_of_the_next.reset(last)


async def keep(connection: Connection, made: Any) -> None:
    """Write the record that somebody wants of what this transaction has just made, if somebody does, once."""
    kept = kept_of_the_next.get()
    if kept is not None:
        await audit_log.write_audit(connection, kept(made))
        kept_of_the_next.set(None)


def with_amendment(
    desk: Desk,
    account: str,
    before: Any,
    after: Any,
    *,
    actor: str,
    reason: str,
    address: str = "",
    action: str = "account.amend",
) -> AbstractContextManager[None]:
    """Have the change of an account that is asked for within write its own record, if it is one."""
    if not after:
        return nullcontext()
    told: dict[str, Any] = {"actor": actor, "action": action, "subject": account, "before": before}
    return with_record(desk, lambda _: after, reason=reason, address=address, **told)


def _checked(value: Any, field: str) -> Any:
    """Return what JSON can hold, at a length that a person might read. Raises: InvalidInput."""
    try:
        length = len(audit_log.encoded(value))
    except (RecursionError, TypeError, ValueError):
        raise InvalidInput("audit_value", field=field, value=type(value).__name__) from None
    if length > VALUE_BYTES_MAX:
        raise InvalidInput("text_length", field=field, value="", length=length, least=0, most=VALUE_BYTES_MAX)
    return value


async def page(
    desk: Desk,
    *,
    subject: str,
    actor: str,
    action: str,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    rows_max: int,
) -> list[Audited]:
    """Return a page of the log, newest first; pass the last one's `id` as `before` for the next."""
    checked_whole(rows_max, "rows_max", 1, ROWS_MAX)
    wanted = AuditFilter(
        subject=checked_text(subject, "subject", most=300),
        actor=checked_text(actor, "actor", most=300),
        action=checked_text(action, "action"),
        since=None if since is None else moment(instant(since, "since")),
        until=None if until is None else moment(instant(until, "until")),
    )
    number = None if before is None else checked_whole(before, "before", 1, NEWEST)
    async with desk.pool.acquire() as connection:
        return await audit_log.list_audit(connection, wanted, number, rows_max)
