"""Conversations: kept, found, put away and erased, each its account's own; and their turns, step by step."""

import json
import logging

import pytest

from tokenhouse import Tokenhouse
from tokenhouse.errors import DatabaseTrouble, InvalidInput, KeyReused, NotFound, StillRunning
from tokenhouse.flow import turn as turns
from tokenhouse.flow.turn import Said, Turn
from tokenhouse.providers.base import Measured
from tokenhouse.rules.usage import Usage
from tokenhouse.settings import Chat, Settings

ANSWERED = Measured(usage=Usage(input=20, output=10), text="one two", model="demo", finished=True)


@pytest.fixture
def terms():
    """Return the settings of the chat; a test may have its own."""
    return Chat(system="Be brief.", output_tokens=100)


@pytest.fixture
async def house(database, clock, tmp_path, terms):
    settings = Settings(home=tmp_path, chat=terms, plan="points")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as opened:
        await opened.account("alice", locale="ko")
        await opened.account("bora")
        yield opened
        verdict = await opened.verify()
        assert verdict.findings == ()


async def say(house, message, session="s", *, ref="alice", answer="one two", **how):
    """Have a turn, answered by a provider that says the same every time."""
    turn = await house.begin_turn(ref, message, session=session, create=True, **how)
    said = await turn.finish(answer, ANSWERED)
    return turn, said


def asked(turn):
    """Return what the provider is asked: roles and texts."""
    return [(one["role"], one["content"]) for one in turn.request.document["messages"]]


@pytest.mark.row("A2", "B1")
async def test_a_turn_is_kept_with_what_it_cost(house, clock):
    turn, said = await say(house, "안녕하세요!\n오늘 날씨는?")
    assert (said.message.content, said.message.charge, said.message.tokens) == ("one two", 60, 30)
    session = await house.chat("alice", "s")
    assert (session.title, session.turns, session.tokens, session.charged) == ("안녕하세요!", 1, 30, 60)
    (entry,) = await house.history("alice", kinds=("charge",))
    assert (entry.facts["session"], entry.operation) == ("s", said.message.operation)
    question, answer = await house.chat_messages("alice", "s")
    assert (question.role, question.content, question.seq) == ("user", "안녕하세요!\n오늘 날씨는?", 1)
    assert answer == said.message
    assert turn.call.reservation.id == question.operation
    assert said.balance.remaining == 99_940


@pytest.mark.row("B1")
async def test_a_model_is_told_what_was_said_before(house):
    await say(house, "first", answer="one")
    await say(house, "second", answer="two")
    turn, _ = await say(house, "third")
    assert asked(turn) == [
        ("system", "Be brief."),
        ("user", "first"),
        ("assistant", "one"),
        ("user", "second"),
        ("assistant", "two"),
        ("user", "third"),
    ]


@pytest.mark.parametrize("terms", [Chat(history_tokens=24)])
async def test_the_oldest_turns_stay_behind(house):
    for number in range(120):
        await say(house, f"question {number}", answer="yes")
    turn, _ = await say(house, "last")
    assert [text for _, text in asked(turn)] == ["question 118", "yes", "question 119", "yes", "last"]


@pytest.mark.parametrize("terms", [Chat(context_tokens=64, output_tokens=16)])
async def test_a_message_that_no_context_holds_is_refused_before_it_costs_anything(house):
    with pytest.raises(InvalidInput, match="room for 48"):
        await house.begin_turn("alice", "word " * 100, session="s", create=True)
    assert (await house.balance("alice")).held == 0
    assert await house.chats("alice") == []


@pytest.mark.parametrize("message", ["", "  \n ", "a\0b", "\ud800", 7, "x" * 32_001])
async def test_what_cannot_be_kept_is_not_taken(house, message):
    with pytest.raises(InvalidInput):
        await house.begin_turn("alice", message)


async def test_an_answer_that_no_database_holds_is_kept_without_what_is_wrong(house):
    _, said = await say(house, "hi", answer="a\0b\ud800c")
    assert said.message.content == "abc"
    assert (await house.chat_messages("alice", "s"))[1].content == "abc"


