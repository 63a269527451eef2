# ruff: noqa: DTZ001, DTZ901, RUF001 -- naive times and letters of other scripts are what is tried here.
"""Values that no parameter of their kind may take: what `test_hostile` tries on every verb."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from tokenhouse.flow.fund import Price
from tokenhouse.rules.usage import Usage

MEGABYTE = "x" * 1_000_000
NAN, INFINITY = float("nan"), float("inf")
FLAG = [None, 0, 1, "yes", "", 1.5, [], {}]
NO_TEXT = [5, 0, 1.5, NAN, True, b"x", [], {}, ("x",), object(), datetime.now(UTC)]
BAD_TEXT = [*NO_TEXT, MEGABYTE, "a\0b", "\ud800", "a\x07b", "a\nb", "\x1b[31mred", "\x7f", "\x85", "\u2028"]
REF = [None, "", *BAD_TEXT]
KNOWN_REF = [*REF, "nobody", "ALICE", " alice", "🦄", "'; drop table tokenhouse.entries; --"]
NO_WHOLE = [NAN, INFINITY, -INFINITY, 1.0, 1.5, True, False, "1", "", "٣", b"1", [], {}, Decimal(1), 10**400]
AMOUNT = [None, *NO_WHOLE, -1, -(2**63), 2**63, 2**64]
POSITIVE = [*AMOUNT, 0]
NO_ID = [*REF, "x", "0" * 31, "0" * 33, "g" * 32, "١" * 32]
ID = [*NO_ID, "0" * 32, "00000000-0000-0000-0000-000000000000"]
"""What is no id, and ids of nothing."""
CHOICE = ["", "nothing", "User", MEGABYTE, "\ud800", *NO_TEXT]
PAGE = [None, *NO_WHOLE, -1, 0, 10**6, 2**31, 2**63]
WHEN = [
    *("2026-12-01", "2026-12-01T00:00:00+00:00", 5, 1.5, NAN, True, b"x", [], date(2030, 1, 1)),
    *(datetime(2030, 1, 1), datetime(2020, 1, 1, tzinfo=UTC), datetime.min, datetime.max),
    *(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
]
USAGE = [5, "x", b"x", [], object(), {"nothing": 1}, {"input": -1}, {"input": 1.5}, {"input": 2**63}]
USAGES = [
    *USAGE,
    Usage(input=-1),
    Usage(input=2**63),
    Usage(output=1.5),
    Usage(input=True),
    Usage(output="1"),
]
PRICE = [
    *(5, "x", {}, Price(minor=-1), Price(minor=1.5), Price(minor=2**63), Price(currency="XXX")),
    *(Price(currency=None), Price(method="\0"), Price(method=5), Price(transaction_id=MEGABYTE)),
]
TAGS = [
    5,
    "ab",
    ["a"],
    {"a": 5},
    {5: "a"},
    {"a": "\0"},
    {"": "x"},
    {"a": None},
    {f"{n}": "" for n in range(21)},
]
TAGS += [{"a": "\ud800"}, {"a": MEGABYTE}]
UNIT = {"name": "point", "symbol": "P"}


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb with arguments that it takes, and for each parameter what it must refuse."""

    takes: dict[str, Any]
    refuses: dict[str, list[Any]]


def texts(*names: str) -> dict[str, list[Any]]:
    """Text that may be left out."""
    return {name: [None, *BAD_TEXT] for name in names}


KEY = {"key": ["", *BAD_TEXT]}
WHO = texts("actor", "note")
ALICE = {"ref": "alice"}
CURSOR = [5, 1.5, True, b"x", [], {}, "", "x", "!", "\0", "\ud800", "W10", "WyJ4Il0", MEGABYTE]
NO_TIME = ["2026-12-01", 5, 1.5, True, b"x", [], date(2030, 1, 1), datetime(2030, 1, 1)]


def plan(**terms: Any) -> dict[str, Any]:
    return {"name": "hostile", "unit": UNIT} | terms


def rate(**terms: Any) -> dict[str, Any]:
    return {"model": "m", "input": 1, "output": 1} | terms


