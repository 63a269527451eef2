"""What a server runs with, over REST: every setting with its meaning and origin, and never a secret."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from tests.edges.api.conftest import Service
from tokenhouse.edges.server import build
from tokenhouse.settings import Settings, described, read

SETTINGS = "/api/v1/settings"
SECRET = "9fJ2kQ7wZr4xT1bN8mV0cL5pS3dH6gYaE1uWq"
HOSTILE = f"""
redis_url = "redis://:{SECRET}@127.0.0.1:6379/0?password={SECRET}"
purchase_url = "https://user:{SECRET}@shop.example.com/buy?key={SECRET}#{SECRET}"
traces_url = "http://{SECRET}@127.0.0.1:4318/v1/traces"
lanes = 3

[[upstream]]
name = "acme"
url = "https://api.acme.example/v1?key={SECRET}"
key = "{SECRET}"
headers = {{ "x-key" = "{SECRET}" }}

[jwt]
secret = "{SECRET}"

[trusted_header]
secret = "{SECRET}"

[smtp]
host = "mail.example.com"
sender = "a@example.com"
user = "mailer"
password = "{SECRET}"

[payments.callback]
secret = "{SECRET}"
checkout_url = "https://me:{SECRET}@shop.example.com/{{order}}?t={SECRET}"

[payments.stripe]
key = "sk_test_{SECRET}"
secret = "whsec_{SECRET}"

[payments.toss]
key = "live_sk_{SECRET}"
client_key = "{SECRET}"
"""


def by_name(found: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an answer by their names."""
    return {one["name"]: one for one in found["settings"]}


@pytest.mark.row("E10")
async def test_auditors_see_what_the_server_runs_with(service: Service):
    await service.no(401, "GET", SETTINGS)
    await service.no(403, "GET", SETTINGS, who="alice")
    found = await service.ok("GET", SETTINGS, who="auditor")
    told = by_name(found)
    assert told["lanes"] == {
        "name": "lanes",
        "value": 2,
        "is_set": True,
        "is_secret": False,
        "origin": "default",
        "meaning": described.meanings("en")["lanes"],
    }
    assert (told["home"]["origin"], told["chat.model"]["value"], told["smtp"]["is_set"]) == (
        "program",
        "demo",
        False,
    )
    assert {one["subject"] for one in found["examined"]} >= {
        "python",
        "postgres",
        "schema",
        "durability",
        "lanes",
    }
    assert {one["verdict"] for one in found["examined"] if one["subject"] == "schema"} == {"ok"}
    assert [(one["name"], one["answered"], one["failed"]) for one in found["providers"]] == [("demo", 0, 0)]
    assert (found["unit"], found["workers"]) == ("token", 1)


async def test_it_speaks_the_callers_language(service: Service):
    korean = {"accept-language": "ko"}
    found = await service.ok("GET", SETTINGS, who="auditor", headers=korean)
    assert by_name(found)["lanes"]["meaning"] == described.meanings("ko")["lanes"]
    assert next(one["title"] for one in found["examined"] if one["subject"] == "postgres") == "PostgreSQL"
    assert any("가" <= letter <= "힣" for one in found["examined"] for letter in one["said"])


def test_each_setting_has_a_meaning_in_both_languages():
    english, korean = described.meanings("en"), described.meanings("ko")
    assert list(english) == list(korean)
    assert [name for name in english if not english[name] or not korean[name]] == []
    assert [name for name, said in korean.items() if not any("가" <= letter <= "힣" for letter in said)] == []


@pytest.mark.row("E10")
async def test_no_secret_is_ever_in_it(database: str, clock: Clock, tmp_path: Path, monkeypatch: Any):
    (tmp_path / "tokenhouse.toml").write_text(HOSTILE, encoding="utf-8")
    separator = "&" if "?" in database else "?"
    address = f"{database}{separator}application_name={SECRET}"
    environ = {"TOKENHOUSE_HOME": str(tmp_path), "TOKENHOUSE_DATABASE_URL": address}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    chosen = read(environ)
    hidden = described.in_force(chosen, environ)
    assert SECRET not in json.dumps([repr(one) for one in hidden])
    told = {one.place: one for one in hidden}
    for name in ("upstream.acme.key", "upstream.acme.headers", "jwt.secret", "trusted_header.secret"):
        assert (told[name].value, told[name].is_set, told[name].is_secret) == (None, True, True)
    assert (told["lanes"].origin, told["database_url"].origin, told["port"].origin) == (
        "file",
        "environment",
        "default",
    )
    assert told["redis_url"].value == "redis://127.0.0.1:6379/0"
    assert told["upstream.acme.url"].value == "https://api.acme.example/v1"
    shorn = Settings(
        home=tmp_path, database_url=database, upstream=chosen.upstream, jwt=chosen.jwt, smtp=chosen.smtp,
        payments=chosen.payments, purchase_url=chosen.purchase_url,
    )  # fmt: skip
    app = build(shorn, clock=clock, upkeep=False)
    async with app.opened() as house:
        import httpx2

        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://tokenhouse.test") as client:
            seen = await Service(app, house, client).call("GET", SETTINGS, who="auditor")
    assert (seen.status_code, SECRET in seen.text) == (200, False)
    assert by_name(seen.json())["payments.stripe.key"]["is_set"]


def test_an_address_that_is_none_shows_nothing():
    for text in (f"host=x password={SECRET}", f"PASSWORD = {SECRET} host=x", f"://{SECRET}@x"):
        found = described.in_force(Settings(database_url=text), {})
        assert SECRET not in str(next(one.value for one in found if one.place == "database_url"))


@pytest.mark.row("E10")
async def test_a_provider_is_asked_whether_it_answers(service: Service):
    where = "/api/v1/providers/demo/check"
    await service.no(403, "POST", where, who="auditor")
    found = await service.ok("POST", where, who="operator")
    assert (found["name"], found["models"] > 0) == ("demo", True)
    no = await service.no(404, "POST", "/api/v1/providers/nobody/check", who="operator")
    assert no["code"] == "not_found"
    [change] = (await service.ok("GET", "/api/v1/audit-log?action=provider", who="auditor"))["items"]
    assert (change["action"], change["subject"]) == ("provider.check", "demo")


@pytest.mark.parametrize("settings", [{"upstream": ()}])
async def test_the_settings_stand_while_a_file_is_broken(service: Service, tmp_path: Path, monkeypatch: Any):
    (tmp_path / "tokenhouse.toml").write_text("lanes = ", encoding="utf-8")
    monkeypatch.setenv("TOKENHOUSE_HOME", str(tmp_path))
    found = by_name(await service.ok("GET", SETTINGS, who="auditor"))
    assert (found["lanes"]["origin"], found["home"]["origin"]) == ("default", "program")
