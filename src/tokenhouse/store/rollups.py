"""Roll-ups in the database: entries folded into sums by hour, and sums read with what is not folded yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from tokenhouse.rules.usage import KINDS, Usage
from tokenhouse.store import rows
from tokenhouse.store.accounts import Address
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_WAITING_IDS: Final = sql("list_waiting_ids")
LIST_UNFOLDED: Final = sql("list_unfolded")
WRITE_WAITING_DONE: Final = sql("write_waiting_done")
WRITE_WAITING_FOUND: Final = sql("write_waiting_found")
LOCK_FOLD: Final = sql("lock_fold")
WRITE_FOLD: Final = sql("write_fold")
LIST_USAGE: Final = sql("list_usage")
LIST_FOLDED_OF_ACCOUNT: Final = sql("list_folded_of_account")
LIST_TAIL_OF_ACCOUNT: Final = sql("list_tail_of_account")
LIST_USERS_BY_USE: Final = sql("list_users_by_use")
LIST_MONTHS_BY_CHARGE: Final = sql("list_months_by_charge")
LIST_USERS_AMONG: Final = sql("list_users_among")
WRITE_REFUSALS: Final = sql("write_refusals")
LIST_REFUSALS: Final = sql("list_refusals")
LIST_REFUSALS_OF_ACCOUNT: Final = sql("list_refusals_of_account")

LOOK_WITHIN_S: Final = 600.0
"""How long a look at all accounts may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfolded:
    """An account whose journal goes further than the roll-ups, by `waiting` entries."""

    cell: int
    account: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time, and how it is cut: `grain` (hour, day, month) in a `zone`."""

    start_at: datetime
    end_at: datetime
    grain: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What the deployment used of one model in one stretch of time; each call once, where it was paid.

    `usage` adds up calls whose usage is known; `tokens` has the charges of others too, where a token is the
    unit. `charged` is less what was refunded, so it may be negative. `renewed`: periods that began.
    """

    start_at: datetime
    model: str
    turns: int
    usage: Usage
    tokens: int
    charged: int
    renewed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedBy:
    """What one account used, and those below it, of one model with one API key, in one stretch of time."""

    start_at: datetime
    model: str
    api_key: str
    turns: int
    tokens_input: int
    tokens_output: int
    tokens: int
    charged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUse:
    """What one account used in a span, and on how many of its days."""

    account: str
    email: str
    turns: int
    tokens: int
    charged: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """What one account used, and which it is."""

    cell: int
    account: int
    use: UserUse


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """At least what an account was charged in a month; its first day says which."""

    month: date
    cell: int
    account: int
    charged: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """How many calls were refused on a day, for one reason: the code of its error."""

    day: date
    code: str
    refused: int


async def list_waiting_ids(connection: Connection, rows_max: int) -> list[int]:
    """Return the ids of news of journals that grew, the oldest first."""
    return [row["id"] for row in await connection.fetch(LIST_WAITING_IDS, rows_max)]


async def list_unfolded(connection: Connection, news: Sequence[int], rows_max: int) -> list[Unfolded]:
    """Return accounts of some news whose entries are not all folded."""
    return [Unfolded(**row) for row in await connection.fetch(LIST_UNFOLDED, news, rows_max)]


async def write_waiting_done(connection: Connection, news: Sequence[int]) -> None:
    """Take news away. Order: after all that waited when they were read is folded."""
    await connection.execute(WRITE_WAITING_DONE, news)


async def write_waiting_found(connection: Connection) -> None:
    """Give news of every account with entries that wait and of which there is none."""
    await connection.execute(WRITE_WAITING_FOUND, timeout=LOOK_WITHIN_S)


async def write_fold(
    connection: Connection, cell: int, accounts: Sequence[int], *, zone: str, one_to_one: bool, most: int
) -> int:
    """Fold what waits of these accounts of one cell, `most` entries of each, and return how many.

    Order: the lock first, alone; whatever another fold has done is then seen. Runs in a transaction of its
    own that reads what is committed as each statement begins.
    """
    async with connection.transaction(isolation="read_committed"):
        await connection.fetchrow(LOCK_FOLD, cell)
        folded = await connection.fetch(WRITE_FOLD, cell, list(accounts), zone, one_to_one, most)
    return sum(row["folded"] for row in folded)


