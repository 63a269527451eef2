"""Who is believed, as the settings say: keys always, tokens and headers where a deployment opens that way."""

from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tests.edges.api.conftest import Service
from tokenhouse.edges.server import build
from tokenhouse.errors import StartRefused
from tokenhouse.settings import Jwt, Settings, TrustedHeader, read

SHARED = "pE3v9kQz-Hs7Wm2Xc5Rt8Yb1Nd4Lf6Gj0"
PROXY = "uV7n2Bq-Zk4Mx9Tc1Ws6Hd3Rf8Jy5Lp0Ga"
RSA = RSAKey.generate_key(2048, {"kid": "one"})
BALANCE, CHAT = "/api/v1/accounts/me/balance", "/v1/chat/completions"
HELLO = {"model": "demo", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def settings(request):
    return request.param


def opened(**settings):
    return pytest.mark.parametrize("settings", [settings], indirect=True)


def token(clock, key=None, algorithm="HS256", /, **claims):
    until = int((clock() + timedelta(minutes=5)).timestamp())
    signer = key or OctKey.import_key(SHARED)
    return jwt.encode({"alg": algorithm}, {"exp": until, **claims}, signer, algorithms=[algorithm])


def bearer(text):
    return {"authorization": f"Bearer {text}"}


@pytest.mark.row("D9")
@opened(jwt=Jwt(secret=SHARED, claim="user_id", role_claim="roles", issuer="app", audience="tokenhouse"))
async def test_a_token_of_the_application_opens_rest_and_gateway(service: Service, clock):
    await service.house.account("alice")
    claims = {"user_id": "alice", "iss": "app", "aud": "tokenhouse"}
    shown = bearer(token(clock, **claims))
    assert (await service.ok("GET", BALANCE, headers=shown))["account"] == "alice"
    me = await service.ok("GET", "/api/v1/session", headers=shown)
    assert (me["role"], me["actor"]) == ("user", "account:alice")
    answer = await service.ok("POST", CHAT, headers=shown, json=HELLO)
    assert answer["choices"]
    assert (await service.ok("GET", "/v1/models", headers=shown))["data"]
    (entry, *_) = await service.house.history("alice", kinds=("charge",))
    assert entry.actor == "account:alice"
    for path, method, body in (("/v1/models", "GET", None), (CHAT, "POST", HELLO), (BALANCE, "GET", None)):
        for wrong in ({**claims, "iss": "x"}, {**claims, "aud": "x"}, {**claims, "user_id": ""}):
            no = await service.call(method, path, headers=bearer(token(clock, **wrong)), json=body)
            assert no.status_code == 401, path
    await service.no(401, "GET", BALANCE)
    assert (await service.ok("GET", BALANCE, who="bob"))["account"] == "bob"


@opened(jwt=Jwt(secret=SHARED, role_claim="roles"))
@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (None, "user"),
        ("operator", "operator"),
        (["editor", "auditor", "operator"], "operator"),
        (["root", "Owner"], "user"),
        ("owner", "owner"),
        ({"owner": True}, "user"),
        ([["owner"]], "user"),
        (3, "user"),
    ],
)
async def test_a_token_s_role_is_the_highest_that_is_one_of_ours(service: Service, clock, roles, role):
    shown = bearer(token(clock, sub="jisu", roles=roles))
    assert (await service.ok("GET", "/api/v1/session", headers=shown))["role"] == role


@opened(jwt=Jwt(secret=SHARED))
async def test_without_a_claim_for_it_nobody_s_token_has_a_role(service: Service, clock):
    shown = bearer(token(clock, sub="jisu", role="owner", roles=["owner"]))
    assert (await service.ok("GET", "/api/v1/session", headers=shown))["role"] == "user"


@opened(jwt=Jwt(public_key=RSA.as_pem(private=False).decode()))
async def test_a_public_key_believes_its_signer_alone(service: Service, clock):
    await service.house.account("alice")
    mine = bearer(token(clock, RSA, "RS256", sub="alice"))
    assert (await service.ok("GET", BALANCE, headers=mine))["account"] == "alice"
    other = RSAKey.generate_key(2048)
    await service.no(401, "GET", BALANCE, headers=bearer(token(clock, other, "RS256", sub="alice")))
    await service.no(401, "GET", BALANCE, headers=bearer(token(clock, sub="alice")))


