"""Which requests are metered: prefixes, patterns, methods, mounted applications; what refuses to start."""

import pytest

from tokenhouse import Endpoint, StartRefused
from tokenhouse.edges.middleware import QUOTA_ENDPOINTS
from tokenhouse.edges.middleware.endpoints import Endpoints

pytestmark = pytest.mark.row("C4")


def found(endpoints, path: str, method: str = "POST", root_path: str = "") -> str | None:
    scope = {"method": method, "path": path, "root_path": root_path}
    endpoint = Endpoints(endpoints).find(scope)
    return None if endpoint is None else endpoint.path


@pytest.mark.parametrize("endpoint", QUOTA_ENDPOINTS, ids=lambda one: one.path)
def test_each_prefix_of_the_back_end_covers_what_lies_below_it(endpoint):
    assert found(QUOTA_ENDPOINTS, endpoint.path + "chat/7") == endpoint.path
    assert found(QUOTA_ENDPOINTS, endpoint.path) == endpoint.path
    assert found(QUOTA_ENDPOINTS, endpoint.path[:-1]) == endpoint.path
    assert found(QUOTA_ENDPOINTS, endpoint.path[:-1] + "-else/x") is None
    assert found(QUOTA_ENDPOINTS, endpoint.path + "x", method="GET") is None


def test_the_back_end_has_eight_prefixes():
    assert len(QUOTA_ENDPOINTS) == 8


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/chat", "/chat", True),
        ("/chat", "/chat/", False),
        ("/chat", "/chats", False),
        ("/c.at", "/chat", False),
        ("/chats/{id}/messages", "/chats/7/messages", True),
        ("/chats/{id}/messages", "/chats/7/8/messages", False),
        ("/chats/{id}/messages", "/chats//messages", False),
        ("/files/{rest:path}", "/files/a/b\nc", True),
        ("/", "/anything", True),
    ],
)
def test_a_pattern_fits_whole_paths(pattern, path, fits):
    assert (found([pattern], path) is not None) == fits


def test_the_first_that_fits_counts_and_each_method_has_its_own():
    endpoints = [Endpoint("/a/b", methods=["PUT"]), "/a/b", "/a/"]
    assert found(endpoints, "/a/b") == "/a/b"
    assert found(endpoints, "/a/c") == "/a/"
    assert found(endpoints, "/a/c", method="PUT") is None
    assert found(endpoints, "/a/b", method="PUT") == "/a/b"


def test_a_mounted_application_is_matched_as_it_sees_itself():
    assert found(["/chat"], "/api/chat", root_path="/api") == "/chat"
    assert found(["/chat"], "/chat", root_path="/api") == "/chat"
    assert found(["/chat"], "/apichat", root_path="/api") is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Endpoint("chat"), "endpoint_path"),
        (lambda: Endpoints(["/chats/{}"]), "endpoint_path"),
        (lambda: Endpoints(["/chats/{a-b}"]), "endpoint_path"),
        (lambda: Endpoint("/chat", methods=[]), "endpoint_methods"),
        (lambda: Endpoint("/chat", methods="POST"), "endpoint_methods"),
        (lambda: Endpoint("/chat", dialect="openai"), "endpoint_dialect"),
        (lambda: Endpoint("/chat", fields="message"), "endpoint_fields"),
        (lambda: Endpoint("/chat", answer_fields="answer"), "endpoint_fields"),
        (lambda: Endpoint("/chat", default=-1), "endpoint_tokens"),
        (lambda: Endpoint("/chat", output=0), "endpoint_tokens"),
        (lambda: Endpoints([]), "endpoints_none"),
    ],
)
def test_what_cannot_be_meant_refuses_to_start(make, reason):
    with pytest.raises(StartRefused) as refused:
        make()
    assert refused.value.reason == reason
    assert refused.value.message("ko")


@pytest.mark.parametrize(
    ("endpoint", "protocol"),
    [
        (Endpoint("/a"), "problem"),
        (Endpoint("/a", dialect="openai-chat"), "openai"),
        (Endpoint("/a", dialect="anthropic-messages"), "anthropic"),
        (Endpoint("/a", dialect="anthropic-messages", errors="problem"), "problem"),
    ],
)
def test_a_refusal_has_the_shape_that_the_callers_of_an_endpoint_read(endpoint, protocol):
    assert endpoint.protocol == protocol
