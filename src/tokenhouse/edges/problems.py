"""Problems: the one table from our errors to what each client understands, and the answers written by it.

A no that waiting lifts within a minute is a 429 with a true Retry-After; every other no of the rules carries
the plan's status (402 unless it says 429) and `x-should-retry: false`, so that it costs one request and not
a storm of them. What is said of our own troubles names no host and no path: that is for the log.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from typing import Any, Final, Literal, NamedTuple

import msgspec

from tokenhouse import errors, messages
from tokenhouse.errors import InsufficientCredit, LimitReached, TokenhouseError
from tokenhouse.providers.native_errors import KINDS, native_error

Protocol = Literal["openai", "anthropic", "problem"]

RETRY_AFTER_MOST_S: Final = 60
"""The longest wait that a client is told: some SDKs sleep for as long as they are told, be it ten days."""
CREDIT: Final = "insufficient_credit"
SHORT: Final = "rate_limit"
INTERNAL: Final = "internal"

TABLE: Final[dict[type[TokenhouseError], str]] = {
    TokenhouseError: INTERNAL,
    errors.InvalidInput: "invalid_request",
    errors.Refused: "permission",
    errors.AccountClosed: "permission",
    errors.ModelRefused: "permission",
    errors.LimitReached: CREDIT,
    errors.InsufficientCredit: CREDIT,
    errors.Unauthenticated: "authentication",
    errors.Forbidden: "permission",
    errors.NotFound: "not_found",
    errors.MethodRefused: "method",
    errors.KeyReused: "key_reused",
    errors.Busy: "busy",
    errors.StillRunning: "conflict",
    errors.Throttled: SHORT,
    errors.UpstreamTrouble: "upstream",
    errors.DatabaseTrouble: "busy",
    errors.StartRefused: INTERNAL,
}
"""Class -> kind of `providers.native_errors.KINDS`, which has the status and the vendors' types and codes.

The class itself has its `code`, whether it is `retryable`, and the command line's exit code.
"""
REASONS: Final[dict[str, str]] = {
    "model_unknown": "model_not_found",
    "model_other_protocol": "model_not_found",
    "rate_unknown": "model_not_found",
    "body_too_large": "too_large",
    "upstream_unreachable": "upstream",
    "upstream_broke_off": "upstream",
    "upstream_timeout": "upstream_timeout",
    "upstream_late": "upstream_timeout",
}
"""Reason -> kind, where a class has several."""
UNTOLD: Final = (errors.DatabaseTrouble, errors.StartRefused)
"""Whose facts are for the operator: a caller hears the class' own sentence."""
INNER: Final = ("status", "stop_code", "problem", "retry_after_s", "missing", "free")
"""Facts that are no member of a body: they are its status, its code, its sentence or its headers."""

_encode: Final = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """What goes to a client: the headers' names are lower case, as ASGI has them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def answer(error: Exception, protocol: Protocol, locale: str, *, now: datetime) -> Answer:
    """Return the answer to a call that failed, as the clients of a protocol understand it.

    What is none of our errors is a fault of ours: status 500, and not a word of what it was.

    Args:
        error: what was raised.
        protocol: "openai" and "anthropic" for calls of their SDKs, "problem" (RFC 9457) for our own paths.
        locale: the language of the account.
        now: the house's time, from which waits are told.
    """
    if not isinstance(error, TokenhouseError):
        text = messages.say("problem.internal_detail", locale)
        return _written(protocol, INTERNAL, 500, "internal", text, {}, [("x-should-retry", "false")], locale)
    wait_s = wait(error, now)
    kind = kind_of(error, wait_s)
    status = _status(error, kind)
    if isinstance(error, UNTOLD):
        text, facts = messages.say(f"error.{error.code}", locale), dict[str, Any]()
    else:
        text, facts = error.message(locale), told(error, locale)
    headers = _headers(status, wait_s, retryable=error.retryable and kind != CREDIT)
    if isinstance(error, errors.MethodRefused):
        headers.append(("allow", error.facts["allow"]))
    return _written(protocol, kind, status, error.code, text, facts, headers, locale)


def kind_of(error: TokenhouseError, wait_s: int | None) -> str:
    """Return the row of an error: its reason's, else its class'. A limit that lifts soon is a rate limit."""
    if isinstance(error, LimitReached) and wait_s is not None:
        return SHORT
    return REASONS.get(error.reason) or TABLE[type(error)]


def wait(error: TokenhouseError, now: datetime) -> int | None:
    """Return for how many seconds a client should wait; None where no wait of a minute helps."""
    if isinstance(error, errors.Busy | errors.Throttled):
        return min(ceil(float(error.facts["retry_after_s"])), RETRY_AFTER_MOST_S)
    resets_at = error.facts.get("resets_at")
    if not isinstance(error, LimitReached) or resets_at is None:
        return None
    seconds = max(ceil((resets_at - now).total_seconds()), 1)
    return seconds if seconds <= RETRY_AFTER_MOST_S else None


def told(error: TokenhouseError, locale: str) -> dict[str, Any]:
    """Return the facts of an error as members of a body: those that are there, times in UTC."""
    facts = {
        name: _plain(fact, locale)
        for name, fact in error.facts.items()
        if name not in INNER and fact is not None and fact != ""
    }
    if isinstance(error, InsufficientCredit):
        facts["remaining"] = error.facts.get("available", 0)
        unit = error.facts.get("unit")
        facts["recommended_action"] = "PURCHASE_TOKENS" if unit == "token" else "PURCHASE_CREDIT"
        facts["stop_code"] = error.facts.get("stop_code", error.code)
    return facts


def _plain(fact: Any, locale: str) -> Any:
    """Return a fact as JSON has it."""
    if isinstance(fact, datetime):
        return fact.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(fact, TokenhouseError):
        return fact.message(locale)
    return fact if isinstance(fact, int | str) else str(fact)


def _status(error: TokenhouseError, kind: str) -> int:
    """Return the status of a row; for want of credit the plan has the last word."""
    if kind == CREDIT:
        return int(error.facts.get("status", KINDS[kind].status))
    return KINDS[kind].status


def _headers(status: int, wait_s: int | None, *, retryable: bool) -> list[tuple[str, str]]:
    """Return the headers that tell a client what to do next."""
    headers = []
    if wait_s is not None:
        headers.append(("retry-after", str(wait_s)))
    if not retryable:
        headers.append(("x-should-retry", "false"))
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append(("www-authenticate", "Bearer"))
    return headers


def _written(
    protocol: Protocol,
    kind: str,
    status: int,
    code: str,
    text: str,
    facts: Mapping[str, Any],
    headers: list[tuple[str, str]],
    locale: str,
) -> Answer:
    """Return an answer in the shape of its protocol."""
    if protocol == "problem":
        document = {
            **facts,
            "type": f"urn:tokenhouse:error:{code}",
            "title": messages.say(f"problem.{code}", locale),
            "status": status,
            "detail": text,
            "code": facts.get("stop_code", code),
        }
        return Answer(status, [("content-type", "application/problem+json"), *headers], _encode(document))
    members = dict(facts)
    if protocol == "openai" and "field" in members:
        members["param"] = members.pop("field")
    body = native_error(protocol, kind, text, members)
    return Answer(status, [("content-type", "application/json"), *headers], body)
