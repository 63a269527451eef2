"""Statistics: every figure in one scan, exact at the borders of each bucket, with and without a sample."""

from collections.abc import AsyncIterator
from random import Random

import asyncpg
import pytest

from tests.conftest import Clock
from tokenhouse import Tokenhouse
from tokenhouse.errors import InvalidInput
from tokenhouse.flow.statistics import mean
from tokenhouse.rules.plans import parse_plan
from tokenhouse.settings import Settings
from tokenhouse.store import statistics

PLAIN = {"name": "plain", "allowance": [{"amount": 10_000, "every": "month"}], "stop": {"block": 2}}


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, settings=Settings(), clock=clock) as opened:
        await opened.write_plan(PLAIN)
        yield opened


@pytest.fixture
async def sql(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


def test_means_are_rounded_half_up():
    assert [mean(14_008, 3), mean(14_008, 62), mean(12_977, 22), mean(1, 2), mean(5, 0)] == [
        4_669,
        226,
        590,
        1,
        0,
    ]


@pytest.mark.row("A4", "D11")
@pytest.mark.parametrize(
    ("used", "bucket"),
    [
        (0, "under50"),
        (4_999, "under50"),
        (5_000, "under80"),
        (7_999, "under80"),
        (8_000, "under90"),
        (8_999, "under90"),
        (9_000, "under95"),
        (9_499, "under95"),
        (9_500, "over95"),
        (10_000, "over95"),
        (15_000, "over95"),
    ],
)
async def test_a_bucket_begins_exactly_at_its_share(house: Tokenhouse, used: int, bucket: str):
    await house.account("a", plan="plain")
    if used:
        await house.charge("a", used)
    distribution = (await house.stats()).distribution
    assert {name: getattr(distribution, name) for name in distribution.__slots__} == {
        name: int(name == bucket) for name in distribution.__slots__
    }


@pytest.mark.row("A4")
async def test_shares_of_the_largest_amounts_do_not_overflow(house: Tokenhouse):
    await house.account("rich", plan="plain")
    await house.grant("rich", 2**62)
    await house.charge("rich", 2**61)
    stats = await house.stats()
    assert (stats.distribution.under80, stats.distribution.under50) == (0, 1)
    assert stats.overview.used == 2**61


async def test_a_tree_counts_each_call_once(house: Tokenhouse):
    await house.account("company", kind="company", plan="plain")
    await house.account("team", parent="company", plan="plain", own_credit=True)
    await house.account("user", parent="team", plan="plain")
    await house.account("alone", plan="plain")
    await house.charge("user", 100)
    await house.charge("company", 10)
    await house.charge("alone", 1)
    stats = await house.stats()
    assert (stats.overview.accounts, stats.overview.active, stats.overview.used) == (4, 4, 111)
    assert stats.overview.turns == 3
    assert sum(getattr(stats.distribution, name) for name in stats.distribution.__slots__) == 3
    assert [(line.account, line.used) for line in stats.top] == [
        ("team", 100),
        ("user", 100),
        ("company", 10),
        ("alone", 1),
    ]
    user = stats.top[1]
    assert (user.total, user.free, user.bought, user.level) == (0, 0, 0, "normal")


async def test_a_period_that_is_over_counts_as_unused_before_anybody_sweeps(house: Tokenhouse, clock: Clock):
    await house.account("a", plan="plain")
    await house.charge("a", 9_900)
    assert (await house.stats()).distribution.over95 == 1
    clock.move(days=30)
    for _ in range(2):
        stats = await house.stats()
        assert (stats.overview.used, stats.overview.active, stats.top) == (0, 0, ())
        assert stats.distribution.under50 == 1
        (line,) = [line async for line in house.lines()]
        assert (line.used, line.free, line.left, line.turns) == (0, 10_000, 10_000, 1)
        await house.sweep()


@pytest.mark.row("A4")
async def test_what_was_bought_is_told_from_what_was_free(house: Tokenhouse, clock: Clock):
    plan = parse_plan(PLAIN)
    await house.account("a", plan=plan.name)
    order = await house.order("a", 5_000)
    await house.complete_order("a", order.id)
    await house.charge("a", 3_000)
    (line,) = [line async for line in house.lines()]
    assert (line.free, line.bought, line.total, line.left) == (10_000, 5_000, 15_000, 12_000)
    await house.charge("a", 12_000)
    (line,) = [line async for line in house.lines()]
    assert (line.free, line.bought, line.total, line.left) == (10_000, 5_000, 15_000, 0)
    clock.move(days=30)
    (line,) = [line async for line in house.lines()]
    assert (line.free, line.bought, line.total) == (10_000, 0, 10_000)


@pytest.mark.row("A4")
async def test_a_purchase_counts_by_an_order_or_a_grant_less_what_was_taken_back(house: Tokenhouse):
    await house.account("a", plan="plain")
    order = await house.order("a", 5_000)
    await house.complete_order("a", order.id)
    granted = await house.grant("a", 700, source="purchase")
    await house.grant("a", 40, source="bonus")
    await house.account("b", plan="plain")
    await house.grant("b", 1_000, source="purchase")
    overview = (await house.stats()).overview
    assert (overview.bought, overview.bought_mean, overview.bought_max) == (6_700, 3_350, 5_700)
    await house.charge("a", 5_500)
    await house.claw_back("a", granted.id, 300)
    await house.refund_order("a", order.id)
    balance = await house.balance("a")
    assert (balance.bought, balance.bought_left) == (400, 400)
    assert (await house.stats()).overview.bought == 1_400
    assert (await house.verify()).clean


@pytest.mark.parametrize("sampled", [True, False])
async def test_the_greatest_are_the_same_from_a_sample_and_from_a_sort(
    house: Tokenhouse, sql, monkeypatch: pytest.MonkeyPatch, sampled: bool
):
    random = Random(7)
    used = {f"u{n}": random.choice([0, 5, random.randrange(1, 9_000)]) for n in range(300)}
    for ref, amount in used.items():
        await house.account(ref, plan="plain")
        if amount:
            await house.charge(ref, amount)
    await sql.execute("analyze tokenhouse.balances")
    monkeypatch.setattr(statistics, "SAMPLED_FROM", 0 if sampled else 10**9)
    monkeypatch.setattr(statistics, "SAMPLE_PERCENT", 50.0)
    stats = await house.stats(top=20)
    assert [line.used for line in stats.top] == sorted(used.values(), reverse=True)[:20]
    assert stats.overview.used == sum(used.values())
    assert stats.overview.active == sum(1 for amount in used.values() if amount)


async def test_the_greatest_are_found_in_one_look_where_many_used_the_same(
    house: Tokenhouse, sql, monkeypatch: pytest.MonkeyPatch
):
    for number in range(60):
        await house.account(f"u{number}", plan="plain")
        await house.charge(f"u{number}", 900 if number % 2 else 5)
    await sql.execute("analyze tokenhouse.balances")
    monkeypatch.setattr(statistics, "SAMPLED_FROM", 0)
    monkeypatch.setattr(statistics, "SAMPLE_PERCENT", 100.0)
    monkeypatch.setattr(statistics, "LIST_GREATEST", "no second look")
    found = (await house.stats(top=7)).top
    first = "select account from tokenhouse.balances where used = 900 order by cell, account limit 7"
    least = await sql.fetch(first)
    ids = dict(await sql.fetch("select ref, id from tokenhouse.accounts"))
    assert [ids[line.account] for line in found] == [row["account"] for row in least]


@pytest.mark.parametrize("top", [-1, 1_001, True, 1.5, "5"])
async def test_how_many_at_the_top_is_checked(house: Tokenhouse, top):
    with pytest.raises(InvalidInput, match="whole number"):
        await house.stats(top=top)
