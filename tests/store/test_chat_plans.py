"""Plans of the chat's statements where many accounts chat: each goes to one account's rows by an index."""

from collections.abc import Iterator

import pytest

from tests.store.test_query_plans import plan_of
from tokenhouse.store.pool import connect
from tokenhouse.store.statements import sql

SESSIONS = """
insert into tokenhouse.chat_sessions (cell, account, id, created_at)
select a % 64, a, 's' || n, now() - n * interval '1 hour'
from generate_series(1, 500) a, generate_series(1, 20) n
"""
MESSAGES = """
insert into tokenhouse.chat_messages (cell, account, session, seq, role, content, length, model, operation,
                                      key, at)
select s.cell, s.account, s.id, n, case n % 2 when 1 then 'user' else 'assistant' end, 'said', 1, 'demo',
       gen_random_uuid(), case n % 2 when 1 then 'k' || n else '' end, now()
from tokenhouse.chat_sessions s, generate_series(1, 10) n
"""


@pytest.fixture(scope="module")
def talkative(postgres) -> Iterator[str]:
    """Return a database with many conversations, made once for all tests of this file."""
    dsn = postgres.make()

    async def seed() -> None:
        connection = await connect(dsn)
        try:
            for statement in (SESSIONS, MESSAGES, "vacuum analyze"):
                await connection.execute(statement)
        finally:
            await connection.close()

    postgres.run(seed())
    yield dsn
    postgres.drop(dsn)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("find_chat", "chat_sessions_pkey"),
        ("list_chats", "chat_sessions_newest_first"),
        ("write_chat_amended", "chat_sessions_pkey"),
        ("write_chat_erased", "chat_messages_pkey"),
        ("write_chat_unasked", "chat_messages_pkey"),
        ("list_chat_turn", "chat_messages_one_per_key"),
        ("list_chat_messages", "chat_messages_pkey"),
        ("list_chat_history", "chat_messages_pkey"),
        ("write_turns", "chat_sessions_pkey"),
    ],
)
async def test_a_statement_of_the_chat_goes_by_its_index(talkative: str, name: str, index: str):
    plan = await plan_of(talkative, sql(name), lane=name == "write_turns")
    read = {node.get("Relation Name") for node in plan if node["Node Type"] == "Seq Scan"}
    assert read.isdisjoint({"chat_sessions", "chat_messages"})
    assert index in {node.get("Index Name") for node in plan}
