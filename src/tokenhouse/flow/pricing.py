"""Pricing: the part of the house that knows what models cost, by whose list and since when."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenhouse.flow import rates
from tokenhouse.flow.desk import Desk
from tokenhouse.flow.rates import Added, Dated, Listing
from tokenhouse.rules.rates import Rate
from tokenhouse.store.catalog import Held


class Pricing:
    """Rates of models. Each method is one flow."""

    _desk: Desk

    async def rates(self, text: str = "") -> list[Listing]:
        """Return the rates that hold now, one for each pattern that contains `text`; the own first."""
        return await rates.rates(self._desk, text)

    async def rate_history(self, model: str) -> list[Dated]:
        """Return by which rate a model is charged, and since when; nothing where no rate knows it."""
        return await rates.rate_history(self._desk, model)

    async def add_rates(
        self,
        documents: Sequence[Mapping[str, Any]],
        *,
        listed: bool = False,
        actor: str = "",
        dry_run: bool = False,
    ) -> Added:
        """Add dated prices; those that stand already are left, suspicious ones wait for `decide_rate`.

        All or nothing, and idempotent: the same prices again write nothing.
        """
        return await rates.add_rates(self._desk, documents, listed=listed, actor=actor, dry_run=dry_run)

    async def import_rates(self, *, actor: str = "", dry_run: bool = False) -> Added:
        """Add the list prices of every provider that the library genai-prices knows. Idempotent."""
        return await rates.import_rates(self._desk, actor=actor, dry_run=dry_run)

    async def held_rates(self) -> list[Held]:
        """Return the suspicious prices that wait for a decision."""
        return await rates.held_rates(self._desk)

    async def decide_rate(self, held_id: int, *, accept: bool, actor: str = "") -> Rate | None:
        """Accept a price that was held back, and return the rate that it becomes; or discard it for good."""
        return await rates.decide_rate(self._desk, held_id, accept=accept, actor=actor)
