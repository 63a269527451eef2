"""Plans of the hot statements on a ledger with some weight: they go by an index and read no table through."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from tokenhouse import Tokenhouse
from tokenhouse.rules.account import opened
from tokenhouse.rules.operations import Charge
from tokenhouse.store import accounts, batch
from tokenhouse.store.accounts import Address, Profile
from tokenhouse.store.batch import Ask
from tokenhouse.store.pool import connect
from tokenhouse.store.statements import sql

ACCOUNTS, ENTRIES = 20_000, 100_000
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
GROWING = {"balances", "entries_2026_11", "idempotency_keys", "directory", "accounts"} | {
    *("usage_marks", "usage_hourly", "usage_monthly"),
    *("orders", "payments", "payment_events", "coupon_redemptions", "coupons", "subscriptions"),
}

PAST = """
insert into tokenhouse.entries (cell, account, seq, at, kind, amount, balance_after, charge, lots, operation,
                                model, usage, rate, source, actor, note, facts, hash)
select b.cell, b.account, 10 + n, $2::timestamptz - n * interval '1 hour', 'charge', -1, 1, 1, '[[2,-1]]',
       gen_random_uuid(), 'm', null, 0, 'provider', '', '', null, '\\x00'
from tokenhouse.balances b, generate_series(1, $1::integer) n
"""
KEYS = """
insert into tokenhouse.idempotency_keys (cell, account, key, operation, digest, at)
select cell, account, 'k', gen_random_uuid(), '\\x00', $1 from tokenhouse.balances
"""
FOLDED = """
with marked as (
    insert into tokenhouse.usage_marks (cell, account, seq) select cell, account, seq from tokenhouse.balances
    returning cell, account
), hourly as (
    insert into tokenhouse.usage_hourly (cell, account, hour, model, api_key, turns, tokens_input,
        tokens_output, tokens, charged)
    select cell, account, date_trunc('hour', $1::timestamptz) - n * interval '1 hour', 'm', '', 1, 0, 0, 1, 1
    from marked, generate_series(1, 5) n
)
insert into tokenhouse.usage_monthly (cell, account, month, charged)
select cell, account, date_trunc('month', $1::timestamptz), account % 999 from marked
"""
SHOPPED = """
with bought as (
    insert into tokenhouse.orders (cell, id, account, type, state, credit, price_minor, currency, method,
        created_at, ended_at, provider, subscription, request_key)
    select cell, gen_random_uuid(), account, 'purchase', case n when 1 then 'pending' else 'completed' end,
           10, 9900, 'KRW', 'card', $1, case when n > 1 then $1::timestamptz end, 'callback',
           case when n = 2 then gen_random_uuid() end, 'key ' || n
    from tokenhouse.balances, generate_series(1, 12) n
    where account % 4 = 0
    returning cell, account, id, state
), paid as (
    insert into tokenhouse.payments (provider, ref, cell, order_id, at)
    select 'callback', 'pay-' || id, cell, id, $1 from bought
), told as (
    insert into tokenhouse.payment_events (id, provider, event, kind, verdict, order_id, digest, received_at,
        decided_at)
    select gen_random_uuid(), 'callback', 'event ' || id, 'paid', 'accepted', id, sha256(''), $1, $1
    from bought
), coupons as (
    insert into tokenhouse.coupons (code, credit, valid_from, created_at)
    select 'CODE' || n, 10, $1, $1 from generate_series(1, 5000) n
)
insert into tokenhouse.coupon_redemptions (cell, account, code, order_id, at)
select cell, account, 'CODE' || account % 5000, id, $1 from bought where state = 'pending'
"""
UPDATES = "select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables where relname = 'balances'"
"""What this session did of late: updates of balances, and those that made no new index entry."""


async def seed(dsn: str, clock: Any) -> None:
    """Write accounts, a journal over several months, and keys."""
    async with Tokenhouse.open(dsn, clock=clock) as house:
        desk = house.desk
        plan, now = desk.catalog.plan("chat-tokens"), desk.now()
        async with desk.pool.acquire() as connection:
            async with connection.transaction():
                profiles = [Profile(ref=f"u{number}") for number in range(ACCOUNTS)]
                made = await accounts.write_profiles(connection, profiles, now)
                fresh = [(one.cell, *opened(one.account, plan, now)) for one in made]
                await accounts.write_opened(connection, fresh, now)
                await connection.execute(PAST, ENTRIES // ACCOUNTS, clock())
                await connection.execute(KEYS, clock())
                await connection.execute(FOLDED, clock())
                await connection.execute(SHOPPED, clock())
            await connection.execute("vacuum analyze")


@pytest.fixture(scope="module")
def heavy(postgres) -> Iterator[str]:
    """Return a database with some weight, made once for all tests of this file."""
    dsn = postgres.make()
    postgres.run(seed(dsn, lambda: NOW))
    yield dsn
    postgres.drop(dsn)


async def plan_of(dsn: str, statement: str, *, lane: bool) -> list[dict[str, Any]]:
    """Return the nodes of the plan for all parameters: a lane's, or the one that the planner likes best."""
    connection = await connect(dsn)
    try:
        if lane:
            await batch.begin(connection)
        await connection.execute("set plan_cache_mode = force_generic_plan")
        takes = len((await connection.prepare(statement)).get_parameters())
        await connection.execute(f"prepare ours as {statement}")
        nulls = ", ".join(["null"] * takes)
        found = await connection.fetchval(f"explain (format json) execute ours ({nulls})")
    finally:
        await connection.close()
    return list(nodes(json.loads(found)[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's node and all below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def read_through(plan: list[dict[str, Any]]) -> list[str]:
    """Return the growing tables that a plan reads from end to end."""
    scanned = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
    return sorted(scanned & GROWING)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("lock_balances", "balances_pkey"),
        ("list_balances", "balances_pkey"),
        ("write_batch", "balances_pkey"),
        ("list_keys", "idempotency_keys_pkey"),
        ("list_entries_of_operations", "entries_2026_11_cell_operation_idx"),
        ("find_balance", "balances_pkey"),
        ("list_entries", "entries_2026_11_pkey"),
        ("find_address", "directory_pkey"),
        ("find_account", "accounts_pkey"),
        ("list_accounts", "accounts_pkey"),
        ("list_lapsing", "balances_pkey"),
        ("list_due", "balances_pkey"),
        ("list_near_level", "balances_pkey"),
        ("list_expiring", "balances_pkey"),
        ("list_addressees", "balances_pkey"),
        ("list_accounts_by_ref", "accounts_by_ref"),
        ("list_accounts_by_email", "accounts_by_email"),
        ("list_accounts_by_name", "accounts_by_name"),
        ("list_accounts_within", "accounts_by_ref"),
        ("list_accounts_by_part", "accounts_by_part"),
        ("list_accounts_below", "accounts_by_parent"),
        ("list_places_out_of_use", "balances_out_of_use"),
        ("list_places_among", "balances_pkey"),
        ("list_profiles", "accounts_pkey"),
        ("list_entries_filtered", "entries_2026_11_pkey"),
        ("find_entry_after", "entries_2026_11_pkey"),
        ("find_entry_since", "entries_2026_11_pkey"),
        ("find_last_entry", "entries_2026_11_pkey"),
        ("find_entry", "entries_2026_11_pkey"),
        ("list_entries_of_operation", "entries_2026_11_cell_operation_idx"),
        ("list_entries_of_lots", "entries_2026_11_pkey"),
        ("list_unfolded", "balances_pkey"),
        ("list_unfolded", "usage_marks_pkey"),
        ("write_fold", "entries_2026_11_pkey"),
        ("list_usage", "balances_pkey"),
        ("list_usage", "entries_2026_11_pkey"),
        ("list_users_among", "usage_hourly_pkey"),
        ("list_users_among", "entries_2026_11_pkey"),
        ("list_months_by_charge", "usage_monthly_by_charge"),
        ("list_months", "entries_2026_11_pkey"),
        ("list_months", "entries_2026_11_cell_account_seq_idx"),
        ("find_entry_count", "entries_2026_11_pkey"),
        ("find_order", "orders_by_id"),
        ("find_order_anywhere", "orders_by_id"),
        ("find_order_by_request", "orders_by_account"),
        ("find_order_of_subscription", "orders_by_subscription"),
        ("list_orders", "orders_by_account"),
        ("list_orders_left", "orders_pending"),
        ("write_orders_ended", "orders_by_id"),
        ("write_order_failed", "orders_by_id"),
        ("find_payment", "payments_pkey"),
        ("find_payment_event", "payment_events_accepted_once"),
        ("list_payment_events", "payment_events_pkey"),
        ("find_redemption", "coupon_redemptions_pkey"),
        ("write_redemption_undone", "coupon_redemptions_pkey"),
        ("write_coupon_used", "coupons_pkey"),
    ],
)
async def test_a_hot_statement_goes_by_its_index(heavy: str, name: str, index: str):
    plan = await plan_of(heavy, sql(name), lane=False)
    assert read_through(plan) == []
    assert index in {node.get("Index Name") for node in plan}


WITH_TIMES = {
    "list_entries_of_credit": (
        "entries_2026_11_cell_account_seq_idx",
        "1, 1, 100, 1, array['grant'], '2026-11-01', '2026-12-01', 50",
    ),
    "list_entries_by_time": (
        "entries_2026_11_at_idx",
        "'2026-11-21 01:30', '2026-11-21 02:00', 1, 1, 1, 50",
    ),
}
"""Statements whose times leave out whole months when they run, so that a plan for no time at all is empty."""


@pytest.mark.parametrize("name", WITH_TIMES)
async def test_a_statement_with_times_goes_by_its_index(heavy: str, name: str):
    index, values = WITH_TIMES[name]
    connection = await connect(heavy)
    try:
        await connection.execute(f"set plan_cache_mode = force_generic_plan; prepare ours as {sql(name)}")
        found = await connection.fetchval(f"explain (format json) execute ours ({values})")
    finally:
        await connection.close()
    plan = list(nodes(json.loads(found)[0]["Plan"]))
    assert read_through(plan) == []
    assert index in {node.get("Index Name") for node in plan}


@pytest.mark.parametrize(
    "name", ["lock_balances", "list_balances", "write_batch", "list_entries_of_operations"]
)
async def test_a_lane_goes_by_the_index_of_a_table_that_is_still_empty(database: str, name: str):
    plan = await plan_of(database, sql(name), lane=True)
    scanned = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
    assert scanned <= {"catalog"}


async def test_a_change_of_a_balance_stays_in_its_page(heavy: str):
    async with Tokenhouse.open(heavy, clock=lambda: NOW) as house:
        connection = await connect(heavy)
        try:
            rows = await connection.fetch("select ref, cell, path from tokenhouse.directory limit 200")
            addresses = [Address(row["ref"], row["cell"], tuple(row["path"])) for row in rows]
            for _ in range(5):
                await charge_each(connection, house, addresses)
            updates = await connection.fetchrow(UPDATES)
        finally:
            await connection.close()
    assert updates["n_tup_upd"] == 5 * 200
    assert updates["n_tup_hot_upd"] == 5 * 200


async def charge_each(connection: asyncpg.Connection, house: Tokenhouse, addresses: list[Address]) -> None:
    """Carry out a batch that changes every one of these accounts."""
    loop = asyncio.get_running_loop()
    asks = [
        Ask(
            cell=one.cell,
            path=one.path,
            ref=one.ref,
            operation=Charge(id=house.desk.new_id(), charge=1),
            answer=loop.create_future(),
        )
        for one in addresses
    ]
    await batch.run_locked(connection, asks, house.desk.catalog, house.desk.now())
