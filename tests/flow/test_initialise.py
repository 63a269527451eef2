"""Initialising: exactly one opening for every account that had none, whoever else is at it."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.conftest import Clock, Postgres
from tests.flow.sixty_two import EXPERT, sessions_csv, users_csv
from tokenhouse import NotFound, Tokenhouse
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow import identify
from tokenhouse.rules.account import opened
from tokenhouse.rules.chain import link, seal
from tokenhouse.rules.openings import Opening
from tokenhouse.rules.periods import instant
from tokenhouse.rules.plans import Plan, parse_plan
from tokenhouse.settings import Settings
from tokenhouse.store import accounts

NOW = 1_795_230_000_000_000


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as opened_house:
        yield opened_house


@pytest.fixture
async def sql(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


def plans() -> list[Plan]:
    allowance = {"amount": 1_000, "every": "month"}
    return [
        parse_plan({"name": "nothing"}),
        parse_plan({"name": "signup", "signup": {"amount": 500}}),
        parse_plan({"name": "month", "allowance": [allowance]}),
        parse_plan(
            {
                "name": "both",
                "signup": {"amount": 5},
                "allowance": [
                    allowance | {"anchor": "anniversary"},
                    {"amount": 7, "every": "day", "priority": 3},
                ],
            }
        ),
    ]


@pytest.mark.row("A3")
@pytest.mark.parametrize("plan", plans(), ids=lambda plan: plan.name)
@pytest.mark.parametrize("own_credit", [True, False])
@pytest.mark.parametrize("zone", ["", "Asia/Seoul"])
@pytest.mark.parametrize("account", [1, 64, 9_007_199_254_740_993, 2**62])
def test_the_fast_way_writes_what_the_rule_says_to_the_byte(
    plan: Plan, own_credit: bool, zone: str, account: int
):
    balance, entries = opened(account, plan, NOW, own_credit=own_credit, zone=zone, actor='"일\\')
    fast = Opening.of(plan, NOW, own_credit=own_credit, zone=zone, actor='"일\\')
    previous, hashes = b"", []
    for entry in entries:
        sealed = seal(previous, entry)
        previous = sealed.hash
        hashes.append(sealed.hash)
    assert fast.hashes(account) == hashes
    fast.balance.account = account
    assert fast.balance == balance
    assert len(fast.lines) == len(entries)
    for line, entry in zip(fast.lines, entries, strict=True):
        same = seal(b"", entry)
        assert (line.lots, line.usage, line.facts) == (same.lots, same.usage, same.facts)
        assert link(b"", entry, entry.operation, line.lots, line.usage, line.facts) == same.hash


@pytest.mark.row("A3", "A6")
async def test_an_initialised_account_is_stored_as_a_new_one(house: Tokenhouse, sql, tmp_path: Path):
    await house.account("new", actor="me", email="")
    (tmp_path / "u.csv").write_text("ref\nold\n")
    await house.import_users(tmp_path / "u.csv")
    await house.initialise(actor="me")
    ids = dict(await sql.fetch("select ref, id from tokenhouse.accounts"))
    one, other = [
        await sql.fetchrow("select * from tokenhouse.balances where account = $1", ids[ref])
        for ref in ("new", "old")
    ]
    own = {"cell", "account", "chain"}
    assert {k: v for k, v in one.items() if k not in own} == {k: v for k, v in other.items() if k not in own}
    lines = [
        [
            tuple(v for k, v in row.items() if k not in {"cell", "account", "hash"})
            for row in await sql.fetch(
                "select * from tokenhouse.entries where account = $1 order by seq", ids[ref]
            )
        ]
        for ref in ("new", "old")
    ]
    assert lines[0] == lines[1]
    last = await sql.fetchval(
        "select hash from tokenhouse.entries where account = $1 order by seq desc limit 1", ids["old"]
    )
    assert other["chain"] == last


@pytest.mark.row("A1", "A3", "A4", "C7")
async def test_the_sixty_two_users_of_the_source_figure_by_figure(house: Tokenhouse, tmp_path: Path):
    await house.import_users(users_csv(tmp_path))
    await house.import_sessions(sessions_csv(tmp_path))
    found = await house.check()
    before = found.overview
    assert (before.accounts, before.with_balance, before.without_balance) == (62, 3, 59)
    assert (before.used, before.bought, before.turns) == (14_008, 100_000, 25)
    assert (before.used_mean, before.used_max, before.active) == (4_669, 12_977, 3)
    assert [(line.email, line.used, line.bought, line.turns, line.level) for line in found.active] == [
        ("admin@consult-on.kr", 12_977, 100_000, 22, "normal"),
        ("user1@consult-on.kr", 762, 0, 2, "normal"),
        ("jw.original@gmail.com", 269, 0, 1, "normal"),
    ]
    assert found.anomalies == 1
    assert [(stray.account, stray.email, stray.tokens) for stray in found.strays] == [("2", EXPERT, 0)]

    done = await house.initialise(actor="operator")
    assert (done.made, done.kept, done.failed) == (59, 3, 0)
    assert (done.after.accounts, done.after.with_balance, done.after.without_balance) == (62, 62, 0)
    assert (done.after.used, done.after.bought, done.after.turns) == (14_008, 100_000, 25)
    assert (done.after.used_mean, done.unused, done.after.active) == (226, 59, 3)
    assert all(check.held for check in done.integrity)
    assert done.distribution.under50 == 62

    lines = {line.account: line async for line in house.lines()}
    assert len(lines) == 62
    figures = {
        ref: (line.free, line.bought, line.total, line.used, line.left, line.turns, line.mean_per_turn)
        for ref, line in lines.items()
    }
    assert figures.pop("1") == (100_000, 100_000, 200_000, 12_977, 187_023, 22, 590)
    assert figures.pop("32") == (100_000, 0, 100_000, 762, 99_238, 2, 381)
    assert figures.pop("152") == (100_000, 0, 100_000, 269, 99_731, 1, 269)
    assert set(figures.values()) == {(100_000, 0, 100_000, 0, 100_000, 0, 0)}
    after = await house.check()
    assert (after.anomalies, after.overview.without_balance) == (0, 0)


@pytest.mark.row("A3")
async def test_a_database_that_goes_away_in_the_middle_is_trouble_and_the_rest_comes_with_the_next_run(
    house: Tokenhouse, database: str, postgres: Postgres, tmp_path: Path
):
    await house.import_users(users_csv(tmp_path))
    name, cuts = urlsplit(database).path[1:], 0
    cut = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"

    def gone_away(_more: int) -> None:
        nonlocal cuts
        cuts += 1
        if cuts == 5:
            with ThreadPoolExecutor(1) as beside:
                beside.submit(postgres.execute, cut).result()

    with pytest.raises(DatabaseTrouble) as no:
        await house.initialise(progress=gone_away)
    assert no.value.reason == "postgres_away"
    accounts_, without = await house.waiting()
    assert 0 < without < accounts_ == 62
    done = await house.initialise()
    assert (done.made, done.failed, await house.waiting()) == (without, 0, (62, 0))
    assert (await house.verify()).clean


@pytest.mark.row("A1", "A3")
async def test_an_account_that_waits_for_its_balance_is_told_from_an_empty_one(house, tmp_path: Path):
    file = tmp_path / "users.csv"
    file.write_text("ref\na\n", encoding="utf-8")
    await house.import_users(file)
    with pytest.raises(NotFound) as no:
        await house.balance("a")
    assert no.value.reason == "balance_missing"
    assert "tokenhouse init" in no.value.message()
    await house.initialise()
    assert (await house.balance("a")).used == 0


@pytest.mark.row("A3")
async def test_existing_balances_stay_to_the_byte_and_a_second_time_changes_nothing(
    house: Tokenhouse, sql, clock: Clock, tmp_path: Path
):
    await house.import_users(users_csv(tmp_path))
    await house.grant("1", 5)
    before = await sql.fetch("select b::text, b.ctid from tokenhouse.balances b order by cell, account")
    clock.move(hours=1)
    await house.initialise()
    first = await sql.fetch("select b::text, b.ctid from tokenhouse.balances b order by cell, account")
    assert set(before) <= set(first)
    journal = await sql.fetch("select e::text from tokenhouse.entries e order by cell, account, seq")
    clock.move(hours=1)
    again = await house.initialise()
    assert (again.made, again.kept, again.failed) == (0, 62, 0)
    assert (
        await sql.fetch("select b::text, b.ctid from tokenhouse.balances b order by cell, account") == first
    )
    assert await sql.fetch("select e::text from tokenhouse.entries e order by cell, account, seq") == journal


@pytest.mark.row("A3")
async def test_a_dry_run_says_the_same_and_does_nothing(house: Tokenhouse, sql, tmp_path: Path):
    await house.import_users(users_csv(tmp_path))
    said: list[int] = []
    planned = await house.initialise(dry_run=True, progress=said.append)
    assert (planned.made, planned.kept, planned.failed) == (59, 3, 0)
    assert sum(said) == 62
    assert await sql.fetchval("select count(*) from tokenhouse.balances") == 3


@pytest.mark.row("A3")
async def test_an_account_whose_terms_are_wrong_fails_alone(house: Tokenhouse, sql, tmp_path: Path):
    (tmp_path / "u.csv").write_text("ref\n" + "\n".join(f"u{n}" for n in range(130)) + "\n")
    await house.import_users(tmp_path / "u.csv")
    await sql.execute("update tokenhouse.accounts set opening_plan = 'gone' where ref <> 'u7'")
    done = await house.initialise()
    assert (done.made, done.kept, done.failed) == (1, 0, 129)
    assert len(done.failures) == 100
    assert "gone" in done.failures[0].trouble.message()
    assert [check.name for check in done.integrity if not check.held] == []


INIT = """
import asyncio, sys
from tokenhouse import Tokenhouse
from tokenhouse.settings import Settings
async def main():
    async with Tokenhouse.open(sys.argv[1], settings=Settings()) as house:
        print("ready", flush=True)
        sys.stdin.readline()
        done = await house.initialise()
        print(done.made, done.kept, done.failed, all(check.held for check in done.integrity), flush=True)
