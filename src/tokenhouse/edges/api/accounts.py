"""Accounts: who pays, where they stand, and the tree that they form."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, House, IdempotencyKey, Operator, User
from tokenhouse.edges.api.shapes import AccountRef, Amount, Cursor, Limit, Page, Reason, Shape, amount
from tokenhouse.errors import NotFound
from tokenhouse.flow import audited
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.identify import Kind, State
from tokenhouse.flow.report import BalanceView
from tokenhouse.rules.alerts import Level
from tokenhouse.rules.origins import Origin, origin
from tokenhouse.store.accounts import Account as Stored

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])

Ref = Annotated[
    str,
    Path(
        max_length=255,
        description="The account's outside name; `me` is the caller's own.",
        examples=["alice"],
    ),
]
Text = Annotated[str, Field(max_length=200)]
Tags = Annotated[dict[str, str], Field(max_length=20, examples=[{"country": "KR"}])]


class Account(Shape):
    """Who pays."""

    ref: Annotated[str, Field(examples=["alice"], description="Its outside name: a user's id, an e-mail, …")]
    kind: Kind
    parent: Annotated[str | None, Field(description="The account above it in its tree.")]
    plan: Annotated[str | None, Field(examples=["chat-tokens"], description="Null while it has no balance.")]
    state: State | None
    own_credit: Annotated[bool, Field(description="False: it draws on its nearest ancestor that has credit.")]
    name: str
    email: str
    locale: Annotated[str, Field(examples=["ko"])]
    time_zone: Annotated[str, Field(examples=["Asia/Seoul"])]
    tags: dict[str, str]
    created_at: datetime


class NewAccount(Shape):
    """An account to be opened, with its balance and its first allowance."""

    ref: AccountRef
    kind: Kind = "user"
    parent: Annotated[str | None, Field(max_length=200, description="It cannot be changed later.")] = None
    plan: Annotated[
        str | None, Field(max_length=63, description="Otherwise the deployment's.", examples=["chat-tokens"])
    ] = None
    own_credit: Annotated[
        bool | None, Field(description="Otherwise yes for a root, and no below another account.")
    ] = None
    name: Text = ""
    email: Text = ""
    locale: Annotated[str, Field(max_length=20, examples=["ko"])] = ""
    time_zone: Annotated[str, Field(max_length=200, examples=["Asia/Seoul"])] = ""
    tags: Tags = Field(default_factory=dict)
    reason: Annotated[str, Field(max_length=1_000, description="Why; it goes into the audit log.")] = ""


class AccountAmendment(Shape):
    """What is to change of an account; what is left out, or null, stays."""

    state: State | None = None
    plan: Annotated[str | None, Field(max_length=63, examples=["chat-tokens"])] = None
    name: Text | None = None
    email: Text | None = None
    locale: Annotated[str | None, Field(max_length=20)] = None
    tags: Annotated[Tags | None, Field(description="All tags: those that are not here go.")] = None
    reason: Reason


class Lot(Shape):
    """Credit with an origin and perhaps an end."""

    source: str
    origin: Origin
    left: Amount
    given: Amount
    expires_at: datetime | None


class OriginSum(Shape):
    """What is left of one origin: the sum of its lots."""

    origin: Origin
    left: Amount
    ends_at: Annotated[datetime | None, Field(description="When the first of it ends; null: none does.")]


class Balance(Shape):
    """Where an account stands."""

    account: str
    plan: str
    plan_title: Annotated[str, Field(description="What people call the plan.", examples=["Chat tokens"])]
    state: Annotated[str, Field(examples=["active", "suspended", "closed"])]
    remaining: Amount
    available: Amount
    spendable: Amount
    held: Amount
    debt: Amount
    used: Amount
    used_percent: float
    level: Level
    estimated_turns: Annotated[int | None, Field(description="Turns that are left, as the last ones went.")]
    period_start_at: datetime | None
    period_end_at: datetime | None
    lots: list[Lot]
    origins: Annotated[list[OriginSum], Field(description="Free, bought, bonus: the lots added up.")]


class WayUp(Shape):
    """The refs from an account up to the root of its tree, its own first."""

    refs: Annotated[list[str], Field(examples=[["alice", "research", "acme"]])]
    payer: Annotated[str, Field(examples=["acme"], description="Which of them pays: whose credit it is.")]


@router.get("")
async def list_accounts(
    _caller: Auditor,
    house: House,
    search: Annotated[
        str,
        Query(
            max_length=200,
            description="Any part of ref, e-mail or name, in any case; one letter: how they begin.",
            examples=["ali"],
        ),
    ] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Account]:
    """List accounts, or find some: by how ref, e-mail and name begin, in this order, then by any part.

    For auditors.
    """
    found = await house.find_accounts(search, after=cursor, rows_max=limit)
    return Page(items=[described(one) for one in found.accounts], next=found.next)


@router.post(
    "",
    status_code=201,
    responses={200: {"model": Account, "description": "It was there already, and stays as it is."}},
)
async def create_account(asked: NewAccount, caller: Operator, house: House, response: Response) -> Account:
    """Open an account. Idempotent by its ref: one that is there is answered as it is."""
    try:
        there = await house.describe(asked.ref)
    except NotFound:
        profile = asked.model_dump(exclude={"ref", "parent", "reason"})
        with caller.changing(house, "account.create", asked.ref, audited.account, reason=asked.reason):
            made = await house.account(asked.ref, parent=asked.parent, actor=caller.actor, **profile)
        return described(made)
    response.status_code = 200
    return described(there)


@router.get("/{ref}")
async def show_account(ref: Ref, caller: User, house: House) -> Account:
    """Return who an account is."""
    return described(await house.describe(caller.account_of(ref)))


@router.patch("/{ref}")
async def amend_account(
    ref: Ref, asked: AccountAmendment, caller: Operator, house: House, key: IdempotencyKey = None
) -> Account:
    """Change an account's state or plan, or correct who it is.

    A state or plan counts from the next call on, on every node. Parent and time zone cannot be changed.
    """
    account = caller.account_of(ref)
    before = audited.account(await house.describe(account))
    profile = {name: getattr(asked, name) for name in ("name", "email", "locale", "tags")}
    terms = {"state": asked.state, "plan": asked.plan}
    if any(value is not None for value in terms.values()) or all(v is None for v in profile.values()):
        was, now = audited.changed(before, {name: one for name, one in terms.items() if one is not None})
        with caller.amending(house, account, was, now, asked.reason):
            await house.amend(account, **terms, key=key, actor=caller.actor, note=asked.reason)
    if any(value is not None for value in profile.values()):
        async with at_once(house.desk):
            await house.correct_profile(account, **profile)
            corrected = audited.account(await house.describe(account))
            was, now = audited.changed(before, {name: corrected[name] for name in profile})
            if now:
                await caller.record(
                    house, "account.amend", account, before=was, after=now, reason=asked.reason
                )
    return described(await house.describe(account))


@router.get("/{ref}/children")
async def list_children(
    ref: Ref, caller: Auditor, house: House, limit: Limit = 50, cursor: Cursor = None
) -> Page[Account]:
    """List the accounts directly below one. For auditors."""
    found = await house.accounts_below(caller.account_of(ref), after=cursor, rows_max=limit)
    return Page(items=[described(one) for one in found.accounts], next=found.next)


@router.get("/{ref}/path")
async def show_account_path(ref: Ref, caller: User, house: House) -> WayUp:
    """Return the way from an account up to the root of its tree, and which of them pays."""
    account = caller.account_of(ref)
    return WayUp(refs=await house.way_up(account), payer=await house.payer(account))


@router.get("/{ref}/balance")
async def show_balance(ref: Ref, caller: User, house: House) -> Balance:
    """Return where an account stands now."""
    return shown(await house.balance(caller.account_of(ref)))


def described(account: Stored) -> Account:
    """Return an account as the API says it."""
    return Account.model_validate(
        {name: getattr(account, name) for name in Account.model_fields}, strict=False
    )


def shown(view: BalanceView) -> Balance:
    """Return a balance as the API says it."""
    unit = view.unit
    return Balance(
        account=view.account,
        plan=view.plan,
        plan_title=view.plan_title,
        state=view.state,
        remaining=amount(view.remaining, unit),
        available=amount(view.available, unit),
        spendable=amount(view.spendable, unit),
        held=amount(view.held, unit),
        debt=amount(view.debt, unit),
        used=amount(view.used, unit),
        used_percent=view.used_percent,
        level=view.level,
        estimated_turns=view.estimated_turns,
        period_start_at=view.period_start_at,
        period_end_at=view.period_end_at,
        lots=[
            Lot(
                source=lot.source,
                origin=origin(lot.source),
                left=amount(lot.left, unit),
                given=amount(lot.amount, unit),
                expires_at=lot.expires_at,
            )
            for lot in view.lots
        ],
        origins=[
            OriginSum(origin=one.origin, left=amount(one.left, unit), ends_at=one.ends_at)
            for one in view.origins
        ],
    )
