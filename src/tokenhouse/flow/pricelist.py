"""The price list: what genai-prices knows of every provider's models, as rates for our own table."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.rates import MODEL_LENGTH_MAX, checked_pattern

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Provider

KINDS: Final = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
}
"""The library's prices of a million tokens, and our kinds."""
ALIASES: Final = {
    "google": ("gemini", "vertex_ai"),
    "x-ai": ("xai",),
    "together": ("together_ai",),
    "fireworks": ("fireworks_ai",),
    "aws": ("bedrock",),
}
"""What LiteLLM writes before a model's name, where it differs from the library's id of the provider."""
UNKNOWN: Final = (("~", "*"), ("-20260101", "-20*"), ("-2026-01-01", "-20*"), ("@20260101", "@20*"))
"""Endings of names that no list has, some as vendors date snapshots, and the pattern of all such names."""

Line = dict[str, Any]


class PriceList(msgspec.Struct, frozen=True):
    """What was read: rate documents, how many models they price, and those that no token price describes."""

    lines: list[Line]
    models: int
    unpriced: tuple[str, ...]
    release: str


def read_prices() -> PriceList:
    """Return the rates that the installed genai-prices lists; nothing is asked of the network.

    Raises: InvalidInput `prices_absent` where the library is not installed.
    """
    try:
        from genai_prices import __version__
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        raise InvalidInput("prices_absent", field="prices", value="genai-prices") from None
    providers = get_snapshot().providers
    opened = [replace(one, models=[m for m in one.models if _open(m.match)]) for one in providers]
    lines: dict[tuple[str, str], Line] = {}
    unpriced: list[str] = []
    models = 0
    for provider in providers:
        dated = {id(model): list(_history(model)) for model in _offered(provider, providers)}
        unpriced += [f"{provider.id}/{model.id}" for model in provider.models if not dated[id(model)]]
        models += sum(bool(dated[id(model)]) for model in provider.models)
        for name, model in _full_names(provider, providers, opened).items():
            for line in dated[id(model)]:
                lines.setdefault((name, line.get("starts_at", "")), {"model": name, **line})
    return PriceList(list(lines.values()), models, tuple(unpriced), __version__)


def _offered(provider: "Provider", providers: list["Provider"]) -> Iterator["ModelInfo"]:
    """Give the provider's models, then those that it sells of others."""
    yield from provider.models
    for other in providers:
        if other.id in (provider.fallback_model_providers or ()):
            yield from other.models


def _names(
    provider: "Provider", providers: list["Provider"], opened: list["Provider"]
) -> dict[str, "ModelInfo"]:
    """Return each name, and each start of names, that the library takes for one of the provider's models.

    The library decides, so its order of precedence is ours: every literal of its rules is asked as a name;
    a start of names is taken where the library takes an unknown name that starts so. Of these only models
    with open rules are asked, those that know more than whole names: the others cannot know it.
    """
    found: dict[str, ModelInfo] = {}
    literals: dict[str, None] = {}
    asked = next(one for one in opened if one.id == provider.id)
    for model in _offered(provider, providers):
        literals[model.id] = None
        literals.update(dict.fromkeys(_literals(model.match)))
    for literal in literals:
        for name in dict.fromkeys((literal, literal.lower())):
            whole = provider.find_model(name, all_providers=providers)
            if whole is not None:
                found.setdefault(name, whole)
            for ending, pattern in UNKNOWN:
                taken = asked.find_model(name + ending, all_providers=opened)
                if taken is not None:
                    found.setdefault(name + pattern, taken)
    return found


def _open(clause: Any) -> bool:
    """Return whether a rule knows more than whole names."""
    parts = (*getattr(clause, "or_", ()), *getattr(clause, "and_", ()))
    return any(map(_open, parts)) if parts else not hasattr(clause, "equals")


def _literals(clause: Any) -> Iterator[str]:
    """Give the texts that a rule compares names with; those of a regular expression are none."""
    for part in (*getattr(clause, "or_", ()), *getattr(clause, "and_", ())):
        yield from _literals(part)
    for kind in ("equals", "starts_with", "contains", "ends_with"):
        text = getattr(clause, kind, None)
        if text:
            yield text


