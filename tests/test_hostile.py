# ruff: noqa: DTZ001, DTZ901, RUF001 -- naive times and letters of other scripts are what is tried here.
"""Hostile input: every parameter of every verb refuses what it must not take; nothing is changed by it."""

import asyncio
import inspect
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import tokenhouse
from tests.conftest import Postgres
from tokenhouse.errors import InvalidInput, NotFound, TokenhouseError
from tokenhouse.flow.fund import Price
from tokenhouse.portal import Portal
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

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
ID = [*REF, "x", "0" * 31, "0" * 33, "g" * 32, "١" * 32, "0" * 32, "00000000-0000-0000-0000-000000000000"]
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
    rate(input=10**6, per=1),
]


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
CALL = {"usage": USAGES, **texts("model", "source"), "rate": [*AMOUNT, 2**31]}
NEW = {"ref": "newcomer"}
ALICE = {"ref": "alice"}
PAGE_OR_NONE = [None, *NO_WHOLE, -1, 10**9, 2**63]
ONE = {
    "account": [one for one in KNOWN_REF if one is not None],
    "cell": [one for one in NO_WHOLE if one is not None] + [-1, 64, 2**63],
}
FILES = [Path("/nowhere/at all"), Path("/"), Path("/dev/null")]
NAMED = [5, "x", ["x"], {"nothing": "x"}, {"ref": 5}, {5: "ref"}, {"ref": "\0"}]
IMPORT = {"file": FILES, "named": NAMED, "encoding": ["nothing", "\0", 5, b"x", [], MEGABYTE]}
VERBS: dict[str, Verb] = {
    "account": Verb(
        NEW,
        {
            "ref": REF,
            "parent": [one for one in KNOWN_REF if one is not None],
            "kind": [None, *CHOICE],
            "plan": ["", "nothing", *BAD_TEXT],
            "own_credit": [False, *(one for one in FLAG if one is not None)],
            "time_zone": ["Mars/Olympus", "../../etc/passwd", "/etc/localtime", None, *BAD_TEXT],
            "tags": TAGS,
            **texts("actor", "name", "email", "locale"),
        },
    ),
    "describe": Verb(ALICE, {"ref": KNOWN_REF}),
    "accounts": Verb(
        {},
        {
            "after": [
                None,
                5,
                "xx",
                (),
                (1,),
                (1, 2, 3),
                ("a", "b"),
                (1.5, 1),
                (2**63, 1),
                (1, 2**63),
                (NAN, 1),
                (True, 1),
            ],
            "rows_max": PAGE,
        },
    ),
    "children": Verb(ALICE, {"ref": KNOWN_REF}),
    "amend": Verb(
        ALICE | {"state": "suspended"},
        {"ref": KNOWN_REF, "state": CHOICE, "plan": ["", "nothing", *BAD_TEXT], **KEY, **WHO},
    ),
    "quote": Verb(
        ALICE | {"model": "m", "usage": Usage(input=1)},
        {"ref": KNOWN_REF, "usage": [None, *USAGES], "expected": USAGES, **texts("model")},
    ),
    "explain": Verb(
        ALICE | {"model": "m", "usage": Usage(input=1)},
        {"ref": KNOWN_REF, "usage": [None, *USAGES], **texts("model")},
    ),
    "reserve": Verb(
        ALICE | {"amount": 5},
        {
            "ref": KNOWN_REF,
            "amount": AMOUNT,
            "least": [one for one in AMOUNT if one is not None] + [6],
            "tokens": AMOUNT,
            "lapse_charge": AMOUNT,
            **texts("model", "api_key"),
            **KEY,
        },
    ),
    "settle": Verb(
        ALICE | {"reservation": "open", "charge": 5},
        {"ref": KNOWN_REF, "reservation": ID, "charge": AMOUNT, **CALL, **WHO},
    ),
    "release": Verb(ALICE | {"reservation": "open"}, {"ref": KNOWN_REF, "reservation": ID, **WHO}),
    "charge": Verb(
        ALICE | {"amount": 5},
        {"ref": KNOWN_REF, "amount": AMOUNT, **CALL, **texts("api_key"), **KEY, **WHO},
    ),
    "grant": Verb(
        ALICE | {"amount": 5},
        {
            "ref": KNOWN_REF,
            "amount": POSITIVE,
            "source": [None, *CHOICE],
            "priority": [None, *NO_WHOLE, -1, 1_001, 2**63],
            "expires_at": WHEN,
            **KEY,
            **WHO,
        },
    ),
    "claw_back": Verb(
        ALICE | {"grant": "granted", "amount": 5},
        {"ref": KNOWN_REF, "grant": ID, "amount": POSITIVE, **KEY, **WHO},
    ),
    "refund": Verb(
        ALICE | {"charge": "charged", "amount": 5},
        {"ref": KNOWN_REF, "charge": ID, "amount": POSITIVE, **KEY, **WHO},
    ),
    "adjust": Verb(
        ALICE | {"amount": 5},
        {"ref": KNOWN_REF, "amount": [None, *NO_WHOLE, 0, 2**63, -(2**63), 2**64], **KEY, **WHO},
    ),
    "order": Verb(
        ALICE | {"credit": 5},
        {
            "ref": KNOWN_REF,
            "credit": POSITIVE,
            "order_type": [None, *CHOICE],
            "price": PRICE,
            **texts("note"),
        },
    ),
    "complete_order": Verb(ALICE | {"order": "pending"}, {"ref": KNOWN_REF, "order": ID, **texts("actor")}),
    "fail_order": Verb(ALICE | {"order": "pending"}, {"ref": KNOWN_REF, "order": ID}),
    "refund_order": Verb(ALICE | {"order": "completed"}, {"ref": KNOWN_REF, "order": ID, **WHO}),
    "orders": Verb(ALICE, {"ref": KNOWN_REF, "rows_max": PAGE}),
    "balance": Verb(ALICE, {"ref": KNOWN_REF}),
    "history": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "before": [one for one in NO_WHOLE if one is not None] + [-1, 2**63],
            "kinds": [None, 5, "charge", ("nothing",), (5,), (None,), ("\0",), (MEGABYTE,), {"charge": 1}],
            "rows_max": PAGE,
        },
    ),
    "write_plan": Verb({"document": plan()}, {"document": PLANS, **texts("actor"), "dry_run": FLAG}),
    "write_rate": Verb({"document": rate()}, {"document": RATES, **texts("actor"), "listed": FLAG}),
    "check": Verb({}, {"rows_max": PAGE_OR_NONE}),
    "stats": Verb({}, {"top": PAGE_OR_NONE}),
    "trend": Verb({}, {"days": [None, *NO_WHOLE, 0, -1, 367]}),
    "verify": Verb({}, ONE | {"findings_max": [None, *NO_WHOLE, -1, 10**6]}),
    "journal_size": Verb({}, ONE),
    "initialise": Verb({"dry_run": True}, {"dry_run": FLAG, "actor": [None, *BAD_TEXT]}),
    "import_users": Verb({"file": "users.csv"}, IMPORT | {"actor": [None, *BAD_TEXT]}),
    "import_sessions": Verb({"file": "users.csv"}, IMPORT),
    "import_points": Verb(
        {"file": "points.json"},
        {"file": FILES, "plan": ["", "nothing", *BAD_TEXT], "actor": [None, *BAD_TEXT]},
    ),
    "import_table": Verb(
        {"table": "pg_catalog.pg_class"},
        {
            "table": [None, "", "nothing.here", "a.b.c.d", "x; drop table y", '"', *BAD_TEXT],
            "url": ["", "x", "file:///etc/passwd", "postgresql://127.0.0.1:1/none", *BAD_TEXT],
            "named": NAMED,
            "actor": [None, *BAD_TEXT],
        },
    ),
    "export": Verb(
        {"what": "accounts", "output": io.BytesIO()},
        {
            "what": [None, *CHOICE],
            "form": [None, *CHOICE],
            "since": [one for one in WHEN if getattr(one, "tzinfo", None) is None],
            "until": [one for one in WHEN if getattr(one, "tzinfo", None) is None],
            "account": [one for one in KNOWN_REF if one is not None],
        },
    ),
    "preset": Verb({"name": "points"}, {"name": [None, "../points", *CHOICE]}),
}
WITHOUT_PARAMETERS = {"plans", "sweep", "waiting"}
OF_THE_PROGRAM = {"self", "progress", "output"}
"""Parameters that hold no value from outside, but a part of the calling program."""
CASES = [(verb, parameter) for verb, one in VERBS.items() for parameter in one.refuses]
TABLES = (
    "accounts",
    "directory",
    "balances",
    "entries",
    "orders",
    "plans",
    "rates",
    "idempotency_keys",
    "catalog",
)


