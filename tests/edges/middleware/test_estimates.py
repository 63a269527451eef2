"""What a request needs, told from its body: fields, an endpoint's own rule, its default, a wire format."""

import msgspec
import pytest

from tokenhouse import Endpoint, InvalidInput
from tokenhouse.edges.middleware.estimates import needs, readable, texts_of
from tokenhouse.providers.tokens import vocabulary

pytestmark = pytest.mark.row("C4", "D1")

KOREAN = "오늘 날씨가 어떤가요? 밖에 나가기 좋을까요?"
JSON = "application/json"


def estimated(endpoint: Endpoint, document: object, kind: str = JSON) -> tuple[str, int, int | None]:
    body = document if isinstance(document, bytes | None) else msgspec.json.encode(document)
    asked, _ = needs(endpoint, kind, body)
    counted = asked.count()
    assert counted.tokens <= asked.bound
    return asked.model, counted.tokens, asked.output


CHAT = Endpoint("/chat", model="gpt-4o", default=700)


@pytest.mark.row("D1")
@pytest.mark.parametrize("field", ["message", "prompt", "text", "content", "query", "input", "question"])
def test_the_text_of_each_field_is_counted_exactly(field):
    assert estimated(CHAT, {field: KOREAN, "user": "ignored " * 50}) == ("gpt-4o", 16, None)


def test_texts_are_found_at_any_depth_and_roles_are_none():
    messages = [{"role": "user", "content": "안녕하세요!"}, {"role": "user", "content": [{"text": KOREAN}]}]
    assert estimated(CHAT, {"data": {"messages": messages}})[1] == 3 + 16
    assert estimated(CHAT, {"input": ["안녕하세요!", "안녕하세요!"]})[1] == 6


def test_without_a_vocabulary_of_its_own_a_count_is_an_approximation():
    asked, _ = needs(Endpoint("/chat"), JSON, msgspec.json.encode({"message": KOREAN, "model": "solar-pro"}))
    assert asked.model == "solar-pro"
    assert asked.count().estimated
    assert asked.count().tokens == vocabulary("solar-pro").count(KOREAN)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b""),
        (JSON, b'{"message": "cut'),
        (JSON, b"[" * 100_000),
        (JSON, b'{"message": "\xff"}'),
        (JSON, b'{"file": 7, "message": ""}'),
        (JSON, b'{"messages": [{"role": "user"}]}'),
        ("multipart/form-data; boundary=x", None),
        ("application/x-www-form-urlencoded", None),
    ],
)
def test_a_body_that_shows_no_text_costs_the_endpoints_default(kind, body):
    assert estimated(CHAT, body, kind) == ("gpt-4o", 700, None)


def test_plain_text_is_all_text_and_json_counts_whatever_it_calls_itself():
    assert estimated(CHAT, KOREAN.encode(), "text/plain")[1] == 16
    assert estimated(CHAT, {"message": KOREAN}, "text/plain")[1] == 16
    assert estimated(CHAT, {"message": KOREAN}, "")[1] == 16


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (JSON, True),
        ("", True),
        ("text/plain", True),
        ("multipart/form-data; boundary=x", False),
        ("audio/mpeg", False),
    ],
)
def test_files_and_forms_are_not_read(kind, read):
    assert readable(CHAT, kind) == read
    assert readable(Endpoint("/v1/chat/completions", dialect="openai-chat"), kind)


def test_an_endpoint_may_have_a_rule_of_its_own(caplog):
    def rule(document):
        return {"many": 1_234, "text": KOREAN, "none": None, "huge": 10**30}[document["kind"]]

    own = Endpoint("/clip", model="gpt-4o", default=50, estimate=rule, output=9)
    assert estimated(own, {"kind": "many"}) == ("gpt-4o", 1_234, 9)
    assert estimated(own, {"kind": "text"})[1] == 16
    assert estimated(own, {"kind": "none"})[1] == 50
    assert estimated(own, {"kind": "huge"})[1] > 10**9
    assert estimated(own, {"kind": "unheard of"})[1] == 50
    assert "estimate of /clip failed" in caplog.text


@pytest.mark.parametrize("model", ["x" * 1_000, "a\nb", 7, None])
def test_a_model_that_can_be_none_is_none(model):
    assert estimated(Endpoint("/chat"), {"message": "hi", "model": model})[0] == ""


def test_a_wire_format_knows_its_own_bodies():
    endpoint = Endpoint("/v1/chat/completions", dialect="openai-chat", output=300)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "n": 2}
    asked, request = needs(endpoint, JSON, msgspec.json.encode(body))
    assert (asked.model, asked.output, asked.choices) == ("gpt-4o", 300, 2)
    assert asked.count().tokens == 8
    assert request is not None
    assert request.model == "gpt-4o"
    asked, _ = needs(endpoint, JSON, msgspec.json.encode({**body, "max_tokens": 20}))
    assert asked.output == 20
    with pytest.raises(InvalidInput):
        needs(endpoint, JSON, b"{}")


def test_depth_is_the_callers_choice():
    deep: object = "x"
    for _ in range(50_000):
        deep = {"a": [deep]}
    assert list(texts_of({"content": "y", "z": deep}, frozenset(("content",)))) == ["y"]
