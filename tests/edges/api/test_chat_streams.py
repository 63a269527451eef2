"""The chat over a scripted provider and raw ASGI: word by word, cut, left, failed, and what each costs."""

import asyncio
import json
import logging

import pytest

from tests.edges.gateway.client import Client
from tests.edges.gateway.provider import Provider, Says
from tests.edges.gateway.words import CHAT, DONE, MESSAGES, STREAMS, USAGE, WORDS, chat, event
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.settings import Chat, Upstream

pytestmark = pytest.mark.row("B1", "E2")

PATH = "/api/v1/chat/sessions/s/messages"
SYSTEM = "Be brief."
INPUT = 25
"""Tokens of the question: the system prompt, `hi`, and what surrounds them."""
WHOLE = [*WORDS, chat(finish="stop"), USAGE, DONE]


@pytest.fixture
async def provider():
    async with Provider(lambda _: Says.stream(*WHOLE)) as one:
        yield one


@pytest.fixture
def settings(provider):
    terms = {"url": f"http://127.0.0.1:{provider.port}", "key": "sk-the-operators-own"}
    return {
        "upstream": (
            Upstream(name="open", models=("gpt-*",), rename={"gpt-ours": "gpt-theirs"}, **terms),
            Upstream(name="anth", models=("claude-*",), protocol="anthropic", **terms),
        ),
        "chat": Chat(model="gpt-4o", models=("claude-opus", "gpt-ours"), system=SYSTEM, output_tokens=50),
        "plan": "points",
    }


def chat_of(service):
    """Return the chat of a server."""
    api = service.app._api
    while not hasattr(api, "state"):  # What guards it on its way in.
        api = api._app
    return api.state.chat


class Talk:
    """Alice at her conversation, and what the books say of it."""

    def __init__(self, service, secret):
        self.service, self.house, self.secret = service, service.house, secret

    def say(self, message="hi", *, path=PATH, **how):
        """Begin a turn; `stream` goes into the body, and further headers into the request."""
        body = {"message": message} | ({"stream": True} if how.pop("stream", False) else {})
        body |= how.pop("members", {})
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.secret}"}
        headers |= how.pop("headers", {})
        return Client(self.service.app, path, json.dumps(body).encode(), headers, **how)

    async def messages(self):
        """Return what is kept of the conversation."""
        return await self.house.chat_messages("alice", "s")

    async def charges(self):
        """Return the entries that ended the account's calls, the first one first."""
        found = await self.house.history("alice", kinds=("charge", "release", "lapse"))
        return found[::-1]


@pytest.fixture
async def talk(service):
    secret = await service.key("alice")
    await service.house.open_chat("alice", "s")
    yield Talk(service, secret)
    assert (await service.house.balance("alice")).held == 0, "a reservation is left open"
    assert (await service.house.verify()).findings == ()


def told(content):
    """Return the events of a stream: names and documents."""
    found = []
    for one in content.decode().removesuffix("\n\n").split("\n\n"):
        name, _, data = one.partition("\ndata: ")
        found.append((name.removeprefix("event: "), json.loads(data)))
    return found


def gated(chunks):
    """Return a script in which each chunk waits for its gate, and the gates."""
    gates = [asyncio.Event() for _ in chunks]
    return gates, [part for pair in zip(gates, chunks, strict=True) for part in pair]


async def until(answer):
    """Return when something is so."""
    while not answer():  # noqa: ASYNC110 -- whoever makes it so tells nobody
        await asyncio.sleep(0.001)


