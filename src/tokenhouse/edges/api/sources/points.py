"""Points: what a user has, and the history behind it, line by line in the user's language."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from tokenhouse import messages
from tokenhouse.edges.api.caller import Caller, House, User
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.rehearse import SOURCE
from tokenhouse.flow.report import EntryView
from tokenhouse.house import Tokenhouse
from tokenhouse.rules.amounts import Unit, show
from tokenhouse.rules.usage import checked_usage

router = APIRouter(prefix="/api/user/points", tags=["sources"])

SHOWN: Final = 20
SHOWN_MAX: Final = 100

TYPES: Final = {
    "signup": "signup_bonus",
    "allowance": "allowance",
    "rollover": "rollover",
    "charge": "chat_usage",
    "use": "chat_usage",
    "refund": "usage_refund",
    "unuse": "usage_refund",
    "adjust": "adjustment",
    "expire": "expired",
    "forgive": "forgiven",
    "claw_back": "taken_back",
}
"""Kind of an entry -> the type of its line; a grant is called after where it came from."""
KINDS: Final = (*TYPES, "grant")
"""Kinds that are lines: those that move points, or tell of use that somebody else paid."""


class Points(Shape):
    """What a user has: earned less spent, always. What expired or was taken back counts as spent."""

    success: Literal[True] = True
    points: Annotated[int, Field(description="Below zero while the account owes.")]
    total_earned: int
    total_spent: int
    last_updated: datetime


class TokenDetails(Shape):
    """The tokens of one chat."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class PointsLine(Shape):
    """One line of the history."""

    type: Annotated[str, Field(examples=["signup_bonus", "chat_usage"])]
    amount: int
    description: str
    timestamp: datetime
    balance_after: int
    token_details: TokenDetails | None = None


class PointsHistory(Shape):
    """A page of the history, newest first; `next` goes into `cursor` for the page below, null at the end."""

    success: Literal[True] = True
    history: list[PointsLine]
    total_records: int
    next: str | None


@router.get("")
async def show_user_points(caller: User, house: House) -> Points:
    """Return what the caller has: points now, earned and spent in all, and when that last changed."""
    ref = _own(caller)
    stands = await house.balance(ref)
    newest = await house.history(ref, rows_max=1)
    points = stands.available + stands.held
    return Points(
        points=points,
        total_earned=stands.granted,
        total_spent=stands.granted - points,
        last_updated=newest[0].at,
    )


@router.get("/history")
async def list_user_points_history(
    caller: User,
    house: House,
    limit: Annotated[int, Query(ge=1, le=SHOWN_MAX)] = SHOWN,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="A page's `next`.")] = None,
) -> PointsHistory:
    """Return the caller's newest lines, how many there are in all, and where the next page begins."""
    ref = _own(caller)
    before = None if cursor is None else int(cursor)
    found = await house.history(ref, before=before, kinds=KINDS, rows_max=limit + 1)
    unit, locale = (await house.balance(ref)).unit, await _locale(house, ref)
    return PointsHistory(
        history=[_line(entry, unit, locale) for entry in found[:limit]],
        total_records=await house.history_size(ref, kinds=KINDS),
        next=str(found[limit - 1].seq) if len(found) > limit else None,
    )


def _own(caller: Caller) -> str:
    """Return the caller's own account. Raises: InvalidInput for one that has none: an operator's key."""
    if not caller.account:
        raise InvalidInput("caller_without_account", field="account", value="")
    return caller.account


async def _locale(house: Tokenhouse, ref: str) -> str:
    """Return the language of an account."""
    return (await house.describe(ref)).locale or house.desk.settings.locale


def _line(entry: EntryView, unit: Unit, locale: str) -> PointsLine:
    """Return an entry as a line; one that was imported keeps its type, its words and its time."""
    kind = TYPES.get(entry.kind) or str(entry.lots[0][2])
    details = None
    if entry.usage:
        usage = checked_usage(entry.usage)
        details = TokenDetails(
            prompt_tokens=usage.tokens_input,
            completion_tokens=usage.tokens_output,
            total_tokens=usage.total,
        )
    imported = entry.facts.get("timestamp")
    return PointsLine(
        type=str(entry.facts.get("type") or kind),
        amount=entry.amount if entry.kind not in ("use", "unuse") else -entry.charge,
        description=entry.note if imported and entry.note else _said(entry, kind, details, unit, locale),
        timestamp=_time(imported) or entry.at,
        balance_after=entry.balance_after,
        token_details=details,
    )


def _said(entry: EntryView, kind: str, details: TokenDetails | None, unit: Unit, locale: str) -> str:
    """Return the sentence of a line, with the note that came with it."""
    facts: dict[str, Any] = {"amount": show(abs(entry.amount or entry.charge), unit)}
    name = "rehearsed" if entry.source == SOURCE else kind
    if details is not None and kind == "chat_usage":
        name = "chat_usage_tokens"
        facts |= {
            "input": details.prompt_tokens,
            "output": details.completion_tokens,
            "total": details.total_tokens,
        }
    text = messages.say(f"points_line.{name}", locale, **facts)
    return f"{text}: {entry.note}" if entry.note else text


def _time(text: object) -> datetime | None:
    """Return the time that an imported line had, taken as UTC where it names no offset."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
