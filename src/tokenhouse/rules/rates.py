"""Rates: what a token of each kind costs on a model, in exact decimals, and which rate holds when."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import checked_amount, checked_number, known_table, outside, required, shown
from tokenhouse.rules.periods import ALWAYS, AT_MAX, AT_MIN, Instant, instant, moment

PER: Final = 1_000_000
"""Prices are for a million tokens unless a rate says otherwise, as in every vendor's list."""
PER_MAX: Final = 10**9
MODEL_LENGTH_MAX: Final = 200
FALLBACK: Final[dict[str, str]] = {
    "cached_input": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "reasoning": "output",
    "audio_input": "input",
    "audio_output": "output",
}
"""Whose price a kind has that a rate does not name."""

TIERS_MAX: Final = 8
"""Most prices for long inputs that one rate may have; a list of today has two."""

_REMEMBERED_MAX: Final = 4_096
_PRICED: Final = ("input", *FALLBACK, "output")
_PRICES: Final = (*_PRICED, "per", "per_request", "unit", "above")
_CAPS: Final = {"dollar": (Decimal("0.01"), Decimal(100))}
_CAPS_ELSE: Final = (Decimal(1_000), Decimal(1_000_000))


class Prices(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """Prices of `per` tokens by kind, and of a request; in whole units of `unit`, such as dollars."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    per: int = PER
    per_request: Decimal = Decimal(0)
    unit: str | None = None
    """The deployment's unit by name; None: prices are in the *smallest* unit of whatever deployment."""
    above: tuple["Above", ...] = ()
    """What a call costs whose input is long, from few tokens to many."""

    def price(self, kind: str) -> Decimal:
        """Return the price of `per` tokens of `kind`, its own or the one that it falls back to."""
        found: Decimal | None = getattr(self, kind)
        return self.price(FALLBACK[kind]) if found is None else found


class Above(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """Prices of *every* token of a call that reads more than `tokens`, as vendors price long contexts."""

    tokens: int
    prices: Prices


class Rate(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """Prices of the models that `model` matches, from `starts_at` until a later rate of the same pattern."""

    model: str
    """A model's name, or the start of names followed by `*`."""
    prices: Prices
    starts_at: Instant = ALWAYS.start_at
    version: int = 1
    """Tells the rates of one pattern apart; every charge records it."""


FLAT: Final = Rate(model="*", prices=Prices(input=Decimal(1), output=Decimal(1), per=1), version=0)
"""One smallest unit for a token of any kind: plans that count tokens, or points by a multiplier."""


class RateTable:
    """Which rate holds for a model at an instant: the operator's own first, then those `listed` by others.

    Among those that have started, the exact name goes before a pattern and a longer pattern before a
    shorter one; of one pattern the latest start wins, then the highest version. Answers are remembered
    by model, for 4,096 models; remembering changes none.
    """

    __slots__ = ("_by_pattern", "_lengths", "_remembered")

    def __init__(self, rates: Iterable[Rate] = (), listed: Iterable[Rate] = ()) -> None:
        self._by_pattern: dict[str, list[tuple[int, Rate]]] = {}
        self._remembered: dict[str, tuple[list[Instant], list[Rate]]] = {}
        for rank, layer in ((1, rates), (0, listed)):
            versions: set[tuple[str, int]] = set()
            for rate in layer:
                if (rate.model, rate.version) in versions:
                    raise InvalidInput("rate_twice", field="version", value=rate.version, model=rate.model)
                versions.add((rate.model, rate.version))
                self._by_pattern.setdefault(rate.model, []).append((rank, rate))
        self._lengths = sorted({len(pattern) - 1 for pattern in self._by_pattern if pattern.endswith("*")})

    def find(self, model: str, at: Instant) -> Rate | None:
        """Return the rate of `model` at `at`, or None where none has started."""
        known = self._remembered.get(model)
        if known is None:
            known = self._line(model)
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            if len(model) <= MODEL_LENGTH_MAX:
                self._remembered[model] = known
        nth = bisect_right(known[0], at)
        return known[1][nth - 1] if nth else None

    def history(self, model: str) -> list[tuple[Instant, Rate]]:
        """Return the rates of a model over time: each with the instant from which it holds."""
        return list(zip(*self._line(model), strict=True))

    def _line(self, model: str) -> tuple[list[Instant], list[Rate]]:
        """Return the model's line of time: instants at which a rate starts to hold, and those rates."""
        patterns = [model[:length] + "*" for length in self._lengths if length <= len(model)]
        candidates = [
            ((rank, pattern == model, len(pattern), rate.starts_at, rate.version), rate)
            for pattern in dict.fromkeys((*patterns, model))
            for rank, rate in self._by_pattern.get(pattern, ())
        ]
        starts = sorted({rate.starts_at for _, rate in candidates})
        winners = [max((c for c in candidates if c[1].starts_at <= start), key=_rank)[1] for start in starts]
        return starts, winners


def _rank(candidate: tuple[tuple[int, bool, int, Instant, int], Rate]) -> tuple[int, bool, int, Instant, int]:
    return candidate[0]


def parse_prices(document: object, field: str = "rate") -> Prices:
    """Return the prices of a document: `input` and `output`, further kinds, `per`, `per_request`, `unit`.

    Raises: InvalidInput that names `field.key`: `table_wanted`, `field_unknown`, `field_missing`,
    `text_wanted`, `number_*`, `amount_*`.
    """
    return _prices(known_table(document, _PRICES, field), field)


def parse_rate(document: object, field: str = "rate") -> Rate:
    """Return the rate of a document from TOML or JSON: the keys of prices, `model`, `starts_at`, `version`.

    `starts_at` is a datetime with its offset or ISO 8601 text; left out, the rate has always held.

    Raises: InvalidInput as `parse_prices`, and `rate_pattern`, `instant_unreadable`, `instant_naive`,
    `instant_out_of_range`.
    """
    table = known_table(document, ("model", "starts_at", "version", *_PRICES), field)
    return Rate(
        model=checked_pattern(required(table, "model", field), f"{field}.model"),
        prices=_prices(table, field),
        starts_at=_start(table.get("starts_at"), f"{field}.starts_at"),
        version=checked_amount(table.get("version", 1), f"{field}.version", least=0),
    )


def rate_document(rate: Rate) -> dict[str, Any]:
    """Return the rate as plain JSON values, decimals as text; `parse_rate` reads an equal rate from them."""
    document: dict[str, Any] = {"model": rate.model, "version": rate.version}
    if rate.starts_at != ALWAYS.start_at:
        document["starts_at"] = moment(rate.starts_at).isoformat()
    for name in _PRICES:
        value = getattr(rate.prices, name)
        if value is not None and value != ():
            document[name] = _plain(value)
    return document


def checked_pattern(value: object, field: str) -> str:
    """Return `value` if it is a model's name, or the start of names followed by `*`. Raises: InvalidInput."""
    sound = isinstance(value, str) and 0 < len(value) <= MODEL_LENGTH_MAX and value.isprintable()
    if not sound or "*" in str(value)[:-1]:
        raise InvalidInput("rate_pattern", field=field, value=shown(value), most=MODEL_LENGTH_MAX)
    return str(value)


def suspicious(rate: Rate) -> InvalidInput | None:
    """Return why a person should look at the rate before it holds, or None; nothing is raised.

    Caps: 0.01 dollars a token (10,000 a million, far above any list price) and 100 dollars a request;
    in other units 1,000 a token and 1,000,000 a request. So a price that was entered for the wrong number
    of tokens shows up, such as the 0.996 dollars a token that a price table once charged, and a negative one.
    """
    prices = rate.prices
    token_cap, request_cap = _CAPS.get(prices.unit or "", _CAPS_ELSE)
    tiers = [prices, *(tier.prices for tier in prices.above)]
    parts = [(kind, tier.price(kind), token_cap * prices.per) for tier in tiers for kind in _PRICED]
    for name, price, cap in (*parts, ("per_request", prices.per_request, request_cap)):
        if not 0 <= price <= cap:
            facts = {"model": rate.model, "most": f"{cap:f}"}
            return InvalidInput("rate_suspicious", field=name, value=f"{price:f}", **facts)
    return None


def _prices(document: Mapping[str, Any], field: str) -> Prices:
    given = _kinds(document, field)
    for kind in ("input", "output"):
        required(given, kind, field)
    per = checked_amount(document.get("per", PER), f"{field}.per")
    if per > PER_MAX:
        raise outside(per, f"{field}.per", 1, PER_MAX)
    unit = document.get("unit")
    if unit is not None and not isinstance(unit, str):
        raise InvalidInput("text_wanted", field=f"{field}.unit", value=shown(unit))
    per_request = checked_number(document.get("per_request", 0), f"{field}.per_request")
    base = Prices(**given, per=per, per_request=per_request, unit=unit)
    return (
        msgspec.structs.replace(base, above=_above(document["above"], base, field))
        if "above" in document
        else base
    )


def _kinds(document: Mapping[str, Any], field: str) -> dict[str, Any]:
    return {kind: checked_number(document[kind], f"{field}.{kind}") for kind in _PRICED if kind in document}


def _above(value: object, base: Prices, field: str) -> tuple[Above, ...]:
    """Return the prices of long inputs, rising; a kind that one does not name costs what it costs below."""
    if not isinstance(value, list | tuple) or len(value) > TIERS_MAX:
        raise InvalidInput("rate_tiers", field=f"{field}.above", value=shown(value), most=TIERS_MAX)
    tiers: list[Above] = []
    for nth, one in enumerate(value):
        place = f"{field}.above[{nth}]"
        table = known_table(one, ("tokens", *_PRICED), place)
        tokens = checked_amount(required(table, "tokens", place), f"{place}.tokens")
        if tiers and tokens <= tiers[-1].tokens:
            raise InvalidInput("rate_tiers", field=f"{place}.tokens", value=shown(tokens), most=TIERS_MAX)
        below = tiers[-1].prices if tiers else base
        prices = msgspec.structs.replace(below, **_kinds(table, place))
        for kind in _PRICED:  # Were it cheaper, a bound on the input could cost less than the input.
            if prices.price(kind) < below.price(kind):
                lower = f"{prices.price(kind):f}"
                raise InvalidInput("rate_tier_falls", field=f"{place}.{kind}", value=lower)
        tiers.append(Above(tokens=tokens, prices=prices))
    return tuple(tiers)


def _plain(value: object) -> object:
    """Return a part of a rate as JSON: decimals as text, and of each tier the kinds that it names."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, tuple):
        return value
    return [
        {"tokens": tier.tokens}
        | {
            kind: _plain(getattr(tier.prices, kind))
            for kind in _PRICED
            if getattr(tier.prices, kind) is not None
        }
        for tier in value
    ]


def _start(value: object, field: str) -> Instant:
    if value is None:
        return ALWAYS.start_at
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidInput("instant_unreadable", field=field, value=shown(value)) from None
    at = instant(value, field)
    if not AT_MIN <= at < AT_MAX:
        raise InvalidInput("instant_out_of_range", field=field, value=shown(at))
    return at
