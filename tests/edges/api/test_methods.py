"""Every path takes what the document says: HEAD where GET goes, OPTIONS, and no other; it says so itself."""

import pytest

from tests.edges.api.conftest import Service
from tests.edges.api.document import DOCUMENT

PATHS = DOCUMENT["paths"]
WRITES = ("POST", "PUT", "PATCH", "DELETE")
HEALTH = "/api/v1/health"


def allowed(path: str) -> set[str]:
    declared = {method.upper() for method in PATHS[path]}
    return declared | {"OPTIONS"} | ({"HEAD"} if "GET" in declared else set())


def listed(answer) -> set[str]:
    methods = answer.headers["allow"].split(", ")
    assert len(methods) == len(set(methods))
    return set(methods)


@pytest.mark.row("B6")
async def test_every_path_refuses_what_it_does_not_take_and_says_what_it_takes(service: Service):
    refused = 0
    for path in PATHS:
        place = path.replace("{", "").replace("}", "")
        answer = await service.call("OPTIONS", place)
        assert (answer.status_code, answer.content) == (204, b""), path
        assert listed(answer) >= allowed(path), path
        for method in (*WRITES, "GET", "HEAD", "TRACE"):
            if method in listed(answer):
                continue
            no = await service.call(method, place)
            assert no.status_code == 405, (method, path)
            assert listed(no) == listed(answer)
            assert no.headers["content-type"] == "application/problem+json"
            refused += 1
            if method != "HEAD":
                problem = no.json()
                assert (problem["status"], problem["code"]) == (405, "method_not_allowed")
                assert (problem["method"], problem["path"]) == (method, place)
    assert refused > len(PATHS)


async def test_paths_with_one_meaning_list_exactly_what_the_document_does(service: Service):
    for path in (
        "/api/v1/accounts",
        "/api/v1/reservations",
        "/api/v1/session",
        "/api/user/points",
        "/api/chat",
    ):
        assert listed(await service.call("OPTIONS", path)) == allowed(path), path


async def test_a_caller_reads_it_in_its_language(service: Service):
    english = await service.no(405, "DELETE", HEALTH)
    assert english["detail"] == f"{HEALTH} does not take DELETE; it takes GET, HEAD, OPTIONS."
    assert english["allow"] == "GET, HEAD, OPTIONS"
    korean = await service.no(405, "DELETE", HEALTH, headers={"accept-language": "ko"})
    assert (korean["title"], "DELETE" in korean["detail"]) == ("쓸 수 없는 메서드입니다", True)


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE", "HEAD"])
async def test_a_path_that_is_not_there_takes_nothing(service: Service, method: str):
    answer = await service.call(method, "/api/v1/nothing")
    assert answer.status_code == 404
    assert "allow" not in answer.headers


async def test_head_is_answered_as_get_is_without_the_body(service: Service):
    for path in (HEALTH, "/api/v1/accounts", "/api/v1/accounts?limit=x", "/api/docs", "/api/openapi.json"):
        whole = await service.call("GET", path, who="operator")
        head = await service.call("HEAD", path, who="operator")
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.headers["content-type"] == whole.headers["content-type"]
    assert (await service.call("HEAD", "/api/v1/accounts")).status_code == 401


async def test_head_of_a_table_in_pieces_has_no_body_either(service: Service):
    head = await service.call("HEAD", "/api/v1/entries.csv", who="operator")
    assert (head.status_code, head.content) == (200, b"")
