"""The portal: every verb of the house without `await`, from many threads, drained when it closes."""

import asyncio
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import tokenhouse
from tokenhouse.errors import Busy, InsufficientCredit, NotFound
from tokenhouse.house import Tokenhouse
from tokenhouse.portal import Portal
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Settings


@pytest.fixture
def house(database: str):
    with tokenhouse.open_sync(database, settings=Settings(plan="points")) as house:
        yield house


def verbs(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_portal_has_every_verb_of_the_house():
    of_coroutines = {"open", "desk", "begin", "begin_turn", "settle_kept", "kept", "keep_schedule"}
    assert verbs(Tokenhouse) - verbs(Portal) == of_coroutines


def test_portal_walks_through_long_answers_line_by_line(house: Portal):
    for ref in ("alice", "bora"):
        house.account(ref)
    assert [line.account for line in house.lines()] == ["alice", "bora"]


def test_a_call_is_charged_what_its_block_records(house: Portal):
    house.account("alice")
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 50}
    with house.call("alice", request) as call:
        assert house.balance("alice").held == 116
        call.record(Usage(input=8, output=3))
    with pytest.raises(ZeroDivisionError), house.call("alice", request):
        raise ZeroDivisionError
    assert [entry.kind for entry in house.history("alice")][:2] == ["release", "charge"]
    assert house.balance("alice").available == 99_978


def test_portal_shows_the_signatures_of_the_house(house: Portal):
    assert inspect.signature(house.reserve) == inspect.signature(Tokenhouse.reserve)
    assert inspect.getdoc(house.reserve) == inspect.getdoc(Tokenhouse.reserve)


def test_call_gives_the_answer_or_raises_the_error(house: Portal):
    house.account("alice")
    reservation = house.reserve("alice", 1_000)
    assert house.settle("alice", reservation.id, 640).amount == 640
    assert house.balance("alice").available == 99_360
    with pytest.raises(InsufficientCredit) as no:
        house.charge("alice", 100_000)
    assert no.value.facts["short_by"] == 640


@pytest.mark.row("E1")
def test_many_threads_spend_exactly_the_budget(house: Portal):
    house.account("alice")
    house.adjust("alice", 50 - 100_000)

    def spend(_: int) -> int:
        try:
            return house.charge("alice", 1).amount
        except InsufficientCredit:
            return 0

    with ThreadPoolExecutor(32) as threads:
        assert sum(threads.map(spend, range(1_000))) == 50
    assert house.balance("alice").available == 0


def test_close_answers_those_under_way_and_takes_no_more(database: str):
    answers = []

    def spend(house: Portal) -> None:
        try:
            answers.append(house.charge("alice", 1).amount)
        except Busy as no:
            answers.append(no.reason)

    with tokenhouse.open_sync(database, settings=Settings(plan="points")) as house:
        house.account("alice")
        threads = [threading.Thread(target=spend, args=(house,)) for _ in range(50)]
        for one in threads:
            one.start()
    for one in threads:
        one.join()
    assert len(answers) == 50
    with pytest.raises(Busy):
        house.balance("alice")
    with tokenhouse.open_sync(database, settings=Settings(plan="points")) as again:
        assert again.balance("alice").used_total == answers.count(1)


def test_portal_works_beside_a_running_loop(database: str):
    async def inside() -> int:
        with tokenhouse.open_sync(database) as house:
            return await asyncio.to_thread(lambda: house.account("alice").address.cell)

    assert asyncio.run(inside()) >= 0


def test_error_inside_the_block_closes_the_house_and_passes(database: str):
    with pytest.raises(NotFound), tokenhouse.open_sync(database) as house:
        house.describe("nobody")
    with pytest.raises(Busy):
        house.describe("nobody")
