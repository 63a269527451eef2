"""Notices in the database: their laws hold behind the rules' back and in a race; pages go by an index."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from tokenhouse import Tokenhouse
from tokenhouse.store import notices, outbox
from tokenhouse.store.notices import Draft
from tokenhouse.store.pool import connect
from tokenhouse.store.statements import sql

AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
NOTICE = (
    "insert into tokenhouse.notices (cell, account, id, kind, subject, round, level, at, facts) "
    "values (1, 1, gen_random_uuid(), 'level', '9000', {round}, 'warning', now(), '{{}}')"
)
SEED = """
insert into tokenhouse.notices (cell, account, id, kind, subject, round, level, percent, at, facts, read_at)
select a.cell, a.id, gen_random_uuid(), 'level', '9000', n, 'warning', 9000, now(), '{}',
       case when n > 1 then now() end
from tokenhouse.accounts a, generate_series(1, 2000) n
"""
POST = """
insert into tokenhouse.deliveries (cell, id, account, channel, target, payload, state, next_at, created_at,
                                   ended_at)
select 1, gen_random_uuid(), 1, 'email', '', '{}', case when n % 100 = 0 then 'pending' else 'sent' end,
       now() + n * interval '1 second', now(), case when n % 100 <> 0 then now() end
from generate_series(1, 20000) n
"""


@pytest.fixture
async def connection(database, clock):
    async with Tokenhouse.open(database, clock=clock) as house:
        for nth in range(10):
            await house.account(f"user{nth}")
    opened = await connect(database)
    yield opened
    await opened.close()


async def draft(connection, round_: int, share: int = 9_000) -> Draft:
    (to,) = await notices.list_addressees(connection, [(1, 1)])
    return Draft(
        id=uuid4().hex,
        to=to,
        kind="level",
        subject=str(share),
        facts={},
        share=share,
        round=round_,
        level="warning",
    )


@pytest.mark.row("B4")
async def test_a_level_stands_once_in_a_period_whoever_writes_it(connection):
    await connection.execute(NOTICE.format(round=7))
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await connection.execute(NOTICE.format(round=7))
    assert refusal.value.constraint_name == "notices_once_for_each_subject_and_round"
    assert await notices.write_levels(connection, [await draft(connection, 7)], AT) == set()
    await connection.execute(NOTICE.format(round=8))


@pytest.mark.row("B4", "E2")
async def test_of_many_nodes_at_once_one_writes_also_where_their_periods_differ(database, connection):
    others = [await connect(database) for _ in range(6)]
    drafts = [await draft(connection, round_) for round_ in (1, 2, 1, 2, 3, 3)]
    for hours, written in ((0, 1), (23, 0), (24, 1), (47, 0)):
        at = AT + timedelta(hours=hours)
        ran = await asyncio.gather(
            *(notices.write_levels(other, [one], at) for other, one in zip(others, drafts, strict=True))
        )
        assert sum(len(each) for each in ran) == written
    await asyncio.gather(*(other.close() for other in others))


async def test_nodes_that_write_the_same_accounts_do_not_wait_in_a_ring(database, connection):
    places = [(nth % 64, nth) for nth in range(1, 11)]
    others = [await connect(database) for _ in range(4)]
    everybody = await notices.list_addressees(connection, places)

    async def write(other):
        drafts = [
            Draft(id=uuid4().hex, to=to, kind="level", subject="9000", facts={}, share=9_000, level="warning")
            for to in everybody
        ]
        return len(await notices.write_levels(other, drafts, AT))

    assert sum(await asyncio.gather(*(write(other) for other in others))) == len(everybody) == 10
    await asyncio.gather(*(other.close() for other in others))


def nodes(plan):
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("list_notices_of_account", "notices_pkey"),
        ("list_notices", "notices_by_id"),
        ("sum_notices", "notices_unread"),
        ("list_deliveries", "deliveries_by_id"),
        ("lock_deliveries_due", "deliveries_due"),
        ("find_delivery", "deliveries_by_id"),
    ],
)
async def test_pages_and_the_bell_go_by_an_index(connection, name, index):
    for statement in (SEED, POST, "vacuum analyze"):
        await connection.execute(statement)
    await connection.execute("set plan_cache_mode = force_generic_plan")
    takes = len((await connection.prepare(sql(name))).get_parameters())
    await connection.execute(f"prepare ours as {sql(name)}")
    nulls = ", ".join(["null"] * takes)
    found = await connection.fetchval(f"explain (format json) execute ours ({nulls})")
    plan = list(nodes(json.loads(found)[0]["Plan"]))
    assert index in {node.get("Index Name") for node in plan}
    assert {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"} <= {"accounts"}


async def test_what_was_read_and_what_was_sent_is_forgotten_after_its_time(connection):
    for statement in (SEED, POST):
        await connection.execute(statement)
    later = datetime.now(UTC) + timedelta(days=1)
    assert await notices.write_notices_pruned(connection, later) == 10 * 1_999
    assert await outbox.write_deliveries_pruned(connection, later) == 19_800
    assert await outbox.sum_deliveries(connection) == {"pending": 200}
