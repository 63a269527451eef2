"""Noes: a provider's own passed on and not charged; ours in the words of the caller's protocol."""

import asyncio
import json
import logging

import pytest

from tests.edges.gateway.provider import Says
from tests.edges.gateway.words import BODIES, CHAT, COUNT, EMBEDDINGS, MESSAGES, METERED
from tokenhouse.errors import DatabaseTrouble

pytestmark = pytest.mark.row("E6", "E7")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503, 529])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_providers_error_is_passed_on_and_not_charged(gate, path, status, stream):
    error = {"error": {"message": "no", "type": "theirs", "code": "odd"}, "more": [1]}
    said = Says.whole(
        error, status, retry_after="7", x_request_id="theirs-1", set_cookie="a=b", server="theirs"
    )
    gate.provider.says = lambda _: said
    client = gate.call(path, stream=stream)
    assert await client.document() == error
    assert client.status == status
    told = client.headers
    assert (told["content-type"], told["retry-after"], told["x-request-id"]) == (
        "application/json",
        "7",
        "theirs-1",
    )
    assert not {"set-cookie", "server", "transfer-encoding"} & told.keys()
    assert told["x-tokenhouse-remaining"] == "100000"
    assert (await gate.entry()).kind == "release"


async def test_an_error_that_is_no_json_is_passed_on_as_it_is(gate):
    gate.provider.says = lambda _: Says([b"<html>", b"bad gateway"], 502, {"content-type": "text/html"})
    client = gate.call(CHAT)
    assert await client.body() == b"<html>bad gateway"
    assert (client.status, client.headers["content-type"]) == (502, "text/html")


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_the_demos_errors_are_passed_on(gate, status):
    client = gate.call(CHAT, model=f"demo-error-{status}")
    await client.document()
    assert client.status == status
    assert (await gate.entry()).kind == "release"


async def test_an_upstream_that_is_not_there_is_said_so(gate):
    gate.provider._server.close()
    await gate.provider._server.wait_closed()
    for path, code in ((CHAT, "upstream_error"), (MESSAGES, None)):
        client = gate.call(path, stream=True)
        error = (await client.document())["error"]
        assert (client.status, error.get("code")) == (502, code)
        assert "cannot be reached" in error["message"]
        assert "127.0.0.1" not in json.dumps(error)
        assert "x-should-retry" not in client.headers
        assert client.headers["x-tokenhouse-remaining"] == "100000"
    assert {entry.kind for entry in await gate.entries()} == {"release"}


@pytest.mark.parametrize("says", [Says(["cut"]), Says(["reset"]), Says([b'{"choices":', "cut"])])
async def test_a_whole_answer_that_breaks_off_is_an_error_and_free(gate, says):
    gate.provider.says = lambda _: says
    client = gate.call(CHAT)
    await client.document()
    assert client.status == 502
    assert (await gate.entry()).kind == "release"


@pytest.mark.parametrize("behave", ["cut", "reset"])
async def test_half_an_answer_of_the_demo_is_an_error_and_free(gate, behave):
    client = gate.call(CHAT, model=f"demo-{behave}")
    await client.document()
    assert client.status == 502
    assert (await gate.entry()).kind == "release"


async def test_an_upstream_that_sends_elsewhere_is_not_followed(gate):
    gate.provider.says = lambda _: Says([], 307, {"location": "/elsewhere"})
    client = gate.call(CHAT)
    await client.body()
    assert client.status == 502
    assert len(gate.provider.asked) == 1


class TestSlow:
    """Upstreams that keep nobody waiting for ever."""

    @pytest.fixture
    def upstream(self):
        return {"first_byte_s": 0.2, "idle_s": 0.2}

    @pytest.mark.parametrize("says", [Says(["hang"]), Says.stream("hang")])
    async def test_a_silent_one_is_a_time_out_and_free(self, gate, says):
        gate.provider.says = lambda _: says
        client = gate.call(CHAT, stream=says.headers["content-type"].startswith("text"))
        error = (await client.document())["error"]
        assert (client.status, error["code"]) == (504, "upstream_timeout")
        assert "within 0.2 s" in error["message"]
        assert (await gate.entry()).kind == "release"

    async def test_one_that_falls_silent_is_charged_as_far_as_it_came(self, gate):
        gate.provider.says = lambda _: Says.stream(
            b'data: {"choices":[{"delta":{"content":"one"}}]}\n\n', "hang"
        )
        content = await gate.call(CHAT, stream=True).body()
        assert b"upstream_timeout" in content
        assert b"What came until now is charged" in content
        assert b"Nothing was charged" not in content
        entry = await gate.entry()
        assert (entry.facts["ended"], entry.charge) == ("cut", 9)
        await asyncio.wait_for(gate.provider.asked[0].gone.wait(), 5)


