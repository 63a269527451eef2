"""Quotes: the most that a request can cost under a plan, and the least that it must be able to pay."""

from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from tokenhouse.rules.amounts import AMOUNT_MAX
from tokenhouse.rules.charges import Tariff, Terms, tariff
from tokenhouse.rules.periods import Instant
from tokenhouse.rules.plans import Plan
from tokenhouse.rules.rates import FLAT, Rate, RateTable, parse_prices
from tokenhouse.rules.usage import Usage

OUTPUT_LEAST: Final = 16
"""Tokens of output below which a capped answer is of no use to anybody."""


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What to reserve: `amount`, down to `least`; `tokens` for token limits.

    `input_charge` if only the input is used.
    """

    amount: int
    least: int
    tokens: int
    input_charge: int
    rate: int
    model: str


def tariff_of(plan: Plan, table: RateTable, model: str, at: Instant) -> Tariff | None:
    """Return how `plan` prices `model` at `at`; None where no rate is known and the plan has no default."""
    rate: Rate | None = FLAT
    if plan.rate.by == "rates":
        rate = table.find(model, at)
        if rate is None and plan.models.unknown == "default-rate":
            rate = _default_rate(plan)
    return tariff(rate, plan.unit, _terms(plan)) if rate is not None else None


def quote(plan: Plan, price: Tariff, model: str, asked: Usage, expected: Usage | None = None) -> Quote:
    """Return the quote of a request.

    Args:
        plan: its `reserve.how` says whether the worst case, the expected case or nothing is set aside.
        price: as `tariff_of` gives it.
        model: as the caller named it.
        asked: the input, and the output at its cap.
        expected: the usage that the caller expects, where the plan reserves that.
    """
    usage = expected if plan.reserve.how == "expected" and expected is not None else asked
    amount = min(price.charge(usage), AMOUNT_MAX)
    input_only = Usage(
        input=asked.input,
        cached_input=asked.cached_input,
        cache_write=asked.cache_write,
        cache_write_1h=asked.cache_write_1h,
        audio_input=asked.audio_input,
    )
    least = amount
    if amount and plan.reserve.how == "none":
        amount, least = 0, 1
    elif plan.reserve.cap_output and usage.output > OUTPUT_LEAST:
        shortest = Usage(
            asked.input,
            asked.cached_input,
            asked.cache_write,
            asked.cache_write_1h,
            OUTPUT_LEAST,
            audio_input=asked.audio_input,
        )
        least = min(amount, price.charge(shortest))
    return Quote(
        amount=amount,
        least=least,
        tokens=usage.total,
        input_charge=price.charge(input_only),
        rate=price.rate.version,
        model=model,
    )


def within(price: Tariff, usage: Usage, held: int) -> Usage:
    """Return the part of `usage` that `held` pays for: all of its input, and as much of its output as fits.

    Output comes in the order in which models produce it, thinking first; every token of it is reckoned at the
    dearest kind's price, as a cap on output must be.
    """
    if price.charge(usage) <= held:
        return usage
    price = price.of(usage)
    dearest = max(price.output, price.reasoning, price.audio_output)
    taken = Usage(
        usage.input,
        usage.cached_input,
        usage.cache_write,
        usage.cache_write_1h,
        audio_input=usage.audio_input,
    )
    rest = held * price.denominator - int(price.exact(taken) * price.denominator)
    tokens = max(rest // dearest, 0) if dearest else 0
    reasoning = min(usage.reasoning, tokens)
    output = min(usage.output, tokens - reasoning)
    audio = min(usage.audio_output, tokens - reasoning - output)
    return taken + Usage(output=output, reasoning=reasoning, audio_output=audio)


@lru_cache(maxsize=1024)
def _plan_terms(multiplier: Decimal, discount: Decimal, minimum: int) -> Terms:
    """Return a plan's terms; one value for equal plans, so that their tariffs are found again."""
    return Terms(multiplier=multiplier, discount=discount, minimum=minimum)


def _terms(plan: Plan) -> Terms:
    """Return what `plan` does to every price."""
    return _plan_terms(plan.rate.multiplier, plan.rate.discount, plan.rate.minimum)


def _default_rate(plan: Plan) -> Rate:
    """Return the plan's price of models that nobody knows."""
    return Rate(model="*", prices=parse_prices(plan.rate.default, "rate.default"), version=0)
