"""Synchronise: an account becomes what another system says of its user, however often that is said."""

from dataclasses import dataclass
from typing import Any

from tokenhouse.errors import NotFound
from tokenhouse.flow import identify
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.store import search
from tokenhouse.store.accounts import Account
from tokenhouse.store.pool import trouble_translated


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
) -> Synchronised:
    """Open the account if it is new, and change what differs. Idempotent; None leaves a part as it is.

    Of an account that was suspended nothing but `state` says that it is active again: a late message about a
    user who has left must not bring it back.
    """
    profile = {"name": name, "email": email, "locale": locale}
    told: dict[str, Any] = {part: text for part, text in profile.items() if text is not None}
    checked_text(actor, "actor")
    checked = identify.checked_profile(ref=ref, plan=plan, **told)
    try:
        before, made = await identify.describe(desk, ref), False
    except NotFound:
        before, made = await identify.open_account(desk, checked, actor=actor), True
    terms = {"plan": plan, "state": state}
    differing = {part: text for part, text in terms.items() if text not in (None, getattr(before, part))}
    if differing:  # First, for a plan that there is not must leave everything as it was.
        await identify.amend(
            desk,
            ref,
            state=differing.get("state"),
            plan=differing.get("plan"),
            key=None,
            actor=actor,
            note="",
        )
    changed = tuple(part for part, text in told.items() if getattr(before, part) != text)
    if changed:
        with trouble_translated():
            async with desk.pool.acquire() as connection:
                await search.write_profile(
                    connection, before.address, name=name, email=email, locale=locale, tags=None
                )
    after = await identify.describe(desk, ref) if changed or differing else before
    return Synchronised(account=after, before=before, made=made, changed=(*changed, *differing))
