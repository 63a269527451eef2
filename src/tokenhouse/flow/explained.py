"""Explained: one line of a journal in full, and how its charge came about.

A charge is explained by the payer's terms and the rate of its day. An explanation is only given where it
comes to the very charge: of one that an application reckoned itself, only the application knows how.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from tokenhouse.errors import NotFound
from tokenhouse.flow.desk import Desk, checked_whole
from tokenhouse.flow.report import EntryView, entry_view, read_path
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.balance import Entry
from tokenhouse.rules.charges import Explanation
from tokenhouse.rules.periods import FOREVER
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.quotes import tariff_of
from tokenhouse.rules.rates import RateTable
from tokenhouse.rules.verdict import payer_of
from tokenhouse.store import journal

RELATED_MAX: Final = 100


class EntryDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One line in full. `related` are the other lines of its operation: a charge's refunds, for one."""

    account: str
    unit: Unit
    entry: EntryView
    plan: str
    """The plan by which the charge is explained, and its version; empty where it is not."""
    plan_version: int
    explanation: Explanation | None
    related: tuple[EntryView, ...]


async def entry(desk: Desk, ref: str, seq: int) -> EntryDetail:
    """Return one line of an account, and how its charge came about. Raises: NotFound."""
    checked_whole(seq, "seq", 1, FOREVER)
    address = await desk.address(ref)
    payer = payer_of(await read_path(desk, address))
    async with desk.pool.acquire() as connection:
        found = await journal.find_entry(connection, address, seq)
        if found is None:
            raise NotFound("entry_unknown", seq=seq, account=ref)
        related = (
            await journal.list_of_operation(connection, address, found.operation, RELATED_MAX)
            if found.operation
            else []
        )
        by_payer = await journal.find_payer_entry(connection, address, found) if found.kind == "use" else None
        paid, terms = by_payer or (found, payer.plan.name)
        versions = await desk.catalog.list_plan_versions(connection, terms)
    terms_held = sorted(
        (one.version for one in versions if one.withdrawn_at is None), key=lambda one: one.since
    )
    begun = [one.plan for one in reversed(terms_held) if one.since[0] <= found.at]
    later = [one.plan for one in terms_held if one.since[0] > found.at]
    plan, explanation = _explained(desk, found, paid.fact("settled", paid.charge), [*begun, *later])
    return EntryDetail(
        account=ref,
        unit=payer.plan.unit,
        entry=entry_view(found),
        plan=plan.name if plan else "",
        plan_version=plan.version if plan else 0,
        explanation=explanation,
        related=tuple(entry_view(one) for one in related if one.seq != seq),
    )


def _explained(
    desk: Desk, found: Entry, settled: int, plans: Iterable[Plan]
) -> tuple[Plan | None, Explanation | None]:
    """Return the terms under which a line's usage comes to what was settled, and how; none where none do."""
    if found.usage is None or found.kind not in ("charge", "use"):
        return None, None
    rate = next((one for one in (*desk.catalog.own, *desk.catalog.listed) if one.version == found.rate), None)
    table = RateTable([rate] if rate is not None else [])
    for plan in plans:
        tariff = tariff_of(plan, table, found.model, found.at)
        if tariff is not None and tariff.rate.version == found.rate and tariff.charge(found.usage) == settled:
            return plan, tariff.explain(found.usage)
    return None, None
