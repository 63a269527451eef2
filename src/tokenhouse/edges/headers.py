"""Headers that say where an account stands: on every answer of a call, the refused ones among them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from tokenhouse.flow.report import BalanceView
from tokenhouse.rules import limits
from tokenhouse.rules.periods import FOREVER, Instant, instant, moment
from tokenhouse.rules.verdict import Member

Header = tuple[str, str]

WARNED: Final = ("warning", "critical", "blocked")
"""Levels that a header names; below them there is nothing to say."""
SENT_ON: Final = {
    name.encode(): name
    for name in (
        *("accept", "content-type", "user-agent", "x-request-id", "x-client-request-id"),
        *("traceparent", "tracestate", "openai-beta", "anthropic-version", "anthropic-beta"),
    )
}
"""What of a caller's headers a provider gets. Nothing else goes: not what opens our doors, nor where it is
from, nor its idempotency keys, which would be those of all our callers at once."""
SENT_BACK: Final = frozenset(
    (
        *("content-type", "content-encoding", "cache-control", "retry-after", "retry-after-ms"),
        *("x-should-retry", "x-request-id", "request-id", "openai-processing-ms", "openai-version"),
    )
)
"""What of a provider's headers a caller gets. Nothing else comes: not our organisation there, nor how much of
its limits we have left."""
ENCODING: Final = "latin-1"
"""Of names and values, as HTTP and ASGI have them."""


def first(scope: Mapping[str, Any], name: bytes) -> bytes:
    """Return a header of a request, the first of several; empty where none came.

    Of what proves somebody there may be only one: that is read by `credentials.header`.
    """
    for one, value in scope["headers"]:
        if one == name:
            return bytes(value)
    return b""


def encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI sends them."""
    return [(name.encode(ENCODING), value.encode(ENCODING)) for name, value in headers]


def standing(balance: BalanceView, now: datetime) -> list[tuple[str, str]]:
    """Return what an account has left, as headers; names are lower case, as ASGI has them.

    `ratelimit` follows the IETF's draft: the period is the window, and its quota what was used of it and
    what is left. An account without a period has only our own headers.
    """
    told = [
        ("x-tokenhouse-remaining", str(balance.remaining)),
        ("x-tokenhouse-used-percent", f"{balance.used_percent:g}"),
    ]
    if balance.level in WARNED:
        told.append(("x-tokenhouse-warning", balance.level.upper()))
    begin, end = balance.period_start_at, balance.period_end_at
    if begin is not None and end is not None:
        quota, window = balance.used + balance.remaining, int((end - begin).total_seconds())
        rest = max(int((end - now).total_seconds()), 0)
        told.append(("ratelimit-policy", f'"{balance.plan}";q={quota};w={window}'))
        told.append(("ratelimit", f'"{balance.plan}";r={balance.remaining};t={rest}'))
    return told


def limited(path: list[Member], protocol: str, *, model: str, api_key: str, now: datetime) -> list[Header]:
    """Return what the limits on an account's requests and tokens leave, as a vendor's SDK looks for it.

    Every limit on the way up its tree is a policy of `ratelimit`; the tightest one of requests, and of
    tokens, is told in the vendor's own headers. Where the unit is a token, what is left of the period is such
    a limit too. Callers of a `protocol` of their own get the policies alone. `path` is the account and those
    above it, as they stand after a call of `model`.
    """
    told: list[Header] = []
    tightest: dict[str, _Window] = {}
    at = instant(now)
    for balance, plan in path:
        if plan.unit.name == "token" and balance.own_credit and balance.period_end_at < FOREVER:
            left = max(balance.left - balance.debt, 0)
            _tighten(tightest, "tokens", _Window(balance.used + left, left, balance.period_end_at))
        for limit in plan.limit:
            name = limits.counter_name(limit, model, api_key)
            counter = limits.window(balance, plan, limit, name, at)
            left, end_at = max(limit.amount - counter.used, 0), counter.end_at
            if limit.what != "credit":
                _tighten(tightest, limit.what, _Window(limit.amount, left, end_at))
            length, rest = (end_at - counter.start_at) // 1_000_000, _seconds(end_at, at)
            told.append(("ratelimit-policy", f'"{limit.name}";q={limit.amount};w={length}'))
            told.append(("ratelimit", f'"{limit.name}";r={left};t={rest}'))
    for what, one in tightest.items():
        if protocol == "openai":
            told += _openai(what, one, at)
        elif protocol == "anthropic":
            told += _anthropic(what, one)
    return told


class _Window(NamedTuple):
    """What one limit grants, what of it is left, and when all of it is there again."""

    limit: int
    left: int
    end_at: Instant


def _tighten(tightest: dict[str, _Window], what: str, one: _Window) -> None:
    """Keep the window of which the least is left."""
    known = tightest.get(what)
    if known is None or one.left < known.left:
        tightest[what] = one


def _openai(what: str, one: _Window, at: Instant) -> list[Header]:
    """Return a window as OpenAI tells it: the wait as a duration such as 1h5m0s."""
    minutes, seconds = divmod(_seconds(one.end_at, at), 60)
    hours, minutes = divmod(minutes, 60)
    wait = (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}s"
    return [
        (f"x-ratelimit-limit-{what}", str(one.limit)),
        (f"x-ratelimit-remaining-{what}", str(one.left)),
        (f"x-ratelimit-reset-{what}", wait),
    ]


def _anthropic(what: str, one: _Window) -> list[Header]:
    """Return a window as Anthropic tells it: its end as a time."""
    end = moment(one.end_at).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = (("limit", one.limit), ("remaining", one.left), ("reset", end))
    return [(f"anthropic-ratelimit-{what}-{fact}", str(value)) for fact, value in facts]


def _seconds(end_at: Instant, at: Instant) -> int:
    """Return whole seconds until `end_at`."""
    return max((end_at - at) // 1_000_000, 0)


def sent_on(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return those of a caller's headers, as ASGI has them, that a provider gets."""
    return {SENT_ON[name]: value.decode(ENCODING) for name, value in headers if name in SENT_ON}


def sent_back(headers: Iterable[Header]) -> list[Header]:
    """Return those of a provider's headers that a caller gets, as far as their values can be sent at all."""
    return [
        (known, value)
        for name, value in headers
        if (known := name.lower()) in SENT_BACK and value.isascii() and value.isprintable()
    ]
