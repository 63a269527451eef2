"""What opens something appears nowhere: in no log, no answer, no repr, and not in what `doctor` shows."""

import logging
from typing import Any

import msgspec
import pytest

from tests.edges.api.conftest import Service
from tokenhouse import settings as settings_of
from tokenhouse.flow.examine import in_force
from tokenhouse.settings import Jwt, Settings, Smtp, TrustedHeader, Upstream
from tokenhouse.settings.checks import SECRETIVE

CODE = "Xk8vQ2"
"""Stands in every secret of this module, and nowhere else."""
LONG = f"{CODE}-Zk4Mx9Tc1Ws6Hd3Rf8Jy5Lp0Ga-{CODE}"
PASSWORD = f"nine small {CODE} birds"


def kinds() -> list[type[msgspec.Struct]]:
    """Return every table of settings."""
    return [
        kind
        for kind in vars(settings_of).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct
    ]


def secret_fields(kind: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind) if SECRETIVE.search(field.name)]


def filled(kind: type[msgspec.Struct]) -> Any:
    """Return a table with a secret wherever one can be."""
    needed = {
        field.name: {"url": "https://api.example.com", "sender": "a@example.com"}.get(field.name, "x")
        for field in msgspec.structs.fields(kind)
        if field.required
    }
    secrets: dict[str, Any] = {
        name: {"api-key": LONG} if name == "headers" else LONG for name in secret_fields(kind)
    }
    return kind(**{**needed, **secrets})


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_no_table_of_settings_shows_what_opens_something(kind):
    table = filled(kind)
    assert CODE not in f"{table!r} {table} {settings_of.shown(table)}"


def test_nothing_that_opens_something_hides_under_another_name():
    assert {f"{kind.__name__}.{name}" for kind in kinds() for name in secret_fields(kind)} >= {
        "Jwt.secret",
        "Smtp.password",
        "TrustedHeader.secret",
        "Upstream.headers",
        "Upstream.key",
    }


def everything(tmp_path) -> Settings:
    return Settings(
        home=tmp_path,
        database_url=f"postgresql://someone:{CODE}@db.example.com/th?password={CODE}",
        redis_url=f"redis://:{CODE}@cache.example.com/0",
        public_url=f"https://me:{CODE}@tokens.example.com",
        upstream=(Upstream(name="one", url=f"https://a.example.com/v1?key={CODE}", key=LONG),),
        jwt=Jwt(secret=LONG),
        trusted_header=TrustedHeader(secret=LONG),
        smtp=Smtp(host="mail.example.com", sender="a@example.com", user="a", password=LONG),
    )


def test_settings_and_doctor_show_none(tmp_path):
    told = f"{everything(tmp_path)!r} {in_force(everything(tmp_path))}"
    assert CODE not in told
    assert "mail.example.com" in told
    assert "db.example.com" in told


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"jwt": Jwt(secret=LONG), "trusted_header": TrustedHeader(secret=f"proxy-{LONG}")}


@pytest.mark.row("D9")
async def test_no_log_and_no_answer_tells_what_somebody_showed(service: Service, caplog):
    caplog.set_level(logging.DEBUG)
    made = await service.ok(
        "POST", "/api/v1/people", who="owner", json={"email": "a@example.com", "role": "owner"}
    )
    link = made["link"].partition("#")[2]
    told = []
    for path, body in (
        ("/api/v1/session/link", {"link": f"{link}x", "password": PASSWORD}),
        ("/api/v1/session/link", {"link": link, "password": f"{CODE} {CODE}"[:11]}),
        ("/api/v1/session/link", {"link": link, "password": PASSWORD}),
        ("/api/v1/session", {"email": "a@example.com", "password": f"{PASSWORD}!"}),
        ("/api/v1/session", {"email": "a@example.com", "password": {"x": PASSWORD}}),
        ("/api/v1/session", {"email": "a@example.com", "password": PASSWORD}),
    ):
        told.append((await service.call("POST", path, json=body)).text)
    key = await service.key("alice")
    shown = [f"th_{CODE * 7}x", f"eyJ.{CODE}.{CODE}", CODE, f"{CODE}\r\n"]
    for secret in shown:
        for headers in (
            {"authorization": f"Bearer {secret}".strip()},
            {"x-api-key": secret.strip()},
            {"cookie": f"tokenhouse={secret.strip()}"},
            {"x-user-id": "alice", "x-tokenhouse-secret": secret.strip()},
        ):
            for method, path in (("GET", "/api/v1/session"), ("GET", "/v1/models"), ("POST", "/v1/messages")):
                told.append((await service.call(method, path, headers=headers)).text)
    await service.ok("GET", "/v1/models", headers={"authorization": f"Bearer {key}"})
    query = {"key": LONG, "access_token": LONG}
    told.append((await service.call("GET", "/api/v1/nothing", params=query)).text)
    ours = [record for record in caplog.records if not record.name.startswith("httpx2")]
    written = "".join([*told, *(f"{record.getMessage()} {vars(record)}" for record in ours)])
    for secret in (CODE, link, key[12:]):
        assert secret not in written