async def test_an_answer_comes_word_by_word(talk, provider):
    gates, script = gated(WHOLE)
    provider.says = lambda _: Says.stream(*script)
    client = talk.say(stream=True)
    chunks = client.chunks()
    gates[0].set()
    ((name, start),) = told(await anext(chunks))
    assert (name, start) == ("start", {"session": "s", "title": "hi", "seq": 1})
    assert told(await anext(chunks)) == [("delta", {"text": "one"})]
    for gate, word in zip(gates[1:5], (" two", " three", " four", " five"), strict=True):
        gate.set()
        assert told(await anext(chunks)) == [("delta", {"text": word})]
    assert await talk.charges() == [], "not charged before it has ended"
    for gate in gates:
        gate.set()
    ((name, done),) = told(await anext(chunks))
    assert (name, done["message"]["content"]) == ("done", "one two three four five")
    assert done["points_info"]["deducted"] == 26
    assert [chunk async for chunk in chunks] == []
    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    (entry,) = await talk.charges()
    assert (entry.charge, entry.facts["session"]) == (26, "s")


async def test_the_provider_is_asked_in_its_own_words(talk, provider):
    await talk.say().body()
    (asked,) = provider.asked
    assert asked.path == "/chat/completions"
    assert asked.document["messages"] == [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "hi"},
    ]
    assert (asked.document["stream"], asked.document["max_completion_tokens"]) == (True, 50)
    assert asked.document["stream_options"] == {"include_usage": True}
    assert asked.headers["authorization"] == "Bearer sk-the-operators-own"
    (entry,) = await talk.charges()
    assert asked.headers["x-request-id"] == entry.operation


async def test_a_model_of_anthropic_answers_as_well(talk, provider):
    await talk.house.open_chat("alice", "c", model="claude-opus")
    provider.says = lambda _: Says.stream(*STREAMS[MESSAGES])
    path = PATH.replace("/s/", "/c/")
    answer = await talk.say(path=path).document()
    assert (answer["message"]["content"], answer["message"]["model"]) == ("one two", "claude-opus")
    (asked,) = provider.asked
    assert (asked.path, asked.document["system"]) == ("/messages", SYSTEM)
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert asked.headers["x-api-key"] == "sk-the-operators-own"
    assert [one["role"] for one in asked.document["messages"]] == ["user"]


async def test_a_model_may_have_another_name_there(talk, provider):
    await talk.house.open_chat("alice", "o", model="gpt-ours")
    await talk.say(path=PATH.replace("/s/", "/o/")).document()
    assert provider.asked[0].document["model"] == "gpt-theirs"


