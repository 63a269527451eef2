"""Remembered answers: ten minutes old at most, the same on all nodes, forgotten on all; Redis may be lost."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.redis_server import RedisServer, redis_server
from tokenhouse import Price, Tokenhouse, Usage
from tokenhouse.errors import InsufficientCredit, StartRefused
from tokenhouse.flow.remembered import ANSWERS_MAX, KEPT_S
from tokenhouse.settings import Settings
from tokenhouse.store import shelf as shelves
from tokenhouse.store.shelf import open_shelf


@pytest.fixture
async def house(database: str, clock: Clock) -> AsyncIterator[Tokenhouse]:
    async with Tokenhouse.open(database, clock=clock) as opened:
        yield opened


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with redis_server(tmp_path) as server:
        yield server


async def accounts(house: Tokenhouse) -> int:
    """Return how many accounts the overview says there are."""
    return (await house.overview()).value.overview.accounts


async def accounts_become(house: Tokenhouse, count: int) -> None:
    """Wait until a node has heard that its answers are to be forgotten."""
    async with asyncio.timeout(5):
        while await accounts(house) != count:  # noqa: ASYNC110 -- what is waited for is another node's word
            await asyncio.sleep(0.01)


@pytest.mark.row("B5")
async def test_an_answer_is_given_again_for_ten_minutes(house: Tokenhouse, clock: Clock):
    first = await house.overview()
    assert first.cached_at == clock.now
    await house.account("alice")
    clock.move(seconds=KEPT_S - 1)
    assert await house.overview() is first
    clock.move(seconds=1)
    second = await house.overview()
    assert (second.cached_at, second.value.overview.accounts) == (clock.now, 1)


async def test_an_answer_dated_ahead_by_a_clock_that_went_back_is_found_out_anew(
    house: Tokenhouse, clock: Clock
):
    await house.overview()
    await house.account("alice")
    clock.move(hours=-1)
    assert await accounts(house) == 1


@pytest.mark.row("B5")
async def test_those_who_ask_at_once_share_one_answer(house: Tokenhouse):
    found = await asyncio.gather(*(house.overview() for _ in range(20)))
    assert len({id(one) for one in found}) == 1
    assert (await house.overview(top=5)) is not found[0]


async def test_a_question_that_failed_is_asked_again(house: Tokenhouse):
    async def fails() -> int:
        raise ZeroDivisionError

    async def works() -> int:
        return 7

    with pytest.raises(ZeroDivisionError):
        await house.desk.remembered.of("q", int, fails)
    assert (await house.desk.remembered.of("q", int, works)).value == 7


async def test_answers_are_few(house: Tokenhouse):
    async def works() -> int:
        return 7

    for number in range(ANSWERS_MAX + 10):
        await house.desk.remembered.of(f"q{number}", int, works)
    assert len(house.desk.remembered._kept) <= ANSWERS_MAX


@pytest.mark.row("B5")
async def test_an_answer_that_was_on_its_way_when_all_were_forgotten_is_not_kept(house: Tokenhouse):
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> int:
        begun.set()
        await go.wait()
        return 1

    async def anew() -> int:
        return 2

    asking = asyncio.create_task(house.desk.remembered.of("q", int, slow))
    await begun.wait()
    await house.forget_statistics()
    go.set()
    assert (await asking).value == 1
    assert (await house.desk.remembered.of("q", int, anew)).value == 2


@pytest.mark.row("B5")
async def test_what_one_node_forgets_all_forget(house: Tokenhouse, database: str, clock: Clock):
    async with Tokenhouse.open(database, clock=clock) as other:
        assert (await accounts(house), await accounts(other)) == (0, 0)
        await house.account("alice")
        assert (await accounts(house), await accounts(other)) == (0, 0)
        await house.forget_statistics()
        assert await accounts(house) == 1
        await accounts_become(other, 1)


@pytest.mark.row("B5")
async def test_nodes_share_what_one_of_them_found_out(
    database: str, clock: Clock, redis: RedisServer, tmp_path: Path
):
    settings = Settings(home=tmp_path, redis_url=redis.url)
    async with (
        Tokenhouse.open(database, settings=settings, clock=clock) as one,
        Tokenhouse.open(database, settings=settings, clock=clock) as two,
    ):
        first = await one.overview()
        await one.account("alice")
        clock.move(minutes=3)
        second = await two.overview()
        assert second == first
        [place] = await redis.client.keys("tokenhouse:*")
        assert 0 < await redis.client.ttl(place) <= KEPT_S
        await one.forget_statistics()
        await accounts_become(two, 1)
        assert await accounts(one) == 1
        clock.move(minutes=10)
        await two.account("bob")
        assert await accounts(two) == 2
        assert await accounts(one) == 2


@pytest.mark.row("B5", "E13")
async def test_a_redis_that_is_lost_changes_no_answer_and_says_so_once(
    database: str, clock: Clock, redis: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    settings = Settings(home=tmp_path, redis_url=redis.url)
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.overview()
        await redis.kill()
        with caplog.at_level(logging.WARNING, "tokenhouse.shelf"):
            await house.account("alice")
            clock.move(minutes=11)
            assert await accounts(house) == 1
            await house.account("bob")
            await house.forget_statistics()
            assert await accounts(house) == 2
    assert len([one for one in caplog.records if one.name == "tokenhouse.shelf"]) == 1


@pytest.mark.row("B5")
async def test_what_another_release_left_in_redis_is_not_believed(
    database: str, clock: Clock, redis: RedisServer, tmp_path: Path
):
    settings = Settings(home=tmp_path, redis_url=redis.url)
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        place = f"tokenhouse:{house.desk.spool.name}:statistics"
        for nonsense in (b"", b"[1,2]", b'["2026-11-21T03:00:00Z",{"overview":{}}]', b"\xff"):
            await redis.client.hset(place, "overview 100", nonsense)
            await house.overview()
            assert await redis.client.hget(place, "overview 100") != nonsense
            await house.forget_statistics()


async def test_a_redis_that_is_back_is_used_again(
    redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shelves, "ALONE_S", 0.0)
    shelf = open_shelf(redis.url, "d")
    await shelf.put("q", b"1", 60)
    assert await shelf.find("q") == b"1"
    await redis.kill()
    assert await shelf.find("q") is None
    await shelf.close()


@pytest.mark.parametrize("url", ["http://elsewhere", "redis://host:not-a-port/0", "nothing"])
def test_an_address_of_no_redis_stops_the_start(url: str):
    with pytest.raises(StartRefused, match="redis_url"):
        open_shelf(url, "d")


def test_a_redis_without_its_extra_stops_the_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(StartRefused, match=r"tokenhouse\[redis\]"):
        open_shelf("redis://127.0.0.1", "d")


@pytest.mark.row("B5")
async def test_every_answer_comes_back_from_redis_as_it_was(
    database: str, clock: Clock, redis: RedisServer, tmp_path: Path
):
    settings = Settings(home=tmp_path, redis_url=redis.url, plan="money")
    async with (
        Tokenhouse.open(database, settings=settings, clock=clock) as one,
        Tokenhouse.open(database, settings=settings, clock=clock) as two,
    ):
        await one.account("alice")
        order = await one.order("alice", 10**10, price=Price(minor=9_900))
        await one.complete_order("alice", order.id)
        await one.add_rates([{"model": "m", "input": "2.5", "output": "10", "unit": "dollar"}])
        for _ in range(3):
            await one.charge("alice", 3_000, model="m", usage=Usage(input=1_000, output=7))
            clock.move(days=1)
        with pytest.raises(InsufficientCredit):
            await one.charge("alice", 10**12)
        questions = ("overview", "curve", "patterns", "costs", "purchases", "refusals", "outlook")
        found = {name: await getattr(one, name)() for name in questions}
        await one.charge("alice", 3_000, model="m", usage=Usage(input=1_000, output=7))
        assert {name: await getattr(two, name)() for name in questions} == found
