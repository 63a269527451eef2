"""Synchronise: an account becomes what another system says of its user, however often that is said."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from tokenhouse.errors import NotFound
from tokenhouse.flow import audit_trail, audited, identify
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.audited import Told
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.store import search
from tokenhouse.store.accounts import Account

CHANGED: Final = "account.synchronise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synchronised:
    """The account as it is now and as it was, whether it was opened for this, and what of it was changed."""

    account: Account
    before: Account
    made: bool
    changed: tuple[str, ...]


async def synchronise(
    desk: Desk,
    ref: str,
    *,
    name: str | None,
    email: str | None,
    locale: str | None,
    plan: str | None,
    state: str | None,
    actor: str,
    address: str | None = None,
) -> Synchronised:
    """Open the account if it is new, and change what differs. Idempotent; None leaves a part as it is.

    Of an account that was suspended nothing but `state` says that it is active again: a late message about a
    user who has left must not bring it back. With an `address` somebody decided it, and the audit log keeps
    each change in the transaction that makes it.
    """
    if address is not None:
        checked_text(address, "address")
    profile = {"name": name, "email": email, "locale": locale}
    told: dict[str, Any] = {part: text for part, text in profile.items() if text is not None}
    checked_text(actor, "actor")
    checked = identify.checked_profile(ref=ref, plan=plan, **told)
    try:
        before, made = await identify.describe(desk, ref), False
    except NotFound:
        with _recorded(desk, "account.open", ref, {}, audited.account, actor, address):
            before, made = await identify.open_account(desk, checked, actor=actor), True
    terms = _differing(before, {"plan": plan, "state": state})
    if terms:  # First, for a plan that there is not must leave everything as it was.
        change: dict[str, Any] = {"state": None, "plan": None, **terms}
        with _recorded(desk, CHANGED, ref, _parts(before, terms), lambda _: terms, actor, address):
            await identify.amend(desk, ref, **change, key=None, actor=actor, note="")
    corrected = _differing(before, profile)
    if corrected:
        was = _parts(before, corrected)
        with _recorded(desk, CHANGED, ref, was, lambda _: corrected, actor, address):
            async with desk.pool.acquire() as connection, connection.transaction():
                await search.write_profile(
                    connection, before.address, name=name, email=email, locale=locale, tags=None
                )
                await keep(connection, corrected)
    after = await identify.describe(desk, ref) if corrected or terms else before
    return Synchronised(account=after, before=before, made=made, changed=(*corrected, *terms))


def _differing(one: Account, told: Told) -> Told:
    """Return what of it is told and is not so yet."""
    return {part: text for part, text in told.items() if text not in (None, getattr(one, part))}


def _parts(one: Account, names: Iterable[str]) -> Told:
    """Return parts of an account."""
    return {name: getattr(one, name) for name in names}


def _recorded(
    desk: Desk,
    action: str,
    ref: str,
    before: Told,
    told: Callable[[Any], Told],
    actor: str,
    address: str | None,
) -> AbstractContextManager[None]:
    """Have a change within recorded, if somebody decided it."""
    if address is None:
        return nullcontext()
    line = {"actor": actor, "action": action, "subject": ref, "address": address}
    return audit_trail.with_record(desk, told, **line, before=before)
