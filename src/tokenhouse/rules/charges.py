"""Charges: what a usage costs under a rate and a plan's terms, exactly, rounded once, up, at the end."""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Final

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import AMOUNT_MAX, Unit
from tokenhouse.rules.rates import Prices, Rate
from tokenhouse.rules.usage import KINDS, Usage

REQUEST: Final = "request"
"""Kind of the line that explains the price of the request itself."""


class Terms(msgspec.Struct, frozen=True, cache_hash=True):
    """What a plan does to every price: times `multiplier`, less `discount` (a share), at least `minimum`."""

    multiplier: Decimal | Fraction = Decimal(1)
    discount: Decimal | Fraction = Decimal(0)
    minimum: int = 0
    """Smallest charge of a call that costs anything; in the smallest unit."""

    @property
    def factor(self) -> Fraction:
        """Return by what every price is multiplied."""
        return Fraction(self.multiplier) * (1 - Fraction(self.discount))


PLAIN: Final = Terms()


class Line(msgspec.Struct, frozen=True):
    """One kind's part of a charge: `tokens` x `price` / `per` is `product`, exactly, in smallest units."""

    kind: str
    tokens: int
    price: str
    """In the rate's own unit, as the rate states it."""
    per: int
    product: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How a charge came about: the sum of `lines` x `multiplier` x (1 - `discount`) = `exact`, rounded up."""

    lines: tuple[Line, ...]
    multiplier: str
    discount: str
    exact: str
    """The total before rounding, in smallest units: a decimal, or a fraction where no decimal is exact."""
    minimum: int
    charge: int
    unit: str
    model: str
    """Pattern of the rate."""
    version: int
    """Version of the rate."""
    above: int
    """The tokens of input above which these prices hold; 0: the ordinary ones."""


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """A rate under terms, made ready: whole numerators over one `denominator`, smallest units a token."""

    input: int
    cached_input: int
    cache_write: int
    cache_write_1h: int
    output: int
    reasoning: int
    audio_input: int
    audio_output: int
    request: int
    denominator: int
    minimum: int
    rate: Rate
    prices: Prices
    """Those of the rate that these numerators say: the ordinary ones, or those of a long input."""
    unit: Unit
    terms: Terms
    above: tuple[tuple[int, "Tariff"], ...] = ()

    def of(self, usage: Usage) -> "Tariff":
        """Return the tariff that prices a call with this input: this one, or that of a long input."""
        found = self
        for tokens, dearer in self.above:
            if usage.tokens_input > tokens:
                found = dearer
        return found

    def charge(self, usage: Usage) -> int:
        """Return what the account pays: the exact sum, rounded up once, then at least the minimum.

        What costs exactly nothing stays 0 whatever the minimum is: a free model, a full discount, an empty
        usage. A charge above `AMOUNT_MAX` becomes `AMOUNT_MAX`: it is absurd, but a settle is never refused.
        """
        price = self.of(usage) if self.above else self
        exact = (
            price.request
            + usage.input * price.input
            + usage.cached_input * price.cached_input
            + usage.cache_write * price.cache_write
            + usage.cache_write_1h * price.cache_write_1h
            + usage.output * price.output
            + usage.reasoning * price.reasoning
            + usage.audio_input * price.audio_input
            + usage.audio_output * price.audio_output
        )
        if not exact:
            return 0
        rounded = -(-exact // price.denominator)
        if rounded < price.minimum:
            return price.minimum
        return min(rounded, AMOUNT_MAX)

    def exact(self, usage: Usage) -> Fraction:
        """Return the price of `usage` before rounding and minimum, in smallest units."""
        price = self.of(usage)
        tokens = sum(getattr(usage, kind) * getattr(price, kind) for kind in KINDS)
        return Fraction(price.request + tokens, price.denominator)

    def explain(self, usage: Usage) -> Explanation:
        """Return how `charge(usage)` comes about, from the rate's own figures and not from the numerators."""
        price = self.of(usage)
        prices, scale = price.prices, _scale(self.rate, self.unit)
        parts = [(kind, getattr(usage, kind), prices.price(kind), prices.per) for kind in KINDS]
        parts.append((REQUEST, 1, prices.per_request, 1))
        products = [tokens * Fraction(price) * scale / per for _, tokens, price, per in parts]
        lines = tuple(
            Line(kind, tokens, f"{price:f}", per, exact_text(product))
            for (kind, tokens, price, per), product in zip(parts, products, strict=True)
            if tokens and (kind != REQUEST or price)
        )
        return Explanation(
            lines=lines,
            multiplier=exact_text(Fraction(self.terms.multiplier)),
            discount=exact_text(Fraction(self.terms.discount)),
            exact=exact_text(sum(products, Fraction(0)) * self.terms.factor),
            minimum=self.minimum,
            charge=self.charge(usage),
            unit=self.unit.name,
            model=self.rate.model,
            version=self.rate.version,
            above=max((tokens for tokens, dearer in self.above if dearer is price), default=0),
        )


@lru_cache(maxsize=8_192)
def tariff(rate: Rate, unit: Unit, terms: Terms = PLAIN) -> Tariff:
    """Return `rate` made ready for charging in `unit` under `terms`; remembered, so ask for every call.

    Raises: InvalidInput `rate_unit` where the rate is in another unit than the deployment's;
    `terms_out_of_range` for a negative multiplier or minimum, or a discount outside 0..1.
    """
    if terms.multiplier < 0 or not 0 <= terms.discount <= 1 or not 0 <= terms.minimum <= AMOUNT_MAX:
        value = f"{terms.multiplier}, {terms.discount}, {terms.minimum}"
        raise InvalidInput("terms_out_of_range", field="multiplier, discount, minimum", value=value)
    above = tuple((tier.tokens, _tariff(rate, tier.prices, unit, terms)) for tier in rate.prices.above)
    return _tariff(rate, rate.prices, unit, terms, above)


def _tariff(
    rate: Rate, prices: Prices, unit: Unit, terms: Terms, above: tuple[tuple[int, Tariff], ...] = ()
) -> Tariff:
    """Return `prices`, one of the rate's, as numerators over their least denominator."""
    factor = _scale(rate, unit) * terms.factor
    each = {kind: Fraction(prices.price(kind)) * factor / prices.per for kind in KINDS}
    each[REQUEST] = Fraction(prices.per_request) * factor
    denominator = lcm(*(fraction.denominator for fraction in each.values()))
    numerators = {kind: int(fraction * denominator) for kind, fraction in each.items()}
    whole = numerators | {"denominator": denominator, "minimum": terms.minimum}
    return Tariff(**whole, rate=rate, prices=prices, unit=unit, terms=terms, above=above)


def exact_text(value: Fraction) -> str:
    """Return `value` without loss: "144.7" where a decimal can say it, else "1/3"."""
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    if not places:
        return str(value.numerator)
    sign = "-" if value < 0 else ""
    whole, fraction = divmod(abs(value.numerator) * 10**places // value.denominator, 10**places)
    return f"{sign}{whole}.{fraction:0{places}d}"


def _scale(rate: Rate, unit: Unit) -> int:
    """Return how many smallest units one unit of the rate's prices is."""
    if rate.prices.unit is None:
        return 1
    if rate.prices.unit != unit.name:
        raise InvalidInput(
            "rate_unit", field="unit", value=rate.prices.unit, unit=unit.name, model=rate.model
        )
    return int(10**unit.decimals)
