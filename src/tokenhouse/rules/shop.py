"""The shop's rules: what a package holds and costs, what a coupon takes off, what a refund takes back.

Money is whole minor units of its currency, as payment providers count it: won, yen, cents.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, get_args

import msgspec

from tokenhouse.errors import InvalidInput
from tokenhouse.rules.amounts import AMOUNT_MAX, checked_amount, known_table, shown
from tokenhouse.rules.plans import NAME, POINTS

Currency = Literal["KRW", "USD", "EUR", "JPY"]
CURRENCIES: Final[tuple[str, ...]] = get_args(Currency)
DECIMALS: Final = {"KRW": 0, "JPY": 0, "USD": 2, "EUR": 2}
"""Decimals of each currency (ISO 4217)."""
SYMBOLS: Final = {"KRW": "₩", "JPY": "¥", "USD": "$", "EUR": "€"}
Renewal = Literal["week", "month", "quarter", "year"]
Provider = Literal["callback", "stripe", "toss", "manual"]
"""Who says that an order is paid; `manual`: an operator does."""

PRICE_MAX: Final = 10**12
"""Minor units of one order at most: ten thousand million dollars, and far from where integers end."""
QUANTITY_MAX: Final = 10_000
DAYS_MAX: Final = 36_500
TITLE_MAX: Final = 120
CODE: Final = re.compile(r"[A-Z0-9]{4,40}")
BETWEEN: Final = re.compile(r"[\s_-]+")
"""What people put between the letters of a code, and what means nothing."""


class Package(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that can be bought. Read with `parse_package`; `version` is given by the store.

    One with `plan` is a subscription: it carries that plan, and `credit` comes with every period.
    """

    name: str
    title: dict[str, str] = {}
    """Language -> what people call it."""
    credit: int = 0
    """Credit that is paid for, in the deployment's smallest unit."""
    bonus: Decimal = Decimal(0)
    """Share of it that comes on top: 0.10 is a tenth more. It is part of the purchase, and of its refund."""
    credit_days: int = 0
    """For how many days its credit lives; 0 is for ever."""
    prices: dict[Currency, int]
    """Currency -> price of one, in minor units."""
    plans: tuple[str, ...] = ()
    """Plans whose accounts may buy it; none means any."""
    plan: str = ""
    every: Renewal = "month"
    """How often a subscription is paid for."""
    active: bool = True
    version: int = 0

    @property
    def is_subscription(self) -> bool:
        """Whether it carries a plan."""
        return bool(self.plan)

    @property
    def bonus_credit(self) -> int:
        """Credit that comes on top of what is paid for; rounded down."""
        return int(self.credit * self.bonus)

    def called(self, locale: str) -> str:
        """Return its title in a language, else in any, else its name."""
        return self.title.get(locale) or next(iter(self.title.values()), "") or self.name

    def price(self, currency: str) -> int:
        """Return what one costs. Raises: InvalidInput for a currency in which it is not sold."""
        known = {str(name): price for name, price in self.prices.items()}
        if currency not in known:
            sold = ", ".join(known)
            raise InvalidInput("choice_unknown", field="currency", value=shown(currency), known=sold)
        return known[currency]


def parse_package(document: Mapping[str, Any]) -> Package:
    """Return the package that a document describes.

    Raises: InvalidInput that names the field, for anything unknown, missing, out of range or contradictory.
    """
    known_table(document, tuple(name for name in Package.__struct_fields__ if name != "version"), "package")
    try:
        package = msgspec.convert(dict(document), Package)
    except msgspec.ValidationError as trouble:
        problem, _, field = str(trouble).partition(" - at ")
        field = field.strip("`$.") or "package"
        raise InvalidInput("package_invalid", field=field, value="", problem=problem) from None
    _check(package)
    return package


def _check(package: Package) -> None:
    """Refuse a package whose values cannot be."""
    if not NAME.fullmatch(package.name):
        raise InvalidInput("plan_name", field="name", value=shown(package.name))
    checked_amount(package.credit, "credit", least=0 if package.is_subscription else 1)
    if not package.bonus.is_finite() or not 0 <= package.bonus <= 10:
        raise InvalidInput("share_invalid", field="bonus", value=str(package.bonus))
    checked_amount(package.credit + package.bonus_credit, "bonus", least=0)
    if not package.prices:
        raise InvalidInput("field_missing", field="prices", value="")
    for currency, price in package.prices.items():
        if not 0 < price <= PRICE_MAX:
            facts = {"value": shown(price), "low": 1, "high": PRICE_MAX}
            raise InvalidInput("out_of_range", field=f"prices.{currency}", **facts)
    if not 0 <= package.credit_days <= DAYS_MAX:
        facts = {"value": shown(package.credit_days), "low": 0, "high": DAYS_MAX}
        raise InvalidInput("out_of_range", field="credit_days", **facts)
    for language, title in package.title.items():
        if language not in ("en", "ko"):
            raise InvalidInput("field_unknown", field="title", value=shown(language), known="en, ko")
        if not 1 <= len(title) <= TITLE_MAX:
            facts = {"value": shown(title), "length": len(title), "least": 1, "most": TITLE_MAX}
            raise InvalidInput("text_length", field=f"title.{language}", **facts)
        if not title.isprintable():
            raise InvalidInput("text_unprintable", field=f"title.{language}", value=ascii(title[:40]))


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What is bought and what it costs: `price` is after `discount`, `credit` holds `bonus`."""

    credit: int
    bonus: int
    price: int
    discount: int


def bill(package: Package, currency: str, *, quantity: int = 1, discount: int = 0) -> Bill:
    """Return the bill of some packages, less a discount in ten-thousandths, which is rounded down.

    Raises: InvalidInput where it is more than one order can hold.
    """
    whole = package.price(currency) * quantity
    off = whole * discount // POINTS
    bonus = package.bonus_credit * quantity
    credit = package.credit * quantity + bonus
    if whole > PRICE_MAX or credit > AMOUNT_MAX:
        raise InvalidInput("order_too_large", field="quantity", value=quantity)
    return Bill(credit=credit, bonus=bonus, price=whole - off, discount=off)


def clawed_by(credit: int, price: int, refunded: int) -> int:
    """Return how much of an order's credit a refund of so much of its price takes back, rounded up once.

    `refunded` is the total of all its refunds, so that the same total leads to the same answer.
    """
    return credit if refunded >= price else -(-credit * refunded // price)


def bare(code: str) -> str:
    """Return a coupon's code, or a part of one, without what stands between its letters, in capitals."""
    return BETWEEN.sub("", code.upper())


def normalised(code: object) -> str:
    """Return a coupon's code as it is stored: capital letters and digits. Raises: InvalidInput."""
    text = bare(code) if isinstance(code, str) and len(code) <= 100 else ""
    if not CODE.fullmatch(text):
        raise InvalidInput("coupon_code", field="code", value=shown(code))
    return text


def money(minor: int, currency: str) -> str:
    """Return an amount of money for a person: `money(1250, "USD")` is "$12.50"."""
    decimals = DECIMALS[currency]
    whole, rest = divmod(abs(minor), 10**decimals)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    return f"{'-' if minor < 0 else ''}{SYMBOLS[currency]}{whole:,}{fraction}"