@pytest.mark.row("B2", "D4")
@pytest.mark.parametrize("path", METERED)
async def test_too_little_credit_is_refused_in_the_callers_words_and_nobody_is_asked(gate, path):
    await gate.house.adjust("a", -100_000)
    client = gate.call(path)
    document = await client.document()
    assert client.status == 402
    assert client.headers["x-should-retry"] == "false"
    assert client.headers["x-tokenhouse-remaining"] == "0"
    assert client.headers["x-tokenhouse-warning"] == "BLOCKED"
    error = document["error"]
    assert error["type"] == ("billing_error" if path == MESSAGES else "insufficient_quota")
    assert (error["remaining"], error["account"]) == (0, "a")
    assert error["short_by"] > 0
    assert not gate.provider.asked
    assert await gate.entries() == []


@pytest.mark.row("E8")
async def test_a_full_limit_of_a_minute_is_a_rate_refusal(gate):
    await gate.plan(limit=[{"what": "requests", "amount": 1, "every": "minute"}])
    first = gate.call(CHAT)
    await first.body()
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert first.headers["x-ratelimit-reset-requests"] == "1m0s"
    assert first.headers["ratelimit"] == '"requests/minute";r=0;t=60'
    for path, kind in ((CHAT, "rate_limit_error"), (MESSAGES, "rate_limit_error")):
        client = gate.call(path)
        assert (await client.document())["error"]["type"] == kind
        assert (client.status, client.headers["retry-after"]) == (429, "60")
        assert "x-should-retry" not in client.headers


async def test_a_refusal_speaks_the_language_of_the_account(gate):
    await gate.house.account("k", plan="prepaid", locale="ko")
    await gate.house.adjust("k", -100_000)
    told = {"authorization": f"Bearer {(await gate.house.create_key('k')).secret}"}
    assert "크레딧" in (await gate.call(CHAT, headers=told).document())["error"]["message"]


@pytest.mark.parametrize("path", [*METERED, COUNT])
@pytest.mark.parametrize(
    ("headers", "reason"),
    [({}, "No API key"), ({"authorization": "Bearer th_x"}, "no such"), ({"x-api-key": "sk-1"}, "no such")],
)
async def test_who_shows_no_key_that_opens_is_nobody(gate, path, headers, reason):
    client = gate.call(path, headers=headers)
    error = (await client.document())["error"]
    assert client.status == 401
    assert reason in error["message"]
    assert error["type"] == "authentication_error"
    assert not gate.provider.asked


async def test_a_key_for_some_models_opens_no_others(gate):
    key = await gate.house.create_key("a", models=["gpt-4o-mini"])
    client = gate.call(CHAT, headers={"authorization": f"Bearer {key.secret}"})
    assert "gpt-4o-mini" in (await client.document())["error"]["message"]
    assert client.status == 403


async def test_a_plan_that_refuses_a_model_is_the_last_word(gate):
    await gate.plan(models={"allow": ["claude-*"]})
    client = gate.call(CHAT)
    await client.document()
    assert client.status == 403
    assert not gate.provider.asked


@pytest.mark.parametrize(
    ("path", "model", "said"),
    [
        (CHAT, "nope", "GET /v1/models"),
        (CHAT, "claude-opus", "send the call to /v1/messages"),
        (MESSAGES, "gpt-4o", "send the call to /v1/chat/completions"),
        (EMBEDDINGS, "demoX", "GET /v1/models"),
        (COUNT, "nope", "GET /v1/models"),
    ],
)
async def test_a_model_that_is_not_there_is_said_so(gate, path, model, said):
    client = gate.call(path, model=model)
    error = (await client.document())["error"]
    assert client.status == 404
    assert said in error["message"]
    assert error.get("code", "model_not_found") == "model_not_found"
    assert client.headers["x-tokenhouse-remaining"] == "100000"
    assert await gate.entries() == []


@pytest.mark.parametrize("path", METERED)
async def test_a_body_that_cannot_be_read_is_said_so(gate, path):
    for body in (b"", b"{", b"[]", b'{"model":7}', json.dumps(BODIES[path] | {"stream": "yes"}).encode()):
        client = gate.send(path, body)
        await client.document()
        assert client.status == (200 if path == EMBEDDINGS and body.startswith(b'{"model": "t') else 400)