@pytest.mark.row("A2", "E2")
async def test_two_turns_at_once_are_two_turns(house):
    first = await house.begin_turn("alice", "one", session="s", create=True)
    second = await house.begin_turn("alice", "two", session="s")
    assert (await second.finish("2", ANSWERED)).message.seq == 4
    assert (await first.finish("1", ANSWERED)).message.seq == 2
    told = [(one.role, one.content) for one in await house.chat_messages("alice", "s")]
    assert told == [("user", "one"), ("assistant", "1"), ("user", "two"), ("assistant", "2")]
    assert (await house.chat("alice", "s")).charged == 120


@pytest.mark.row("D8", "E3")
async def test_what_costs_nothing_leaves_nothing(house):
    turn = await house.begin_turn("alice", "hi", session="s", create=True)
    await turn.withdraw("error")
    assert await house.chat_messages("alice", "s") == []
    turn = await house.begin_turn("alice", "hi", session="s")
    assert await turn.finish("", Measured(), "error") is None
    assert await house.chat_messages("alice", "s") == []
    assert (await house.balance("alice")).available == 100_000


async def test_what_is_told_of_an_answer_is_how_it_ended(house):
    turn = await house.begin_turn("alice", "hi")
    assert (await turn.finish("so f", Measured(text="so f"), "disconnect")).message.ended == "disconnect"
    turn = await house.begin_turn("alice", "hi")
    assert (await turn.finish("so f", ANSWERED, capped=True)).message.ended == "length"


@pytest.mark.row("E2")
async def test_a_repeated_key_brings_the_first_answer(house):
    _, said = await say(house, "hi", key="k")
    again = await house.begin_turn("alice", "hi", session="s", key="k")
    assert isinstance(again, Said)
    assert again.replayed
    assert again.message == said.message
    with pytest.raises(KeyReused):
        await house.begin_turn("alice", "ho", session="s", key="k")
    assert (await house.chat("alice", "s")).turns == 1
    _, other = await say(house, "hi", key="another")
    assert not other.replayed


@pytest.mark.row("E2", "E3")
async def test_a_key_at_work_is_waited_for_until_its_turn_can_end_no_more(house, clock):
    await house.begin_turn("alice", "hi", session="s", create=True, key="k")
    with pytest.raises(StillRunning):
        await house.begin_turn("alice", "hi", session="s", key="k")
    clock.move(minutes=16)
    turn = await house.begin_turn("alice", "hi", session="s", key="k")
    assert isinstance(turn, Turn)
    await turn.finish("at last", ANSWERED)
    assert [one.content for one in await house.chat_messages("alice", "s")] == ["hi", "at last"]


async def meanwhile(house, what, **how):
    """Begin a turn while something else happens between its admission and its question."""

    async def begin(needs):
        call = await house.begin("alice", needs)
        await what()
        return call

    how = {"session": "s", "create": True, "protocol_of": lambda _: "openai", "key": None} | how
    return await turns.begin_turn(house.desk, begin, "alice", "hi", **how)


@pytest.mark.row("E1", "E3")
async def test_a_question_that_comes_twice_at_once_is_asked_once(house):
    async def faster():
        await say(house, "hi", key="k")

    with pytest.raises(StillRunning):
        await meanwhile(house, faster, key="k")
    assert (await house.balance("alice")).held == 0
    assert (await house.begin_turn("alice", "hi", session="s", key="k")).replayed


@pytest.mark.row("E3")
async def test_a_conversation_that_is_erased_meanwhile_is_not_begun_again(house):
    await say(house, "hi")

    async def erase():
        await house.erase_chat("alice", "s")

    with pytest.raises(StillRunning):
        await meanwhile(house, erase)
    assert (await house.balance("alice")).held == 0
    assert await house.chat_messages("alice", "s") == []


def away(*_, **__):
    """Let a step fail, as if the database were away."""
    raise DatabaseTrouble("postgres_away", problem="gone")


