"""Amounts: whole numbers of a deployment's smallest unit, how people write them, and what is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from tokenhouse import messages
from tokenhouse.errors import InvalidInput

AMOUNT_MAX: Final = 2**63 - 1
"""The largest amount: PostgreSQL's bigint."""
AMOUNT_MIN: Final = -(2**63)
"""The smallest amount, which only corrections and available credit may come near."""
DECIMALS_MAX: Final = 12
"""Decimals of a unit at most: at 12, the largest amount is still some nine million whole units."""
NUMBER_MAX: Final = Decimal(10) ** 15
"""The largest price, multiplier or share that is taken at all."""

_TEXT_LENGTH_MAX: Final = 64
_NUMBER_PLACES_MAX: Final = 24
_SHOWN_LENGTH_MAX: Final = 60
_SHOWN_BITS_MAX: Final = 256
_DECIMALS_SHOWN_LEAST: Final = 2
_WRITTEN: Final = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_SYMBOL: Final = re.compile(r"[^-+.,0-9\s]{0,4}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Unit(msgspec.Struct, frozen=True, cache_hash=True, forbid_unknown_fields=True):
    """What a deployment counts in; amounts are whole numbers of 10^-`decimals` of it."""

    name: str
    """The unit as plans and rates name it: "token", "point", "dollar"."""
    symbol: str = ""
    """Written before an amount, or nothing."""
    decimals: int = 0
    """Digits after the point: 9 makes the smallest unit of a dollar a nano-dollar."""


TOKEN: Final = Unit("token")
POINT: Final = Unit("point")
DOLLAR: Final = Unit("dollar", "$", 9)


def shown(value: object) -> str:
    """Return `value` as it may stand in a message: short, on one line, whatever a caller sent."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN_LENGTH_MAX else value[:_SHOWN_LENGTH_MAX] + "…")
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS_MAX:
        return f"<integer of {value.bit_length()} bits>"
    if value is None or isinstance(value, int | float | Decimal):
        text = str(value)
        return text if len(text) <= _SHOWN_LENGTH_MAX else text[:_SHOWN_LENGTH_MAX] + "…"
    return f"<{type(value).__name__}>"


def checked_amount(value: object, field: str = "amount", *, least: int = 1) -> int:
    """Return `value`, now known to be an amount between `least` and `AMOUNT_MAX`.

    A bool, a float, a text and None are refused, also where Python would convert them: a caller who
    sends 1.0 or "1" may send 1.5 or "1e3" next.

    Raises: InvalidInput `amount_not_integer`, `amount_out_of_range` (facts: field, value, least, most).
    """
    if type(value) is not int:
        raise InvalidInput("amount_not_integer", field=field, value=shown(value))
    if not least <= value <= AMOUNT_MAX:
        raise outside(value, field, least, AMOUNT_MAX)
    return value


def outside(value: object, field: str, least: object, most: object) -> InvalidInput:
    """Return the error of a whole number that lies outside `least` to `most`."""
    return InvalidInput("amount_out_of_range", field=field, value=shown(value), least=least, most=most)


def checked_number(
    value: object,
    field: str,
    *,
    least: Decimal = Decimal(0),
    most: Decimal = NUMBER_MAX,
) -> Decimal:
    """Return `value` as an exact decimal between `least` and `most`: prices, multipliers, shares.

    Takes int, Decimal, and text such as "2.50" or "2.5e-6"; never a float, which is not what was written.
    At most 24 digits before and after the point, so that exact arithmetic stays cheap.

    Raises: InvalidInput `number_float`, `number_unreadable`, `number_out_of_range` (facts: field, value,
    least, most).
    """
    if isinstance(value, float):
        raise InvalidInput("number_float", field=field, value=shown(value))
    number = _exact(value)
    if number is None:
        raise InvalidInput("number_unreadable", field=field, value=shown(value))
    if not least <= number <= most:
        bounds = {"least": f"{least:f}", "most": f"{most:f}"}
        raise InvalidInput("number_out_of_range", field=field, value=shown(value), **bounds)
    return number


def _exact(value: object) -> Decimal | None:
    """Return a finite decimal of bounded length, or None where `value` is none."""
    if isinstance(value, str):
        if len(value) > _TEXT_LENGTH_MAX or _NUMBER.fullmatch(value) is None:
            return None
        value = Decimal(value)
    elif type(value) is int and value.bit_length() <= _SHOWN_BITS_MAX:
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    exponent = value.as_tuple().exponent
    short = value.adjusted() <= _NUMBER_PLACES_MAX and int(exponent) >= -_NUMBER_PLACES_MAX
    return value if short else None


def parse(text: object, unit: Unit, field: str = "amount") -> int:
    """Return the amount that a person wrote in whole units: `parse("$1,234.5", DOLLAR)` is 1_234_500_000_000.

    An optional sign, the unit's own symbol, digits (with commas every three, or none), a point and decimals.
    Zeros beyond the unit's decimals are harmless; any other digit there is refused, never rounded.

    Raises: InvalidInput `amount_unreadable`, `amount_too_fine`, `amount_out_of_range`.
    """
    if not isinstance(text, str) or len(text) > _TEXT_LENGTH_MAX:
        raise InvalidInput("amount_unreadable", field=field, value=shown(text))
    bare = text.strip()
    if unit.symbol:
        bare = bare.replace(unit.symbol, "", 1) if bare.lstrip("+-").startswith(unit.symbol) else bare
    match = _WRITTEN.fullmatch(bare)
    if match is None:
        raise InvalidInput("amount_unreadable", field=field, value=shown(text))
    sign, whole, fraction = match.groups(default="")
    fraction = fraction.rstrip("0")
    if len(fraction) > unit.decimals:
        facts = {"unit": unit.name, "decimals": unit.decimals}
        raise InvalidInput("amount_too_fine", field=field, value=shown(text), **facts)
    amount = int(sign + whole.replace(",", "") + fraction.ljust(unit.decimals, "0"))
    if not AMOUNT_MIN <= amount <= AMOUNT_MAX:
        raise outside(text, field, show(AMOUNT_MIN, unit), show(AMOUNT_MAX, unit))
    return amount


def show(amount: int, unit: Unit, *, symbol: bool = True) -> str:
    """Return `amount` in whole units, exactly, for a person: `show(-1_500_000_000, DOLLAR)` is "-$1.50".

    At least two decimals where the unit has as many; further ones only as far as they are not zero.
    `parse` reads it back to the same amount.
    """
    if not unit.decimals and not unit.symbol:
        return f"{amount:,}"  # Each answer shows several, and most deployments count in tokens.
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 10**unit.decimals)
    fraction = f"{rest:0{unit.decimals}d}".rstrip("0") if unit.decimals else ""
    fraction = fraction.ljust(min(_DECIMALS_SHOWN_LEAST, unit.decimals), "0")
    return f"{sign}{unit.symbol if symbol else ''}{whole:,}{'.' if fraction else ''}{fraction}"


def digits(amount: int, unit: Unit) -> str:
    """Return `amount` in whole units, exactly, for a program: `digits(-1_500_000_000, DOLLAR)` is "-1.50"."""
    return show(amount, unit, symbol=False).replace(",", "")


def named(amount: int, unit: Unit, locale: str = "en") -> str:
    """Return `amount` with its unit, for a sentence: "$1.50", "5,001 tokens", "5,001 토큰"."""
    return show(amount, unit) if unit.symbol else f"{show(amount, unit)} {called(amount, unit, locale)}"


@dataclass(frozen=True, slots=True)
class Named:
    """An amount that is named in the language of whoever reads the sentence that it stands in."""

    amount: int
    unit: Unit

    def message(self, locale: str = "en") -> str:
        """Return it with its unit."""
        return named(self.amount, self.unit, locale)

    def __str__(self) -> str:
        return self.message()


def called(amount: int, unit: Unit, locale: str = "en") -> str:
    """Return what people call so much of a unit; a deployment's own unit is called by its name."""
    number = "one" if amount == 10**unit.decimals else "many"
    try:
        return messages.say(f"unit.{unit.name}_{number}", locale)
    except KeyError:
        return unit.name


def checked_unit(unit: Unit, field: str = "unit") -> Unit:
    """Return `unit`, now known to be one that can be counted in and written.

    Raises: InvalidInput `unit_name`, `unit_symbol`, `amount_out_of_range`.
    """
    if _NAME.fullmatch(unit.name) is None:
        raise InvalidInput("unit_name", field=f"{field}.name", value=shown(unit.name))
    if _SYMBOL.fullmatch(unit.symbol) is None:
        raise InvalidInput("unit_symbol", field=f"{field}.symbol", value=shown(unit.symbol))
    if not 0 <= unit.decimals <= DECIMALS_MAX:
        raise outside(unit.decimals, f"{field}.decimals", 0, DECIMALS_MAX)
    return unit


def known_table(document: object, known: tuple[str, ...], field: str) -> Mapping[str, Any]:
    """Return `document`, a table whose keys are all among `known`, so that no misspelt key is ignored.

    Raises: InvalidInput `table_wanted`, `field_unknown` (facts: field, value, known).
    """
    if not isinstance(document, Mapping):
        raise InvalidInput("table_wanted", field=field, value=shown(document))
    for key in document:
        if key not in known:
            raise InvalidInput("field_unknown", field=field, value=shown(key), known=", ".join(known))
    return document


def required(document: Mapping[str, Any], key: str, field: str) -> Any:
    """Return the value of `key`, which must be there.

    Raises: InvalidInput `field_missing` (facts: field).
    """
    if key not in document:
        raise InvalidInput("field_missing", field=f"{field}.{key}", value="")
    return document[key]
