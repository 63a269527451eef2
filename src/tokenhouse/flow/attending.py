"""Attending: the part of the house by which an operator looks after accounts. Each method is one flow."""

from collections.abc import AsyncIterator

from tokenhouse.flow import bounds, people, standings
from tokenhouse.flow.bounds import LimitView, Preview
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.standings import StandingPage
from tokenhouse.store.people import Person
from tokenhouse.store.standings import ChatUse


class Attending:
    """Accounts with their figures, their limits, what another plan would change, who signs in for them."""

    _desk: Desk

    async def standings(
        self,
        text: str = "",
        *,
        state: str = "",
        plan: str = "",
        after: str | None = None,
        rows_max: int = 50,
    ) -> StandingPage:
        """Return a page of accounts, each with its line of the report; found by a text, a state, a plan.

        A page with a filter may be short and not be the last: go on until its `next` is None.
        """
        return await standings.page(self._desk, text, state=state, plan=plan, after=after, rows_max=rows_max)

    def standings_table(self) -> AsyncIterator[str]:
        """Yield the report of all accounts as a CSV, piece by piece."""
        return standings.table(self._desk)

    async def limits(self, ref: str) -> list[LimitView]:
        """Return every limit on calls of an account, those of the accounts above it too, as it stands."""
        return await bounds.standing_limits(self._desk, ref)

    async def preview_plan(self, ref: str, plan: str) -> Preview:
        """Return what another plan would change for an account, if it were given it now. Changes nothing."""
        return await bounds.preview(self._desk, ref, plan)

    async def chat_use(self, ref: str) -> ChatUse:
        """Return how much an account has chatted."""
        return await standings.chat_use(self._desk, ref)

    async def people_of(self, ref: str, *, after: str = "", rows_max: int = 100) -> list[Person]:
        """Return a page of those who sign in for an account, by e-mail; pass the last one's as `after`."""
        return await people.page_of(self._desk, ref, after, rows_max)
