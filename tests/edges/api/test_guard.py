"""The guard: what no request gets past, and what every answer has."""

import json

import pytest

from tests.edges.api.conftest import Service
from tokenhouse.edges.api.guard import _neighbourhood
from tokenhouse.edges.proxies import Proxies
from tokenhouse.edges.server import build
from tokenhouse.errors import StartRefused
from tokenhouse.settings import Settings

HEALTH, ME, BALANCE = "/api/v1/health", "/api/v1/session", "/api/v1/accounts/me/balance"
STRICT = {
    "api_body_bytes_max": 2_048,
    "api_per_minute": 6,
    "address_per_minute": 12,
    "failures_per_minute": 4,
}


@pytest.fixture
def settings(request):
    return getattr(request, "param", {})


def limited(**settings):
    return pytest.mark.parametrize("settings", [settings], indirect=True)


async def raw(
    service, *, method="POST", path="/api/v1/session", headers=(), parts=(b"",), client=("10.0.0.9", 1)
):
    """Call over plain ASGI; return the status and the document."""
    waiting = [
        {"type": "http.request", "body": p, "more_body": n + 1 < len(parts)} for n, p in enumerate(parts)
    ]
    sent = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"tokenhouse.test"), *headers],
        "client": client,
        "scheme": "http",
        "http_version": "1.1",
    }
    await service.app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], json.loads(body) if body else None


async def test_every_answer_says_that_it_is_not_framed_guessed_at_or_kept(service: Service):
    for method, path, status in (
        ("GET", HEALTH, 200),
        ("GET", ME, 401),
        ("GET", "/api/nothing", 404),
        ("POST", ME, 400),
        ("PUT", HEALTH, 405),
    ):
        answer = await service.call(method, path)
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers.get_list("x-request-id")) == 1
        assert "strict-transport-security" not in answer.headers


@limited(public_url="https://tokens.example.com/")
async def test_over_https_browsers_stay_there(service: Service):
    answer = await service.call("GET", HEALTH)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_the_documentation_has_its_own_policy(service: Service):
    answer = await service.call("GET", "/api/docs")
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "script-src 'self'" in policy


