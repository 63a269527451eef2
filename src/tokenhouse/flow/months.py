"""Months: what an account was given, used, bought and had left in each calendar month, from its journal.

A month's *allocation* is all that it had to offer: what was used in it and what was left at its end, whatever
that came from. So used + remaining = allocated in every month, and buying more raises it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.report import BalanceView, path_on, view
from tokenhouse.rules.account import apply
from tokenhouse.rules.alerts import percent_of
from tokenhouse.rules.operations import Touch
from tokenhouse.rules.periods import FOREVER, Period, moment, period_of, zone_of
from tokenhouse.rules.verdict import Member
from tokenhouse.store import accounts, months
from tokenhouse.store.accounts import Address
from tokenhouse.store.months import Booked
from tokenhouse.store.pool import Connection, snapshot

MONTHS_MAX: Final = 120
RENEWAL: Final = ("lapse", "expire", "forgive", "period", "repay", "rollover", "allowance")
"""Kinds of the entries with which a new month begins, in one block, when the account is first touched."""
RENEWAL_MAX: Final = 50
"""Entries among which that block is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One calendar month of an account, by its own calendar. `remaining` is below zero while it owes."""

    first_day: date
    start_at: datetime
    used: int
    remaining: int
    bought: int
    """Credit bought in this month, less what was taken back of that since."""
    turns: int

    @property
    def allocated(self) -> int:
        """All that the month had to offer."""
        return max(self.used + self.remaining, 0)

    @property
    def used_percent(self) -> float:
        """Used of what there was, in percent."""
        return percent_of(self.used, self.used + self.remaining)


@dataclass(frozen=True, slots=True, kw_only=True)
class Months:
    """The newest months of an account, this one first, and where it stands now."""

    months: tuple[Month, ...]
    balance: BalanceView
    created_at: datetime
    changed_at: datetime
    """When its journal last grew."""


async def months_of(desk: Desk, ref: str, count: int) -> Months:
    """Return the last `count` months of an account, this one among them; none before it was opened.

    For an account that draws on one above it, `used` is its own and `remaining` the payer's.
    """
    checked_whole(count, "months", 1, MONTHS_MAX)
    address = await desk.address(ref)
    async with snapshot(desk.pool) as connection:
        path, now = await path_on(desk, connection, address), desk.now()
        balances, _, _ = apply(path, Touch(id=""), now)
        path = [Member(one, plan) for one, (_, plan) in zip(balances, path, strict=True)]
        zone = zone_name(path[0])
        periods = last_months(now, count, zone, path[0].balance.opened_at)
        bounds = [moment(one.start_at) for one in periods] + [moment(periods[-1].end_at)]
        booked = await months.list_months(connection, address, bounds)
        nth = next((nth for nth, one in enumerate(path) if one.balance.own_credit), len(path) - 1)
        payer = Address(address.ref, address.cell, address.path[nth:])
        paid = booked if nth == 0 else await months.list_months(connection, payer, bounds)
        left = path[nth].balance.left - path[nth].balance.debt
        closings = await _closings(connection, payer, paid, len(periods), left)
        account = await accounts.find_account(connection, address)
        newest = await accounts.list_entries(connection, address, FOREVER, (), 1)
    assert account is not None  # noqa: S101 -- it has a balance
    return Months(
        months=tuple(
            _month(period, booked.get(nth), closing, zone)
            for nth, (period, closing) in enumerate(zip(periods, closings, strict=True))
        )[::-1],
        balance=view(ref, path),
        created_at=account.created_at,
        changed_at=moment(newest[0].at) if newest else account.created_at,
    )


def zone_name(member: Member) -> str:
    """Return the zone of an account's calendar: its first allowance's, else its own, else its plan's."""
    balance, plan = member
    named = plan.allowance[0].time_zone if plan.allowance else None
    return named or balance.zone or plan.zone


def last_months(now: int, count: int, zone: str, opened_at: int) -> list[Period]:
    """Return the month of `now` and those before it, the oldest first, none that ended before `opened_at`."""
    found = [period_of(now, "month", zone=zone)]
    while len(found) < count and found[-1].start_at > opened_at:
        found.append(period_of(found[-1].start_at - 1, "month", zone=zone))
    return found[::-1]


async def _closings(
    connection: Connection, payer: Address, booked: dict[int, Booked], count: int, left: int
) -> list[int]:
    """Return what was left at the end of each month; of the present one, what is left now.

    In a month without an entry nobody touched the account: it offered what the next one opened with.
    """
    closings = [left]
    opening = left
    for nth in range(count - 1, 0, -1):
        this, before = booked.get(nth), booked.get(nth - 1)
        if before is None and this is not None:
            opening = await _opening(connection, payer, this)
        closings.append(opening if before is None else before.closing)
    return closings[::-1]


async def _opening(connection: Connection, payer: Address, month: Booked) -> int:
    """Return what an account had when its month began: after the block of entries that renewed it."""
    end = month.first_seq + RENEWAL_MAX
    found = await accounts.list_entries(connection, payer, end, (), RENEWAL_MAX + 1)
    before, *first = [entry for entry in reversed(found) if entry.seq >= month.first_seq - 1]
    opening = before.balance_after
    for entry in first:
        if entry.kind not in RENEWAL or entry.at != first[0].at:
            break
        opening = entry.balance_after
    return opening


def _month(period: Period, booked: Booked | None, closing: int, zone: str) -> Month:
    """Return one month."""
    start_at = moment(period.start_at)
    return Month(
        first_day=start_at.astimezone(zone_of(zone)).date(),
        start_at=start_at,
        used=max(booked.used, 0) if booked else 0,
        remaining=closing,
        bought=booked.bought if booked else 0,
        turns=booked.turns if booked else 0,
    )
