"""Check: what is there before anything is changed: who lacks a balance, figures, anomalies."""

from dataclasses import dataclass

from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.statistics import Distribution, Line, Overview, gather
from tokenhouse.store import statistics
from tokenhouse.store.statistics import Stray

ROWS_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `check` found. `anomalies` counts accounts that chat without a balance; `strays` are some."""

    overview: Overview
    distribution: Distribution
    active: tuple[Line, ...]
    anomalies: int
    strays: tuple[Stray, ...]


async def check(desk: Desk, *, rows_max: int) -> Checked:
    """Return the state of all accounts, with at most `rows_max` active ones and anomalies.

    One snapshot, in a transaction that the database itself keeps from writing.
    """
    checked_whole(rows_max, "rows_max", 0, ROWS_MAX)
    async with (
        desk.pool.acquire() as connection,
        connection.transaction(readonly=True, isolation="repeatable_read"),
    ):
        found = await gather(desk, connection, rows_max)
        count, strays = await statistics.list_strays(connection, rows_max)
    return Checked(
        overview=found.overview,
        distribution=found.distribution,
        active=found.top,
        anomalies=count,
        strays=tuple(strays),
    )
