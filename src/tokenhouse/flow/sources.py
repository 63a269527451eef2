"""The part of the house that the systems before it knew: months, rehearsals, users told from outside."""

from collections.abc import Sequence
from decimal import Decimal

from tokenhouse.flow import months, rehearse, report, synchronise
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.months import Months
from tokenhouse.flow.report import BalanceView
from tokenhouse.flow.synchronise import Synchronised


class Sources:
    """Verbs behind the paths of the four source systems. Each method is one flow."""

    _desk: Desk

    async def months(self, ref: str, *, count: int = 3) -> Months:
        """Return an account's last calendar months, this one first: allocated, used, remaining, bought."""
        return await months.months_of(self._desk, ref, count)

    async def rehearse(self, ref: str, percent: Decimal | int | str, *, actor: str = "") -> BalanceView:
        """Bring an account to a used share by real entries, so that warnings can be tried. Idempotent.

        Raises: Forbidden in production.
        """
        return await rehearse.rehearse(self._desk, ref, percent, actor=actor)

    async def synchronise(
        self,
        ref: str,
        *,
        name: str | None = None,
        email: str | None = None,
        locale: str | None = None,
        plan: str | None = None,
        state: str | None = None,
        actor: str = "",
        address: str | None = None,
    ) -> Synchronised:
        """Make an account be what another system says of its user: opened if new, changed where it differs.

        Idempotent; what is None stays as it is. With an `address` somebody decided it, and the audit log
        keeps each change in the transaction that makes it.
        """
        return await synchronise.synchronise(
            self._desk,
            ref,
            name=name,
            email=email,
            locale=locale,
            plan=plan,
            state=state,
            actor=actor,
            address=address,
        )

    async def history_size(self, ref: str, *, kinds: Sequence[str]) -> int:
        """Return how many entries of these kinds an account's journal has."""
        return await report.history_size(self._desk, ref, kinds)
