"""`points.json`, person by person: what it may leave out, what is kept of it, and what is no such file."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tokenhouse.errors import InvalidInput
from tokenhouse.flow import points
from tokenhouse.flow.points import Person
from tokenhouse.rules.amounts import AMOUNT_MAX
from tokenhouse.rules.usage import Usage

pytestmark = pytest.mark.row("D7")


def person(*amounts: int, **more: Any) -> dict[str, Any]:
    """Return a person with one line of history an amount, whose sums agree."""
    history, balance = [], 0
    for nth, amount in enumerate(amounts):
        balance += amount
        line = {"type": "purchase" if amount > 0 else "chat_usage", "amount": amount}
        history.append({**line, "timestamp": f"2025-08-04T14:18:{nth:02}", "balance_after": balance})
    return {
        "current_points": balance,
        "total_earned": sum(one for one in amounts if one > 0),
        "total_spent": -sum(one for one in amounts if one < 0),
        "history": history,
        **more,
    }


def read(folder: Path, document: object) -> list[Person]:
    file = folder / "points.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return list(points.read(file))


def test_a_file_of_nobody_holds_nobody(tmp_path: Path):
    assert read(tmp_path, " {\n} ") == []


@pytest.mark.parametrize(
    ("details", "usage", "kept"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}, Usage(input=3, output=4), None),
        ({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}, Usage(input=3, output=4), 9),
        ({"prompt_tokens": 3}, Usage(input=3), None),
        (None, None, None),
    ],
)
def test_a_total_that_is_not_the_sum_of_its_tokens_is_kept_beside_them(tmp_path, details, usage, kept):
    document = person(100, -18)
    document["history"][1]["token_details"] = details
    (found,) = read(tmp_path, {"a": document})
    assert found.moves[1].usage == usage
    assert found.moves[1].facts.get("total_tokens") == kept


@pytest.mark.parametrize(
    ("stamp", "came"),
    [
        ("2025-08-04T14:18:45", datetime(2025, 8, 4, 14, 18, 45, tzinfo=UTC)),
        ("2025-08-04T14:18:45+09:00", datetime(2025, 8, 4, 14, 18, 45, tzinfo=timezone(timedelta(hours=9)))),
        ("last summer", datetime.fromtimestamp(0, UTC)),
    ],
)
def test_a_person_came_with_the_first_line_or_when_nobody_can_say(tmp_path, stamp, came):
    document = person(100)
    document["history"][0]["timestamp"] = stamp
    (found,) = read(tmp_path, {"a": document})
    assert found.created_at == came
    (idle,) = read(tmp_path, {"a": person(last_updated=stamp)})
    assert idle.created_at == came
    assert found.moves[0].facts["timestamp"] == stamp


def test_a_person_longer_than_what_is_read_at_once_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(points, "CHUNK_BYTES", 64)
    people = {"안녕": person(*[1_000, *[-1] * 200]), "b": person(5)}
    for indent in (None, 1):
        found = read(tmp_path, json.dumps(people, indent=indent, ensure_ascii=False))
        assert [one.ref for one in found] == ["안녕", "b"]
        assert [len(one.moves) for one in found] == [201, 1]


@pytest.mark.parametrize("amount", [AMOUNT_MAX + 1, -AMOUNT_MAX - 1])
def test_an_amount_that_no_account_can_hold_is_told_with_its_line(tmp_path, amount):
    with pytest.raises(InvalidInput) as no:
        read(tmp_path, {"a": person(100, amount)})
    assert no.value.facts["column"] == "a.history[1].amount"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{1: {"a": 2}}', "name in quotes is expected"),
        ("{[" + "[" * 200_000 + "]", "nested too deep"),
    ],
)
def test_what_is_no_such_file_is_told(tmp_path, text, said):
    with pytest.raises(InvalidInput) as no:
        read(tmp_path, text)
    assert said in str(no.value.facts["problem"].facts["problem"])