async def list_usage(connection: Connection, span: Span, *, one_to_one: bool) -> list[Used]:
    """Return what the deployment used, by model and stretch of time, the oldest first."""
    found = await connection.fetch(LIST_USAGE, span.start_at, span.end_at, span.grain, span.zone, one_to_one)
    return [_used(row) for row in found]


async def list_usage_of_account(
    connection: Connection, address: Address, span: Span, *, one_to_one: bool
) -> list[UsedBy]:
    """Return what an account used, by model, API key and stretch of time.

    What is folded and what is not may be of the same; who adds it up adds up both.
    """
    asked = (address.cell, address.account, span.start_at, span.end_at, span.grain, span.zone)
    folded = await connection.fetch(LIST_FOLDED_OF_ACCOUNT, *asked)
    mark = folded[0]["mark"]
    tail = []
    if folded[0]["seq"] > mark:
        tail = await connection.fetch(LIST_TAIL_OF_ACCOUNT, *asked, one_to_one, mark)
    return [_used_by(row) for row in (*folded, *tail) if row["start_at"] is not None]


async def list_users_by_use(
    connection: Connection, span: Span, rows_max: int, *, one_to_one: bool
) -> list[Ranked]:
    """Return the accounts that were charged most in a span, the most first: of all, so all are added up."""
    asked = (span.start_at, span.end_at, span.zone, one_to_one, rows_max)
    return [_ranked(row) for row in await connection.fetch(LIST_USERS_BY_USE, *asked)]


async def list_users_among(
    connection: Connection,
    span: Span,
    rows_max: int,
    places: Sequence[tuple[int, int]],
    *,
    one_to_one: bool,
) -> list[Ranked]:
    """Return the same of some `(cell, account)`s, and of all those with entries that are not folded."""
    cells, accounts = [cell for cell, _ in places], [account for _, account in places]
    asked = (span.start_at, span.end_at, span.zone, one_to_one, rows_max, cells, accounts)
    return [_ranked(row) for row in await connection.fetch(LIST_USERS_AMONG, *asked)]


async def list_months_by_charge(
    connection: Connection, months: Sequence[date], rows_max: int
) -> list[Charged]:
    """Return the first accounts of each month by what they were charged in it, in their order."""
    return [Charged(**row) for row in await connection.fetch(LIST_MONTHS_BY_CHARGE, months, rows_max)]


async def write_refusals(connection: Connection, counted: Mapping[tuple[int, int, date, str], int]) -> None:
    """Add what a process counted, by cell, account, day and code."""
    lines = [(*key, refused) for key, refused in counted.items()]
    await connection.execute(WRITE_REFUSALS, *rows.columns(lines))


async def list_refusals(connection: Connection, first: date, end: date) -> list[Refused]:
    """Return how many calls were refused from the day `first` up to and without `end`."""
    return [Refused(**row) for row in await connection.fetch(LIST_REFUSALS, first, end)]


async def list_refusals_of_account(
    connection: Connection, address: Address, first: date, end: date
) -> list[Refused]:
    """Return the same of one account."""
    found = await connection.fetch(LIST_REFUSALS_OF_ACCOUNT, address.cell, address.account, first, end)
    return [Refused(**row) for row in found]


def _ranked(row: Any) -> Ranked:
    """Return a row of `list_users_by_use`."""
    return Ranked(
        cell=row["cell"],
        account=row["id"],
        use=UserUse(
            account=row["ref"],
            email=row["email"],
            turns=row["turns"],
            tokens=int(row["tokens"]),
            charged=int(row["charged"]),
            days=row["days"],
        ),
    )


def _used(row: Any) -> Used:
    """Return a row of `list_usage`."""
    return Used(
        start_at=row["start_at"],
        model=row["model"],
        turns=row["turns"],
        usage=Usage(*(int(row[kind]) for kind in KINDS)),
        tokens=int(row["tokens"]),
        charged=int(row["charged"]),
        renewed=row["renewed"],
    )


def _used_by(row: Any) -> UsedBy:
    """Return a row of what an account used."""
    return UsedBy(
        start_at=row["start_at"],
        model=row["model"],
        api_key=row["api_key"],
        turns=row["turns"],
        tokens_input=int(row["tokens_input"]),
        tokens_output=int(row["tokens_output"]),
        tokens=int(row["tokens"]),
        charged=int(row["charged"]),
    )
