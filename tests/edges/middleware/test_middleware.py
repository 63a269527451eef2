"""What the middleware does to requests and answers over a socket, and what each end of a call is charged."""

import asyncio
import logging
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from tests.edges.middleware.conftest import PREPAID, SECRET, TRUSTED, served, soon
from tokenhouse import Endpoint, Tokenhouse, TokenMiddleware, TrustedHeader, Usage, tokenhouse_call
from tokenhouse.errors import DatabaseTrouble
from tokenhouse.flow import settle

pytestmark = pytest.mark.row("C4")

HELLO = {"message": "hello there"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 25, "total_tokens": 34}
ANSWER = msgspec.json.encode({"answer": "yes", "usage": USAGE})


def json_app(body: bytes = ANSWER, status: int = 200, kind: bytes = b"application/json"):
    """Return an application that reads its request and answers with `body`."""

    async def app(scope, receive, send):
        app.seen.append(await read(receive))
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    app.seen = []
    return spared(app)


def spared(app):
    """Return an application without its lifespan, as an attribute-preserving wrapper."""

    async def whole(scope, receive, send):
        assert scope["type"] == "http", "no lifespan here"
        await app(scope, receive, send)

    whole.seen = getattr(app, "seen", [])
    return whole


async def read(receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def metered(house: Tokenhouse, app, *endpoints: Endpoint | str, **options: Any) -> TokenMiddleware:
    return TokenMiddleware(
        app, house, endpoints=endpoints or ["/chat"], account=TrustedHeader(secret=SECRET), **options
    )


async def ended(house: Tokenhouse, ref: str = "ann") -> Any:
    """Return the entry of the call that has just ended."""
    await soon(lambda: _none_open(house, ref))
    return (await house.history(ref))[0]


async def _none_open(house: Tokenhouse, ref: str) -> bool:
    line = (await house.history(ref))[0]
    return (await house.balance(ref)).held == 0 and line.kind in ("charge", "release")


async def test_what_no_endpoint_fits_passes_untouched(house):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    scope = {"type": "http", "method": "GET", "path": "/chat", "headers": []}
    for other in (scope, {**scope, "method": "POST", "path": "/"}, {"type": "websocket", "path": "/chat"}):
        given = (other, object(), object())
        await metered(house, app)(*given)
        assert seen.pop() == given
        assert "tokenhouse.call" not in other


async def test_the_app_gets_its_request_and_the_client_its_answer_byte_for_byte(house):
    app = json_app()
    body = b'{"message":  "hello there", "n": 1e400, "n": 2}'
    async with served(metered(house, app)) as serving:
        answer = await serving.ask("/chat", body, **TRUSTED)
    assert (answer.status, answer.body) == (200, ANSWER)
    assert app.seen == [body]
    line = await ended(house)
    assert (line.charge, line.source, line.usage) == (34, "provider", {"input": 9, "output": 25})


async def test_a_body_is_not_read_where_it_is_no_text(house):
    app = json_app()
    async with served(metered(house, app, Endpoint("/chat", default=77))) as serving:
        body = b"\x00" * 300_000
        await serving.ask("/chat", body, content_type="multipart/form-data; boundary=x", **TRUSTED)
    assert app.seen == [body]
    assert (await ended(house)).facts["reserved"] == 77 + 200


async def test_a_body_that_is_too_large_is_refused_before_it_has_come(house):
    app = json_app()
    async with served(metered(house, app, body_max=1_000)) as serving:
        answer = await serving.ask("/chat", b"x" * 1_001, **TRUSTED)
        assert (answer.status, app.seen) == (413, [])
        async with serving.client() as client:
            await client.ask("/chat", b"", content_length="1001", **TRUSTED)
            assert (await client.answer()).status == 413


@pytest.mark.row("E7", "B2")
async def test_a_no_comes_before_the_app_and_in_its_accounts_language(house):
    app = json_app()
    await house.write_plan({"name": "poor", "signup": {"amount": 10}})
    await house.account("min", plan="poor", locale="ko")
    proof = {**TRUSTED, "x-user-id": "min"}
    async with served(metered(house, app, "/chat", Endpoint("/v1/", dialect="openai-chat"))) as serving:
        no = await serving.ask("/chat", HELLO, **proof)
        native = await serving.ask("/v1/", {"model": "gpt-4o", "messages": []}, **proof)
        bad = await serving.ask("/v1/", {"model": "gpt-4o", "n": -1}, **proof)
    assert app.seen == []
    assert (no.status, no.headers["x-should-retry"]) == (402, "false")
    assert no.headers["x-tokenhouse-remaining"] == "10"
    assert no.document["code"] == "insufficient_credit"
    assert "크레딧" in no.document["detail"]
    assert native.document["error"]["code"] == "insufficient_quota"
    assert bad.status == 400
    assert (await house.balance("min")).held == 0


@pytest.mark.row("E7", "E8")
async def test_a_rate_limit_is_429_and_says_when_to_come_back(house):
    limit = [{"what": "requests", "amount": 1, "every": "minute"}]
    await house.write_plan({**PREPAID, "limit": limit})
    async with served(metered(house, json_app())) as serving:
        yes = await serving.ask("/chat", HELLO, **TRUSTED)
        assert (yes.status, yes.headers["ratelimit"]) == (200, '"requests/minute";r=0;t=60')
        no = await serving.ask("/chat", HELLO, **TRUSTED)
    assert (no.status, no.headers["retry-after"]) == (429, "60")
    assert "x-should-retry" not in no.headers


async def test_unknown_callers_and_accounts_never_reach_the_app(house):
    app = json_app()
    async with served(metered(house, app)) as serving:
        assert (await serving.ask("/chat", HELLO)).status == 401
        assert (await serving.ask("/chat", HELLO, x_user_id="ann")).status == 401
        assert (await serving.ask("/chat", HELLO, **{**TRUSTED, "x-user-id": "nobody"})).status == 404
    assert app.seen == []


async def test_a_key_calls_only_its_own_models(house):
    secret = (await house.create_key("ann", models=["gpt-4o"])).secret
    app = TokenMiddleware(json_app(), house, endpoints=["/chat"])
    async with served(app) as serving:
        proof = {"authorization": f"Bearer {secret}"}
        assert (await serving.ask("/chat", {**HELLO, "model": "o3"}, **proof)).status == 403
        assert (await serving.ask("/chat", {**HELLO, "model": "gpt-4o"}, **proof)).status == 200


@pytest.mark.parametrize("status", [301, 400, 404, 500])
async def test_an_answer_that_is_no_success_costs_nothing(house, status):
    async with served(metered(house, json_app(status=status))) as serving:
        answer = await serving.ask("/chat", HELLO, **TRUSTED)
    assert (answer.status, answer.body) == (status, ANSWER)
    assert "x-tokenhouse-remaining" in answer.headers
    line = await ended(house)
    assert (line.kind, line.note) == ("release", f"status {status}")


async def test_an_app_that_raises_costs_nothing_and_its_error_is_its_own(house, caplog):
    async def broken(scope, receive, send):
        raise ZeroDivisionError

    async with served(metered(house, spared(broken))) as serving:
        assert (await serving.ask("/chat", HELLO, **TRUSTED)).status == 500
    assert "ZeroDivisionError" in caplog.text
    assert (await ended(house)).kind == "release"


@pytest.mark.parametrize(
    ("body", "kind", "usage"),
    [
        (b'{"answer": "hello there"}', b"application/json", {"input": 3, "output": 3}),
        (b"hello there", b"text/plain", {"input": 3, "output": 3}),
        (b'{"id": "hello there"}', b"application/json", {"input": 3}),
        (b"\x00\x01", b"audio/mpeg", {"input": 3}),
        (b"", b"", {"input": 3}),
    ],
)
async def test_without_usage_the_request_and_the_text_of_the_answer_are_counted(house, body, kind, usage):
    async with served(metered(house, json_app(body, kind=kind))) as serving:
        await serving.ask("/chat", HELLO, **TRUSTED)
    line = await ended(house)
    assert (line.usage, line.source) == (usage, "estimated")


def recording(*records: Any, status: int = 200, fails: bool = False):
    """Return an application that records, and answers with other figures."""

    async def app(scope, receive, send):
        for record in records:
            if isinstance(record, str):
                tokenhouse_call(scope).record(text=record)
            else:
                tokenhouse_call(scope).record(record)
        if fails:
            raise ZeroDivisionError
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": ANSWER})
        tokenhouse_call(scope).record(Usage(input=9_999))

    return spared(app)


class Dumped:
    """A usage object as an SDK returns it."""

    def model_dump(self) -> dict[str, Any]:
        return USAGE


@pytest.mark.parametrize(
    ("records", "charge", "source"),
    [
        ([Usage(input=5, output=7)], 12, "provider"),
        ([Usage(input=5), Usage(output=7)], 12, "provider"),
        ([USAGE, Usage(input=1)], 35, "provider"),
        ([Dumped()], 34, "provider"),
        ([{"model": "m", "usage": {"input_tokens": 3, "output_tokens": 4}}], 7, "provider"),
        (["hello there"], 6, "estimated"),
        (["hello there", Usage(input=5, output=7)], 12, "provider"),
        ([{"unheard": "of"}], 34, "provider"),
        ([7], 34, "provider"),
        ([], 34, "provider"),
    ],
)
async def test_what_the_app_records_goes_before_what_its_answer_says(house, records, charge, source, caplog):
    async with served(metered(house, recording(*records))) as serving:
        await serving.ask("/chat", HELLO, **TRUSTED)
    line = await ended(house)
    assert (line.charge, line.source) == (charge, source)
    assert "after its answer had ended" in caplog.text


@pytest.mark.parametrize("given", [{"status": 503}, {"fails": True}])
async def test_what_was_recorded_is_charged_though_the_answer_fails(house, given):
    async with served(metered(house, recording(Usage(input=5), **given))) as serving:
        assert (await serving.ask("/chat", HELLO, **TRUSTED)).status in (500, 503)
    assert (await ended(house)).charge == 5


async def test_a_request_that_is_not_metered_has_no_call():
    with pytest.raises(LookupError):
        tokenhouse_call({"type": "http"})


async def test_the_app_sees_its_account_its_cap_and_where_it_stands(house):
    seen = []

    async def app(scope, receive, send):
        call = tokenhouse_call(scope)
        seen.append((call.account, call.cap, call.balance.remaining, call.balance.level))
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    async with served(metered(house, spared(app))) as serving:
        await serving.ask("/chat", HELLO, **TRUSTED)
    assert seen == [("ann", 200, 10_000, "normal")]


async def test_of_two_charges_under_way_at_shutdown_none_is_lost(house, monkeypatch):
    gate, whole = asyncio.Event(), settle.settle

    async def slow(*args: Any, **given: Any) -> Any:
        await gate.wait()
        return await whole(*args, **given)

    monkeypatch.setattr(settle, "settle", slow)
    async with served(metered(house, json_app())) as serving:
        await asyncio.gather(*(serving.ask("/chat", HELLO, **TRUSTED) for _ in range(2)))
        asyncio.get_running_loop().call_later(0.1, gate.set)
    await soon(lambda: _charged(house, 68))


async def _charged(house: Tokenhouse, amount: int) -> bool:
    return (await house.balance("ann")).used == amount


@pytest.mark.row("D8")
async def test_a_charge_that_fails_breaks_no_answer_and_is_kept(house, monkeypatch):
    whole = settle.settle

    async def away(*args: Any, **given: Any) -> Any:
        raise DatabaseTrouble("postgres_away", problem="x")

    async with served(metered(house, json_app())) as serving:
        monkeypatch.setattr(settle, "settle", away)
        answer = await serving.ask("/chat", HELLO, **TRUSTED)
        assert (answer.status, answer.body) == (200, ANSWER)
        await asyncio.sleep(0.1)
        assert (await house.balance("ann")).held > 0
        monkeypatch.setattr(settle, "settle", whole)
        await soon(lambda: _charged(house, 34))


@pytest.mark.row("D8")
async def test_even_a_fault_of_ours_at_the_end_breaks_no_answer(house, monkeypatch, caplog):
    async def broken(*args: Any, **given: Any) -> Any:
        raise ZeroDivisionError

    async with served(metered(house, json_app())) as serving:
        monkeypatch.setattr(settle, "settle", broken)
        answer = await serving.ask("/chat", HELLO, **TRUSTED)
        assert (answer.status, answer.body) == (200, ANSWER)
        await soon(lambda: "not ended" in caplog.text)
    assert [record.levelno for record in caplog.records if "not ended" in record.message] == [
        logging.CRITICAL
    ]


def test_who_does_not_ask_for_the_middleware_does_not_wait_for_it():
    code = "import sys, tokenhouse; print(*(name for name in sys.modules if 'edges' in name))"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == ""


async def test_new_people_have_an_account_only_where_that_is_wanted(house):
    async with served(metered(house, json_app(), opens_accounts=True)) as serving:
        proof = {**TRUSTED, "x-user-id": "new"}
        answers = await asyncio.gather(*(serving.ask("/chat", HELLO, **proof) for _ in range(4)))
    assert {answer.status for answer in answers} == {200}
    assert (await house.describe("new")).ref == "new"