PLANS = [
    *(
        None,
        5,
        "x",
        b"x",
        [],
        [1],
        {},
        {"name": 5},
        {"name": ""},
        {"name": "Ü"},
        {"name": MEGABYTE},
        {5: "x"},
    ),
    *(plan(nothing=1), plan(unit="point"), plan(unit={"name": "dollar"}), plan(unit=UNIT | {"decimals": -1})),
    *(plan(unit=UNIT | {"decimals": 400}), plan(unit=UNIT | {"symbol": "\0"}), plan(title=5)),
    *(
        plan(title="a\0b"),
        plan(title="\ud800"),
        plan(title=MEGABYTE),
        plan(zone="Mars/Olympus"),
        plan(zone=5),
    ),
    *(plan(signup={"amount": amount}) for amount in (-1, 1.5, "1", True, None, 2**63, NAN)),
    *(plan(allowance=[{"amount": amount}]) for amount in (-1, 0, 1.5, "1", True, None, 2**63, NAN)),
    *(
        plan(allowance=[{"amount": 1} | more])
        for more in ({"every": "moon"}, {"anchor": "x"}, {"priority": "x"})
    ),
    *(
        plan(allowance=[{"amount": 1, "rollover": one}])
        for one in (-1, Decimal("NaN"), Decimal(2), 2**63, "x")
    ),
    *(plan(allowance=[{"amount": 1, "priority": one}]) for one in (-1, 2**63, 10**400)),
    *(
        plan(allowance=[{"amount": 1, "time_zone": zone}])
        for zone in ("Mars/Olympus", "", 5, "../etc/passwd")
    ),
    *(plan(allowance=[{"amount": 1}, {"amount": 2}]), plan(allowance={"amount": 1}), plan(allowance=5)),
    *(
        plan(stop={"block": share})
        for share in (0, -1, 101, "x", Decimal("NaN"), Decimal("Infinity"), 10**400)
    ),
    *(plan(stop=stop) for stop in ({"warn": Decimal("0.99")}, {"buy": 2}, {"block": Decimal("0.123456")})),
    *(plan(stop=stop) for stop in ({"status": 500}, {"debt": "x"}, {"code": 5}, {"code": "\0"}, {"x": 1}, 5)),
    *(plan(limit=[one]) for one in ({}, {"what": "x"}, {"what": "tokens", "amount": -1, "every": "day"}, 5)),
    *(
        plan(limit=[{"what": "tokens", "amount": one, "every": "day"}])
        for one in (1.5, "1", True, 2**63, NAN)
    ),
    *(
        plan(limit=[{"what": "tokens", "amount": 1, "every": "day", "time_zone": one}])
        for one in ("x", 5, "")
    ),
    plan(limit=[{"what": "tokens", "amount": 1, "every": "day"}] * 2),
    *(
        plan(reserve={"lapse_after": one})
        for one in ("", "x", "-5m", "0s", "9" * 30 + "d", "1.5h", 5, None, "15")
    ),
    *(plan(reserve={"how": "x"}), plan(reserve={"on_lapse": 1}), plan(reserve={"cap_output": "yes"})),
    *(plan(models={"allow": one}) for one in (5, "x", [5], ["\0"], [""], [MEGABYTE], ["a*b"])),
    *(
        plan(rate={"multiplier": one})
        for one in (-1, "x", Decimal("NaN"), Decimal("Infinity"), 10**400, None)
    ),
    *(plan(rate={"discount": one}) for one in (-1, 2, Decimal("NaN"), Decimal("sNaN"), "x")),
    *(plan(rate={"minimum": one}) for one in (-1, 1.5, 2**63, "x", True)),
    *(plan(rate={"by": "x"}), plan(rate={"by": "rates", "default": {"input": -1, "output": 1}})),
    *(plan(rate={"default": one}) for one in (5, {"x": 1}, {"input": 1}, {"input": NAN, "output": 1})),
    *(plan(credit={"maximum": one}) for one in (-1, 1.5, 2**63, "x", True)),
    *(plan(spend={"order": one}) for one in (5, "x", [5], {}, ["\0"])),
    plan(models={"unknown": "default-rate"}, rate={"by": "rates"}),
]
RATES = [
    *(None, 5, "x", b"x", [], {}, {"model": "m"}, {"model": "m", "input": 1}, {5: "x"}, rate(nothing=1)),
    *(rate(model=one) for one in ("", 5, None, "a*b", "**", "\0", "\ud800", MEGABYTE, "a\nb")),
    *(
        rate(input=one)
        for one in (-1, 1.5, NAN, INFINITY, "x", "", None, True, 10**400, Decimal("NaN"), b"1")
    ),
    *(rate(output=one) for one in (10**30, Decimal("Infinity"), Decimal("sNaN"), [], {}, "1e999")),
    *(rate(per=one) for one in (0, -1, 1.5, "x", 2**63, 10**10, True, None)),
    *(rate(per_request=one) for one in (-1, NAN, "x", Decimal("-Infinity"))),
    *(rate(unit=one) for one in ("dollar", 5, "", "\0")),
    *(
        rate(starts_at=one)
        for one in ("x", 5, "2026-12-01", datetime(2030, 1, 1), "0001-01-01T00:00:00+14:00")
    ),
    *(rate(version=one) for one in (-1, 1.5, "x", 2**63, True)),
    *(rate(above=one) for one in (5, "x", [5], [{}], [{"tokens": 0}], [{"tokens": 1, "input": -1}], {5: 5})),
    rate(above=[{"tokens": 2**63}]),
    rate(input=10**6, per=1),
]
