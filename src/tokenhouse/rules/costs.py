"""Costs: what the provider takes for a usage, by its rate alone: no plan, no rounding up, no minimum."""

from decimal import Decimal
from fractions import Fraction

import msgspec

from tokenhouse.rules.amounts import DOLLAR, Unit
from tokenhouse.rules.charges import tariff
from tokenhouse.rules.rates import Rate
from tokenhouse.rules.usage import KINDS, Usage


class Cost(msgspec.Struct, frozen=True):
    """An exact cost in smallest units of `unit`."""

    unit: Unit
    exact: Fraction

    @property
    def amount(self) -> int:
        """The cost in whole smallest units, rounded half up."""
        return (2 * self.exact.numerator + self.exact.denominator) // (2 * self.exact.denominator)


def cost(rate: Rate, usage: Usage, requests: int, unit: Unit) -> Cost:
    """Return what a provider takes for `requests` calls that used `usage` in all.

    Calls that were added up no longer say how long each input was, so ordinary prices are taken for all:
    where a rate has dearer ones for long inputs, this is the least that they cost.

    Args:
        rate: the provider's list price, or what stands in for it.
        usage: of all of these calls.
        requests: how many they were, for prices a request.
        unit: the deployment's, which a rate without a unit of its own is in.
    """
    own = rate.prices.unit
    in_unit = unit if own in (None, unit.name) else DOLLAR if own == DOLLAR.name else Unit(own or "", "", 9)
    price = tariff(rate, in_unit)
    whole = requests * price.request + sum(getattr(usage, kind) * getattr(price, kind) for kind in KINDS)
    return Cost(in_unit, Fraction(whole, price.denominator))


def share(part: int, whole: int) -> Decimal | None:
    """Return `part` / `whole` to four decimals, half up; None where there is no whole."""
    if not whole:
        return None
    return Decimal((20_000 * part + whole) // (2 * whole)).scaleb(-4)
