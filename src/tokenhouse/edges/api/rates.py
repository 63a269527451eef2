"""Rates: what models cost, by whose list and since when; new prices, imported ones, and suspicious ones."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from tokenhouse.edges.api.caller import Auditor, Caller, House, Operator
from tokenhouse.edges.api.shapes import Cursor, Limit, Moment, Page, Reason, Shape
from tokenhouse.flow import audited
from tokenhouse.flow.audit_trail import at_once
from tokenhouse.flow.cursors import cursor as written_cursor
from tokenhouse.flow.cursors import place
from tokenhouse.flow.rates import Added, Listing
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.periods import ALWAYS, moment
from tokenhouse.rules.rates import Rate as Stored
from tokenhouse.rules.rates import rate_document, suspicious
from tokenhouse.store.catalog import Held

router = APIRouter(prefix="/api/v1/rates", tags=["rates"])

Price = Annotated[Decimal, Field(examples=["2.50"], description="Of `per` tokens; text is exact.")]
Pattern = Annotated[
    str,
    Field(
        min_length=1, max_length=200, examples=["gpt-4o*"], description="A name, or a start of names and `*`."
    ),
]


class TokenPrices(Shape):
    """Prices by kind of token. A kind that is left out costs what its nearest kin does."""

    input: Price
    output: Price
    cached_input: Price | None = None
    cache_write: Price | None = None
    cache_write_1h: Price | None = None
    reasoning: Price | None = None
    audio_input: Price | None = None
    audio_output: Price | None = None


class LongPrices(TokenPrices):
    """What a call costs whose input is longer than `tokens`."""

    tokens: Annotated[int, Field(ge=1, le=10**12)]


class NewRate(TokenPrices):
    """A dated price of one model, or of all whose names begin alike."""

    model: Pattern
    starts_at: Annotated[Moment | None, Field(description="Null: it has always held.")] = None
    per: Annotated[int, Field(ge=1, le=10**9)] = 1_000_000
    per_request: Price = Decimal(0)
    unit: Annotated[
        str | None, Field(max_length=32, description="Such as `dollar`. Null: the deployment's smallest.")
    ] = None
    above: Annotated[list[LongPrices], Field(max_length=8)] = Field(default_factory=list)


class NewRates(Shape):
    """Prices to be added: all of them or none."""

    rates: Annotated[list[NewRate], Field(min_length=1, max_length=1_000)]
    listed: Annotated[bool, Field(description="Somebody's list, which yields to the operator's own.")] = False
    dry_run: Annotated[bool, Field(description="Only say what would become of them.")] = False
    reason: Reason


class RatesImport(Shape):
    """How the price lists of all providers are imported."""

    dry_run: bool = False
    reason: Reason


class RateDecision(Shape):
    """What becomes of a suspicious price."""

    accept: Annotated[bool, Field(description="True: it holds from now on. False: it is discarded for good.")]
    reason: Reason


class Rate(Shape):
    """A dated price as it stands."""

    version: Annotated[int, Field(description="Each charge names it.")]
    model: str
    listed: bool
    starts_at: Annotated[datetime | None, Field(description="Null: it has always held.")]
    prices: Annotated[
        dict[str, Any],
        Field(description="By kind, as it was written.", examples=[{"input": "2.50", "output": "10"}]),
    ]


class RateHistory(Shape):
    """By which rate a model is charged, and since when: the oldest first, one a `Rate` that has held."""

    model: str
    items: list["HeldFrom"]


class HeldFrom(Shape):
    """From `at` on, this rate holds."""

    at: datetime | None
    rate: Rate


class AddedRates(Shape):
    """What became of many prices."""

    written: list[Rate]
    kept: Annotated[int, Field(description="How many stood already.")]
    held: Annotated[list[Rate], Field(description="Suspicious ones, which wait for a decision.")]
    unpriced: Annotated[list[str], Field(description="Models that no price of tokens describes.")]
    dry_run: bool


class HeldRate(Shape):
    """A price in quarantine, and why."""

    id: int
    why: str
    rate: Rate
    created_at: datetime
    actor: str


class HeldRates(Shape):
    """The prices that wait for a decision, the oldest first."""

    items: list[HeldRate]


class DecidedRate(Shape):
    """What was decided; `rate` is what an accepted price became."""

    id: int
    accepted: bool
    rate: Rate | None


@router.get("")
async def list_rates(
    _caller: Auditor,
    house: House,
    text: Annotated[str, Query(max_length=200, description="Only patterns that hold this.")] = "",
    layer: Annotated[Literal["own", "listed"] | None, Query(description="Only these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Rate]:
    """List the rates that hold now, the operator's own first. For auditors."""
    found = [one for one in await house.rates(text) if layer is None or one.listed == (layer == "listed")]
    begin = ("", "") if cursor is None else tuple(str(part) for part in place(cursor, str, str))
    rest = [one for one in found if _place(one) > begin]
    more = written_cursor(*_place(rest[limit - 1])) if len(rest) > limit else None
    return Page(items=[shown(one.rate, listed=one.listed) for one in rest[:limit]], next=more)


