"""`verify` finds nothing where everything has happened, and each law that is broken by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from tests.conftest import Clock, Postgres
from tests.flow.breaks import ACCOUNT, ANN, BREAKS, TABLES, damage, entry, keep, mend, stored
from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble, InvalidInput, NotFound
from tokenhouse.flow import audit
from tokenhouse.flow.audit import Verdict
from tokenhouse.rules.audit import CHECKS
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings
from tokenhouse.store.accounts import CELLS
from tokenhouse.store.audit import list_cells
from tokenhouse.store.pool import connect

pytestmark = pytest.mark.row("A2", "A5")

TOKEN = {"name": "token", "decimals": 0}
PLANS = (
    {
        "name": "carry",
        "unit": TOKEN,
        "allowance": [
            {"amount": 1_000, "every": "month", "rollover": 0.5},
            {"amount": 50, "every": "day", "priority": 1},
        ],
        "stop": {"debt": "carry", "block": 3.0},
        "reserve": {"how": "worst-case", "lapse_after": "15m", "on_lapse": "charge-input"},
        "limit": [{"what": "requests", "amount": 1_000, "every": "day"}],
    },
    {"name": "bought", "unit": TOKEN, "stop": {"debt": "carry"}, "reserve": {"how": "worst-case"}},
)
SETTINGS = Settings(time_zone="Asia/Seoul")
MORNING = datetime(2026, 11, 21, 3, tzinfo=UTC)


async def everything(dsn: str) -> None:
    """Let everything happen to a few accounts; at the end there are open reservations, lots and orders."""
    clock = Clock(MORNING)
    async with Tokenhouse.open(dsn, settings=SETTINGS, clock=clock) as house:
        for plan in PLANS:
            await house.write_plan(plan)
        await house.account("ann", plan="carry", time_zone="Europe/Berlin")
        await house.account("bob")
        await house.account("kay", plan="carry")
        await house.account("acme", kind="company", plan="bought")
        await house.account("red", kind="team", parent="acme", plan="bought", own_credit=True)
        for ref, parent in (("eve", "red"), ("dan", "acme"), ("kim", "red")):
            await house.account(ref, parent=parent, plan="bought")
        await orders(house)
        for _ in range(3):
            await a_month(house, clock)
            clock.move(days=31)
        await house.amend("ann", plan="bought", key="change")
        await house.amend("ann", plan="carry", state="suspended")
        await house.amend("ann", state="active")
        await house.sweep()
        for ref in ("ann", "bob", "eve", "dan"):
            await house.reserve(ref, 40, key="last")
        await sessions(house)


async def orders(house: Tokenhouse) -> None:
    for ref, credit in (("acme", 9_000), ("red", 6_000), ("bob", 700)):
        order = await house.order(ref, credit)
        await house.complete_order(ref, order.id)
    refunded = await house.order("bob", 300)
    await house.complete_order("bob", refunded.id)
    await house.refund_order("bob", refunded.id)
    failed = await house.order("bob", 50)
    await house.fail_order("bob", failed.id)
    await house.order("bob", 60)
    await house.write_coupons(code="HELLO", credit=40, uses_max=None)
    await house.redeem("bob", "hello")
    await house.write_package({"name": "pro", "plan": "bought", "credit": 500, "prices": {"KRW": 100}})
    await house.account("lee")
    first = await house.buy("lee", "pro", currency="KRW")
    await house.complete_order("lee", first.id)
    await house.refund_order("lee", first.id, refunded_minor=10)


async def a_month(house: Tokenhouse, clock: Clock) -> None:
    """Let a month of every kind of movement pass."""
    given = await house.grant(
        "ann", 300, source="bonus", expires_at=clock.now + timedelta(days=3), key=f"{clock.now}"
    )
    await house.claw_back("ann", given.id, 100, key=f"back {clock.now}")
    for ref in ("ann", "bob", "eve", "dan", "kim"):
        for nth in range(3):
            call = await house.reserve(ref, 30 + nth, lapse_charge=5)
            if nth == 0:
                await house.settle(ref, call.id, 400, usage=Usage(input=300, output=100))
                await house.refund(ref, call.id, 70, key=f"{ref} {clock.now}")
            elif nth == 1:
                await house.release(ref, call.id)
            else:
                clock.move(hours=1)
                await house.sweep()
                await house.settle(ref, call.id, 44)
        await house.charge(ref, 12, key=f"once {clock.now}")
    late = await house.reserve("ann", 100)
    await house.settle("ann", late.id, 2_000)
    debtor = await house.reserve("bob", 10)
    await house.settle("bob", debtor.id, 150_000)
    await house.adjust("ann", -50)
    await house.adjust("ann", 120, key=f"up {clock.now}")


async def sessions(house: Tokenhouse) -> None:
    async with house.desk.pool.acquire() as connection:
        await connection.execute(
            "insert into tokenhouse.chat_sessions (cell, account, id, tokens, turns, created_at) "
            "select d.cell, d.account, s.id, s.tokens, 1, now() from tokenhouse.directory d "
            "cross join (values ('s1', 400), ('s2', 40)) as s (id, tokens) where d.ref in ('ann', 'eve')"
        )


@pytest.fixture(scope="module")
def lived(postgres: Postgres) -> Iterator[str]:
    """Return the name of a database in which everything has happened, for copies of it."""
    dsn = postgres.make()
    postgres.run(everything(dsn))
    yield urlsplit(dsn).path[1:]
    postgres.drop(dsn)


@pytest.fixture
def copy(postgres: Postgres, lived: str) -> Iterator[str]:
    dsn = postgres.at(postgres._create(lived))
    yield dsn
    postgres.drop(dsn)


@pytest.fixture(scope="module")
def breakable(postgres: Postgres, lived: str) -> Iterator[str]:
    dsn = postgres.at(postgres._create(lived))
    postgres.run(keep(dsn))
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
async def broken(breakable: str) -> AsyncIterator[str]:
    """Return a database to be damaged; it is mended after the test."""
    yield breakable
    await mend(breakable)


async def verified(dsn: str, **asked: object) -> Verdict:
    async with Tokenhouse.open(dsn, settings=SETTINGS, clock=Clock(MORNING + timedelta(days=93))) as house:
        return await house.verify(**asked)


async def test_a_ledger_to_which_everything_has_happened_is_clean(copy):
    seen = []
    async with Tokenhouse.open(copy, settings=SETTINGS, clock=Clock(MORNING)) as house:
        size = await house.journal_size()
        verdict = await house.verify(progress=seen.append)
    assert verdict.findings == ()
    assert verdict.clean
    assert verdict.found == 0
    assert verdict.accounts == 9
    assert verdict.entries == size == sum(seen)
    assert [check.name for check in verdict.checks] == list(CHECKS)
    assert all(check.held for check in verdict.checks)
    looked_at = {check.name: check.checked for check in verdict.checks}
    assert {name for name, count in looked_at.items() if not count} == set()
    assert (looked_at["orders"], looked_at["chat"], looked_at["held"]) == (4, 2, 9)


async def test_everything_means_every_kind_of_entry(copy):
    connection = await connect(copy)
    kinds = {row[0] for row in await connection.fetch("select distinct kind from tokenhouse.entries")}
    await connection.close()
    assert kinds == {
        *("open", "allowance", "rollover", "grant", "charge", "use", "repay", "expire", "forgive", "period"),
        *("claw_back", "refund", "unuse", "adjust", "amend", "release", "lapse"),
    }


@pytest.mark.parametrize("what", BREAKS)
async def test_each_law_that_is_broken_by_hand_is_found(broken, what):
    account, check, figure, sql = BREAKS[what]
    await damage(broken, sql)
    verdict = await verified(broken)
    found = [
        one
        for one in verdict.findings
        if one.account.startswith(account) and one.check == check and one.figure.startswith(figure)
    ]
    assert found, verdict.findings
    assert all(one.expected != one.found for one in found)
    assert not verdict.clean
    assert not next(one for one in verdict.checks if one.name == check).held


async def test_a_finding_names_the_figures(broken):
    await damage(broken, stored("used = used + 5, held = held + 9"))
    found = {one.figure: one for one in (await verified(broken)).findings}
    assert set(found) == {"used", "held"}
    assert found["used"].found == found["used"].expected + 5
    assert (found["held"].expected, found["held"].found) == (40, 49)
    assert {one.account for one in found.values()} == {"ann"}


async def test_damage_to_several_of_one_company_is_told_of_each(broken):
    refs = ("acme", "eve", "kim")
    for ref in refs:
        whose = ACCOUNT.format(ref)
        await damage(broken, entry("note = 'nothing'", f"{whose} and seq = 2"))
    found = (await verified(broken)).findings
    assert sorted(one.account for one in found if one.check == "chain") == sorted(refs)


async def test_a_cell_of_more_accounts_than_are_folded_at_once_is_verified_whole(broken, monkeypatch):
    whole = await verified(broken)
    await damage(broken, entry("note = 'nothing'", f"{ACCOUNT.format('kim')} and seq = 2"))
    for accounts in (1, 2):
        monkeypatch.setattr(audit, "ACCOUNTS", accounts)
        paged = await verified(broken)
        assert (paged.accounts, paged.entries) == (whole.accounts, whole.entries)
        assert {one.account for one in paged.findings} == {"kim"}


async def test_a_database_that_goes_away_in_the_middle_is_trouble_and_no_verdict(broken, postgres):
    name = urlsplit(broken).path[1:]
    cut = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"

    def gone_away(_more: int) -> None:
        with ThreadPoolExecutor(1) as beside:
            beside.submit(postgres.execute, cut).result()

    with pytest.raises(DatabaseTrouble) as no:
        await verified(broken, progress=gone_away)
    assert no.value.reason == "postgres_away"


async def test_one_account_or_one_cell_is_verified_alone(broken):
    await damage(broken, stored("used = used + 5"))
    everywhere, one, other = [
        await verified(broken, **by) for by in ({}, {"account": "ann"}, {"account": "bob"})
    ]
    assert (everywhere.found, one.found, other.found) == (1, 1, 0)
    assert (one.accounts, other.accounts) == (1, 1)
    assert 0 < one.entries < everywhere.entries
    cells = [await verified(broken, cell=cell) for cell in range(16)]
    assert sum(each.found for each in cells) == 1
    assert sum(each.entries for each in cells) == everywhere.entries


@pytest.mark.parametrize("table", sorted({*TABLES} - {"directory", "coupons"}))
async def test_a_row_of_any_table_is_enough_for_its_cell_to_be_looked_at(broken, table):
    connection = await connect(broken)
    full = await list_cells(connection)
    empty = min({*range(CELLS)} - {*full})
    await connection.close()
    await damage(broken, f"update tokenhouse.{table} set cell = {empty}")
    connection = await connect(broken)
    assert empty in await list_cells(connection)
    await connection.close()


async def test_findings_are_capped_and_all_are_counted(broken):
    await damage(broken, "update tokenhouse.balances set used_total = used_total + 1, turns = turns + 1")
    verdict = await verified(broken, findings_max=3)
    assert (len(verdict.findings), verdict.found) == (3, 18)
    assert {one.name: one.failed for one in verdict.checks if one.failed} == {"usage": 18}


async def test_what_is_not_there_is_no_clean_ledger(broken):
    with pytest.raises(NotFound):
        await verified(broken, account="nobody")
    with pytest.raises(InvalidInput):
        await verified(broken, cell=64)
    with pytest.raises(InvalidInput):
        await verified(broken, findings_max=-1)


@pytest.mark.row("E2")
async def test_it_runs_beside_writers_and_finds_nothing_that_is_not_so(copy):
    """While five accounts of a tree are charged as fast as they can be, every run is clean, and sees more."""
    working = True
    clock = Clock(MORNING + timedelta(days=93))

    async def work(house: Tokenhouse, ref: str) -> int:
        done = 0
        while working:
            call = await house.reserve(ref, 5)
            await house.settle(ref, call.id, 3, usage=Usage(input=3))
            await house.grant("acme" if ref in ("dan", "acme") else "red", 4)
            done += 1
        return done

    async with Tokenhouse.open(copy, settings=SETTINGS, clock=clock) as house:
        workers = [asyncio.create_task(work(house, ref)) for ref in ("eve", "dan", "kim", "eve", "dan")]
        verdicts = [await house.verify() for _ in range(8)]
        working = False
        done = await asyncio.gather(*workers)
        last = await house.verify()
    assert [verdict.findings for verdict in [*verdicts, last]] == [()] * 9
    assert verdicts[0].entries < verdicts[-1].entries < last.entries
    assert all(done)


async def test_memory_does_not_grow_with_an_account(copy):
    """An account's fold is as small as the account, however long its journal: its dead lots are let go."""
    async with Tokenhouse.open(
        copy, settings=SETTINGS, clock=(clock := Clock(MORNING + timedelta(days=93)))
    ) as house:
        for _ in range(40):
            clock.move(days=1)
            await house.charge("ann", 10, key=f"{clock.now}")
        assert (await house.verify(account="ann")).clean
        async with house.desk.pool.acquire() as connection:
            lots = await connection.fetchval("select lots from tokenhouse.balances where " + ANN)
    assert len(json.loads(lots)) < 6