@pytest.mark.parametrize("how", ["told", "found"])
@pytest.mark.parametrize("path", [CHAT, COUNT])
async def test_a_body_too_large_is_refused_before_it_is_read(gate, path, how):
    body = json.dumps(BODIES[path] | {"x": "y" * 100_000}).encode()
    told = {"authorization": f"Bearer {gate.secret}"}
    client = gate.send(
        path, body, headers=told | ({"content-length": str(len(body))} if how == "told" else {})
    )
    await client.document()
    assert client.status == 413
    assert await gate.entries() == []


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", CHAT, 405, "POST, OPTIONS"),
        ("PUT", MESSAGES, 405, "POST, OPTIONS"),
        ("HEAD", COUNT, 405, "POST, OPTIONS"),
        ("POST", "/v1/models", 405, "GET, HEAD, OPTIONS"),
        ("DELETE", "/v1/models/gpt-4o", 405, "GET, HEAD, OPTIONS"),
        ("GET", "/v1/x", 404, None),
        ("OPTIONS", "/v1/x", 404, None),
    ],
)
async def test_other_paths_and_methods_are_not_there(gate, method, path, status, allowed):
    client = gate.send(path, method=method)
    body = await client.body()
    assert (client.status, client.headers.get("allow")) == (status, allowed)
    assert "content-length" in client.headers
    if method == "HEAD":
        assert body == b""
        return
    error = json.loads(body)["error"]
    assert error["message"] == (
        f"{path} does not take {method}; it takes {allowed}."
        if allowed
        else f"There is no {method} {path} here."
    )
    assert error["type"] == "invalid_request_error"
    if path == CHAT:
        assert error["code"] == "method_not_supported"


@pytest.mark.parametrize(("path", "allowed"), [(CHAT, "POST, OPTIONS"), ("/v1/models", "GET, HEAD, OPTIONS")])
async def test_a_path_says_what_it_takes(gate, path, allowed):
    client = gate.send(path, method="OPTIONS")
    assert (await client.body(), client.status, client.headers["allow"]) == (b"", 204, allowed)
    assert "content-length" not in client.headers


async def test_head_is_answered_as_get_is_without_the_body(gate):
    known = {"authorization": f"Bearer {gate.secret}"}
    whole, head = (gate.send("/v1/models", method=one, headers=known) for one in ("GET", "HEAD"))
    body = await whole.body()
    assert (await head.body(), head.status, whole.status) == (b"", 200, 200)
    assert head.headers["content-length"] == str(len(body))


async def test_a_fault_of_ours_is_an_answer_without_a_word_of_it(gate, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(gate.upstreams, "dialect", broken)
    client = gate.call(CHAT)
    assert "secret words" not in (await client.body()).decode()
    assert client.status == 500
    assert "secret words" in caplog.text
    monkeypatch.setattr(gate.upstreams.routes, "find", broken)
    client = gate.call(CHAT)
    await client.body()
    assert client.status == 500
    assert (await gate.entry()).kind == "release"


@pytest.mark.row("D8")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_charge_that_cannot_be_written_stops_no_answer_and_is_not_lost(gate, monkeypatch, stream):
    real = gate.house.desk.carry_out
    away = True

    async def carry_out(desk, address, operation, **more):
        if away and type(operation).__name__ == "Settle":
            raise DatabaseTrouble("database_trouble")
        return await real(address, operation, **more)

    monkeypatch.setattr(type(gate.house.desk), "carry_out", carry_out)
    client = gate.call(CHAT, model="demo", stream=stream)
    content = await client.body()
    assert client.status == 200
    assert b'"finish_reason":"stop"' in content
    assert client.headers["x-tokenhouse-remaining"] == "100000", "as it stood before"
    away = False
    monkeypatch.undo()
    await gate.house.settle_kept().replay()
    (call,) = gate.demo.log.calls
    assert (await gate.entry()).charge == call.tokens_input + call.tokens_output


async def test_a_reservation_that_cannot_be_released_stops_no_answer(gate, monkeypatch, caplog):
    async def release(*_, **__):
        raise DatabaseTrouble("database_trouble")

    gate.provider.says = lambda _: Says.whole({"error": {"message": "no"}}, 500)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr("tokenhouse.flow.settle.release", release)
        client = gate.call(CHAT)
        assert await client.document() == {"error": {"message": "no"}}
    assert "left to lapse" in caplog.text
    assert (await gate.house.balance("a")).held > 0
    gate.clock.move(minutes=15)
    await gate.house.sweep()


async def test_two_hundred_with_an_error_inside_is_passed_on(gate):
    error = {"error": {"message": "overloaded", "code": 502}}
    gate.provider.says = lambda _: Says.whole(error)
    client = gate.call(CHAT)
    assert await client.document() == error
    assert (await gate.entry()).kind == "release"
