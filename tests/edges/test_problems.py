"""The one table: every error has a row, and each client is told what to do next in words that it knows."""

import inspect
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.edges import problems_page
from tokenhouse import Tokenhouse, errors, messages
from tokenhouse.edges import problems
from tokenhouse.edges.cli import frame
from tokenhouse.edges.problems import TABLE, answer
from tokenhouse.providers.native_errors import KINDS
from tokenhouse.settings import Settings

CLASSES = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, errors.TokenhouseError)
]
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
PROTOCOLS = ("openai", "anthropic", "problem")
FACTS = {
    "state": "closed",
    "model": "m",
    "limit": "requests/minute",
    "used": 1,
    "amount": 1,
    "short_by": 1,
    "available": 0,
    "retry_after_s": 1,
    "resets_at": None,
    "allow": "GET",
    "method": "PUT",
    "path": "/x",
}


def told(error, protocol="openai", locale="en"):
    """Return status, headers and the body as a document."""
    status, headers, body = answer(error, protocol, locale, now=NOW)
    return status, dict(headers), json.loads(body)


def test_every_class_has_a_row_a_status_a_title_and_an_exit_code():
    assert set(TABLE) == set(CLASSES)
    assert set(TABLE.values()) | set(problems.REASONS.values()) <= set(KINDS)
    for locale in messages.LOCALES:
        assert [one.code for one in CLASSES if f"problem.{one.code}" not in messages.catalogue(locale)] == []
    assert {one.exit_code for one in CLASSES} <= set(frame.EXITS)


@pytest.mark.parametrize("reason", problems.REASONS)
def test_every_reason_of_the_table_is_a_sentence(reason):
    assert f"error.{reason}" in messages.catalogue("en")


@pytest.mark.row("E7")
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("locale", messages.LOCALES)
def test_every_class_is_told_in_every_shape_and_language(kind, protocol, locale):
    error = kind(**FACTS)
    status, headers, body = told(error, protocol, locale)
    assert 400 <= status < 600
    if protocol == "openai":
        assert {"message", "type", "param", "code"} <= set(body["error"])
        text = body["error"]["message"]
    elif protocol == "anthropic":
        assert body["type"] == "error"
        text = body["error"]["message"]
    else:
        assert headers["content-type"] == "application/problem+json"
        assert (body["status"], body["code"]) == (status, kind.code)
        text = body["detail"]
    assert text == error.message(locale)


