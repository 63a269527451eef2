"""Connections: how they are opened, what they carry, and what becomes of the database's troubles."""

import asyncio
import socket
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tokenhouse.errors import DatabaseTrouble, StartRefused
from tokenhouse.store import loans
from tokenhouse.store import pool as store_pool
from tokenhouse.store.pool import address, connect, open_pool, trouble, trouble_translated


async def test_a_pool_gives_connections_that_keep_their_statements(empty_database):
    pool = await open_pool(empty_database, size_max=1)
    for _ in range(2):
        async with pool.acquire() as connection:
            await connection.fetchval("select $1::bigint", 1)
    async with pool.acquire() as connection:
        counted = "select count(*) from pg_prepared_statements where statement = 'select $1::bigint'"
        kept = await connection.fetchval(counted)
        name = await connection.fetchval("show application_name")
    await pool.close()
    assert kept == 1
    assert name == "tokenhouse"


async def test_json_stays_text(empty_database):
    connection = await connect(empty_database)
    row = await connection.fetchrow("""select '{"a": 1}'::json as plain, '{"a": 1}'::jsonb as parsed""")
    await connection.close()
    assert tuple(row) == ('{"a": 1}', '{"a": 1}')


async def test_the_number_of_connections_is_bounded(empty_database, monkeypatch):
    pool = await open_pool(empty_database, size_max=2)
    monkeypatch.setattr(loans, "FREE_WITHIN_S", 0.05)
    async with pool.acquire(), pool.acquire():
        with pytest.raises(DatabaseTrouble, match="no connection was free in 0 s"), trouble_translated():
            async with pool.acquire():
                pytest.fail("a third one")
    await pool.close()


async def test_a_server_that_is_too_old_is_refused(empty_database, monkeypatch):
    monkeypatch.setattr(store_pool, "VERSION_MIN", 99)
    for opened in (connect, open_pool):
        with pytest.raises(StartRefused, match="99 or newer") as refused:
            await opened(empty_database)
        assert refused.value.reason == "postgres_too_old"


@pytest.mark.parametrize(
    "dsn",
    [
        "",
        "localhost",
        "mysql://localhost/app",
        "postgresql://localhost:http/app",
        "postgresql://localhost/app?sslmode=perhaps",
    ],
)
@pytest.mark.parametrize("opened", [connect, open_pool])
async def test_an_address_that_is_none_is_refused(opened, dsn):
    with pytest.raises(StartRefused, match="TOKENHOUSE_DATABASE_URL") as refused:
        await opened(dsn)
    assert refused.value.reason == "postgres_url_invalid"


@pytest.mark.parametrize("opened", [connect, open_pool])
async def test_a_server_that_is_not_there_is_named_without_its_password(opened):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(DatabaseTrouble) as caught:
            await opened(f"postgresql://ann:secret@127.0.0.1:{port}/app")
    assert caught.value.reason == "postgres_away"
    assert f"127.0.0.1:{port}/app" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_database_that_is_not_there_is_said(empty_database):
    with pytest.raises(DatabaseTrouble, match="createdb") as caught:
        await connect(empty_database.replace("tokenhouse_test_", "tokenhouse_none_"))
    assert caught.value.reason == "postgres_no_database"


async def test_a_connection_that_is_cut_means_away(empty_database):
    victim, other = await connect(empty_database), await connect(empty_database)
    waiting = asyncio.ensure_future(victim.execute("select pg_sleep(30)"))
    await other.execute("select pg_terminate_backend($1)", victim.get_server_pid())
    with pytest.raises(DatabaseTrouble) as caught, trouble_translated():
        await waiting
    assert caught.value.reason == "postgres_away"
    with pytest.raises(DatabaseTrouble) as caught, trouble_translated():
        await victim.execute("select 1")
    assert caught.value.reason == "postgres_away"
    await other.close()


async def test_a_write_on_a_server_that_only_reads_is_said(empty_database):
    connection = await connect(empty_database)
    await connection.execute("set default_transaction_read_only = on")
    with pytest.raises(DatabaseTrouble, match="primary") as caught, trouble_translated():
        await connection.execute("create table t (id integer)")
    await connection.close()
    assert caught.value.reason == "postgres_read_only"


async def test_a_broken_law_passes_as_it_is(empty_database):
    connection = await connect(empty_database)
    with pytest.raises(asyncpg.CheckViolationError), trouble_translated():
        await connection.execute("create table t (id integer check (id > 0)); insert into t values (0)")
    await connection.close()


def test_a_fault_of_ours_is_no_trouble_of_the_world():
    assert (
        trouble(asyncpg.InterfaceError("cannot perform operation: another operation is in progress")) is None
    )
    assert trouble(asyncpg.UniqueViolationError("twice")) is None


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (asyncpg.DiskFullError("no space"), "postgres_disk_full"),
        (asyncpg.TooManyConnectionsError("sorry"), "postgres_too_many_connections"),
        (asyncpg.CannotConnectNowError("starting up"), "postgres_away"),
        (asyncpg.AdminShutdownError("terminating"), "postgres_away"),
        (asyncpg.ConnectionDoesNotExistError("in the middle"), "postgres_away"),
        (asyncpg.InvalidPasswordError("no"), "postgres_login_refused"),
        (asyncpg.DeadlockDetectedError("deadlock"), "postgres_conflict"),
        (asyncpg.LockNotAvailableError("lock"), "postgres_locked"),
        (asyncpg.QueryCanceledError("timeout"), "postgres_too_slow"),
        (asyncpg.InvalidSQLStatementNameError("gone"), "postgres_behind_pooler"),
        (ConnectionResetError("reset"), "postgres_away"),
        (asyncpg.InternalClientError("cannot switch to state 12"), "postgres_away"),
        (TimeoutError(), "postgres_away"),
    ],
)
def test_each_trouble_has_its_sentence(raised, reason):
    told = trouble(raised, "db.example:5432/app")
    assert told is not None
    assert told.reason == reason
    assert "db.example" in told.message("en")
    assert "db.example" in told.message("ko")


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://ann:secret@db.example:6432/app?sslmode=require", "db.example:6432/app"),
        ("postgresql://ann@/app?host=/run/pg&password=secret", "/run/pg/app"),
        ("postgresql:///app", "localhost/app"),
        ("postgresql://[::1", "the given address"),
    ],
)
def test_an_address_is_shown_without_secrets(dsn, shown):
    assert address(dsn) == shown


async def test_a_socket_in_a_folder_is_an_address(empty_database):
    asked = parse_qs(urlsplit(empty_database).query)
    if "host" not in asked:
        pytest.skip("the tests run on a server that was given")
    connection = await connect(empty_database)
    assert await connection.fetchval("select inet_server_addr()") is None
    await connection.close()
