"""What costs nothing: the models that a key may call, and counts of tokens."""

import pytest

from tests.edges.gateway.provider import Says
from tests.edges.gateway.words import COUNT, SAID

pytestmark = pytest.mark.row("E6")

MODELS = "/v1/models"
LISTED = {
    "data": [
        {"id": "gpt-4o", "created": 5, "owned_by": "theirs", "key": "theirs"},
        {"id": "other", "created": 6},
        {"id": "claude-opus", "display_name": "Claude Opus", "created_at": "2026-02-03T00:00:00Z"},
        {"odd": 1},
    ]
}


@pytest.fixture
def listing(gate):
    gate.provider.says = lambda _: Says.whole(LISTED)
    return gate


async def asked(gate, path=MODELS, secret="", **headers):
    told = {"authorization": f"Bearer {secret or gate.secret}"} | headers
    client = gate.send(path, method="GET", headers=told)
    return client, await client.document()


async def test_openai_sees_what_speaks_its_protocol(listing):
    client, found = await asked(listing)
    assert client.status == 200
    assert client.headers["x-tokenhouse-remaining"] == "100000"
    assert found["object"] == "list"
    assert {one["id"] for one in found["data"]} == {"ours", "gpt-4o", "demo", "demo-large"}
    known = {one["id"]: one for one in found["data"]}
    assert known["gpt-4o"] == {"id": "gpt-4o", "object": "model", "created": 5, "owned_by": "open"}


async def test_anthropic_sees_what_speaks_its_protocol_in_its_own_shape(listing):
    told = {"anthropic-version": "2023-06-01"}
    _, found = await asked(listing, **told)
    assert [one["id"] for one in found["data"]] == ["demo", "claude-opus", "demo-large"]
    assert found["data"][1] == {
        "type": "model",
        "id": "claude-opus",
        "display_name": "Claude Opus",
        "created_at": "2026-02-03T00:00:00Z",
    }
    assert (found["has_more"], found["first_id"], found["last_id"]) == (False, "demo", "demo-large")
    client, found = await asked(listing, f"{MODELS}/nope", **told)
    assert (client.status, found["type"]) == (404, "error")


async def test_a_providers_list_is_asked_for_once_in_a_while(listing):
    for _ in range(3):
        await asked(listing)
    assert [one.path for one in listing.provider.asked] == ["/base/models"]
    assert listing.provider.asked[0].method == "GET"


async def test_only_what_key_and_plan_allow_is_there(listing):
    key = await listing.house.create_key("a", models=["demo*", "ours"])
    _, found = await asked(listing, secret=key.secret)
    assert {one["id"] for one in found["data"]} == {"ours", "demo", "demo-large"}
    await listing.plan(models={"allow": ["demo*"]})
    _, found = await asked(listing, secret=key.secret)
    assert {one["id"] for one in found["data"]} == {"demo", "demo-large"}
    await listing.plan(models={"allow": ["x"]})
    _, found = await asked(listing, **{"anthropic-version": "1"})
    assert found == {"data": [], "has_more": False, "first_id": None, "last_id": None}


async def test_one_model_is_told_of(listing):
    client, found = await asked(listing, f"{MODELS}/demo")
    assert (client.status, found["id"], found["object"]) == (200, "demo", "model")
    client, found = await asked(listing, f"{MODELS}/nope")
    assert (client.status, found["error"]["code"]) == (404, "model_not_found")
    key = await listing.house.create_key("a", models=["demo"])
    client, _ = await asked(listing, f"{MODELS}/ours", secret=key.secret)
    assert client.status == 403


@pytest.mark.parametrize("says", [Says(["reset"]), Says([b"{"]), Says.whole({}, 500)])
async def test_a_provider_without_a_list_lacks_only_that(gate, says):
    gate.provider.says = lambda _: says
    _, found = await asked(gate)
    assert {one["id"] for one in found["data"]} == {"ours", "demo", "demo-large"}


async def test_anthropics_provider_counts_for_itself_and_nothing_is_charged(gate):
    client = gate.call(COUNT)
    assert await client.document() == {"input_tokens": 77}
    assert gate.provider.asked[0].path == "/base/messages/count_tokens"
    assert client.headers["x-tokenhouse-remaining"] == "100000"
    assert await gate.entries() == []


async def test_other_models_are_counted_by_ourselves(gate):
    assert await gate.call(COUNT, model="gpt-4o").document() == {"input_tokens": 8}
    assert await gate.call(COUNT, model="demo").document() == {"input_tokens": 8}
    assert not gate.provider.asked


async def test_a_providers_error_in_counting_is_its_own(gate):
    gate.provider.says = lambda _: Says.whole({"type": "error"}, 429, retry_after="3")
    client = gate.call(COUNT)
    assert await client.document() == {"type": "error"}
    assert (client.status, client.headers["retry-after"]) == (429, "3")


async def test_counting_needs_a_key_that_may_and_a_question(gate):
    key = await gate.house.create_key("a", models=["gpt-4o"])
    told = {"x-api-key": key.secret}
    client = gate.call(COUNT, headers=told)
    await client.body()
    assert client.status == 403
    client = gate.send(COUNT, b'{"messages": 1}')
    assert (await client.document())["type"] == "error"
    assert client.status == 400
    gate.provider.says = lambda _: Says(["reset"])
    client = gate.call(COUNT, messages=SAID)
    await client.body()
    assert client.status == 502