@pytest.mark.parametrize(
    ("error", "status", "retried"),
    [
        (errors.InvalidInput("body_too_large", field="body", value="", most=5), 413, False),
        (errors.InvalidInput("text_wanted", field="model", value="5"), 400, False),
        (errors.AccountClosed(state="closed"), 403, False),
        (errors.ModelRefused(model="m"), 403, False),
        (errors.InsufficientCredit(short_by=1, available=0), 402, False),
        (errors.Unauthenticated("key_missing"), 401, False),
        (errors.NotFound("model_unknown", model="m"), 404, False),
        (errors.MethodRefused(method="PUT", path="/x", allow="GET"), 405, False),
        (errors.KeyReused(), 422, False),
        (errors.StillRunning(retry_after_s=1), 409, True),
        (errors.Busy(retry_after_s=1), 503, True),
        (errors.DatabaseTrouble("postgres_away", problem="x"), 503, True),
        (errors.UpstreamTrouble("upstream_unreachable", model="m"), 502, True),
        (errors.UpstreamTrouble("upstream_timeout", model="m", wait_s=60), 504, True),
        (errors.StartRefused(), 500, False),
        (ZeroDivisionError("secret"), 500, False),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_statuses_and_who_may_come_back(error, status, retried, protocol):
    found, headers, _ = told(error, protocol)
    assert found == status
    assert headers.get("x-should-retry") == (None if retried else "false")
    assert ("www-authenticate" in headers) == (status == 401)
    assert headers.get("retry-after") == ("1" if isinstance(error, errors.Busy) else None)


@pytest.mark.row("E7")
@pytest.mark.parametrize(
    ("wait", "status", "retry_after"),
    [
        (timedelta(seconds=0), 429, "1"),
        (timedelta(milliseconds=1_500), 429, "2"),
        (timedelta(seconds=60), 429, "60"),
        (timedelta(seconds=61), 402, None),
        (timedelta(days=10), 402, None),
        (None, 402, None),
    ],
)
def test_a_limit_is_429_only_where_waiting_a_minute_helps(wait, status, retry_after):
    resets_at = NOW + wait if wait is not None else None
    error = errors.LimitReached(**FACTS | {"resets_at": resets_at, "status": 402, "stop_code": "x"})
    found, headers, body = told(error)
    assert (found, headers.get("retry-after")) == (status, retry_after)
    assert ("x-should-retry" in headers) == (status == 402)
    assert body["error"]["type"] == ("rate_limit_error" if status == 429 else "insufficient_quota")
    if resets_at is not None:
        assert datetime.fromisoformat(body["error"]["resets_at"]) == resets_at


def test_our_own_troubles_name_no_host_and_no_path():
    for error in (
        errors.DatabaseTrouble("postgres_away", problem="connect to db7.internal refused"),
        errors.StartRefused("spool_unusable", path="/secret", problem="no"),
        RuntimeError("/secret db7.internal"),
    ):
        for protocol in PROTOCOLS:
            assert "secret" not in str(told(error, protocol))
            assert "db7" not in str(told(error, protocol))


def test_a_wrong_field_is_named_where_the_client_looks_for_it():
    _, _, body = told(errors.InvalidInput("text_wanted", field="messages[0].content", value="5"))
    assert body["error"]["param"] == "messages[0].content"
    _, _, body = told(errors.InvalidInput("text_wanted", field="model", value="5"), "problem")
    assert body["field"] == "model"


def test_facts_of_any_kind_can_be_written():
    inner = errors.NotFound("model_unknown", model="m")
    error = errors.InvalidInput("file_wrong", value=inner, field="f", problem=(1, 2), more=(1, 2))
    for protocol in PROTOCOLS:
        assert "no model m" in str(told(error, protocol))


@pytest.mark.row("B2", "C4", "D4", "E7")
@pytest.mark.parametrize(
    ("preset", "status", "code"),
    [
        ("chat-tokens", 402, "TOKEN_EXHAUSTED"),
        ("quota", 429, "insufficient_credit"),
        ("points", 402, "insufficient_credit"),
    ],
)
async def test_a_plan_chooses_status_and_code_of_its_stop(database, clock, preset, status, code):
    settings = Settings(plan=preset, purchase_url="https://example.org/buy")
    async with Tokenhouse.open(database, settings=settings, clock=clock) as house:
        await house.account("alice")
        with pytest.raises(errors.InsufficientCredit) as no:
            await house.reserve("alice", 10**9)
        for locale in messages.LOCALES:
            found, headers, body = told(no.value, "problem", locale)
            assert (found, body["code"]) == (status, code)
            assert headers["x-should-retry"] == "false"
            assert "retry-after" not in headers
            assert body["purchase_url"] == "https://example.org/buy"
            assert body["remaining"] == no.value.facts["available"]
            assert ("resets_at" in body) == (preset != "points")
            action = "PURCHASE_CREDIT" if preset == "points" else "PURCHASE_TOKENS"
            assert body["recommended_action"] == action
        found, _, native = told(no.value, "openai")
        assert found == status
        assert (native["error"]["type"], native["error"]["code"]) == ("insufficient_quota",) * 2
        assert native["error"]["stop_code"] == code
        found, _, native = told(no.value, "anthropic")
        assert (found, native["error"]["type"]) == (status, "billing_error")


def test_the_page_is_what_the_table_says():
    written = problems_page.PAGE.read_text(encoding="utf-8")
    assert written == problems_page.page(), "run python -m tests.edges.problems_page"
