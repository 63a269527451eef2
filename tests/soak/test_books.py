"""The books themselves: each kind of wrong, put into records that were right, is found."""

from dataclasses import replace

import pytest

from tests.soak.books import Books
from tests.soak.callers import Account, Seen
from tests.soak.records import Line, Produced, Records

RICH = Account(ref="rich", secret="", plan="delivered")
POOR = Account(ref="poor", secret="", plan="poor")
KILLED_MS = 2_000_000_000_000


def id_of(number: int, begun_ms: int = KILLED_MS - 1_000) -> str:
    return f"{begun_ms:012x}7000800000000000{number:04d}"


def line(number: int, charge: int, ref: str = "rich", kind: str = "charge", **facts) -> Line:
    reserved = {"reserved": 60, **facts}
    return Line(
        operation=id_of(number), ref=ref, kind=kind, charge=charge, note="", facts=reserved, at_ms=KILLED_MS
    )


def call(number: int, output: int = 20, ended: str = "whole") -> Produced:
    return Produced(id=id_of(number), tokens_input=19, tokens_output=output, ended=ended)


def seen(
    number: int, ended: str = "whole", tokens: int = 20, status: int = 200, account: Account = RICH
) -> Seen:
    one = Seen(account=account, wish="", streamed=True, most=40, status=status, tokens=tokens, ended=ended)
    one.headers["x-request-id"] = id_of(number)
    one.asked_ms, one.over_ms = KILLED_MS - 1_000, KILLED_MS
    return one


RIGHT = Records(
    accounts=[RICH, POOR],
    seen=[seen(1), seen(2, "left", 5), seen(3, "broken", 2), seen(9, tokens=0, status=402, account=POOR)],
    calls=[call(1), call(2, 8, "cancelled"), call(3, 4, "cancelled"), call(4, ended="whole")],
    lines=[line(1, 39), line(2, 26), line(3, 19, lapsed=True), line(4, 39, ref="poor")],
    balances=[
        {"ref": "rich", "opened": 0, "held": 0, "debt": 0, "granted": 10**9},
        {"ref": "poor", "opened": 0, "held": 0, "debt": 0, "granted": 90},
    ],
    killed_ms=[KILLED_MS],
    told_ms=[],
)


def found(**changed) -> set[str]:
    books = Books(replace(RIGHT, **changed)).close()
    return {name for name, wrong in books.findings.items() if wrong}


def test_what_is_right_is_not_found():
    assert found() == set()


@pytest.mark.parametrize(
    ("wrong", "lines"),
    [
        ("lost", RIGHT.lines[1:]),
        ("lost", [line(1, 38), *RIGHT.lines[1:]]),
        ("lost", [line(1, 0, kind="release"), *RIGHT.lines[1:]]),
        ("lost", [line(1, 19, lapsed=True), *RIGHT.lines[1:]]),
        ("lost", [RIGHT.lines[0], line(2, 23), *RIGHT.lines[2:]]),
        ("double", [*RIGHT.lines, RIGHT.lines[0]]),
        ("overspend", [line(1, 40), *RIGHT.lines[1:]]),
        ("overspend", [*RIGHT.lines, line(5, 19)]),
    ],
)
def test_a_wrong_journal_is_found(wrong, lines):
    assert found(lines=lines) == {wrong}


def test_a_lapse_without_a_kill_is_found():
    assert found(killed_ms=[]) == {"lost"}


def test_a_second_call_under_one_id_is_found():
    assert found(calls=[*RIGHT.calls, call(1)]) == {"double"}


def test_debt_and_open_reservations_are_found():
    rich, poor = RIGHT.balances
    assert found(balances=[rich, poor | {"debt": 1}]) == {"overspend"}
    assert found(balances=[rich, poor | {"opened": 1}]) == {"lost"}


def test_a_refusal_of_who_could_pay_is_found():
    assert found(seen=[*RIGHT.seen[:3], seen(9, tokens=0, status=402)]) == {"false refusals"}
    rich, poor = RIGHT.balances
    assert found(balances=[rich, poor | {"granted": 95}]) == {"false refusals"}
