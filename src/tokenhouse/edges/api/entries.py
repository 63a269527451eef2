"""Entries: the journal of an account, filtered and at any depth; one line explained; everybody's by time."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from tokenhouse.edges.api.accounts import Ref
from tokenhouse.edges.api.caller import Auditor, House, User
from tokenhouse.edges.api.shapes import Amount, Cursor, Limit, Page, Shape, Since, Until, amount, unit_of
from tokenhouse.flow.report import EntryView, Kind
from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.charges import Explanation

router = APIRouter(prefix="/api/v1", tags=["entries"])

ANY: Final[list[Kind]] = []

Kinds = Annotated[list[Kind], Query(max_length=18, description="Any of these; repeat it.")]
Model = Annotated[str, Query(max_length=200, description="This model alone.")]
KeyPrefix = Annotated[
    str, Query(max_length=200, description="The visible part of an API key: what was done by it alone.")
]
TABLE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "A CSV, streamed."}
}


class Tokens(Shape):
    """Tokens of a call, in disjoint kinds: their sum is the total."""

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0


class JournalEntry(Shape):
    """One immutable line of a journal."""

    seq: Annotated[int, Field(description="Its number within the account.")]
    at: datetime
    kind: Kind
    amount: Annotated[Amount, Field(description="Its effect on what remains; `use` costs somebody above.")]
    balance_after: Amount
    charge: Annotated[Amount, Field(description="What the call cost, for its payer and for who used it.")]
    operation: Annotated[str, Field(description="The reservation, grant or charge that it belongs to.")]
    model: str
    usage: Tokens | None
    rate: Annotated[int, Field(description="The version of the rate that priced it; 0: a token's own.")]
    source: Annotated[str, Field(examples=["provider", "estimated"])]
    actor: str
    note: str
    facts: dict[str, Any]


class OwnedEntry(JournalEntry):
    """A line, and whose it is."""

    account: str


class PricedLine(Shape):
    """One kind's part of a charge: tokens x price / per = product."""

    kind: Annotated[str, Field(examples=["input"])]
    tokens: int
    price: Annotated[str, Field(examples=["2.50"])]
    per: Annotated[int, Field(examples=[1_000_000])]
    product: Annotated[str, Field(description="Exact, in the unit's smallest part.", examples=["27500"])]


class Reckoning(Shape):
    """How a charge came about: the sum of `lines` x multiplier x (1 - discount), rounded up once."""

    lines: list[PricedLine]
    multiplier: str
    discount: str
    exact: Annotated[str, Field(description="Before rounding; a fraction where no decimal is exact.")]
    minimum: Amount
    charge: Amount
    rate: Annotated[int, Field(description="The version of the rate; 0: a token's own.")]
    rate_pattern: Annotated[str, Field(examples=["gpt-4o*"])]
    above: Annotated[int, Field(description="Tokens of input above which these prices hold; 0: always.")]
    plan: Annotated[str, Field(examples=["chat-tokens"])]
    plan_version: int


class LotChange(Shape):
    """What the line did to one lot."""

    lot: Annotated[int, Field(description="The number of the entry that made the lot.")]
    change: Amount


class EntryInFull(JournalEntry):
    """A line in full: which lots it moved, how its charge came about, and what became of it later."""

    account: str
    lots: list[LotChange]
    reckoning: Annotated[
        Reckoning | None,
        Field(description="Null where the charge was given by an application, or the line is no charge."),
    ]
    related: Annotated[
        list[JournalEntry], Field(description="The other lines of the operation, such as refunds.")
    ]


