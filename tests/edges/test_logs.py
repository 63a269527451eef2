"""Logs: a line of each request with its id, for people or for programs, and no secret in any of them."""

import io
import json
import logging
from typing import Any

import pytest

from tests.edges.api.conftest import Service
from tests.edges.api.conftest import service as service  # noqa: PLC0414 -- a fixture, also here
from tests.edges.api.conftest import settings as settings  # noqa: PLC0414
from tests.edges.serving import chat
from tokenhouse.edges.logs import log_to_stderr

SECRET = "th_AbCdEfGh" + "x" * 35


@pytest.fixture
def lines():
    """Let a test choose the form, and return the lines that were written."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    quiet = logging.getLogger("uvicorn").level
    out = io.StringIO()
    root.handlers = []

    def chosen(form: Any, at: str = "info") -> None:
        log_to_stderr(at, form, out)

    def written() -> list[str]:
        for handler in root.handlers:
            handler.flush()
        return out.getvalue().splitlines()

    chosen.lines = written
    yield chosen
    root.handlers = kept
    root.setLevel(level)
    logging.getLogger("uvicorn").setLevel(quiet)


def told(lines: Any, logger: str = "tokenhouse.access") -> list[dict[str, Any]]:
    return [one for one in map(json.loads, lines.lines()) if one["logger"] == logger]


async def test_a_request_has_one_line_and_one_id(service: Service, lines):
    lines("json")
    mine = {"x-request-id": "mine-1"}
    answer = await service.call("GET", "/api/v1/accounts/me/balance?key=hidden", who="alice", headers=mine)
    assert answer.headers.get_list("x-request-id") == ["mine-1"]
    [line] = told(lines)
    assert line["event"] == "GET /api/v1/accounts/me/balance"
    assert (line["status"], line["request_id"], line["account"]) == (200, "mine-1", "alice")
    assert line["bytes"] == len(answer.content)
    assert line["ms"] > 0
    assert "hidden" not in str(line)


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b'])
async def test_an_id_is_made_where_none_is_fit(service: Service, lines, given: str):
    lines("json")
    answer = await service.call("GET", "/health", headers={"x-request-id": given})
    made = answer.headers["x-request-id"]
    assert len(made) == 20
    assert told(lines)[0]["request_id"] == made


async def test_a_provider_s_own_id_stays_in_its_answer_and_both_are_written(service: Service, lines):
    secret = await service.key("alice")
    lines("json", "debug")
    answer = await service.call(
        "POST",
        "/v1/chat/completions",
        json=chat(max_tokens=20),
        headers={"authorization": f"Bearer {secret}", "x-request-id": "mine-2"},
    )
    assert answer.status_code == 200
    [line] = told(lines)
    assert (line["request_id"], line["account"]) == ("mine-2", "alice")
    assert answer.headers["x-request-id"] == line.get("provider_request_id", "mine-2")
    written = "".join(lines.lines())
    assert secret not in written
    assert secret[11:] not in written


async def test_what_goes_wrong_on_the_way_has_the_same_id(service: Service, lines, monkeypatch):
    lines("json")

    async def broken(*_: object) -> None:
        raise ZeroDivisionError(f"with {SECRET}")

    monkeypatch.setattr(type(service.house), "ready", broken)
    answer = await service.call("GET", "/ready", headers={"x-request-id": "mine-3"})
    assert answer.status_code == 500
    [fault] = told(lines, "tokenhouse.server")
    assert (fault["level"], fault["request_id"]) == ("error", "mine-3")
    assert "ZeroDivisionError: with th_AbCdEfGh***" in fault["exception"]
    assert SECRET not in "".join(lines.lines())


def test_lines_for_people_are_one_line_whatever_stands_in_them(lines):
    lines("text")
    logging.getLogger("tokenhouse.test").warning("a\nforged\r\x1b[31m line of %s", "x", extra={"status": 5})
    logging.getLogger("tokenhouse.test").debug("unseen")
    [line] = lines.lines()
    head, _, said = line.partition("] ")
    assert head.split()[1] == "WARNING"
    assert "tokenhouse.test[" in head
    assert said == r"a\nforged\r\e[31m line of x status=5"
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        logging.getLogger("tokenhouse.test").exception("it failed")
    assert lines.lines()[-1] == "ZeroDivisionError"


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("said", "written"),
    [
        (f"key {SECRET}", "key th_AbCdEfGh***"),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWI.sig-nature", "Authorization: Bearer ***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
        ("sk-proj-abcdefghijklmnop", "sk-***"),
        ("at postgresql://app:pa55@db.example/one", "at postgresql://app:***@db.example/one"),
        ("at postgresql://app:p%40/a@55@db.example/one", "at postgresql://app:***@db.example/one"),
        ("at postgresql://app@db.example/one?password=pa55&x=1", "db.example/one?password=***&x=1"),
        ("at redis://:pa55@cache:6379/0 and amqp://u:p4@q", "redis://:***@cache:6379/0 and amqp://u:***@q"),
        ("host=db user=app password = 'pa 55\\'5' dbname=one", "host=db user=app password = *** dbname=one"),
        ("PGPASSWORD=pa55 psql", "PGPASSWORD=*** psql"),
        ("over slack://T1JJ/B2KK/zz99", "over slack://***"),
        ("over tgram://12:Ab-c/9/?format=text", "over tgram://***"),
        ("to https://hooks.slack.com/services/T1/B2/zz99", "to https://hooks.slack.com/***"),
        ("authorization: bEARER abcdefghijkl", "bEARER ***"),
        ("cookie a=eyJhbGciOi.eyJzdWI.sig-nature", "cookie a=eyJ***"),
        ("key th_AbCdEfGh of alice", "key th_AbCdEfGh of alice"),
        ("tokens=5 for http://127.0.0.1:8300/a@b", "tokens=5 for http://127.0.0.1:8300/a@b"),
        ("see https://example.com/a@b", "see https://example.com/a@b"),
    ],
)
def test_what_opens_something_is_never_written(lines, form: str, said: str, written: str):
    lines(form)
    logging.getLogger("tokenhouse.test").warning("%s", said)
    assert written in lines.lines()[-1]
    if said != written:
        assert said not in lines.lines()[-1]


def test_of_uvicorn_only_troubles_are_written(lines):
    lines("json")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request", extra={"color_message": "x"})
    [line] = map(json.loads, lines.lines())
    assert line["event"] == "Invalid HTTP request"
    assert "color_message" not in line
