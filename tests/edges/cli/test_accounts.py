"""`accounts` and `grant`: open, give, look, change; wrong values change nothing."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from tokenhouse.house import Tokenhouse
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings


@pytest.fixture
def house(database, clock, cli):
    """Return a run of work on an opened house, beside the command line."""

    def run(work):
        async def opened():
            async with Tokenhouse.open(database, settings=Settings(), clock=clock) as house:
                return await work(house)

        return asyncio.run(opened())

    return run


@pytest.mark.row("A6")
def test_an_account_opens_with_its_allowance_and_stays_as_it_is(cli):
    first = cli("accounts", "open", "alice", "--name", "앨리스", "--tag", "tier=gold", "--json").document
    assert first["opened"] is True
    assert first["tags"] == {"tier": "gold"}
    assert first["balance"]["available"] == 100_000
    again = cli("accounts", "open", "alice", "--name", "other", "--json").document
    assert (again["opened"], again["name"]) == (False, "앨리스")
    assert "stays as it is" in cli("accounts", "open", "alice").out


def test_credit_is_given_once_under_a_key(cli, house):
    cli("accounts", "open", "alice")
    words = [
        "grant",
        "alice",
        "5,000",
        "--source",
        "purchase",
        "--key",
        "k",
        "--note",
        "선물",
        "--actor",
        "me",
    ]
    first = cli(*words, "--expires", "2027-01-01T00:00:00+09:00", "--json").document
    assert (first["amount"], first["replayed"]) == (5_000, False)
    again = cli(*words, "--expires", "2027-01-01T00:00:00+09:00", "--json").document
    assert (again["grant"], again["replayed"]) == (first["grant"], True)
    assert "nothing was added" in cli(*words, "--expires", "2027-01-01T00:00:00+09:00").out
    cli("grant", "alice", "1", "--key", "k", code=5)
    balance = house(lambda h: h.balance("alice"))
    assert (balance.available, balance.bought, balance.bought_left) == (105_000, 5_000, 5_000)
    lot = next(lot for lot in balance.lots if lot.source == "purchase")
    assert lot.expires_at == datetime(2026, 12, 31, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nobody", "5"], 4),
        (["alice", "-5"], 2),
        (["alice", "0"], 2),
        (["alice", "1.5"], 2),
        (["alice", "NaN"], 2),
        (["alice", "9223372036854775808"], 2),
        (["alice", "5", "--source", "gift"], 2),
        (["alice", "5", "--expires", "2020-01-01T00:00:00Z"], 2),
        (["alice", "5", "--priority", "-1"], 2),
        (["alice", "5", "--note", "x" * 1_001], 2),
        (["alice", "5", "--note", "a\nb"], 2),
        (["x" * 1_000, "5"], 2),
        (["", "5"], 2),
        (["alice", "5", "--surprise"], 2),
    ],
)
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_a_grant_that_cannot_be_taken_changes_nothing(cli, house, words, code, locale):
    cli("accounts", "open", "alice")
    ran = cli("grant", *words, "--locale", locale, code=code)
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert house(lambda h: h.history("alice"))[0].seq == 2


def test_money_is_typed_in_whole_units(cli):
    money = {"TOKENHOUSE_PLAN": "money"}
    cli("accounts", "open", "alice", **money)
    ran = cli("grant", "alice", "$12.50", "--json", **money).document
    assert ran["amount"] == 12_500_000_000
    assert "$12.50" in cli("accounts", "show", "alice", **money).out


@pytest.mark.row("D6")
def test_a_page_shows_tree_lots_balance_and_history(cli, house):
    async def lived(house):
        await house.account("acme", kind="company")
        await house.account("alice", parent="acme", own_credit=True)
        await house.account("kid", parent="alice")
        await house.charge(
            "alice", usage=Usage(input=700, output=300), model="gpt-x", actor="app", note="a chat"
        )

    house(lived)
    page = cli("accounts", "show", "alice", "--history", "1", "--json").document
    assert page["parents"] == ["acme"]
    assert page["children"] == ["kid"]
    assert page["balance"]["used"] == 1_000
    (entry,) = page["history"]
    assert (entry["kind"], entry["amount"], entry["note"], entry["balance_after"]) == (
        "charge",
        -1_000,
        "a chat",
        99_000,
    )
    assert entry["usage"] == {"input": 700, "output": 300}
    assert datetime.fromisoformat(entry["at"]) == datetime(2026, 11, 21, 3, tzinfo=UTC)
    older = cli("accounts", "show", "alice", "--before", str(page["next_before"]), "--json").document
    assert [each["kind"] for each in older["history"]] == ["allowance", "open"]
    assert older["next_before"] is None
    shown = cli("accounts", "show", "alice", "--locale", "ko", TOKENHOUSE_TIME_ZONE="Asia/Seoul").out
    for part in (
        "└── alice",
        "    └── kid",
        "99,000",
        "청구",
        "입력 700, 출력 300",
        "2026-11-21 12:00:00+09:00",
    ):
        assert part in shown


def test_a_list_is_paged(cli):
    for name in ("a", "b", "c"):
        cli("accounts", "open", name)
    first = cli("accounts", "--rows", "2")
    assert "--after b" in first.err
    assert [line.split()[0] for line in first.out.splitlines()[2:]] == ["a", "b"]
    second = cli("accounts", "--rows", "2", "--after", "b", "--json")
    assert [one["ref"] for one in second.document["accounts"]] == ["c"]
    assert second.document["next_after"] is None
    assert cli("accounts", "--rows", "2", "--quiet").err == ""
    cli("accounts", "--after", "nobody", code=4)


def test_state_and_plan_change_with_who_and_why(cli, house):
    cli("accounts", "open", "alice")
    ran = cli("accounts", "set", "alice", "--state", "suspended", "--note", "late", "--actor", "me", "--json")
    assert ran.document["state"] == "suspended"
    entry = house(lambda h: h.history("alice"))[0]
    assert (entry.kind, entry.note, entry.actor) == ("amend", "late", "me")
    cli("accounts", "set", "alice", "--state", "asleep", code=2)
    cli("accounts", "set", "alice", "--plan", "nope", code=4)
    cli("accounts", "set", "alice", code=2)
    assert "정지" in cli("accounts", "show", "alice", "--locale", "ko").out


@pytest.mark.parametrize(
    "words", [["--kind", "robot"], ["--tag", "x"], ["--time-zone", "Mars/Base"], ["--no-own-credit"]]
)
def test_an_account_that_cannot_be_opened_is_not_there(cli, words):
    ran = cli("accounts", "open", "alice", *words, code=2)
    assert ran.err.count("\n") == 1
    cli("accounts", "show", "alice", code=4)
    cli("accounts", "open", "alice", "--parent", "nobody", code=4)
    cli("accounts", "open", "alice", "--plan", "nope", code=4)
    cli("accounts", "show", "alice", code=4)


def test_a_real_process_answers_a_program(process):
    run = process("accounts", "open", "alice", "--json")
    out, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (0, "")
    assert json.loads(out)["balance"]["available"] == 100_000
    missing = process("grant", "nobody", "5", "--json")
    out, err = missing.communicate(timeout=30)
    assert missing.returncode == 4
    assert json.loads(out)["error"]["facts"] == {"account": "nobody"}
    assert err == "tokenhouse: There is no account nobody. Open it first, or look at the list of accounts.\n"