@opened(trusted_header=TrustedHeader(name="x-user-id", secret=PROXY))
async def test_a_header_is_believed_from_a_proxy_that_proves_itself(service: Service):
    await service.house.account("alice")
    proven = {"x-user-id": "alice", "x-tokenhouse-secret": PROXY}
    assert (await service.ok("GET", BALANCE, headers=proven))["account"] == "alice"
    assert (await service.ok("POST", CHAT, headers=proven, json=HELLO))["choices"]
    for wrong in ({"x-user-id": "alice"}, {"x-user-id": "alice", "x-tokenhouse-secret": "x"}):
        await service.no(401, "GET", BALANCE, headers=wrong)
        assert (await service.call("POST", CHAT, headers=wrong, json=HELLO)).status_code == 401
    key = await service.key("bob")
    mixed = {**proven, **bearer(key)}
    assert (await service.ok("GET", BALANCE, headers=mixed))["account"] == "bob"


@opened(trusted_header=TrustedHeader(peers=("10.9.0.0/16",)), proxies=("127.0.0.1",))
async def test_a_listed_address_is_that_of_the_caller_and_not_of_a_proxy_before_it(service: Service):
    await service.house.account("alice")
    for path in (BALANCE, "/v1/models"):
        there = {"x-user-id": "alice", "x-forwarded-for": "10.9.3.4"}
        assert (await service.call("GET", path, headers=there)).status_code == 200
        elsewhere = {"x-user-id": "alice", "x-forwarded-for": "10.9.3.4, 203.0.113.4"}
        assert (await service.call("GET", path, headers=elsewhere)).status_code == 401


WEAK = [None, "", "   ", "short", "change-me-" * 4, "a" * 40, "your-secret-here-0123456789abcdef"]


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 -- what is refused
@pytest.mark.parametrize("secret", WEAK)
def test_a_secret_that_could_be_guessed_stops_the_start(tmp_path, environment, host, secret):
    for table in ({"jwt": Jwt(secret=secret)}, {"trusted_header": TrustedHeader(secret=secret)}):
        with pytest.raises(StartRefused) as no:
            build(Settings(home=tmp_path, environment=environment, host=host, **table))
        assert not secret or secret not in str(no.value)


@pytest.mark.parametrize(
    "table",
    [
        {"trusted_header": TrustedHeader()},
        {"trusted_header": TrustedHeader(peers=("0.0.0.0/0",))},
        {"trusted_header": TrustedHeader(peers=("::/0",))},
        {"trusted_header": TrustedHeader(peers=("proxy",))},
        {"jwt": Jwt()},
        {"jwt": Jwt(secret=SHARED, jwks="https://example.com/keys")},
        {"jwt": Jwt(jwks="http://example.com/keys")},
        {"jwt": Jwt(secret=SHARED, algorithms=("none",))},
        {"jwt": Jwt(secret=SHARED, algorithms=("RS256",))},
        {"jwt": Jwt(public_key="no key")},
    ],
)
def test_a_way_in_that_anybody_could_take_stops_the_start(tmp_path, table):
    with pytest.raises(StartRefused):
        build(Settings(home=tmp_path, **table))


def test_secrets_come_from_variables_too_and_an_empty_one_stops_the_start(tmp_path):
    (tmp_path / "tokenhouse.toml").write_text(
        '[jwt]\nsecret_env = "APP_SECRET"\n[trusted_header]\nsecret_env = "PROXY_SECRET"\n'
    )
    environ = {"TOKENHOUSE_HOME": str(tmp_path), "TOKENHOUSE_HOSTS": "a.example.com, b.example.com"}
    found = read({**environ, "APP_SECRET": SHARED, "PROXY_SECRET": f" {PROXY}\n"})
    assert (found.jwt.secret, found.trusted_header.secret) == (SHARED, PROXY)
    assert found.hosts == ("a.example.com", "b.example.com")
    build(found)
    for missing in (
        {"APP_SECRET": SHARED},
        {"PROXY_SECRET": PROXY},
        {"APP_SECRET": "", "PROXY_SECRET": PROXY},
    ):
        with pytest.raises(StartRefused):
            build(read({**environ, **missing}))