@router.get("/history")
async def show_rate_history(
    _caller: Auditor,
    house: House,
    model: Annotated[str, Query(min_length=1, max_length=200, examples=["gpt-4o"])],
) -> RateHistory:
    """Return by which rate a model is charged, and since when. For auditors."""
    found = await house.rate_history(model)
    return RateHistory(
        model=model,
        items=[
            HeldFrom(at=_since(one.starts_at), rate=shown(one.listing.rate, listed=one.listing.listed))
            for one in found
        ],
    )


@router.post("", status_code=201)
async def add_rates(asked: NewRates, caller: Operator, house: House) -> AddedRates:
    """Add prices, all or none. Those that stand already are left, suspicious ones wait for a decision.

    Idempotent: the same prices again write nothing.
    """
    documents = [one.model_dump(exclude_none=True, exclude_defaults=True) for one in asked.rates]
    async with at_once(house.desk):
        added = await house.add_rates(
            documents, listed=asked.listed, actor=caller.actor, dry_run=asked.dry_run
        )
        return await _told(house, caller, added, asked.reason, listed=asked.listed)


@router.post("/import", status_code=201)
async def import_rates(asked: RatesImport, caller: Operator, house: House) -> AddedRates:
    """Add the list prices of every provider that the library genai-prices knows. Idempotent."""
    async with at_once(house.desk):
        added = await house.import_rates(actor=caller.actor, dry_run=asked.dry_run)
        return await _told(house, caller, added, asked.reason, listed=True)


@router.get("/held")
async def list_held_rates(caller: Auditor, house: House) -> HeldRates:
    """List the suspicious prices that wait for a decision. For auditors."""
    return HeldRates(items=[_held(one, caller) for one in await house.held_rates()])


@router.post("/held/{held_id}/decision")
async def decide_held_rate(
    held_id: Annotated[int, Path(ge=1, le=2**31 - 1, description="The held price's id.")],
    asked: RateDecision,
    caller: Operator,
    house: House,
) -> DecidedRate:
    """Accept a price that was held back, or discard it for good."""
    listed = {one.id: one.listed for one in await house.held_rates()}
    action = "rate.accept" if asked.accept else "rate.discard"
    async with at_once(house.desk):
        rate = await house.decide_rate(held_id, accept=asked.accept, actor=caller.actor)
        after = None if rate is None else rate_document(rate)
        await caller.record(house, action, str(held_id), after=after, reason=asked.reason)
    told = None if rate is None else shown(rate, listed=listed.get(held_id, False))
    return DecidedRate(id=held_id, accepted=asked.accept, rate=told)


async def _told(house: Tokenhouse, caller: Caller, added: Added, reason: str, *, listed: bool) -> AddedRates:
    """Return what became of prices, when the audit log has it."""
    told = AddedRates(
        written=[shown(one, listed=listed) for one in added.written],
        kept=added.kept,
        held=[shown(one, listed=listed) for one in added.held],
        unpriced=list(added.unpriced),
        dry_run=added.dry_run,
    )
    if not added.dry_run and (added.written or added.held):
        layer = "listed" if listed else "own"
        await caller.record(house, "rate.add", layer, after=audited.rates(added), reason=reason)
    return told


def shown(rate: Stored, *, listed: bool) -> Rate:
    """Return a rate as the API says it."""
    document = rate_document(rate)
    version, model = document.pop("version"), document.pop("model")
    document.pop("starts_at", None)
    return Rate(
        version=version, model=model, listed=listed, starts_at=_since(rate.starts_at), prices=document
    )


def _held(one: Held, caller: Caller) -> HeldRate:
    """Return a price in quarantine, with why in the caller's language."""
    why = suspicious(one.rate)
    return HeldRate(
        id=one.id,
        why=why.message(caller.locale) if why else "",
        rate=shown(one.rate, listed=one.listed),
        created_at=one.created_at,
        actor=one.actor,
    )


def _place(one: Listing) -> tuple[str, str]:
    """Return where a rate stands in the list: the own first, then by pattern."""
    return (str(int(one.listed)), one.rate.model)


def _since(starts_at: int) -> datetime | None:
    return None if starts_at == ALWAYS.start_at else moment(starts_at)
