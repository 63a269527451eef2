"""Report: where an account stands, and what happened to it, as people and programs read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec

from tokenhouse.errors import InvalidInput, NotFound
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.rules.account import apply
from tokenhouse.rules.alerts import Level, estimated_turns, level, used_percent
from tokenhouse.rules.amounts import Unit, shown
from tokenhouse.rules.balance import Entry
from tokenhouse.rules.operations import Touch
from tokenhouse.rules.origins import ORIGINS, Origin, origin
from tokenhouse.rules.periods import FOREVER, moment
from tokenhouse.rules.verdict import Member, headroom, payer_of
from tokenhouse.store import accounts, months
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection

PAGE_MAX = 1_000
Kind = Literal[
    "open",
    "signup",
    "allowance",
    "rollover",
    "grant",
    "charge",
    "use",
    "repay",
    "expire",
    "forgive",
    "period",
    "claw_back",
    "refund",
    "unuse",
    "adjust",
    "amend",
    "release",
    "lapse",
]
"""Every kind of entry that a journal can hold."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """One lot: credit with an origin and perhaps an end."""

    source: str
    left: int
    amount: int
    expires_at: datetime | None


class OriginView(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one origin, and when the first of it ends, if any does."""

    origin: Origin
    left: int
    ends_at: datetime | None


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account stands. Amounts are in the unit's smallest part.

    For an account that draws on one above it, `available` and `held` are the payer's, and `used` its own.
    `available` is left - held - debt, negative while an overdraft lasts; `spendable` is what may still be
    reserved, the plan's overdraft included; `remaining` is left - debt, what people are told.
    """

    account: str
    plan: str
    plan_title: str
    """What people call the plan: its name, where it has no title."""
    state: str
    unit: Unit
    available: int
    spendable: int
    remaining: int
    held: int
    debt: int
    used: int
    used_total: int
    bought: int
    """Credit bought in all, less what was taken back."""
    bought_left: int
    granted: int
    charged: int
    turns: int
    used_percent: float
    level: Level
    estimated_turns: int | None
    period_start_at: datetime | None
    period_end_at: datetime | None
    lots: tuple[LotView, ...]

    @property
    def origins(self) -> tuple[OriginView, ...]:
        """The lots added up by free, bought and bonus, those without anything left too."""
        return tuple(_origin(one, self.lots) for one in ORIGINS)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One line of an account's history. `cursor` is where the next page begins."""

    seq: int
    at: datetime
    kind: str
    amount: int
    balance_after: int
    charge: int
    operation: str
    model: str
    usage: dict[str, int] | None
    rate: int
    source: str
    actor: str
    note: str
    facts: dict[str, Any]
    lots: tuple[tuple[Any, ...], ...]


def view(ref: str, path: list[Member]) -> BalanceView:
    """Return where the account at the start of `path` stands."""
    own, plan = path[0]
    payer = payer_of(path)
    credit = payer.balance
    return BalanceView(
        account=ref,
        plan=own.plan,
        plan_title=plan.title or own.plan,
        state=own.state,
        unit=plan.unit,
        available=credit.available,
        spendable=max(headroom(payer), 0),
        remaining=max(credit.left - credit.debt, 0),
        held=credit.held,
        debt=credit.debt,
        used=own.used,
        used_total=own.used_total,
        bought=credit.bought,
        bought_left=credit.bought_left,
        granted=credit.granted,
        charged=credit.charged,
        turns=own.turns,
        used_percent=used_percent(credit),
        level=level(credit, payer.plan),
        estimated_turns=estimated_turns(own, credit.available),
        period_start_at=None if own.period_start_at <= -FOREVER else moment(own.period_start_at),
        period_end_at=None if own.period_end_at >= FOREVER else moment(own.period_end_at),
        lots=tuple(
            LotView(
                source=lot.source,
                left=lot.left,
                amount=lot.amount,
                expires_at=None if lot.expires_at >= FOREVER else moment(lot.expires_at),
            )
            for lot in credit.lots
        ),
    )


def _origin(wanted: Origin, lots: tuple[LotView, ...]) -> OriginView:
    """Return what is left of one origin."""
    mine = [lot for lot in lots if lot.left and origin(lot.source) == wanted]
    ends = [lot.expires_at for lot in mine if lot.expires_at is not None]
    return OriginView(origin=wanted, left=sum(lot.left for lot in mine), ends_at=min(ends, default=None))


async def balance(desk: Desk, ref: str) -> BalanceView:
    """Return where an account stands now: its row, brought forward by the clock, without writing anything."""
    address = await desk.address(ref)
    path = await read_path(desk, address)
    now = desk.now()
    balances, _, _ = apply(path, Touch(id=""), now)
    return view(ref, [Member(one, plan) for one, (_, plan) in zip(balances, path, strict=True)])


async def read_path(desk: Desk, address: Address) -> list[Member]:
    """Return the accounts on an address' path as they are stored."""
    async with desk.pool.acquire() as connection:
        return await path_on(desk, connection, address)


async def path_on(desk: Desk, connection: Connection, address: Address) -> list[Member]:
    """Return the accounts on an address' path as a connection sees them, in its transaction if it has one."""
    path = []
    for nth, account in enumerate(address.path):
        found = await accounts.find_balance(
            connection, Address(address.ref, address.cell, address.path[nth:])
        )
        if found is None:
            raise NotFound("balance_missing", account=address.ref)
        one, version = found
        if version != desk.catalog.version:
            await desk.catalog.refresh(connection)
        path.append(Member(one, desk.catalog.plan(one.plan)))
        assert one.account == account  # noqa: S101 -- the row that was asked for
    return path


async def history(
    desk: Desk, ref: str, *, before: int | None, kinds: tuple[str, ...], rows_max: int
) -> list[EntryView]:
    """Return a page of an account's journal, newest first, below entry `before`; any depth costs the same."""
    checked_whole(rows_max, "rows_max", 1, PAGE_MAX)
    before = FOREVER if before is None else checked_whole(before, "before", 0, FOREVER)
    _check_kinds(kinds)
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        found = await accounts.list_entries(connection, address, before, tuple(kinds), rows_max)
    return [entry_view(entry) for entry in found]


async def history_size(desk: Desk, ref: str, kinds: Sequence[str]) -> int:
    """Return how many entries of these kinds an account's journal has."""
    _check_kinds(kinds)
    address = await desk.address(ref)
    async with desk.pool.acquire() as connection:
        return await months.find_entry_count(connection, address, kinds)


def _check_kinds(kinds: object) -> None:
    """Refuse a list of kinds that names one which no entry has."""
    if not isinstance(kinds, tuple | list | set | frozenset) or not all(kind in KINDS for kind in kinds):
        raise InvalidInput("choice_unknown", field="kinds", value=shown(kinds), known=", ".join(KINDS))


def entry_view(entry: Entry) -> EntryView:
    """Return an entry as people and programs read it."""
    usage = entry.usage
    return EntryView(
        seq=entry.seq,
        at=moment(entry.at),
        kind=entry.kind,
        amount=entry.amount,
        balance_after=entry.balance_after,
        charge=entry.charge,
        operation=entry.operation,
        model=entry.model,
        usage={name: getattr(usage, name) for name in usage.__struct_fields__ if getattr(usage, name)}
        if usage is not None
        else None,
        rate=entry.rate,
        source=entry.source,
        actor=entry.actor,
        note=entry.note,
        facts=dict(entry.facts or {}),
        lots=entry.lots,
    )