@limited(**STRICT)
async def test_a_body_is_bounded_told_or_not(service: Service):
    large = {"email": "a@b", "password": "x" * 3_000}
    problem = await service.no(413, "POST", ME, json=large)
    assert (problem["code"], problem["most"]) == ("invalid_input", 2_048)
    chunks = [b"x" * 1_000] * 3
    chunked = [(b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")]
    status, problem = await raw(service, headers=chunked, parts=chunks)
    assert (status, problem["most"]) == (413, 2_048)
    lies = [(b"content-length", b"5"), (b"content-type", b"application/json")]
    assert (await raw(service, headers=lies, parts=chunks))[0] == 413
    status, _ = await raw(service, headers=chunked, parts=[b'{"email": "a@b",', b' "password": "x"}'])
    assert status == 401
    assert (await raw(service, headers=[(b"content-length", b"x")], parts=[b"{}"]))[0] == 400


@limited(**STRICT)
async def test_a_user_is_counted_alone_and_a_back_end_not_at_all(service: Service, clock):
    for _ in range(7):
        await service.ok("GET", BALANCE, who="alice")
    problem = await service.call("GET", BALANCE, who="alice")
    assert (problem.status_code, problem.json()["code"]) == (429, "throttled")
    assert problem.headers["retry-after"] == "10"
    await service.ok("GET", BALANCE, who="bob")
    clock.move(seconds=10)
    await service.ok("GET", BALANCE, who="alice")
    for _ in range(30):
        await service.ok("GET", "/api/v1/accounts/alice/balance", who="operator")
    for _ in range(7):
        await service.ok("GET", "/api/v1/accounts/alice/balance", who="auditor")
    await service.no(429, "GET", "/api/v1/accounts/alice/balance", who="auditor")


@limited(**STRICT)
async def test_strangers_are_counted_by_their_address(service: Service):
    for _ in range(12):
        await service.ok("GET", HEALTH)
    await service.no(429, "GET", HEALTH)
    assert (await raw(service, method="GET", path=HEALTH))[0] == 200


@limited(**STRICT)
async def test_refused_credentials_close_an_address_but_not_to_those_who_are_known(service: Service, clock):
    await service.ok("GET", BALANCE, who="alice")
    await service.key("bob")
    for number in range(4):
        wrong = {"authorization": f"Bearer th_{number:043}"}
        assert (await service.call("GET", BALANCE, headers=wrong)).status_code == 401
    assert (await service.call("GET", BALANCE, headers=wrong)).status_code == 429
    assert (await service.call("GET", HEALTH, headers=wrong)).status_code == 429
    await service.ok("GET", BALANCE, who="alice")
    await service.no(429, "GET", BALANCE, who="bob")
    await service.ok("GET", HEALTH)
    clock.move(seconds=15)
    await service.ok("GET", BALANCE, who="bob")


@limited(**STRICT)
async def test_nobody_becomes_known_where_nobody_asks_who_it_is(service: Service):
    wrong = {"authorization": "Bearer th_" + "x" * 43}
    for _ in range(8):
        await service.ok("GET", HEALTH, headers=wrong)
    for _ in range(4):
        await service.call("GET", BALANCE, headers=wrong)
    assert (await service.call("GET", BALANCE, headers=wrong)).status_code == 429


@limited(hosts=("tokenhouse.test", "*.example.com"))
async def test_another_name_is_not_ours(service: Service):
    await service.ok("GET", HEALTH)
    await service.ok("GET", HEALTH, headers={"host": "A.example.com:443"})
    for host in ("evil.test", "tokenhouse.test.evil.test", "example.com", ""):
        problem = await service.no(400, "GET", HEALTH, headers={"host": host})
        assert problem["field"] == "host"


@limited(cors_origins=("https://app.example.com",))
async def test_pages_of_other_sites_send_nothing_unless_they_are_listed(service: Service):
    for origin in ("https://evil.test", "null", "https://tokenhouse.test.evil.test"):
        await service.no(403, "POST", ME, json={}, headers={"origin": origin})
        answer = await service.call("GET", HEALTH, headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers
    for origin in ("http://tokenhouse.test", "https://app.example.com"):
        await service.no(400, "POST", ME, json={}, headers={"origin": origin})
    asking = {
        "origin": "https://app.example.com",
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization,idempotency-key",
    }
    preflight = await service.call("OPTIONS", BALANCE, headers=asking)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-credentials" not in preflight.headers
    answer = await service.call("GET", HEALTH, headers={"origin": "https://app.example.com"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "x-tokenhouse-remaining" in answer.headers["access-control-expose-headers"]


async def test_cors_is_off_unless_somebody_turns_it_on(service: Service):
    asking = {"origin": "https://app.example.com", "access-control-request-method": "GET"}
    answer = await service.call("OPTIONS", BALANCE, headers=asking)
    assert "access-control-allow-origin" not in answer.headers


def test_of_an_ipv6_address_the_network_is_counted():
    assert _neighbourhood("2001:db8:1:2:3:4:5:6") == _neighbourhood("2001:db8:1:2:ffff::1")
    assert _neighbourhood("2001:db8:1:3::1") != _neighbourhood("2001:db8:1:2::1")
    assert _neighbourhood("::ffff:10.0.0.1") == "10.0.0.1"
    assert (_neighbourhood("10.0.0.1"), _neighbourhood("")) == ("10.0.0.1", "")


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("203.0.113.1", "1.2.3.4", "203.0.113.1"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("unix", "1.2.3.4", "unix"),
    ],
)
def test_a_listed_proxy_says_who_calls_and_nobody_else_does(peer, forwarded, seen):
    scope = {
        "client": (peer, 5),
        "scheme": "http",
        "headers": [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", b"https")],
    }
    Proxies(["10.0.0.0/8"]).see_through(scope)
    assert scope["client"][0] == seen
    assert scope["scheme"] == ("https" if "10." in peer else "http")
    Proxies([]).see_through(scope)
    assert scope["client"][0] == seen


@pytest.mark.parametrize(
    "wrong",
    [
        {"proxies": ("0.0.0.0/0",)},
        {"proxies": ("proxy.internal",)},
        {"cors_origins": ("*",)},
        {"cors_origins": ("https://app.example.com/path",)},
        {"hosts": ("https://tokens.example.com",)},
        {"public_url": "tokens.example.com"},
        {"public_url": "https://tokens.example.com/?x=1"},
    ],
)
def test_what_would_let_everybody_in_stops_the_start(wrong, tmp_path):
    with pytest.raises(StartRefused):
        build(Settings(home=tmp_path, **wrong))


async def test_a_caller_who_leaves_before_its_body_is_whole_gets_no_answer(service: Service):
    with pytest.raises(IndexError):
        await raw(service, headers=[(b"content-length", b"20")], parts=())
