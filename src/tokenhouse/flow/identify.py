"""Identify: whose call is it? Opening accounts, finding them, changing their state and plan."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, get_args

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.audit_trail import keep
from tokenhouse.flow.desk import Desk, checked_flag, checked_text, checked_whole
from tokenhouse.rules.account import opened
from tokenhouse.rules.amounts import AMOUNT_MAX, shown
from tokenhouse.rules.operations import Amend
from tokenhouse.rules.periods import zone_of
from tokenhouse.store import accounts
from tokenhouse.store.accounts import CELLS, Account, Address, Profile
from tokenhouse.store.pool import Connection

Kind = Literal["user", "team", "company"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
State = Literal["active", "suspended", "closed"]
STATES: Final[tuple[State, ...]] = get_args(State)
DEPTH_MAX = 8
"""Accounts on a way from a leaf to its root, at most: each is locked with every call below it."""
TAGS_MAX = 20
PAGE_MAX = 10_000


async def open_account(desk: Desk, profile: Profile, *, actor: str = "") -> Account:
    """Return the account called `profile.ref`, making it if it is not there.

    Profile, balance and first allowance at once.

    Idempotent: an existing account is returned as it is; of two callers at once, one makes it and both get
    it.
    """
    checked_text(actor, "actor")
    async with desk.pool.acquire() as connection:
        address = await accounts.find_address(connection, profile.ref)
        if address is None:
            await desk.catalog.keep_up(connection)
            account = await _made(desk, connection, profile, actor)
        else:
            account = await accounts.find_account(connection, address)
    if account is None:
        raise NotFound("account_unknown", account=profile.ref)
    desk.remember(account.address)
    return account


async def _made(desk: Desk, connection: Connection, profile: Profile, actor: str) -> Account | None:
    """Make an account with its balance, unless somebody else just did; return it."""
    plan = desk.catalog.plan(profile.plan or desk.settings.plan)
    now = desk.now()
    async with connection.transaction():
        made = await accounts.write_profiles(connection, [profile], now)
        for address in made:
            balance, entries = opened(
                address.account,
                plan,
                now,
                own_credit=profile.own_credit,
                zone=profile.time_zone,
                actor=actor,
            )
            await accounts.write_opened(connection, [(address.cell, balance, entries)], now)
            account = await accounts.find_account(connection, address)
            await keep(connection, account)
            return account
    found = await accounts.find_address(connection, profile.ref)
    assert found is not None  # noqa: S101 -- made by the one who was faster
    return await accounts.find_account(connection, found)


def checked_profile(
    *,
    ref: object,
    kind: str = "user",
    above: Address | None = None,
    plan: str | None = None,
    own_credit: bool | None = None,
    name: str = "",
    email: str = "",
    locale: str = "",
    time_zone: str = "",
    tags: Mapping[str, str] | None = None,
) -> Profile:
    """Return a profile made of values from outside.

    `own_credit` defaults to yes for a root and no for an account below another, which then draws on its
    nearest ancestor that has credit. Raises: InvalidInput.
    """
    if kind not in KINDS:
        raise InvalidInput("choice_unknown", field="kind", value=shown(kind), known=", ".join(KINDS))
    if checked_text(time_zone, "time_zone"):
        zone_of(time_zone)
    if plan is not None:
        checked_text(plan, "plan", least=1)
    if own_credit is not None:
        checked_flag(own_credit, "own_credit")
    if above is not None and len(above.path) >= DEPTH_MAX:
        raise InvalidInput("tree_too_deep", field="parent", value=above.ref, most=DEPTH_MAX)
    if own_credit is False and above is None:
        raise InvalidInput("root_needs_credit", field="own_credit", value="false")
    if tags is not None and not isinstance(tags, Mapping):
        raise InvalidInput("table_wanted", field="tags", value=shown(tags))
    if tags is not None and len(tags) > TAGS_MAX:
        raise InvalidInput("too_many", field="tags", value=len(tags), most=TAGS_MAX)
    return Profile(
        ref=checked_text(ref, "account", least=1),
        kind=kind,
        above=above,
        plan=plan,
        own_credit=above is None if own_credit is None else own_credit,
        name=checked_text(name, "name"),
        email=checked_text(email, "email"),
        locale=checked_text(locale, "locale", most=20),
        time_zone=time_zone,
        tags={checked_text(k, "tags", least=1): checked_text(v, "tags") for k, v in (tags or {}).items()},
    )


async def amend(
    desk: Desk, ref: str, *, state: str | None, plan: str | None, key: str | None, actor: str, note: str
) -> None:
    """Change an account's state or plan; the journal records it.

    Takes effect with the next operation, on every node.
    """
    if state is not None and state not in STATES:
        raise InvalidInput("choice_unknown", field="state", value=shown(state), known=", ".join(STATES))
    if state is None and plan is None:
        raise InvalidInput("nothing_to_change", field="state", value="")
    if plan is not None:
        await _known_plan(desk, checked_text(plan, "plan"))
    address = await desk.address(ref)
    checked_text(actor, "actor")
    checked_text(note, "note", most=1_000)
    operation = Amend(id=desk.new_id(), state=state, plan=plan, actor=actor, note=note)
    await desk.carry_out(address, operation, key=key)


async def _known_plan(desk: Desk, name: str) -> None:
    """Return if there is such a plan, though another process wrote it. Raises: NotFound."""
    if name not in desk.catalog.plans:
        async with desk.pool.acquire() as connection:
            await desk.catalog.keep_up(connection)
    desk.catalog.plan(name)


async def describe(desk: Desk, ref: str) -> Account:
    """Return an account as people see it. Raises: NotFound."""
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        account = await accounts.find_account(connection, address)
    if account is None:
        raise NotFound("account_unknown", account=ref)
    return account


async def page(desk: Desk, after: tuple[int, int], rows_max: int) -> list[Account]:
    """Return the next accounts after a cursor: a cell and an id in it."""
    if type(after) not in (tuple, list) or len(after) != 2:
        raise InvalidInput("pair_wanted", field="after", value=shown(after))
    checked_whole(after[0], "after", -1, CELLS)
    checked_whole(after[1], "after", 0, AMOUNT_MAX)
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    async with desk.pool.acquire() as connection:
        return await accounts.list_accounts(connection, (after[0], after[1]), rows_max)


async def children(desk: Desk, ref: str) -> list[str]:
    """Return the refs of the accounts directly below one."""
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        return await accounts.list_children(connection, address)


def months_ahead(now: datetime) -> list[datetime]:
    """Return moments of this month and the two after it: the partitions that the journal will need."""
    first = now.replace(day=1)
    ahead = [first]
    for _ in range(2):
        year, month = divmod(ahead[-1].year * 12 + ahead[-1].month, 12)
        ahead.append(first.replace(year=year, month=month + 1))
    return ahead
