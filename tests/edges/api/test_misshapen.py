"""Requests of the wrong shape: the field is named, and what is wrong with it is said in two languages."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError

from tests.edges.api.conftest import Service
from tests.edges.api.document import DOCUMENT
from tokenhouse import messages
from tokenhouse.edges.api.thin import REPEATED
from tokenhouse.edges.misshapen import FAMILIES, KINDS, MEASURES, TYPES, by_msgspec, by_pydantic

ENGLISH = messages.catalogue("en")


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    one: int = 1


class Struct(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=2, max_length=3)]
    many: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)] = []
    share: Annotated[float, msgspec.Meta(gt=0, lt=3)] = 1.0
    code: Annotated[str, msgspec.Meta(pattern="^a+$")] = "a"
    count: Annotated[int, msgspec.Meta(ge=0, le=5)] | None = None
    at: datetime | None = None
    flag: bool = False
    which: Literal["x", "y"] = "x"
    inner: dict[str, "Struct"] = {}


PYDANTIC = [
    (str, 1, "text", ""),
    (Annotated[str, Field(min_length=2)], "a", "text_short", "2"),
    (Annotated[str, Field(max_length=2)], "abc", "text_long", "2"),
    (Annotated[str, Field(pattern="^a$")], "b", "pattern", "^a$"),
    (int, "x", "whole", ""),
    (int, 1.5, "whole", ""),
    (int, "9" * 5_000, "whole", ""),
    (int, None, "whole", ""),
    (float, "x", "number", ""),
    (Annotated[float, Field(allow_inf_nan=False)], "inf", "number", ""),
    (Annotated[int, Field(ge=3)], 2, "at_least", "3"),
    (Annotated[int, Field(gt=3)], 3, "above", "3"),
    (Annotated[int, Field(le=3)], 4, "at_most", "3"),
    (Annotated[int, Field(lt=3)], 3, "below", "3"),
    (Annotated[int, Field(multiple_of=5)], 3, "multiple", "5"),
    (Literal["day", "hour", "month"], "year", "choice", "day, hour, month"),
    (bool, "perhaps", "flag", ""),
    (bool, [], "flag", ""),
    (datetime, "tomorrow", "time", ""),
    (datetime, [], "time", ""),
    (AwareDatetime, "2026-11-21T03:00:00", "time", ""),
    (date, "2026-13-01", "day", ""),
    (list[int], {}, "list", ""),
    (Annotated[list[int], Field(min_length=1)], [], "items_few", "1"),
    (Annotated[list[int], Field(max_length=1)], [1, 2], "items_many", "1"),
    (dict[str, int], [], "object", ""),
    (Model, 5, "object", ""),
    (Model, {"two": 2}, "unknown_field", ""),
    (None, 5, "nothing", ""),
    (HttpUrl, "x", "url", ""),
    (complex, "x", "other", ""),
]
MSGSPEC = [
    (b"{}", "name", "missing", ""),
    (b'{"name":"aa","nmae":1}', "nmae", "unknown_field", ""),
    (b'{"name":1}', "name", "text", ""),
    (b'{"name":"a"}', "name", "text_short", "2"),
    (b'{"name":"aaaa"}', "name", "text_long", "3"),
    (b'{"name":"aa","many":[]}', "many", "items_few", "1"),
    (b'{"name":"aa","many":[1,2,3]}', "many", "items_many", "2"),
    (b'{"name":"aa","many":{}}', "many", "list", ""),
    (b'{"name":"aa","many":["x"]}', "many[0]", "whole", ""),
    (b'{"name":"aa","share":"x"}', "share", "number", ""),
    (b'{"name":"aa","share":0}', "share", "above", "0"),
    (b'{"name":"aa","share":3}', "share", "below", "3"),
    (b'{"name":"aa","code":"b"}', "code", "pattern", "^a+$"),
    (b'{"name":"aa","count":-1}', "count", "at_least", "0"),
    (b'{"name":"aa","count":6}', "count", "at_most", "5"),
    (b'{"name":"aa","count":"x"}', "count", "whole", ""),
    (b'{"name":"aa","at":"x"}', "at", "time", ""),
    (b'{"name":"aa","flag":1}', "flag", "flag", ""),
    (b'{"name":"aa","which":"z"}', "which", "other", ""),
    (b'{"name":"aa","inner":{"b":{}}}', "inner[...].name", "missing", ""),
    (b"[]", "body", "object", ""),
    (b"", "body", "json", ""),
    (b'{"name', "body", "json", ""),
    (b'{"name" 1}', "body", "json_at", "8"),
    (b'{"name":"\xff"}', "body", "json", ""),
]


def told(error: Any, reason: str, bound: str) -> None:
    """Hold an error against the sentence that it should have, in both languages."""
    for locale in messages.LOCALES:
        sentence = messages.say(f"shape.{reason}", locale, bound=bound, place=bound)
        assert error.message(locale) == f"{error.facts['field']}: {sentence}."


@pytest.mark.parametrize(("kind", "value", "reason", "bound"), PYDANTIC)
def test_what_pydantic_finds_is_said_in_our_words(kind: Any, value: Any, reason: str, bound: str):
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(kind).validate_python(value)
    found = dict(wrong.value.errors()[0])
    told(by_pydantic({**found, "loc": ("body", "things", 0)}), reason, bound)
    assert by_pydantic({**found, "loc": ("body", "things", 0)}).facts["field"] == "things.0"
    assert by_pydantic({**found, "loc": ("body",)}).facts["field"] == "body"


@pytest.mark.parametrize(("body", "field", "reason", "bound"), MSGSPEC)
def test_what_msgspec_finds_is_said_in_our_words(body: bytes, field: str, reason: str, bound: str):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)) as wrong:
        msgspec.json.decode(body, type=Struct)
    error = by_msgspec(wrong.value)
    assert error.facts["field"] == field
    told(error, reason, bound)


def test_every_sentence_is_of_some_use():
    said = {f"shape.{reason}" for _, _, reason, _ in (*PYDANTIC, *MSGSPEC)}
    assert {name for name in ENGLISH if name.startswith("shape.")} == said | {"shape.repeated"}
    used = {reason for reason, _ in KINDS.values()} | {*FAMILIES.values(), *TYPES.values()}
    used |= {reason for one in MEASURES.values() for reason in one.values()}
    assert {f"shape.{reason}" for reason in used} <= said


QUOTE = {"account": "me", "usage": {"input": 1}, "model": "m"}
WRONG = [
    ("POST", "/api/v1/charges", {"account": 5}, "account", "text"),
    ("POST", "/api/v1/charges", {"amount": "5"}, "account", "missing"),
    ("POST", "/api/v1/quotes", {"account": "me", "model": "demo"}, "usage", "missing"),
    ("POST", "/api/v1/quotes", {**QUOTE, "modle": "m"}, "modle", "unknown_field"),
    ("GET", "/api/v1/accounts?limit=x", None, "limit", "whole"),
]


@pytest.mark.row("B6")
@pytest.mark.parametrize(("method", "path", "body", "field", "reason"), WRONG)
@pytest.mark.parametrize("locale", messages.LOCALES)
async def test_a_caller_reads_it_in_its_language(
    service: Service, locale: str, method: str, path: str, body: Any, field: str, reason: str
):
    headers = {"accept-language": locale}
    problem = await service.no(400, method, path, who="operator", json=body, headers=headers)
    assert problem["field"] == field
    assert problem["detail"] == f"{field}: {messages.say(f'shape.{reason}', locale)}."


@pytest.mark.parametrize("path", ["/api/v1/charges", "/api/v1/quotes"])
async def test_what_is_no_json_is_said_at_its_place(service: Service, path: str):
    headers = {"accept-language": "ko", "content-type": "application/json"}
    how = {"content": b'{"account": nobody}', "headers": headers}
    problem = await service.no(400, "POST", path, who="operator", **how)
    assert problem["field"] == "body"
    assert problem["detail"].startswith("body: 요청은 온전한 JSON 문서 하나여야 합니다. 1")


async def test_of_two_values_for_one_nobody_chooses(service: Service):
    problem = await service.no(400, "GET", "/api/v1/accounts?limit=5&search=a&limit=7", who="operator")
    assert (problem["field"], problem["detail"]) == (
        "limit",
        "limit: this stands there more than once; give it once.",
    )
    korean = {"accept-language": "ko"}
    problem = await service.no(400, "POST", "/api/v1/quotes?a=1&b&a=2", who="operator", headers=korean)
    assert "한 번만" in problem["detail"]
    await service.ok("GET", "/api/v1/accounts/me/entries?kind=charge&kind=grant&limit=5", who="alice")
    await service.ok("GET", "/api/v1/accounts?limit=5&&search=a&", who="operator")


def test_lists_in_a_query_are_known():
    found = {
        one["name"].encode()
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
        for one in operation.get("parameters", ())
        if one["in"] == "query" and one["schema"].get("type") == "array"
    }
    assert found == REPEATED
