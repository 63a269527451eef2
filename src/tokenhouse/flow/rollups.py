"""Roll-ups: fold the journal into sums by hour, each entry exactly once, however many nodes do it at once.

A balance says how far its account's journal goes, a mark how far it is folded; both numbers count the same
gapless row of entries, which is in the order in which they were committed. Nothing here asks a clock: not
`at`, which a node writes before it commits, an import years before, and a clock that went back twice.

Who writes entries gives news of it in the same transaction. So a fold looks at those accounts alone, and
takes news away when all that they stand for is folded; while there are any, the account counts as waiting.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tokenhouse.flow.desk import Desk
from tokenhouse.flow.terms import deployment_unit
from tokenhouse.rules.amounts import TOKEN
from tokenhouse.store import rollups
from tokenhouse.store.pool import Connection
from tokenhouse.store.rollups import Unfolded

NEWS_MAX: Final = 20_000
"""News that are read at a time, each of a batch."""
FOUND_MAX: Final = 200_000
"""Accounts that one look finds, at most."""
LOOK_AT_MINUTE: Final = 43
"""When in the hour a fold first looks at all accounts, for entries of which nobody gave news."""
ENTRIES_MAX: Final = 100_000
"""Entries that one transaction folds, roughly; an account alone at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a fold did: entries that are now in the roll-ups, and accounts that had any waiting."""

    entries: int
    accounts: int


async def fold(desk: Desk) -> Folded:
    """Fold every entry that was there when this began. Idempotent; killed anywhere, nothing is half done."""
    entries = accounts = 0
    async with desk.pool.acquire() as connection:
        if desk.clock().minute == LOOK_AT_MINUTE:
            await rollups.write_waiting_found(connection)
        while True:
            news = await rollups.list_waiting_ids(connection, NEWS_MAX)
            folded = await fold_told(desk, connection, news)
            entries, accounts = entries + folded.entries, accounts + folded.accounts
            await rollups.write_waiting_done(connection, news)
            if len(news) < NEWS_MAX:
                return Folded(entries=entries, accounts=accounts)


async def fold_told(desk: Desk, connection: Connection, news: Sequence[int]) -> Folded:
    """Fold all that waits of the accounts that some news are of."""
    one_to_one, zone = counts_tokens(desk), desk.settings.time_zone
    entries = accounts = 0
    found = await rollups.list_unfolded(connection, news, FOUND_MAX)
    while found:
        for cell, some in portions(found):
            entries += await rollups.write_fold(
                connection, cell, some, zone=zone, one_to_one=one_to_one, most=ENTRIES_MAX
            )
        accounts += len(found)
        if len(found) < FOUND_MAX and all(one.waiting <= ENTRIES_MAX for one in found):
            break
        found = await rollups.list_unfolded(connection, news, FOUND_MAX)
    return Folded(entries=entries, accounts=accounts)


def portions(found: list[Unfolded]) -> Iterator[tuple[int, list[int]]]:
    """Yield accounts, of which there are some, cell by cell, as many at a time as one transaction folds."""
    cell, some, waiting = -1, list[int](), 0
    for one in sorted(found, key=lambda one: (one.cell, one.account)):
        if some and (one.cell != cell or waiting + one.waiting > ENTRIES_MAX):
            yield cell, some
            some, waiting = [], 0
        cell = one.cell
        some.append(one.account)
        waiting += one.waiting
    yield cell, some


def counts_tokens(desk: Desk) -> bool:
    """Whether a charge without a usage says how many tokens it was: the unit is the token."""
    return deployment_unit(desk) == TOKEN
