"""What crosses the gateway: no credential of the caller's goes up, nothing of ours comes back."""

import pytest

from tests.edges.gateway.conftest import OPERATORS_KEY
from tests.edges.gateway.provider import Says
from tests.edges.gateway.words import CHAT, COUNT, EMBEDDINGS, MESSAGES, METERED, STREAMS, WHOLE

pytestmark = pytest.mark.row("E6")

SECRETS = {
    "cookie": "session=mine",
    "proxy-authorization": "Basic mine",
    "x-user-id": "mine",
    "x-forwarded-for": "10.9.8.7",
    "openai-organization": "org-mine",
    "idempotency-key": "mine",
    "connection": "keep-alive, x-hop",
    "x-hop": "mine",
    "x-api-secret": "mine",
    "x-demo": "mine",
    "te": "trailers",
}
WELCOME = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "b1",
    "openai-beta": "b2",
    "traceparent": "00-1-2-03",
    "x-request-id": "mine-1",
    "user-agent": "sdk/1",
    "accept": "application/json",
}


@pytest.mark.parametrize("path", [*METERED, COUNT])
@pytest.mark.parametrize("way", ["authorization", "x-api-key"])
async def test_no_credential_of_the_caller_goes_upstream(gate, path, way):
    key = f"Bearer {gate.secret}" if way == "authorization" else gate.secret
    client = gate.call(
        path, headers={way: key, **SECRETS, **WELCOME}, query="beta=true&key=mine&api_key=mine"
    )
    await client.body()
    assert client.status == 200
    (asked,) = gate.provider.asked
    told = str(asked.headers) + asked.path
    assert gate.secret not in told
    assert "mine" not in told.replace("mine-1", "")
    assert "10.9.8.7" not in told
    assert asked.path.endswith("?beta=true")
    assert WELCOME.items() <= asked.headers.items()
    assert asked.headers["accept-encoding"] == "identity"
    own = {"x-api-key": OPERATORS_KEY} if "messages" in path else {"authorization": f"Bearer {OPERATORS_KEY}"}
    assert own.items() <= asked.headers.items()
    known = {*WELCOME, *own, "accept-encoding", "content-type", "content-length", "host"}
    assert not asked.headers.keys() - known, "and nothing of ours"


@pytest.mark.parametrize("stream", [True, False])
async def test_nothing_of_our_account_with_the_provider_comes_back(gate, stream):
    says = Says.stream(*STREAMS[CHAT]) if stream else Says.whole(WHOLE[CHAT])
    says.headers |= {
        "openai-organization": "org-ours",
        "x-ratelimit-remaining-tokens": "5",
        "anthropic-ratelimit-tokens-remaining": "5",
        "set-cookie": "a=ours",
        "server": "theirs",
        "connection": "x-hop",
        "x-hop": "ours",
        "openai-processing-ms": "12",
        "X-Request-Id": "theirs-1",
    }
    gate.provider.says = lambda _: says
    client = gate.call(CHAT, stream=stream)
    await client.body()
    assert "ours" not in str(client.headers)
    assert client.headers["x-request-id"] == "theirs-1"
    assert client.headers["openai-processing-ms"] == "12"
    assert (
        not {"server", "connection", "transfer-encoding", "x-ratelimit-remaining-tokens"}
        & client.headers.keys()
    )


async def test_an_error_that_repeats_our_key_does_not_show_it(gate):
    said = {"error": {"message": f"Incorrect API key provided: {OPERATORS_KEY}."}}
    gate.provider.says = lambda _: Says.whole(said, 401)
    content = await gate.call(EMBEDDINGS).body()
    assert OPERATORS_KEY.encode() not in content
    assert b"Incorrect API key provided: [key]." in content


async def test_one_connection_serves_many_calls(gate):
    connections = set()
    real = gate.provider._answer

    async def answer(says, asked, writer):
        connections.add(writer)
        return await real(says, asked, writer)

    gate.provider._answer = answer
    for path in (CHAT, MESSAGES, CHAT):
        await gate.call(path).body()
    assert len(connections) == 1


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_either_header_opens_either_protocol(gate, path):
    for headers in (
        {"authorization": f"bearer {gate.secret}"},
        {"x-api-key": gate.secret},
        {"x-api-key": gate.secret, "authorization": "Bearer other"},
        {"x-api-key": "placeholder", "authorization": f"Bearer {gate.secret}"},
    ):
        client = gate.call(path, headers=headers)
        await client.body()
        assert client.status == 200


class TestOperatorsHeaders:
    """Headers that the settings name."""

    @pytest.fixture
    def upstream(self):
        return {"headers": {"api-key": "azure", "Authorization": "Other"}, "key": ""}

    async def test_they_go_with_every_request_and_before_the_callers(self, gate):
        await gate.call(CHAT).body()
        assert gate.provider.asked[0].headers["api-key"] == "azure"
        assert gate.provider.asked[0].headers["authorization"] == "Other"


class TestOlderProvider:
    """A provider that knows neither newer field."""

    @pytest.fixture
    def upstream(self):
        return {"cap_field": "max_tokens", "asks_usage": False}

    async def test_it_gets_what_it_knows(self, gate):
        gate.provider.says = lambda _: Says.stream(*STREAMS[CHAT])
        await gate.call(CHAT, stream=True).body()
        sent = gate.provider.asked[0].document
        assert "stream_options" not in sent
        assert "max_completion_tokens" not in sent
        assert sent["max_tokens"] == 4_096