def _full_names(
    provider: "Provider", providers: list["Provider"], opened: list["Provider"]
) -> dict[str, "ModelInfo"]:
    """Return the names by which callers may ask: behind the provider's id, and bare where they say whose."""
    full: dict[str, ModelInfo] = {}
    for name, model in _names(provider, providers, opened).items():
        for prefix in (provider.id, *ALIASES.get(provider.id, ())):
            full[f"{prefix}/{name}"] = model
        plain = name.rstrip("*")
        maker = next((one for one in providers if one.model_match and one.model_match.is_match(plain)), None)
        if maker is provider:
            full[name] = model
    return {name: model for name, model in full.items() if _sound(name) and _needed(name, model, full)}


def _needed(name: str, model: "ModelInfo", full: Mapping[str, "ModelInfo"]) -> bool:
    """Return whether the name would be priced as another model, or as none, without a rate of its own."""
    for length in range(len(name.rstrip("*")) - name.endswith("*"), 0, -1):
        pattern = f"{name[:length]}*"
        if pattern in full:
            return full[pattern] is not model
    return True


def _sound(pattern: str) -> bool:
    with suppress(InvalidInput):
        return len(pattern) <= MODEL_LENGTH_MAX and bool(checked_pattern(pattern, "model"))
    return False


def _history(model: "ModelInfo") -> Iterator[Line]:
    """Give the model's prices as of each date; at different prices by the time of day, the dearest of it."""
    from genai_prices.types import ModelPrice, StartDateConstraint, TimeOfDateConstraint

    if isinstance(model.prices, ModelPrice):
        dated: list[tuple[datetime | None, ModelPrice]] = [(None, model.prices)]
        hourly: list[ModelPrice] = []
    else:
        conditions: list[ConditionalPrice] = model.prices
        hourly = [one.prices for one in conditions if isinstance(one.constraint, TimeOfDateConstraint)]
        dated = [
            (
                _midnight(one.constraint) if isinstance(one.constraint, StartDateConstraint) else None,
                one.prices,
            )
            for one in conditions
            if not isinstance(one.constraint, TimeOfDateConstraint)
        ]
    for start, price in dated:
        line = _dearest(_line(one) for one in (price, *hourly))
        if line:
            yield line if start is None else {"starts_at": start.isoformat(), **line}


def _midnight(constraint: Any) -> datetime:
    return datetime.combine(constraint.start_date, time(), UTC)


def _line(price: "ModelPrice") -> Line:
    """Return the prices of tokens as a rate's document; nothing where no token has a price."""
    given = {ours: getattr(price, theirs) for theirs, ours in KINDS.items()}
    given = {kind: value for kind, value in given.items() if value is not None}
    if not {"input", "output"} & given.keys():
        return {}
    starts = sorted({tier.start for value in given.values() for tier in getattr(value, "tiers", ())})
    line: Line = {"unit": "dollar", "input": Decimal(0), "output": Decimal(0), **_at(given, 0)}
    if price.requests_kcount is not None:
        line["per_request"] = _at({"requests": price.requests_kcount}, 0)["requests"] / 1_000
    if starts:
        line["above"] = [{"tokens": start, **_at(given, start + 1)} for start in starts]
    return line


def _at(given: Mapping[str, Any], tokens: int) -> dict[str, Decimal]:
    """Return each kind's price for a call that reads so many tokens."""
    prices = {}
    for kind, value in given.items():
        prices[kind] = getattr(value, "base", value)
        for tier in getattr(value, "tiers", ()):
            if tokens > tier.start:
                prices[kind] = tier.price
    return prices


def _dearest(lines: Iterable[Line]) -> Line:
    """Return the dearest price of each kind; hours change no tiers in any list that there is."""
    dearest: Line = {}
    for line in lines:
        for kind, price in line.items():
            known = dearest.get(kind)
            dearest[kind] = max(known, price) if isinstance(known, Decimal) else known or price
    return dearest
