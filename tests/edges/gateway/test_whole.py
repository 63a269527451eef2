"""Whole answers: passed on unchanged, charged by what the provider says, before they are sent."""

import json

import pytest

from tests.edges.gateway.provider import Says
from tests.edges.gateway.words import BODIES, CHAT, EMBEDDINGS, MESSAGES, METERED, SAID, WHOLE
from tokenhouse.edges.gateway import visit as gateway_visit
from tokenhouse.providers.tokens import BYTES_PER_TOKEN

pytestmark = pytest.mark.row("E6")


@pytest.mark.parametrize("path", METERED)
async def test_an_answer_is_passed_on_as_it_is_and_charged(gate, path):
    client = gate.call(path)
    assert await client.document() == WHOLE[path]
    assert client.status == 200
    entry = await gate.entry()
    assert entry.charge == (8 if path == EMBEDDINGS else 13)
    assert (entry.source, entry.model) == ("provider", BODIES[path]["model"])
    assert entry.actor.startswith("key th_")
    assert client.headers["x-tokenhouse-remaining"] == str(100_000 - entry.charge), "after the charge"
    assert int(client.headers["content-length"]) == len(json.dumps(WHOLE[path]))


@pytest.mark.parametrize("path", METERED)
async def test_the_demo_answers_in_process(gate, path):
    client = gate.call(path, model="demo", demo={"tokens": 20})
    await client.document()
    (call,) = gate.demo.log.calls
    assert (await gate.entry()).charge == call.tokens_input + call.tokens_output
    assert call.tokens_output == (0 if path == EMBEDDINGS else 20)


async def test_unknown_fields_and_any_bytes_go_through_untouched(gate):
    body = b'{ "model":"gpt-4o","messages":[{"role":"user","content":"h\\u00ef"}],"max_completion_tokens":50,'
    body += b'"odd":123456789012345678901234567890.10,\n"metadata":{"a":[1,{}]}}'
    gate.provider.says = lambda _: Says([b'{"odd" : 1e400, "choices":[{"finish_reason":"stop"}]}'])
    client = gate.send(CHAT, body)
    assert await client.body() == b'{"odd" : 1e400, "choices":[{"finish_reason":"stop"}]}'
    (asked,) = gate.provider.asked
    assert asked.body == body
    assert asked.path == "/base/chat/completions"


async def test_a_model_goes_by_its_providers_name(gate):
    await gate.call(CHAT, model="ours", max_completion_tokens=9).body()
    assert gate.provider.asked[0].document == BODIES[CHAT] | {
        "model": "gpt-theirs",
        "max_completion_tokens": 9,
    }
    entry = await gate.entry()
    assert (entry.model, entry.facts["answered"]) == ("ours", "gpt-4o-2024")


@pytest.mark.row("E1", "E6")
@pytest.mark.parametrize("path", [path for path in METERED if path != EMBEDDINGS])
async def test_the_output_is_capped_at_what_the_account_can_pay_and_the_entry_says_so(gate, path):
    await gate.house.account("poor", plan="prepaid")
    await gate.house.adjust("poor", -99_900)
    secret = (await gate.house.create_key("poor")).secret
    cap = {"max_tokens": 4_000} if path not in (CHAT, "/v1/responses") else {}
    await gate.call(path, headers={"authorization": f"Bearer {secret}"}, **cap).body()
    sent = gate.provider.asked[0].document
    field = {CHAT: "max_completion_tokens", "/v1/responses": "max_output_tokens"}.get(path, "max_tokens")
    entry = next(one for one in await gate.house.history("poor") if one.kind == "charge")
    assert 80 < sent[field] < 100
    assert entry.facts["cap"] == sent[field]


async def test_several_answers_to_one_question_are_all_paid(gate):
    await gate.house.account("poor", plan="prepaid")
    await gate.house.adjust("poor", -99_900)
    told = {"authorization": f"Bearer {(await gate.house.create_key('poor')).secret}"}
    client = gate.call(CHAT, headers=told, model="demo-large", n=3, demo={"tokens": 5_000})
    document = await client.document()
    lengths = document["usage"]["completion_tokens"]
    assert len(document["choices"]) == 3
    assert {choice["finish_reason"] for choice in document["choices"]} == {"length"}
    balance = await gate.house.balance("poor")
    assert balance.available == 100 - document["usage"]["total_tokens"] >= 0
    assert lengths % 3 == 0


@pytest.mark.row("D8")
async def test_without_the_providers_usage_the_answer_is_counted(gate):
    gate.provider.says = lambda _: Says.whole({**WHOLE[CHAT], "usage": None})
    await gate.call(CHAT).body()
    entry = await gate.entry()
    assert (entry.source, entry.usage) == ("estimated", {"input": 8, "output": 2})


async def test_tools_and_images_pass(gate):
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    said = [{"role": "user", "content": [{"type": "text", "text": "see"}, image]}]
    await gate.call(CHAT, messages=said, tools=[tool], tool_choice="auto").body()
    assert gate.provider.asked[0].document["messages"] == said
    assert gate.provider.asked[0].document["tools"] == [tool]


async def test_an_answer_too_large_to_keep_is_relayed_and_charged_by_its_length(gate, monkeypatch):
    monkeypatch.setattr(gateway_visit, "KEPT_BYTES_MAX", 1_000)
    parts = [b'{"choices":[' + b" " * 900, b" " * 900, b" " * 1_199 + b"]}"]
    gate.provider.says = lambda _: Says(parts)
    client = gate.call(CHAT)
    assert await client.body() == b"".join(parts)
    assert "content-length" not in client.headers
    entry = await gate.entry()
    assert (entry.source, entry.facts["marks"]) == ("estimated", ["unread"])
    assert entry.usage["output"] == -(-len(b"".join(parts)) // BYTES_PER_TOKEN)


@pytest.mark.row("B2")
async def test_an_account_near_its_end_is_warned_in_header_and_body(gate):
    await gate.plan(name="chat-tokens", signup={"amount": 0}, allowance=[{"amount": 1_000, "every": "month"}])
    await gate.house.account("b", plan="chat-tokens")
    told = {"authorization": f"Bearer {(await gate.house.create_key('b')).secret}"}
    client = gate.call(CHAT, headers=told, max_completion_tokens=10)
    assert await client.document() == WHOLE[CHAT]
    assert "x-tokenhouse-warning" not in client.headers
    await gate.house.charge("b", 900)
    client = gate.call(CHAT, headers=told, max_completion_tokens=10)
    document = await client.document()
    assert document.pop("tokenhouse") == {
        "level": "WARNING",
        "message": "92.6 % are used and 7.4 % are left: 74 tokens.",
        "remainingTokens": 74,
        "estimatedTurns": 0,
    }
    assert document == WHOLE[CHAT]
    assert client.headers["x-tokenhouse-warning"] == "WARNING"
    assert client.headers["x-tokenhouse-used-percent"] == "92.6"
    await gate.house.charge("b", 30)
    client = gate.call(MESSAGES, headers=told, messages=SAID, max_tokens=10)
    assert (await client.document())["tokenhouse"]["level"] == "CRITICAL"
