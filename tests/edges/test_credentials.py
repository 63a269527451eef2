"""Whose call is it: each proof is believed as far as it proves something, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.edges.middleware.conftest import served
from tokenhouse import (
    ApiKey,
    JwtClaim,
    StartRefused,
    Tokenhouse,
    TrustedHeader,
    Unauthenticated,
    UpstreamTrouble,
)
from tokenhouse.edges.credentials import credentials_of, identify, key_sets
from tokenhouse.settings import Settings

pytestmark = pytest.mark.row("D9", "C4")

SECRET = "kqX7vR2mZ9tB4nW8sD3fG6hJ1pL5cY0e"
RSA = RSAKey.generate_key(2048, {"kid": "one"})
EC = ECKey.generate_key("P-256", {"kid": "two"})
OCT = OctKey.import_key(SECRET)
NOW = int(datetime(2026, 11, 21, 3, tzinfo=UTC).timestamp())


@pytest.fixture
async def house(database: str, clock: Any, tmp_path):
    async with Tokenhouse.open(database, settings=Settings(home=tmp_path), clock=clock) as opened:
        await opened.account("ann")
        yield opened


def scope(*headers: tuple[str, str], client: tuple[str, int] | None = ("10.0.3.7", 5)) -> dict[str, Any]:
    return {
        "type": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": client,
    }


def token(claims: dict[str, Any], key: Any = OCT, algorithm: str = "HS256", **header: Any) -> str:
    return jwt.encode({"alg": algorithm, **header}, {"exp": NOW + 60, **claims}, key, algorithms=[algorithm])


async def who(house: Tokenhouse, account: object, asked: dict[str, Any]) -> str:
    return (await identify(credentials_of(account), asked, house)).account


async def refused(house: Tokenhouse, account: object, asked: dict[str, Any]) -> str:
    with pytest.raises(Unauthenticated) as no:
        await who(house, account, asked)
    assert no.value.message("ko")
    return no.value.reason


async def test_an_api_key_is_read_from_either_vendors_header(house: Tokenhouse):
    secret = (await house.create_key("ann")).secret
    for name, value in (("authorization", f"Bearer {secret}"), ("x-api-key", secret)):
        found = await ApiKey().find(scope((name, value)), house)
        assert found is not None
        assert (found.account, len(found.api_key)) == ("ann", 32)
    other = scope(("authorization", "Bearer somebody-elses"), ("x-api-key", secret))
    assert await who(house, ApiKey(), other) == "ann"


async def test_what_opens_nothing_is_nobody(house: Tokenhouse):
    assert await refused(house, ApiKey(), scope()) == "credential_missing"
    assert await refused(house, ApiKey(), scope(("authorization", "Basic YTpi"))) == "credential_missing"
    assert await refused(house, ApiKey(), scope(("x-api-key", "th_" + "x" * 40))) == "key_unknown"
    twice = scope(("x-api-key", "th_a"), ("x-api-key", "th_b"))
    assert await refused(house, ApiKey(), twice) == "header_repeated"


def bearer(value: str) -> dict[str, Any]:
    return scope(("authorization", f"Bearer {value}"))


async def test_a_token_signed_with_the_shared_secret_names_the_account(house: Tokenhouse):
    assert await who(house, JwtClaim(secret=SECRET), bearer(token({"sub": "ann"}))) == "ann"
    assert await who(house, JwtClaim(secret=SECRET, claim="user_id"), bearer(token({"user_id": 7}))) == "7"
    own = scope(("x-session", token({"sub": "bob"})))
    assert await who(house, JwtClaim(secret=SECRET, name="X-Session"), own) == "bob"


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        (token({"sub": "ann"}, OctKey.import_key(SECRET[::-1])), "token_invalid"),
        (token({"sub": "ann"})[:-4] + "AAAA", "token_invalid"),
        (token({"sub": "ann", "exp": NOW - 31}), "token_expired"),
        (token({"sub": "ann", "nbf": NOW + 31}), "token_invalid"),
        (jwt.encode({"alg": "HS256"}, {"sub": "ann"}, OCT), "token_invalid"),
        (token({"sub": "ann", "aud": "another"}), "token_invalid"),
        (token({"user": "ann"}), "token_invalid"),
        (token({"sub": ""}), "token_invalid"),
        (token({"sub": "ann", "exp": "soon"}), "token_invalid"),
        (token({"sub": "ann"}, RSA, "RS256"), "token_invalid"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.", "token_invalid"),
        ("a.b.c", "token_invalid"),
        ("..", "token_invalid"),
        ("a.b." + "c" * 20_000, "token_invalid"),
        ("no-token", "credential_missing"),
    ],
)
async def test_a_token_that_proves_nothing_is_refused(house: Tokenhouse, signed: str, reason: str):
    assert await refused(house, JwtClaim(secret=SECRET), bearer(signed)) == reason


@pytest.mark.parametrize("value", [True, 1.5, ["ann"], {"a": 1}, None])
async def test_a_claim_that_is_no_name_is_none(house: Tokenhouse, value: object):
    reason = await refused(house, JwtClaim(secret=SECRET, claim="user"), bearer(token({"user": value})))
    assert reason in {"token_claim", "token_invalid"}


async def test_a_token_expires_by_the_houses_clock(house: Tokenhouse, clock: Any):
    signed = bearer(token({"sub": "ann"}))
    clock.move(seconds=89)
    assert await who(house, JwtClaim(secret=SECRET), signed) == "ann"
    clock.move(seconds=3)
    assert await refused(house, JwtClaim(secret=SECRET), signed) == "token_expired"


async def test_issuer_and_audience_must_be_the_ones_that_are_meant(house: Tokenhouse):
    meant = JwtClaim(secret=SECRET, issuer="https://me.example", audience="tokens")
    good = {"sub": "ann", "iss": "https://me.example", "aud": ["tokens", "more"]}
    assert await who(house, meant, bearer(token(good))) == "ann"
    for wrong in ({"iss": "https://you.example"}, {"aud": "other"}, {"iss": None}):
        assert await refused(house, meant, bearer(token({**good, **wrong}))) == "token_invalid"


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
async def test_a_token_signed_with_a_private_key_is_checked_with_the_public_one(house, key, algorithm):
    claim = JwtClaim(public_key=key.as_pem(private=False).decode())
    assert await who(house, claim, bearer(token({"sub": "ann"}, key, algorithm))) == "ann"
    claim = JwtClaim(jwks=KeySet([RSA, EC]).as_dict(private=False))
    signed = token({"sub": "ann"}, key, algorithm, kid=key.kid)
    assert await who(house, claim, bearer(signed)) == "ann"
    forged = token({"sub": "ann"}, OctKey.import_key(SECRET), kid=key.kid)
    assert await refused(house, claim, bearer(forged)) == "token_invalid"


async def test_a_token_that_names_no_key_may_be_by_any_of_a_set(house: Tokenhouse):
    other = RSAKey.generate_key(2048)
    claim = JwtClaim(jwks=KeySet([other, EC, RSA]).as_dict(private=False))
    assert await who(house, claim, bearer(token({"sub": "ann"}, RSA, "RS256"))) == "ann"
    assert await who(house, claim, bearer(token({"sub": "bob"}, EC, "ES256"))) == "bob"
    strange = token({"sub": "eve"}, RSAKey.generate_key(2048), "RS256")
    assert await refused(house, claim, bearer(strange)) == "token_invalid"


async def test_a_signer_without_names_for_its_keys_may_change_them(house, monkeypatch):
    first, second, asked = RSAKey.generate_key(2048), RSAKey.generate_key(2048), []
    published = [first]

    async def keys(_request):
        asked.append(1)
        return JSONResponse({"keys": [one.as_dict(private=False) for one in published]})

    async with served(Starlette(routes=[Route("/keys", keys)])) as signer:
        claim = JwtClaim(jwks=f"http://127.0.0.1:{signer.port}/keys")
        assert await who(house, claim, bearer(token({"sub": "ann"}, first, "RS256"))) == "ann"
        published[:] = [second]
        changed = bearer(token({"sub": "ann"}, second, "RS256"))
        for _ in range(5):
            assert await refused(house, claim, changed) == "token_invalid"
        assert len(asked) == 1, "no token makes us ask more often"
        monkeypatch.setattr(key_sets, "ASKED_EVERY_S", -1.0)
        assert await who(house, claim, changed) == "ann"


async def test_published_keys_are_fetched_kept_and_fetched_again_for_a_new_one(house, monkeypatch):
    published, asked = [RSA], []

    async def keys(_request):
        asked.append(1)
        return JSONResponse(KeySet(published).as_dict(private=False), status_code=200 if published else 500)

    async with served(Starlette(routes=[Route("/keys", keys)])) as signer:
        claim = JwtClaim(jwks=f"http://127.0.0.1:{signer.port}/keys")
        for _ in range(3):
            assert await who(house, claim, bearer(token({"sub": "ann"}, RSA, "RS256", kid="one"))) == "ann"
        assert len(asked) == 1
        published.append(EC)
        rotated = bearer(token({"sub": "bob"}, EC, "ES256", kid="two"))
        assert await refused(house, claim, rotated) == "token_invalid"
        assert len(asked) == 1, "not so soon again"
        monkeypatch.setattr(key_sets, "ASKED_EVERY_S", -1.0)
        assert await who(house, claim, rotated) == "bob"
        published.clear()
        monkeypatch.setattr(key_sets, "KEPT_S", -1.0)
        assert await who(house, claim, rotated) == "bob"
        with pytest.raises(UpstreamTrouble):
            await who(house, JwtClaim(jwks=f"http://127.0.0.1:{signer.port}/keys"), rotated)


async def test_a_header_is_believed_from_a_peer_with_the_secret(house: Tokenhouse):
    trusted = TrustedHeader(secret=SECRET)
    shown = ("x-tokenhouse-secret", SECRET)
    assert await who(house, trusted, scope(("x-user-id", "민수"), shown)) == "민수"
    assert await refused(house, trusted, scope(shown)) == "credential_missing"
    assert await refused(house, trusted, scope(("x-user-id", "ann"))) == "peer_unproven"
    wrong = ("x-tokenhouse-secret", SECRET[:-1] + "é")
    assert await refused(house, trusted, scope(("x-user-id", "ann"), wrong)) == "peer_unproven"
    smuggled = scope(("x-user-id", "eve"), ("x-user-id", "ann"), shown)
    assert await refused(house, trusted, smuggled) == "header_repeated"


@pytest.mark.parametrize(
    ("client", "believed"),
    [
        (("10.0.3.7", 1), True),
        (("::ffff:10.0.3.7", 1), True),
        (("fd00::1", 1), True),
        (("10.0.4.7", 1), False),
        (("testclient", 1), False),
        (None, False),
    ],
)
async def test_a_header_is_believed_from_a_listed_address(house: Tokenhouse, client, believed):
    listed = TrustedHeader("x-customer", peers=["10.0.3.0/24", "fd00::1"])
    asked = scope(("x-customer", "ann"), client=client)
    if believed:
        assert await who(house, listed, asked) == "ann"
    else:
        assert await refused(house, listed, asked) == "peer_unproven"
    both = TrustedHeader("x-customer", peers=["10.0.3.0/24", "fd00::1"], secret=SECRET)
    assert await refused(house, both, asked) == "peer_unproven"


async def test_an_application_may_say_itself_who_calls(house: Tokenhouse):
    async def later(asked):
        return asked["user"]

    assert await who(house, lambda asked: asked["user"], {"user": "ann"}) == "ann"
    assert await who(house, later, {"user": "ann"}) == "ann"
    assert await refused(house, later, {"user": None}) == "credential_missing"
    several = [ApiKey(), TrustedHeader(secret=SECRET), lambda _scope: "guest"]
    assert await who(house, several, scope()) == "guest"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: credentials_of("x-user-id"), "account_open"),
        (lambda: credentials_of([]), "account_open"),
        (lambda: credentials_of(["x-user-id"]), "account_open"),
        (TrustedHeader, "header_open"),
        (lambda: TrustedHeader(secret=""), "secret_empty"),
        (lambda: TrustedHeader(secret="   "), "secret_empty"),
        (lambda: TrustedHeader(secret="short"), "secret_short"),
        (lambda: TrustedHeader(secret="x" * 64), "secret_default"),
        (lambda: TrustedHeader(peers=["proxy"]), "peer_invalid"),
        (lambda: TrustedHeader(peers=["0.0.0.0/0"]), "peers_everybody"),
        (lambda: TrustedHeader(peers=["::/0"], secret=SECRET), "peers_everybody"),
        (JwtClaim, "token_keys"),
        (lambda: JwtClaim(secret=SECRET, public_key="x"), "token_keys"),
        (lambda: JwtClaim(secret=""), "secret_empty"),
        (lambda: JwtClaim(secret="your-256-bit-secret"), "secret_short"),
        (lambda: JwtClaim(secret="a-string-secret-at-least-256-bits-long"), "secret_default"),
        (lambda: JwtClaim(secret="django-insecure-change-me-7g5h3k9s1x"), "secret_default"),
        (lambda: JwtClaim(secret=SECRET, algorithms=["RS256"]), "token_algorithms"),
        (lambda: JwtClaim(jwks={"keys": []}, algorithms=["RS256", "HS256"]), "token_algorithms"),
        (lambda: JwtClaim(public_key="x", algorithms=["none"]), "token_algorithms"),
        (lambda: JwtClaim(public_key="-----BEGIN PUBLIC KEY-----"), "token_key_unreadable"),
        (lambda: JwtClaim(jwks={}), "token_key_unreadable"),
        (lambda: JwtClaim(jwks={"keys": []}), "token_key_unreadable"),
        (lambda: JwtClaim(jwks="http://signer.example/keys"), "key_set_address"),
    ],
)
def test_what_would_let_anybody_be_anybody_refuses_to_start(make, reason):
    with pytest.raises(StartRefused) as no:
        make()
    assert no.value.reason == reason
    assert no.value.message("ko")
