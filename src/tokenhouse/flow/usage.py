"""Usage: what was used, hour by hour, day by day or month by month: by the deployment, or by one account."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, get_args

from tokenhouse.errors import InvalidInput
from tokenhouse.flow.desk import Desk, checked_text
from tokenhouse.flow.rollups import counts_tokens
from tokenhouse.flow.stretches import Grain, Stretches, last_stretches, stretches_between
from tokenhouse.rules.amounts import shown
from tokenhouse.rules.costs import share
from tokenhouse.store import rollups
from tokenhouse.store.pool import snapshot
from tokenhouse.store.rollups import Refused, Used, UsedBy

Part = Literal["all", "model", "key"]
PARTS: Final[tuple[str, ...]] = get_args(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePoint:
    """What was used in one stretch of time, each call counted once, where it was paid.

    `refused` counts the calls that were turned away; None by the hour, for refusals are known by the day.
    `charged_per_token` is what a token cost on average; `allowed_share` how many of all calls went through.
    """

    start_at: datetime
    end_at: datetime
    turns: int
    refused: int | None
    tokens: int
    tokens_input: int
    tokens_output: int
    charged: int

    @property
    def allowed_share(self) -> Decimal | None:
        """Calls that were charged, of those and the refused ones; None where there were none."""
        return None if self.refused is None else share(self.turns, self.turns + self.refused)

    @property
    def charged_per_token(self) -> Decimal | None:
        """The charge of a token, in smallest units of the deployment; None where no token is known."""
        return share(self.charged, self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What the deployment used, the oldest stretch first."""

    points: tuple[UsePoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUse:
    """What one account used, and those below it, in one stretch of time: in all, by model or by API key.

    `model` and `api_key` are None where the use is not told apart by them; a key is named by its prefix.
    `refused` counts its calls that were turned away: by day and month, and where nothing is told apart.
    """

    start_at: datetime
    end_at: datetime
    model: str | None
    api_key: str | None
    turns: int
    refused: int | None
    tokens: int
    tokens_input: int
    tokens_output: int
    charged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePart:
    """What was used of one model or with one key, or in all, over every stretch of a question."""

    model: str | None
    api_key: str | None
    turns: int
    tokens: int
    tokens_input: int
    tokens_output: int
    charged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UseBetween:
    """What an account used between two moments: stretch by stretch, part by part, and in all.

    `starts` are those of all stretches, used or not; `parts` the models or keys, the most charged first.
    """

    zone: str
    starts: tuple[datetime, ...]
    lines: tuple[AccountUse, ...]
    parts: tuple[UsePart, ...]
    total: UsePart


async def curve(desk: Desk, *, every: Grain, last: int) -> Curve:
    """Return what the deployment used in the `last` stretches of a kind, up to this moment."""
    stretches = last_stretches(desk, every, last)
    one_to_one = counts_tokens(desk)
    await desk.refusals.write()
    async with snapshot(desk.pool) as connection:
        used = await rollups.list_usage(connection, stretches.span, one_to_one=one_to_one)
        refused = await rollups.list_refusals(connection, *stretches.days)
    return Curve(points=tuple(points(stretches, used, None if every == "hour" else refused)))


def points(stretches: Stretches, used: list[Used], refused: list[Refused] | None) -> list[UsePoint]:
    """Return a point for every stretch; those in which nothing happened as well."""
    by_stretch: list[list[Used]] = [[] for _ in stretches.starts]
    for one in used:
        by_stretch[stretches.nth(one.start_at)].append(one)
    noes = turned_away(stretches, refused or [])
    return [
        UsePoint(
            start_at=start_at,
            end_at=stretches.bounds[nth + 1],
            turns=sum(one.turns for one in by_stretch[nth]),
            refused=None if refused is None else noes[nth],
            tokens=sum(one.tokens for one in by_stretch[nth]),
            tokens_input=sum(one.usage.tokens_input for one in by_stretch[nth]),
            tokens_output=sum(one.usage.tokens_output for one in by_stretch[nth]),
            charged=sum(one.charged for one in by_stretch[nth]),
        )
        for nth, start_at in enumerate(stretches.starts)
    ]


async def account_usage(
    desk: Desk,
    ref: str,
    *,
    every: Grain,
    last: int,
    by: Part,
    model: str | None = None,
    api_key: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> UseBetween:
    """Return what an account used in the `last` stretches of a kind, or between two moments.

    Told apart `by` nothing, a stretch without use is there as well; by model or by key, only what was used.
    With `model` or `api_key` only what was used of it; an empty one is use without any.
    """
    if by not in PARTS:
        raise InvalidInput("choice_unknown", field="by", value=shown(by), known=", ".join(PARTS))
    for field, wanted in (("model", model), ("key", api_key)):
        if wanted is not None:
            checked_text(wanted, field)
    stretches = stretches_between(desk, every, last, since, until)
    address = await desk.address(ref)
    await desk.refusals.write()
    async with desk.pool.acquire() as connection:
        found = await rollups.list_usage_of_account(
            connection, address, stretches.span, one_to_one=counts_tokens(desk)
        )
        refused = await rollups.list_refusals_of_account(connection, address, *stretches.days)
    found = [
        one
        for one in found
        if (model is None or one.model == model) and (api_key is None or one.api_key == api_key)
    ]
    whole = model is None and api_key is None
    groups: dict[tuple[int, str, str], list[UsedBy]] = {}
    if by == "all":
        groups = {(nth, "", ""): [] for nth in range(len(stretches.starts))}
    for one in found:
        group = (
            stretches.nth(one.start_at),
            one.model if by == "model" else "",
            one.api_key if by == "key" else "",
        )
        groups.setdefault(group, []).append(one)
    noes = turned_away(stretches, refused) if by == "all" and every != "hour" and whole else None
    lines = tuple(_summed(stretches, group, some, by, noes) for group, some in sorted(groups.items()))
    return UseBetween(
        zone=stretches.zone,
        starts=stretches.starts,
        lines=lines,
        parts=_parts(lines),
        total=_total(lines),
    )


def turned_away(stretches: Stretches, refused: list[Refused]) -> list[int]:
    """Return how many calls were refused in each stretch."""
    noes = [0] * len(stretches.starts)
    for no in refused:
        noes[stretches.nth_of_day(no.day)] += no.refused
    return noes


def _summed(
    stretches: Stretches, group: tuple[int, str, str], some: list[UsedBy], by: Part, noes: list[int] | None
) -> AccountUse:
    """Return the sum of what belongs together."""
    nth, model, api_key = group
    return AccountUse(
        start_at=stretches.bounds[nth],
        end_at=stretches.bounds[nth + 1],
        model=model if by == "model" else None,
        api_key=api_key if by == "key" else None,
        turns=sum(one.turns for one in some),
        refused=None if noes is None else noes[nth],
        tokens=sum(one.tokens for one in some),
        tokens_input=sum(one.tokens_input for one in some),
        tokens_output=sum(one.tokens_output for one in some),
        charged=sum(one.charged for one in some),
    )


def _parts(lines: tuple[AccountUse, ...]) -> tuple[UsePart, ...]:
    """Return the sums of what is told apart; none where nothing is."""
    apart: dict[tuple[str | None, str | None], list[AccountUse]] = {}
    for one in lines:
        if one.model is not None or one.api_key is not None:
            apart.setdefault((one.model, one.api_key), []).append(one)
    parts = [_total(tuple(some), *named) for named, some in apart.items()]
    return tuple(sorted(parts, key=lambda one: (-one.charged, one.model or "", one.api_key or "")))


def _total(lines: tuple[AccountUse, ...], model: str | None = None, api_key: str | None = None) -> UsePart:
    """Return the sum of lines, under this name."""
    return UsePart(
        model=model,
        api_key=api_key,
        turns=sum(one.turns for one in lines),
        tokens=sum(one.tokens for one in lines),
        tokens_input=sum(one.tokens_input for one in lines),
        tokens_output=sum(one.tokens_output for one in lines),
        charged=sum(one.charged for one in lines),
    )