asyncio.run(main())
"""


@pytest.mark.row("A3")
async def test_two_machines_at_once_give_every_account_exactly_one_opening(
    house: Tokenhouse, database: str, sql, tmp_path: Path
):
    (tmp_path / "u.csv").write_text("ref\n" + "\n".join(f"u{n}" for n in range(6_000)) + "\n")
    await house.import_users(tmp_path / "u.csv")
    machines = [
        subprocess.Popen(  # noqa: ASYNC220 -- started before the test waits for anything
            [sys.executable, "-c", INIT, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for machine in machines:
        assert machine.stdout.readline() == "ready\n"
    for machine in machines:
        machine.stdin.write("\n")
        machine.stdin.flush()
    said = [(await asyncio.to_thread(machine.communicate))[0].split() for machine in machines]
    assert sum(int(one[0]) for one in said) == 6_000
    assert [int(one[0]) + int(one[1]) for one in said] == [6_000, 6_000]
    assert [one[2:] for one in said] == [["0", "True"], ["0", "True"]]
    assert await sql.fetchval("select count(*) from tokenhouse.balances") == 6_000
    twice = (
        "select count(*) from (select 1 from tokenhouse.entries group by account, kind having count(*) > 1) t"
    )
    assert await sql.fetchval(twice) == 0
    assert await sql.fetchval("select count(*) from tokenhouse.entries") == 12_000


@pytest.mark.row("A6")
@pytest.mark.fault
@pytest.mark.parametrize("step", ["write_profiles", "write_opened"])
async def test_a_connection_cut_while_an_account_is_made_leaves_all_of_it_or_nothing(
    house: Tokenhouse, sql, monkeypatch: pytest.MonkeyPatch, step: str
):
    real = getattr(accounts, step)

    async def cut(connection, *arguments):
        made = await real(connection, *arguments)
        await sql.execute(
            "select pg_terminate_backend($1)", await connection.fetchval("select pg_backend_pid()")
        )
        return made

    monkeypatch.setattr(identify.accounts, step, cut)
    with pytest.raises(Exception):  # noqa: B017, PT011 -- however it shows, nothing may be left
        await house.account("half")
    for table in ("directory", "accounts", "balances", "entries"):
        assert await sql.fetchval(f"select count(*) from tokenhouse.{table}") == 0, table
    monkeypatch.undo()
    await house.account("half")
    assert (await house.balance("half")).available > 0
    for table in ("directory", "accounts", "balances"):
        assert await sql.fetchval(f"select count(*) from tokenhouse.{table}") == 1, table


async def test_the_opening_s_time_is_the_house_s(house: Tokenhouse, sql, clock: Clock, tmp_path: Path):
    (tmp_path / "u.csv").write_text("id\nu\n")
    await house.import_users(tmp_path / "u.csv")
    clock.move(days=40)
    await house.initialise()
    assert await sql.fetchval("select opened_at from tokenhouse.balances") == instant(clock())
