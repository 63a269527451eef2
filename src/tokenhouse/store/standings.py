"""Standings in the database: accounts picked by their terms, who they are, who signs in, how they chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from tokenhouse.store import rows
from tokenhouse.store.accounts import Account, Address, account_of
from tokenhouse.store.people import Person, person_of
from tokenhouse.store.pool import Connection
from tokenhouse.store.statements import sql

LIST_PLACES_OUT_OF_USE: Final = sql("list_places_out_of_use")
LIST_PLACES_AMONG: Final = sql("list_places_among")
LIST_PROFILES: Final = sql("list_profiles")
SUM_CHATS: Final = sql("sum_chats")
LIST_PEOPLE_OF: Final = sql("list_people_of")

Place = tuple[int, int]
"""Cell and id of an account."""


class Picked(NamedTuple):
    """Accounts that match, and from where to look on; None at the end."""

    places: list[Place]
    after: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatUse:
    """How much an account has chatted; `charged` in the unit's smallest part."""

    sessions: int = 0
    archived: int = 0
    turns: int = 0
    tokens: int = 0
    charged: int = 0
    last_at: datetime | None = None


async def list_places_out_of_use(
    connection: Connection, state: str, plan: str, after: Place, rows_max: int
) -> Picked:
    """Return the next accounts after a place that are in a state other than active."""
    found = await connection.fetch(LIST_PLACES_OUT_OF_USE, state, *after, plan, rows_max)
    places = [(row["cell"], row["account"]) for row in found]
    return Picked(places, places[-1] if len(places) == rows_max else None)


async def list_places_among(
    connection: Connection, state: str, plan: str, after: Place, looked_at: int, rows_max: int
) -> Picked:
    """Return those of the next `looked_at` accounts that are in a state, or any, and of a plan, or any."""
    found = await connection.fetch(LIST_PLACES_AMONG, state, *after, plan, looked_at, rows_max)
    places = [(row["cell"], row["account"]) for row in found if row["matches"]]
    more = bool(found) and (len(found) == rows_max or found[0]["looked_at"] == looked_at)
    return Picked(places, (found[-1]["cell"], found[-1]["account"]) if more else None)


async def list_profiles(connection: Connection, places: Sequence[Place]) -> list[Account]:
    """Return who accounts are, in the order asked for. Paths are not filled in."""
    if not places:
        return []
    found = await connection.fetch(LIST_PROFILES, *rows.columns(list(places)))
    return [account_of(row, (row["id"],)) for row in found]


async def sum_chats(connection: Connection, address: Address) -> ChatUse:
    """Return how much an account has chatted."""
    row = await connection.fetchrow(SUM_CHATS, address.cell, address.account)
    return ChatUse(**row) if row else ChatUse()


async def list_people_of(connection: Connection, ref: str, after: str, rows_max: int) -> list[Person]:
    """Return a page of those who sign in for an account, by e-mail."""
    return [person_of(row) for row in await connection.fetch(LIST_PEOPLE_OF, ref, after, rows_max)]
