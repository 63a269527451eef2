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


def quote(
    plan: Plan,
    price: Tariff,
    model: str,
    asked: Usage,
    expected: Usage | None = None,
    output_least: int = OUTPUT_LEAST,
) -> Quote:
    """Return the quote of a request.

    Args:
        plan: its `reserve.how` says whether the worst case, the expected case or nothing is set aside.
        price: as `tariff_of` gives it.
        model: as the caller named it.
        asked: the input, and the output at its cap.
        expected: the usage that the caller expects, where the plan reserves that.
        output_least: tokens of output below which an answer is not worth having.
    """
    usage = expected if plan.reserve.how == "expected" and expected is not None else asked
    amount = min(price.charge(usage), AMOUNT_MAX)
    least = amount
    if amount and plan.reserve.how == "none":
        amount, least = 0, 1
    elif plan.reserve.cap_output and usage.tokens_output > output_least:
        least = min(amount, price.charge(shortened(asked, output_least)))
    return Quote(
        amount=amount,
        least=least,
        tokens=usage.total,
        input_charge=price.charge(shortened(asked, 0)),
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
    rest = held * price.denominator - int(price.exact(shortened(usage, 0)) * price.denominator)
    return shortened(usage, max(rest // dearest, 0) if dearest else 0)


def shortened(usage: Usage, tokens: int) -> Usage:
    """Return `usage` with only the first `tokens` of its output, in the order in which models produce it."""
    reasoning = min(usage.reasoning, tokens)
    output = min(usage.output, tokens - reasoning)
    return Usage(
        usage.input,
        usage.cached_input,
        usage.cache_write,
        usage.cache_write_1h,
        output,
        reasoning,
        usage.audio_input,
        min(usage.audio_output, tokens - reasoning - output),
    )


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
