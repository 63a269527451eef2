"""Migrations on a real database: in order, once, whole, by several nodes at once, and never by guess."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pglast
import pytest

from tokenhouse.errors import DatabaseTrouble, StartRefused
from tokenhouse.store.migrate import FOLDER, LOCK, migrate, migrations, status
from tokenhouse.store.pool import connect

ONE = "create table tokenhouse.one (id integer primary key);"
TWO = "create table tokenhouse.two (id integer primary key);\ninsert into tokenhouse.two values (2);"


@pytest.fixture
async def connection(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(empty_database)
    yield opened
    await opened.close()


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes migrations into a folder of their own."""
    made = 0

    def write(**files: str) -> Path:
        nonlocal made
        made += 1
        folder = tmp_path / str(made)
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name.removeprefix('_')}.sql").write_text(text)
        return folder

    return write


async def standings(connection, folder) -> list[tuple[int, str]]:
    return [(each.version, each.state) for each in await status(connection, folder=folder)]


async def test_they_are_applied_in_order_and_once(connection, written):
    folder = written(_0002_two=TWO, _0001_one=ONE)
    assert await standings(connection, folder) == [(1, "pending"), (2, "pending")]
    assert [each.file for each in await migrate(connection, folder=folder)] == [
        "0001_one.sql",
        "0002_two.sql",
    ]
    assert await migrate(connection, folder=folder) == ()
    assert await standings(connection, folder) == [(1, "applied"), (2, "applied")]
    assert await connection.fetchval("select id from tokenhouse.two") == 2


async def test_status_changes_nothing(connection, written):
    await status(connection, folder=written(_0001_one=ONE))
    assert not await connection.fetchval(
        "select exists (select from pg_namespace where nspname = 'tokenhouse')"
    )


async def test_a_later_release_applies_what_is_new(connection, written):
    await migrate(connection, folder=written(_0001_one=ONE))
    applied = await migrate(connection, folder=written(_0001_one=ONE, _0002_two=TWO))
    assert [each.version for each in applied] == [2]


