"""Statistics: how many accounts, how much used, how near their end, who uses most; and a line an account."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk
from tokenhouse.rules.alerts import Level, level, used_percent
from tokenhouse.rules.balance import PURCHASE, Balance
from tokenhouse.rules.costs import share
from tokenhouse.rules.renewal import renew
from tokenhouse.store import statistics
from tokenhouse.store.pool import Connection
from tokenhouse.store.statistics import Figures, Owned

TOP_MAX: Final = 1_000
LINES: Final = 2_000
"""Accounts that one query of a report reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The deployment in one row. Amounts in the unit's smallest part; `used` is of each current period."""

    accounts: int
    with_balance: int
    active: int
    used: int
    used_mean: int
    used_max: int
    bought: int
    bought_mean: int
    bought_max: int
    turns: int
    turns_mean: int
    turns_max: int
    left: int
    debt: int
    exhausted: int

    @property
    def without_balance(self) -> int:
        """Accounts that wait for `init`."""
        return self.accounts - self.with_balance

    @property
    def waiting_share(self) -> Decimal | None:
        """Their part of all accounts; None where there are none."""
        return share(self.without_balance, self.accounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How many accounts with credit of their own used less than 50, 80, 90, 95 % of it, and 95 % or more."""

    under50: int
    under80: int
    under90: int
    under95: int
    over95: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One account in a report: free + bought = total = used + left; 0 where it has no credit of its own."""

    account: str
    email: str
    name: str
    plan: str
    state: str
    free: int
    bought: int
    total: int
    used: int
    used_percent: float
    left: int
    turns: int
    mean_per_turn: int
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Overview, distribution and the accounts that used most."""

    overview: Overview
    distribution: Distribution
    top: tuple[Line, ...]


async def stats(desk: Desk, *, top: int) -> Stats:
    """Return the figures of all accounts: one scan of the balances."""
    if type(top) is not int or not 0 <= top <= TOP_MAX:
        raise InvalidInput("out_of_range", field="top", value=str(top)[:40], low=0, high=TOP_MAX)
    async with (
        desk.pool.acquire() as connection,
        connection.transaction(readonly=True, isolation="repeatable_read"),
    ):
        return await gather(desk, connection, top)


async def gather(desk: Desk, connection: Connection, top: int) -> Stats:
    """Return the figures as one snapshot sees them."""
    await desk.catalog.refresh(connection)
    figures = await statistics.find_figures(connection, desk.now(), top)
    owned = await statistics.list_lines_of(connection, figures.greatest)
    return Stats(
        overview=overview(figures),
        distribution=distribution(figures),
        top=tuple(line(desk, one) for one in owned),
    )


def overview(figures: Figures) -> Overview:
    """Return the deployment in one row; means are over the accounts that have a balance."""
    return Overview(
        accounts=figures.accounts,
        with_balance=figures.balances,
        active=figures.active,
        used=figures.used,
        used_mean=mean(figures.used, figures.balances),
        used_max=figures.used_max,
        bought=figures.bought,
        bought_mean=mean(figures.bought, figures.balances),
        bought_max=figures.bought_max,
        turns=figures.turns,
        turns_mean=mean(figures.turns, figures.balances),
        turns_max=figures.turns_max,
        left=figures.left,
        debt=figures.debt,
        exhausted=figures.exhausted,
    )


def distribution(figures: Figures) -> Distribution:
    """Return how many accounts lie in each of the five buckets."""
    return Distribution(
        under50=figures.under50,
        under80=figures.under80,
        under90=figures.under90,
        under95=figures.under95,
        over95=figures.over95,
    )


async def lines(desk: Desk) -> AsyncIterator[Line]:
    """Yield a line for every account that has a balance, in order of cell and id; in constant memory."""
    after, found = (-1, 0), True
    while found:
        async with desk.pool.acquire() as connection:
            page = await statistics.list_lines(connection, after, LINES)
        for one in page:
            yield line(desk, one)
        found = bool(page)
        if page:
            after = (page[-1].cell, page[-1].balance.account)


def line(desk: Desk, one: Owned) -> Line:
    """Return an account's line as of now: its row, brought forward by the clock."""
    balance, plan = one.balance, desk.catalog.plan(one.balance.plan)
    renew(balance, plan, [], desk.now())
    total = max(balance.capacity, 0) if balance.own_credit else 0
    bought = bought_part(balance, total)
    return Line(
        account=one.ref,
        email=one.email,
        name=one.name,
        plan=balance.plan,
        state=balance.state,
        free=total - bought,
        bought=bought,
        total=total,
        used=balance.used,
        used_percent=used_percent(balance) if balance.own_credit else 0.0,
        left=balance.left - balance.debt,
        turns=balance.turns,
        mean_per_turn=mean(balance.used_total, balance.turns),
        level=level(balance, plan) if balance.own_credit else "normal",
    )


def bought_part(balance: Balance, total: int) -> int:
    """Return how much of `total`, what the period had to offer, was bought.

    It is what is not known to have come free, between what remains of purchased lots and all ever bought.
    """
    free = sum(lot.amount for lot in balance.lots if lot.source != PURCHASE)
    return min(max(total - free, balance.bought_left), balance.bought, total)


def mean(total: int, count: int) -> int:
    """Return the mean, rounded half up; 0 of nothing."""
    return (2 * total + count) // (2 * count) if count else 0
