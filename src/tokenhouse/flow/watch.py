"""Watch: what an operator's alarms stand on, taken every few minutes by one node, and read by all of them.

Sign-ups that were not initialised, periods that do not renew, a use that breaks off: each shows here. The
figures need a scan of the balances, which no scrape of metrics should cause by itself.
"""

from dataclasses import dataclass

from tokenhouse.flow.desk import Desk
from tokenhouse.flow.trend import trend
from tokenhouse.store import jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Where all accounts stand, and what this day of the deployment's time zone has brought so far.

    `signups_waiting` and `stuck` are 0 where everything is well. Amounts are in the unit's smallest part.
    """

    accounts: int
    accounts_waiting: int
    accounts_reserving: int
    left: int
    held: int
    debt: int
    signups: int
    signups_waiting: int
    periods_renewed: int
    turns: int
    tokens: int
    charged: int
    in_renewed_period: int
    in_first_period: int
    idle_since_period: int
    stuck: int
    deliveries_pending: int
    deliveries_dead: int


async def watch(desk: Desk) -> Watched:
    """Return how it stands now. Changes nothing."""
    seen = await trend(desk, days=1)
    async with desk.pool.acquire() as connection:
        standing = await jobs.sum_standing(connection)
    today = seen.days[-1]
    return Watched(
        accounts=standing.accounts,
        accounts_waiting=standing.accounts - standing.balances,
        accounts_reserving=standing.reserving,
        left=standing.left,
        held=standing.held,
        debt=standing.debt,
        signups=today.signups,
        signups_waiting=today.waiting,
        periods_renewed=today.renewed,
        turns=today.turns,
        tokens=today.tokens,
        charged=today.charged,
        in_renewed_period=seen.renewal.renewed,
        in_first_period=seen.renewal.first,
        idle_since_period=seen.renewal.idle,
        stuck=seen.renewal.stuck,
        deliveries_pending=standing.pending,
        deliveries_dead=standing.dead,
    )