@router.get("/accounts/{ref}/entries")
async def list_entries(
    ref: Ref,
    caller: User,
    house: House,
    kind: Kinds = ANY,
    model: Model = "",
    key: KeyPrefix = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[JournalEntry]:
    """List an account's journal, newest first, filtered; any depth costs the same.

    A filtered page may be short, or empty, and not be the last: go on until `next` is null.
    """
    found = await house.entries(
        caller.account_of(ref),
        kinds=kind,
        model=model,
        api_key=key,
        since=since,
        until=until,
        after=cursor,
        rows_max=limit,
    )
    return Page(items=[JournalEntry(**_line(one, found.unit)) for one in found.entries], next=found.next)


@router.get("/accounts/{ref}/entries.csv", response_class=Response, responses=TABLE)
async def export_entries(
    ref: Ref,
    caller: User,
    house: House,
    kind: Kinds = ANY,
    model: Model = "",
    key: KeyPrefix = "",
    since: Since = None,
    until: Until = None,
) -> Response:
    """Return an account's journal as CSV for a spreadsheet: every line that matches, newest first.

    Amounts are exact, in whole units. A text that would be a formula has an apostrophe before it.
    """
    account = caller.account_of(ref)
    pieces = house.entries_table(account, kinds=kind, model=model, api_key=key, since=since, until=until)
    return await _table(pieces)


@router.get("/entries.csv", response_class=Response, responses=TABLE)
async def export_all_entries(
    _caller: Auditor, house: House, since: Since = None, until: Until = None
) -> Response:
    """Return the journals of all accounts as CSV, newest first. For auditors."""
    return await _table(house.all_entries_table(since=since, until=until))


@router.get("/accounts/{ref}/entries/{seq}")
async def show_entry(
    ref: Ref,
    seq: Annotated[int, Path(ge=1, le=2**62, description="The entry's number within the account.")],
    caller: User,
    house: House,
) -> EntryInFull:
    """Return one entry in full. A charge explains itself: tokens x rate x multiplier, by which version."""
    found = await house.entry(caller.account_of(ref), seq)
    unit, reckoned = found.unit, found.explanation
    return EntryInFull(
        account=found.account,
        **_line(found.entry, unit),
        lots=[LotChange(lot=one[0], change=amount(one[1], unit)) for one in found.entry.lots],
        reckoning=reckoning(reckoned, unit, found.plan, found.plan_version) if reckoned else None,
        related=[JournalEntry(**_line(one, unit)) for one in found.related],
    )


@router.get("/entries")
async def list_all_entries(
    _caller: Auditor,
    house: House,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[OwnedEntry]:
    """List the journals of all accounts, newest first. For auditors."""
    found = await house.all_entries(since=since, until=until, after=cursor, rows_max=limit)
    unit = unit_of(house)
    items = [OwnedEntry(account=one.account, **_line(one.entry, unit)) for one in found.entries]
    return Page(items=items, next=found.next)


async def _table(pieces: AsyncIterator[str]) -> Response:
    """Return a CSV as it comes. Its first piece is waited for: what cannot be is refused before it begins."""
    first = await anext(pieces)

    async def whole() -> AsyncIterator[str]:
        yield first
        async for piece in pieces:
            yield piece

    headers = {"content-disposition": 'attachment; filename="entries.csv"'}
    return StreamingResponse(whole(), media_type="text/csv", headers=headers)


def reckoning(found: Explanation, unit: Unit, plan: str, version: int) -> Reckoning:
    """Return how a charge came about, as the API says it."""
    return Reckoning(
        lines=[
            PricedLine(kind=one.kind, tokens=one.tokens, price=one.price, per=one.per, product=one.product)
            for one in found.lines
        ],
        multiplier=found.multiplier,
        discount=found.discount,
        exact=found.exact,
        minimum=amount(found.minimum, unit),
        charge=amount(found.charge, unit),
        rate=found.version,
        rate_pattern=found.model,
        above=found.above,
        plan=plan,
        plan_version=version,
    )


def _line(entry: EntryView, unit: Unit) -> dict[str, Any]:
    """Return what is the same of an entry wherever it stands."""
    return {
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "amount": amount(entry.amount, unit),
        "balance_after": amount(entry.balance_after, unit),
        "charge": amount(entry.charge, unit),
        "operation": entry.operation,
        "model": entry.model,
        "usage": None if entry.usage is None else Tokens(**entry.usage),
        "rate": entry.rate,
        "source": entry.source,
        "actor": entry.actor,
        "note": entry.note,
        "facts": entry.facts,
    }