@pytest.mark.row("E6")
@pytest.mark.parametrize("policy", ["charge-delivered", "drain", "free-if-nothing"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("words", [0, 3])
async def test_a_caller_that_hangs_up_finds_what_was_said(talk, provider, policy, stream, words):
    document = {"name": "points", "signup": {"amount": 100_000}, "call": {"on_disconnect": policy}}
    await talk.house.write_plan(document | {"unit": {"name": "point", "symbol": "P", "decimals": 0}})
    gates, script = gated(WHOLE)
    provider.says = lambda _: Says.stream(*script)
    client = talk.say(stream=stream)
    await until(lambda: provider.asked)
    for gate in gates[:words]:
        gate.set()
    if stream and words:
        chunks, heard = client.chunks(), b""
        while b" three" not in heard:
            heard += await anext(chunks)
    else:
        await until(lambda: provider.written >= sum(map(len, WHOLE[:words])))
        await asyncio.sleep(0.01)
    client.hang_up()
    if policy == "drain":
        await asyncio.sleep(0)
        for gate in gates:
            gate.set()
    await asyncio.wait_for(client.task, 5)
    (entry,) = await talk.charges()
    if policy == "drain":
        assert (entry.charge, entry.source) == (13, "provider")
    elif policy == "free-if-nothing" and not words:
        assert (entry.kind, await talk.messages()) == ("release", [])
        return
    else:
        assert entry.usage.get("output", 0) == words
        await asyncio.wait_for(provider.asked[0].gone.wait(), 5)
    question, answer = await talk.messages()
    assert (question.content, answer.ended, answer.charge) == ("hi", "disconnect", entry.charge)
    said = "one two three four five" if policy == "drain" else " ".join(["one", "two", "three"][:words])
    assert answer.content == said


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_breaks_off_is_kept_as_far_as_it_came(talk, provider, stream):
    provider.says = lambda _: Says.stream(*WORDS[:2], "cut")
    content = await talk.say(stream=stream).body()
    done = told(content)[-1][1] if stream else json.loads(content)
    assert (done["message"]["content"], done["message"]["ended"]) == ("one two", "cut")
    assert (await talk.messages())[1].charge == done["points_info"]["deducted"] > 0


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("says", "status"),
    [
        (Says.whole({"error": {"message": "no, sk-the-operators-own"}}, 500), 502),
        (Says.whole({"error": {"message": "slow down"}}, 429), 502),
        (Says.stream("reset"), 502),
        (Says.stream("cut"), 502),
        (Says.stream(event({"error": {"message": "overloaded"}}), DONE), 502),
    ],
)
async def test_a_provider_that_fails_costs_nothing_and_leaves_nothing(
    talk, provider, caplog, stream, says, status
):
    provider.says = lambda _: says
    with caplog.at_level(logging.ERROR):
        client = talk.say(stream=stream)
        problem = await client.document()
    assert (client.status, problem["code"]) == (status, "upstream_trouble")
    assert "sk-the-operators-own" not in caplog.text + json.dumps(problem)
    (entry,) = await talk.charges()
    assert (entry.kind, await talk.messages()) == ("release", [])
    provider.says = lambda _: Says.stream(*WHOLE)
    assert (await talk.say().document())["message"]["ended"] == "complete"


async def test_a_model_that_nobody_has_is_said_so(talk, provider, service):
    await service.house.open_chat("alice", "c", model="claude-opus")
    chat_of(service).upstreams.routes._remembered["claude-opus"] = ()
    client = talk.say(path=PATH.replace("/s/", "/c/"))
    problem = await client.document()
    assert (client.status, problem["code"]) == (404, "not_found")
    assert await talk.charges() == []


@pytest.mark.row("E6")
async def test_an_answer_beyond_its_account_is_stopped(talk, provider):
    unit = {"name": "point", "symbol": "P", "decimals": 0}
    document = {"name": "points", "unit": unit, "signup": {"amount": 100_000}}
    await talk.house.write_plan(document | {"call": {"stop_stream": True}})
    await talk.house.charge("alice", 100_000 - 60)
    long = [chat(" word" * 100) for _ in range(40)]
    provider.says = lambda _: Says.stream(*long, chat(finish="stop"), DONE)
    answer = await talk.say().document()
    assert answer["message"]["ended"] == "stopped"
    assert (await talk.messages())[1].content.startswith(" word word")


@pytest.mark.row("D8")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_charge_that_cannot_be_written_stops_no_answer_and_neither_is_lost(
    talk, provider, monkeypatch, stream
):
    real, away = talk.house.desk.carry_out, True

    async def carry_out(desk, address, operation, **more):
        if away and type(operation).__name__ == "Settle":
            raise DatabaseTrouble("database_trouble")
        return await real(address, operation, **more)

    monkeypatch.setattr(type(talk.house.desk), "carry_out", carry_out)
    content = await talk.say(stream=stream).body()
    done = told(content)[-1][1] if stream else json.loads(content)
    assert (done["message"]["content"], done["settled"]) == ("one two three four five", False)
    assert done["points_info"]["deducted"] == 26
    assert [one.role for one in await talk.messages()] == ["user"], "the answer waits with its charge"
    away = False
    monkeypatch.undo()
    replayed = await talk.house.settle_kept().replay()
    assert replayed.settled <= 1
    await until_settled(talk)
    session = await talk.house.chat("alice", "s")
    assert (session.turns, session.tokens, session.charged) == (1, 13, 26)
    assert (await talk.messages())[1].content == "one two three four five"


async def until_settled(talk):
    """Return when the answer is kept."""
    while len(await talk.messages()) < 2:  # noqa: ASYNC110 -- as above
        await asyncio.sleep(0.01)


async def test_a_server_that_stops_charges_and_keeps_what_was_said(talk, provider):
    provider.says = lambda _: Says.stream(*WORDS[:2], "hang")
    client = talk.say(stream=True)
    chunks, heard = client.chunks(), b""
    while b" two" not in heard:
        heard += await anext(chunks)
    await talk.service.app._gateway.close()
    ((name, error),) = told(await anext(chunks))
    assert (name, error["code"]) == ("error", "busy")
    _, answer = await talk.messages()
    assert (answer.content, answer.ended) == ("one two", "cut")
    refused = talk.say()
    assert ((await refused.document())["code"], refused.status) == ("busy", 503)


async def test_nobody_is_told_of_a_failure_after_leaving(talk, provider):
    unit = {"name": "point", "symbol": "P", "decimals": 0}
    document = {"name": "points", "unit": unit, "signup": {"amount": 100_000}}
    await talk.house.write_plan(document | {"call": {"on_disconnect": "drain"}})
    gate = asyncio.Event()
    provider.says = lambda _: Says([gate, b"{}"], 500)
    client = talk.say()
    await until(lambda: provider.asked)
    client.hang_up()
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait_for(client.task, 5)
    assert client.heard.empty()
    assert await talk.messages() == []


@pytest.mark.row("D8", "E3")
async def test_a_reservation_that_cannot_be_released_lapses(talk, provider, monkeypatch, caplog, clock):
    async def release(*_, **__):
        raise DatabaseTrouble("database_trouble")

    provider.says = lambda _: Says.whole({"error": {"message": "no"}}, 500)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr("tokenhouse.flow.settle.release", release)
        assert (await talk.say().document())["code"] == "upstream_trouble"
    assert "left to lapse" in caplog.text
    clock.move(minutes=16)
    await talk.house.sweep()


async def test_a_refusal_is_told_also_where_the_balance_cannot_be_read(talk, monkeypatch):
    await talk.house.charge("alice", 100_000)

    async def balance(*_, **__):
        raise DatabaseTrouble("database_trouble")

    monkeypatch.setattr(type(talk.house), "balance", balance)
    client = talk.say(path="/api/chat", members={"session_id": "s"})
    problem = await client.document()
    monkeypatch.undo()
    assert (client.status, problem["success"]) == (402, False)
    assert "current_points" not in problem


async def test_thinking_is_charged_and_not_shown(talk, provider):
    thought = event({"choices": [{"index": 0, "delta": {"reasoning_content": "hmm"}}]})
    provider.says = lambda _: Says.stream(thought, *WHOLE)
    assert (await talk.say().document())["message"]["content"] == "one two three four five"


async def test_an_answer_that_comes_whole_is_an_answer(talk, provider):
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "all at once"}}]}
    body["choices"][0]["finish_reason"] = "length"
    provider.says = lambda _: Says.whole(body | {"usage": {"prompt_tokens": 8, "completion_tokens": 3}})
    message = (await talk.say().document())["message"]
    assert (message["content"], message["ended"]) == ("all at once", "length")


@pytest.mark.row("E2")
async def test_a_key_at_work_is_waited_for(talk, provider):
    gate = asyncio.Event()
    provider.says = lambda _: Says.stream(gate, *WHOLE)
    headers = {"idempotency-key": "k"}
    first = talk.say(headers=headers)
    await until(lambda: provider.asked)
    second = talk.say(headers=headers)
    assert ((await second.document())["code"], second.status) == ("still_running", 409)
    gate.set()
    answer = await first.document()
    assert (await talk.say(headers=headers).document())["message"] == answer["message"]
    assert len(provider.asked) == 1


@pytest.mark.row("E1", "A2")
async def test_turns_at_once_are_each_charged_once(talk, provider):
    clients = [talk.say(f"number {number}", stream=bool(number % 2)) for number in range(12)]
    for client in clients:
        await client.body()
    session = await talk.house.chat("alice", "s")
    assert (session.turns, session.tokens, session.charged) == (12, 12 * 13, 12 * 26)
    assert [one.seq for one in await talk.messages()] == list(range(1, 25))


def test_the_words_of_these_tests_are_those_of_the_gateways():
    assert STREAMS[CHAT] == WHOLE
