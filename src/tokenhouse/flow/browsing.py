"""Browsing: the part of the house that people leaf through: accounts, journals, versions, verifications."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from tokenhouse.flow import explained, journal, journal_table, search, verifications, works
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.explained import EntryDetail
from tokenhouse.flow.journal import EntryPage, GrantView, OpenView, OwnedPage
from tokenhouse.flow.search import AccountPage
from tokenhouse.flow.verifications import Verification
from tokenhouse.flow.works import WorkPage
from tokenhouse.rules.amounts import Unit
from tokenhouse.store.accounts import Account


class Browsing:
    """What an operator's pages and programs look at, a page at a time. Each method is one flow."""

    _desk: Desk

    async def find_accounts(
        self, text: str = "", *, after: str | None = None, rows_max: int = 50
    ) -> AccountPage:
        """Return a page of accounts whose ref, e-mail or name begins with a text, then of those that have it.

        All accounts come without a text.
        """
        return await search.find_accounts(self._desk, text, after, rows_max)

    async def accounts_below(self, ref: str, *, after: str | None = None, rows_max: int = 50) -> AccountPage:
        """Return a page of the accounts directly below one."""
        return await search.accounts_below(self._desk, ref, after, rows_max)

    async def way_up(self, ref: str) -> list[str]:
        """Return the refs from an account to the root of its tree, its own first."""
        return await search.way_up(self._desk, ref)

    async def payer(self, ref: str) -> str:
        """Return the account whose credit pays for one: its own, or the nearest above that has credit."""
        return await search.payer(self._desk, ref)

    async def correct_profile(
        self,
        ref: str,
        *,
        name: str | None = None,
        email: str | None = None,
        locale: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Account:
        """Correct who an account is; what is None stays, and `tags` replace all tags."""
        return await search.correct_profile(self._desk, ref, name=name, email=email, locale=locale, tags=tags)

    async def entries(
        self,
        ref: str,
        *,
        kinds: Sequence[str] = (),
        model: str = "",
        api_key: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        rows_max: int = 50,
    ) -> EntryPage:
        """Return a page of an account's journal, newest first, that match; any depth costs the same.

        A page may be short and not be the last: go on until its `next` is None.
        """
        return await journal.entries(
            self._desk,
            ref,
            kinds=kinds,
            model=model,
            api_key=api_key,
            since=since,
            until=until,
            after=after,
            rows_max=rows_max,
        )

    async def all_entries(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        after: str | None = None,
        rows_max: int = 50,
    ) -> OwnedPage:
        """Return a page of the journals of all accounts, newest first."""
        return await journal.everybody(self._desk, since=since, until=until, after=after, rows_max=rows_max)

    def entries_table(
        self,
        ref: str,
        *,
        kinds: Sequence[str] = (),
        model: str = "",
        api_key: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[str]:
        """Yield an account's journal as a CSV, piece by piece, filtered as by `entries`."""
        return journal_table.entries(
            self._desk, ref, kinds=kinds, model=model, api_key=api_key, since=since, until=until
        )

    def all_entries_table(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[str]:
        """Yield the journals of all accounts as a CSV, piece by piece."""
        return journal_table.everybody(self._desk, since=since, until=until)

    async def entry(self, ref: str, seq: int) -> EntryDetail:
        """Return one line of an account in full, and how its charge came about."""
        return await explained.entry(self._desk, ref, seq)

    async def grants(self, ref: str) -> tuple[Unit, list[GrantView]]:
        """Return the lots that an account has left, each with the id by which it is taken back."""
        return await journal.grants(self._desk, ref)

    async def open_reservations(self, ref: str) -> tuple[Unit, list[OpenView]]:
        """Return the open reservations of an account, the oldest first."""
        return await journal.open_reservations(self._desk, ref)

    async def start_verification(
        self,
        *,
        account: str | None = None,
        cell: int | None = None,
        findings_max: int = 100,
        actor: str = "",
    ) -> Verification:
        """Begin `verify` as a work of its own, and return at once; one at a time in a deployment.

        Raises: StillRunning, NotFound, InvalidInput.
        """
        return await verifications.start(
            self._desk, account=account, cell=cell, findings_max=findings_max, actor=actor
        )

    async def verification(self, verification: str) -> Verification:
        """Return a verification: how far it is, and what it found."""
        return await works.find(self._desk, verifications.KIND, verification)

    async def verifications(self, *, after: str | None = None, rows_max: int = 20) -> WorkPage[Verification]:
        """Return the latest verifications, newest first."""
        return await works.page(self._desk, verifications.KIND, after, rows_max)

    async def cancel_verification(self, verification: str) -> Verification:
        """Call a verification off, on whichever node it is; within a second it stops. Idempotent."""
        return await works.cancel(self._desk, verifications.KIND, verification)