async def test_a_failed_one_leaves_no_trace_and_those_before_it_stay(connection, written):
    folder = written(_0001_one=ONE, _0002_two=f"{TWO}\nselect 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, folder=folder)
    assert await standings(connection, folder) == [(1, "applied"), (2, "pending")]
    assert await connection.fetchval("select to_regclass('tokenhouse.two')") is None
    assert await connection.fetchval("show lock_timeout") == "0"


async def test_nodes_that_start_at_once_apply_each_once(empty_database, written):
    slow = f"{ONE}\nselect pg_sleep(0.2);"
    folder = written(_0001_one=slow, _0002_two=TWO)
    nodes = await asyncio.gather(*(connect(empty_database) for _ in range(8)))
    try:
        done = await asyncio.gather(*(migrate(node, folder=folder) for node in nodes))
    finally:
        await asyncio.gather(*(node.close() for node in nodes))
    assert sorted(each.version for applied in done for each in applied) == [1, 2]


async def test_a_node_waits_for_another_only_so_long(connection, empty_database, written):
    other = await connect(empty_database)
    async with other.transaction():
        await other.execute("select pg_advisory_xact_lock($1)", LOCK)
        with pytest.raises(DatabaseTrouble, match="Another node") as trouble:
            await migrate(connection, folder=written(_0001_one=ONE), wait_s=0.1)
    await other.close()
    assert trouble.value.reason == "migration_busy"


async def test_a_table_in_use_is_waited_for_only_so_long(connection, empty_database, written):
    await migrate(connection, folder=written(_0001_one=ONE))
    folder = written(_0001_one=ONE, _0002_more="alter table tokenhouse.one add column more integer;")
    other = await connect(empty_database)
    async with other.transaction():
        await other.execute("select from tokenhouse.one")
        with pytest.raises(DatabaseTrouble, match=r"0002_more\.sql") as trouble:
            await migrate(connection, folder=folder, lock_s=0.1)
    await other.close()
    assert trouble.value.reason == "migration_locked_out"
    assert [each.version for each in await migrate(connection, folder=folder)] == [2]


async def test_a_changed_file_is_refused(connection, written):
    await migrate(connection, folder=written(_0001_one=ONE))
    changed = written(_0001_one=f"{ONE} -- better", _0002_two=TWO)
    assert await standings(connection, changed) == [(1, "changed"), (2, "pending")]
    with pytest.raises(StartRefused, match=r"0001_one\.sql") as refused:
        await migrate(connection, folder=changed)
    assert refused.value.reason == "migration_changed"
    assert await connection.fetchval("select to_regclass('tokenhouse.two')") is None


async def test_line_ends_of_a_checkout_are_no_change(connection, written):
    await migrate(connection, folder=written(_0001_two=TWO))
    windows = written()
    (windows / "0001_two.sql").write_bytes(TWO.replace("\n", "\r\n").encode())
    assert await migrate(connection, folder=windows) == ()


async def test_a_newer_schema_is_refused(connection, written):
    await migrate(connection, folder=written(_0001_one=ONE, _0002_two=TWO))
    older = written(_0001_one=ONE)
    assert await standings(connection, older) == [(1, "applied"), (2, "unknown")]
    with pytest.raises(StartRefused, match=r"version 2.*knows 1") as refused:
        await migrate(connection, folder=older)
    assert refused.value.reason == "schema_newer"


async def test_a_lost_file_is_refused(connection, written):
    await migrate(connection, folder=written(_0001_one=ONE, _0002_two=TWO))
    with pytest.raises(StartRefused, match=r"0001_one\.sql") as refused:
        await migrate(connection, folder=written(_0002_two=TWO))
    assert refused.value.reason == "migration_lost"


async def test_a_number_below_the_newest_is_refused(connection, written):
    await migrate(connection, folder=written(_0002_two=TWO))
    with pytest.raises(StartRefused, match="next free number") as refused:
        await migrate(connection, folder=written(_0001_one=ONE, _0002_two=TWO))
    assert refused.value.reason == "migration_out_of_order"


async def test_a_user_without_rights_is_told_which(connection, empty_database, postgres, written):
    role = f"weak_{empty_database.rpartition('/')[2].partition('?')[0]}"
    await connection.execute(f'create role "{role}"')
    try:
        await connection.execute(f'set role "{role}"')
        with pytest.raises(DatabaseTrouble, match="permission denied") as trouble:
            await migrate(connection, folder=written(_0001_one=ONE))
    finally:
        await connection.execute("reset role")
        await connection.execute(f'drop role "{role}"')
    assert trouble.value.reason == "postgres_not_allowed"


def test_a_file_that_is_named_otherwise_is_refused(written):
    with pytest.raises(ValueError, match="NNNN_what"):
        migrations(written(first=ONE))


def test_a_number_stands_once(written):
    with pytest.raises(ValueError, match="one number"):
        migrations(written(_0001_one=ONE, _0001_two=TWO))


@pytest.mark.parametrize("migration", migrations(FOLDER), ids=lambda each: each.file)
def test_ours_parse_and_leave_the_transaction_to_the_runner(migration):
    kinds = {type(each.stmt).__name__ for each in pglast.parse_sql(migration.text)}
    assert "TransactionStmt" not in kinds


async def test_works_of_before_are_moved_into_their_one_table(connection, tmp_path):
    before = tmp_path / "before"
    before.mkdir()
    for one in migrations(FOLDER):
        if one.version < 20:
            (before / one.file).write_text(one.text)
    await migrate(connection, folder=before)
    await connection.execute("""
        insert into tokenhouse.verifications (id, account, state, started_at, started_by, seen_at, ended_at,
                                              entries_total, verdict)
        values (gen_random_uuid(), 'alice', 'broken', now(), 'kim', now(), now(), 7, '{"found": 1}'),
               (gen_random_uuid(), null, 'running', now(), 'kim', now(), null, 7, null);
        insert into tokenhouse.simulations (id, source, plans, state, started_at, started_by, seen_at,
                                            ended_at, outcome)
        values (gen_random_uuid(), 'trace', '{quota}', 'failed', now(), '', now(), now(),
                '{"reason": "trace_empty", "facts": {"field": "trace"}}'),
               (gen_random_uuid(), 'sample', '{a,b}', 'done', now(), '', now(), now(),
                '{"outcome": {"x": 1}}');
        """)
    await connection.execute(
        "insert into tokenhouse.audit_log (at, actor, action, subject, reason, address) "
        "values (now(), 'kim', 'samples.loaded', 'samples', '', '')"
    )
    await migrate(connection)
    rows = await connection.fetch(
        "select kind, state, asked ->> 'account', asked ->> 'plans', outcome ->> 'x', problem ->> 'reason', "
        "ended_at is not null from tokenhouse.works order by kind, state"
    )
    assert [tuple(row) for row in rows] == [
        ("samples", "done", None, None, None, None, True),
        ("simulate", "done", None, '["a","b"]', "1", None, True),
        ("simulate", "failed", None, '["quota"]', None, "trace_empty", True),
        ("verify", "done", "alice", None, None, None, True),
        ("verify", "lost", None, None, None, None, True),
    ]