@pytest.fixture(scope="module")
def address(postgres: Postgres) -> Iterator[str]:
    dsn = postgres.make()
    yield dsn
    postgres.drop(dsn)


@pytest.fixture(scope="module")
def house(address: str) -> Iterator[Portal]:
    with tokenhouse.open_sync(address, settings=Settings(plan="points")) as house:
        house.account("alice")
        yield house


@pytest.fixture(scope="module")
def ids(house: Portal, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Something for every verb to act upon, by the name that stands for it in `VERBS`."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "users.csv").write_text("ref,name\nalice,Alice\n", encoding="utf-8")
    (folder / "points.json").write_text("{}", encoding="utf-8")
    completed = house.order("alice", 50)
    house.complete_order("alice", completed.id)
    return {
        "open": house.reserve("alice", 100).id,
        "granted": house.grant("alice", 100).id,
        "charged": house.charge("alice", 100).id,
        "pending": house.order("alice", 50).id,
        "completed": completed.id,
        "users.csv": folder / "users.csv",
        "points.json": folder / "points.json",
    }


def stored(dsn: str) -> list[Any]:
    """Return what the database holds: rows and a digest of every table."""

    async def asked() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            digest = "select count(*), sum(hashtextextended(t::text, 0)::numeric) from tokenhouse.{} t"
            return [tuple(await connection.fetchrow(digest.format(table))) for table in TABLES]
        finally:
            await connection.close()

    return asyncio.run(asked())


def shortened(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:
        text = f"an integer of {value.bit_length()} bits"
    return text if len(text) < 120 else text[:120] + "…"


def complaint(call: Any, taken: dict[str, Any]) -> str | None:
    """Return what is wrong with how a call refuses, or None if it is as it should be."""
    try:
        answer = call(**taken)
    except TokenhouseError as no:
        try:
            english, korean = no.message("en"), no.message("ko")
        except Exception as failure:  # noqa: BLE001 -- anything at all is a complaint.
            return f"no sentence for {no.reason}: {failure!r}"
        if isinstance(no, InvalidInput) and not no.facts.keys() & {"field", "line"}:
            return f"{no.reason} names neither field nor line"
        sound = english != korean and len(english) < 700 and english.isprintable() and korean.isprintable()
        return None if sound else f"a poor sentence: {english[:200]!r}"
    except Exception as failure:  # noqa: BLE001 -- anything at all is a complaint.
        return f"raised {type(failure).__name__}: {str(failure)[:120]}"
    return f"was taken: {shortened(answer)}"


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    ("verb", "parameter"), CASES, ids=[f"{verb}-{parameter}" for verb, parameter in CASES]
)
def test_hostile_value_is_refused_clearly_and_changes_nothing(
    house: Portal, ids: dict[str, Any], address: str, verb: str, parameter: str
):
    before = stored(address)
    given = {
        name: ids.get(value, value) if isinstance(value, str) else value
        for name, value in VERBS[verb].takes.items()
    }
    wrong = {
        shortened(value): problem
        for value in VERBS[verb].refuses[parameter]
        if (problem := complaint(getattr(house, verb), given | {parameter: value}))
    }
    assert wrong == {}
    assert stored(address) == before
    assert house.charge("alice", 0).amount == 0, "the house works on"


def test_every_verb_and_every_parameter_is_tried():
    verbs = {name: one for name, one in vars(Portal).items() if type(one).__name__ == "Verb"}
    assert verbs.keys() - VERBS.keys() - WITHOUT_PARAMETERS == set()
    for name, one in VERBS.items():
        parameters = inspect.signature(verbs[name].verb).parameters.values()
        named = {each.name for each in parameters if each.kind is not each.VAR_KEYWORD} - OF_THE_PROGRAM
        assert named - one.refuses.keys() == set(), name


@pytest.mark.parametrize(
    "text",
    ["안녕하세요 👋🏽", "👨‍👩‍👧‍👦", "שלום עולם", "مرحبا\u200f", "می\u200cخواهم", "é", "全角\u3000空白", "ÿ"],
)
def test_text_of_any_language_is_taken_and_comes_back(house: Portal, text: str):
    house.account(text, name=text, tags={text: text})
    receipt = house.grant(text, 5, note=text, actor=text, key=text)
    assert house.grant(text, 5, note=text, actor=text, key=text).id == receipt.id
    assert house.describe(text).name == text
    assert house.history(text)[0].note == text


def test_credit_that_would_overflow_is_refused_and_the_account_works_on(house: Portal):
    house.account("rich")
    house.grant("rich", 2**62)
    with pytest.raises(InvalidInput) as no:
        house.grant("rich", 2**62)
    assert no.value.message("ko")
    with pytest.raises(InvalidInput):
        house.adjust("rich", 2**63 - 1)
    assert house.charge("rich", 1).amount == 1
    assert house.balance("rich").remaining == 2**62 + 100_000 - 1


def test_unknown_profile_field_is_a_programming_error(house: Portal):
    with pytest.raises(TypeError):
        house.account("typo", nmae="x")
    with pytest.raises(NotFound):
        house.describe("typo")
