"""Words between nodes: heard by all, within a second, also after a connection broke."""

import asyncio
import logging

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow import bus as flow_bus
from tokenhouse.store.pool import connect


@pytest.fixture
async def nodes(database, clock):
    async with Tokenhouse.open(database, clock=clock) as one, Tokenhouse.open(database, clock=clock) as two:
        yield one.desk.bus, two.desk.bus


async def listeners(database):
    connection = await connect(database)
    try:
        query = "select pid from pg_stat_activity where application_name = 'tokenhouse bus'"
        query += " and datname = current_database()"
        return [row["pid"] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def until(true):
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0.01)


async def test_every_node_hears_a_word_the_speaker_at_once_and_once(nodes):
    one, two = nodes
    here, there, elsewhere = [], [], []
    one.hear("keys", here.append)
    two.hear("keys", there.append)
    two.hear("figures", elsewhere.append)
    await one.attentive.wait()
    await two.attentive.wait()
    assert await one.tell("keys", "a") is True
    assert here == ["a"]
    await two.tell("keys", "b")
    await until(lambda: "b" in here and "a" in there)
    await one.tell("figures")
    await until(lambda: elsewhere)
    assert (here, sorted(there), elsewhere) == (["a", "b"], ["a", "b"], [""])


async def test_a_node_without_listeners_opens_no_connection(nodes, database):
    one, two = nodes
    await one.tell("keys", "a")
    assert await listeners(database) == []
    two.hear("keys", print)
    two.hear("keys", print)
    two.hear("figures", print)
    await two.attentive.wait()
    assert len(await listeners(database)) == 1


async def test_a_connection_that_broke_is_replaced_and_what_was_missed_is_said(nodes, database, caplog):
    one, two = nodes
    heard, missed = [], []
    two.hear("keys", heard.append, missed=lambda: missed.append(len(heard)))
    await two.attentive.wait()
    assert missed == [0]
    (pid,) = await listeners(database)
    admin = await connect(database)
    await admin.execute(f"select pg_terminate_backend({pid})")
    await admin.close()
    await until(lambda: len(missed) == 2)
    await one.tell("keys", "after")
    await until(lambda: heard == ["after"])
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_listener_that_comes_later_is_told_that_words_went_by(nodes):
    one, _ = nodes
    one.hear("keys", print)
    await one.attentive.wait()
    missed = []
    one.hear("figures", print, missed=lambda: missed.append(1))
    assert missed == [1]


async def test_a_silent_connection_is_asked_whether_it_is_there(nodes, monkeypatch):
    monkeypatch.setattr(flow_bus, "ALIVE_EVERY_S", 0.01)
    _, two = nodes
    asked = []

    async def asks(connection):
        asked.append(connection)
        if len(asked) == 2:
            raise TimeoutError

    monkeypatch.setattr(flow_bus.doctor, "find_version", asks)
    two.hear("keys", print)
    await until(lambda: len(asked) > 2)
    assert asked[0] is asked[1] is not asked[2]


async def test_words_of_strangers_and_listeners_that_fail_disturb_nobody(nodes, database, caplog):
    one, two = nodes
    heard = []

    def fails(_text):
        raise ValueError("no")

    two.hear("keys", fails)
    two.hear("keys", heard.append)
    await two.attentive.wait()
    stranger = await connect(database)
    await stranger.execute("notify tokenhouse, 'hello'")
    await stranger.close()
    await one.tell("keys", "a")
    await until(lambda: heard == ["a"])
    assert "not ours" in caplog.text
    assert "a listener of keys failed" in caplog.text


async def test_a_database_that_is_away_is_said_and_this_node_has_heard(nodes):
    one, _ = nodes
    heard = []
    one.hear("keys", heard.append)

    class Away:
        def acquire(self):
            raise DatabaseTrouble("postgres_away", problem="away")

        def afterwards(self, _told):
            return False

    there, one._pool = one._pool, Away()
    try:
        assert await one.tell("keys", "a") is False
    finally:
        one._pool = there
    assert heard == ["a"]


async def test_it_goes_on_trying_while_nobody_can_be_reached(nodes, monkeypatch, caplog):
    monkeypatch.setattr(flow_bus, "PAUSE_S", 0.001)
    one, _ = nodes
    dial, tried = one._dial, []

    async def cut():
        tried.append(1)
        if len(tried) < 4:
            raise ConnectionRefusedError("cut")
        if len(tried) == 4:
            raise RuntimeError("a fault")
        return await dial()

    one._dial = cut
    one.hear("keys", print)
    await one.attentive.wait()
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 1
    assert "a fault" in caplog.text