@pytest.mark.row("D8", "E3")
async def test_a_question_that_cannot_be_written_holds_no_credit(house, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("tokenhouse.store.chat.write_chat_asked", away)
        with pytest.raises(DatabaseTrouble):
            await house.begin_turn("alice", "hi", session="s", create=True)
    assert (await house.balance("alice")).held == 0


@pytest.mark.row("D8")
async def test_a_question_that_cannot_be_taken_back_stays_without_an_answer(house, monkeypatch, caplog):
    turn = await house.begin_turn("alice", "hi", session="s", create=True)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr("tokenhouse.store.chat.write_chat_unasked", away)
        await turn.withdraw("error")
    assert "question 1 of s stays" in caplog.text
    assert [one.role for one in await house.chat_messages("alice", "s")] == ["user"]
    assert asked((await say(house, "again"))[0])[1:] == [("user", "again")], "no model is told of it"


@pytest.mark.row("D8")
async def test_an_answer_that_neither_database_nor_disk_takes_is_still_told(
    house, monkeypatch, clock, caplog
):
    turn = await house.begin_turn("alice", "hi", session="s", create=True)
    with monkeypatch.context() as patched, caplog.at_level(logging.CRITICAL):
        patched.setattr("tokenhouse.flow.settle_later.SettleLater.settle", away)
        said = await turn.finish("one two", ANSWERED)
    assert (said.message.content, said.settled) == ("one two", False)
    assert "is not settled" in caplog.text
    clock.move(minutes=20)
    await house.sweep()


@pytest.mark.parametrize("terms", [Chat(message_chars_max=100_000, context_tokens=200_000)])
async def test_a_long_message_is_counted_like_a_short_one(house):
    turn, _ = await say(house, "word " * 20_000)
    (question, _) = await house.chat_messages("alice", "s")
    assert question.length == 20_001 + 4
    assert len(asked(turn)[0][1]) == 100_000


@pytest.mark.row("E2")
async def test_an_answer_that_comes_after_its_reservation_lapsed_is_charged_and_kept(house, clock):
    turn = await house.begin_turn("alice", "hi", session="s", create=True)
    clock.move(minutes=20)
    await house.sweep()
    assert (await turn.finish("late", ANSWERED)).message.charge == 60
    session = await house.chat("alice", "s")
    assert (session.turns, session.tokens, session.charged) == (1, 30, 60)


@pytest.mark.row("B1", "C1")
async def test_an_account_sees_its_own_conversations_alone(house):
    await say(house, "mine")
    for verb in (
        house.chat("bora", "s"),
        house.chat_messages("bora", "s"),
        house.amend_chat("bora", "s", title="x"),
        house.erase_chat("bora", "s"),
        house.begin_turn("bora", "hi", session="s"),
        anext(house.export_chat("bora", "s")),
    ):
        with pytest.raises(NotFound):
            await verb
    assert await house.chats("bora", search="mine") == []
    await say(house, "hers", ref="bora")
    assert [one.content for one in await house.chat_messages("alice", "s")] == ["mine", "one two"]


@pytest.mark.row("A2", "E8")
async def test_a_conversation_that_a_company_pays_is_still_its_users_own(house):
    await house.account("acme", kind="company")
    await house.account("dana", parent="acme")
    _, said = await say(house, "hi", ref="dana")
    assert (await house.chat("dana", "s")).charged == said.message.charge == 60
    (used,) = await house.history("dana", kinds=("use",))
    (paid,) = await house.history("acme", kinds=("charge",))
    assert (used.facts["session"], used.charge, paid.charge) == ("s", 60, 60)
    assert "session" not in paid.facts
    assert await house.chats("acme", archived=None) == []


@pytest.mark.row("B8")
async def test_conversations_are_listed_by_use_and_put_away(house, clock):
    for name in "abc":
        await say(house, f"about {name}", name)
        clock.move(minutes=1)
    await say(house, "again", "a")
    assert [one.id for one in await house.chats("alice")] == ["a", "c", "b"]
    first = await house.chats("alice", rows_max=2)
    below = (first[-1].updated_at, first[-1].id)
    assert [one.id for one in await house.chats("alice", below=below)] == ["b"]
    assert (await house.amend_chat("alice", "b", archived=True)).archived_at == clock()
    clock.move(minutes=1)
    assert (await house.amend_chat("alice", "b", archived=True)).archived_at < clock()
    assert [one.id for one in await house.chats("alice")] == ["a", "c"]
    assert [one.id for one in await house.chats("alice", archived=True)] == ["b"]
    assert len(await house.chats("alice", archived=None)) == 3
    assert (await house.amend_chat("alice", "b", archived=False)).archived_at is None
    await house.amend_chat("alice", "b", archived=True, title="B, put away")
    await say(house, "back", "b")
    session = await house.chat("alice", "b")
    assert (session.archived_at, session.title) == (None, "B, put away")


@pytest.mark.row("B1")
async def test_any_part_of_what_was_said_is_found(house):
    await say(house, "오늘 날씨가 어떤가요?", "weather", answer="서울은 맑습니다.")
    await say(house, "What does 100%_of it cost?", "cost")
    await say(house, "Garden", "garden")
    for text, found in {
        "날씨": ["weather"],
        "맑습": ["weather"],
        "울은 맑": ["weather"],
        "\u1102\u1161\u11af\u110a\u1175": ["weather"],  # 날씨, letter by letter, as some systems write it.
        "GARD": ["garden"],
        "0%_o": ["cost"],
        "%": ["cost"],
        "\\": [],
        "비": [],
    }.items():
        assert [one.id for one in await house.chats("alice", search=text)] == found, text


@pytest.mark.parametrize("below", [5, (), (1, "a"), ("2026-11-21", "a")])
async def test_a_place_that_is_none_is_refused(house, below):
    with pytest.raises(InvalidInput):
        await house.chats("alice", below=below)


async def test_a_conversation_is_opened_once(house):
    named = await house.open_chat("alice", "s", title="Plans", model="demo")
    assert await house.open_chat("alice", "s", title="Other") == named
    keyed = await house.open_chat("alice", key="k")
    assert await house.open_chat("alice", key="k") == keyed
    assert (await house.open_chat("alice")).id not in {named.id, keyed.id}
    with pytest.raises(InvalidInput):
        await house.open_chat("alice", model="gpt-4o")
    with pytest.raises(NotFound):
        await house.begin_turn("alice", "hi", session="nowhere")


@pytest.mark.row("A2", "B1")
async def test_erasing_takes_what_was_said_and_leaves_what_it_cost(house):
    await say(house, "secret")
    running = await house.begin_turn("alice", "more", session="s")
    erased = await house.erase_chat("alice", "s")
    assert (erased.title, erased.turns, erased.charged) == ("", 1, 60)
    await running.finish("late", ANSWERED)
    assert (await house.erase_chat("alice", "s")).erased_at == erased.erased_at
    assert await house.chat_messages("alice", "s") == []
    assert (await house.chat("alice", "s")).charged == 120
    with pytest.raises(NotFound):
        await house.begin_turn("alice", "hi", session="s")
    with pytest.raises(NotFound):
        await house.amend_chat("alice", "s", title="back")


@pytest.mark.row("B1")
async def test_a_conversation_is_exported_for_people_and_programs(house):
    for number in range(101):
        await say(house, f"question {number}")
    whole = json.loads("".join([piece async for piece in house.export_chat("alice", "s")]))
    assert (whole["session"]["account"], whole["session"]["turns"]) == ("alice", 101)
    assert [one["seq"] for one in whole["messages"]] == list(range(1, 203))
    assert whole["messages"][1]["usage"] == {"input": 20, "output": 10}
    page = "".join([piece async for piece in house.export_chat("alice", "s", form="markdown")])
    head, first, *_ = page.split("\n## ")
    assert head == "# question 0\n\n101번 주고받음, 3,030 토큰\n"
    assert first == "나 · 2026-11-21 03:00\n\nquestion 0\n"
    assert "\n## demo · 2026-11-21 03:00\n\none two\n" in page
    with pytest.raises(InvalidInput):
        await anext(house.export_chat("alice", "s", form="pdf"))


@pytest.mark.row("A2")
async def test_verify_sees_a_session_that_says_something_else_than_its_entries(house):
    await say(house, "hi")
    async with house.desk.pool.acquire() as connection:
        change = "update tokenhouse.chat_sessions set {0} = {0} + 5"
        for column, figure in (("metered", "tokens"), ("charged", "charge")):
            await connection.execute(f"update tokenhouse.chat_sessions set {column} = {column} - 5")
            (finding,) = (await house.verify()).findings
            assert (finding.check, finding.figure) == ("chat", f"{figure} of session s")
            assert finding.expected - finding.found == 5
            await connection.execute(change.format(column))
