"""The OpenAPI document and what is made of it: complete, and shown without an outside address."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.edges.api import reference
from tests.edges.api.conftest import Service
from tests.edges.api.document import DOCUMENT
from tests.edges.serving import PROGRAM
from tokenhouse.edges.api import assembled, openapi
from tokenhouse.edges.api.postman import SCHEMA, collection
from tokenhouse.edges.api.thin import Thin
from tokenhouse.rules.usage import Usage

OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
VERBS = {
    *("show", "list", "count", "create", "add", "write", "amend", "change", "revoke", "erase", "clear"),
    *("give", "claw", "adjust", "refund", "reserve", "settle", "release", "charge", "run", "quote"),
    *("start", "simulate", "import", "decide", "use", "open", "export", "send", "mark", "hear", "resend"),
    *("rotate", "disable", "enable", "try", "buy", "confirm", "complete", "fail", "end", "redeem", "sign"),
    *("enter", "become", "load", "invite", "rehearse", "synchronise", "suspend", "health", "ready"),
    *("cancel", "carry", "check", "preview", "withdraw"),
}
NATIVE = [(name, one) for name, one in OPERATIONS if " /api/v1/" in name]


def names(part) -> set[str]:
    """Return the components that a part of the document refers to."""
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)))


@pytest.mark.row("B6")
def test_a_generated_client_needs_no_hand_work():
    ids = [one["operationId"] for _, one in OPERATIONS]
    assert sorted(set(ids)) == sorted(ids)
    assert [one for one in ids if not re.fullmatch(r"[a-z][a-z0-9_]*", one)] == []
    assert names(DOCUMENT) <= set(DOCUMENT["components"]["schemas"])
    unreadable = [one for one in DOCUMENT["components"]["schemas"] if not re.fullmatch(r"[A-Z]\w*", one)]
    assert unreadable == []


def test_every_answer_is_typed_and_every_operation_says_what_it_does():
    for name, one in OPERATIONS:
        assert one["description"].strip(), name
        assert one["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, name
        for status, answer in one["responses"].items():
            for kind, content in answer.get("content", {}).items():
                assert kind != "application/json" or content["schema"], f"{name} {status}"
    for name, one in NATIVE:
        assert one["tags"], name


def test_every_group_says_what_it_is_about():
    told = {one["name"] for one in DOCUMENT["tags"]}
    assert {tag for _, one in OPERATIONS for tag in one.get("tags", ())} == told


async def test_where_no_credentials_are_needed_is_said(service: Service):
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert set(schemes) == {"bearer", "apiKey", "session"}
    assert DOCUMENT["security"] == [{"bearer": []}, {"apiKey": []}, {"session": []}]
    said = {name for name, one in OPERATIONS if one.get("security") == []}
    found = set()
    for name, _ in OPERATIONS:
        method, path = re.sub(r"\{\w+\}", "1", name).split(" ")
        answer = await service.call(method, path, json={} if method != "GET" else None)
        if answer.status_code != 401:
            found.add(name)
    assert found == said


def test_a_thin_route_is_documented_by_the_structs_that_it_reads_and_writes():
    thin: tuple[Thin, ...] = assembled().thin
    assert len(thin) == 5
    for one in thin:
        operation = DOCUMENT["paths"][one.path]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        assert content["schema"] == {"$ref": f"#/components/schemas/{one.asked.__name__}"}
        one.read(json.dumps(content["example"]).encode())
        assert [each["name"] for each in operation["parameters"] if each["in"] == "path"] == one.parts


def test_a_name_in_the_document_is_one_shape():
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Usage"]["properties"]) == set(Usage.__struct_fields__)
    assert {"account", "note"} <= set(schemas["Withdrawal"]["properties"])
    with pytest.raises(AssertionError, match="Amount"):
        openapi._add(dict(schemas), {"Amount": {"properties": {"other": {}}}})


async def test_the_documentation_needs_no_outside_address(service: Service):
    page = await service.call("GET", "/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        if path == "data:,":
            continue
        assert path.startswith("/api/docs/")
        file = await service.call("GET", path)
        assert file.is_success
        assert len(file.content) > 100
    start = await service.call("GET", "/api/docs/start.js")
    [url] = re.findall(r'url: "([^"]+)"', start.text)
    assert (await service.ok("GET", url))["info"]["title"] == "tokenhouse"
    assert "http" not in page.text + start.text
    await service.no(400, "GET", "/api/docs/passwd")


def test_the_table_of_routes_is_up_to_date():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run `make reference`"


def test_the_document_of_the_pages_client_is_up_to_date():
    kept = (Path(__file__).resolve().parents[3] / "dashboard" / "openapi.json").read_text(encoding="utf-8")
    assert json.loads(kept) == json.loads(json.dumps(DOCUMENT)), (
        "run `make reference`, or `.venv/bin/tokenhouse openapi > dashboard/openapi.json`"
    )


def test_an_operation_is_named_by_what_it_does():
    """A generated client has these names: a verb comes first, and what it is done to."""
    odd = [one["operationId"] for _, one in OPERATIONS if one["operationId"].partition("_")[0] not in VERBS]
    assert odd == []


@pytest.mark.row("B6")
def test_the_postman_collection_has_every_operation_with_a_body_that_is_taken():
    made = collection(DOCUMENT)
    assert made["info"]["schema"] == SCHEMA
    assert [one["name"] for one in made["item"]] == [one["name"] for one in DOCUMENT["tags"]]
    requests = [one["request"] for folder in made["item"] for one in folder["item"]]
    assert len(requests) == len(OPERATIONS)
    known = {one["key"] for one in made["variable"]}
    assert {"baseUrl", "token", "userToken", "reservation", "order", "key_id"} <= known
    assert set(re.findall(r"\{\{(\w+)\}\}", json.dumps(made))) <= known
    for one in requests:
        assert one["url"]["raw"].startswith("{{baseUrl}}/")
        assert "{" not in one["url"]["raw"].removeprefix("{{baseUrl}}")
        assert {part["key"] for part in one["url"]["variable"]} == set(
            re.findall(r":(\w+)", one["url"]["raw"])
        )
        if "body" in one:
            json.loads(one["body"]["raw"])
    bodies = {one["url"]["raw"]: json.loads(one["body"]["raw"]) for one in requests if "body" in one}
    [grant] = [body for url, body in bodies.items() if url.endswith("/:ref/grants")]
    assert grant == {"amount": "2500", "reason": "Goodwill after the outage of Tuesday"}


def test_what_a_request_of_the_collection_makes_the_next_ones_name():
    requests = {
        (one["request"]["method"], one["request"]["url"]["raw"].removeprefix("{{baseUrl}}")): one
        for folder in collection(DOCUMENT)["item"]
        for one in folder["item"]
    }

    def kept(method: str, path: str) -> list[str]:
        scripts = requests[method, path].get("event", [])
        return re.findall(r'collectionVariables\.set\("(\w+)"', json.dumps(scripts).replace('\\"', '"'))

    assert kept("POST", "/api/v1/reservations") == ["reservation"]
    assert kept("POST", "/api/v1/accounts/:ref/orders") == ["order"]
    assert kept("GET", "/api/v1/deliveries") == ["delivery_id"]
    assert kept("POST", "/api/v1/accounts/:ref/keys") == ["userToken"]
    assert kept("GET", "/api/v1/health") == []
    settle = requests["POST", "/api/v1/reservations/:reservation/settle"]["request"]
    assert [(one["key"], one["value"]) for one in settle["url"]["variable"]] == [
        ("reservation", "{{reservation}}")
    ]
    own = requests["POST", "/api/chat/send"]["request"]["auth"]["bearer"]
    assert [one["value"] for one in own] == ["{{userToken}}"]
    assert "auth" not in requests["POST", "/api/ai-usage/test-usage"]["request"]
    header = requests["GET", "/api/v1/user-quota/quota"]["request"]["header"]
    assert [(one["key"], one["value"], one["disabled"]) for one in header] == [("x-user-id", "123", False)]


async def test_bodies_of_the_collection_are_taken_as_they_are(service: Service):
    await service.house.account("alice")
    requests = [one["request"] for folder in collection(DOCUMENT)["item"] for one in folder["item"]]
    for one in requests:
        path = one["url"]["raw"].removeprefix("{{baseUrl}}").replace(":ref", "alice")
        if "body" in one and re.search(r"/(grants|adjustments|quotes|reservations|charges|keys)$", path):
            body = json.loads(one["body"]["raw"])
            answer = await service.call(one["method"], path, who="owner", json=body)
            assert answer.status_code < 300, f"{path} {body} {answer.text}"


@pytest.mark.parametrize(("words", "found"), [((), "openapi"), (("--postman",), "info")])
def test_the_command_prints_a_document(tmp_path, words: tuple[str, ...], found: str):
    run = subprocess.run(
        [*PROGRAM, "openapi", *words],
        env={"TOKENHOUSE_HOME": str(tmp_path)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert found in json.loads(run.stdout)
    assert list(tmp_path.iterdir()) == []
