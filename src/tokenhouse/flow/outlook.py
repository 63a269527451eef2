"""Outlook: how fast credit is used, and when it will be used up: an account's, or the deployment's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tokenhouse.flow.desk import Desk
from tokenhouse.flow.report import read_path
from tokenhouse.flow.rollups import counts_tokens
from tokenhouse.flow.stretches import Stretches, last_stretches
from tokenhouse.rules.account import apply
from tokenhouse.rules.forecast import DAYS, forecast
from tokenhouse.rules.operations import Touch
from tokenhouse.rules.periods import FOREVER, moment
from tokenhouse.rules.verdict import Member, payer_of
from tokenhouse.store import rollups, statistics
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How long what is available will last, if nothing is added to it; None: longer than a year.

    For an account that draws on one above it, this is about the one above. `per_day` is the mean of the last
    seven full days, `today` what this day has brought so far. In eight of ten cases the end comes between
    `earliest_at` and `latest_at`. `renews_at` is when the plan's next period begins, if it has any.
    """

    available: int
    per_day: int
    today: int
    days_known: int
    exhausted_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    renews_at: datetime | None

    @property
    def lasts_until_renewal(self) -> bool:
        """Whether it is expected to last until more comes."""
        if self.exhausted_at is None:
            return True
        return self.renews_at is not None and self.exhausted_at >= self.renews_at


async def account_outlook(desk: Desk, ref: str) -> Outlook:
    """Return how long an account's credit will last."""
    address = await desk.address(ref)
    path = await read_path(desk, address)
    balances, _, _ = apply(path, Touch(id=""), desk.now())
    payer = payer_of([Member(one, plan) for one, (_, plan) in zip(balances, path, strict=True)])
    stretches = last_stretches(desk, "day", DAYS + 1)
    whose = Address(ref, address.cell, (payer.balance.account,))
    async with desk.pool.acquire() as connection:
        used = await rollups.list_usage_of_account(
            connection, whose, stretches.span, one_to_one=counts_tokens(desk)
        )
    by_day = [0] * len(stretches.starts)
    for one in used:
        by_day[stretches.nth(one.start_at)] += one.charged
    opened_at = moment(payer.balance.opened_at) if payer.balance.opened_at > -FOREVER else None
    end_at = payer.balance.period_end_at
    renews = bool(payer.plan.allowance) and end_at < FOREVER
    return outlook(
        desk,
        by_day,
        payer.balance.available,
        first=_first_full(stretches, opened_at),
        renews_at=moment(end_at) if renews else None,
    )


async def deployment_outlook(desk: Desk) -> Outlook:
    """Return how long all accounts' credit would last, were it one."""
    stretches = last_stretches(desk, "day", DAYS + 1)
    async with snapshot(desk.pool) as connection:
        available = await statistics.sum_available(connection)
        used = await rollups.list_usage(connection, stretches.span, one_to_one=counts_tokens(desk))
    by_day = [0] * len(stretches.starts)
    for one in used:
        by_day[stretches.nth(one.start_at)] += one.charged
    first = next((nth for nth, charged in enumerate(by_day) if charged), len(by_day) - 1)
    return outlook(desk, by_day, available, first=first, renews_at=None)


def outlook(
    desk: Desk, by_day: list[int], available: int, *, first: int, renews_at: datetime | None
) -> Outlook:
    """Return the outlook of what was used by day, today last; days before the `first` do not count."""
    history = by_day[first:-1]
    found = forecast(history, available)
    now = desk.clock()

    def at(days: float | None) -> datetime | None:
        return None if days is None else now + timedelta(seconds=round(days * 86_400))

    return Outlook(
        available=available,
        per_day=found.per_day,
        today=by_day[-1],
        days_known=len(history),
        exhausted_at=at(found.days),
        earliest_at=at(found.days_earliest),
        latest_at=at(found.days_latest),
        renews_at=renews_at,
    )


def _first_full(stretches: Stretches, opened_at: datetime | None) -> int:
    """Return the first day of those that an account saw from its beginning, or the last of all."""
    if opened_at is None or opened_at <= stretches.bounds[0]:
        return 0
    return min(stretches.nth(opened_at) + 1, len(stretches.starts) - 1)
