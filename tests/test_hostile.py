# ruff: noqa: RUF001 -- letters of other scripts are what is tried here.
"""Hostile input: every parameter of every verb refuses what it must not take; nothing is changed by it."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest

import tokenhouse
from tests.conftest import Postgres
from tests.hostile import Verb
from tests.hostile_chat import CHAT
from tests.hostile_credit import CREDIT
from tests.hostile_deployment import DEPLOYMENT
from tests.hostile_notices import NOTICES
from tests.hostile_people import PEOPLE
from tests.hostile_shop import SHOP
from tokenhouse.errors import InvalidInput, NotFound, TokenhouseError
from tokenhouse.portal import Portal
from tokenhouse.settings import Settings

VERBS: dict[str, Verb] = CREDIT | SHOP | DEPLOYMENT | PEOPLE | CHAT | NOTICES
WITHOUT_PARAMETERS = {
    *("plans", "planned", "sweep", "waiting", "held_rates", "find_key", "ready"),
    *("outlook", "fold", "forget_statistics", "session", "sign_out", "lately", "attention", "examine"),
    "samples",
    *("notify", "deliver", "count_deliveries", "resend_dead", "jobs"),
    *("packages", "expire_orders", "renew_subscriptions"),
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
    "notices",
    "deliveries",
    "endpoints",
    "job_runs",
    "packages",
    "coupons",
    "coupon_redemptions",
    "subscriptions",
    "payments",
    "payment_events",
    "refunds",
    "refund_tries",
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
    house.write_package({"name": "hostile-pack", "credit": 10, "prices": {"KRW": 1_000}})
    made = {
        "open": house.reserve("alice", 100).id,
        "granted": house.grant("alice", 100).id,
        "charged": house.charge("alice", 100).id,
        "pending": house.order("alice", 50).id,
        "completed": completed.id,
        "key": house.create_key("alice").id,
        "person": person.id,
        "endpoint": house.create_endpoint("https://example.com/hook").endpoint.id,
        "coupon": house.write_coupons(credit=5)[0].code,
        "package": "hostile-pack",
        "users.csv": folder / "users.csv",
        "points.json": folder / "points.json",
    }
    house.wait(house.house.desk.bell.settled())  # What was bought has been told.
    return made


@pytest.fixture(scope="module")
def stored(postgres: Postgres, address: str) -> Iterator[Callable[[], list[Any]]]:
    """What says what the database holds: rows and a digest of every table."""
    connection = postgres.run(asyncpg.connect(address))
    one = "select count(*), sum(hashtextextended(t::text, 0)::numeric) from tokenhouse.{} t"
    digests = " union all ".join(one.format(table) for table in TABLES)
    yield lambda: [tuple(row) for row in postgres.run(connection.fetch(digests))]
    postgres.run(connection.close())


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
    house: Portal, ids: dict[str, Any], stored: Callable[[], list[Any]], verb: str, parameter: str
):
    before = stored()
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
    assert stored() == before
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
