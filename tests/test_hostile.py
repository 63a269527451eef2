# ruff: noqa: RUF001 -- naive times and letters of other scripts are what is tried here.
"""Hostile input: every parameter of every verb refuses what it must not take; nothing is changed by it."""

import asyncio
import inspect
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import tokenhouse
from tests.conftest import Postgres
from tests.hostile import (
    AMOUNT,
    BAD_TEXT,
    CHOICE,
    FLAG,
    ID,
    KNOWN_REF,
    MEGABYTE,
    NAN,
    NO_WHOLE,
    PAGE,
    PLANS,
    POSITIVE,
    PRICE,
    RATES,
    REF,
    TAGS,
    USAGES,
    WHEN,
    Verb,
    plan,
    rate,
    texts,
)
from tests.hostile_people import PEOPLE
from tokenhouse.errors import InvalidInput, NotFound, TokenhouseError
from tokenhouse.portal import Portal
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings

KEY = {"key": ["", *BAD_TEXT]}
WHO = texts("actor", "note")
CALL = {"usage": USAGES, **texts("model", "source"), "rate": [*AMOUNT, 2**31]}
NEW = {"ref": "newcomer"}
ALICE = {"ref": "alice"}
TALK = ALICE | {"session": "talk"}
SESSION = [None, "", "nowhere", "x" * 101, *BAD_TEXT]
NOW = datetime(2026, 11, 21, tzinfo=UTC)
PAGE_OR_NONE = [None, *NO_WHOLE, -1, 10**9, 2**63]
ONE = {
    "account": [one for one in KNOWN_REF if one is not None],
    "cell": [one for one in NO_WHOLE if one is not None] + [-1, 64, 2**63],
}
CURSOR = [5, 1.5, True, b"x", [], {}, "", "x", "!", "\0", "\ud800", "W10", "WyJ4Il0", MEGABYTE]
NO_TIME = ["2026-12-01", 5, 1.5, True, b"x", [], date(2030, 1, 1), datetime(2030, 1, 1)]  # noqa: DTZ001
FILES = [Path("/nowhere/at all"), Path("/"), Path("/dev/null")]
NAMED = [5, "x", ["x"], {"nothing": "x"}, {"ref": 5}, {5: "ref"}, {"ref": "\0"}]
IMPORT = {"file": FILES, "named": NAMED, "encoding": ["nothing", "\0", 5, b"x", [], MEGABYTE]}
STRETCHES = {"every": [None, *CHOICE], "last": [None, *NO_WHOLE, 0, -1, 745]}
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
    "find_accounts": Verb({}, {**texts("prefix"), "after": CURSOR, "rows_max": PAGE}),
    "accounts_below": Verb(ALICE, {"ref": KNOWN_REF, "after": CURSOR, "rows_max": PAGE}),
    "way_up": Verb(ALICE, {"ref": KNOWN_REF}),
    "correct_profile": Verb(
        ALICE | {"name": "Alice"},
        {
            "ref": KNOWN_REF,
            "tags": [one for one in TAGS if one is not None],
            **dict.fromkeys(("name", "email", "locale"), BAD_TEXT),
        },
    ),
    "entries": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "kinds": [None, 5, "charge", ("nothing",), (5,), (None,), ("\0",), (MEGABYTE,), {"charge": 1}],
            "since": NO_TIME,
            "until": NO_TIME,
            "after": CURSOR,
            "rows_max": PAGE,
            **texts("model", "api_key"),
        },
    ),
    "all_entries": Verb({}, {"since": NO_TIME, "until": NO_TIME, "after": CURSOR, "rows_max": PAGE}),
    "entry": Verb(ALICE | {"seq": 1}, {"ref": KNOWN_REF, "seq": [*POSITIVE, 999]}),
    "grants": Verb(ALICE, {"ref": KNOWN_REF}),
    "open_reservations": Verb(ALICE, {"ref": KNOWN_REF}),
    "plan_versions": Verb({"name": "chat-tokens"}, {"name": [*REF, "nothing"]}),
    "start_verification": Verb(
        {"cell": 1}, ONE | {"findings_max": [None, *NO_WHOLE, -1, 10**6], "actor": [None, *BAD_TEXT]}
    ),
    "verification": Verb({"verification": "0" * 32}, {"verification": ID}),
    "verifications": Verb({}, {"after": CURSOR, "rows_max": PAGE}),
    "write_plan": Verb({"document": plan()}, {"document": PLANS, **texts("actor"), "dry_run": FLAG}),
    "write_rate": Verb({"document": rate()}, {"document": RATES, **texts("actor"), "listed": FLAG}),
    "add_rates": Verb(
        {"documents": [rate()], "dry_run": True},
        {
            "documents": [None, 5, "x", {}, rate(), *([rate(), one] for one in RATES[:-1])],
            **texts("actor"),
            "listed": FLAG,
            "dry_run": FLAG,
        },
    ),
    "import_rates": Verb({"dry_run": True}, {**texts("actor"), "dry_run": FLAG}),
    "rates": Verb({}, texts("text")),
    "rate_history": Verb({"model": "m"}, texts("model")),
    "decide_rate": Verb(
        {"held_id": 1, "accept": True},
        {"held_id": [None, *NO_WHOLE, 0, -1, 2**31, 2**63, 7], "accept": FLAG, **texts("actor")},
    ),
    "check": Verb({}, {"rows_max": PAGE_OR_NONE}),
    "stats": Verb({}, {"top": PAGE_OR_NONE}),
    "trend": Verb({}, {"days": [None, *NO_WHOLE, 0, -1, 367]}),
    "overview": Verb({}, {"top": PAGE_OR_NONE}),
    "curve": Verb({}, STRETCHES),
    "patterns": Verb({}, {"days": [None, *NO_WHOLE, 0, 32], "users": [None, *NO_WHOLE, -1, 1_001]}),
    "costs": Verb({}, STRETCHES),
    "purchases": Verb({}, STRETCHES),
    "refusals": Verb({}, {"days": [None, *NO_WHOLE, 0, -1, 367]}),
    "exhausted": Verb({}, {"after": [one for one in CHOICE if one is not None], "rows_max": PAGE}),
    "usage": Verb(ALICE, {"ref": KNOWN_REF, "by": [None, *CHOICE], **STRETCHES}),
    "forecast": Verb(ALICE, {"ref": KNOWN_REF}),
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
    "create_key": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "role": [None, "owner", *CHOICE],
            "models": [None, 5, "gpt-4o", [5], ["*x"], ["\0"], ["m"] * 101, {"a": 1}],
            "expires_at": WHEN,
            **texts("name", "actor"),
        },
    ),
    "keys": Verb(ALICE, {"ref": [one for one in KNOWN_REF if one != ""], "rows_max": PAGE}),
    "callable_models": Verb(
        {**ALICE, "models": ["m"]},
        {"ref": KNOWN_REF, "models": [None, 5, "m", b"m", object(), *([one] for one in BAD_TEXT)]},
    ),
    "revoke_key": Verb({"key_id": "key"}, {"key_id": ID, **texts("actor")}),
    "open_chat": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "session": ["", "x" * 101, *BAD_TEXT],
            "model": [None, "nothing", *BAD_TEXT],
            **texts("title"),
            **KEY,
        },
    ),
    "chat": Verb(TALK, {"ref": KNOWN_REF, "session": SESSION}),
    "chats": Verb(
        ALICE,
        {
            "ref": KNOWN_REF,
            "archived": [one for one in FLAG if one is not None],
            "below": [5, "xx", (), (1,), (1, "a"), *((one, "a") for one in WHEN[:8]), (NOW, 5), (NOW, "a\0")],
            "rows_max": PAGE,
            **texts("search"),
        },
    ),
    "amend_chat": Verb(
        TALK | {"title": "x"},
        {
            "ref": KNOWN_REF,
            "session": SESSION,
            "title": BAD_TEXT,
            "archived": [one for one in FLAG if one is not None],
        },
    ),
    "erase_chat": Verb(TALK, {"ref": KNOWN_REF, "session": SESSION}),
    "chat_messages": Verb(
        TALK,
        {"ref": KNOWN_REF, "session": SESSION, "after": [None, *NO_WHOLE, -1, 2**31], "rows_max": PAGE},
    ),
    "authenticate": Verb(
        {"secret": ""}, {"secret": [*REF, "th_", "th_" + "x" * 43, "th_" + "é" * 43], "any_role": FLAG}
    ),
    **PEOPLE,
}
WITHOUT_PARAMETERS = {
    *("plans", "sweep", "waiting", "held_rates", "find_key", "ready"),
    *("outlook", "fold", "forget_statistics", "session", "sign_out"),
}
"""Verbs that are asked nothing, or (`find_key`, `session`) that find nothing where there is nothing."""
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
    "rates_held",
    "idempotency_keys",
    "keys",
    "people",
    "sessions",
    "audit_log",
    "catalog",
    "chat_sessions",
    "chat_messages",
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
        house.open_chat("alice", "talk")
        yield house


@pytest.fixture(scope="module")
def ids(house: Portal, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Something for every verb to act upon, by the name that stands for it in `VERBS`."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "users.csv").write_text("ref,name\nalice,Alice\n", encoding="utf-8")
    (folder / "points.json").write_text("{}", encoding="utf-8")
    person = house.create_person("somebody@example.com", role="auditor").person
    house.set_password(person.id, "nine small green birds")
    completed = house.order("alice", 50)
    house.complete_order("alice", completed.id)
    return {
        "open": house.reserve("alice", 100).id,
        "granted": house.grant("alice", 100).id,
        "charged": house.charge("alice", 100).id,
        "pending": house.order("alice", 50).id,
        "completed": completed.id,
        "key": house.create_key("alice").id,
        "person": person.id,
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
